"""The local engine: every claim gets to a worker, and nothing that goes wrong ends one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.engines.local import LocalEngine
from oneclick_sla_plugin.errors import StoreError
from oneclick_sla_plugin.ports import Claim
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger

LONG = timedelta(seconds=20)
"""Nothing here takes that long; a test that waits for it has failed."""
QUICK = timedelta(milliseconds=10)
NEVER = timedelta(hours=1)
ONE, TWO = TicketKey("acme", "1"), TicketKey("acme", "2")


def present() -> datetime:
    return datetime.now(UTC)


class TroubledLedger(SqlLedger):
    """Fails as many claims as ``failures`` says, and remembers when leases were renewed."""

    failures = 0
    renewed: threading.Semaphore

    def claim_due(self, limit: int, now: datetime) -> Sequence[Claim]:
        if self.failures:
            self.failures -= 1
            raise StoreError("away")
        return super().claim_due(limit, now)

    def renew(self, claims: object, now: datetime) -> None:
        super().renew(claims, now)  # type: ignore[arg-type]
        self.renewed.release()


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[TroubledLedger]:
    database = open_database(sqlite_url)
    database.migrate()
    ledger = TroubledLedger(database, spacing=timedelta(0))
    ledger.renewed = threading.Semaphore(0)
    yield ledger
    ledger.close()
    database.close()


@contextmanager
def running(engine: LocalEngine) -> Iterator[LocalEngine]:
    engine.start()
    try:
        yield engine
    finally:
        assert engine.stop(LONG)


class Work:
    """What is done with a claim: noted, held up at a gate, then finished in the ledger."""

    def __init__(self, ledger: SqlLedger, *, gate_open: bool = True) -> None:
        self.ledger = ledger
        self.done: list[TicketKey] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        if gate_open:
            self.gate.set()

    def __call__(self, claim: Claim) -> None:
        self.begun.release()
        assert self.gate.wait(LONG.total_seconds())
        self.done.append(claim.key)
        self.ledger.finish(claim, present(), None)

    def wait_begun(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.begun.acquire(timeout=LONG.total_seconds())


def test_every_ticket_that_is_due_is_worked_on(ledger: TroubledLedger) -> None:
    """Forty tickets, four threads, each ticket once."""
    keys = [TicketKey("acme", str(n)) for n in range(40)]
    ledger.mark(keys, present())
    work = Work(ledger)
    with running(LocalEngine(ledger, work, present)) as engine:
        assert engine.wait_idle(LONG)
    assert sorted(work.done) == sorted(keys)


def test_as_many_tickets_as_workers_are_under_way_at_once(ledger: TroubledLedger) -> None:
    """A slow platform does not hold up the other tickets."""
    ledger.mark([ONE, TWO, TicketKey("acme", "3")], present())
    work = Work(ledger, gate_open=False)
    with running(LocalEngine(ledger, work, present, workers=3)):
        work.wait_begun(3)
        work.gate.set()


def test_the_bell_wakes_a_worker(ledger: TroubledLedger) -> None:
    """Without it this engine would look at the ledger once an hour."""
    work = Work(ledger)
    with running(LocalEngine(ledger, work, present, poll=NEVER)) as engine:
        for key in (ONE, TWO):
            ledger.mark([key], present())
            engine.ring()
            work.wait_begun()


def test_without_the_bell_the_ledger_is_looked_at_all_the_same(ledger: TroubledLedger) -> None:
    """A mark of another process is found by polling."""
    work = Work(ledger)
    with running(LocalEngine(ledger, work, present, poll=QUICK)):
        ledger.mark([ONE], present())
        work.wait_begun()


def test_a_timer_wakes_a_worker(ledger: TroubledLedger) -> None:
    """The engine sleeps until the next due instant, not until the next poll."""
    ledger.mark([ONE], present())
    (claim,) = ledger.claim_due(1, present())
    ledger.finish(claim, present(), present() + timedelta(milliseconds=300))
    work = Work(ledger)
    with running(LocalEngine(ledger, work, present, poll=NEVER)):
        work.wait_begun()


def test_marks_during_a_look_make_exactly_one_more(ledger: TroubledLedger) -> None:
    """Fifty events on one ticket while it is being worked on, four idle threads: one more look."""
    ledger.mark([ONE], present())
    work = Work(ledger, gate_open=False)
    with running(LocalEngine(ledger, work, present, poll=QUICK)) as engine:
        work.wait_begun()
        for _ in range(50):
            ledger.mark([ONE], present())
            engine.ring()
        work.gate.set()
        assert engine.wait_idle(LONG)
    assert work.done == [ONE, ONE]


def test_leases_are_renewed_while_work_is_under_way(ledger: TroubledLedger) -> None:
    """A look that takes longer than its lease keeps its ticket."""
    ledger.mark([ONE], present())
    work = Work(ledger, gate_open=False)
    with running(LocalEngine(ledger, work, present, heartbeat=QUICK)):
        work.wait_begun()
        held_until = ledger.next_due_at(present())
        for _ in range(3):
            assert ledger.renewed.acquire(timeout=LONG.total_seconds())
        extended = ledger.next_due_at(present())
        work.gate.set()
    assert held_until is not None
    assert extended is not None
    assert extended > held_until


def test_stopping_lets_work_end(ledger: TroubledLedger) -> None:
    """Nothing new is claimed, what is under way is finished; whoever cannot wait is told so."""
    ledger.mark([ONE], present())
    work = Work(ledger, gate_open=False)
    engine = LocalEngine(ledger, work, present, workers=2, poll=QUICK, heartbeat=QUICK)
    engine.start()
    work.wait_begun()
    assert not engine.stop(timedelta(0))
    ledger.mark([TWO], present())
    work.gate.set()
    assert engine.stop(LONG)
    assert work.done == [ONE]
    assert [claim.key for claim in ledger.claim_due(9, present())] == [TWO]


def test_idle_means_nothing_under_way_and_nothing_due(ledger: TroubledLedger) -> None:
    """Work at hand, work that is due, work that is due soon if asked for: not idle."""
    work = Work(ledger, gate_open=False)
    engine = LocalEngine(ledger, work, present, poll=QUICK)
    assert engine.idle()
    ledger.mark([ONE], present())
    assert not engine.idle()
    with running(engine):
        work.wait_begun()
        assert not engine.idle()
        assert not engine.wait_idle(timedelta(0))
        work.gate.set()
        assert engine.wait_idle(LONG)
    ledger.mark([TWO], present())
    (claim,) = ledger.claim_due(1, present())
    ledger.finish(claim, present(), present() + timedelta(minutes=30))
    assert engine.idle()
    assert not engine.idle(within=timedelta(hours=1))


@pytest.mark.parametrize("failures", [1, 5])
def test_a_database_that_is_away_is_waited_for(ledger: TroubledLedger, failures: int) -> None:
    """The threads say so, pause, and go on when it is back."""
    ledger.mark([ONE], present())
    ledger.failures = failures
    work = Work(ledger)
    with capture_logs() as logs, running(LocalEngine(ledger, work, present, workers=2, poll=QUICK)):
        work.wait_begun()
    assert [entry["event"] for entry in logs] == ["engine.store_unavailable"] * failures


@pytest.mark.parametrize("error", [StoreError("away"), ZeroDivisionError("4111 1111 1111 1111")])
def test_a_claim_that_could_not_be_settled_comes_back(ledger: TroubledLedger, error: Exception) -> None:
    """The thread lives on; when the lease is over the ticket is claimed again. The error's words stay out of the log."""
    ledger.mark([ONE], present())
    work = Work(ledger)
    stumbled = threading.Event()

    def stumble_once(claim: Claim) -> None:
        if not stumbled.is_set():
            stumbled.set()
            raise error
        work(claim)

    def clock() -> datetime:
        return present() + (timedelta(minutes=1) if stumbled.is_set() else timedelta(0))  # past the lease

    with capture_logs() as logs, running(LocalEngine(ledger, stumble_once, clock, workers=1, poll=QUICK)):
        work.wait_begun()
    (entry,) = logs
    assert (entry["event"], entry["key"], entry["error"]) == ("engine.claim_left", "acme/1", type(error).__name__)
    assert "4111" not in str(logs)
