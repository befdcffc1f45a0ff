"""The complaint register: what must outlive the helpdesk of each complaint, append-only.

A row says how a complaint stands, its events say how it came to that. Both are
written in one transaction, with the complaint's number when it gets one and with
the link of each event in the chain of its series. Whoever writes to a series
holds the series' row (on SQLite the database), so numbers have no gap and links
no fork, whichever threads, processes or hosts write; whoever is killed before the
commit has taken nothing.

What is recorded is a case, derived from the ticket anew at each look:

* Its events are added to those that are there. An event is the same again when
  ``what``, ``at``, ``message`` and ``level`` are. Nothing is taken away: an event
  that the ticket does not show any more stays, and does not stand any longer.
* Its stage and the other facts replace those of an older look. Which of two looks
  is the later one is told by ``now``, so that they may be recorded in any order. A
  registered complaint never becomes a suspicion again.
* A change without an event (an agent corrected the type) is an event of the
  register's own, :data:`AMENDED`.

A suspicion is kept without a number until it is confirmed. A duplicate keeps its
number; the complaint that it is a duplicate of counts from the earlier receipt of the two.

What the register reads from ``CaseEvent.facts`` (instants as RFC 3339):

==================== ===============================================================
``registered``       ``ack_due_at``, ``response_due_at``, ``legal_due_at``
``acknowledged``     ``due_at`` that it had to meet; ``automatic``: ``true`` for ours
``extended``         ``old_due_at``, ``new_due_at``
``responded``        ``due_at`` that it had to meet, extensions included
``duplicated``       ``duplicate_of``: the id of the other ticket, of the same account
==================== ===============================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, and_, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from oneclick_sla_plugin.domain.complaint import Case, CaseEvent, Entry, Happened, Stage
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.register_chain import Head, Link, canonical, chained, state_of
from oneclick_sla_plugin.storage.register_check import Verification, verify
from oneclick_sla_plugin.storage.register_records import (
    AMENDED,
    KEEP,
    TICKET_GONE,
    Complaint,
    entry_of,
    key_of_number,
    merged_entry,
    read_complaint,
    read_complaints,
    snapshot,
)
from oneclick_sla_plugin.storage.register_tables import (
    complaint,
    complaint_event,
    complaint_number,
    complaint_series,
    plain,
)
from oneclick_sla_plugin.storage.tables import instant_of, microseconds

_OF_SUSPECTS_TOO = frozenset({Stage.SUSPECTED, Stage.REJECTED, Stage.WITHDRAWN, Stage.DUPLICATE})
"""Stages that a suspicion may have; in any other one it was taken for a complaint."""

_Identity = tuple[str, int, str | None, int]
_State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Book:
    """What stands of one ticket: its row (plain values, without the key), its events by what makes them the same."""

    row: _State | None
    positions: Mapping[_Identity, int]


class SqlRegister:
    """``ports.Register`` on a database. Safe to use from several threads and processes.

    ``series``: the series of each account, or of all; it stands before the number
    (``LIMA-2026-000017``), the empty one does not. Accounts that are not named are in
    the empty series. ``zones``: in whose year a complaint was received. ``keep``: how
    long after its last event a complaint has to be kept.
    """

    def __init__(
        self,
        database: Database,
        series: Mapping[str, str] | str = "",
        *,
        zones: Mapping[str, tzinfo] | tzinfo = UTC,
        keep: timedelta = KEEP,
    ) -> None:
        self._database = database
        self._series = series
        self._zones = zones
        self._keep = keep

    # --- writing ------------------------------------------------------------------------------

    def record(self, key: TicketKey, case: Case, policy: str, now: datetime) -> Entry:
        """Bring the register up to what the ticket showed at ``now``. Raises ``StoreError``.

        Registers the complaint if it is new, which gives it the next number of its
        series and year, and appends the events that are not there yet. Doing it twice, or
        in two processes at once, is as doing it once.
        """
        with snapshot(self._database) as connection:
            book = _book(connection, key)
            if book.row is not None and not _news(book, case) and _row_after(book, case, policy, now) == book.row:
                return entry_of(connection, key, book.row)
        with self._database.writing() as connection:
            head = self._hold(connection, self._series_of(key) if book.row is None else book.row["series"])
            book = _book(connection, key)  # as it stands now that nobody else can change it
            return entry_of(connection, key, self._append(connection, head, book, key, case, policy, now))

    def gone(self, key: TicketKey, now: datetime) -> None:
        """Append :data:`TICKET_GONE` to a complaint or suspicion, unless that is its last event. Raises ``StoreError``."""
        with snapshot(self._database) as connection:  # most tickets are none: they keep no writer waiting
            row = _book(connection, key).row
        if row is None:
            return
        with self._database.writing() as connection:
            head = self._hold(connection, row["series"])
            last = (
                select(complaint_event.c.what)
                .where(complaint_event.c.account == key.account, complaint_event.c.ticket == key.id)
                .order_by(complaint_event.c.position.desc())
                .limit(1)
            )
            if connection.execute(last).scalar_one() != TICKET_GONE:
                self._chain(connection, head, [_own_event(TICKET_GONE, head.series, key, row["level"], now)])

    def _append(
        self, connection: Connection, head: Head, book: _Book, key: TicketKey, case: Case, policy: str, now: datetime
    ) -> _State:
        news = _news(book, case)
        positions = {identity: head.position + n for n, identity in enumerate(news, start=1)}
        row = _row_after(_Book(book.row, {**book.positions, **positions}), case, policy, now)
        if row == book.row and not news:
            return row
        row["series"] = head.series
        if row["registered_at"] is not None and row["sequence"] is None:
            row["year"] = instant_of(row["received_at"]).astimezone(self._zone_of(key)).year
            row["sequence"] = self._next_number(connection, head.series, row["year"])
        links = [_link(head.series, key, event, now) for event in news.values()] or [
            _own_event(AMENDED, head.series, key, case.level, now)
        ]
        if row != book.row:
            links[-1] = replace(links[-1], state=state_of(row))
        self._chain(connection, head, links)
        if book.row is None:
            connection.execute(insert(complaint).values(account=key.account, ticket=key.id, **_columns(row)))
        elif row != book.row:
            connection.execute(update(complaint).where(_of(key)).values(_columns(row)))
        return row

    def _chain(self, connection: Connection, head: Head, links: list[Link]) -> None:
        """Append links to the end of their series, which is held."""
        links = chained(head, links)
        instants = ("at", "recorded_at")
        connection.execute(
            insert(complaint_event),
            [
                asdict(link) | {name: instant_of(getattr(link, name)) for name in instants} | {"hash": link.hash}
                for link in links
            ],
        )
        mine = complaint_series.c.series == head.series
        connection.execute(
            update(complaint_series).where(mine).values(position=links[-1].position, hash=links[-1].hash)
        )

    def _hold(self, connection: Connection, series: str) -> Head:
        """The end of a series, which nobody else writes to until this transaction ends."""
        first = self._insert(complaint_series).values(series=series, position=0, hash=Head(series).hash)
        connection.execute(first.on_conflict_do_nothing())
        row = connection.execute(
            select(complaint_series).where(complaint_series.c.series == series).with_for_update()
        ).one()
        return Head(series, row.position, row.hash)

    def _next_number(self, connection: Connection, series: str, year: int) -> int:
        """Taken for good only with the transaction."""
        first = self._insert(complaint_number).values(series=series, year=year, last=0)
        connection.execute(first.on_conflict_do_nothing())
        next_one = (
            update(complaint_number)
            .where(complaint_number.c.series == series, complaint_number.c.year == year)
            .values(last=complaint_number.c.last + 1)
            .returning(complaint_number.c.last)
        )
        number: int = connection.execute(next_one).scalar_one()
        return number

    def _insert(self, table: Any) -> Any:
        return (postgresql if self._database.dialect == "postgresql" else sqlite).insert(table)

    def _series_of(self, key: TicketKey) -> str:
        return self._series if isinstance(self._series, str) else self._series.get(key.account, "")

    def _zone_of(self, key: TicketKey) -> tzinfo:
        return self._zones if isinstance(self._zones, tzinfo) else self._zones.get(key.account, UTC)

    # --- reading ------------------------------------------------------------------------------

    def entry(self, key: TicketKey) -> Entry | None:
        """What is registered for a ticket; received at the earliest receipt among it and its duplicates."""
        with snapshot(self._database) as connection:
            row = _book(connection, key).row
            return merged_entry(connection, key) if row is None else entry_of(connection, key, row)

    def complaints(self, account: str | None = None) -> list[Complaint]:
        """All complaints and suspects, of one account or of all, in the order of receipt. Raises ``StoreError``."""
        with snapshot(self._database) as connection:
            return read_complaints(connection, self._keep, account)

    def find(self, name: str | TicketKey) -> Complaint | None:
        """The complaint with this number, or of this ticket (as text ``account/id``). Raises ``StoreError``."""
        with snapshot(self._database) as connection:
            key = name if isinstance(name, TicketKey) else key_of_number(connection, name)
            if key is None and isinstance(name, str):
                account, _, ticket = name.partition("/")
                key = TicketKey(account, ticket)
            return None if key is None else read_complaint(connection, self._keep, key)

    def verify(self) -> Verification:
        """Compute the chains, rows and numbers anew and say what disagrees. Raises ``StoreError``."""
        with snapshot(self._database) as connection:
            return verify(connection)


# --- what becomes of a row --------------------------------------------------------------------


def _row_after(book: _Book, case: Case, policy: str, now: datetime) -> _State:
    """The row once a case is recorded, its number not taken yet; ``book`` has the position of each of its events."""
    old = book.row
    row = _shown(book, case, policy, now)
    if old is not None:
        if _rank(row) <= _rank(old) or _content(row) == _content(old):
            row = dict(old)
        row |= {name: old[name] for name in ("series", "year", "sequence", "registered_at")}
    confirmed = case.stage not in _OF_SUSPECTS_TOO or any(event.what is Happened.REGISTERED for event in case.events)
    if row["registered_at"] is None and confirmed:
        row["registered_at"] = microseconds(now)
    return row


def _shown(book: _Book, case: Case, policy: str, now: datetime) -> _State:
    duplicates = [event for event in case.events if event.what is Happened.DUPLICATED]
    positions = {book.positions[_identity(event)] for event in case.events if _identity(event) in book.positions}
    return {
        "series": None,
        "year": None,
        "sequence": None,
        "registered_at": None,
        "stage": case.stage.value,
        "type": None if case.type is None else case.type.value,
        "channel": case.channel.value,
        "received_at": microseconds(case.received_at),
        "level": case.level,
        "message": case.message,
        "policy": policy,
        "rules": canonical(case.rules),
        "duplicate_of": duplicates[-1].facts.get("duplicate_of") if duplicates else None,
        "standing": canonical(sorted(positions)),
        "last_event_at": microseconds(max((event.at for event in case.events), default=case.received_at)),
        "as_of": microseconds(now),
    }


def _content(row: _State) -> str:
    """What a look shows, but for when it was."""
    return state_of({name: value for name, value in row.items() if name not in _REGISTERS_OWN})


_REGISTERS_OWN = frozenset({"series", "year", "sequence", "registered_at", "as_of"})


def _rank(row: _State) -> tuple[bool, int, int, int, str]:
    """Of two looks the greater one counts, in whichever order they are recorded.

    Positions depend on that order, so the last tie-break leaves them out.
    """
    return (
        row["stage"] != Stage.SUSPECTED,
        row["as_of"],
        row["last_event_at"],
        len(json.loads(row["standing"])),
        _content({**row, "standing": ""}),
    )


# --- rows and links ---------------------------------------------------------------------------


def _identity(event: CaseEvent) -> _Identity:
    return event.what.value, microseconds(event.at), event.message, event.level


def _news(book: _Book, case: Case) -> dict[_Identity, CaseEvent]:
    """The events of a case that the register does not have, in their order."""
    found: dict[_Identity, CaseEvent] = {}
    for event in case.events:
        if (identity := _identity(event)) not in book.positions:
            found.setdefault(identity, event)
    return found


def _link(series: str, key: TicketKey, event: CaseEvent, now: datetime) -> Link:
    return Link(
        series=series,
        position=0,
        account=key.account,
        ticket=key.id,
        what=event.what.value,
        at=microseconds(event.at),
        actor=event.actor,
        message=event.message,
        level=event.level,
        facts=canonical(dict(event.facts)),
        recorded_at=microseconds(now),
        state=None,
    )


def _own_event(what: str, series: str, key: TicketKey, level: int, now: datetime) -> Link:
    return Link(
        series=series,
        position=0,
        account=key.account,
        ticket=key.id,
        what=what,
        at=microseconds(now),
        actor="us",
        message=None,
        level=level,
        facts=canonical({}),
        recorded_at=microseconds(now),
        state=None,
    )


def _book(connection: Connection, key: TicketKey) -> _Book:
    row = connection.execute(select(complaint).where(_of(key))).one_or_none()
    state = None
    if row is not None:
        state = {name: value for name, value in plain(row).items() if name not in ("account", "ticket")}
    events = connection.execute(
        select(complaint_event).where(complaint_event.c.account == key.account, complaint_event.c.ticket == key.id)
    )
    return _Book(state, {(row.what, microseconds(row.at), row.message, row.level): row.position for row in events})


def _columns(row: _State) -> dict[str, Any]:
    instants = ("registered_at", "received_at", "last_event_at", "as_of")
    return {name: instant_of(value) if name in instants and value is not None else value for name, value in row.items()}


def _of(key: TicketKey) -> Any:
    return and_(complaint.c.account == key.account, complaint.c.ticket == key.id)
