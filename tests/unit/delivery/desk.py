"""A reconciler with everything around it: a helpdesk of one ticket, a ledger on SQLite, a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import select

from oneclick_sla_plugin.delivery.health import Health
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
from oneclick_sla_plugin.errors import PlatformError
from oneclick_sla_plugin.ports import Claim, Connection
from oneclick_sla_plugin.storage.accounts import SqlAccountStates
from oneclick_sla_plugin.storage.database import Database
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
    redact_cards: bool = False
    adjust: Callable[[Ticket, Decision], Decision] = lambda _, decision: decision
    decide: Callable[[Ticket, datetime], Decision] = decide
    announced: list[Changes] = field(default_factory=list)
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    waits: list[timedelta] = field(default_factory=list)
    gone: list[tuple[TicketKey, datetime]] = field(default_factory=list)

    def count(self, name: str, **labels: str) -> None:
        self.counted.append((name, labels))

    def reconciler(self) -> Reconciler:
        account = Account(
            "acme",
            cast("Connection", self.helpdesk),
            self.decide,
            observe=self.observe,
            redact_cards=self.redact_cards,
            gone=lambda *heard: self.gone.append(heard),
        )
        return Reconciler(
            {"acme": account},
            self.ledger,
            self.clock,
            health=self.health(),
            adjust=self.adjust,
            announce=lambda *heard: self.announced.append(heard[2]),
            events=self,
            wait=self.waits.append,
            uniform=max,
            attempts_limit=3,
        )

    def health(self) -> Health:
        return Health(SqlAccountStates(self.database), self.clock, self, uniform=max)

    def claim(self, key: TicketKey = KEY) -> Claim:
        self.ledger.mark([key], self.clock())
        (claim,) = self.ledger.claim_due(1, self.clock())
        return claim

    def look(self, key: TicketKey = KEY) -> Outcome:
        return self.reconciler()(self.claim(key))

    def row(self) -> dict[str, Any]:
        with self.database.reading() as connection:
            return dict(connection.execute(select(ticket_ledger)).mappings().one())


def error(kind: type[PlatformError], **facts: Any) -> PlatformError:
    return kind(platform="fake", operation="update ticket", **facts)
