"""What a user may rely on in opening hours: weekdays, holidays, exceptions and clock changes.

Seen through a calendar, which is how they are used. Expected values were worked out by
hand from the hours and the zone's rules.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.calendar import BusinessCalendar, CalendarNeverOpens, Hours, resolve_wall

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


# --- hours, holidays, exceptions ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        pytest.param("9:00-0:00", 15, id="an end of 00:00 is 24:00"),
        pytest.param("0:00-0:00", 24, id="the whole day"),
        pytest.param("22:00-6:00", 8, id="past midnight"),
        pytest.param("9:00-9:00", 24, id="an end at its start is a day later"),
        pytest.param("9:00-12:00 12:00-18:00", 9, id="touching windows are one"),
        pytest.param("10:00-18:00 9:00-12:00", 9, id="overlapping windows count once, in any order"),
        pytest.param("9:00-12:00 9:00-12:00", 3, id="a window given twice counts once"),
        pytest.param("9:00-18:00 10:00-12:00", 9, id="a window within another adds nothing"),
    ],
)
def test_length_of_a_weekdays_windows(text: str, hours: int) -> None:
    """A weekday's windows hold this much open time."""
    calendar = weekly("America/Lima", "2", text)
    assert calendar.between(local(calendar, "2026-06-01"), local(calendar, "2026-06-08")) == hours * HOUR


@pytest.mark.parametrize("text", ["9:00-12:00 12:00-18:00", "9:00-14:00 12:00-18:00"])
def test_windows_that_touch_have_no_closing_between_them(text: str) -> None:
    """Where two windows meet there is neither a closing nor an opening."""
    calendar = weekly("America/Lima", "0123456", text)
    noon = local(calendar, "2026-06-03 12:00")
    assert calendar.next_closing(noon - HOUR) == local(calendar, "2026-06-03 18:00")
    assert calendar.previous_opening(noon + HOUR) == local(calendar, "2026-06-03 09:00")


def test_windows_that_meet_at_midnight_are_one() -> None:
    """A day that closes at 24:00 goes on into one that opens at 00:00."""
    calendar = BusinessCalendar("America/Lima", {0: windows("20:00-0:00"), 1: windows("0:00-4:00")})
    monday = local(calendar, "2026-06-01 21:00")
    assert calendar.next_closing(monday) == local(calendar, "2026-06-02 04:00")
    assert calendar.add(monday, 3 * HOUR) == local(calendar, "2026-06-02 00:00")


def test_exceptions_replace_the_hours_of_their_date() -> None:
    """An exception gives a date its own hours, wins over a holiday, and closes it when empty."""
    calendar = weekly(
        "America/Lima",
        "01234",
        "9:00-18:00",
        holidays=[date(2026, 6, 2), date(2026, 6, 3)],
        exceptions={
            date(2026, 6, 1): [],
            date(2026, 6, 3): windows("10:00-11:00"),
            date(2026, 6, 4): windows("7:00-8:00 20:00-22:00"),
            date(2026, 6, 6): windows("9:00-13:00"),
        },
    )
    hours_by_date = {
        day: calendar.between(local(calendar, f"2026-06-0{day}"), local(calendar, f"2026-06-0{day + 1}")) / HOUR
        for day in range(1, 8)
    }
    assert hours_by_date == {1: 0, 2: 0, 3: 1, 4: 3, 5: 9, 6: 4, 7: 0}
    assert [day for day in range(1, 8) if calendar.is_business_day(date(2026, 6, day))] == [3, 4, 5, 6]


@pytest.mark.parametrize("closed", [{"holidays": [date(2026, 6, 3)]}, {"exceptions": {date(2026, 6, 3): []}}])
def test_a_closed_date_does_not_cut_the_night_before(closed: dict[str, Any]) -> None:
    """A window belongs to the date on which it opens: Tuesday's night runs on into a closed Wednesday."""
    calendar = weekly("Europe/Berlin", "12", "22:00-6:00", **closed)
    assert calendar.next_closing(local(calendar, "2026-06-02 23:00")) == local(calendar, "2026-06-03 06:00")
    assert not calendar.is_open(local(calendar, "2026-06-03 23:00"))
    assert not calendar.is_open(local(calendar, "2026-06-04 01:00"))


