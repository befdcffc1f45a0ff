"""The ledger's one great promise, under any interleaving: no event stays unserved.

Events happen on tickets and mark them; two workers claim, read, and then finish,
fail or simply die; time passes. In the end, when a worker lives long enough, every
ticket has been read after its last event by a look that finished.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.ports import Claim
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.storage.tables import ticket_ledger

LEASE = timedelta(seconds=15)
SPACING = timedelta(seconds=2)
KEYS = [TicketKey("acme", id_) for id_ in "12"]


@dataclass
class Worker:
    """What a worker is at: nothing, a claim, or a claim whose ticket it has read at ``version``."""

    claim: Claim | None = None
    version: int | None = None


WORKERS = st.sampled_from([0, 1])


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.database = open_database(f"sqlite:///{Path(self.folder) / 'ledger.db'}")
        self.database.migrate()
        self.ledger = SqlLedger(self.database, lease=LEASE, spacing=SPACING)
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.workers = [Worker(), Worker()]
        self.version = dict.fromkeys(KEYS, 0)
        self.served = dict.fromkeys(KEYS, 0)
        self.claimed_at: dict[TicketKey, datetime] = {}
        self.leases: dict[TicketKey, tuple[str, datetime]] = {}

    @rule(key=st.sampled_from(KEYS))
    def event(self, key: TicketKey) -> None:
        self.version[key] += 1  # the ticket changes first, then its webhook comes
        self.ledger.mark([key], self.now)

    @rule(number=WORKERS, steps=st.integers(1, 3), timer=st.none() | st.integers(1, 60))
    def goes_on(self, number: int, steps: int, timer: int | None) -> None:
        worker = self.workers[number]
        for _ in range(steps):
            if worker.claim is None:
                for worker.claim in self.ledger.claim_due(1, self.now):
                    self.check_claim(worker.claim)
            elif worker.version is None:
                worker.version = self.version[worker.claim.key]
            else:
                self.finish(worker, None if timer is None else self.now + timedelta(seconds=timer))

    @rule(number=WORKERS, event=st.sampled_from(["fails", "dies", "renews its lease"]), pause=st.integers(0, 30))
    def does_not_go_on(self, number: int, event: str, pause: int) -> None:
        claim = self.workers[number].claim
        if claim is not None and event == "renews its lease":
            self.ledger.renew([claim], self.now)
            if self.holds(claim):
                self.leases[claim.key] = (claim.token, self.now + LEASE)
            return
        if claim is not None and event == "fails":
            kept = self.ledger.fail(claim, self.now, self.now + timedelta(seconds=pause), "temporary")
            assert kept is self.releases(claim)
        self.workers[number] = Worker()

    @rule(seconds=st.sampled_from([1, 2, 14, 15, 40]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @invariant()
    def the_next_due_instant_is_the_earliest_of_all_rows(self) -> None:
        with self.database.reading() as connection:
            rows = connection.execute(select(ticket_ledger)).all()
        instants = [
            max(row.due_at, row.not_before, row.lease_until or row.due_at) for row in rows if row.due_at is not None
        ]
        assert self.ledger.next_due_at(self.now) == min(instants, default=None)

    def teardown(self) -> None:
        try:
            while (due_at := self.ledger.next_due_at(self.now)) is not None:
                self.now = max(self.now, due_at)
                (claim,) = self.ledger.claim_due(1, self.now)
                self.check_claim(claim)
                self.finish(Worker(claim, self.version[claim.key]), None)
            assert self.served == self.version
        finally:
            self.ledger.close()
            self.database.close()
            shutil.rmtree(self.folder)

    # --- what has to hold at each step --------------------------------------------------------

    def check_claim(self, claim: Claim) -> None:
        _, until = self.leases.get(claim.key, ("", self.now))
        assert until <= self.now, "two workers hold one ticket"
        if claim.key in self.claimed_at:
            assert self.now >= self.claimed_at[claim.key] + SPACING, "two looks too close to each other"
        self.claimed_at[claim.key] = self.now
        self.leases[claim.key] = (claim.token, self.now + LEASE)

    def holds(self, claim: Claim) -> bool:
        return claim.key in self.leases and self.leases[claim.key][0] == claim.token

    def releases(self, claim: Claim) -> bool:
        """Whether the claim was still the valid one; if so it is given up."""
        if self.holds(claim):
            del self.leases[claim.key]
            return True
        return False

    def finish(self, worker: Worker, next_look_at: datetime | None) -> None:
        assert worker.claim is not None
        assert worker.version is not None
        kept = self.ledger.finish(worker.claim, self.now, next_look_at)
        assert kept is self.releases(worker.claim)
        if kept:
            self.served[worker.claim.key] = worker.version
        worker.claim = worker.version = None


Interleavings.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestNoEventStaysUnserved = Interleavings.TestCase
