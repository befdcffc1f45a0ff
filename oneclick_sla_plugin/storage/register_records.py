"""Reading the complaint register: complaints with their events, as values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select, true

from oneclick_sla_plugin.domain.complaint import COMMANDED_BY, CaseEvent, ComplaintType, Entry, Happened, Stage
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.register_tables import complaint, complaint_event
from oneclick_sla_plugin.storage.tables import instant_of

KEEP = timedelta(days=731)
"""How long a complaint has to be kept after its last event: two years, a leap day included.

Peru wants sheets and answers kept; that it is two years is not verified.
"""

OVER = frozenset({Stage.CLOSED, Stage.REJECTED, Stage.WITHDRAWN, Stage.DUPLICATE})
"""Stages in which nothing is owed any more."""

AMENDED = "amended"
"""The register's own event: what it has of a complaint changed without anything having happened to it."""

TICKET_GONE = "ticket_gone"
"""The register's own event: the platform does not have the ticket any more. The complaint stands as it stood."""

OWN_EVENTS = frozenset({AMENDED, TICKET_GONE})

_NUMBER = re.compile(r"(?:(?P<series>.+)-)?(?P<year>\d{4})-(?P<sequence>\d{6,9})")


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the register keeps it.

    ``what`` is a value of ``Happened``, or one of the register's own. ``position`` and ``hash`` are its
    link's in the chain. ``standing``: the ticket still showed it at the last look.
    """

    what: str
    at: datetime
    actor: str
    message: str | None
    level: int
    facts: Mapping[str, str]
    recorded_at: datetime
    position: int
    hash: str
    standing: bool


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint of the register. ``number`` is ``None`` for a suspect, confirmed or not.

    ``received_at`` is the earliest receipt among it and its duplicates; ``duplicate_of``
    the ticket that it is one of itself. ``keep_until``: it has to be kept at least so long.
    """

    key: TicketKey
    series: str
    number: str | None
    stage: Stage
    type: ComplaintType | None
    channel: Channel
    received_at: datetime
    registered_at: datetime | None
    level: int
    message: str | None
    policy: str
    rules: tuple[tuple[str, float], ...]
    duplicate_of: str | None
    keep_until: datetime
    events: tuple[RecordedEvent, ...]

    @property
    def open(self) -> bool:
        """Registered, and something is still owed: it is neither closed, rejected, withdrawn nor a duplicate."""
        return self.number is not None and self.stage not in OVER

    def first(self, what: Happened) -> RecordedEvent | None:
        """The earliest event of this kind that still stands."""
        return min(self._standing(what), key=lambda event: event.at, default=None)

    def last(self, what: Happened) -> RecordedEvent | None:
        """The latest event of this kind that still stands."""
        return max(self._standing(what), key=lambda event: event.at, default=None)

    def count(self, what: Happened) -> int:
        """How many events of this kind stand."""
        return sum(1 for _ in self._standing(what))

    @property
    def response_due_at(self) -> datetime | None:
        """Until when the answer is promised: as the last extension says, else as it was at registration."""
        extended, registered = self.last(Happened.EXTENDED), self.last(Happened.REGISTERED)
        if extended is not None and (due := instant_fact(extended, "new_due_at")) is not None:
            return due
        return None if registered is None else instant_fact(registered, "response_due_at")

    def _standing(self, what: Happened) -> Iterator[RecordedEvent]:
        return (event for event in self.events if event.standing and event.what == what)


def instant_fact(event: RecordedEvent, name: str) -> datetime | None:
    """The instant that an event names under ``name``; ``None`` when there is none that can be read."""
    try:
        at = datetime.fromisoformat(event.facts.get(name, ""))
    except ValueError:
        return None
    return at if at.utcoffset() is not None else None


