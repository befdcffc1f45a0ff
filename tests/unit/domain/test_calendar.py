"""What a user may rely on in business time: openings, closings, open time and business days."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.calendar import (
    BusinessCalendar,
    Hours,
    OutOfOpenTime,
    resolve_wall,
)

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def wall(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def windows(text: str) -> Hours:
    """`"9:00-12:00 22:00-6:00"` as windows; 24:00 is written as the 00:00 that it is."""
    pairs = [window.split("-") for window in text.split()]
    return [(wall(opening), wall(closing)) for opening, closing in pairs]


def weekly(time_zone: str, days: str, text: str, **more: Any) -> BusinessCalendar:
    """The same windows on each of the weekdays named by number: `"01234"` is Monday to Friday."""
    return BusinessCalendar(time_zone, {int(day): windows(text) for day in days}, **more)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(calendar: BusinessCalendar, text: str) -> datetime:
    return resolve_wall(datetime.fromisoformat(text), calendar.time_zone)


LIMA = weekly("America/Lima", "01234", "9:00-18:00", holidays={date(2026, 7, 28): "Fiestas Patrias"})
SPLIT = weekly("America/Lima", "01234", "8:30-12:00 13:00-17:30")
NIGHTS = weekly("Europe/Berlin", "01234", "22:00-6:00")
ALWAYS = weekly("Europe/Berlin", "0123456", "0:00-0:00")


# --- open time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "due"),
    [
        pytest.param(LIMA, "2026-06-04 15:00", 24, "2026-06-09 12:00", id="over a weekend"),
        pytest.param(LIMA, "2026-06-04 15:00", 1.5, "2026-06-04 16:30", id="within a day"),
        pytest.param(LIMA, "2026-06-06 11:00", 1, "2026-06-08 10:00", id="from a Saturday"),
        pytest.param(LIMA, "2026-06-04 06:00", 1, "2026-06-04 10:00", id="from before the opening"),
        pytest.param(LIMA, "2026-06-04 09:00", 9, "2026-06-04 18:00", id="a window filled exactly: its closing"),
        pytest.param(LIMA, "2026-06-03 20:00", 18, "2026-06-05 18:00", id="two windows filled exactly"),
        pytest.param(LIMA, "2026-06-05 18:00", 1, "2026-06-08 10:00", id="from a closing instant"),
        pytest.param(LIMA, "2026-07-27 17:00", 2, "2026-07-29 10:00", id="over a holiday"),
        pytest.param(LIMA, "2026-06-04 12:00", 0, "2026-06-04 12:00", id="zero while open"),
        pytest.param(LIMA, "2026-06-04 18:00", 0, "2026-06-05 09:00", id="zero at a closing: the next opening"),
        pytest.param(LIMA, "2026-06-06 12:00", 0, "2026-06-08 09:00", id="zero outside hours: the next opening"),
        pytest.param(LIMA, "2026-06-08 10:00", -2, "2026-06-05 17:00", id="back over a weekend"),
        pytest.param(LIMA, "2026-06-06 12:00", -1, "2026-06-05 17:00", id="back from a Saturday"),
        pytest.param(LIMA, "2026-06-04 18:00", -9, "2026-06-04 09:00", id="back, filled exactly: the opening"),
        pytest.param(LIMA, "2026-06-08 09:00", -9, "2026-06-05 09:00", id="back from an opening, filled exactly"),
        pytest.param(SPLIT, "2026-06-04 11:30", 1, "2026-06-04 13:30", id="over lunch"),
        pytest.param(SPLIT, "2026-06-04 08:30", 3.5, "2026-06-04 12:00", id="up to lunch exactly"),
        pytest.param(SPLIT, "2026-06-04 12:15", -1, "2026-06-04 11:00", id="back from lunch"),
        pytest.param(NIGHTS, "2026-06-05 23:00", 6, "2026-06-06 05:00", id="a night runs into the next date"),
        pytest.param(NIGHTS, "2026-06-06 05:00", 2, "2026-06-08 23:00", id="Friday's night ends on Saturday"),
        pytest.param(NIGHTS, "2026-06-08 03:00", 1, "2026-06-08 23:00", id="Sunday has no night"),
        pytest.param(ALWAYS, "2026-06-06 03:00", 1000, "2026-07-17 19:00", id="always open: elapsed time"),
    ],
)
def test_add(calendar: BusinessCalendar, start: str, hours: float, due: str) -> None:
    """Adding counts open time only, forward and back."""
    assert calendar.add(local(calendar, start), hours * HOUR) == local(calendar, due)


@pytest.mark.parametrize(
    ("calendar", "a", "b", "hours"),
    [
        pytest.param(LIMA, "2026-06-04 15:00", "2026-06-09 12:00", 24, id="over a weekend"),
        pytest.param(LIMA, "2026-06-05 18:00", "2026-06-08 09:00", 0, id="a weekend"),
        pytest.param(LIMA, "2026-06-05 12:00", "2026-06-05 12:00", 0, id="nothing"),
        pytest.param(LIMA, "2026-06-09 12:00", "2026-06-04 15:00", -24, id="end before start: negative"),
        pytest.param(LIMA, "2026-07-27 09:00", "2026-07-30 09:00", 18, id="over a holiday"),
        pytest.param(
            LIMA, "2026-01-01 00:00", "2027-01-01 00:00", 9 * (261 - 1), id="a year: 261 weekdays, one holiday"
        ),
        pytest.param(SPLIT, "2026-06-04 00:00", "2026-06-05 00:00", 8, id="a split day"),
        pytest.param(NIGHTS, "2026-06-05 00:00", "2026-06-08 00:00", 6 + 2 + 6, id="nights around a weekend"),
        pytest.param(ALWAYS, "2026-06-01 00:00", "2026-06-08 00:00", 7 * 24, id="always open"),
    ],
)
def test_between(calendar: BusinessCalendar, a: str, b: str, hours: float) -> None:
    """The open time between two instants is signed."""
    assert calendar.between(local(calendar, a), local(calendar, b)) == hours * HOUR


# --- openings and closings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "is_open", "next_opening", "next_closing", "previous_opening", "previous_closing"),
    [
        ("Thu 04 08:29", False, "Thu 04 08:30", "Thu 04 12:00", "Wed 03 13:00", "Wed 03 17:30"),
        ("Thu 04 08:30", True, "Thu 04 08:30", "Thu 04 12:00", "Thu 04 08:30", "Wed 03 17:30"),
        ("Thu 04 10:00", True, "Thu 04 10:00", "Thu 04 12:00", "Thu 04 08:30", "Thu 04 10:00"),
        ("Thu 04 12:00", False, "Thu 04 13:00", "Thu 04 17:30", "Thu 04 08:30", "Thu 04 12:00"),
        ("Thu 04 12:30", False, "Thu 04 13:00", "Thu 04 17:30", "Thu 04 08:30", "Thu 04 12:00"),
        ("Fri 05 17:30", False, "Mon 08 08:30", "Mon 08 12:00", "Fri 05 13:00", "Fri 05 17:30"),
        ("Sun 07 10:00", False, "Mon 08 08:30", "Mon 08 12:00", "Fri 05 13:00", "Fri 05 17:30"),
    ],
)
def test_openings_and_closings(
    at: str, is_open: bool, next_opening: str, next_closing: str, previous_opening: str, previous_closing: str
) -> None:
    """Windows are half-open; next and previous mirror each other (June 2026, 8:30-12:00 and 13:00-17:30)."""

    def instant(text: str) -> datetime:
        return local(SPLIT, f"2026-06-{text[4:]}")

    assert SPLIT.is_open(instant(at)) is is_open
    assert SPLIT.next_opening(instant(at)) == instant(next_opening)
    assert SPLIT.next_closing(instant(at)) == instant(next_closing)
    assert SPLIT.previous_opening(instant(at)) == instant(previous_opening)
    assert SPLIT.previous_closing(instant(at)) == instant(previous_closing)


def test_to_the_microsecond() -> None:
    """A microsecond before its closing a window is open, and what is left of it is that microsecond."""
    closing = local(LIMA, "2026-06-04 18:00")
    assert LIMA.is_open(closing - MICROSECOND)
    assert LIMA.add(closing - MICROSECOND, MICROSECOND) == closing
    assert LIMA.add(closing - MICROSECOND, 2 * MICROSECOND) == local(LIMA, "2026-06-05 09:00") + MICROSECOND
    assert LIMA.between(closing - MICROSECOND, local(LIMA, "2026-06-05 09:00")) == MICROSECOND


def test_windows_are_cut_to_the_asked_stretch() -> None:
    """`windows` gives the open stretches in order, cut at both ends, adding up to `between`."""
    a, b = local(SPLIT, "2026-06-05 16:00"), local(SPLIT, "2026-06-08 09:00")
    assert list(SPLIT.windows(a, b)) == [
        (a, local(SPLIT, "2026-06-05 17:30")),
        (local(SPLIT, "2026-06-08 08:30"), b),
    ]
    assert list(SPLIT.windows(b, a)) == []
    assert list(SPLIT.windows(a, a)) == []
    assert list(ALWAYS.windows(a, b)) == [(a, b)]


# --- business days --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        pytest.param("2026-06-04 15:00", 1, "2026-06-05 15:00", id="the same time on the next business day"),
        pytest.param("2026-06-04 15:00", 2, "2026-06-08 15:00", id="over a weekend"),
        pytest.param("2026-07-27 10:00", 1, "2026-07-29 10:00", id="over a holiday"),
        pytest.param("2026-06-04 07:00", 1, "2026-06-05 09:00", id="before the opening: from the opening"),
        pytest.param("2026-06-04 19:00", 1, "2026-06-08 09:00", id="after the closing: from the next opening"),
        pytest.param("2026-06-06 11:00", 1, "2026-06-09 09:00", id="from a Saturday: Monday is day 0"),
        pytest.param("2026-06-04 15:00", 0, "2026-06-04 15:00", id="none while open"),
        pytest.param("2026-06-06 11:00", 0, "2026-06-08 09:00", id="none outside hours: the next opening"),
        pytest.param("2026-06-08 15:00", -1, "2026-06-05 15:00", id="back over a weekend"),
        pytest.param("2026-06-06 11:00", -1, "2026-06-05 11:00", id="back from a Saturday: no first roll"),
        pytest.param("2026-06-08 20:00", -1, "2026-06-05 18:00", id="back to after hours: the closing before"),
        pytest.param("2026-06-08 07:00", -1, "2026-06-04 18:00", id="back to before hours: the closing before"),
        pytest.param("2026-06-08 09:00", -1, "2026-06-04 18:00", id="back to an opening: the closing before"),
        pytest.param("2026-07-30 15:00", -2, "2026-07-27 15:00", id="back over a holiday"),
    ],
)
def test_business_days_at_the_same_clock_time(start: str, n: int, due: str) -> None:
    """Business days keep the clock time and roll into the hours: forward to an opening, back to a closing."""
    assert LIMA.add_days(local(LIMA, start), n) == local(LIMA, due)


@pytest.mark.parametrize(
    ("calendar", "start", "n", "closing", "midnight"),
    [
        pytest.param(LIMA, "2026-06-04 15:00", 0, "2026-06-04 18:00", "2026-06-05 00:00", id="the day that is open"),
        pytest.param(LIMA, "2026-06-04 07:00", 0, "2026-06-04 18:00", "2026-06-05 00:00", id="the day that opens next"),
        pytest.param(LIMA, "2026-06-05 18:00", 0, "2026-06-08 18:00", "2026-06-09 00:00", id="Friday evening: Monday"),
        pytest.param(LIMA, "2026-06-05 12:00", 3, "2026-06-10 18:00", "2026-06-11 00:00", id="three days on"),
        pytest.param(LIMA, "2026-06-06 12:00", 3, "2026-06-11 18:00", "2026-06-12 00:00", id="three from a Saturday"),
        pytest.param(LIMA, "2026-06-08 12:00", -1, "2026-06-05 18:00", "2026-06-06 00:00", id="one back"),
        pytest.param(SPLIT, "2026-06-04 09:00", 0, "2026-06-04 17:30", "2026-06-05 00:00", id="the last closing"),
        pytest.param(NIGHTS, "2026-06-04 23:00", 0, "2026-06-05 06:00", "2026-06-05 00:00", id="a night's closing"),
        pytest.param(NIGHTS, "2026-06-06 02:00", 0, "2026-06-06 06:00", "2026-06-07 00:00", id="Friday's night"),
        pytest.param(NIGHTS, "2026-06-03 02:00", 1, "2026-06-04 06:00", "2026-06-05 00:00", id="after Tuesday's night"),
        pytest.param(ALWAYS, "2026-06-06 02:00", 2, "2026-06-09 00:00", "2026-06-09 00:00", id="always open: by dates"),
    ],
)
def test_business_days_until_their_end(
    calendar: BusinessCalendar, start: str, n: int, closing: str, midnight: str
) -> None:
    """A day may be due at its last closing or at 24:00 local."""
    assert calendar.add_days(local(calendar, start), n, until="close") == local(calendar, closing)
    assert calendar.add_days(local(calendar, start), n, until="midnight") == local(calendar, midnight)


@pytest.mark.parametrize(
    ("start", "n", "clock", "closing", "midnight"),
    [
        pytest.param("2026-06-04 15:00", 1, "06-05 15:00", "06-05 18:00", "06-06 00:00", id="in hours"),
        pytest.param("2026-06-04 03:00", 1, "06-05 09:00", "06-05 18:00", "06-06 00:00", id="before the opening"),
        pytest.param("2026-06-04 20:00", 1, "06-08 09:00", "06-05 18:00", "06-06 00:00", id="after the closing"),
        pytest.param("2026-06-06 12:00", 1, "06-08 12:00", "06-08 18:00", "06-09 00:00", id="from a Saturday"),
        pytest.param("2026-06-06 12:00", 15, "06-26 12:00", "06-26 18:00", "06-27 00:00", id="fifteen from a Saturday"),
        pytest.param("2026-06-04 15:00", 15, "06-25 15:00", "06-25 18:00", "06-26 00:00", id="fifteen from a Thursday"),
    ],
)
def test_business_days_counted_from_the_next_day(start: str, n: int, clock: str, closing: str, midnight: str) -> None:
    """Statutory counting leaves the first date out, whether or not it is a business day."""
    begin = local(LIMA, start)
    assert LIMA.add_days(begin, n, count_from="next_day") == local(LIMA, f"2026-{clock}")
    assert LIMA.add_days(begin, n, until="close", count_from="next_day") == local(LIMA, f"2026-{closing}")
    assert LIMA.add_days(begin, n, until="midnight", count_from="next_day") == local(LIMA, f"2026-{midnight}")


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        pytest.param("2026-03-28 02:30", 1, "2026-03-29 01:30Z", id="a clock time in a gap moves later"),
        pytest.param("2026-10-24 02:30", 1, "2026-10-25 00:30Z", id="a clock time that happens twice is the first"),
        pytest.param("2026-03-28 12:00", 1, "2026-03-29 10:00Z", id="the clock time is kept, not the 24 hours"),
        pytest.param("2026-12-31 12:00", 365, "2027-12-31 11:00Z", id="a year of days"),
    ],
)
def test_business_days_of_an_always_open_calendar(start: str, n: int, due: str) -> None:
    """Without a closing in sight, days still go by dates."""
    assert ALWAYS.add_days(local(ALWAYS, start), n) == datetime.fromisoformat(due)


def test_no_days_leave_the_second_of_two_equal_clock_times_alone() -> None:
    """An open instant in an hour that happens twice is its own zeroth business day."""
    second = utc("2026-10-25 01:30")  # 02:30 in Berlin for the second time
    assert ALWAYS.add_days(second, 0) == second


def test_whole_days() -> None:
    """Business-day hours run all day on business days, closed or open, and on no other date."""
    days = LIMA.whole_days()
    assert days.add(local(LIMA, "2026-06-04 15:00"), 24 * HOUR) == local(LIMA, "2026-06-05 15:00")
    assert days.add(local(LIMA, "2026-06-05 21:00"), 24 * HOUR) == local(LIMA, "2026-06-08 21:00")
    assert days.add(local(LIMA, "2026-06-06 12:00"), 24 * HOUR) == local(LIMA, "2026-06-09 00:00")
    assert days.between(local(LIMA, "2026-07-27"), local(LIMA, "2026-08-01")) == 4 * 24 * HOUR
    assert days.is_open(local(LIMA, "2026-06-04 03:00"))
    assert not days.is_business_day(date(2026, 7, 28))
    assert days.holiday_name(date(2026, 7, 28)) == "Fiestas Patrias"
    assert days.time_zone == LIMA.time_zone
    assert isinstance(days, BusinessCalendar)


def test_whole_days_of_nights_and_clock_changes() -> None:
    """The date on which a night opens is the business day; a day counts the hours that it has."""
    assert NIGHTS.whole_days().between(local(NIGHTS, "2026-06-05"), local(NIGHTS, "2026-06-08")) == 24 * HOUR
    sundays = weekly("Europe/Berlin", "6", "10:00-11:00").whole_days()
    assert sundays.between(utc("2026-03-27"), utc("2026-03-31")) == 23 * HOUR
    assert sundays.between(utc("2026-10-23"), utc("2026-10-27")) == 25 * HOUR
    in_the_gap = weekly("Europe/Berlin", "6", "2:10-2:50").whole_days()
    assert in_the_gap.between(utc("2026-03-27"), utc("2026-03-31")) == 0 * HOUR


# --- what is refused ------------------------------------------------------------------------------


NAIVE = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - naive on purpose
AWARE = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "call",
    [
        lambda: LIMA.add(NAIVE, HOUR),
        lambda: LIMA.between(NAIVE, AWARE),
        lambda: LIMA.between(AWARE, NAIVE),
        lambda: LIMA.is_open(NAIVE),
        lambda: LIMA.next_opening(NAIVE),
        lambda: LIMA.next_closing(NAIVE),
        lambda: LIMA.previous_opening(NAIVE),
        lambda: LIMA.previous_closing(NAIVE),
        lambda: LIMA.add_days(NAIVE, 1),
        lambda: LIMA.add_days(NAIVE, -1),
        lambda: LIMA.local_date(NAIVE),
        lambda: LIMA.windows(NAIVE, AWARE),
    ],
)
def test_naive_datetimes_are_refused(call: Callable[[], object]) -> None:
    """Every method asks for aware datetimes."""
    with pytest.raises(ValueError, match="aware datetime"):
        call()


def test_ways_to_count_days_that_make_no_sense() -> None:
    """Unknown words, and no days at all from the next day, are refused."""
    with pytest.raises(ValueError, match="until='noon'"):
        LIMA.add_days(AWARE, 1, until="noon")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="count_from='tomorrow'"):
        LIMA.add_days(AWARE, 1, count_from="tomorrow")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="zero business days"):
        LIMA.add_days(AWARE, 0, count_from="next_day")
    with pytest.raises(TypeError, match="date without a time"):
        LIMA.is_business_day(AWARE)


ONE_DATE = BusinessCalendar("America/Lima", {}, exceptions={date(2026, 6, 1): windows("9:00-18:00")})
BEFORE, AFTER = utc("2020-01-01"), utc("2030-01-01")
LAST = datetime.max.replace(tzinfo=UTC)
FIRST = datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ONE_DATE.add(BEFORE, 10 * HOUR),
        lambda: ONE_DATE.add(AFTER, -10 * HOUR),
        lambda: ONE_DATE.add(AFTER, HOUR),
        lambda: ONE_DATE.add(AFTER, 0 * HOUR),
        lambda: ONE_DATE.next_opening(AFTER),
        lambda: ONE_DATE.next_closing(AFTER),
        lambda: ONE_DATE.previous_opening(BEFORE),
        lambda: ONE_DATE.previous_closing(BEFORE),
        lambda: ONE_DATE.add_days(BEFORE, 1),
        lambda: ONE_DATE.add_days(AFTER, -2),
        lambda: ALWAYS.next_closing(AWARE),
        lambda: ALWAYS.previous_opening(AWARE),
        lambda: LIMA.add(AWARE, timedelta.max),
        lambda: LIMA.add(AWARE, timedelta.min),
        lambda: LIMA.add(LAST, HOUR),
        lambda: LIMA.add(FIRST, -HOUR),
        lambda: LIMA.next_opening(LAST),
        lambda: LIMA.previous_closing(FIRST),
        lambda: LIMA.add_days(LAST, 1),
        lambda: LIMA.add_days(FIRST, -1),
        lambda: LIMA.add_days(AWARE, 10**12),
        lambda: LIMA.local_date(FIRST),
        lambda: LIMA.between(AWARE, LAST),
    ],
)
def test_running_out_of_open_time(call: Callable[[], object]) -> None:
    """Where there is no such instant, the answer is a clear error and never a loop."""
    with pytest.raises(OutOfOpenTime):
        call()


def test_what_single_dates_do_have() -> None:
    """A calendar of single dates answers within them, from however far away."""
    opening, closing = local(ONE_DATE, "2026-06-01 09:00"), local(ONE_DATE, "2026-06-01 18:00")
    assert ONE_DATE.add(BEFORE, 9 * HOUR) == closing
    assert ONE_DATE.add(AFTER, -9 * HOUR) == opening
    assert ONE_DATE.between(BEFORE, AFTER) == 9 * HOUR
    assert ONE_DATE.next_opening(BEFORE) == opening
    assert ONE_DATE.next_closing(BEFORE) == closing
    assert ONE_DATE.previous_opening(AFTER) == opening
    assert ONE_DATE.previous_closing(AFTER) == closing
    assert not ONE_DATE.is_open(LAST)
    assert not ONE_DATE.is_open(FIRST)


def test_a_long_closure_is_crossed() -> None:
    """Years without an opening lie between two windows, not at the end of the calendar."""
    calendar = weekly(
        "UTC", "0", "9:00-10:00", holidays=[date(2026, 1, 5) + timedelta(weeks=week) for week in range(600)]
    )
    reopening = date(2026, 1, 5) + timedelta(weeks=600)
    assert calendar.next_opening(utc("2026-01-01")) == utc(f"{reopening} 09:00")
    assert calendar.previous_closing(utc("2037-01-01")) == utc("2025-12-29 10:00")
    assert calendar.add(utc("2026-01-01"), HOUR) == utc(f"{reopening} 10:00")


def test_a_holiday_is_the_only_closing_of_a_calendar_that_else_never_closes() -> None:
    """One closed date far away is found from either side."""
    calendar = weekly("UTC", "0123456", "0:00-0:00", holidays=[date(2040, 1, 1)])
    assert calendar.next_closing(AWARE) == utc("2040-01-01")
    assert calendar.previous_opening(utc("2060-01-01")) == utc("2040-01-02")
    with pytest.raises(OutOfOpenTime):
        calendar.next_closing(utc("2041-01-01"))


def test_centuries_apart() -> None:
    """A stray date centuries away is answered, and so is the present afterwards."""
    calendar = weekly("America/Lima", "01234", "9:00-18:00")
    assert calendar.next_opening(utc("9990-01-01 03:00")) == utc("9990-01-01 14:00")  # a Monday
    assert calendar.next_opening(utc("0101-01-01 22:00")).date() == date(101, 1, 3)
    assert calendar.between(utc("2026-06-01"), utc("2026-06-02")) == 9 * HOUR
    assert calendar.between(utc("1900-01-01"), utc("2300-01-01")) == 400 * HOUR * 9 * 365.2425 * 5 / 7


# --- arguments and threads ------------------------------------------------------------------------


def test_results_are_in_utc_whatever_the_zone_of_the_argument() -> None:
    """The same instant in another zone gives the same answer, in UTC."""
    at = local(LIMA, "2026-06-04 15:00")
    for zone in (UTC, ZoneInfo("America/Lima"), ZoneInfo("Asia/Kathmandu"), timezone(timedelta(hours=-11))):
        there = at.astimezone(zone)
        results = [
            LIMA.add(there, 24 * HOUR),
            LIMA.add_days(there, 1),
            LIMA.add_days(there, 1, until="midnight"),
            LIMA.add_days(there, 0),
            LIMA.next_opening(there),
            LIMA.next_closing(there),
            LIMA.previous_opening(there),
            LIMA.previous_closing(there),
            next(LIMA.windows(there, there + HOUR))[0],
        ]
        assert [result.tzinfo for result in results] == [UTC] * len(results)
        assert [local(LIMA, text) for text in ("2026-06-09 12:00", "2026-06-05 15:00", "2026-06-06 00:00")] == results[
            :3
        ]


def test_an_argument_with_a_wall_time_that_does_not_exist() -> None:
    """A skipped wall time in the calendar's own zone is read as the instant that it stands for."""
    berlin = ZoneInfo("Europe/Berlin")
    skipped = datetime(2026, 3, 29, 2, 30, tzinfo=berlin)
    assert ALWAYS.add_days(skipped, 1) == datetime(2026, 3, 30, 3, 30, tzinfo=berlin)


def test_the_second_of_two_equal_wall_times_is_an_hour_later() -> None:
    """An argument's fold is honoured, also between two times of one zone."""
    berlin = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1))
    assert ALWAYS.between(first, second) == HOUR


def test_threads_share_a_calendar() -> None:
    """Queries from many threads, each far from the others, answer as they do alone."""
    starts = [utc(f"{year}-06-01 15:00") for year in range(2000, 2040, 4)] * 30

    def due(calendar: BusinessCalendar) -> list[datetime]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda start: calendar.add(start, 30 * HOUR), starts))

    alone = [weekly("America/Lima", "01234", "9:00-18:00").add(start, 30 * HOUR) for start in starts[:10]] * 30
    assert due(weekly("America/Lima", "01234", "9:00-18:00")) == alone
