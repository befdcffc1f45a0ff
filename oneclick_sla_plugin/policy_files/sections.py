"""The tables of a policy file as pydantic reads them, and the domain's values made of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from oneclick_sla_plugin.domain.amounts import (
    Amount,
    BusinessDays,
    BusinessDayTime,
    CloseOfBusinessDay,
    Elapsed,
    OpenTime,
)
from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.model import Channel, Flag, Kind, Metric, Priority, Status
from oneclick_sla_plugin.domain.policy import (
    AT_RISK,
    Condition,
    Escalation,
    Estimate,
    From,
    Received,
    Target,
    Timing,
)

HOLIDAY_YEARS = range(1990, 2076)
"""The years for which public holidays are taken; a calendar knows none outside them."""

AMOUNT_FORMS = (
    '"24 elapsed hours", "4 open hours", "24 business-day hours" (or minutes, seconds), '
    '"15 business days", "close of business day" or "immediate"'
)

_AMOUNT = re.compile(r"(\d{1,6}) (?:(elapsed|open|business-day) (second|minute|hour)s?|business days?)")
_DURATIONS: Mapping[str, Callable[[timedelta], Amount]] = {
    "elapsed": Elapsed,
    "open": OpenTime,
    "business-day": BusinessDayTime,
}
_UNITS = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_WINDOW = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
_SHARE = re.compile(r"([1-9]\d?) ?%")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

IMMEDIATE = "immediate"


def _amount(value: object) -> Amount | str:
    if isinstance(value, str):
        text = " ".join(value.split())
        if text == IMMEDIATE:
            return IMMEDIATE
        if text == "close of business day":
            return CloseOfBusinessDay()
        if match := _AMOUNT.fullmatch(text):
            count, kind, unit = match.groups()
            if int(count) > 0:
                return _DURATIONS[kind](int(count) * _UNITS[unit]) if kind else BusinessDays(int(count))
    raise ValueError(f"an amount names its unit: {AMOUNT_FORMS}")


def _own_amount(value: object) -> Amount:
    """An amount that stands for itself: ``immediate`` cannot explain itself."""
    amount = _amount(value)
    if isinstance(amount, str):
        raise ValueError(f"an amount names its unit: {AMOUNT_FORMS}")  # noqa: TRY004 - pydantic takes ValueError
    return amount


def _moment(value: object) -> dict[str, Any]:
    """When an escalation happens, as the argument of ``Escalation`` that says so."""
    if isinstance(value, str):
        text = " ".join(value.split())
        if match := _SHARE.fullmatch(text):
            return {"share": int(match.group(1)) / 100}
        amount, _, side = text.rpartition(" ")
        if side in ("before", "after"):
            found = _amount(amount)
            if not isinstance(found, str | CloseOfBusinessDay):
                return {side: found}
    raise ValueError('a moment is written "75 %", "2 open hours before" or "1 business days after"')


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(value if isinstance(value, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('a time zone is an IANA name, for instance "America/Lima"') from None


def _window(value: object) -> tuple[time, time]:
    if isinstance(value, str) and (match := _WINDOW.fullmatch(value.strip())):
        opening_hour, opening_minute, closing_hour, closing_minute = map(int, match.groups())
        if (closing_hour, closing_minute) == (24, 0):
            closing_hour = 0
        try:
            return time(opening_hour, opening_minute), time(closing_hour, closing_minute)
        except ValueError:
            pass
    raise ValueError('opening hours are written "09:00-18:00", the end of the day "24:00"')


def _recipients(value: object) -> object:
    return (
        [entry.casefold() if isinstance(entry, str) else entry for entry in value] if isinstance(value, list) else value
    )


_Amount = Annotated[Any, BeforeValidator(_amount)]
_OwnAmount = Annotated[Any, BeforeValidator(_own_amount)]
_Moment = Annotated[Any, BeforeValidator(_moment)]
_Zone = Annotated[Any, BeforeValidator(_zone)]
_Window = Annotated[Any, BeforeValidator(_window)]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
_Text = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, arbitrary_types_allowed=True)


class AddedHolidayTable(Section):
    date: date
    name: _Text


class HolidaysTable(Section):
    country: _Text | None = None
    subdivision: _Text | None = None
    added: list[AddedHolidayTable] = []
    removed: list[date] = []

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.subdivision and not self.country:
            raise ValueError("a subdivision needs its country")
        if self.country:
            try:
                known = holidays.country_holidays(self.country, subdiv=self.subdivision)
            except (NotImplementedError, TypeError):
                known = None
            # The package takes the names of its own modules and classes for countries too.
            if getattr(known, "country", None) is None:
                place = f"{self.country}-{self.subdivision}" if self.subdivision else self.country
                raise ValueError(f"no public holidays are known for {place}; write for instance PE, or ES and MD")
        return self


class CalendarTable(Section):
    time_zone: _Zone = None
    hours: dict[str, list[_Window]]
    holidays: HolidaysTable = HolidaysTable()
    exceptions: dict[date, list[_Window]] = {}

    @model_validator(mode="after")
    def _days(self) -> Self:
        seen: set[int] = set()
        for key in self.hours:
            days = _weekdays(key)
            if not days:
                raise ValueError(f'"{key}" is no weekday; write mon to sun, or a range such as mon-fri')
            if seen & set(days):
                raise ValueError(f'"{key}" names a weekday that another key has already')
            seen |= set(days)
        return self

    def build(self, zone: ZoneInfo, language: str) -> BusinessCalendar:
        hours = {day: windows for key, windows in self.hours.items() for day in _weekdays(key)}
        return BusinessCalendar(
            self.time_zone or zone, hours, holidays=self._closed_dates(language), exceptions=self.exceptions
        )

    def _closed_dates(self, language: str) -> Mapping[date, str]:
        closed: dict[date, str] = {}
        if self.holidays.country:
            known = holidays.country_holidays(self.holidays.country, subdiv=self.holidays.subdivision)
            language = language if language in known.supported_languages else known.default_language or language
            closed.update(
                holidays.country_holidays(
                    self.holidays.country,
                    subdiv=self.holidays.subdivision,
                    years=HOLIDAY_YEARS,
                    language=language,
                )
            )
        for day in self.holidays.removed:
            closed.pop(day, None)
        closed.update({added.date: added.name for added in self.holidays.added})
        return closed


def _weekdays(key: str) -> Sequence[int]:
    first, _, last = key.partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        return ()
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return range(begin, end + 1)


def _day_set(keys: Iterable[str]) -> set[int]:
    return {day for key in keys for day in _weekdays(key)}


class ConditionTable(Section):
    channels: list[Channel] | None = None
    kinds: list[Kind] | None = None
    recipients: Annotated[list[_Text] | None, BeforeValidator(_recipients)] = None
    tags: list[_Text] | None = None
    forms: list[_Text] | None = None
    tiers: list[_Text] | None = None
    flags: list[Flag] | None = None
    peak: bool | None = None
    customer: bool | None = None

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        for name in type(self).model_fields:
            if getattr(self, name) == []:
                raise ValueError(f"{name} is empty, so the condition can never hold; leave it out")
        return self

    def build(self) -> Condition:
        return Condition(
            channels=_set(self.channels),
            kinds=_set(self.kinds),
            recipients=_set(self.recipients),
            tags=_set(self.tags),
            forms=_set(self.forms),
            tiers=_set(self.tiers),
            flags=_set(self.flags),
            peak=self.peak,
            customer=self.customer,
        )


_T = TypeVar("_T")


def _set(values: Iterable[_T] | None) -> frozenset[_T] | None:
    return None if values is None else frozenset(values)


class TargetConditionTable(ConditionTable):
    priorities: list[Priority] | None = None
    received: Received | None = None
    weekdays: list[str] | None = None
    holiday: bool | None = None
    business_days_only: bool | None = None

    @model_validator(mode="after")
    def _are_weekdays(self) -> Self:
        for key in self.weekdays or ():
            if not _weekdays(key):
                raise ValueError(f'"{key}" is no weekday; write mon to sun, or a range such as mon-fri')
        return self

    def covers(self, other: TargetConditionTable) -> bool:
        """Whether this condition holds wherever ``other`` does."""
        for name in type(self).model_fields:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is None:
                continue
            if theirs is None:
                return False
            if isinstance(mine, list):
                wide, narrow = (set(mine), set(theirs)) if name != "weekdays" else (_day_set(mine), _day_set(theirs))
                if not narrow <= wide:
                    return False
            elif mine != theirs:
                return False
        return True

    def build(self) -> Condition:
        return replace(super().build(), priorities=_set(self.priorities))

    def timing(self) -> Timing:
        weekdays = None if self.weekdays is None else frozenset(_day_set(self.weekdays))
        return Timing(self.received, weekdays, self.holiday, self.business_days_only)


_PAUSING_BY_DEFAULT: Mapping[Metric, frozenset[Status]] = {
    Metric.RESOLUTION: frozenset({Status.PENDING, Status.ON_HOLD}),
    Metric.UPDATE: frozenset({Status.PENDING, Status.ON_HOLD}),
}


class TargetTable(Section):
    name: _Name
    metric: Metric
    title: _Text
    clause: _Text
    within: _Amount
    calendar: str
    when: TargetConditionTable = TargetConditionTable()
    begins: From = From.RECEIPT
    acknowledgement: bool = False
    pauses: list[Literal[Status.PENDING, Status.ON_HOLD]] | None = None
    ambiguous: bool = False

    def build(self, calendars: Mapping[str, BusinessCalendar], immediate: Amount) -> Target:
        default = _PAUSING_BY_DEFAULT.get(self.metric, frozenset())
        return Target(
            name=self.name,
            metric=self.metric,
            title=self.title,
            clause=self.clause,
            within=immediate if self.within == IMMEDIATE else self.within,
            calendar_name=self.calendar,
            calendar=calendars[self.calendar],
            when=self.when.build(),
            timing=self.when.timing(),
            begins=self.begins,
            acknowledgement=self.acknowledgement,
            pauses=default if self.pauses is None else frozenset(self.pauses),
            ambiguous=self.ambiguous,
        )


class EstimateTable(Section):
    clause: _Text
    title: _Text
    calendar: str

    def build(self, calendars: Mapping[str, BusinessCalendar]) -> Estimate:
        return Estimate(self.clause, self.title, self.calendar, calendars[self.calendar])


class EscalationTable(Section):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    at: _Moment
    metrics: Annotated[list[Metric], Field(min_length=1)] | None = None

    def build(self) -> Escalation:
        return Escalation(self.name, **self.at, metrics=_set(self.metrics))


class ChannelRuleTable(Section):
    channel: Channel
    clause: _Text
    when: ConditionTable


class KindRuleTable(Section):
    kind: Kind
    clause: _Text
    when: ConditionTable


class PriorityRuleTable(Section):
    priority: Priority
    clause: _Text
    when: ConditionTable = ConditionTable()


class PolicyTable(Section):
    id: _Name
    version: _Text
    title: _Text
    language: _Text
    time_zone: _Zone
    immediate: _OwnAmount = Elapsed(timedelta(seconds=60))
    channels: Annotated[list[Channel], Field(min_length=1)]
    default_channel: Channel
    # Checked one by one, so that all of their problems are seen at once.
    calendars: dict[_Name, Any]
    targets: list[Any]
    escalations: list[Any] = [{"name": AT_RISK, "at": "75 %"}]
    estimate: Any = None
    delay_clause: _Text | None = None
    owners: dict[Channel, _Text] = {}
    effective_from: date | None = None
    applies_to_open: bool = False
    review_by: date | None = None
    channel_rules: list[Any] = []
    kind_rules: list[Any] = []
    priority_rules: list[Any] = []
