"""The decision: what a ticket, a policy and an instant amount to.

:func:`decide` is a pure function. It says what should stand on the ticket;
``changes.diff`` alone says what has to be written. The same function runs behind
the webhooks, on the command line and in what-if questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from oneclick_sla_plugin.domain.analysis import NO_ANALYSIS, Analysis, flags_of, kind_of, suspicion_of
from oneclick_sla_plugin.domain.changes import Desired
from oneclick_sla_plugin.domain.clocks import Clock, ClockState, Thread, measure, promised_instant
from oneclick_sla_plugin.domain.complaint import Case, Entry
from oneclick_sla_plugin.domain.complaint_clocks import complaint_clocks
from oneclick_sla_plugin.domain.complaint_notes import ComplaintTelling
from oneclick_sla_plugin.domain.content_notes import ContentTelling, info_missing
from oneclick_sla_plugin.domain.message import Missing
from oneclick_sla_plugin.domain.model import (
    TAG_NOT_SENSITIVE,
    TAG_PEAK,
    Channel,
    Field,
    Fields,
    Flag,
    Kind,
    Metric,
    Priority,
    SlaState,
    Ticket,
    rfc3339,
    tag_of,
)
from oneclick_sla_plugin.domain.notes import BY_THE_POLICY, Practice, Telling
from oneclick_sla_plugin.domain.policy import Estimate, Facts, Policy
from oneclick_sla_plugin.domain.priority import PriorityVerdict, prioritise
from oneclick_sla_plugin.domain.procedure import Procedure, follow
from oneclick_sla_plugin.domain.sensitive import Finding, Level
from oneclick_sla_plugin.domain.wording import Wording

_TAG_KIND = "sla_kind_"
_TAG_ESTIMATE_MISSING = "sla_estimate_missing"
_TAG_SENSITIVE = "sla_sensitive_data"
_TAG_ABUSIVE = "sla_abusive"
_TAG_THREAT = "sla_threat"
_TAG_INFO_MISSING = "sla_info_missing"

_JUST_PAST = timedelta(seconds=1)
"""Helpdesks record whole seconds: the first instant at which a missed due instant shows."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """The case, and its number once the register gave it one."""

    case: Case
    number: str | None


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
    complaint: Complaint | None = None
    findings: tuple[Finding, ...] = ()
    flags: frozenset[Flag] = frozenset()
    info_missing: tuple[Missing, ...] = ()

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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a ticket amounts to, before anything is said about it: what the rules saw, the priority, the clocks."""

    facts: Facts
    priority: PriorityVerdict
    clocks: tuple[Clock, ...]
    state: SlaState | None
    procedure: Procedure | None = None


def judge(
    ticket: Ticket, policy: Policy, now: datetime, analysis: Analysis = NO_ANALYSIS, entry: Entry | None = None
) -> Judgement:
    """Judge ``ticket`` by ``policy`` as it stands at ``now`` (aware); for questions that need no words."""
    facts = policy.facts(ticket)
    suspicion = suspicion_of(ticket, analysis, entry)
    kind = kind_of(ticket, policy, facts, analysis, suspicion)
    facts = replace(facts, kind=kind, flags=flags_of(ticket, analysis))
    priority = prioritise(ticket, policy, facts)
    facts = replace(facts, priority=priority.value)
    thread = Thread.of(ticket)
    clocks = measure(ticket, thread, policy, facts, now)
    procedure = None
    if suspicion is not None:
        procedure = follow(ticket, thread, policy, facts, suspicion, now, entry)
    if procedure is not None:
        clocks += tuple(complaint_clocks(ticket, procedure, policy, facts, now))
    return Judgement(facts, priority, clocks, _state(clocks, now), procedure)


