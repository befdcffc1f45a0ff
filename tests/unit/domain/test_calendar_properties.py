"""The calendar against a second one that is slow and obvious, and against the laws of its arithmetic.

The second implementation knows nothing of zone offsets, folds or binary search. It reads
the wall clock at every minute of five weeks, finds each opening and closing on that face
by looking, marks the open minutes one by one, and answers by walking over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.calendar import BusinessCalendar, Hours

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
FACE_DAYS = 30
ASKED_DAYS = range(12, 19)
"""The days of the face in which questions begin, with room on both sides."""

ERAS = [
    ("America/Lima", date(2026, 6, 1)),
    ("Europe/Berlin", date(2026, 3, 12)),
    ("Europe/Berlin", date(2026, 10, 8)),
    ("America/New_York", date(2026, 10, 15)),
    ("America/Los_Angeles", date(2006, 3, 16)),
    ("America/Sao_Paulo", date(2018, 10, 18)),  # skips a midnight
    ("America/Sao_Paulo", date(2018, 2, 1)),  # has the hour before a midnight twice
    ("America/Havana", date(2026, 10, 15)),  # has a midnight twice
    ("Africa/Cairo", date(2026, 4, 7)),  # skips a midnight
    ("America/St_Johns", date(2006, 10, 12)),  # goes back over midnight, a minute past it
    ("America/St_Johns", date(2006, 3, 16)),  # skips the hour from a minute past midnight
    ("America/Nuuk", date(2024, 3, 14)),  # skips the hour before midnight
    ("Australia/Lord_Howe", date(2026, 9, 17)),  # half an hour
    ("Asia/Kathmandu", date(2026, 1, 1)),
    ("Pacific/Apia", date(2011, 12, 13)),  # skips a date
]

# --- the slow twin --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Face:
    """What the wall clock shows at each minute, and the first minute at which it shows something."""

    begins: datetime
    shown: Sequence[datetime]
    first_shown: Mapping[datetime, int]

    def minute_of(self, at: datetime) -> int:
        return (at - self.begins) // MINUTE

    def find(self, wall: datetime) -> int:
        """The first minute that shows ``wall``; if none does, where the old clock would have shown it."""
        if wall in self.first_shown:
            return self.first_shown[wall]
        last_before = max(minute for shown, minute in self.first_shown.items() if shown < wall)
        return last_before + (wall - self.shown[last_before]) // MINUTE


@cache
def face_of(zone: str, begins: date) -> Face:
    start = datetime(begins.year, begins.month, begins.day, tzinfo=UTC)
    shown = [
        (start + minute * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for minute in range(FACE_DAYS * 1440)
    ]
    first_shown: dict[datetime, int] = {}
    for minute, wall in enumerate(shown):
        first_shown.setdefault(wall.replace(fold=0), minute)
    return Face(start, shown, first_shown)


class SlowCalendar:
    def __init__(
        self,
        face: Face,
        week: Mapping[int, Hours],
        holidays: Sequence[date],
        exceptions: Mapping[date, Hours],
    ) -> None:
        self.open = [False] * len(face.shown)
        self.business_days = set()
        first_date = face.shown[0].date() + 2 * DAY
        for day in (first_date + n * DAY for n in range(FACE_DAYS - 5)):
            hours = exceptions.get(day, [] if day in holidays else week.get(day.weekday(), []))
            for opens_at, closes_at in hours:
                opens, closes = datetime.combine(day, opens_at), datetime.combine(day, closes_at)
                if closes <= opens:
                    closes += DAY
                walls = (opens + n * MINUTE for n in range((closes - opens) // MINUTE))
                exists = datetime.combine(day, time(12)) in face.first_shown
                if exists and any(wall in face.first_shown for wall in walls):
                    minutes = range(face.find(opens), face.find(closes))
                    if minutes:
                        self.business_days.add(day)
                    self.open[minutes.start : minutes.stop] = [True] * len(minutes)

    def between(self, a: int, b: int) -> int:
        return sum(self.open[a:b]) if a <= b else -sum(self.open[b:a])

    def add(self, minute: int, amount: int) -> int | None:
        """Walk until the amount is used up; ``None`` when the face ends first."""
        if amount == 0:
            return self.next_opening(minute)
        step = 1 if amount > 0 else -1
        left = abs(amount)
        while 0 < minute < len(self.open) - 1:
            left -= self.open[minute if step > 0 else minute - 1]
            minute += step
            if left == 0:
                return minute
        return None

    def next_opening(self, minute: int) -> int | None:
        return next((m for m in range(minute, len(self.open)) if self.open[m]), None)

    def next_closing(self, minute: int) -> int | None:
        closings = (m for m in range(minute + 1, len(self.open)) if self.open[m - 1] and not self.open[m])
        return next(closings, None)

    def previous_opening(self, minute: int) -> int | None:
        return next((m for m in range(minute, 0, -1) if self.open[m] and not self.open[m - 1]), None)

    def previous_closing(self, minute: int) -> int | None:
        return next((m for m in range(minute, 0, -1) if self.open[m - 1]), None)


# --- what is drawn --------------------------------------------------------------------------------

QUARTER = 15


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> Hours:
    """One or two windows that stay apart, up to midnight or past it, mostly near the hours of clock changes.

    They stay apart because of overlapping windows the calendar takes the union on the wall
    clock, which inside a gap is another question than marking minutes.
    """
    past_midnight = draw(st.booleans())
    last = 95 if past_midnight else 96
    quarters = st.integers(0, 16) | st.integers(88, last) | st.integers(0, last)
    marks = draw(st.lists(quarters, min_size=2, max_size=4, unique=True).map(sorted).filter(lambda m: len(m) != 3))
    if past_midnight:
        marks = [*marks[1:], marks[0]]
    walls = [time(mark % 96 // 4, mark % 4 * QUARTER) for mark in marks]
    return list(zip(walls[::2], walls[1::2], strict=True))


weeks = st.dictionaries(st.integers(0, 6), hours_of_a_day(), min_size=3)


@dataclass(frozen=True)
class Case:
    """A calendar, its slow twin, and the instants of the face."""

    calendar: BusinessCalendar
    slow: SlowCalendar
    face: Face

    def at(self, minute: int) -> datetime:
        return self.face.begins + minute * MINUTE


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone, begins = draw(st.sampled_from(ERAS))
    dates = st.integers(2, FACE_DAYS - 3).map(lambda n: begins + n * DAY)
    week = draw(weeks)
    holidays = draw(st.lists(dates, max_size=4))
    exceptions = draw(st.dictionaries(dates, st.just([]) | hours_of_a_day(), max_size=3))
    face = face_of(zone, begins)
    return Case(
        BusinessCalendar(zone, week, holidays, exceptions), SlowCalendar(face, week, holidays, exceptions), face
    )


asked_minutes = st.integers(ASKED_DAYS.start * 1440, ASKED_DAYS.stop * 1440)
amounts = st.integers(-30 * 60, 30 * 60)


# --- against the twin -----------------------------------------------------------------------------


@settings(max_examples=75)
@given(cases(), asked_minutes, asked_minutes)
def test_open_time_is_what_a_walk_over_the_minutes_counts(case: Case, a: int, b: int) -> None:
    """`between` and `is_open` agree with counting open minutes one by one."""
    assert case.calendar.between(case.at(a), case.at(b)) == case.slow.between(a, b) * MINUTE
    assert case.calendar.is_open(case.at(a)) is case.slow.open[a]
    stretches = case.calendar.windows(case.at(a), case.at(b))
    open_minutes = [case.face.minute_of(at) for opening, closing in stretches for at in minutes(opening, closing)]
    assert open_minutes == [minute for minute in range(a, b) if case.slow.open[minute]]


def minutes(opening: datetime, closing: datetime) -> list[datetime]:
    return [opening + n * MINUTE for n in range((closing - opening) // MINUTE)]


@settings(max_examples=75)
@given(cases(), asked_minutes, amounts)
def test_a_due_time_is_where_a_walk_over_the_minutes_ends(case: Case, start: int, amount: int) -> None:
    """`add` agrees with using up the amount minute by minute, forward and back."""
    due = case.slow.add(start, amount)
    assume(due is not None)
    assert case.face.minute_of(case.calendar.add(case.at(start), amount * MINUTE)) == due


@settings(max_examples=75)
@given(
    cases(), asked_minutes, st.sampled_from(["next_opening", "next_closing", "previous_opening", "previous_closing"])
)
def test_openings_and_closings_are_where_the_open_minutes_begin_and_end(case: Case, at: int, ask: str) -> None:
    """The four neighbours of an instant agree with looking along the minutes."""
    found = getattr(case.slow, ask)(at)
    assume(found is not None and 5 * 1440 < found < (FACE_DAYS - 5) * 1440)
    assert case.face.minute_of(getattr(case.calendar, ask)(case.at(at))) == found


@settings(max_examples=75)
@given(cases())
def test_business_days_are_the_dates_on_which_a_window_opens(case: Case) -> None:
    """`is_business_day`, whole days and days counted from the next one agree with the twin's dates."""
    dates = [case.face.shown[0].date() + n * DAY for n in range(5, FACE_DAYS - 5)]
    business_days = [day for day in dates if day in case.slow.business_days]
    assert [day for day in dates if case.calendar.is_business_day(day)] == business_days
    for day in dates:
        midnights = [case.face.find(datetime.combine(midnight, time())) for midnight in (day, day + DAY)]
        begins, ends = map(case.at, midnights)
        open_time = case.calendar.whole_days().between(begins, ends)
        assert open_time == (ends - begins if day in business_days else 0 * MINUTE)
    for n, day in enumerate(business_days[1:], start=1):
        start = case.at(case.face.find(datetime.combine(business_days[0], time(12))))
        due = case.calendar.add_days(start, n, until="midnight", count_from="next_day")
        assert due == case.at(case.face.find(datetime.combine(day + DAY, time())))


