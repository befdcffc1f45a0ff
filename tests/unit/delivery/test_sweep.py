"""The sweep: what no webhook told is found all the same, by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from oneclick_sla_plugin.delivery.inbox import Inbox
from oneclick_sla_plugin.delivery.sweep import OVERLAP, Sweep
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError, TemporaryPlatformError
from oneclick_sla_plugin.ports import AccountState, Connection, Sleep, SweepState, TicketPage
from oneclick_sla_plugin.storage.accounts import SqlAccountStates
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from tests.unit.delivery.desk import START, error

EVERY = timedelta(minutes=10)
NOW = timedelta(0)


@dataclass
class Feed:
    """A platform's list of changes, in pages as scripted, then empty ones; remembers what it was asked."""

    pages: list[TicketPage | PlatformError] = field(default_factory=list)
    asked: list[tuple[datetime, str | None]] = field(default_factory=list)

    def changed(self, since: datetime, cursor: str | None) -> TicketPage:
        self.asked.append((since, cursor))
        page = self.pages.pop(0) if self.pages else TicketPage((), "end", more=False)
        if isinstance(page, PlatformError):
            raise page
        return page


@dataclass
class Yard:
    """A feed, a ledger and the sweeps of several processes over them."""

    feed: Feed
    ledger: SqlLedger
    states: SqlAccountStates
    clock: Any
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    rings: list[None] = field(default_factory=list)

    def count(self, name: str, **labels: str) -> None:
        self.counted.append((name, labels))

    def sweep(self) -> Sweep:
        inbox = Inbox(self.ledger, lambda: self.rings.append(None), self.clock)
        return Sweep("acme", cast("Connection", self.feed), self.states, inbox, self.clock, self, every=EVERY)

    def marked(self) -> list[str]:
        return [claim.key.id for claim in self.ledger.claim_due(99, self.clock())]


@pytest.fixture
def yard(sqlite_url: str, clock: Any) -> Iterator[Yard]:
    database = open_database(sqlite_url)
    database.migrate()
    ledger = SqlLedger(database)
    yield Yard(Feed(), ledger, SqlAccountStates(database), clock)
    ledger.close()
    database.close()


def page(*tickets: str, more: str = "") -> TicketPage:
    return TicketPage(tickets, more or "end", more=bool(more))


def test_tickets_that_changed_without_a_webhook_are_marked(yard: Yard) -> None:
    """And whoever works is told; the first sweep looks back as far as the next one will come after it."""
    yard.feed.pages = [page("1", "2")]
    assert yard.sweep()() == EVERY
    assert yard.feed.asked == [(START - EVERY, None)]
    assert yard.marked() == ["1", "2"]
    assert yard.rings == [None]
    assert yard.counted == [("sweep", {"account": "acme", "outcome": "done"})]


def test_each_sweep_begins_before_the_last_one_began(yard: Yard) -> None:
    """What a platform held back is seen by the next one; before its time nothing is asked."""
    sweep = yard.sweep()
    sweep()
    yard.clock.advance(EVERY / 2)
    assert sweep() == EVERY / 2
    yard.clock.advance(EVERY / 2)
    sweep()
    assert [since for since, _ in yard.feed.asked] == [START - EVERY, START - OVERLAP]


def test_a_long_list_is_read_page_by_page(yard: Yard) -> None:
    """One page a call, so that whoever calls can stop in between."""
    yard.feed.pages = [page("1", more="a"), page("2", more="b"), page("3")]
    sweep = yard.sweep()
    assert [sweep(), sweep(), sweep()] == [NOW, NOW, EVERY]
    assert [cursor for _, cursor in yard.feed.asked] == [None, "a", "b"]


def test_one_process_sweeps_at_a_time(yard: Yard) -> None:
    """Another one waits while the first is at it."""
    yard.feed.pages = [page("1", more="a")]
    first, second = yard.sweep(), yard.sweep()
    first()
    assert second() > NOW
    assert len(yard.feed.asked) == 1


