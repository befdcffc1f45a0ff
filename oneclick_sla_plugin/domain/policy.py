"""A customer-service policy as values: calendars, rules, targets and where each is written.

A policy is an ordered list of rules. The first channel, kind, priority rule and
the first target whose condition holds wins. Reading policy files is not done
here (``policy_files``), nor is measuring a ticket (``clocks``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.amounts import Amount
from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.model import TAG_PEAK, Channel, Flag, Kind, Metric, Priority, Status, Ticket

_ONE_DAY = timedelta(days=1)
_SMALLEST = timedelta(microseconds=1)


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
    """What rules can ask of a ticket. ``priority`` is known to targets only, since rules decide it."""

    channel: Channel
    kind: Kind
    recipient: str | None
    tags: frozenset[str]
    form: str | None
    peak: bool
    requester_known: bool | None
    tier: str | None = None
    flags: frozenset[Flag] = frozenset()
    priority: Priority | None = None


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
    tiers: frozenset[str] | None = None
    flags: frozenset[Flag] | None = None
    priorities: frozenset[Priority] | None = None
    peak: bool | None = None
    customer: bool | None = None

    def holds(self, facts: Facts) -> bool:
        return (
            (self.channels is None or facts.channel in self.channels)
            and (self.kinds is None or facts.kind in self.kinds)
            and (self.recipients is None or (facts.recipient or "").casefold() in self.recipients)
            and (self.tags is None or not self.tags.isdisjoint(facts.tags))
            and (self.forms is None or facts.form in self.forms)
            and (self.tiers is None or facts.tier in self.tiers)
            and (self.flags is None or not self.flags.isdisjoint(facts.flags))
            and (self.priorities is None or facts.priority in self.priorities)
            and (self.peak is None or facts.peak is self.peak)
            and (self.customer is None or (facts.requester_known is not False) is self.customer)
        )


@dataclass(frozen=True, slots=True)
class Timing:
    """What must hold of the instant of receipt, in the target's own calendar; ``None`` asks nothing.

    ``weekdays``: 0 is Monday. ``holiday``: the local date is a public holiday.
    ``business_days_only``: the whole span from receipt to the due instant touches
    business days only.
    """

    received: Received | None = None
    weekdays: frozenset[int] | None = None
    holiday: bool | None = None
    business_days_only: bool | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A promise: a metric is met within an amount, under a condition, as a clause says.

    ``acknowledgement``: an automatic acknowledgement of ours meets it.
    ``pauses``: the statuses during which its time stands still. ``ambiguous``: the
    policy's words have another reading, which the explanation shows beside this one.
    """

    name: str
    metric: Metric
    title: str
    clause: str
    within: Amount
    calendar_name: str
    calendar: BusinessCalendar = field(repr=False)
    when: Condition = Condition()
    timing: Timing = Timing()
    begins: From = From.RECEIPT
    acknowledgement: bool = False
    pauses: frozenset[Status] = frozenset()
    ambiguous: bool = False

    def applies(self, facts: Facts, received_at: datetime) -> bool:
        if not self.when.holds(facts):
            return False
        timing, calendar = self.timing, self.calendar
        if timing.received is not None and calendar.is_open(received_at) is not (timing.received is Received.OPEN):
            return False
        if timing.weekdays is not None or timing.holiday is not None:
            day = calendar.local_date(received_at)
            if timing.weekdays is not None and day.weekday() not in timing.weekdays:
                return False
            if timing.holiday is not None and (calendar.holiday_name(day) is not None) is not timing.holiday:
                return False
        if timing.business_days_only is None:
            return True
        return self._business_days_only(received_at) is timing.business_days_only

    def counts_from(self, received_at: datetime) -> datetime:
        return self.calendar.next_opening(received_at) if self.begins is From.OPENING else received_at

    def due(self, received_at: datetime) -> datetime:
        """The due instant, in UTC, of something received at ``received_at``, without any pause."""
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


@dataclass(frozen=True, slots=True)
class Estimate:
    """A clause that lets the resolution be estimated: the date that is promised to the customer binds."""

    clause: str
    title: str
    calendar_name: str
    calendar: BusinessCalendar = field(repr=False)


@dataclass(frozen=True, slots=True)
class Escalation:
    """A step before or after the due instant at which somebody is told.

    Exactly one of the three says when: ``share`` of the target's time, an amount
    ``before`` the due instant, or one ``after`` it.
    """

    name: str
    share: float | None = None
    before: Amount | None = None
    after: Amount | None = None
    metrics: frozenset[Metric] | None = None


AT_RISK = "at-risk"
"""Name of the step that warns where a policy names no steps of its own."""

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
    ``default_channel``. ``delay_clause``: where the policy promises to announce
    delays. ``owners``: who answers for a channel. ``effective_from``: tickets that
    came before are judged by the version before, unless ``applies_to_open``.
    ``holidays_version`` names the data its calendars were built with.
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
    escalations: tuple[Escalation, ...] = (Escalation(AT_RISK, share=0.75),)
    estimate: Estimate | None = None
    delay_clause: str | None = None
    owners: Mapping[Channel, str] = field(default_factory=dict)
    effective_from: date | None = None
    applies_to_open: bool = False
    review_by: date | None = None
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
            tier=ticket.requester.tier,
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

    def owner(self, channel: Channel) -> str | None:
        """Who answers for a channel; the default channel's owner where it names none."""
        return self.owners.get(channel) or self.owners.get(self.default_channel)

    def in_force_at(self, at: datetime) -> bool:
        """Whether this version holds at an instant: from 0:00 of its effective date, in its own zone."""
        return self.effective_from is None or at.astimezone(self.time_zone).date() >= self.effective_from


def policy_for(versions: Sequence[Policy], ticket: Ticket, now: datetime) -> Policy:
    """The version by which a ticket is judged; ``versions`` from the oldest to the newest.

    The newest that was in force when the ticket came, or a newer one in force now
    that says it applies to open tickets, while the ticket is open. A ticket older
    than all versions is judged by the oldest.
    """
    for policy in reversed(versions):
        if policy.in_force_at(ticket.created_at):
            return policy
        if policy.applies_to_open and not ticket.settled and policy.in_force_at(now):
            return policy
    return versions[0]


def first_value(rules: tuple[Rule[T], ...], facts: Facts) -> T | None:
    """The value of the first rule whose condition holds."""
    return next((rule.value for rule in rules if rule.when.holds(facts)), None)
