"""Clocks: when something is due on a ticket, and how it stands at an instant.

A clock is computed anew at each look from the ticket, the policy and ``now``;
nothing of it is stored, so an edit of the policy recomputes it with every pause kept.

Reply clocks (``first_reply``, ``next_reply``):

* The first reply starts at the customer's first message; at the ticket's creation
  if there is none and the customer made the ticket. A ticket that an agent opened
  has no reply clock until the customer writes. The next reply starts at the first
  message of the customer after an answer, and anew after each answer.
* A public message of an agent is an answer. A private note never is, nor is a
  message of the system. An automatic acknowledgement of ours is where the target
  accepts one. A call to the customer is on phone and voice mail.
* A reply at or before the due instant meets it, a later one leaves it breached.
* Where the platform does not show the messages the clock is not measured and
  never breached. A ticket solved without a public reply drops it, and so does one
  that was merged into another.

``resolution`` runs from the same start until the ticket is solved; ``update`` from
the last public message to the customer until the next, while the ticket is not
solved. Only these two stand still, in the statuses that their target names; the
time a reopened ticket spent solved does not count either. A date promised to the
customer, where the policy lets the resolution be estimated, is the resolution's
due instant, without pauses.

Instants of a ticket are taken as the platform gives them; messages of the same
instant keep the order of the thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from oneclick_sla_plugin.domain.calendar import BusinessCalendar, OutOfOpenTime, resolve_wall
from oneclick_sla_plugin.domain.changes import marked_keys
from oneclick_sla_plugin.domain.escalation import Step, steps_of
from oneclick_sla_plugin.domain.model import (
    TAG_CALLED_BACK,
    Author,
    Channel,
    Field,
    Message,
    Metric,
    SlaState,
    Status,
    Ticket,
    tag_of,
)
from oneclick_sla_plugin.domain.pauses import SETTLED, Pause, add_without_pauses, pauses_of, settled_at
from oneclick_sla_plugin.domain.policy import Estimate, Facts, Policy, Target

ACKNOWLEDGEMENT_KEYS = frozenset({"acknowledgement", "complaint-acknowledgement"})
"""Marker keys of the public messages of ours that acknowledge receipt; others of ours (a delay notice) do not."""

CALL_CHANNELS = frozenset({Channel.PHONE, Channel.VOICEMAIL})


class ClockState(StrEnum):
    """``DROPPED``: nobody waits any more and no reply came. ``NOT_MEASURED``: the platform hides the messages."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    DROPPED = "dropped"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise on one ticket.

    ``promise`` is what it is measured by: a target of the policy, or the clause that
    lets a date be promised. ``met_at`` is filled when what was promised happened,
    late too. ``steps`` are the instants before and after the due instant at which
    somebody is told. ``pauses`` are those that were not counted.
    """

    metric: Metric
    promise: Target | Estimate
    started_at: datetime
    due_at: datetime
    state: ClockState
    met_at: datetime | None = None
    automatic: bool = False
    steps: tuple[Step, ...] = ()
    pauses: tuple[Pause, ...] = ()

    @property
    def warn_at(self) -> datetime | None:
        """When the ticket is at risk: the first step before the due instant."""
        return next((step.at for step in self.steps if step.before_due), None)

    @property
    def because(self) -> str:
        if isinstance(self.promise, Estimate):
            return (
                f"{self.promise.clause} {self.promise.title}: the promised date, calendar {self.promise.calendar_name}"
            )
        return self.promise.because() + (", met by an automatic acknowledgement" if self.automatic else "")

    @property
    def running(self) -> bool:
        return self.state is ClockState.RUNNING

    @property
    def overdue(self) -> bool:
        """Breached, and what was promised has still not happened."""
        return self.state is ClockState.BREACHED and self.met_at is None


@dataclass(frozen=True, slots=True)
class Thread:
    """The messages of a ticket in the order of time, as clocks need them."""

    messages: Sequence[Message]
    started_at: datetime | None
    """When the customer began to wait; ``None`` while the customer has not written."""

    @classmethod
    def of(cls, ticket: Ticket) -> Thread:
        messages = sorted(ticket.messages, key=lambda message: message.at)
        first = next((message for message in messages if message.author is Author.CUSTOMER), None)
        if first is not None:
            return cls(messages[messages.index(first) :], first.at)
        if not messages and ticket.opened_by is Author.CUSTOMER:
            return cls((), ticket.created_at)
        return cls((), None)


def measure(ticket: Ticket, thread: Thread, policy: Policy, facts: Facts, now: datetime) -> tuple[Clock, ...]:
    """All clocks of the ticket but a complaint's, as they stand at ``now``, in the order of :class:`Metric`."""
    if thread.started_at is None:
        return ()
    clocks = (
        first_reply(ticket, thread, policy, facts, now),
        next_reply(ticket, thread, policy, facts, now),
        update(ticket, thread, policy, facts, now),
        resolution(ticket, thread, policy, facts, now),
    )
    return tuple(clock for clock in clocks if clock is not None)


