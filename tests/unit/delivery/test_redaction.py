"""Which card numbers a look has redacted on the platform, and when it leaves them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from oneclick_sla_plugin.delivery.reconcile import Outcome
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import TAG_NOT_SENSITIVE, Author, Status, Ticket
from oneclick_sla_plugin.domain.sensitive import CARD, IBAN, Finding
from oneclick_sla_plugin.errors import PermanentPlatformError, TemporaryPlatformError
from tests.unit.delivery.desk import SECRET, TICKET, Desk, FakeHelpdesk, decide, error

FOUND = Finding(CARD, "1", 11, 30, "•••• 1111", 0.95)


@dataclass
class RedactingHelpdesk(FakeHelpdesk):
    """A helpdesk that can redact; errors as scripted."""

    redactions: list[Exception | None] = field(default_factory=list)
    redacted: list[tuple[str, list[tuple[int, int]]]] = field(default_factory=list)

    def redact(self, ticket: Ticket, message_id: str, spans: Sequence[tuple[int, int]]) -> bool:
        assert ticket.id == "42"
        self.seen.append("redact")
        self._play(self.redactions)
        self.redacted.append((message_id, list(spans)))
        return True


@pytest.fixture
def helpdesk(desk: Desk) -> RedactingHelpdesk:
    desk.helpdesk = helpdesk = RedactingHelpdesk()
    desk.redact_cards = True
    found(desk, FOUND)
    return helpdesk


def found(desk: Desk, *findings: Finding) -> None:
    def finding(ticket: Ticket, now: datetime) -> Decision:
        return replace(decide(ticket, now), findings=findings)

    desk.decide = finding


def test_all_cards_of_a_message_go_in_one_call_after_the_note(desk: Desk, helpdesk: RedactingHelpdesk) -> None:
    found(desk, FOUND, replace(FOUND, start=40, end=59))
    with capture_logs() as logs:
        assert desk.look() is Outcome.WRITTEN
    assert helpdesk.seen == ["read 42", "write", "redact"]
    assert helpdesk.redacted == [("1", [(11, 30), (40, 59)])]
    told = [line for line in logs if line["event"] == "reconcile.redacted"]
    assert [(line["key"], line["message"]) for line in told] == [("acme/42", "1")]
    assert "1111" not in str(logs)


def test_a_card_is_redacted_when_there_is_nothing_to_write(desk: Desk, helpdesk: RedactingHelpdesk) -> None:
    desk.look()
    desk.clock.advance(timedelta(seconds=30))
    assert desk.look() is Outcome.UNCHANGED
    assert len(helpdesk.redacted) == 2


@pytest.mark.parametrize("setting", [{"redact_cards": False}, {"observe": True}], ids=str)
def test_nothing_is_redacted_unless_asked_for_and_never_while_observing(
    desk: Desk, helpdesk: RedactingHelpdesk, setting: dict[str, bool]
) -> None:
    for name, value in setting.items():
        setattr(desk, name, value)
    desk.look()
    assert helpdesk.redacted == []


@pytest.mark.parametrize(
    "finding", [replace(FOUND, confidence=0.6), replace(FOUND, type=IBAN)], ids=["only possible", "another type"]
)
def test_only_cards_that_are_certain_are_redacted(desk: Desk, helpdesk: RedactingHelpdesk, finding: Finding) -> None:
    found(desk, finding)
    assert desk.look() is Outcome.WRITTEN
    assert helpdesk.redacted == []


@pytest.mark.parametrize("author", [Author.AGENT, Author.US, Author.SYSTEM])
def test_only_messages_of_customers_are_redacted(desk: Desk, helpdesk: RedactingHelpdesk, author: Author) -> None:
    helpdesk.ticket = replace(TICKET, messages=(replace(TICKET.messages[0], author=author),))
    assert desk.look() is Outcome.WRITTEN
    assert helpdesk.redacted == []


@pytest.mark.parametrize(
    "facts", [{"tags": frozenset({TAG_NOT_SENSITIVE})}, {"status": Status.CLOSED}], ids=["not sensitive", "closed"]
)
def test_a_ticket_that_an_agent_settled_is_left_alone(
    desk: Desk, helpdesk: RedactingHelpdesk, facts: dict[str, Any]
) -> None:
    """By saying that it is not sensitive, or by closing it before it could be written."""
    helpdesk.ticket = replace(TICKET, **facts)
    desk.look()
    assert helpdesk.redacted == []


def test_a_helpdesk_that_cannot_redact_is_no_error(desk: Desk) -> None:
    desk.redact_cards = True
    found(desk, FOUND)
    assert desk.look() is Outcome.WRITTEN


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [(TemporaryPlatformError, 500, Outcome.FAILED), (PermanentPlatformError, 422, Outcome.BURIED)],
)
def test_a_failure_is_one_of_the_look(
    desk: Desk, helpdesk: RedactingHelpdesk, kind: Any, status: int, outcome: Outcome
) -> None:
    """Put off or buried like a failing write, without a word of the customer."""
    helpdesk.redactions = [error(kind, status=status)]
    with capture_logs() as logs:
        assert desk.look() is outcome
    assert desk.row()["done"] == 0
    assert SECRET not in str(logs) + str(desk.row())
