"""The ledger: how often a ticket was marked, and up to which mark it has been dealt with.

It keeps state, not events. An event is ``marked + 1`` and ``due_at = now``; a
timer is ``due_at`` in the future; fifty events on a ticket are one row. Whoever
looks at a ticket leases its row, remembers ``marked`` as it was then, reads the
ticket afterwards, and in the end sets ``done`` to the remembered value. A mark
that came during the look leaves ``marked`` larger, so the row is due again: no
wake-up is lost, and at most one look is too many. Work that dies keeps its lease
until that expires, then the row is claimed again.

Looks at one ticket begin at least ``spacing`` apart, a failed one is held back
until ``not_before``, and a dead row stays dead until a person acts; a mark only
counts in all three cases, it hastens and revives nothing.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.ports import Claim
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.group_commit import GroupCommit
from oneclick_sla_plugin.storage.tables import latest
from oneclick_sla_plugin.storage.tables import ticket_ledger as ledger

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)

_live = and_(ledger.c.due_at.is_not(None), ledger.c.dead_at.is_(None))
_claimable_at = latest(
    ledger.c.due_at,
    ledger.c.not_before,
    func.coalesce(ledger.c.lease_until, ledger.c.due_at, type_=ledger.c.due_at.type),
)
_no_lease: Mapping[str, None] = {"lease_by": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class DeadTicket:
    """A row of the dead list. ``attempts``: how often it was tried; ``reason``: words of ours."""

    key: TicketKey
    dead_at: datetime
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Marks:
    keys: tuple[TicketKey, ...]
    now: datetime


class SqlLedger:
    """``ports.Ledger`` on a database. Safe to use from several threads and processes.

    ``lease``: how long a claim holds without being renewed; longer than the pause
    between two renewals by a good margin. ``spacing``: the least time between the
    beginnings of two looks at one ticket. ``owner`` names the holder of a lease to
    people who read the table; by default host and process.
    """

    def __init__(
        self,
        database: Database,
        *,
        lease: timedelta = timedelta(seconds=15),
        spacing: timedelta = timedelta(seconds=2),
        owner: str | None = None,
    ) -> None:
        self._database = database
        self._lease = lease
        self._spacing = spacing
        self._owner = owner
        self._marks = GroupCommit(self._commit_marks, name="ledger-writer")

    # --- marking ------------------------------------------------------------------------------

    def mark(self, keys: Iterable[TicketKey], now: datetime) -> None:
        """Durably note that these tickets have to be looked at; returns after the commit.

        Threads that mark at the same time share one commit.
        """
        marks = _Marks(tuple(keys), now)
        if marks.keys:
            self._marks.submit(marks)

    def _commit_marks(self, group: Sequence[_Marks]) -> None:
        counts: dict[TicketKey, int] = {}
        earliest: dict[TicketKey, datetime] = {}
        for marks in group:
            for key in marks.keys:
                counts[key] = counts.get(key, 0) + 1
                earliest[key] = min(earliest.get(key, marks.now), marks.now)
        rows = [
            {
                "account": key.account,
                "ticket": key.id,
                "marked": counts[key],
                "done": 0,
                "due_at": earliest[key],
                "not_before": earliest[key],
                "attempts": 0,
            }
            for key in sorted(counts)  # two processes that lock the same rows do so in the same order
        ]
        with self._database.writing() as connection:
            connection.execute(self._upsert(), rows)

    def _upsert(self) -> sqlite.Insert | postgresql.Insert:
        dialect = self._database.dialect
        statement = postgresql.insert(ledger) if dialect == "postgresql" else sqlite.insert(ledger)
        new = statement.excluded
        sooner = or_(ledger.c.due_at.is_(None), ledger.c.due_at > new.due_at)
        return statement.on_conflict_do_update(
            index_elements=[ledger.c.account, ledger.c.ticket],
            set_={
                "marked": ledger.c.marked + new.marked,
                "due_at": case((sooner, new.due_at), else_=ledger.c.due_at),
            },
        )

    # --- claiming and settling ----------------------------------------------------------------

    def claim_due(self, limit: int, now: datetime) -> Sequence[Claim]:
        """Lease up to ``limit`` tickets that are due, the longest waiting first."""
        owner = self._owner or f"{platform.node()}:{os.getpid()}"
        due = (
            select(ledger.c.account, ledger.c.ticket, ledger.c.marked, ledger.c.attempts)
            .where(
                _live,
                ledger.c.due_at <= now,
                ledger.c.not_before <= now,
                or_(ledger.c.lease_until.is_(None), ledger.c.lease_until <= now),
            )
            .order_by(ledger.c.due_at, ledger.c.account, ledger.c.ticket)
            .limit(limit)
            .with_for_update(skip_locked=True)  # not rendered on SQLite, where the transaction is the lock
        )
        with self._database.writing() as connection:
            claims = [
                Claim(
                    key=TicketKey(row.account, row.ticket),
                    marked=row.marked,
                    attempts=row.attempts + 1,
                    token=f"{owner}:{uuid.uuid4().hex}",
                )
                for row in connection.execute(due)
            ]
            if claims:
                connection.execute(
                    update(ledger)
                    .where(ledger.c.account == bindparam("of_account"), ledger.c.ticket == bindparam("of_ticket"))
                    .values(
                        attempts=ledger.c.attempts + 1,
                        lease_by=bindparam("token"),
                        lease_until=now + self._lease,
                        not_before=now + self._spacing,
                    ),
                    [
                        {"of_account": claim.key.account, "of_ticket": claim.key.id, "token": claim.token}
                        for claim in claims
                    ],
                )
        return claims

    def renew(self, claims: Iterable[Claim], now: datetime) -> None:
        """Extend the leases of work that is still under way; a lease that was lost stays lost."""
        with self._database.writing() as connection:
            for claim in sorted(claims, key=lambda claim: claim.key):
                connection.execute(update(ledger).where(_held(claim)).values(lease_until=now + self._lease))

    def finish(
        self, claim: Claim, now: datetime, next_look_at: datetime | None, facts: Mapping[str, Any] | None = None
    ) -> bool:
        """Settle a claim; false when its lease was lost.

        ``facts`` (JSON values, no text of a customer) replace the ones on the row; ``None`` leaves those.
        """
        values: dict[str, Any] = {
            **_no_lease,
            "done": claim.marked,
            "due_at": case((ledger.c.marked > claim.marked, _instant(now)), else_=_instant(next_look_at)),
            "attempts": 0,
            "last_reason": None,
        }
        if facts is not None:
            values["facts"] = dict(facts)
        return self._settle(claim, values)

    def fail(self, claim: Claim, now: datetime, not_before: datetime, reason: str) -> bool:  # noqa: ARG002 - the port's
        """Give a claim back, to be tried again no earlier than ``not_before``; false when its lease was lost."""
        held_back = latest(ledger.c.not_before, _instant(not_before))
        return self._settle(claim, {**_no_lease, "not_before": held_back, "last_reason": reason})

    def bury(self, claim: Claim, now: datetime, reason: str) -> bool:
        """Put a ticket on the dead list, where it stays until a person acts; false when its lease was lost."""
        return self._settle(claim, {**_no_lease, "dead_at": now, "last_reason": reason})

    def _settle(self, claim: Claim, values: Mapping[str, Any]) -> bool:
        with self._database.writing() as connection:
            return connection.execute(update(ledger).where(_held(claim)).values(values)).rowcount == 1

    # --- looking ------------------------------------------------------------------------------

    def next_due_at(self, now: datetime) -> datetime | None:
        """The earliest instant, past ones included, at which :meth:`claim_due` will have something."""
        # No row is claimable before its due_at. So the first row of the future bounds the answer from
        # above, and only rows that are due up to there are asked: the index finds them, however many
        # timers lie further ahead.
        bound = (
            select(_claimable_at)
            .where(_live, ledger.c.due_at > now)
            .order_by(ledger.c.due_at)
            .limit(1)
            .scalar_subquery()
        )
        earliest = select(func.min(_claimable_at, type_=ledger.c.due_at.type)).where(
            _live, ledger.c.due_at <= func.coalesce(bound, _instant(_END_OF_TIME))
        )
        with self._database.reading() as connection:
            due_at: datetime | None = connection.execute(earliest).scalar_one()
        return due_at

    def check(self) -> None:
        """Raises ``StoreError`` when the ledger cannot be written: writes a row and takes it back."""
        row = {"account": "", "ticket": uuid.uuid4().hex, "marked": 0, "done": 0, "attempts": 0}
        with self._database.writing() as connection:
            connection.execute(insert(ledger), {**row, "not_before": _END_OF_TIME})
            connection.rollback()

    # --- the dead list ------------------------------------------------------------------------

    def dead(self, limit: int = 100) -> Sequence[DeadTicket]:
        """What waits for a person, the latest first. Raises ``StoreError``."""
        listing = (
            select(ledger.c.account, ledger.c.ticket, ledger.c.dead_at, ledger.c.attempts, ledger.c.last_reason)
            .where(ledger.c.dead_at.is_not(None))
            .order_by(ledger.c.dead_at.desc(), ledger.c.account, ledger.c.ticket)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [
                DeadTicket(TicketKey(row.account, row.ticket), row.dead_at, row.attempts, row.last_reason or "")
                for row in connection.execute(listing)
            ]

    def retry(self, keys: Iterable[TicketKey], now: datetime) -> int:
        """Take dead tickets back to work at once, with attempts counted anew; returns how many were dead."""
        alive = {"dead_at": None, "last_reason": None, "attempts": 0, "due_at": now, "not_before": now}
        with self._database.writing() as connection:
            return sum(
                connection.execute(update(ledger).where(_dead(key)).values(alive)).rowcount for key in sorted(keys)
            )

    def drop(self, keys: Iterable[TicketKey]) -> int:
        """Forget dead tickets, until they are marked again; returns how many were dead."""
        with self._database.writing() as connection:
            return sum(connection.execute(delete(ledger).where(_dead(key))).rowcount for key in sorted(keys))

    def close(self) -> None:
        """Commit the marks that wait and stop the writer; later marks are refused."""
        self._marks.close()


def _instant(at: datetime | None) -> ColumnElement[datetime]:
    return bindparam(None, at, type_=ledger.c.due_at.type)


def _row(key: TicketKey) -> ColumnElement[bool]:
    return and_(ledger.c.account == key.account, ledger.c.ticket == key.id)


def _held(claim: Claim) -> ColumnElement[bool]:
    return and_(_row(claim.key), ledger.c.lease_by == claim.token)


def _dead(key: TicketKey) -> ColumnElement[bool]:
    return and_(_row(key), ledger.c.dead_at.is_not(None))
