"""A customer-service policy as values: calendars, rules, targets and where each is written.

A policy is an ordered list of rules. The first channel, kind, priority rule and
the first target whose condition holds wins. Amounts always name their unit, since
"24 hours" of a policy can be three different instants:

* :class:`Elapsed`: hours on the wall.
* :class:`OpenTime`: time during which the calendar is open.
* :class:`BusinessDayTime`: every business day counts its 24 hours, other days none.
* :class:`BusinessDays`: whole days, from the next business day to the end of the last.
* :class:`CloseOfBusinessDay`: the closing of the business day that is open or opens next.

Reading policy files is not done here (``policy_files``), nor is measuring a
ticket (``clocks``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.model import TAG_PEAK, Channel, Kind, Metric, Priority, Ticket

_ONE_DAY = timedelta(days=1)
_SMALLEST = timedelta(microseconds=1)


class Ticking(Protocol):
    """Time that can be added and measured: a calendar's, or the wall's."""

    def add(self, start: datetime, amount: timedelta, /) -> datetime: ...

    def between(self, a: datetime, b: datetime, /) -> timedelta: ...


class WallTime:
    """Time that always runs."""

    def add(self, start: datetime, amount: timedelta, /) -> datetime:
        return start + amount

    def between(self, a: datetime, b: datetime, /) -> timedelta:
        return b - a


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
        return start + self.duration

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


class Received(StrEnum):
    """Whether the calendar was open when the customer's message came."""

    OPEN = "open"
    CLOSED = "closed"


class From(StrEnum):
    """Where a target's amount begins to count: at receipt, or at the next opening after it."""

    RECEIPT = "receipt"
    OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules can ask of a ticket."""

    channel: Channel
    kind: Kind
    recipient: str | None
    tags: frozenset[str]
    form: str | None
    peak: bool
    requester_known: bool | None


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold for a rule; ``None`` asks nothing.

    ``customer``: true holds unless the requester is known to be no customer,
    false holds only then.
    """

    channels: frozenset[Channel] | None = None
    kinds: frozenset[Kind] | None = None
    recipients: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    forms: frozenset[str] | None = None
    peak: bool | None = None
    customer: bool | None = None

    def holds(self, facts: Facts) -> bool:
        return (
            (self.channels is None or facts.channel in self.channels)
            and (self.kinds is None or facts.kind in self.kinds)
            and (self.recipients is None or (facts.recipient or "").casefold() in self.recipients)
            and (self.tags is None or not self.tags.isdisjoint(facts.tags))
            and (self.forms is None or facts.form in self.forms)
            and (self.peak is None or facts.peak is self.peak)
            and (self.customer is None or (facts.requester_known is not False) is self.customer)
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A promise: a metric is met within an amount, under a condition, as a clause says.

    ``received`` and ``business_days_only`` are asked at the instant from which the
    target would count; the latter holds when the whole span from receipt to the due
    instant touches business days only. ``acknowledgement``: an automatic
    acknowledgement of ours meets it.
    """

    name: str
    metric: Metric
    title: str
    clause: str
    within: Amount
    calendar_name: str
    calendar: BusinessCalendar = field(repr=False)
    when: Condition = Condition()
    received: Received | None = None
    business_days_only: bool | None = None
    begins: From = From.RECEIPT
    acknowledgement: bool = False

    def applies(self, facts: Facts, received_at: datetime) -> bool:
        if not self.when.holds(facts):
            return False
        if self.received is not None and self.calendar.is_open(received_at) is not (self.received is Received.OPEN):
            return False
        if self.business_days_only is None:
            return True
        return self._business_days_only(received_at) is self.business_days_only

    def counts_from(self, received_at: datetime) -> datetime:
        return self.calendar.next_opening(received_at) if self.begins is From.OPENING else received_at

    def due(self, received_at: datetime) -> datetime:
        """The due instant, in UTC, of something received at ``received_at``."""
        return self.within.due(self.counts_from(received_at), self.calendar).astimezone(UTC)

    def because(self) -> str:
        since = ", from the next opening" if self.begins is From.OPENING else ""
        return f"{self.clause} {self.title}: {self.within}{since}, calendar {self.calendar_name}"

    def _business_days_only(self, received_at: datetime) -> bool:
        day: date = self.calendar.local_date(received_at)
        # Half-open: a span that ends at midnight does not touch the next day.
        last = self.calendar.local_date(self.due(received_at) - _SMALLEST)
        while day <= last:
            if not self.calendar.is_business_day(day):
                return False
            day += _ONE_DAY
        return True


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """A value under a condition, with the clause that says so."""

    value: T
    clause: str
    when: Condition = Condition()


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a published policy.

    ``channels`` are those the policy has rules for; every other channel follows
    ``default_channel``. ``warn_after`` is the share of a target's time after which
    a ticket is at risk. ``holidays_version`` names the data its calendars were
    built with.
    """

    id: str
    version: str
    title: str
    language: str
    time_zone: ZoneInfo
    channels: frozenset[Channel]
    default_channel: Channel
    calendars: Mapping[str, BusinessCalendar] = field(repr=False)
    targets: tuple[Target, ...] = field(repr=False)
    channel_rules: tuple[Rule[Channel], ...] = ()
    kind_rules: tuple[Rule[Kind], ...] = ()
    priority_rules: tuple[Rule[Priority], ...] = ()
    warn_after: float = 0.75
    holidays_version: str = ""

    def __str__(self) -> str:
        return f"{self.id}@{self.version}"

    def facts(self, ticket: Ticket) -> Facts:
        """What the rules see of a ticket; the channel after the policy's own rules for it."""
        peak = ticket.context.peak if ticket.context.peak is not None else TAG_PEAK in ticket.tags
        facts = Facts(
            channel=ticket.channel,
            kind=Kind.UNKNOWN,
            recipient=ticket.recipient,
            tags=ticket.tags,
            form=ticket.form,
            peak=peak,
            requester_known=ticket.requester.known,
        )
        return replace(facts, channel=first_value(self.channel_rules, facts) or ticket.channel)

    def target(self, metric: Metric, facts: Facts, received_at: datetime) -> Target | None:
        """The first target of ``metric`` that applies to something received at ``received_at``."""
        if facts.channel not in self.channels:
            facts = replace(facts, channel=self.default_channel)
        for target in self.targets:
            if target.metric is metric and target.applies(facts, received_at):
                return target
        return None


def first_value(rules: tuple[Rule[T], ...], facts: Facts) -> T | None:
    """The value of the first rule whose condition holds."""
    return next((rule.value for rule in rules if rule.when.holds(facts)), None)
