"""Why something is due when it is: a decision laid open, step by step.

:func:`explain` takes the same way as ``decide`` and keeps what that one throws
away: which targets were asked and what each of them wanted, and the time from the
start of a clock to its due instant as segments without gaps (``timeline``), each
with what it counted and why.

Nothing that a customer wrote is in an explanation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from oneclick_sla_plugin.domain.amounts import Amount, BusinessDayTime, Elapsed, OpenTime
from oneclick_sla_plugin.domain.analysis import NO_ANALYSIS, Analysis
from oneclick_sla_plugin.domain.calendar import OutOfOpenTime
from oneclick_sla_plugin.domain.clocks import Clock
from oneclick_sla_plugin.domain.decision import Judgement, judge
from oneclick_sla_plugin.domain.model import Author, Status, Ticket
from oneclick_sla_plugin.domain.pauses import Pause, add_without_pauses
from oneclick_sla_plugin.domain.policy import Condition, Facts, Policy, Target, Timing
from oneclick_sla_plugin.domain.timeline import ClockChange, Segment, clock_changes, holidays_in, segments_of

_ONE_DAY = timedelta(days=1)
_SMALLEST = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing a target asks of a ticket (a key of its ``when``), what the ticket has, and whether that is enough."""

    name: str
    asks: tuple[str, ...]
    found: tuple[str, ...]
    holds: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target of a clock's metric, in the policy's order; the first that matches is chosen, the rest are not asked."""

    target: Target
    requirements: tuple[Requirement, ...]
    chosen: bool
    asked: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read an amount, and when it would be due; ``chosen``: the policy file's own."""

    amount: Amount
    due_at: datetime
    chosen: bool


class EventKind(StrEnum):
    CREATED = "created"
    CUSTOMER_MESSAGE = "customer_message"
    AGENT_REPLY = "agent_reply"
    AGENT_NOTE = "agent_note"
    AGENT_CALL = "agent_call"
    OWN_MESSAGE = "own_message"
    OWN_NOTE = "own_note"
    SYSTEM_MESSAGE = "system_message"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the ticket; ``status``: the new one, of a ``STATUS`` event."""

    at: datetime
    kind: EventKind
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class ClockExplanation:
    """One clock laid open.

    ``candidates`` are empty for a promised date, ``readings`` unless the promise is
    ambiguous, ``segments`` when a promised date lies before the start or beyond
    what a calendar reaches. ``extended_from``: the due instant that the target alone
    would give, where the customer was given a later one. ``holidays`` and ``clock_changes`` are those from the
    start to the due instant, in the promise's calendar.
    """

    clock: Clock
    candidates: tuple[Candidate, ...]
    segments: tuple[Segment, ...]
    readings: tuple[Reading, ...]
    extended_from: datetime | None
    holidays: tuple[tuple[date, str], ...]
    clock_changes: tuple[ClockChange, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A ticket as it stands at ``now`` under a policy; ``events`` in the order of time."""

    ticket: Ticket
    policy: Policy
    now: datetime
    judged: Judgement
    clocks: tuple[ClockExplanation, ...]
    events: tuple[Event, ...]


def explain(ticket: Ticket, policy: Policy, now: datetime, analysis: Analysis = NO_ANALYSIS) -> Explanation:
    """Lay open how ``ticket`` is judged by ``policy`` at ``now`` (aware); ``analysis`` as ``decide`` takes it.

    Raises what ``decide`` raises for instants that no calendar reaches
    (``OutOfOpenTime``, ``OverflowError``).
    """
    judged = judge(ticket, policy, now, analysis)
    return Explanation(
        ticket=ticket,
        policy=policy,
        now=now,
        judged=judged,
        clocks=tuple(explain_clock(clock, policy, judged.facts, now) for clock in judged.clocks),
        events=events_of(ticket),
    )


def explain_clock(clock: Clock, policy: Policy, facts: Facts, now: datetime) -> ClockExplanation:
    calendar = clock.promise.calendar
    try:
        segments = segments_of(clock, cuts=(now, *(step.at for step in clock.steps)))
        holidays = tuple(holidays_in(calendar, clock.started_at, clock.due_at))
        changes = clock_changes(calendar.time_zone, clock.started_at, clock.due_at)
    except OutOfOpenTime:  # a promised date may lie centuries away
        segments, holidays, changes = (), (), ()
    chosen = clock.promise if isinstance(clock.promise, Target) else None
    return ClockExplanation(
        clock=clock,
        candidates=candidates(policy, chosen, facts, clock.started_at) if chosen else (),
        segments=segments,
        readings=readings_of(chosen, clock.started_at, clock.pauses) if chosen else (),
        extended_from=_extended_from(clock),
        holidays=holidays,
        clock_changes=changes,
    )


# --- Which target, and why ---------------------------------------------------------------------


def candidates(policy: Policy, chosen: Target, facts: Facts, received_at: datetime) -> tuple[Candidate, ...]:
    """All targets of the metric of ``chosen`` with what each asks of something received at ``received_at``."""
    if facts.channel not in policy.channels:
        facts = replace(facts, channel=policy.default_channel)
    found = []
    asked = True
    for target in policy.targets:
        if target.metric is not chosen.metric:
            continue
        requirements = requirements_of(target, facts, received_at) if asked else ()
        found.append(Candidate(target, requirements, chosen=target is chosen, asked=asked))
        asked = asked and target is not chosen
    return tuple(found)


