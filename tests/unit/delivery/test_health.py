"""Whose failure it is: an account that fails sleeps, and no ticket pays for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from oneclick_sla_plugin.delivery.health import LONGEST_SLEEP
from oneclick_sla_plugin.delivery.reconcile import Outcome
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.errors import (
    AccountPaused,
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.storage.accounts import SqlAccountStates
from tests.unit.delivery.desk import START, Desk, error

SECOND = timedelta(seconds=1)
KEYS = [TicketKey("acme", id_) for id_ in "12345"]


def sleeps_until(desk: Desk) -> Any:
    state = SqlAccountStates(desk.database).get("acme")
    sleep = state.asleep(desk.clock())
    return sleep and sleep.until


@pytest.mark.parametrize(
    ("failure", "seconds", "cause"),
    [
        (error(TemporaryPlatformError, status=429, retry_after=30 * SECOND), 30, "rate_limit"),
        (error(TemporaryPlatformError, status=429), 1, "rate_limit"),
        (error(TemporaryPlatformError, status=503, retry_after=40 * SECOND), 40, "rate_limit"),
        (error(AccountPaused, retry_after=50 * SECOND), 50, "quota"),
        (error(Unauthorised, status=401), 1, "unauthorised"),
        (error(Unauthorised, status=400), 1, "unauthorised"),
    ],
)
def test_what_concerns_the_account_puts_it_to_sleep(
    desk: Desk, failure: PlatformError, seconds: int, cause: str
) -> None:
    """At the first failure; the ticket keeps its attempts, and is claimed when the account wakes."""
    desk.helpdesk.reads = [failure]
    assert desk.look() is Outcome.PAUSED
    assert sleeps_until(desk) == START + seconds * SECOND
    assert ("account_sleep", {"account": "acme", "cause": cause}) in desk.counted
    assert (desk.row()["attempts"], desk.row()["dead_at"]) == (0, None)


@pytest.mark.parametrize(
    "failure",
    [
        error(TemporaryPlatformError, status=500, retry_after=9 * SECOND),
        error(TemporaryPlatformError, status=503),
        error(TemporaryPlatformError),
        error(TicketChanged, status=409),
        error(Unauthorised, status=403),
    ],
)
def test_what_may_be_the_ticket_puts_off_the_ticket(desk: Desk, failure: PlatformError) -> None:
    """The first time: its attempt counts, the account stays awake."""
    desk.helpdesk.reads = [failure] * 4
    assert desk.look() is Outcome.FAILED
    assert sleeps_until(desk) is None
    assert desk.row()["attempts"] == 1


def test_a_single_ticket_that_fails_again_and_again_is_buried(desk: Desk) -> None:
    """One ticket the platform stumbles over is not an outage, however often."""
    desk.helpdesk.reads = [error(Unauthorised, status=403) for _ in range(3)]
    outcomes = []
    for _ in range(3):
        outcomes.append(desk.look())
        desk.clock.advance(timedelta(hours=1))
    assert outcomes == [Outcome.FAILED, Outcome.FAILED, Outcome.BURIED]
    assert sleeps_until(desk) is None


def test_three_different_tickets_that_fail_are_an_outage(desk: Desk) -> None:
    """From the third on it is the account that pays, not the tickets."""
    desk.helpdesk.reads = [error(TemporaryPlatformError) for _ in range(3)]
    assert [desk.look(key) for key in KEYS[:3]] == [Outcome.FAILED, Outcome.FAILED, Outcome.PAUSED]
    assert sleeps_until(desk) == START + SECOND
    desk.ledger.mark([KEYS[3]], desk.clock())
    assert desk.ledger.claim_due(9, desk.clock()) == []


def test_a_look_that_goes_well_clears_the_suspicion(desk: Desk) -> None:
    """Also one at a ticket that is gone: the platform answers."""
    for key, last in zip(KEYS[:4], [None, error(TicketGone), None, None], strict=True):
        desk.helpdesk.reads = [last or error(TemporaryPlatformError)]
        desk.look(key)
        desk.clock.advance(2 * SECOND)  # what is known of the state is read again
    assert sleeps_until(desk) is None
    assert SqlAccountStates(desk.database).get("acme").suspects == ("3", "4")


def test_each_failure_on_waking_lengthens_the_sleep(desk: Desk) -> None:
    """Twice as long each time, up to five minutes; then everything goes on by itself and nobody is dead."""
    desk.ledger.mark(KEYS, desk.clock())
    desk.helpdesk.reads = [error(Unauthorised, status=401) for _ in range(12)]
    reconcile = desk.reconciler()
    sleeps = []
    for _ in range(12):
        (claim,) = desk.ledger.claim_due(1, desk.clock())
        assert reconcile(claim) is Outcome.PAUSED
        sleeps.append(sleeps_until(desk) - desk.clock())
        desk.clock.now = sleeps_until(desk) + 5 * SECOND  # when the tickets that failed are back too
    assert sleeps[:4] == [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert sleeps[-1] == LONGEST_SLEEP
    for claim in desk.ledger.claim_due(9, desk.clock()):
        assert reconcile(claim) in (Outcome.WRITTEN, Outcome.UNCHANGED)
    assert desk.ledger.dead() == []
    desk.clock.advance(2 * SECOND)
    assert SqlAccountStates(desk.database).get("acme").failures == 0


def test_looks_that_fail_together_are_one_failure(desk: Desk) -> None:
    """Four workers that meet the same outage do not lengthen the sleep four times."""
    desk.ledger.mark(KEYS[:4], desk.clock())
    claims = desk.ledger.claim_due(4, desk.clock())
    desk.helpdesk.reads = [error(Unauthorised, status=401) for _ in claims]
    reconcile = desk.reconciler()
    assert {reconcile(claim) for claim in claims} == {Outcome.PAUSED}
    assert SqlAccountStates(desk.database).get("acme").failures == 1
    assert len([name for name, _ in desk.counted if name == "account_sleep"]) == 1


def test_a_ticket_that_failed_lets_the_others_go_first(desk: Desk) -> None:
    """Else the oldest ones, if it is them that fail, would keep the account asleep for good."""
    desk.ledger.mark([KEYS[0]], desk.clock())
    desk.ledger.mark([KEYS[1]], desk.clock() + SECOND)
    desk.helpdesk.reads = [error(Unauthorised, status=401)]
    desk.reconciler()(desk.ledger.claim_due(1, desk.clock())[0])
    desk.clock.now = sleeps_until(desk) + SECOND
    assert [claim.key for claim in desk.ledger.claim_due(9, desk.clock())] == [KEYS[1]]


def test_an_account_sleeps_alone(desk: Desk) -> None:
    """The tickets of the others are claimed."""
    desk.helpdesk.reads = [error(TemporaryPlatformError, status=429, retry_after=60 * SECOND)]
    desk.look()
    other = TicketKey("other", "1")
    desk.ledger.mark([KEYS[0], other], desk.clock())
    assert [claim.key for claim in desk.ledger.claim_due(9, desk.clock())] == [other]


def test_a_permanent_error_wakes_nobody_and_puts_nobody_to_sleep(desk: Desk) -> None:
    """It is the ticket's own, and goes to the dead list at once."""
    desk.helpdesk.reads = [error(PermanentPlatformError, status=422)]
    assert desk.look() is Outcome.BURIED
    assert sleeps_until(desk) is None
