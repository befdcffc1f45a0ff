"""Business time against two libraries, and against the length of the span.

Monday to Friday nine to six in Lima with ten years of Peruvian holidays, one thread,
a fixed seed. The engines must agree on the values before any of them is timed: Lima
has no clock changes, so they can. A rate is the best of several rounds; the median
is over single calls, so it includes the cost of reading the clock twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import version
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import Any
from zoneinfo import ZoneInfo

import businesstimedelta
import holidays
import pytz
import workclock
from rich.table import Table

from oneclick_sla_plugin.domain.calendar import BusinessCalendar

_ZONE = "America/Lima"
_OPENS, _CLOSES = time(9), time(18)
_YEARS = range(2017, 2028)
_FIRST_START = datetime(2017, 1, 2, tzinfo=UTC)
_LAST_START = datetime(2026, 1, 1, tzinfo=UTC)
_AMOUNT = timedelta(hours=24)
_YEAR = timedelta(days=365)
_SEED = 365
_ROUNDS = 5


@dataclass(frozen=True)
class Engine:
    """One way to compute business time; ``calls`` are how many additions and differences a round times."""

    name: str
    add: Callable[[datetime, timedelta], datetime]
    between: Callable[[datetime, datetime], timedelta]
    calls: tuple[int, int]


@dataclass(frozen=True)
class Speed:
    """Calls per second, and the median time of a single call in microseconds."""

    rate: float
    p50: float


def tables() -> Iterator[Table]:
    """Compare the engines, then show what the length of a span costs."""
    ours = _ours()
    rivals = [_workclock(), _businesstimedelta()]
    for rival in rivals:
        _check_agreement(ours, rival)
    yield _comparison([ours, *rivals])
    yield _spans(ours)


def _ours() -> Engine:
    names = dict(holidays.country_holidays("PE", years=_YEARS))
    calendar = BusinessCalendar(_ZONE, {weekday: [(_OPENS, _CLOSES)] for weekday in range(5)}, names)
    calendar.between(_FIRST_START, _LAST_START + _YEAR)  # lays out the years, as any first query does
    return Engine("oneclick-sla-plugin", calendar.add, calendar.between, (20_000, 20_000))


def _workclock() -> Engine:
    closed = list(holidays.country_holidays("PE", years=_YEARS))
    schedule = workclock.Schedule(
        [workclock.WorkDay(_OPENS, _CLOSES), workclock.Holidays(closed)], time_zone=ZoneInfo(_ZONE)
    )
    return Engine(f"workclock {version('workclock')}", schedule.add, schedule.between, (20_000, 4_000))


def _businesstimedelta() -> Engine:
    zone = pytz.timezone(_ZONE)
    rules = businesstimedelta.Rules(
        [
            businesstimedelta.WorkDayRule(_OPENS, _CLOSES, tz=zone),
            # Without a year given it grows as it is asked; the library fails past the last holiday.
            businesstimedelta.HolidayRule(holidays.country_holidays("PE"), tz=zone),
        ]
    )

    def add(start: datetime, amount: timedelta) -> datetime:
        due: datetime = start + businesstimedelta.BusinessTimeDelta(rules, timedelta=amount)
        return due

    def between(a: datetime, b: datetime) -> timedelta:
        difference: timedelta = rules.difference(a, b).timedelta
        return difference

    return Engine(f"businesstimedelta {version('businesstimedelta')}", add, between, (300, 15))


def _starts(count: int) -> list[datetime]:
    """The same random instants for every engine; one that makes fewer calls gets the first of them."""
    generator = random.Random(_SEED)  # noqa: S311 - a sample, not a secret
    seconds = int((_LAST_START - _FIRST_START).total_seconds())
    return [_FIRST_START + timedelta(seconds=generator.randrange(seconds)) for _ in range(count)]


def _check_agreement(ours: Engine, rival: Engine) -> None:
    for start in _starts(rival.calls[0]):
        assert ours.add(start, _AMOUNT) == rival.add(start, _AMOUNT), f"{rival.name} differs: add from {start}"
    for start in _starts(rival.calls[1]):
        end = start + _YEAR
        assert ours.between(start, end) == rival.between(start, end), f"{rival.name} differs: between from {start}"


def _measure(call: Callable[[datetime, Any], object], arguments: Sequence[tuple[datetime, Any]]) -> Speed:
    best = min(_seconds(call, arguments) for _ in range(_ROUNDS))
    return Speed(len(arguments) / best, median(_nanoseconds_each(call, arguments)) / 1000)


def _seconds(call: Callable[[datetime, Any], object], arguments: Sequence[tuple[datetime, Any]]) -> float:
    began = perf_counter()
    for first, second in arguments:
        call(first, second)
    return perf_counter() - began


def _nanoseconds_each(
    call: Callable[[datetime, Any], object], arguments: Sequence[tuple[datetime, Any]]
) -> Iterator[int]:
    for first, second in arguments:
        began = perf_counter_ns()
        call(first, second)
        yield perf_counter_ns() - began


def _comparison(engines: Sequence[Engine]) -> Table:
    table = Table(title="Business time: + 24 open hours, and the difference over a year")
    table.add_column("engine", no_wrap=True)
    for heading in ("add/s", "p50 µs", "ours", "between/s", "p50 µs", "ours"):
        table.add_column(heading, justify="right")
    speeds = [
        (
            engine,
            _measure(engine.add, [(start, _AMOUNT) for start in _starts(engine.calls[0])]),
            _measure(engine.between, [(start, start + _YEAR) for start in _starts(engine.calls[1])]),
        )
        for engine in engines
    ]
    _, our_add, our_between = speeds[0]
    for engine, add, between in speeds:
        table.add_row(
            engine.name,
            f"{add.rate:,.0f}",
            f"{add.p50:,.2f}",
            f"{our_add.rate / add.rate:,.1f}x",
            f"{between.rate:,.0f}",
            f"{between.p50:,.2f}",
            f"{our_between.rate / between.rate:,.1f}x",
        )
    return table


def _spans(engine: Engine) -> Table:
    table = Table(title=f"{engine.name}: what the length of the span costs")
    table.add_column("span")
    for heading in ("add/s", "p50 µs", "between/s", "p50 µs"):
        table.add_column(heading, justify="right")
    # From the first year on, so that ten years later is still within the years laid out.
    starts = [_FIRST_START + (start - _FIRST_START) / 10 for start in _starts(engine.calls[0])]
    for name, days in (("1 day", 1), ("1 month", 30), ("1 year", 365), ("10 years", 3650)):
        open_time = engine.between(_FIRST_START, _FIRST_START + timedelta(days=days))
        add = _measure(engine.add, [(start, open_time) for start in starts])
        between = _measure(engine.between, [(start, start + timedelta(days=days)) for start in starts])
        table.add_row(name, f"{add.rate:,.0f}", f"{add.p50:,.2f}", f"{between.rate:,.0f}", f"{between.p50:,.2f}")
    return table
