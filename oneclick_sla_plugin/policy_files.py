"""Policy files: TOML in, a :class:`~oneclick_sla_plugin.domain.policy.Policy` out, or every problem at once.

A file is checked piece by piece, so that one mistake does not hide the others:
each problem names its key path (``targets[2].within``) and what to do. Public
holidays are taken from the ``holidays`` package here, once, when the file is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from importlib.metadata import version as distribution_version
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.model import Channel, Kind, Metric, Priority
from oneclick_sla_plugin.domain.policy import (
    Amount,
    BusinessDays,
    BusinessDayTime,
    CloseOfBusinessDay,
    Condition,
    Elapsed,
    From,
    OpenTime,
    Policy,
    Received,
    Rule,
    Target,
)
from oneclick_sla_plugin.errors import ConfigError, Problem, problems_of

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
_Zone = Annotated[Any, BeforeValidator(_zone)]
_Window = Annotated[Any, BeforeValidator(_window)]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
_Text = Annotated[str, Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, arbitrary_types_allowed=True)


class _AddedHoliday(_Section):
    date: date
    name: _Text


class _Holidays(_Section):
    country: _Text | None = None
    subdivision: _Text | None = None
    added: list[_AddedHoliday] = []
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


class _Calendar(_Section):
    time_zone: _Zone = None
    hours: dict[str, list[_Window]]
    holidays: _Holidays = _Holidays()
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


class _Condition(_Section):
    channels: list[Channel] | None = None
    kinds: list[Kind] | None = None
    recipients: Annotated[list[_Text] | None, BeforeValidator(_recipients)] = None
    tags: list[_Text] | None = None
    forms: list[_Text] | None = None
    peak: bool | None = None
    customer: bool | None = None

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        for name in ("channels", "kinds", "recipients", "tags", "forms"):
            if getattr(self, name) == []:
                raise ValueError(f"{name} is empty, so the condition can never hold; leave it out")
        return self

    def build(self) -> Condition:
        return Condition(
            channels=frozenset(self.channels) if self.channels else None,
            kinds=frozenset(self.kinds) if self.kinds else None,
            recipients=frozenset(self.recipients) if self.recipients else None,
            tags=frozenset(self.tags) if self.tags else None,
            forms=frozenset(self.forms) if self.forms else None,
            peak=self.peak,
            customer=self.customer,
        )


class _TargetCondition(_Condition):
    received: Received | None = None
    business_days_only: bool | None = None


class _Target(_Section):
    name: _Name
    metric: Metric
    title: _Text
    clause: _Text
    within: _Amount
    calendar: str
    when: _TargetCondition = _TargetCondition()
    begins: From = From.RECEIPT
    acknowledgement: bool = False

    def build(self, calendars: Mapping[str, BusinessCalendar], immediate: Amount) -> Target:
        return Target(
            name=self.name,
            metric=self.metric,
            title=self.title,
            clause=self.clause,
            within=immediate if self.within == IMMEDIATE else self.within,
            calendar_name=self.calendar,
            calendar=calendars[self.calendar],
            when=self.when.build(),
            received=self.when.received,
            business_days_only=self.when.business_days_only,
            begins=self.begins,
            acknowledgement=self.acknowledgement,
        )


class _ChannelRule(_Section):
    channel: Channel
    clause: _Text
    when: _Condition


class _KindRule(_Section):
    kind: Kind
    clause: _Text
    when: _Condition


class _PriorityRule(_Section):
    priority: Priority
    clause: _Text
    when: _Condition = _Condition()


class _Head(_Section):
    id: _Name
    version: _Text
    title: _Text
    language: _Text
    time_zone: _Zone
    immediate: _Amount = Elapsed(timedelta(seconds=60))
    warn_after: Annotated[float, Field(gt=0, lt=1)] = 0.75
    channels: Annotated[list[Channel], Field(min_length=1)]
    default_channel: Channel
    # Checked one by one, so that all of their problems are seen at once.
    calendars: dict[_Name, Any]
    targets: list[Any]
    channel_rules: list[Any] = []
    kind_rules: list[Any] = []
    priority_rules: list[Any] = []


_NESTED: Mapping[str, Iterable[str]] = {
    "when": _TargetCondition.model_fields,
    "holidays": _Holidays.model_fields,
    "added": _AddedHoliday.model_fields,
}


def load_policy(source: Path | Traversable) -> Policy:
    """Read a policy file. Raises ``ConfigError`` with every problem in it."""
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([Problem("", error.strerror or "cannot be read")], source.name) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem("", "is not UTF-8")], source.name) from None
    return parse_policy(text, source.name)


def find_policy(name: str, shipped: Mapping[str, Path | Traversable]) -> Policy:
    """The policy that a plugin registered as ``name``, else the one in the file of that path.

    Raises ``ConfigError`` when there is neither, or with every problem in the file.
    """
    if name in shipped:
        return load_policy(shipped[name])
    if name.endswith(".toml"):
        return load_policy(Path(name))
    hint = f"known: {', '.join(sorted(shipped))}; or the path of a .toml file"
    raise ConfigError([Problem("policy", f'there is no policy "{name}"', hint)])


def parse_policy(text: str, name: str = "policy") -> Policy:
    """Read a policy from TOML. Raises ``ConfigError`` with every problem; ``name`` stands at their head."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem("", f"is not TOML: {error}")], name) from None
    return _Reader(name).read(raw)


