"""Amounts of time as policies name them, always with their unit.

"24 hours" of a policy can be three different instants:

* :class:`Elapsed`: hours on the wall.
* :class:`OpenTime`: time during which the calendar is open.
* :class:`BusinessDayTime`: every business day counts its 24 hours, other days none.
* :class:`BusinessDays`: whole days, from the next business day to the end of the last.
* :class:`CloseOfBusinessDay`: the closing of the business day that is open or opens next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from oneclick_sla_plugin.domain.calendar import BusinessCalendar


class Ticking(Protocol):
    """Time that can be added and measured: a calendar's, or the wall's."""

    def add(self, start: datetime, amount: timedelta, /) -> datetime: ...

    def between(self, a: datetime, b: datetime, /) -> timedelta: ...


class WallTime:
    """Time that always runs. Counted in UTC: in a zone, Python adds and subtracts what the clock on the wall shows."""

    def add(self, start: datetime, amount: timedelta, /) -> datetime:
        return start.astimezone(UTC) + amount

    def between(self, a: datetime, b: datetime, /) -> timedelta:
        return b.astimezone(UTC) - a.astimezone(UTC)


WALL_TIME = WallTime()


class Amount(Protocol):
    """How long something may take. ``str()`` gives it with its unit, in English."""

    def due(self, start: datetime, calendar: BusinessCalendar) -> datetime: ...

    def ticking(self, calendar: BusinessCalendar) -> Ticking:
        """The time in which this amount is counted, for warning points and pauses."""
        ...


@dataclass(frozen=True, slots=True)
class Elapsed:
    duration: timedelta

    def due(self, start: datetime, calendar: BusinessCalendar) -> datetime:  # noqa: ARG002 - one signature for all
        return WALL_TIME.add(start, self.duration)

    def ticking(self, calendar: BusinessCalendar) -> Ticking:  # noqa: ARG002 - one signature for all
        return WALL_TIME

    def __str__(self) -> str:
        return _spelled(self.duration, "elapsed ")


@dataclass(frozen=True, slots=True)
class OpenTime:
    duration: timedelta

    def due(self, start: datetime, calendar: BusinessCalendar) -> datetime:
        return calendar.add(start, self.duration)

    def ticking(self, calendar: BusinessCalendar) -> Ticking:
        return calendar

    def __str__(self) -> str:
        return _spelled(self.duration, "open ")


@dataclass(frozen=True, slots=True)
class BusinessDayTime:
    """Spain's Ley 39/2015 art. 30.1 counts terms in hours this way: at any hour of a business day."""

    duration: timedelta

    def due(self, start: datetime, calendar: BusinessCalendar) -> datetime:
        return calendar.whole_days().add(start, self.duration)

    def ticking(self, calendar: BusinessCalendar) -> Ticking:
        return calendar.whole_days()

    def __str__(self) -> str:
        return _spelled(self.duration, "business-day ")


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """Counted from the next business day; due at 24:00 local of the last."""

    days: int

    def due(self, start: datetime, calendar: BusinessCalendar) -> datetime:
        return calendar.add_days(start, self.days, until="midnight", count_from="next_day")

    def ticking(self, calendar: BusinessCalendar) -> Ticking:
        return calendar.whole_days()

    def __str__(self) -> str:
        return f"{self.days} business {'day' if self.days == 1 else 'days'}"


@dataclass(frozen=True, slots=True)
class CloseOfBusinessDay:
    def due(self, start: datetime, calendar: BusinessCalendar) -> datetime:
        return calendar.add_days(start, 0, until="close")

    def ticking(self, calendar: BusinessCalendar) -> Ticking:
        return calendar

    def __str__(self) -> str:
        return "by the close of the business day that opens next"


def _spelled(duration: timedelta, unit: str) -> str:
    seconds = duration // timedelta(seconds=1)
    for size, name in ((3600, "hour"), (60, "minute"), (1, "second")):
        # 60 seconds stay seconds, as policies say it; larger amounts take the largest unit that fits.
        if seconds % size == 0 and (seconds // size > 1 or size == 1 or seconds == 3600):
            count = seconds // size
            return f"{count} {unit}{name}{'' if count == 1 else 's'}"
    raise AssertionError("every whole number of seconds is spelled by the last row")
