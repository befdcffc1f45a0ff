"""Looks that fail: whose fault it was, how the claim ends, what is counted and logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from oneclick_sla_plugin.delivery.reconcile import Outcome
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import Status, Ticket, TicketKey
from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    StoreError,
    TemporaryPlatformError,
    TicketGone,
    Unauthorised,
)
from tests.unit.delivery.desk import SECRET, START, TICKET, Desk, FakeHelpdesk, error

# --- looks that fail --------------------------------------------------------------------------


def test_a_ticket_that_is_gone_is_done(desk: Desk) -> None:
    """Nothing is scheduled, nothing waits for a person."""
    desk.helpdesk.reads = [error(TicketGone, status=404)]
    assert desk.look() is Outcome.GONE
    assert desk.gone == [(TICKET.key, START)]
    row = desk.row()
    assert (row["done"], row["due_at"], row["dead_at"]) == (1, None, None)


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 10), (timedelta(seconds=90), 100)])
def test_a_temporary_error_puts_the_ticket_off(desk: Desk, retry_after: timedelta | None, seconds: int) -> None:
    """By the back-off, and by what the platform asked for."""
    desk.helpdesk.writes = [error(TemporaryPlatformError, status=500, retry_after=retry_after)]
    assert desk.look() is Outcome.FAILED
    row = desk.row()
    assert row["not_before"] == START + timedelta(seconds=seconds)
    assert (row["done"], row["last_reason"]) == (0, "temporary: update ticket, status 500")
    desk.clock.now = row["not_before"]
    assert desk.look() is Outcome.WRITTEN


def test_patience_ends(desk: Desk) -> None:
    """At the limit of attempts, here three, the ticket waits for a person."""
    desk.helpdesk.reads = [error(TemporaryPlatformError, status=503) for _ in range(3)]
    outcomes = []
    for _ in range(3):
        outcomes.append(desk.look())
        desk.clock.advance(timedelta(hours=1))
    assert outcomes == [Outcome.FAILED, Outcome.FAILED, Outcome.BURIED]
    (dead,) = desk.ledger.dead()
    assert dead.reason == "gave up after 3 attempts: temporary: update ticket, status 503"


def test_a_ticket_that_kills_its_workers_is_buried_unread(desk: Desk) -> None:
    """Three claims without an end are enough; the fourth does not touch it."""
    desk.claim()
    for _ in range(2):
        desk.ledger.claim_due(1, desk.clock.advance(timedelta(minutes=1)))
    desk.clock.advance(timedelta(minutes=1))
    assert desk.look() is Outcome.BURIED
    assert desk.helpdesk.seen == []
    assert desk.ledger.dead()[0].reason == "gave up after 3 attempts: the last one never ended"


@pytest.mark.parametrize(
    ("status", "why", "reason"),
    [
        (404, SECRET, "permanent: update ticket, status 404"),
        (422, "rejected: my card is 4111", "permanent: update ticket, status 422"),
        (422, "My card", "permanent: update ticket, status 422"),
        (
            422,
            "rejected: BlankValue, InvalidValue",
            "permanent: update ticket, status 422 (rejected: BlankValue, InvalidValue)",
        ),
        (400, "rejected: invalid_value type", "permanent: update ticket, status 400 (rejected: invalid_value type)"),
        (None, "foreign_link", "permanent: update ticket (foreign_link)"),
        (None, "", "permanent: update ticket"),
    ],
)
def test_a_permanent_error_waits_for_a_person(desk: Desk, status: int | None, why: str, reason: str) -> None:
    """The reason is a word of ours with the platform's codes and a number; sentences are left out."""
    desk.helpdesk.reads = [error(PermanentPlatformError, status=status, reason=why)]
    assert desk.look() is Outcome.BURIED
    assert [dead.reason for dead in desk.ledger.dead()] == [reason]


def test_an_account_that_is_not_configured_any_more_waits_for_a_person(desk: Desk) -> None:
    """Its name was configured once but is no label of a counter now."""
    assert desk.look(TicketKey("old", "1")) is Outcome.BURIED
    assert [dead.reason for dead in desk.ledger.dead()] == ["unknown account"]
    assert desk.counted == [("reconcile", {"account": "unknown", "outcome": "buried"})]