_Model = TypeVar("_Model", bound=BaseModel)


class _Reader:
    """Collects problems while it reads; a policy comes out only when there are none."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[Problem] = []

    def read(self, raw: Mapping[str, Any]) -> Policy:
        head = self._section(_Head, raw, "")
        calendars = self._table(_Calendar, raw.get("calendars"), "calendars")
        targets = self._list(_Target, raw.get("targets"), "targets")
        channel_rules = self._list(_ChannelRule, raw.get("channel_rules"), "channel_rules")
        kind_rules = self._list(_KindRule, raw.get("kind_rules"), "kind_rules")
        priority_rules = self._list(_PriorityRule, raw.get("priority_rules"), "priority_rules")
        self._check_targets(targets, raw.get("calendars"))
        if head is not None:
            self._check_channels(head, targets)
        built: dict[str, BusinessCalendar] = {}
        for name, calendar in calendars.items():
            try:
                built[name] = calendar.build(
                    head.time_zone if head else ZoneInfo("UTC"), head.language if head else "en"
                )
            except ValueError as error:
                self._problems.append(Problem(f"calendars.{name}.hours", str(error)))
        if self._problems or head is None:
            raise ConfigError(self._problems, self._name)
        return Policy(
            id=head.id,
            version=head.version,
            title=head.title,
            language=head.language,
            time_zone=head.time_zone,
            channels=frozenset(head.channels),
            default_channel=head.default_channel,
            calendars=built,
            targets=tuple(target.build(built, head.immediate) for _, target in targets),
            channel_rules=tuple(Rule(rule.channel, rule.clause, rule.when.build()) for _, rule in channel_rules),
            kind_rules=tuple(Rule(rule.kind, rule.clause, rule.when.build()) for _, rule in kind_rules),
            priority_rules=tuple(Rule(rule.priority, rule.clause, rule.when.build()) for _, rule in priority_rules),
            warn_after=head.warn_after,
            holidays_version=distribution_version("holidays"),
        )

    def _section(self, model: type[_Model], raw: object, path: str) -> _Model | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            self._problems.extend(problems_of(found, path=path, known_keys=model.model_fields, nested=_NESTED))
            return None

    def _table(self, model: type[_Model], raw: object, path: str) -> dict[str, _Model]:
        read = {
            name: self._section(model, value, f"{path}.{name}")
            for name, value in (raw.items() if isinstance(raw, Mapping) else ())
        }
        return {name: value for name, value in read.items() if value is not None}

    def _list(self, model: type[_Model], raw: object, path: str) -> list[tuple[str, _Model]]:
        read = [
            (f"{path}[{n}]", self._section(model, value, f"{path}[{n}]"))
            for n, value in enumerate(raw if isinstance(raw, list) else ())
        ]
        return [(where, value) for where, value in read if value is not None]

    def _check_targets(self, targets: Iterable[tuple[str, _Target]], calendars: object) -> None:
        names: dict[str, str] = {}
        known = list(calendars) if isinstance(calendars, Mapping) else []
        for path, target in targets:
            if target.name in names:
                self._problems.append(
                    Problem(f"{path}.name", f'"{target.name}" is also the name of {names[target.name]}')
                )
            names.setdefault(target.name, path)
            if target.calendar not in known:
                self._problems.append(
                    Problem(
                        f"{path}.calendar",
                        f'there is no calendar "{target.calendar}"',
                        f"known: {', '.join(known) or 'none'}",
                    )
                )

    def _check_channels(self, head: _Head, targets: Iterable[tuple[str, _Target]]) -> None:
        if head.default_channel not in head.channels:
            self._problems.append(Problem("default_channel", "is not among the channels of this policy"))
        replied = [target.when for _, target in targets if target.metric is Metric.FIRST_REPLY]
        for n, channel in enumerate(head.channels):
            if not any(when.channels is None or channel in when.channels for when in replied):
                self._problems.append(
                    Problem(
                        f"channels[{n}]",
                        f'no first_reply target covers "{channel}"',
                        "add one, or leave the channel out",
                    )
                )
