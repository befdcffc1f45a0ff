"""The demo's run on every helpdesk with planted values in all that people write: nothing of them is left anywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest
import structlog

from oneclick_sla_plugin.cli.complaint_table import complaint_document, event_document
from oneclick_sla_plugin.cli.demo.results import document
from oneclick_sla_plugin.cli.demo.script import Script, load_script
from oneclick_sla_plugin.cli.demo.stage import Stage
from oneclick_sla_plugin.domain.model import Channel
from tests.acceptance.planted import Values, files_in


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What the program logs, line by line."""
    lines: list[str] = []

    def keep(_logger: object, _method: str, event: MutableMapping[str, Any]) -> NoReturn:
        lines.append(repr(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, keep])
    yield lines
    structlog.reset_defaults()


def planted(script: Script, customers: str, agents: str) -> Script:
    """The script with these words in every message of a customer and in every reply and note of an agent."""
    return replace(
        script,
        tickets=tuple(
            replace(
                ticket,
                text=f"{ticket.text}\n{customers}",
                steps=tuple(replace(step, text=step.text and f"{step.text}\n{agents}") for step in ticket.steps),
            )
            for ticket in script.tickets
        ),
    )


def test_nothing_planted_in_the_demo_is_left_anywhere(logged: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    values = Values(366)
    customers, agents = values.text(), values.text()
    # A word that could be a code, where codes stand; and a code, with the text beside it.
    pages = [
        (status, json.dumps({"error": code, "code": code, "description": customers}).encode())
        for status, code in ((500, values.word()), (422, "validation"))
    ]
    with Stage(load_script().accounts) as stage:
        performance = stage.play(planted(load_script(), customers, agents))
        for sandbox in stage.sandboxes.values():  # and a ticket that dies, on a helpdesk that quotes it
            for status, page in pages:
                sandbox.answer_next(1, status, operation=sandbox.write_operation, body=page)
            sandbox.open_ticket(channel=Channel.EMAIL, subject=values.word(), text=customers)
        stage.pass_time(stage.clock() + timedelta(minutes=10))
        program, register = stage.program, performance.register

        assert {one.key.account for one in program.ledger.dead()} == set(stage.sandboxes)
        outcomes = [outcome for result in performance.results for outcome in result.outcomes]
        assert {outcome.helpdesk.name for outcome in outcomes} >= {"freshdesk", "osticket", "zendesk"}
        assert all("sla_sensitive_data" in outcome.view.tags for outcome in outcomes)
        assert len(register.complaints) >= 3
        searched = {
            **dict(files_in(stage.folder)),
            "logs": "\n".join(logged).encode(),
            "logs of libraries": caplog.text.encode(),
            "metrics": program.metrics.render(),
            "dead list": repr(program.ledger.dead()).encode(),
            "demo --json": json.dumps([document(result) for result in performance.results]).encode(),
            "the complaint register": json.dumps(
                [
                    [
                        complaint_document(one, register.zone),
                        *(event_document(event, register.zone) for event in one.events),
                    ]
                    for one in register.complaints
                ]
            ).encode(),
        }
        assert any(name.endswith(".db") for name in searched)
        assert any(name.endswith(".db-wal") for name in searched)
        assert {name: found for name, content in searched.items() if (found := values.found_in(content))} == {}