def first_reply(ticket: Ticket, thread: Thread, policy: Policy, facts: Facts, now: datetime) -> Clock | None:
    """``None`` where nothing was promised or nobody waits."""
    if thread.started_at is None:
        return None
    target = policy.target(Metric.FIRST_REPLY, facts, thread.started_at)
    if target is None:
        return None
    reply = next((message for message in thread.messages if is_reply(message, target, facts)), None)
    return _reply_clock(ticket, policy, facts, target, thread.started_at, reply, now)


def next_reply(ticket: Ticket, thread: Thread, policy: Policy, facts: Facts, now: datetime) -> Clock | None:
    """The clock of the last round: the customer's first message after an answer, and the answer to it."""
    asked: Message | None = None
    answer: Message | None = None
    answered = False
    for message in thread.messages:
        if message.author is Author.CUSTOMER:
            if answered:
                asked, answer, answered = message, None, False
        elif _is_answer(message, facts):
            if asked is not None and answer is None:
                answer = message
            answered = True
    if asked is None:
        return None
    target = policy.target(Metric.NEXT_REPLY, facts, asked.at)
    return _reply_clock(ticket, policy, facts, target, asked.at, answer, now) if target else None


def update(ticket: Ticket, thread: Thread, policy: Policy, facts: Facts, now: datetime) -> Clock | None:
    """The clock of the last round: from a public message to the customer to the next, or to the solution."""
    told = next((message for message in reversed(thread.messages) if _is_answer(message, facts)), None)
    if told is None:
        return None
    target = policy.target(Metric.UPDATE, facts, told.at)
    return _clock_until_solved(ticket, policy, target, told.at, now) if target else None


def resolution(ticket: Ticket, thread: Thread, policy: Policy, facts: Facts, now: datetime) -> Clock | None:
    """Until the ticket is solved; a promised date, where the policy lets one be given, before any target."""
    if thread.started_at is None:
        return None
    if policy.estimate is not None:
        promised_at = promised_instant(ticket, policy.estimate.calendar)
        if promised_at is not None:
            return _promised_clock(ticket, policy, policy.estimate, thread.started_at, promised_at, now)
    target = policy.target(Metric.RESOLUTION, facts, thread.started_at)
    return _clock_until_solved(ticket, policy, target, thread.started_at, now) if target else None


# --- What ends a clock ------------------------------------------------------------------------


def is_reply(message: Message, target: Target, facts: Facts) -> bool:
    """Whether a message meets a target that waits for a reply."""
    if message.author is Author.US and message.public and target.acknowledgement:
        keys = marked_keys(message)
        return not keys or not keys.isdisjoint(ACKNOWLEDGEMENT_KEYS)
    return _is_answer(message, facts)


def _is_answer(message: Message, facts: Facts) -> bool:
    """A person of the team spoke to the customer."""
    return message.author is Author.AGENT and (message.public or (message.voice and facts.channel in CALL_CHANNELS))


