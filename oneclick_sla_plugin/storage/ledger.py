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
counts in all three cases, it hastens and revives nothing. Nor is a ticket claimed
whose account sleeps.
"""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, func, insert, select, true, update

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.ports import Claim, ReplyIntent
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.group_commit import GroupCommit
from oneclick_sla_plugin.storage.statements import ANY_DUE, DUE, LEASE, NEXT_DUE, mark_rows
from oneclick_sla_plugin.storage.tables import instant_of, latest, microseconds
from oneclick_sla_plugin.storage.tables import ticket_ledger as ledger

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)

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
    backlog: bool


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
        self._marks = GroupCommit(self._write_marks, self._flush_marks)

    # --- marking ------------------------------------------------------------------------------

    def mark(self, keys: Iterable[TicketKey], now: datetime, *, backlog: bool = False) -> None:
        """Durably note that these tickets have to be looked at; returns after the commit.

        Threads that mark at the same time share one commit. ``backlog``: the tickets
        are no news, and not counted as arrivals.
        """
        marks = _Marks(tuple(keys), now, backlog)
        if marks.keys:
            self._marks.submit(marks)

    def _write_marks(self, group: Sequence[_Marks]) -> None:
        counts: dict[TicketKey, int] = {}
        earliest: dict[TicketKey, datetime] = {}
        arrived: dict[TicketKey, datetime] = {}
        for marks in group:
            for key in marks.keys:
                counts[key] = counts.get(key, 0) + 1
                earliest[key] = min(earliest.get(key, marks.now), marks.now)
                if not marks.backlog:
                    arrived[key] = min(arrived.get(key, marks.now), marks.now)
        rows = [
            {
                "account": key.account,
                "ticket": key.id,
                "marked": counts[key],
                "done": 0,
                "due_at": microseconds(earliest[key]),
                "not_before": microseconds(earliest[key]),
                "attempts": 0,
                "first_marked_at": microseconds(arrived[key]) if key in arrived else None,
            }
            for key in sorted(counts)  # two processes that lock the same rows do so in the same order
        ]
        mark_rows(self._database, rows)

    def _flush_marks(self) -> None:
        if self._database.dialect == "sqlite":  # PostgreSQL flushes with the commit
            self._database.flush()

    # --- claiming and settling ----------------------------------------------------------------

    def claim_due(self, limit: int, now: datetime) -> Sequence[Claim]:
        """Lease up to ``limit`` tickets that are due, the longest waiting first; none of an account that sleeps."""
        owner = self._owner or f"{platform.node()}:{os.getpid()}"
        due = {"now": now, "limit": limit}
        with self._database.reading() as connection:
            # A look that finds nothing keeps no writer waiting, and there are many of them.
            if connection.execute(ANY_DUE, due).first() is None:
                return []
        with self._database.writing() as connection:
            claims = [
                Claim(
                    key=TicketKey(row.account, row.ticket),
                    marked=row.marked,
                    attempts=row.attempts + 1,
                    token=f"{owner}:{uuid.uuid4().hex}",
                    writes=tuple(instant_of(at) for at in row.writes or ()),
                    replies=tuple(ReplyIntent(key, instant_of(at), sent) for key, at, sent in row.replies or ()),
                )
                for row in connection.execute(DUE, due)
            ]
            if claims:
                connection.execute(
                    LEASE,
                    [
                        {
                            "of_account": claim.key.account,
                            "of_ticket": claim.key.id,
                            "token": claim.token,
                            "until": now + self._lease,
                            "spaced": now + self._spacing,
                        }
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
        self,
        claim: Claim,
        now: datetime,
        next_look_at: datetime | None,
        facts: Mapping[str, Any] | None = None,
        *,
        writes: Sequence[datetime] = (),
        replies: Sequence[ReplyIntent] | None = None,
    ) -> bool:
        """Settle a claim; false when its lease was lost.

        ``facts`` (JSON values, no text of a customer) replace the ones on the row; ``None`` leaves those.
        ``writes`` and ``replies`` are what the next claim will tell; ``None`` leaves those that stand.
        """
        values: dict[str, Any] = {
            **_no_lease,
            "done": claim.marked,
            "due_at": case((ledger.c.marked > claim.marked, _instant(now)), else_=_instant(next_look_at)),
            "attempts": 0,
            "last_reason": None,
            "settled_at": now,
            **_writes(writes),
        }
        if replies is not None:
            values |= _replies(replies)
        if facts is not None:
            values["facts"] = dict(facts)
        return self._settle(claim, values)

    def fail(
        self,
        claim: Claim,
        now: datetime,  # noqa: ARG002 - the port's
        not_before: datetime,
        reason: str,
        *,
        writes: Sequence[datetime] = (),
    ) -> bool:
        """Give a claim back, to be tried again no earlier than ``not_before``; false when its lease was lost."""
        return self._settle(claim, {**_given_back(not_before, reason), **_writes(writes)})

    def release(
        self,
        claim: Claim,
        now: datetime,  # noqa: ARG002 - the port's
        not_before: datetime,
        reason: str,
        *,
        writes: Sequence[datetime] = (),
    ) -> bool:
        """Give a claim back without counting the attempt; false when its lease was lost."""
        uncounted = {"attempts": ledger.c.attempts - 1}
        return self._settle(claim, {**_given_back(not_before, reason), **_writes(writes), **uncounted})

    def bury(self, claim: Claim, now: datetime, reason: str) -> bool:
        """Put a ticket on the dead list, where it stays until a person acts; false when its lease was lost."""
        return self._settle(claim, {**_no_lease, "dead_at": now, "last_reason": reason})

    def intend(self, claim: Claim, replies: Sequence[ReplyIntent]) -> bool:
        """Durably note what was sent to the customer and what is about to be; false when the lease was lost."""
        return self._settle(claim, _replies(replies))

    def _settle(self, claim: Claim, values: Mapping[str, Any]) -> bool:
        with self._database.writing() as connection:
            return connection.execute(update(ledger).where(_held(claim)).values(values)).rowcount == 1

    # --- looking ------------------------------------------------------------------------------

    def next_due_at(self, now: datetime) -> datetime | None:
        """The earliest instant, past ones included, at which :meth:`claim_due` will have something."""
        with self._database.reading() as connection:
            due_at: datetime | None = connection.execute(NEXT_DUE, {"now": now}).scalar_one()
        return due_at

    def arrivals(self, account: str, since: datetime, until: datetime) -> int:
        """How many tickets of an account were marked for the first time in [``since``, ``until``)."""
        first = ledger.c.first_marked_at
        count = select(func.count()).where(ledger.c.account == account, first >= since, first < until)
        with self._database.reading() as connection:
            return connection.execute(count).scalar_one()

    def check(self) -> None:
        """Raises ``StoreError`` when the ledger cannot be written: writes a row and takes it back."""
        row = {"account": "", "ticket": uuid.uuid4().hex, "marked": 0, "done": 0, "attempts": 0}
        with self._database.writing() as connection:
            connection.execute(insert(ledger), {**row, "not_before": _END_OF_TIME})
            connection.rollback()

    def count_unsettled(self) -> int:
        """How many tickets were marked and not dealt with since; the dead ones left out. Raises ``StoreError``."""
        count = select(func.count()).where(ledger.c.marked > ledger.c.done, ledger.c.dead_at.is_(None))
        with self._database.reading() as connection:
            return connection.execute(count).scalar_one()

    # --- the dead list ------------------------------------------------------------------------

    def dead(self, limit: int = 100, account: str | None = None) -> Sequence[DeadTicket]:
        """What waits for a person, the latest first; of one account if it is named. Raises ``StoreError``."""
        listing = (
            select(ledger.c.account, ledger.c.ticket, ledger.c.dead_at, ledger.c.attempts, ledger.c.last_reason)
            .where(ledger.c.dead_at.is_not(None), _of(account))
            .order_by(ledger.c.dead_at.desc(), ledger.c.account, ledger.c.ticket)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [
                DeadTicket(TicketKey(row.account, row.ticket), row.dead_at, row.attempts, row.last_reason or "")
                for row in connection.execute(listing)
            ]

    def count_dead(self, account: str | None = None) -> int:
        """How many tickets wait for a person. Raises ``StoreError``."""
        count = select(func.count()).where(ledger.c.dead_at.is_not(None), _of(account))
        with self._database.reading() as connection:
            return connection.execute(count).scalar_one()

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

    def prune(self, before: datetime, limit: int = 1000) -> int:
        """Forget tickets that were settled before an instant and that nothing is scheduled for.

        No more than ``limit`` in one transaction; returns how many. Raises ``StoreError``.
        """
        old = (
            select(ledger.c.account, ledger.c.ticket)
            .where(
                ledger.c.settled_at < before,
                ledger.c.due_at.is_(None),
                ledger.c.dead_at.is_(None),
                ledger.c.lease_by.is_(None),
            )
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.writing() as connection:
            keys = [TicketKey(row.account, row.ticket) for row in connection.execute(old)]
            for key in keys:
                connection.execute(delete(ledger).where(_row(key)))
        return len(keys)

    def close(self) -> None:
        """Wait for the marks under way; later ones are refused."""
        self._marks.close()


def _instant(at: datetime | None) -> ColumnElement[datetime]:
    return bindparam(None, at, type_=ledger.c.due_at.type)


def _writes(writes: Sequence[datetime]) -> dict[str, Any]:
    return {"writes": [microseconds(at) for at in writes] or None}


def _replies(replies: Sequence[ReplyIntent]) -> dict[str, Any]:
    return {"replies": [[reply.key, microseconds(reply.at), reply.sent] for reply in replies] or None}


def _given_back(not_before: datetime, reason: str) -> dict[str, Any]:
    return {**_no_lease, "not_before": latest(ledger.c.not_before, _instant(not_before)), "last_reason": reason}


def _of(account: str | None) -> ColumnElement[bool]:
    return true() if account is None else ledger.c.account == account


def _row(key: TicketKey) -> ColumnElement[bool]:
    return and_(ledger.c.account == key.account, ledger.c.ticket == key.id)


def _held(claim: Claim) -> ColumnElement[bool]:
    return and_(_row(claim.key), ledger.c.lease_by == claim.token)


def _dead(key: TicketKey) -> ColumnElement[bool]:
    return and_(_row(key), ledger.c.dead_at.is_not(None))
