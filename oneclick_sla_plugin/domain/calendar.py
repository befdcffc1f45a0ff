"""Business time: how the time adds up during which a team is open.

A :class:`BusinessCalendar` takes the windows of single dates from
:mod:`oneclick_sla_plugin.domain.opening_hours`, where the rules about wall times,
holidays and clock changes stand, and makes one line of them:

* Windows are half-open: the closing instant is not open any more. An amount that
  fills a window exactly is due at its closing instant; going back, at its opening.
* What counts is the time that elapses, also on a day of 23 or 25 hours.
* Windows that touch or overlap are one. A calendar that never closes therefore has
  neither openings nor closings (:class:`OutOfOpenTime`), though its dates still count.

How it works. The windows of some years around the queries are laid out as sorted
lists, with the open time before each window beside them, so every query is a binary
search or two however long its span. A query outside the laid-out years lays out a
longer span and swaps one reference, so a calendar can be shared among threads.
Inside, instants are ``timedelta`` since 1970: exact integers of microseconds, without
the conversions to and from ``int`` that would cost more than the search.

Pauses are no business of the calendar: the clocks subtract them. Nor does it know
where holidays come from.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.opening_hours import (
    END_DATE,
    EPOCH,
    FIRST_DATE,
    MOST_YEARS,
    CalendarNeverOpens,
    Hours,
    OpeningHours,
    OutOfOpenTime,
    Span,
    plain_date,
    resolve_wall,
)

__all__ = ["BusinessCalendar", "CalendarNeverOpens", "Hours", "OutOfOpenTime", "resolve_wall"]

_ZERO = timedelta()
_DAY = timedelta(days=1)
_TWO_YEARS = timedelta(days=2 * 366)
_LONGEST = timedelta(days=366 * MOST_YEARS)
_DAYS_IN_400_YEARS = 146_097
_KEPT_YEARS = 100

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC) - EPOCH
_END = datetime(9999, 12, 31, tzinfo=UTC) - EPOCH


_NO_SPAN = Span(FIRST_DATE, FIRST_DATE, _ZERO, _ZERO, [], [_ZERO], [], [])


class BusinessCalendar:
    """The opening hours of every date in one time zone, and arithmetic with the time that is open.

    ``hours`` maps weekdays (0 = Monday) to windows of naive wall times; a weekday that
    is left out is closed. An end of 00:00 means 24:00, an end at or before its start
    runs past midnight, so ``(time(0), time(0))`` is the whole day. ``holidays`` are
    closed dates, with names if they come as a mapping. ``exceptions`` give the hours
    of single dates; an empty sequence closes one. Everything is copied.

    Instants handed in are aware, in any zone; instants handed out are in UTC. Every
    method raises ``ValueError`` for a naive datetime.

    Raises ``TypeError`` or ``ValueError`` for values that cannot be read, and
    :class:`CalendarNeverOpens`. No window opens before 0001-01-03 or after 9999-12-29,
    and what would take in more than 600 years at once is refused (:class:`OutOfOpenTime`).
    """

    __slots__ = ("_hours", "_span", "_whole_days")

    def __init__(
        self,
        time_zone: str | ZoneInfo,
        hours: Mapping[int, Hours],
        holidays: Iterable[date] | Mapping[date, str] = (),
        exceptions: Mapping[date, Hours] | None = None,
    ) -> None:
        self._hours = OpeningHours(time_zone, hours, holidays, exceptions or {})
        self._whole_days: BusinessCalendar | None = None
        self._span = _NO_SPAN

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._hours.zone.key}>"

    @property
    def time_zone(self) -> ZoneInfo:
        return self._hours.zone

    def whole_days(self) -> BusinessCalendar:
        """The calendar in which each business day is open for its whole local day, and no other date at all.

        Its open time are "business-day hours". A business day is as in
        :meth:`is_business_day` of this calendar; it counts the hours that elapse,
        23 or 25 where the clock changes.
        """
        if self._whole_days is None:
            calendar = copy(self)
            calendar._hours = self._hours.as_whole_days()
            calendar._span = _NO_SPAN
            calendar._whole_days = calendar
            self._whole_days = calendar
        return self._whole_days

    # --- dates --------------------------------------------------------------------------------

    def local_date(self, at: datetime) -> date:
        """The date that the calendar's zone shows at an instant."""
        return self._local(_since_epoch(at)).date()

    def is_business_day(self, day: date) -> bool:
        """Whether at least one window opens on a local date."""
        return bool(self._hours.windows_on(plain_date(day)))

    def holiday_name(self, day: date) -> str | None:
        """The name of a holiday, empty if it was given without one; ``None`` for any other date."""
        return self._hours.holidays.get(plain_date(day))

    # --- open time ----------------------------------------------------------------------------

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The instant by which ``amount`` of open time has passed since ``start``; back in time if negative.

        Zero gives the next opening, or ``start`` itself while open. Raises
        :class:`OutOfOpenTime` when the calendar has not that much open time left.
        """
        since = _since_epoch(start)
        if not amount:
            return self.next_opening(start)
        if not -_LONGEST <= amount <= _LONGEST:
            raise OutOfOpenTime(f"{self!r} does not reach {amount.days} days from {start}")
        span = self._span_at(since)
        wanted = span.open_before(since) + amount
        if amount > _ZERO:
            while wanted > span.open_before_start[-1]:
                span = self._longer(span)
            i = bisect_left(span.open_before_start, wanted) - 1
        else:
            while wanted < _ZERO:
                span = self._longer(span, back=True)
                wanted = span.open_before(since) + amount
            i = bisect_right(span.open_before_start, wanted) - 1
        return EPOCH + (span.closed_before_start[i] + wanted)

    def between(self, a: datetime, b: datetime) -> timedelta:
        """The open time from ``a`` to ``b``; negative when ``b`` is before ``a``."""
        since_a, since_b = _since_epoch(a), _since_epoch(b)
        span = self._span_at(since_a)
        if not span.lo <= since_b < span.hi:
            span = self._cover(since_a, since_b)
        return span.open_before(since_b) - span.open_before(since_a)

    def is_open(self, at: datetime) -> bool:
        """Whether a window contains the instant; at its opening yes, at its closing no."""
        since = _since_epoch(at)
        span = self._span_at(since)
        i = bisect_right(span.starts, since) - 1
        return i >= 0 and since < span.closing(i)

    def windows(self, a: datetime, b: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open stretches within [``a``, ``b``) in order, cut to it; none when ``b`` is not after ``a``."""
        since_a, since_b = _since_epoch(a), _since_epoch(b)
        if since_b <= since_a:
            return iter(())
        span = self._cover(since_a, since_b)
        i = bisect_right(span.starts, since_a)
        if i and since_a < span.closing(i - 1):
            i -= 1
        return (
            (EPOCH + max(span.starts[k], since_a), EPOCH + min(span.closing(k), since_b))
            for k in range(i, bisect_left(span.starts, since_b))
        )

    # --- openings and closings ----------------------------------------------------------------

    def next_opening(self, at: datetime) -> datetime:
        """``at`` itself while open, else the next opening. Raises :class:`OutOfOpenTime` when there is none."""
        since = _since_epoch(at)
        for span in self._near_then_far(since):
            i = bisect_right(span.starts, since)
            if i and since < span.closing(i - 1):
                return EPOCH + since
            if i < len(span.starts):
                return EPOCH + span.starts[i]
        raise OutOfOpenTime(f"{self!r} does not open any more after {at}")

    def next_closing(self, at: datetime) -> datetime:
        """The closing of the window that ``at`` lies in, else of the next one.

        Raises :class:`OutOfOpenTime` when there is none.
        """
        since = _since_epoch(at)
        for span in self._near_then_far(since):
            i = bisect_right(span.starts, since)
            if i and since < span.closing(i - 1):
                i -= 1
            if i < len(span.starts) and span.closing(i) < span.hi:
                return EPOCH + span.closing(i)
        raise OutOfOpenTime(f"{self!r} does not close any more after {at}")

    def previous_opening(self, at: datetime) -> datetime:
        """The opening of the window that ``at`` lies in, else of the one before.

        Raises :class:`OutOfOpenTime` when there is none.
        """
        since = _since_epoch(at)
        for span in self._near_then_far(since):
            i = bisect_right(span.starts, since) - 1
            if i >= 0 and span.starts[i] > span.lo:
                return EPOCH + span.starts[i]
        raise OutOfOpenTime(f"{self!r} did not open before {at}")

    def previous_closing(self, at: datetime) -> datetime:
        """``at`` itself when the calendar was open up to it, else the last closing before it.

        The mirror image of :meth:`next_opening`: a closing instant is its own answer,
        an opening instant is not. Raises :class:`OutOfOpenTime` when there is none.
        """
        since = _since_epoch(at)
        for span in self._near_then_far(since):
            i = bisect_left(span.starts, since) - 1
            if i >= 0:
                return EPOCH + min(since, span.closing(i))
        raise OutOfOpenTime(f"{self!r} was not open before {at}")

    # --- business days ------------------------------------------------------------------------

    def add_days(
        self,
        start: datetime,
        n: int,
        until: Literal["clock", "close", "midnight"] = "clock",
        count_from: Literal["now", "next_day"] = "now",
    ) -> datetime:
        """Move ``n`` business days on, or back if negative, to an instant of the target date.

        ``count_from="now"``: forward, ``start`` first rolls to the next opening and its
        date is day 0; backward there is no first roll. ``"next_day"``: day 1 is the
        first business day after the local date of ``start``, whatever that date is.

        ``until="clock"``: the clock time of the (rolled) start, rolled to the next
        opening, or backward to the previous closing. ``"close"``: the last closing of
        the target date; day 0 is here the business day whose window is open, even
        after midnight. ``"midnight"``: 24:00 of the target date, which is the next local midnight.

        Raises :class:`OutOfOpenTime` when the calendar has not that many days left, and
        ``ValueError`` for zero days from the next day.
        """
        if until not in ("clock", "close", "midnight") or count_from not in ("now", "next_day"):
            raise ValueError(f"unknown way to count days: until={until!r}, count_from={count_from!r}")
        if n == 0 and count_from == "next_day":
            raise ValueError("zero business days cannot be counted from the next day")
        if n >= 0 and count_from == "now":
            start = self.next_opening(start)
        since = _since_epoch(start)
        local = self._local(since)
        day = local.date()
        if until == "close" and n >= 0 and count_from == "now":
            day = self._open_day(since, day)
        target = self._business_day_from(day, n)
        if until == "midnight":
            return EPOCH + self._hours.midnight(target + _DAY)
        if until == "close":
            return EPOCH + max(closing for _, closing in self._hours.windows_on(target))
        if n == 0:
            return start
        same_time = EPOCH + (datetime.combine(target, local.time(), self._hours.zone) - EPOCH)
        return self.next_opening(same_time) if n > 0 else self.previous_closing(same_time)

    def _business_day_from(self, day: date, n: int) -> date:
        """The n-th business day after ``day``, or before it if negative; ``day`` itself for zero."""
        if n == 0:
            return day
        span = self._span_at(self._hours.midnight(day))
        if n > 0:
            while (i := bisect_right(span.business_days, day.toordinal()) + n - 1) >= len(span.business_days):
                span = self._longer(span)
        else:
            while (i := bisect_left(span.business_days, day.toordinal()) + n) < 0:
                span = self._longer(span, back=True)
        return date.fromordinal(span.business_days[i])

    def _open_day(self, since: timedelta, day: date) -> date:
        """The date to which the window that is open at an instant belongs; ``day`` is the instant's own.

        That is the date itself, or one before it for a window that ran past midnight. The
        next one is possible too: a clock set back across midnight shows the old date again.
        """
        candidates = (day, day - _DAY, day - 2 * _DAY, day + _DAY)
        return next(
            candidate
            for candidate in candidates
            if any(opening <= since < closing for opening, closing in self._hours.windows_on(candidate))
        )

    # --- laying out the windows ---------------------------------------------------------------

    def _local(self, since: timedelta) -> datetime:
        # By way of UTC, so that a skipped wall time in the calendar's own zone is no exception.
        try:
            return (EPOCH + since).astimezone(self._hours.zone)
        except OverflowError:
            raise OutOfOpenTime(f"an instant outside the years 1 to 9999 in {self._hours.zone.key}") from None

    def _span_at(self, since: timedelta) -> Span:
        span = self._span
        return span if span.lo <= since < span.hi else self._cover(since, since)

    def _cover(self, *instants: timedelta) -> Span:
        """A span that is exact at all these instants, with a year to spare at either end.

        It takes in the years laid out before unless they are far away: a stray date must
        not make every later query carry the centuries up to it.
        """
        span = self._span
        if all(span.lo <= since < span.hi for since in instants):
            return span
        years = [1970 + since.days * 400 // _DAYS_IN_400_YEARS for since in instants]
        first, end = _new_year(min(years) - 1), _new_year(max(years) + 3)
        kept = span.end.year - span.first.year
        if max(end, span.end).year - min(first, span.first).year <= _KEPT_YEARS:
            # Growing by as much again keeps a walk through the years from laying out all of them at each.
            first = _new_year(first.year - kept) if first < span.first else span.first
            end = _new_year(end.year + kept) if end > span.end else span.end
        self._span = span = self._hours.lay_out(first, end)
        return span

    def _longer(self, span: Span, *, back: bool = False) -> Span:
        """A span that goes on for twice as long, so that however far it has to go, few steps lead there."""
        if back and span.lo == timedelta.min:
            raise OutOfOpenTime(f"{self!r} has no more open time before {span.first}")
        if not back and span.hi == timedelta.max:
            raise OutOfOpenTime(f"{self!r} has no more open time from {span.end} on")
        years = span.end.year - span.first.year + 1
        if back:
            longer = self._hours.lay_out(_new_year(span.first.year - years), span.end)
        else:
            longer = self._hours.lay_out(span.first, _new_year(span.end.year + years))
        self._span = longer
        return longer

    def _near_then_far(self, since: timedelta) -> Iterator[Span]:
        """Spans in which to look for an opening or closing: the likely one, then one that decides.

        Beyond its single dates a calendar repeats weekly but for clock changes. What two
        years there do not show will not come.
        """
        yield self._span_at(since)
        special = [datetime.combine(day, time(), UTC) - EPOCH for day in self._hours.special_dates]
        yield self._cover(
            max(min([since, *special]) - _TWO_YEARS, _BEGINNING), min(max([since, *special]) + _TWO_YEARS, _END)
        )


def _new_year(year: int) -> date:
    if year < 1:
        return FIRST_DATE
    return END_DATE if year > END_DATE.year else max(date(year, 1, 1), FIRST_DATE)


def _since_epoch(at: datetime) -> timedelta:
    try:
        return at - EPOCH
    except TypeError:
        raise ValueError(f"an aware datetime is needed, not {at!r}") from None