def decide(
    ticket: Ticket,
    policy: Policy,
    now: datetime,
    wording: Wording,
    practice: Practice = BY_THE_POLICY,
    analysis: Analysis = NO_ANALYSIS,
    entry: Entry | None = None,
) -> Decision:
    """:func:`judge`, and what should stand on the ticket for it; notes in the words of ``wording``.

    ``analysis``: what detectors and classifiers found in the messages. ``entry``: what
    the complaint register has of the ticket.
    """
    judged = judge(ticket, policy, now, analysis, entry)
    clocks, procedure = judged.clocks, judged.procedure
    complaint = None
    if procedure is not None:
        number = entry.number if entry is not None else ticket.fields.get(Field.COMPLAINT_NUMBER)
        complaint = Complaint(procedure.case, number)
    telling = Telling(ticket, policy, judged.facts.channel, wording, practice, now)
    complaints = ComplaintTelling(telling, procedure, complaint.number if complaint else None, clocks, analysis)
    content = ContentTelling(telling, judged.facts.kind, analysis)
    desired = Desired(
        priority=judged.priority.value,
        tags=frozenset(_tags(ticket, policy, judged, analysis)),
        fields=_fields(judged, complaint),
        notes=(*telling.notes(clocks), *complaints.notes(), *content.notes()),
        reply=complaints.reply() or telling.reply(clocks),
    )
    return Decision(
        ticket=f"{ticket.platform}/{ticket.account}/{ticket.id}",
        policy=str(policy),
        channel=judged.facts.channel,
        kind=judged.facts.kind,
        priority=judged.priority,
        clocks=clocks,
        state=judged.state,
        desired=desired,
        next_look_at=_next_look_at(ticket, judged, now),
        complaint=complaint,
        findings=analysis.findings,
        flags=judged.facts.flags,
        info_missing=info_missing(ticket, judged.facts.kind, analysis),
    )


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


def _tags(ticket: Ticket, policy: Policy, judged: Judgement, analysis: Analysis) -> Iterator[str]:
    facts = judged.facts
    yield tag_of(Field.SLA_PRIORITY, judged.priority.value)
    if facts.kind is not Kind.UNKNOWN:
        yield _TAG_KIND + facts.kind
    if judged.state is not None:
        yield tag_of(Field.SLA_STATE, judged.state)
    if judged.procedure is not None:
        yield tag_of(Field.COMPLAINT_STAGE, judged.procedure.case.stage)
    if facts.peak:
        yield TAG_PEAK
    if policy.estimate is not None and _estimate_is_missing(ticket, policy.estimate, judged.clocks):
        yield _TAG_ESTIMATE_MISSING
    if Flag.ABUSIVE in facts.flags:
        yield _TAG_ABUSIVE
    if Flag.THREAT in facts.flags:
        yield _TAG_THREAT
    if info_missing(ticket, facts.kind, analysis):
        yield _TAG_INFO_MISSING
    if TAG_NOT_SENSITIVE not in ticket.tags and any(finding.level is Level.WARN for finding in analysis.findings):
        yield _TAG_SENSITIVE


def _estimate_is_missing(ticket: Ticket, estimate: Estimate, clocks: Iterable[Clock]) -> bool:
    """The customer was answered, the ticket is not solved, and nobody told the customer how long it will take."""
    answered = any(clock.metric is Metric.FIRST_REPLY and clock.met_at is not None for clock in clocks)
    return answered and not ticket.settled and promised_instant(ticket, estimate.calendar) is None


def _fields(judged: Judgement, complaint: Complaint | None) -> Fields:
    fields = {Field.SLA_PRIORITY: str(judged.priority.value)}
    if judged.state is not None:
        fields[Field.SLA_STATE] = str(judged.state)
    running = [clock.due_at for clock in judged.clocks if clock.running]
    if running:
        fields[Field.NEXT_DUE_AT] = rfc3339(min(running))
    for clock in judged.clocks:
        # While a clock is paused its due instant moves with every second.
        if clock.metric in _DUE_FIELDS and clock.state is not ClockState.PAUSED:
            fields[_DUE_FIELDS[clock.metric]] = rfc3339(clock.due_at)
    if complaint is not None:
        fields[Field.COMPLAINT_STAGE] = str(complaint.case.stage)
        if complaint.number is not None:
            fields[Field.COMPLAINT_NUMBER] = complaint.number
    return fields


_DUE_FIELDS = {
    Metric.FIRST_REPLY: Field.FIRST_REPLY_DUE_AT,
    Metric.RESOLUTION: Field.RESOLUTION_DUE_AT,
    Metric.COMPLAINT_RESPONSE: Field.COMPLAINT_RESPONSE_DUE_AT,
}


def _next_look_at(ticket: Ticket, judged: Judgement, now: datetime) -> datetime | None:
    """The next step or due instant. A clock is breached only after its due instant, hence the look just past it.

    What the ticket shows of the future, when the platform's clock goes before ours, is looked at when it has come.
    """
    shown = [message.at for message in ticket.messages] + [change.at for change in ticket.status_history]
    instants = [at for at in shown if at > now]
    for clock in judged.clocks:
        if clock.running:
            instants.append(clock.due_at + _JUST_PAST)
            instants += [step.at for step in clock.steps if step.before_due and step.at > now]
        elif clock.overdue:
            instants += [step.at for step in clock.steps if not step.before_due and step.at > now]
    if judged.procedure is not None and judged.procedure.next_timer_at is not None:
        instants.append(judged.procedure.next_timer_at)
    return min(instants, default=None)
