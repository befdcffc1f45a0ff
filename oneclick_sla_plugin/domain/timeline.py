"""The time from the start of a clock to its due instant, piece by piece.

The segments are built from the calendar's windows and the ticket's pauses, not by
the additions that the clocks use: that their sum is the promised amount, and their
end the due instant, is a check of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.amounts import WALL_TIME, Amount
from oneclick_sla_plugin.domain.calendar import BusinessCalendar, OutOfOpenTime, resolve_wall
from oneclick_sla_plugin.domain.clocks import Clock
from oneclick_sla_plugin.domain.policy import Target

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)
_SMALLEST = timedelta(microseconds=1)
_ZERO = timedelta()


class Reason(StrEnum):
    """Why a segment counts (the first three) or does not."""

    ELAPSED = "elapsed"
    OPEN = "open"
    BUSINESS_DAY = "business_day"
    CLOSED = "closed"
    BREAK = "break"
    NO_BUSINESS_DAY = "no_business_day"
    HOLIDAY = "holiday"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Segment:
    """A half-open piece of a clock's time; ``counted`` is all of it or nothing, ``total`` what has counted by its end.

    ``name``: the holiday, or the status in which the clock stood still.
    """

    begins: datetime
    ends: datetime
    counted: timedelta
    total: timedelta
    reason: Reason
    name: str = ""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clock of a zone goes forward (or back, if negative) by ``shift``."""

    at: datetime
    shift: timedelta


@dataclass(frozen=True, slots=True)
class _Piece:
    begins: datetime
    ends: datetime
    reason: Reason
    name: str = ""

    @property
    def counts(self) -> bool:
        return self.reason in (Reason.ELAPSED, Reason.OPEN, Reason.BUSINESS_DAY)


def segments_of(clock: Clock, cuts: Iterable[datetime] = ()) -> tuple[Segment, ...]:
    """The time from the clock's start to its due instant, without gaps or overlaps, cut at ``cuts`` besides.

    Raises ``OutOfOpenTime`` when the calendar does not reach that far.
    """
    total = _ZERO
    segments = []
    for piece in _cut(_pieces(clock), sorted(set(cuts))):
        counted = piece.ends - piece.begins if piece.counts else _ZERO
        total += counted
        segments.append(Segment(piece.begins, piece.ends, counted, total, piece.reason, piece.name))
    return tuple(segments)


def _pieces(clock: Clock) -> Iterator[_Piece]:
    promise, due_at = clock.promise, clock.due_at
    calendar = promise.calendar
    counts_from, amount = clock.started_at, None
    if isinstance(promise, Target):
        counts_from, amount = promise.counts_from(clock.started_at), promise.within
        yield from _closed(calendar, clock.started_at, min(counts_from, due_at), Reason.CLOSED)
    at = counts_from
    for pause in sorted(clock.pauses, key=lambda pause: pause.begins):
        begins, ends = max(pause.begins, at), min(pause.ends, due_at)
        if begins < ends:
            yield from _running(calendar, amount, at, begins)
            yield _Piece(begins, ends, Reason.PAUSED, str(pause.status or ""))
            at = ends
    yield from _running(calendar, amount, at, due_at)


def _running(calendar: BusinessCalendar, amount: Amount | None, a: datetime, b: datetime) -> Iterator[_Piece]:
    """The time from ``a`` to ``b``, during which the clock does not stand still, as ``amount`` counts it."""
    ticking = calendar if amount is None else amount.ticking(calendar)
    if ticking is WALL_TIME:
        if a < b:
            yield _Piece(a, b, Reason.ELAPSED)
        return
    counted, uncounted = Reason.OPEN, Reason.CLOSED
    counting = calendar
    if ticking is not calendar:
        counted, uncounted = Reason.BUSINESS_DAY, Reason.NO_BUSINESS_DAY
        counting = calendar.whole_days()
    at = a
    for begins, ends in counting.windows(a, b):
        yield from _closed(calendar, at, begins, uncounted)
        yield _Piece(begins, ends, counted)
        at = ends
    yield from _closed(calendar, at, b, uncounted)


def _closed(calendar: BusinessCalendar, a: datetime, b: datetime, reason: Reason) -> Iterator[_Piece]:
    """Time that does not count, with its holidays by name."""
    if a >= b:
        return
    if reason is Reason.CLOSED and _between_windows_of_a_day(calendar, a):
        yield _Piece(a, b, Reason.BREAK)
        return
    piece = _Piece(a, a, reason)
    for day in _dates(calendar, a, b):
        name = calendar.holiday_name(day)
        today, called = reason, ""
        if name is not None and not calendar.is_business_day(day):
            today, called = Reason.HOLIDAY, name
        ends = min(_midnight(calendar, day + _ONE_DAY), b)
        if (today, called) != (piece.reason, piece.name):
            if piece.begins < piece.ends:
                yield piece
            piece = _Piece(piece.ends, ends, today, called)
        else:
            piece = replace(piece, ends=ends)
    yield piece


def _between_windows_of_a_day(calendar: BusinessCalendar, at: datetime) -> bool:
    try:
        closed_at, opens_at = calendar.previous_closing(at), calendar.next_opening(at)
    except OutOfOpenTime:
        return False
    return calendar.local_date(closed_at) == calendar.local_date(opens_at)


def _cut(pieces: Iterable[_Piece], cuts: list[datetime]) -> Iterator[_Piece]:
    for piece in pieces:
        for cut in cuts:
            if piece.begins < cut < piece.ends:
                yield replace(piece, ends=cut)
                piece = replace(piece, begins=cut)
        yield piece


def _dates(calendar: BusinessCalendar, a: datetime, b: datetime) -> Iterator[date]:
    """The local dates that [``a``, ``b``) touches; none when ``b`` is not after ``a``."""
    if a >= b:
        return
    day, last = calendar.local_date(a), calendar.local_date(b - _SMALLEST)
    while day <= last:
        yield day
        day += _ONE_DAY


def _midnight(calendar: BusinessCalendar, day: date) -> datetime:
    return resolve_wall(datetime.combine(day, time()), calendar.time_zone)


def holidays_in(calendar: BusinessCalendar, a: datetime, b: datetime) -> Iterator[tuple[date, str]]:
    """The holidays, with their names, among the local dates that [``a``, ``b``) touches."""
    for day in _dates(calendar, a, b):
        name = calendar.holiday_name(day)
        if name is not None:
            yield day, name


def clock_changes(zone: ZoneInfo, a: datetime, b: datetime) -> tuple[ClockChange, ...]:
    """The changes of a zone's clock in (``a``, ``b``], to the second, in UTC."""
    found = []
    at = a.astimezone(UTC)
    while at < b:
        later = min(at + _ONE_DAY, b)
        if _offset(zone, at) != _offset(zone, later):
            before, after = at, later
            while after - before > _ONE_SECOND:
                middle = before + (after - before) / 2
                before, after = (middle, after) if _offset(zone, middle) == _offset(zone, at) else (before, middle)
            # Clocks change at whole seconds; the search ends within one after the change.
            found.append(ClockChange(after.replace(microsecond=0), _offset(zone, later) - _offset(zone, at)))
        at = later
    return tuple(found)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or _ZERO
