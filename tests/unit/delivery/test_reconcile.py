"""One look at a ticket that goes well, or is disturbed by others: what is written, how the claim ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from oneclick_sla_plugin.delivery.reconcile import Outcome
from oneclick_sla_plugin.domain.changes import Changes, Desired
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import Field, Priority, Status, Ticket, Written
from oneclick_sla_plugin.errors import TicketChanged
from tests.unit.delivery.desk import KEY, NEXT_LOOK, SET_UP, START, TICKET, Desk, decide, error

# --- looks that end well ----------------------------------------------------------------------


def test_the_difference_is_written_once(desk: Desk) -> None:
    """The first look writes what is missing, the second finds nothing to do; both schedule the next one."""
    assert desk.look() is Outcome.WRITTEN
    assert desk.helpdesk.written == [
        (SET_UP, Written(Priority.HIGH, frozenset({"sla_priority_high"}), {Field.SLA_PRIORITY: "high"}))
    ]
    assert desk.row()["due_at"] == NEXT_LOOK
    desk.clock.advance(timedelta(seconds=5))
    assert desk.look() is Outcome.UNCHANGED
    assert desk.helpdesk.seen == ["read 42", "write", "read 42"]
    assert desk.announced == [SET_UP, Changes()]
    assert desk.row()["done"] == 2


def test_the_ticket_is_read_after_the_claim_and_judged_at_the_present(desk: Desk) -> None:
    """``now`` is the time of the look, not of the webhook."""
    instants: list[datetime] = []

    def judge(ticket: Ticket, now: datetime) -> Decision:
        instants.append(now)
        return decide(ticket, now)

    claim = desk.claim()
    desk.clock.advance(timedelta(seconds=3))
    desk.decide = judge
    desk.reconciler()(claim)
    assert instants == [START + timedelta(seconds=3)]


def test_an_observed_account_is_decided_but_not_written(desk: Desk) -> None:
    """Plugins hear what would have been written."""
    desk.observe = True
    assert desk.look() is Outcome.OBSERVED
    assert desk.helpdesk.seen == ["read 42"]
    assert desk.announced == [SET_UP]
    assert desk.row()["due_at"] == NEXT_LOOK


@pytest.mark.parametrize(
    ("status", "final", "outcome"),
    [
        (Status.CLOSED, True, Outcome.CLOSED),
        (Status.CLOSED, False, Outcome.WRITTEN),
        (Status.SOLVED, True, Outcome.WRITTEN),
    ],
)
def test_a_closed_ticket_is_not_written_where_that_is_final(
    desk: Desk, status: Status, final: bool, outcome: Outcome
) -> None:
    """A platform that refuses every write on a closed ticket is not asked."""
    desk.helpdesk.ticket = replace(TICKET, status=status)
    desk.helpdesk.closed_is_final = final
    assert desk.look() is outcome
    assert desk.announced == ([SET_UP] if outcome is Outcome.WRITTEN else [Changes()])


def test_plugins_adjust_a_decision_before_it_is_compared(desk: Desk) -> None:
    """What they leave out of it is not written."""
    desk.adjust = lambda _, decision: replace(decision, desired=Desired(priority=Priority.LOW), next_look_at=None)
    assert desk.look() is Outcome.WRITTEN
    assert [changes for changes, _ in desk.helpdesk.written] == [Changes(priority=Priority.LOW)]
    assert desk.row()["due_at"] is None


def test_the_ledger_keeps_facts_and_no_text(desk: Desk) -> None:
    """Enough for a report, nothing of the customer."""
    desk.look()
    assert desk.row()["facts"] == {
        "policy": "test@1",
        "priority": "high",
        "kind": "question",
        "channel": "email",
        "clocks": [],
    }


def test_marks_that_come_during_a_look_make_one_more(desk: Desk) -> None:
    """Fifty webhooks while the ticket is being read cost one look, not fifty."""
    read = desk.helpdesk.read

    def read_in_a_burst(ticket_id: str) -> Ticket:
        if not desk.helpdesk.seen:
            for _ in range(50):
                desk.ledger.mark([KEY], desk.clock())
        return read(ticket_id)

    desk.helpdesk.read = read_in_a_burst  # type: ignore[method-assign]
    reconcile = desk.reconciler()
    reconcile(desk.claim())
    looks = 1
    while claims := desk.ledger.claim_due(9, desk.clock.advance(timedelta(minutes=1))):
        looks += len([reconcile(claim) for claim in claims])
    assert looks == 2


# --- a ticket that moves ----------------------------------------------------------------------


@pytest.mark.parametrize(("conflicts", "waits"), [(1, []), (2, [0.5]), (3, [0.5, 0.5])])
def test_a_ticket_that_moved_is_read_again_at_once(desk: Desk, conflicts: int, waits: list[float]) -> None:
    """The first time without a pause; each try reads and decides anew."""
    desk.helpdesk.writes = [error(TicketChanged, status=409) for _ in range(conflicts)]
    assert desk.look() is Outcome.WRITTEN
    assert desk.helpdesk.seen == ["read 42", "write"] * (conflicts + 1)
    assert [wait.total_seconds() for wait in desk.waits] == waits
    assert len(desk.announced) == 1
    assert desk.counted.count(("reconcile_conflict", {"account": "acme"})) == conflicts


def test_a_ticket_that_never_holds_still_is_put_off(desk: Desk) -> None:
    """After four tries the look counts as failed and the ticket rests."""
    desk.helpdesk.writes = [error(TicketChanged, status=409) for _ in range(9)]
    assert desk.look() is Outcome.FAILED
    assert desk.helpdesk.seen == ["read 42", "write"] * 4
    assert desk.row()["last_reason"] == "ticket changed: update ticket, status 409"