def requirements_of(target: Target, facts: Facts, received_at: datetime) -> tuple[Requirement, ...]:
    """Everything ``target`` asks; it applies exactly when all of them hold.

    Each is put to the policy's own rules as the only one, so that none is
    explained otherwise than it is applied.
    """
    found = []
    for name, asks in asked_by(target.when):
        holds = Condition(**{name: getattr(target.when, name)}).holds(facts)
        found.append(Requirement(name, asks, _FOUND[name](facts), holds))
    for name, asks in asked_by(target.timing):
        alone = replace(target, when=Condition(), timing=Timing(**{name: getattr(target.timing, name)}))
        found.append(Requirement(name, asks, _FOUND_AT[name](target, received_at), alone.applies(facts, received_at)))
    return tuple(found)


def asked_by(when: Condition | Timing) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a condition asks, in the words of a policy file: each key with the values it takes."""
    for key in fields(when):
        wanted = getattr(when, key.name)
        if wanted is not None:
            yield key.name, _words(wanted)


def _words(wanted: object) -> tuple[str, ...]:
    if isinstance(wanted, bool):
        return ("true" if wanted else "false",)
    if isinstance(wanted, frozenset):
        return tuple(_WEEKDAYS[value] if isinstance(value, int) else str(value) for value in sorted(wanted))
    return (str(wanted),)


_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_FOUND: dict[str, Callable[[Facts], tuple[str, ...]]] = {
    "channels": lambda facts: (str(facts.channel),),
    "kinds": lambda facts: (str(facts.kind),),
    "recipients": lambda facts: (facts.recipient,) if facts.recipient else (),
    "tags": lambda facts: tuple(sorted(facts.tags)),
    "forms": lambda facts: (facts.form,) if facts.form else (),
    "tiers": lambda facts: (facts.tier,) if facts.tier else (),
    "flags": lambda facts: tuple(sorted(facts.flags)),
    "priorities": lambda facts: (str(facts.priority),) if facts.priority else (),
    "peak": lambda facts: _words(facts.peak),
    "customer": lambda facts: _words(facts.requester_known is not False),
}
"""What a ticket has, for each key of a condition."""


def _business_days_only(target: Target, received_at: datetime) -> tuple[str, ...]:
    calendar = target.calendar
    day = calendar.local_date(received_at)
    last = calendar.local_date(target.due(received_at) - _SMALLEST)
    while day <= last and calendar.is_business_day(day):
        day += _ONE_DAY
    if day > last:
        return ("true",)
    name = calendar.holiday_name(day)
    return ("false", f"{_WEEKDAYS[day.weekday()]} {day.isoformat()}" + (f" {name}" if name else ""))


def _holiday(target: Target, received_at: datetime) -> tuple[str, ...]:
    name = target.calendar.holiday_name(target.calendar.local_date(received_at))
    return ("false",) if name is None else ("true", name)


_FOUND_AT: dict[str, Callable[[Target, datetime], tuple[str, ...]]] = {
    "received": lambda target, at: ("open" if target.calendar.is_open(at) else "closed",),
    "weekdays": lambda target, at: (_WEEKDAYS[target.calendar.local_date(at).weekday()],),
    "holiday": _holiday,
    "business_days_only": _business_days_only,
}
"""What the instant of receipt has, for each key of a timing."""


# --- Both readings of "business hours" ---------------------------------------------------------


def readings_of(target: Target, received_at: datetime, pauses: Iterable[Pause] = ()) -> tuple[Reading, ...]:
    """The amount of an ambiguous target in hours of business days and in open hours, the policy's own first."""
    amount = target.within
    if not target.ambiguous or not isinstance(amount, Elapsed | OpenTime | BusinessDayTime):
        return ()
    others: tuple[Amount, ...] = (BusinessDayTime(amount.duration), OpenTime(amount.duration))
    amounts = (amount, *(other for other in others if other != amount))
    pauses = tuple(pauses)
    return tuple(
        Reading(read, _due(replace(target, within=read), received_at, pauses), chosen=read == amount)
        for read in amounts
    )


def _extended_from(clock: Clock) -> datetime | None:
    if not isinstance(clock.promise, Target):
        return None
    due_at = _due(clock.promise, clock.started_at, clock.pauses)
    return due_at if due_at != clock.due_at else None


def _due(target: Target, received_at: datetime, pauses: tuple[Pause, ...]) -> datetime:
    planned_at = target.due(received_at)
    if not pauses:
        return planned_at
    counts_from = target.counts_from(received_at)
    ticking = target.within.ticking(target.calendar)
    return add_without_pauses(ticking, counts_from, ticking.between(counts_from, planned_at), pauses)


# --- What happened -----------------------------------------------------------------------------


def events_of(ticket: Ticket) -> tuple[Event, ...]:
    """Creation, messages and changes of status in the order of time, in UTC; nothing of what was written."""
    events = [Event(ticket.created_at, EventKind.CREATED)]
    events += (
        Event(message.at, _KINDS.get((message.author, message.public), EventKind.SYSTEM_MESSAGE))
        if not (message.voice and message.author is Author.AGENT)
        else Event(message.at, EventKind.AGENT_CALL)
        for message in ticket.messages
    )
    events += (Event(change.at, EventKind.STATUS, change.status) for change in ticket.status_history)
    return tuple(sorted((replace(event, at=event.at.astimezone(UTC)) for event in events), key=lambda event: event.at))


_KINDS = {
    (Author.CUSTOMER, True): EventKind.CUSTOMER_MESSAGE,
    (Author.CUSTOMER, False): EventKind.CUSTOMER_MESSAGE,
    (Author.AGENT, True): EventKind.AGENT_REPLY,
    (Author.AGENT, False): EventKind.AGENT_NOTE,
    (Author.US, True): EventKind.OWN_MESSAGE,
    (Author.US, False): EventKind.OWN_NOTE,
}
