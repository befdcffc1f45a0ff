"""Opening hours: the windows of each local date, as instants.

The one place that knows about wall times. :class:`OpeningHours` holds what people
say ("Monday to Friday nine to six, closed on these dates") and answers, date by
date, when that is; what is made of it is :mod:`oneclick_sla_plugin.domain.calendar`'s.

* A window belongs to the local date on which it opens. A holiday or an exception
  on the following date does not cut the part after midnight.
* Exceptions replace the hours of their weekday and win over a holiday.
* A wall time that the clock skips is moved later by the length of the gap; one that
  happens twice means the first time. A window that lies wholly in a gap vanishes,
  and a date that the zone skipped has no windows.

An instant is here a ``timedelta`` since :data:`EPOCH`: an exact integer of microseconds
that compares and adds without being converted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

Hours = Sequence[tuple[time, time]]
"""Opening and closing wall times of one date; a closing at or before its opening is on the next date."""

Windows = list[tuple[timedelta, timedelta]]
"""Half-open windows: either distances of wall time from midnight, or instants."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ZERO = timedelta()
_DAY = timedelta(days=1)

# Two days of room at either end, so that neither a zone's offset nor a window that
# runs past midnight leaves what a datetime can hold.
FIRST_DATE = date(1, 1, 3)
END_DATE = date(9999, 12, 30)

MOST_YEARS = 600
"""What is laid out at most. A year takes about a millisecond and forty kilobytes, so a date
like 9999-12-31 in a ticket is refused rather than let fill the memory."""


class CalendarNeverOpens(ValueError):
    """The hours and exceptions of a calendar leave no window at all."""


class OutOfOpenTime(ValueError):
    """There is no such instant: the calendar has no further opening, closing or open time that way.

    Also raised for a span of more than :data:`MOST_YEARS`.
    """


