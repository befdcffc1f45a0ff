"""The decision: what a ticket, a policy and an instant amount to.

:func:`decide` is a pure function. It says what should stand on the ticket;
``changes.diff`` alone says what has to be written. The same function runs behind
the webhooks, on the command line and in what-if questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from oneclick_sla_plugin.domain.changes import Desired
from oneclick_sla_plugin.domain.clocks import Clock, ClockState, first_reply
from oneclick_sla_plugin.domain.model import (
    TAG_IS_COMPLAINT,
    TAG_NOT_COMPLAINT,
    Channel,
    Field,
    Fields,
    Kind,
    Metric,
    Priority,
    SlaState,
    Ticket,
    tag_of,
)
from oneclick_sla_plugin.domain.notes import Wording, clock_notes
from oneclick_sla_plugin.domain.policy import Facts, Policy, first_value
from oneclick_sla_plugin.domain.priority import PriorityVerdict, prioritise

_TAG_KIND = "sla_kind_"

_JUST_PAST = timedelta(seconds=1)
"""Helpdesks record whole seconds: the first instant at which a missed due instant shows."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What should be, and why. ``ticket`` is ``platform/account/id``, ``policy`` is ``id@version``.

    ``next_look_at``: the next instant at which time alone changes the decision.
    """

    ticket: str
    policy: str
    channel: Channel
    kind: Kind
    priority: PriorityVerdict
    clocks: tuple[Clock, ...]
    state: SlaState | None
    desired: Desired
    next_look_at: datetime | None

    @property
    def is_complaint(self) -> bool:
        return self.kind is Kind.COMPLAINT

    def prioritised(self, priority: PriorityVerdict) -> Decision:
        """The same decision with another priority, on the ticket's tags and fields too; an agent's choice stays."""
        if self.priority.by_agent:
            return self
        tags = self.desired.tags - {tag_of(Field.SLA_PRIORITY, value) for value in Priority}
        desired = replace(
            self.desired,
            priority=priority.value,
            tags=tags | {tag_of(Field.SLA_PRIORITY, priority.value)},
            fields={**self.desired.fields, Field.SLA_PRIORITY: str(priority.value)},
        )
        return replace(self, priority=priority, desired=desired)


def decide(ticket: Ticket, policy: Policy, now: datetime, wording: Wording) -> Decision:
    """Judge ``ticket`` by ``policy`` as it stands at ``now`` (aware); notes in the words of ``wording``."""
    facts = policy.facts(ticket)
    facts = replace(facts, kind=_kind(ticket, policy, facts))
    priority = prioritise(ticket, policy, facts)
    clock = first_reply(ticket, policy, facts, now)
    clocks = (clock,) if clock is not None else ()
    state = _state(clocks, now)
    desired = Desired(
        priority=priority.value,
        tags=_tags(facts.kind, priority, state),
        fields=_fields(priority, state, clocks),
        notes=tuple(note for clock in clocks for note in clock_notes(clock, facts.channel, policy, wording)),
    )
    return Decision(
        ticket=f"{ticket.platform}/{ticket.account}/{ticket.id}",
        policy=str(policy),
        channel=facts.channel,
        kind=facts.kind,
        priority=priority,
        clocks=clocks,
        state=state,
        desired=desired,
        next_look_at=_next_look_at(clocks, now),
    )


def _kind(ticket: Ticket, policy: Policy, facts: Facts) -> Kind:
    """An agent's word first, then a complaint that was recognised, then the recipient's rule, then what is known."""
    if TAG_IS_COMPLAINT in ticket.tags:
        return Kind.COMPLAINT
    found = ticket.context.kind
    if found is Kind.COMPLAINT:
        if TAG_NOT_COMPLAINT not in ticket.tags:
            return Kind.COMPLAINT
        found = None
    return first_value(policy.kind_rules, facts) or found or Kind.UNKNOWN


def _state(clocks: Iterable[Clock], now: datetime) -> SlaState | None:
    """The worst of the measured clocks; a breach stays visible after the late reply."""
    state: SlaState | None = None
    for clock in clocks:
        if clock.state is ClockState.BREACHED:
            return SlaState.BREACHED
        if clock.running and clock.warn_at is not None and now >= clock.warn_at:
            state = SlaState.AT_RISK
        elif state is None and clock.state in (ClockState.RUNNING, ClockState.PAUSED, ClockState.MET):
            state = SlaState.ON_TRACK
    return state


def _tags(kind: Kind, priority: PriorityVerdict, state: SlaState | None) -> frozenset[str]:
    tags = {tag_of(Field.SLA_PRIORITY, priority.value)}
    if kind is not Kind.UNKNOWN:
        tags.add(_TAG_KIND + kind)
    if state is not None:
        tags.add(tag_of(Field.SLA_STATE, state))
    return frozenset(tags)


def _fields(priority: PriorityVerdict, state: SlaState | None, clocks: Iterable[Clock]) -> Fields:
    fields = {Field.SLA_PRIORITY: str(priority.value)}
    if state is not None:
        fields[Field.SLA_STATE] = str(state)
    running = [clock.due_at for clock in clocks if clock.running]
    if running:
        fields[Field.NEXT_DUE_AT] = rfc3339(min(running))
    for clock in clocks:
        if clock.metric is Metric.FIRST_REPLY:
            fields[Field.FIRST_REPLY_DUE_AT] = rfc3339(clock.due_at)
    return fields


def rfc3339(at: datetime) -> str:
    """An instant as ``2026-11-22T14:00:00Z``; a fraction of a second is kept where there is one."""
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _next_look_at(clocks: Iterable[Clock], now: datetime) -> datetime | None:
    """The next warning or due instant. A clock is breached only after its due instant, hence the look just past it."""
    instants = []
    for clock in clocks:
        if clock.running:
            if clock.warn_at is not None and clock.warn_at > now:
                instants.append(clock.warn_at)
            instants.append(clock.due_at + _JUST_PAST)
    return min(instants, default=None)