# --- the laws -------------------------------------------------------------------------------------

instants = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
positive_amounts = st.timedeltas(timedelta(microseconds=1), timedelta(days=20))
zones = st.sampled_from([zone for zone, _ in ERAS])


calendars = st.builds(BusinessCalendar, zones, weeks)
LIMA = BusinessCalendar("America/Lima", {day: [(time(9), time(18))] for day in range(5)})


@settings(max_examples=75)
@given(calendars, instants, positive_amounts)
@example(LIMA, datetime(2026, 6, 5, 14, tzinfo=UTC), timedelta(hours=9))
def test_what_was_added_lies_between(calendar: BusinessCalendar, a: datetime, n: timedelta) -> None:
    """Between a start and its due time lies exactly the amount, and it is due in or at the end of open time."""
    due = calendar.add(a, n)
    assert calendar.between(a, due) == n
    assert calendar.previous_closing(due) == due
    back = calendar.add(a, -n)
    assert calendar.between(back, a) == n
    assert calendar.is_open(back)


@settings(max_examples=75)
@given(calendars, instants, positive_amounts, positive_amounts)
def test_adding_twice_is_adding_the_sum(calendar: BusinessCalendar, a: datetime, n: timedelta, m: timedelta) -> None:
    """Two amounts, one after the other, are due when their sum is."""
    both = calendar.add(a, n + m)
    assert calendar.add(calendar.add(a, n), m) == both