def number_of(series: str, year: int, sequence: int) -> str:
    """The number as it is told to people: ``2026-000017``, the series before it if it has a name."""
    return f"{series}-{year:04}-{sequence:06}" if series else f"{year:04}-{sequence:06}"


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A transaction whose queries all see the register as it was at the first of them."""
    with database.reading() as connection:
        if database.dialect == "postgresql":  # SQLite's read transactions are so by themselves
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def earliest_receipts(connection: Connection, account: str | None) -> dict[TicketKey, datetime]:
    """For each ticket that has duplicates, the earliest receipt among these, and among theirs."""
    rows = connection.execute(
        select(complaint.c.account, complaint.c.ticket, complaint.c.duplicate_of, complaint.c.received_at).where(
            complaint.c.duplicate_of.is_not(None), _of(account)
        )
    ).all()
    targets = {TicketKey(row.account, row.ticket): TicketKey(row.account, row.duplicate_of) for row in rows}
    found: dict[TicketKey, datetime] = {}
    for row in rows:
        seen: set[TicketKey] = set()
        target = TicketKey(row.account, row.duplicate_of)
        while target not in seen:  # people can merge in a circle
            seen.add(target)
            found[target] = min(found.get(target, row.received_at), row.received_at)
            target = targets.get(target, target)
    return found


def entry_of(connection: Connection, key: TicketKey, row: Mapping[str, Any]) -> Entry:
    """What the register has of a ticket; ``row``: its row in plain values."""
    received_at = instant_of(row["received_at"])
    registered_at = row["registered_at"]
    standing = set(json.loads(row["standing"]))
    events = _events(connection, key)
    return Entry(
        number=None if row["sequence"] is None else number_of(row["series"], row["year"], row["sequence"]),
        stage=Stage(row["stage"]),
        received_at=min(received_at, earliest_receipts(connection, key.account).get(key, received_at)),
        registered_at=None if registered_at is None else instant_of(registered_at),
        extensions=tuple(event for _, event in events if event.what is Happened.EXTENDED),
        commands=tuple(event for position, event in events if position in standing and COMMANDED_BY in event.facts),
        merged=_has_duplicates(connection, key),
    )


def merged_entry(connection: Connection, key: TicketKey) -> Entry | None:
    """What is known of a ticket that has no row, but had a registered complaint merged into it."""
    if not _has_duplicates(connection, key):
        return None
    return Entry(None, Stage.SUSPECTED, earliest_receipts(connection, key.account)[key], None, merged=True)


def _has_duplicates(connection: Connection, key: TicketKey) -> bool:
    found = select(complaint.c.ticket).where(
        complaint.c.account == key.account, complaint.c.duplicate_of == key.id, complaint.c.sequence.is_not(None)
    )
    return connection.execute(found.limit(1)).first() is not None


def _events(connection: Connection, key: TicketKey) -> list[tuple[int, CaseEvent]]:
    """What happened to a complaint, with the positions, the oldest first; without the register's own events."""
    events = complaint_event.c
    found = select(complaint_event).where(
        events.account == key.account, events.ticket == key.id, events.what.in_(kind.value for kind in Happened)
    )
    return [
        (row.position, CaseEvent(Happened(row.what), row.at, row.actor, row.message, row.level, json.loads(row.facts)))
        for row in connection.execute(found.order_by(events.at, events.position))
    ]


def read_complaints(connection: Connection, keep: timedelta, account: str | None = None) -> list[Complaint]:
    """All complaints, suspects included, of an account or of all, in the order of receipt."""
    found = _read(connection, keep, account, _of(account), _of_event(account))
    return sorted(found, key=lambda one: (one.received_at, one.key))


def read_complaint(connection: Connection, keep: timedelta, key: TicketKey) -> Complaint | None:
    """The complaint of a ticket."""
    row = and_(_of(key.account), complaint.c.ticket == key.id)
    events = and_(_of_event(key.account), complaint_event.c.ticket == key.id)
    return next(_read(connection, keep, key.account, row, events), None)


def key_of_number(connection: Connection, number: str) -> TicketKey | None:
    """Whose number this is."""
    parts = _NUMBER.fullmatch(number)
    if parts is None:
        return None
    row = connection.execute(
        select(complaint.c.account, complaint.c.ticket).where(
            complaint.c.series == (parts["series"] or ""),
            complaint.c.year == int(parts["year"]),
            complaint.c.sequence == int(parts["sequence"]),
        )
    ).one_or_none()
    return None if row is None else TicketKey(row.account, row.ticket)


def _read(
    connection: Connection,
    keep: timedelta,
    account: str | None,
    rows: ColumnElement[bool],
    events: ColumnElement[bool],
) -> Iterator[Complaint]:
    receipts = earliest_receipts(connection, account)
    happened: dict[TicketKey, list[Row[Any]]] = {}
    for event in connection.execute(select(complaint_event).where(events).order_by(complaint_event.c.position)):
        happened.setdefault(TicketKey(event.account, event.ticket), []).append(event)
    for row in connection.execute(select(complaint).where(rows)):
        key = TicketKey(row.account, row.ticket)
        yield _complaint(row, happened.get(key, ()), receipts.get(key, row.received_at), keep)


def _complaint(row: Row[Any], events: Iterable[Row[Any]], received_at: datetime, keep: timedelta) -> Complaint:
    standing = set(json.loads(row.standing))
    return Complaint(
        key=TicketKey(row.account, row.ticket),
        series=row.series,
        number=None if row.sequence is None else number_of(row.series, row.year, row.sequence),
        stage=Stage(row.stage),
        type=None if row.type is None else ComplaintType(row.type),
        channel=Channel(row.channel),
        received_at=min(received_at, row.received_at),
        registered_at=row.registered_at,
        level=row.level,
        message=row.message,
        policy=row.policy,
        rules=tuple((rule, weight) for rule, weight in json.loads(row.rules)),
        duplicate_of=row.duplicate_of,
        keep_until=row.last_event_at + keep,
        events=tuple(
            RecordedEvent(
                what=event.what,
                at=event.at,
                actor=event.actor,
                message=event.message,
                level=event.level,
                facts=json.loads(event.facts),
                recorded_at=event.recorded_at,
                position=event.position,
                hash=event.hash,
                standing=event.position in standing,
            )
            for event in events
        ),
    )


def _of(account: str | None) -> ColumnElement[bool]:
    return true() if account is None else complaint.c.account == account


def _of_event(account: str | None) -> ColumnElement[bool]:
    return true() if account is None else complaint_event.c.account == account
