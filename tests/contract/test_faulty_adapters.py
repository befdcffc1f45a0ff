"""The contract notices: an adapter with a fault does not keep the scenario that is about it.

The adapter is Paperdesk's, of the example; ``tests/acceptance/test_third_party.py`` plays the sound one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import paperdesk_sla
import pytest
from paperdesk_sla import Paperdesk, PaperdeskAnswers, PaperdeskConnection

from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Author, Channel, Ticket, Written
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError
from oneclick_sla_plugin.ports import Capabilities, Doorbell, InstallStep, Request, Response, TicketPage
from oneclick_sla_plugin.testing import contract
from oneclick_sla_plugin.testing.contract import Scenario, play

Fault = Callable[[pytest.MonkeyPatch], None]

SOUND_WRITE = PaperdeskConnection.write
SOUND_READ = PaperdeskConnection.read
SOUND_FAILURE = PaperdeskAnswers.failure


def believes_everything(patch: pytest.MonkeyPatch) -> None:
    def receive(self: PaperdeskConnection, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        return Doorbell(("1",), "changed")

    patch.setattr(PaperdeskConnection, "receive", receive)


def hears_nothing(patch: pytest.MonkeyPatch) -> None:
    def receive(self: PaperdeskConnection, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        return Doorbell((), "unknown", "no_ticket")

    patch.setattr(PaperdeskConnection, "receive", receive)


def writes_differently(change: Callable[[PaperdeskConnection, Ticket, Changes], tuple[Ticket, Changes]]) -> Fault:
    def fault(patch: pytest.MonkeyPatch) -> None:
        def write(self: PaperdeskConnection, ticket: Ticket, changes: Changes, written: Written) -> None:
            SOUND_WRITE(self, *change(self, ticket, changes), written)

        patch.setattr(PaperdeskConnection, "write", write)

    return fault


def reads_differently(change: Callable[[Ticket], Ticket]) -> Fault:
    def fault(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(PaperdeskConnection, "read", lambda self, ticket_id: change(SOUND_READ(self, ticket_id)))

    return fault


def gives_up_at(status: int) -> Fault:
    def fault(patch: pytest.MonkeyPatch) -> None:
        def failure(self: PaperdeskAnswers, request: Request, response: Response) -> PlatformError | None:
            if response.status == status:
                return PermanentPlatformError(**self.facts(request, response), reason="refused")
            return SOUND_FAILURE(self, request, response)

        patch.setattr(PaperdeskAnswers, "failure", failure)

    return fault


def sets(target: object, name: str, value: object) -> Fault:
    return lambda patch: patch.setattr(target, name, value)


def installs_always(patch: pytest.MonkeyPatch) -> None:
    def installation(self: PaperdeskConnection, webhook_url: str) -> Any:
        found = paperdesk_sla.PaperdeskInstallation(self._ask, webhook_url, self._settings)
        found.steps = [InstallStep(step.what, "create", step.apply) for step in found.steps]
        return found

    patch.setattr(PaperdeskConnection, "installation", installation)


def _nothing_listed(self: PaperdeskConnection, *_: object) -> TicketPage:
    return TicketPage((), "", more=False)


def _overwriting(self: PaperdeskConnection, ticket: Ticket, changes: Changes) -> tuple[Ticket, Changes]:
    return replace(ticket, version=self.read(ticket.id).version), changes


def _quoted(self: PaperdeskAnswers, response: Response) -> tuple[str, ...]:
    return (response.body.decode(),)


FAULTS: Mapping[str, tuple[Fault, Scenario]] = {
    "a webhook is believed without its secret": (believes_everything, contract.forged),
    "webhooks are not understood": (hears_nothing, contract.receive),
    "other people's tags are not kept": (
        writes_differently(lambda _, ticket, changes: (replace(ticket, tags=frozenset()), changes)),
        contract.receive,
    ),
    "the version is not the one that was read": (writes_differently(_overwriting), contract.conflict),
    "an update is no check of the version": (
        writes_differently(lambda _, ticket, changes: (replace(ticket, version="0"), changes)),
        contract.race,
    ),
    "what was written is not remembered": (sets(paperdesk_sla, "written_of", lambda _: None), contract.agents_override),
    "notes have no marker": (
        sets(paperdesk_sla, "compose", lambda notes: " ".join(note.text for note in notes)),
        contract.note_once,
    ),
    "what we wrote is taken for an agent's": (
        reads_differently(
            lambda ticket: replace(
                ticket,
                messages=tuple(
                    replace(message, author=Author.AGENT) if message.author is Author.US else message
                    for message in ticket.messages
                ),
            )
        ),
        contract.own_change,
    ),
    "agents are taken for customers": (
        sets(paperdesk_sla, "AUTHORS", {"customer": Author.CUSTOMER, "agent": Author.CUSTOMER, "app": Author.US}),
        contract.people,
    ),
    "more channels are stated than told apart": (
        sets(Paperdesk, "capabilities", Capabilities(channels=frozenset({Channel.EMAIL, Channel.PHONE}))),
        contract.channels,
    ),
    "a field is stated that there is not": (sets(Paperdesk, "capabilities", Capabilities()), contract.agents_stage),
    "a request for patience is taken for a refusal": (gives_up_at(429), contract.throttled),
    "an outage is taken for a refusal": (gives_up_at(503), contract.unavailable),
    "a ticket that is gone is taken for a refusal": (gives_up_at(404), contract.gone),
    "errors quote the answer": (sets(PaperdeskAnswers, "refusal_codes", _quoted), contract.text_never_kept),
    "changes are not listed": (
        sets(PaperdeskConnection, "changed", _nothing_listed),
        contract.missed,
    ),
    "unsolved tickets are not listed": (
        sets(PaperdeskConnection, "unsolved", _nothing_listed),
        contract.missed,
    ),
    "an installation is not recognised": (installs_always, contract.installed_once),
}


@pytest.mark.parametrize(("fault", "scenario"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_noticed(fault: Fault, scenario: Scenario, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        play(scenario, "paperdesk", tmp_path, plugins=[("paperdesk", paperdesk_sla)])
