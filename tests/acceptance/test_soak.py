"""A helpdesk of which three answers in ten are faulty: everything ends as it should, only later.

``ONECLICK_SLA_SOAK_TICKETS`` sets how many tickets take part (60).
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from oneclick_sla_plugin.bootstrap import Program, build
from oneclick_sla_plugin.config import AccountConfig, Config
from oneclick_sla_plugin.domain.changes import diff, marked_keys
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Services
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.faults import Faults

TICKETS = int(os.environ.get("ONECLICK_SLA_SOAK_TICKETS", "60"))
PATIENCE = timedelta(seconds=60)
MONDAY = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)


class Soak:
    """A sandbox, the program on it, and a time that jumps to whatever is due next."""

    def __init__(self, sandbox: ZendeskSandbox, program: Program, clock: ManualClock) -> None:
        self.sandbox = sandbox
        self.program = program
        self.clock = clock
        self.chance = random.Random(365)  # noqa: S311 - a sample, not a secret

    def settle(self) -> None:
        """Let time pass until every mark has been dealt with and nothing is due."""
        for _ in range(2000):
            self.program.engine.ring()
            assert self.program.engine.wait_idle(PATIENCE)
            due_at = self.program.ledger.next_due_at(self.clock())
            if not self.program.ledger.count_unsettled() and (
                due_at is None or due_at > self.clock() + timedelta(minutes=30)
            ):
                return
            assert due_at is not None, f"what is not done will never be due: {self.program.ledger.dead()}"
            self.clock.advance_to(max(due_at, self.clock() + timedelta(seconds=2)))
        raise AssertionError("it never settles")


@pytest.fixture
def soak(tmp_path: Path) -> Iterator[Soak]:
    clock = ManualClock(MONDAY)
    with ZendeskSandbox(clock=clock) as sandbox:
        sandbox.webhooks.pause()
        plugins = Plugins.load()
        settings = {**sandbox.settings(), "client_secret": SecretStr(sandbox.secrets()["client_secret"])}
        with HttpTransport(sandbox.base_url) as http:
            services = Services(open_http=lambda _: http, clock=clock)
            installer = plugins.platforms["zendesk"].connect("soak", settings, services)
            installation = installer.installation("http://127.0.0.1:9/webhooks/soak")
            for step in installation.steps:
                step.apply()
            secret = next(iter(installation.secrets().values()))
        account = AccountConfig(
            name="soak",
            platform="zendesk",
            policy=("en-linea-365",),
            language=None,
            time_zone=None,
            observe=False,
            settings={**settings, "webhook_secrets": [SecretStr(secret)]},
            quota_share=1,
        )
        config = Config(
            path=tmp_path / "soak",
            database=f"sqlite:///{tmp_path / 'soak.db'}",
            listen="127.0.0.1:0",
            public_url=None,
            processes=1,
            threads=1,
            workers=4,
            lease=timedelta(hours=1),  # its clock jumps
            blocked_plugins=(),
            accounts={"soak": account},
        )
        with build(config, clock=clock, plugins=plugins) as program:
            program.engine.start()
            yield Soak(sandbox, program, clock)


def test_with_three_faulty_answers_in_ten_everything_ends_as_decided(soak: Soak) -> None:
    """Agents change tickets in between, marks come twice; no change is lost, no note told twice, nothing is dead."""
    sandbox, inbox = soak.sandbox, soak.program.inbox
    sandbox.faults = Faults(rate=0.3, seed=1)
    tickets = [
        sandbox.open_ticket(channel=Channel.EMAIL, subject=f"Factura {n}", text="¿Dónde veo mi factura?")
        for n in range(TICKETS)
    ]
    inbox.accept("soak", [*tickets, *soak.chance.sample(tickets, TICKETS // 2)])
    soak.settle()
    lowered = set(soak.chance.sample(tickets, TICKETS // 3))
    tagged = set(soak.chance.sample(tickets, TICKETS // 3))
    untagged = set(soak.chance.sample(tickets, TICKETS // 4))
    for ticket in tickets:
        if ticket in lowered:
            sandbox.agent_changes(ticket, priority="low")
        if ticket in tagged:
            sandbox.agent_changes(ticket, add_tags=["vip"])
        if ticket in untagged:
            sandbox.agent_changes(ticket, remove_tags=["sla_on_track"])
        inbox.accept("soak", [ticket] * soak.chance.randint(1, 3))
    soak.settle()
    answered = soak.chance.sample(tickets, TICKETS // 2)
    for ticket in answered:
        sandbox.agent_replies(ticket, "Está en su cuenta.")
    inbox.accept("soak", answered)
    soak.settle()

    assert sum(sandbox.struck.values()) > 0.2 * sum(sandbox.requests.values())
    sandbox.faults = None
    account = soak.program.accounts["soak"]
    for ticket_id in tickets:
        ticket = account.connection.read(ticket_id)
        view = sandbox.view(ticket_id)
        decision = account.decide(ticket, soak.clock())
        assert not diff(ticket, decision.desired), ticket_id
        assert max(Counter(key for message in ticket.messages for key in marked_keys(message)).values(), default=1) == 1
        if ticket_id in lowered:
            assert view.priority == "low", ticket_id
        if ticket_id in tagged:
            assert "vip" in view.tags, ticket_id
    assert soak.program.ledger.dead() == []


def test_what_no_webhook_told_is_found_by_the_sweep(soak: Soak) -> None:
    """Through the platform's own feed of changes."""
    account = replace(soak.program.config.accounts["soak"], sweep_every=timedelta(minutes=10))
    config = replace(soak.program.config, accounts={"soak": account})
    tickets = [soak.sandbox.open_ticket(channel=Channel.EMAIL, subject="Factura", text=f"¿{n}?") for n in range(3)]
    soak.clock.advance(timedelta(minutes=5))  # Zendesk holds back the last minute
    with build(config, clock=soak.clock) as sweeping:
        sweeping.chores.start()
        assert all(until(lambda ticket=ticket: soak.sandbox.view(ticket).writes, soak) for ticket in tickets)


def until(holds: object, soak: Soak) -> bool:
    """Whether something comes true while the engine works."""
    assert callable(holds)
    deadline = datetime.now(UTC) + PATIENCE
    while datetime.now(UTC) < deadline:
        if holds():
            return True
        soak.program.engine.ring()
        soak.program.engine.wait_idle(PATIENCE)
    return False