def resolve_wall(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive local date and time.

    A time that the clock skips is moved later by the length of the gap, one that
    happens twice is the first. Raises ``ValueError`` for an aware ``wall`` and for
    one whose instant lies outside the years 1 to 9999.
    """
    if wall.tzinfo is not None:
        raise ValueError(f"a wall time has no zone of its own: {wall!r}")
    try:
        return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{wall} in {zone} lies outside the years 1 to 9999 in UTC") from None


class Span(NamedTuple):
    """The windows of the local dates from ``first`` to before ``end``; never changed once built.

    It is exact for instants in [``lo``, ``hi``). A window that touches one of these
    may go on beyond it.
    """

    first: date
    end: date
    lo: timedelta
    hi: timedelta
    starts: list[timedelta]
    open_before_start: list[timedelta]
    """Open time before each window, and the total as one more item; strictly increasing."""
    closed_before_start: list[timedelta]
    """``starts[i] - open_before_start[i]``: adding it to an amount of open time gives an instant in window i."""
    business_days: list[int]
    """Ordinals of the dates on which a window opens."""

    def closing(self, i: int) -> timedelta:
        return self.closed_before_start[i] + self.open_before_start[i + 1]

    def open_before(self, instant: timedelta) -> timedelta:
        """Open time from the span's beginning to ``instant``."""
        i = bisect_right(self.starts, instant)
        if i == 0:
            return _ZERO
        inside = instant - self.closed_before_start[i - 1]
        whole = self.open_before_start[i]
        return min(inside, whole)


class OpeningHours:
    """When each local date of one time zone is open; never changed once made.

    Takes the arguments of ``BusinessCalendar``, copies them, and raises ``TypeError``
    or ``ValueError`` for what cannot be read.
    """

    __slots__ = ("_whole_days", "end", "exceptions", "first", "holidays", "special_dates", "week", "zone")

    def __init__(
        self,
        time_zone: str | ZoneInfo,
        hours: Mapping[int, Hours],
        holidays: Iterable[date] | Mapping[date, str],
        exceptions: Mapping[date, Hours],
    ) -> None:
        self._whole_days = False
        self.zone = _read_zone(time_zone)
        self.week = {_read_weekday(key): _read_hours(windows) for key, windows in hours.items()}
        names = holidays if isinstance(holidays, Mapping) else dict.fromkeys(holidays, "")
        self.holidays = {plain_date(day): name for day, name in names.items()}
        self.exceptions = {plain_date(day): _read_hours(windows) for day, windows in exceptions.items()}

        special = sorted([*self.holidays, *self.exceptions])
        self.special_dates = tuple(special[:1] + special[-1:])
        self.first, self.end = FIRST_DATE, END_DATE
        if not any(self.week.values()):
            open_dates = [day for day in self.exceptions if self.windows_on(day)]
            if not open_dates:
                raise CalendarNeverOpens("the calendar never opens: no weekday and no single date has hours")
            self.first, self.end = min(open_dates), min(max(open_dates) + 3 * _DAY, END_DATE)

    def as_whole_days(self) -> OpeningHours:
        """The same dates, each of them open from its midnight to the next if a window opens on it at all."""
        hours = copy(self)
        hours._whole_days = True
        return hours

    def midnight(self, day: date) -> timedelta:
        """The instant at which a local date begins."""
        return datetime.combine(day, time(), self.zone) - EPOCH

    def windows_on(self, day: date) -> Windows:
        """The windows that open on a local date, as instants; none is empty."""
        if not FIRST_DATE <= day < END_DATE:
            return []
        hours = self.exceptions.get(day)
        if hours is None:
            hours = [] if day in self.holidays else self.week.get(day.weekday(), [])
        windows: Windows = []
        for start, end in hours:
            midnight = datetime.combine(day, time(), self.zone)
            # Adding to an aware datetime moves its wall time, and leaves fold at 0.
            opens, closes = midnight + start, midnight + end
            opening, closing = opens - EPOCH, closes - EPOCH
            # Only inside a gap does fold=1 resolve to an earlier instant than fold=0, and by the gap's length.
            gap = opening - (opens.replace(fold=1) - EPOCH)
            # Opening in a gap and no longer than it, a window has no time of its own: it lies in the
            # gap, or its opening moves past its closing, or the zone skipped the date.
            if end - start > gap:
                windows.append((opening, closing))
        if windows and self._whole_days:
            return [(self.midnight(day), self.midnight(day + _DAY))]
        return windows

    def lay_out(self, first: date, end: date) -> Span:
        """Lay out [``first``, ``end``), clipped to the dates between which the calendar has windows.

        Raises :class:`OutOfOpenTime` for more than :data:`MOST_YEARS`.
        """
        first = min(max(first, self.first), self.end)
        end = max(min(end, self.end), first)
        if end.year - first.year > MOST_YEARS:
            raise OutOfOpenTime(f"from {first} to {end} are more years than a calendar takes in at once")
        lo, hi = self.midnight(first), self.midnight(end)
        found: Windows = []
        business_days: list[int] = []
        # A window may reach into the second date after its own: past midnight, then over a gap.
        for ordinal in range(first.toordinal() - 2, end.toordinal()):
            windows = self.windows_on(date.fromordinal(ordinal))
            if windows:
                business_days.append(ordinal)
            found += (
                (max(opening, lo), min(closing, hi)) for opening, closing in windows if opening < hi and closing > lo
            )
        merged = _merge(found)
        total = [_ZERO, *accumulate(closing - opening for opening, closing in merged)]
        return Span(
            first=first,
            end=end,
            lo=timedelta.min if first == self.first else lo,
            hi=timedelta.max if end == self.end else hi,
            starts=[opening for opening, _ in merged],
            open_before_start=total,
            closed_before_start=[opening - before for (opening, _), before in zip(merged, total, strict=False)],
            business_days=business_days,
        )


def _merge(windows: Windows) -> Windows:
    """The same open time as disjoint windows in order; those that touch become one."""
    merged: Windows = []
    for opening, closing in sorted(windows):
        if merged and opening <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closing))
        else:
            merged.append((opening, closing))
    return merged


def plain_date(day: date) -> date:
    """The date itself; a datetime, which Python takes for a date, is a ``TypeError``."""
    if isinstance(day, datetime) or not isinstance(day, date):
        raise TypeError(f"a date without a time is needed, not {day!r}")
    return day


def _read_zone(time_zone: str | ZoneInfo) -> ZoneInfo:
    if isinstance(time_zone, ZoneInfo):
        return time_zone
    try:
        return ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        # Which one depends on how the name is wrong: not found, not a relative path, a directory.
        raise ValueError(f"unknown time zone: {time_zone!r}") from None


def _read_weekday(key: int) -> int:
    if isinstance(key, bool) or not isinstance(key, int) or not 0 <= key <= 6:
        raise ValueError(f"a weekday is a number from 0 (Monday) to 6 (Sunday), not {key!r}")
    return key


def _read_hours(windows: Hours) -> Windows:
    """Windows as distances of wall time from midnight, merged."""
    return _merge([_read_window(window) for window in windows])


def _read_window(window: tuple[time, time]) -> tuple[timedelta, timedelta]:
    if len(window) != 2 or not all(isinstance(wall, time) for wall in window):
        raise TypeError(f"a window is a pair of times, not {window!r}")
    if any(wall.tzinfo is not None for wall in window):
        raise ValueError(f"the times of a window are in the calendar's zone and carry none of their own: {window!r}")
    start, end = (
        timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
        for wall in window
    )
    return start, end if end > start else end + _DAY