def test_a_holiday_is_a_date_of_the_calendars_zone() -> None:
    """The zone of an argument does not move a holiday."""
    evening_before = datetime(2026, 7, 28, 3, tzinfo=ZoneInfo("UTC"))  # 22:00 on the 27th in Lima
    assert LIMA.local_date(evening_before) == date(2026, 7, 27)
    assert LIMA.next_opening(evening_before) == local(LIMA, "2026-07-29 09:00")


def test_names_of_holidays() -> None:
    """A holiday is known by its name, an unnamed one by an empty name, other dates by none."""
    unnamed = weekly("America/Lima", "0", "9:00-18:00", holidays=[date(2026, 7, 28)])
    assert LIMA.holiday_name(date(2026, 7, 28)) == "Fiestas Patrias"
    assert unnamed.holiday_name(date(2026, 7, 28)) == ""
    assert LIMA.holiday_name(date(2026, 7, 29)) is None


def test_a_calendar_keeps_its_own_copy() -> None:
    """What is done later to the mappings handed in changes nothing."""
    hours = {0: [(time(9), time(18))]}
    holidays = {date(2026, 6, 1): "first"}
    calendar = BusinessCalendar("America/Lima", hours, holidays)
    hours[1] = [(time(9), time(18))]
    holidays.clear()
    assert calendar.next_opening(local(calendar, "2026-06-01 00:00")) == local(calendar, "2026-06-08 09:00")


# --- clock changes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "wall", "expected"),
    [
        pytest.param("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:30", id="gap: later by an hour"),
        pytest.param("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30", id="twice: the first"),
        pytest.param("Australia/Lord_Howe", "2026-10-04 02:10", "2026-10-03 15:40", id="gap of half an hour"),
        pytest.param("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45", id="twice within half an hour"),
        pytest.param("America/Sao_Paulo", "2018-11-04 00:00", "2018-11-04 03:00", id="a midnight that is skipped"),
        pytest.param("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 22:00", id="a date that is skipped"),
        pytest.param("America/Lima", "2026-06-01 12:00", "2026-06-01 17:00", id="a plain time"),
    ],
)
def test_resolve_wall(zone: str, wall: str, expected: str) -> None:
    """A wall time in a gap is moved later by the gap, one that happens twice is the first, whatever its fold."""
    naive = datetime.fromisoformat(wall)
    assert resolve_wall(naive, ZoneInfo(zone)) == utc(expected)
    assert resolve_wall(naive.replace(fold=1), ZoneInfo(zone)) == utc(expected)


def test_resolve_wall_refuses_what_is_no_wall_time() -> None:
    """An aware time, and one whose instant no datetime can hold, are refused."""
    with pytest.raises(ValueError, match="no zone of its own"):
        resolve_wall(utc("2026-06-01 12:00"), ZoneInfo("America/Lima"))
    with pytest.raises(ValueError, match="years 1 to 9999"):
        resolve_wall(datetime(1, 1, 1), ZoneInfo("Asia/Tokyo"))  # noqa: DTZ001 - a wall time is naive