def test_where_one_process_died_another_goes_on(yard: Yard) -> None:
    """At the page where it was, after five minutes; the dead one, should it live, changes nothing any more."""
    yard.feed.pages = [page("1", more="a"), page("2", more="b")]
    yard.sweep()()
    yard.clock.advance(timedelta(minutes=5))
    assert yard.sweep()() == NOW
    assert [cursor for _, cursor in yard.feed.asked] == [None, "a"]


@pytest.mark.parametrize(
    ("failure", "pause", "cursor"),
    [
        (error(TemporaryPlatformError, status=503), timedelta(minutes=1), "a"),
        (error(TemporaryPlatformError, status=429, retry_after=timedelta(seconds=42)), timedelta(seconds=42), "a"),
        (error(PermanentPlatformError, status=422), timedelta(minutes=1), None),
    ],
)
def test_a_sweep_that_fails_goes_on_later(
    yard: Yard, failure: PlatformError, pause: timedelta, cursor: str | None
) -> None:
    """Where it was; anew where the platform does not take its cursor any more."""
    yard.feed.pages = [page("1", more="a"), failure, page("2")]
    sweep = yard.sweep()
    sweep()
    assert sweep() == pause
    assert ("sweep", {"account": "acme", "outcome": "failed"}) in yard.counted
    yard.clock.advance(pause)
    assert yard.sweep()() == EVERY - pause or sweep() > NOW
    assert yard.feed.asked[-1] == (START - EVERY, cursor)
    assert yard.marked() == ["1", "2"]


def test_a_sleeping_account_is_not_asked(yard: Yard) -> None:
    """The sweep comes back when it wakes."""
    minute = timedelta(minutes=1)
    yard.states.change("acme", lambda _: AccountState(sleep=Sleep(START + minute, "rate limit")))
    assert yard.sweep()() == minute
    assert yard.feed.asked == []


def test_the_states_of_accounts_are_kept_whole(database: Database) -> None:
    """On both kinds of database; what is changed by several at once is changed by one after the other."""
    states = SqlAccountStates(database)
    assert states.get("acme") == AccountState()
    whole = AccountState(
        sleep=Sleep(START, "because"),
        failures=3,
        suspects=("1", "2"),
        sweep=SweepState(START, START + EVERY, "cursor", START - EVERY, "me", START + EVERY),
        backfill="page",
    )
    assert states.change("acme", lambda _: whole) == whole
    assert states.get("acme") == whole
    assert states.get("other") == AccountState()


def test_a_backlog_is_marked_but_no_arrival(database: Database) -> None:
    """Arrivals are what came by itself, counted by when it came first."""
    ledger = SqlLedger(database)
    ledger.mark([TicketKey("acme", "1"), TicketKey("acme", "2"), TicketKey("other", "9")], START)
    ledger.mark([TicketKey("acme", "3")], START, backlog=True)
    for ticket in "123":
        ledger.mark([TicketKey("acme", ticket)], START + EVERY)
    assert ledger.arrivals("acme", START, START + EVERY) == 2
    assert ledger.arrivals("acme", START + EVERY, START + 2 * EVERY) == 0
    assert len(ledger.claim_due(9, START + EVERY)) == 4
    ledger.close()


def test_old_settled_tickets_are_forgotten(database: Database) -> None:
    """Not those with a look to come, nor those that wait for a person, nor younger ones."""
    ledger = SqlLedger(database)
    old, timer, dead, young = (TicketKey("acme", ticket) for ticket in "1234")
    ledger.mark([old, timer, dead], START)
    for claim in ledger.claim_due(9, START):
        if claim.key == dead:
            ledger.bury(claim, START, "permanent")
        else:
            ledger.finish(claim, START, START + 100 * EVERY if claim.key == timer else None)
    ledger.mark([young], START + EVERY)
    ledger.finish(ledger.claim_due(1, START + EVERY)[0], START + EVERY, None)
    assert ledger.prune(START + EVERY) == 1
    assert ledger.prune(START + EVERY) == 0
    assert ledger.count_dead("acme") == 1
    assert ledger.next_due_at(START) == START + 100 * EVERY
    assert ledger.prune(START + 2 * EVERY) == 1
    ledger.close()
