"""Checking the complaint register: links, numbers, and rows against their events.

Everything is computed anew from what stands in the tables; a change of any column
of any row shows somewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.register_chain import GENESIS, Head, Link, state_of
from oneclick_sla_plugin.storage.register_records import number_of
from oneclick_sla_plugin.storage.register_tables import (
    complaint,
    complaint_event,
    complaint_number,
    complaint_series,
    plain,
)

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written. ``where`` names a link, a number or a ticket."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found. ``heads``: the end of each chain; noted down elsewhere, it tells a forged chain from ours."""

    complaints: int
    events: int
    heads: tuple[Head, ...]
    faults: tuple[Fault, ...]

    @property
    def intact(self) -> bool:
        return not self.faults


def verify(connection: Connection) -> Verification:
    """Check the whole register as one snapshot shows it. Of the broken links of a series the first is named."""
    check = _Check(connection)
    faults = (*check.chains(), *check.rows(), *check.numbers())
    return Verification(check.complaints, check.events, tuple(check.heads.values()), faults)


class _Check:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._states: dict[TicketKey, str | None] = {}
        self._given: dict[tuple[str, int], set[int]] = {}
        self.complaints = 0
        self.events = 0
        found = connection.execute(select(complaint_series).order_by(complaint_series.c.series))
        self.heads = {row.series: Head(row.series, row.position, row.hash) for row in found}

    def chains(self) -> Iterator[Fault]:
        ends: dict[str, Head] = {}
        broken = set()
        events = select(complaint_event).order_by(complaint_event.c.series, complaint_event.c.position)
        for row in self._connection.execution_options(yield_per=_AT_ONCE).execute(events):
            self.events += 1
            values = plain(row)
            kept = values.pop("hash")
            link = Link(**values)
            end = ends.get(link.series, Head(link.series))
            if fault := _fault_of(link, kept, end):
                if link.series not in broken:
                    yield fault
                broken.add(link.series)
            ends[link.series] = Head(link.series, link.position, kept)
            key = TicketKey(link.account, link.ticket)
            self._states.setdefault(key, None)
            if link.state is not None:
                self._states[key] = link.state
        for series in sorted(ends.keys() | self.heads.keys()):
            head, end = self.heads.get(series), ends.get(series, Head(series))
            if head is None:
                yield Fault(_link_name(series, end.position), "the series of this link is not there")
            elif head.position > end.position:
                yield Fault(_link_name(series, end.position + 1), "is missing, and all links after it")
            elif head != end:
                yield Fault(_link_name(series, end.position), "is not the one that the series ends with")

    def rows(self) -> Iterator[Fault]:
        """Call after :meth:`chains`, which finds what the rows should be."""
        rows = select(complaint).order_by(complaint.c.account, complaint.c.ticket)
        seen = set()
        for row in self._connection.execution_options(yield_per=_AT_ONCE).execute(rows):
            self.complaints += 1
            key = TicketKey(row.account, row.ticket)
            seen.add(key)
            if row.sequence is not None and row.year is not None:
                self._given.setdefault((row.series, row.year), set()).add(row.sequence)
            if key not in self._states:
                yield Fault(str(key), "has a row and no events")
            elif self._states[key] != state_of(plain(row)):
                yield Fault(str(key), "its row disagrees with its events")
        for key in sorted(self._states.keys() - seen):
            yield Fault(str(key), "has events and no row")

    def numbers(self) -> Iterator[Fault]:
        """Call after :meth:`rows`, which finds the numbers."""
        last = {(row.series, row.year): row.last for row in self._connection.execute(select(complaint_number))}
        for series, year in sorted(last.keys() | self._given.keys()):
            given, expected = self._given.get((series, year), set()), set(range(1, last.get((series, year), 0) + 1))
            for sequence in sorted(expected - given):
                yield Fault(number_of(series, year, sequence), "is missing")
            for sequence in sorted(given - expected):
                yield Fault(number_of(series, year, sequence), "was never given")


def _fault_of(link: Link, kept: str, end: Head) -> Fault | None:
    name = _link_name(link.series, link.position)
    if link.position != end.position + 1:
        return Fault(_link_name(link.series, end.position + 1), "is missing")
    if link.hash != kept:
        return Fault(name, "its content disagrees with its hash")
    if link.previous != end.hash:
        return Fault(name, "does not follow the link before it" if end.hash != GENESIS else "is not the first link")
    return None


def _link_name(series: str, position: int) -> str:
    return f"link {position}" + (f" of series {series}" if series else "")
