"""One look at a ticket: what is written, how the claim ends, what is logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from oneclick_sla_plugin.delivery.reconcile import Account, Outcome, Reconciler
from oneclick_sla_plugin.domain.changes import Changes, Desired, Note, compose
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Field,
    Kind,
    Message,
    Priority,
    Requester,
    Status,
    Ticket,
    TicketKey,
    Written,
)
from oneclick_sla_plugin.domain.priority import PriorityVerdict
from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    StoreError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.ports import Claim, Connection
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.storage.tables import ticket_ledger

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NEXT_LOOK = START + timedelta(hours=20)
KEY = TicketKey("acme", "42")
SECRET = "my card is 4111 1111 1111 1111"

TICKET = Ticket(
    platform="fake",
    account="acme",
    id="42",
    created_at=START,
    updated_at=START,
    channel=Channel.EMAIL,
    subject=SECRET,
    status=Status.NEW,
    tags=frozenset({"vip"}),
    requester=Requester("7"),
    messages=(Message("1", START, Author.CUSTOMER, public=True, text=SECRET),),
    status_history=(),
)
DESIRED = Desired(
    priority=Priority.HIGH,
    tags=frozenset({"sla_priority_high"}),
    fields={Field.SLA_PRIORITY: "high"},
    notes=(Note("at-risk", "Answer by noon."),),
)
SET_UP = Changes(
    priority=Priority.HIGH,
    add_tags=frozenset({"sla_priority_high"}),
    fields={Field.SLA_PRIORITY: "high"},
    notes=(Note("at-risk", "Answer by noon."),),
)


def decide(ticket: Ticket, now: datetime) -> Decision:
    """The same decision for every ticket; what really decides is tested elsewhere."""
    return Decision(
        ticket=f"fake/{ticket.key}",
        policy="test@1",
        channel=ticket.channel,
        kind=Kind.QUESTION,
        priority=PriorityVerdict(Priority.HIGH, ("because",)),
        clocks=(),
        state=None,
        desired=DESIRED,
        next_look_at=NEXT_LOOK,
    )


@dataclass
class FakeHelpdesk:
    """What a look uses of a connection: one ticket, errors as scripted, otherwise it works."""

    ticket: Ticket = TICKET
    closed_is_final: bool = True
    reads: list[Exception | None] = field(default_factory=list)
    writes: list[Exception | None] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    written: list[tuple[Changes, Written]] = field(default_factory=list)

    def read(self, ticket_id: str) -> Ticket:
        self.seen.append(f"read {ticket_id}")
        self._play(self.reads)
        return self.ticket

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        self.seen.append("write")
        self._play(self.writes)
        self.written.append((changes, written))
        note = Message("2", START, Author.US, public=False, text=compose(changes.notes))
        self.ticket = replace(
            ticket,
            priority=changes.priority or ticket.priority,
            tags=(ticket.tags | changes.add_tags) - changes.remove_tags,
            fields={**ticket.fields, **{name: value for name, value in changes.fields.items() if value is not None}},
            messages=(*ticket.messages, note),
            written=written,
        )

    @staticmethod
    def _play(script: list[Exception | None]) -> None:
        if script and (error := script.pop(0)) is not None:
            raise error


@dataclass
class Desk:
    """A reconciler with everything around it, and what it did."""

    helpdesk: FakeHelpdesk
    ledger: SqlLedger
    database: Database
    clock: Any
    observe: bool = False
    adjust: Callable[[Ticket, Decision], Decision] = lambda _, decision: decision
    decide: Callable[[Ticket, datetime], Decision] = decide
    announced: list[Changes] = field(default_factory=list)
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    waits: list[timedelta] = field(default_factory=list)

    def count(self, name: str, **labels: str) -> None:
        self.counted.append((name, labels))

    def reconciler(self) -> Reconciler:
        account = Account("acme", cast("Connection", self.helpdesk), self.decide, observe=self.observe)
        return Reconciler(
            {"acme": account},
            self.ledger,
            self.clock,
            adjust=self.adjust,
            announce=lambda *heard: self.announced.append(heard[2]),
            events=self,
            wait=self.waits.append,
            uniform=max,
            attempts_limit=3,
        )

    def claim(self, key: TicketKey = KEY) -> Claim:
        self.ledger.mark([key], self.clock())
        (claim,) = self.ledger.claim_due(1, self.clock())
        return claim

    def look(self, key: TicketKey = KEY) -> Outcome:
        return self.reconciler()(self.claim(key))

    def row(self) -> dict[str, Any]:
        with self.database.reading() as connection:
            return dict(connection.execute(select(ticket_ledger)).mappings().one())


@pytest.fixture
def desk(sqlite_url: str, clock: Any) -> Iterator[Desk]:
    database = open_database(sqlite_url)
    database.migrate()
    ledger = SqlLedger(database)
    yield Desk(FakeHelpdesk(), ledger, database, clock)
    ledger.close()
    database.close()


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


def error(kind: type[PlatformError], **facts: Any) -> PlatformError:
    return kind(platform="fake", operation="update ticket", **facts)


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


# --- looks that fail --------------------------------------------------------------------------


def test_a_ticket_that_is_gone_is_done(desk: Desk) -> None:
    """Nothing is scheduled, nothing waits for a person."""
    desk.helpdesk.reads = [error(TicketGone, status=404)]
    assert desk.look() is Outcome.GONE
    row = desk.row()
    assert (row["done"], row["due_at"], row["dead_at"]) == (1, None, None)


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 10), (timedelta(seconds=90), 100)])
def test_a_temporary_error_puts_the_ticket_off(desk: Desk, retry_after: timedelta | None, seconds: int) -> None:
    """By the back-off, and by what the platform asked for."""
    desk.helpdesk.writes = [error(TemporaryPlatformError, status=429, retry_after=retry_after)]
    assert desk.look() is Outcome.FAILED
    row = desk.row()
    assert row["not_before"] == START + timedelta(seconds=seconds)
    assert (row["done"], row["last_reason"]) == (0, "temporary: update ticket, status 429")
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
    ("kind", "status", "reason"),
    [
        (Unauthorised, 401, "unauthorised: update ticket, status 401"),
        (PermanentPlatformError, 422, "permanent: update ticket, status 422"),
        (PermanentPlatformError, None, "permanent: update ticket"),
    ],
)
def test_a_permanent_error_waits_for_a_person(
    desk: Desk, kind: type[PlatformError], status: int | None, reason: str
) -> None:
    """The reason is words of ours and a number, nothing that the platform said."""
    desk.helpdesk.reads = [error(kind, status=status, reason=SECRET)]
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
        (lambda: {"helpdesk": FakeHelpdesk(reads=[error(Unauthorised)])}, "buried", "reconcile.buried", "warning"),
        (lambda: {"decide": stumble_over_a_text}, "failed", "reconcile.failed", "warning"),
    ],
)
def test_each_look_is_counted_and_logged_once(
    desk: Desk, arrange: Callable[[], dict[str, Any]], outcome: str, event: str, level: str
) -> None:
    """Under a stable name with the ticket's key, and never with a text."""
    with capture_logs() as logs:
        assert replace(desk, **arrange()).look() == outcome
    ends = [entry for entry in logs if entry["event"].startswith("reconcile.") and "attempt" in entry]
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