@pytest.mark.parametrize(
    ("zone", "text", "day", "expected"),
    [
        pytest.param("Europe/Berlin", "0:00-0:00", "2026-03-29", 23, id="a day of 23 hours"),
        pytest.param("Europe/Berlin", "0:00-0:00", "2026-10-25", 25, id="a day of 25 hours"),
        pytest.param("Australia/Lord_Howe", "0:00-0:00", "2026-04-05", 24.5, id="a day of 24.5 hours"),
        pytest.param("Europe/Berlin", "1:00-5:00", "2026-03-29", 3, id="a window around a gap"),
        pytest.param("Europe/Berlin", "1:00-5:00", "2026-10-25", 5, id="a window around an overlap"),
        pytest.param("Europe/Berlin", "2:30-5:00", "2026-03-29", 1.5, id="an opening in a gap moves later"),
        pytest.param("Europe/Berlin", "1:00-2:30", "2026-03-29", 1.5, id="a closing in a gap moves later"),
        pytest.param("Europe/Berlin", "2:10-2:50", "2026-03-29", 0, id="a window wholly in a gap vanishes"),
        pytest.param("Europe/Berlin", "2:00-3:00", "2026-03-29", 0, id="a window that is the gap vanishes"),
        pytest.param("Europe/Berlin", "2:30-3:00", "2026-03-29", 0, id="the end of a gap as a window vanishes"),
        pytest.param("Europe/Berlin", "2:30-3:10", "2026-03-29", 0, id="a window that ends before its moved opening"),
        pytest.param("Europe/Berlin", "2:00-3:00", "2026-10-25", 2, id="an hour that happens twice"),
        pytest.param("Europe/Berlin", "2:15-2:45", "2026-10-25", 0.5, id="within an overlap: the first time only"),
        pytest.param("America/New_York", "0:00-4:00", "2026-11-01", 5, id="an overlap in New York"),
        pytest.param("America/Sao_Paulo", "0:00-0:00", "2018-11-04", 23, id="Sao Paulo: the day without a midnight"),
        pytest.param("America/Sao_Paulo", "20:00-0:00", "2018-11-03", 4, id="Sao Paulo: 24:00 in a gap"),
        pytest.param("America/Sao_Paulo", "0:15-0:45", "2018-11-04", 0, id="Sao Paulo: within the gap at midnight"),
        pytest.param("America/Sao_Paulo", "22:00-0:00", "2018-02-17", 3, id="Sao Paulo: 24:00 after an hour twice"),
        pytest.param("America/Asuncion", "20:00-0:00", "2023-09-30", 4, id="Asuncion: 24:00 in a gap"),
        pytest.param("America/Havana", "20:00-0:00", "2026-03-07", 4, id="Havana: 24:00 in a gap"),
        pytest.param("America/Havana", "0:00-0:00", "2026-11-01", 25, id="Havana: the first of two midnights"),
        pytest.param("Africa/Cairo", "20:00-0:00", "2026-04-23", 4, id="Cairo: 24:00 in a gap"),
        pytest.param("Africa/Cairo", "0:00-0:00", "2026-04-24", 23, id="Cairo: the day without a midnight"),
        pytest.param("Europe/Berlin", "22:00-6:00", "2026-03-28", 7, id="a night with a gap"),
        pytest.param("Europe/Berlin", "22:00-6:00", "2026-10-24", 9, id="a night with an overlap"),
        pytest.param("Pacific/Apia", "0:00-0:00", "2011-12-30", 0, id="Apia: a date that does not exist"),
        pytest.param("Pacific/Apia", "22:00-6:00", "2011-12-30", 0, id="Apia: nor does its night"),
        pytest.param("Pacific/Apia", "9:00-18:00", "2011-12-30", 0, id="Apia: nor do its office hours"),
        pytest.param("Pacific/Apia", "9:00-9:00", "2011-12-30", 0, id="Apia: nor do 24 hours from its morning"),
        pytest.param("Pacific/Apia", "22:00-6:00", "2011-12-29", 8, id="Apia: the night before the gap"),
        pytest.param("Pacific/Apia", "9:00-18:00", "2011-12-29", 9, id="Apia: the date before"),
    ],
)
def test_open_time_of_a_date_with_a_clock_change(zone: str, text: str, day: str, expected: float) -> None:
    """A date on which the clock changes counts the time that elapses while open."""
    opens_on = date.fromisoformat(day)
    calendar = BusinessCalendar(
        zone, {}, exceptions={opens_on: windows(text), opens_on - timedelta(days=20): windows("9:00-10:00")}
    )
    around = (local(calendar, day) - timedelta(days=3), local(calendar, day) + timedelta(days=4))
    assert calendar.between(*around) == expected * HOUR
    assert calendar.is_business_day(opens_on) is (expected > 0)