@settings(max_examples=75)
@given(calendars, st.tuples(instants, instants, instants))
def test_open_time_is_additive(calendar: BusinessCalendar, abc: tuple[datetime, datetime, datetime]) -> None:
    """Open time adds up over any stop on the way, and turns its sign with its direction."""
    a, b, c = abc
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)
    assert calendar.between(a, b) == -calendar.between(b, a)


@settings(max_examples=75)
@given(calendars, st.tuples(instants, instants), st.tuples(positive_amounts, positive_amounts))
def test_later_starts_and_larger_amounts_are_not_due_earlier(
    calendar: BusinessCalendar, starts: tuple[datetime, datetime], some: tuple[timedelta, timedelta]
) -> None:
    """`add` never decreases in its start nor in its amount."""
    (early, late), (less, more) = sorted(starts), sorted(some)
    assert calendar.add(early, more) <= calendar.add(late, more)
    assert calendar.add(early, less) <= calendar.add(early, more)
    assert calendar.add(early, -more) <= calendar.add(early, -less)


@settings(max_examples=75)
@given(calendars, instants, positive_amounts, zones, st.integers(-20, 20))
def test_the_zone_of_an_argument_changes_nothing(
    calendar: BusinessCalendar, a: datetime, n: timedelta, zone: str, days: int
) -> None:
    """An instant in another zone, or in the calendar's own, gives the same answers."""
    due = calendar.add(a, n)
    for other in (ZoneInfo(zone), calendar.time_zone):
        there = a.astimezone(other)
        assert calendar.add(there, n) == due
        assert calendar.between(there, due.astimezone(other)) == n
        assert calendar.next_opening(there) == calendar.next_opening(a)
        assert calendar.add_days(there, days) == calendar.add_days(a, days)
