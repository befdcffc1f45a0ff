"""`oneclick-sla backfill`: existing tickets enter at a pace, and an interrupted one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from oneclick_sla_plugin.bootstrap import Program
from oneclick_sla_plugin.cli.backfill import Backfill
from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.ports import TicketPage
from oneclick_sla_plugin.storage.accounts import SqlAccountStates
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger


@dataclass
class Unsolved:
    """Seven unsolved tickets in pages of three; ``failures`` come before anything else."""

    failures: list[Exception] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)

    def unsolved(self, cursor: str | None) -> TicketPage:
        self.asked.append(cursor)
        if self.failures:
            raise self.failures.pop(0)
        first = int(cursor or 1)
        return TicketPage(tuple(str(n) for n in range(first, min(first + 3, 8))), str(first + 3), more=first + 3 < 8)


@dataclass
class Stage:
    helpdesk: Unsolved
    ledger: SqlLedger
    states: SqlAccountStates
    clock: Any
    waits: list[timedelta] = field(default_factory=list)
    told: list[tuple[int, int | None]] = field(default_factory=list)

    def run(self, *, interrupt_after: int | None = None, rate: int = 120) -> Backfill:
        program = SimpleNamespace(
            accounts={"acme": SimpleNamespace(connection=self.helpdesk)},
            ledger=self.ledger,
            states=self.states,
            clock=self.clock,
        )

        def wait(pause: timedelta) -> None:
            self.waits.append(pause)
            self.clock.advance(pause)
            if interrupt_after is not None and len(self.waits) == interrupt_after:
                raise KeyboardInterrupt

        run = Backfill(cast("Program", program), "acme", rate=rate, wait=wait)
        run(lambda *news: self.told.append(news))
        return run

    def marked(self) -> list[str]:
        later: datetime = self.clock() + timedelta(hours=1)
        return sorted(claim.key.id for claim in self.ledger.claim_due(99, later))


@pytest.fixture
def stage(sqlite_url: str, clock: Any) -> Iterator[Stage]:
    database = open_database(sqlite_url)
    database.migrate()
    ledger = SqlLedger(database)
    yield Stage(Unsolved(), ledger, SqlAccountStates(database), clock)
    ledger.close()
    database.close()


def test_all_unsolved_tickets_are_marked_at_the_rate_asked_for(stage: Stage) -> None:
    """None is counted as an arrival: a backlog is no peak."""
    began = stage.clock()
    assert stage.run(rate=120).marked == 7
    assert stage.marked() == list("1234567")
    assert stage.clock() - began == timedelta(seconds=7 / 2)
    assert stage.ledger.arrivals("acme", began, stage.clock()) == 0
    assert stage.told[-1] == (7, 7)


def test_an_interrupted_backfill_goes_on_at_its_page(stage: Stage) -> None:
    """What was done of the page is done again, which costs nothing but a look."""
    with pytest.raises(KeyboardInterrupt):
        stage.run(interrupt_after=5)
    stage.waits.clear()
    stage.run()
    assert stage.helpdesk.asked == [None, "4", "4", "7"]
    assert stage.marked() == list("1234567")


def test_a_finished_backfill_begins_anew(stage: Stage) -> None:
    """It has nowhere to go on."""
    stage.run()
    stage.run()
    assert stage.helpdesk.asked == [None, "4", "7"] * 2


def test_a_platform_that_needs_a_pause_gets_it(stage: Stage) -> None:
    """As long as it asks for; after five tries in vain the command ends with the error."""
    asked = timedelta(seconds=42)
    busy = TemporaryPlatformError(platform="fake", operation="list tickets", status=429, retry_after=asked)
    stage.helpdesk.failures = [busy, busy]
    stage.run()
    assert stage.waits[:2] == [asked, asked]
    stage.helpdesk.failures = [busy] * 5
    with pytest.raises(TemporaryPlatformError):
        stage.run()