def test_open_around_the_clock_at_clock_changes() -> None:
    """An always-open calendar has no seam where the clock changes, not even at a skipped midnight."""
    for zone in ("Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "America/Havana", "America/Nuuk"):
        calendar = weekly(zone, "0123456", "0:00-0:00")
        a, b = utc("2011-06-01 12:34"), utc("2024-06-01 01:02")
        assert calendar.between(a, b) == b - a
        assert list(calendar.windows(a, b)) == [(a, b)]


def test_a_date_that_the_zone_skipped_takes_no_time() -> None:
    """From Thursday to Tuesday in Apia at the end of 2011 there is no Friday."""
    apia = weekly("Pacific/Apia", "01234", "9:00-18:00")
    thursday, tuesday = local(apia, "2011-12-29 12:00"), local(apia, "2012-01-03 12:00")
    assert apia.between(thursday, tuesday) == (6 + 9 + 3) * HOUR
    assert apia.add(thursday, 7 * HOUR) == local(apia, "2012-01-02 10:00")
    assert apia.add_days(thursday, 1) == local(apia, "2012-01-02 12:00")
    assert apia.add_days(thursday, 0, until="midnight") == local(apia, "2011-12-31 00:00")
    assert not apia.is_business_day(date(2011, 12, 30))


@pytest.mark.parametrize("years_off", range(-4, 5))
def test_new_year_is_a_night_like_any_other(years_off: int) -> None:
    """Which year was asked about before makes no difference to a night that runs over New Year."""
    for year in range(2020, 2029):
        calendar = weekly("Europe/Berlin", "0123456", "22:00-6:00")
        assert not calendar.is_open(utc(f"{year + years_off}-06-01 12:00"))
        assert calendar.is_open(utc(f"{year}-01-01 03:00"))
        assert calendar.between(utc(f"{year}-01-01"), utc(f"{year}-01-02")) == 8 * HOUR


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: weekly("Mars/Olympus", "0", "9:00-18:00"), ValueError, "unknown time zone"),
        (lambda: weekly("", "0", "9:00-18:00"), ValueError, "unknown time zone"),
        (lambda: weekly("America", "0", "9:00-18:00"), ValueError, "unknown time zone"),
        (lambda: weekly("../etc/passwd", "0", "9:00-18:00"), ValueError, "unknown time zone"),
        (lambda: BusinessCalendar("UTC", {7: windows("9:00-18:00")}), ValueError, "weekday"),
        (lambda: BusinessCalendar("UTC", {-1: windows("9:00-18:00")}), ValueError, "weekday"),
        (lambda: BusinessCalendar("UTC", {True: windows("9:00-18:00")}), ValueError, "weekday"),
        (lambda: BusinessCalendar("UTC", {0: [("9:00", "18:00")]}), TypeError, "pair of times"),  # type: ignore[list-item]
        (lambda: BusinessCalendar("UTC", {0: [(time(9),)]}), TypeError, "pair of times"),  # type: ignore[list-item]
        (lambda: BusinessCalendar("UTC", {0: [(time(9, tzinfo=UTC), time(18))]}), ValueError, "carry none"),
        (lambda: weekly("UTC", "0", "9:00-18:00", holidays=[utc("2026-01-01")]), TypeError, "date without a time"),
        (lambda: weekly("UTC", "0", "9:00-18:00", holidays=["2026-01-01"]), TypeError, "date without a time"),
        (lambda: weekly("UTC", "0", "9:00-18:00", exceptions={utc("2026-01-01"): []}), TypeError, "date without"),
        (lambda: BusinessCalendar("UTC", {}), CalendarNeverOpens, "never opens"),
        (lambda: BusinessCalendar("UTC", {0: []}, exceptions={date(2026, 1, 1): []}), CalendarNeverOpens, "never"),
        (
            lambda: BusinessCalendar("Pacific/Apia", {}, exceptions={date(2011, 12, 30): windows("9:00-18:00")}),
            CalendarNeverOpens,
            "never opens",
        ),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(
    make: Callable[[], BusinessCalendar], error: type[Exception], words: str
) -> None:
    """What cannot be read, or never opens, is an error when the calendar is made."""
    with pytest.raises(error, match=words):
        make()