def test_a_database_that_is_away_is_the_engines_affair(desk: Desk) -> None:
    """The look ends with a StoreError; the lease will bring the ticket back."""
    claim = desk.claim()
    with desk.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE ticket_ledger RENAME TO moved_away")
    with pytest.raises(StoreError):
        desk.reconciler()(claim)


def test_who_lost_its_lease_changes_nothing_in_the_ledger(desk: Desk) -> None:
    """A worker that was too slow is told so, by a counter."""
    slow = desk.claim()
    heir = desk.ledger.claim_due(1, desk.clock.advance(timedelta(minutes=1)))[0]
    desk.reconciler()(slow)
    assert ("reconcile_lease_lost", {"account": "acme"}) in desk.counted
    assert desk.row()["lease_by"] == heir.token


# --- what is counted and logged ---------------------------------------------------------------


def stumble_over_a_text(ticket: Ticket, now: datetime) -> Decision:
    try:
        int(ticket.messages[0].text)
    except ValueError as cause:
        raise LookupError(ticket.subject) from cause
    raise NotImplementedError


@pytest.mark.parametrize(
    ("arrange", "outcome", "event", "level"),
    [
        (dict, "written", "reconcile.written", "info"),
        (lambda: {"observe": True}, "observed", "reconcile.observed", "info"),
        (
            lambda: {"helpdesk": FakeHelpdesk(replace(TICKET, status=Status.CLOSED))},
            "closed",
            "reconcile.closed",
            "info",
        ),
        (lambda: {"helpdesk": FakeHelpdesk(reads=[error(TicketGone)])}, "gone", "reconcile.gone", "info"),
        (
            lambda: {"helpdesk": FakeHelpdesk(reads=[error(TemporaryPlatformError)])},
            "failed",
            "reconcile.failed",
            "warning",
        ),
        (
            lambda: {"helpdesk": FakeHelpdesk(reads=[error(PermanentPlatformError)])},
            "buried",
            "reconcile.buried",
            "warning",
        ),
        (lambda: {"helpdesk": FakeHelpdesk(reads=[error(Unauthorised)])}, "paused", "reconcile.paused", "warning"),
        (lambda: {"decide": stumble_over_a_text}, "failed", "reconcile.failed", "warning"),
    ],
)
def test_each_look_is_counted_and_logged_once(
    desk: Desk, arrange: Callable[[], dict[str, Any]], outcome: str, event: str, level: str
) -> None:
    """Under a stable name with the ticket's key, and never with a text."""
    with capture_logs() as logs:
        assert replace(desk, **arrange()).look() == outcome
    ends = [entry for entry in logs if "attempt" in entry]
    assert [(entry["event"], entry["log_level"], entry["key"]) for entry in ends] == [(event, level, "acme/42")]
    assert ("reconcile", {"account": "acme", "outcome": outcome}) in desk.counted
    assert "4111" not in str(logs)


def test_what_was_written_is_logged_in_names(desk: Desk) -> None:
    """Tags, fields and note keys; no value of a field and no text of a note."""
    with capture_logs() as logs:
        desk.look()
    (entry,) = logs
    assert entry["add_tags"] == ["sla_priority_high"]
    assert (entry["fields"], entry["notes"], entry["reply"]) == (["sla_priority"], ["at-risk"], None)
    assert "noon" not in str(entry)


def test_a_fault_of_ours_is_logged_without_its_words(desk: Desk) -> None:
    """Where it happened and which classes of exceptions; their messages quote the customer and are left out."""
    desk.decide = stumble_over_a_text
    with capture_logs() as logs:
        assert desk.look() is Outcome.FAILED
    fault = next(entry for entry in logs if entry["event"] == "reconcile.fault")
    assert fault["error"] == ["builtins.LookupError", "builtins.ValueError"]
    assert fault["frames"][-1].endswith("stumble_over_a_text")
    assert desk.row()["last_reason"] == "fault: LookupError"
    assert "4111" not in f"{logs} {desk.row()}"