def promised_instant(ticket: Ticket, calendar: BusinessCalendar) -> datetime | None:
    """The date that agents promised: an instant, or the closing of a day (its end, if the day is closed).

    ``None`` when there is none or it cannot be read; an instant without an offset is
    taken in the calendar's zone.
    """
    text = ticket.fields.get(Field.PROMISED_AT, "").strip()
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            return _closing_of(date.fromisoformat(text), calendar)
        at = datetime.fromisoformat(text)
        return resolve_wall(at, calendar.time_zone) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _closing_of(day: date, calendar: BusinessCalendar) -> datetime:
    midnight = resolve_wall(datetime.combine(day, time()), calendar.time_zone)
    if calendar.is_business_day(day):
        return calendar.add_days(midnight, 0, until="close")
    return resolve_wall(datetime.combine(day + timedelta(days=1), time()), calendar.time_zone)


# --- Putting a clock together -----------------------------------------------------------------


def _reply_clock(
    ticket: Ticket,
    policy: Policy,
    facts: Facts,
    target: Target,
    started_at: datetime,
    reply: Message | None,
    now: datetime,
) -> Clock:
    clock = _clock(ticket, policy, target, started_at, reply.at if reply is not None else None, now, target.pauses)
    if not ticket.messages_visible:
        return replace(clock, state=ClockState.NOT_MEASURED, met_at=None)
    if reply is not None:
        return replace(clock, automatic=reply.author is Author.US)
    if TAG_CALLED_BACK in ticket.tags and facts.channel in CALL_CHANNELS:
        # The tag says that, not when: only a breach that we saw before it stands.
        seen_late = ticket.written is not None and _BREACHED_TAG in ticket.written.tags
        met_at = ticket.updated_at if ticket.updated_at <= clock.due_at else None
        return replace(clock, state=ClockState.BREACHED if seen_late else ClockState.MET, met_at=met_at)
    return replace(clock, state=ClockState.DROPPED) if ticket.settled else clock


def _clock_until_solved(ticket: Ticket, policy: Policy, target: Target, started_at: datetime, now: datetime) -> Clock:
    return _clock(ticket, policy, target, started_at, settled_at(ticket), now, target.pauses | SETTLED)


def _clock(
    ticket: Ticket,
    policy: Policy,
    target: Target,
    started_at: datetime,
    met_at: datetime | None,
    now: datetime,
    uncounted: frozenset[Status],
) -> Clock:
    """A clock whose promise happened at ``met_at``, its time standing still in the ``uncounted`` statuses."""
    pauses = pauses_of(ticket, uncounted, started_at, met_at or now)
    counts_from = target.counts_from(started_at)
    planned_at = due_at = target.due(started_at)
    if pauses:
        ticking = target.within.ticking(target.calendar)
        due_at = add_without_pauses(ticking, counts_from, ticking.between(counts_from, planned_at), pauses)
    state = _against(ticket, due_at, met_at, now)
    if state is ClockState.RUNNING and ticket.status in target.pauses:
        state = ClockState.PAUSED
    return Clock(
        metric=target.metric,
        promise=target,
        started_at=started_at,
        due_at=due_at,
        state=state,
        met_at=met_at,
        steps=steps_of(target, policy.escalations, counts_from, planned_at, due_at, pauses),
        pauses=pauses,
    )


def _promised_clock(
    ticket: Ticket, policy: Policy, estimate: Estimate, started_at: datetime, promised_at: datetime, now: datetime
) -> Clock:
    solved_at = settled_at(ticket)
    state = _against(ticket, promised_at, solved_at, now)
    try:
        steps = steps_of(estimate, policy.escalations, started_at, promised_at, promised_at)
    except OutOfOpenTime:  # an agent's typing error may lie centuries away
        steps = ()
    return Clock(Metric.RESOLUTION, estimate, started_at, promised_at, state, solved_at, steps=steps)


def _against(ticket: Ticket, due_at: datetime, met_at: datetime | None, now: datetime) -> ClockState:
    if met_at is not None:
        return ClockState.MET if met_at <= due_at else ClockState.BREACHED
    if ticket.merged_into is not None:
        return ClockState.DROPPED
    return ClockState.BREACHED if now > due_at else ClockState.RUNNING


_BREACHED_TAG = tag_of(Field.SLA_STATE, SlaState.BREACHED)
