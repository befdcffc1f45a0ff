"""The complaint procedure: from what the ticket shows to the stage, and which steps the table allows.

What happened is read off the ticket (public replies, notes, assignment, status, the
stage field, the extension's fields, the survey) and off the clock, put in the order
of time, and played through one transition table. So duplicates, bursts and any order
of delivery end alike. Only what the ticket shows for a while comes from the register:
a stage that an agent set stands until the agent takes it back, also after this
program made it its own, and so do extensions.

What the table does not allow is refused, and a note says why and what would be
allowed: an extension without a message to the customer or past the legal limit, a
stage that an agent set too early. Solved without a public reply is no response.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from oneclick_sla_plugin.domain.changes import marked_keys
from oneclick_sla_plugin.domain.clocks import Thread, promised_instant
from oneclick_sla_plugin.domain.complaint import (
    COMMANDED_BY,
    STAGE_FIELD,
    Case,
    CaseEvent,
    Entry,
    Happened,
    Stage,
    Suspicion,
)
from oneclick_sla_plugin.domain.escalation import steps_of
from oneclick_sla_plugin.domain.evidence import Evidence, due_fact
from oneclick_sla_plugin.domain.model import (
    TAG_IS_COMPLAINT,
    TAG_NOT_COMPLAINT,
    Author,
    Field,
    Metric,
    Ticket,
    rfc3339,
)
from oneclick_sla_plugin.domain.policy import Facts, Policy
from oneclick_sla_plugin.domain.stages import (
    BY_STAGE_FIELD,
    ENDED_BY_A_PERSON,
    ENDINGS,
    OPEN,
    TRANSITIONS,
    commanded_stage,
)

FOLLOW_UP_KEY = "complaint-follow-up"
"""Marker key of the question, after the answer, whether all is well."""

EXTENSION_NOT_TOLD = "extension_not_told"
"""The reason of a refusal that a message to the customer would heal."""

_STAGE_REFUSALS = frozenset({"stage_without_reply", "stage_not_allowed"})

_RANK: Mapping[Happened, int] = {what: n for n, what in enumerate(Happened)}
"""The order of what happens at one instant: a full answer both acknowledges and responds."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was tried and is not allowed: ``reason`` is the last part of a text's key."""

    reason: str
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """One time that the complaint was taken up: first at receipt, then at each reopening.

    ``response_due_at``: with a valid extension; ``None`` where the policy promises no response time.
    """

    level: int
    begins: datetime
    response_due_at: datetime | None
    responded: CaseEvent | None = None


@dataclass(frozen=True, slots=True)
class Procedure:
    """The case, what its clocks are measured by, and what was refused.

    ``next_timer_at``: when silence of the customer will close it, if nothing else happens.
    ``lacks_reason``: a person ended it and did not write why.
    """

    case: Case
    round: Round
    acknowledged: CaseEvent | None
    first_response: CaseEvent | None
    followed_up_at: datetime | None
    refusals: tuple[Refusal, ...] = ()
    solved_unanswered: bool = False
    next_timer_at: datetime | None = None
    lacks_reason: bool = False


def follow(
    ticket: Ticket,
    thread: Thread,
    policy: Policy,
    facts: Facts,
    suspicion: Suspicion,
    now: datetime,
    entry: Entry | None = None,
) -> Procedure | None:
    """Play what the ticket shows through the table; ``None`` while the customer has not written.

    ``entry``: what the register has of it, which knows of extensions and commands that
    the ticket does not show any more, and of an earlier receipt.
    """
    if thread.started_at is None:
        return None
    play = _Play(ticket, thread, policy, facts, suspicion, now, entry or _NEW)
    if play.received_at > now:  # the platform's clock goes before ours, or it is asked about the past
        return None
    procedure = play.result()
    if play.refused_a_stage and entry is not None and entry.commands:
        # Perhaps the agent takes an earlier command back; then what that one led to does not bar the way.
        without = _Play(ticket, thread, policy, facts, suspicion, now, replace(entry, commands=()))
        procedure_without = without.result()
        if not without.refused_a_stage:
            return procedure_without
    return procedure


_NEW = Entry(number=None, stage=Stage.SUSPECTED, received_at=datetime.max.replace(tzinfo=UTC), registered_at=None)
"""What the register has of a ticket that it has nothing of."""


class _Play:
    """One look: collects what happened, orders it, and lets the table decide."""

    def __init__(
        self,
        ticket: Ticket,
        thread: Thread,
        policy: Policy,
        facts: Facts,
        suspicion: Suspicion,
        now: datetime,
        entry: Entry,
    ) -> None:
        self._ticket, self._policy, self._facts, self._suspicion, self._now = ticket, policy, facts, suspicion, now
        self._entry = entry
        self._evidence = evidence = Evidence.of(ticket, thread, suspicion.message, entry.received_at)
        self._carrier, self.received_at, self._after = evidence.carrier, evidence.received_at, evidence.after
        self._stage: Stage | None = None
        self._events: list[CaseEvent] = []
        self._refusals: list[Refusal] = []
        self._round = Round(1, self.received_at, self._due(Metric.COMPLAINT_RESPONSE, self.received_at))
        self._followed_up_at: datetime | None = None
        self._next_timer_at: datetime | None = None

    def result(self) -> Procedure:
        carrier = self._carrier.id if self._carrier else None
        self._happens(CaseEvent(Happened.SUSPECTED, self.received_at, "us", carrier))
        if self._suspicion.certain:
            actor = "agent" if self._suspicion.by_agent else "us"
            facts = {"rules": " ".join(rule for rule, _ in self._suspicion.rules)} if self._suspicion.rules else {}
            facts |= self._promises()
            if self._suspicion.by_agent:
                facts[COMMANDED_BY] = TAG_IS_COMPLAINT if TAG_IS_COMPLAINT in self._ticket.tags else STAGE_FIELD
            self._happens(CaseEvent(Happened.REGISTERED, self.received_at, actor, carrier, facts=facts))
            self._play_by_time()
            self._extend()
            self._events = [self._by_the_extended_date(event) for event in self._events]
            self._by_command()
        elif self._suspicion.rejected:
            self._reject()
        return Procedure(
            case=Case(
                stage=self._stage or Stage.SUSPECTED,
                type=self._suspicion.type,
                channel=self._facts.channel,
                received_at=self.received_at,
                message=carrier,
                level=self._round.level,
                events=tuple(self._events),
                rules=self._suspicion.rules,
            ),
            round=self._round,
            acknowledged=self._first(Happened.ACKNOWLEDGED),
            first_response=self._first(Happened.RESPONDED),
            followed_up_at=self._followed_up_at,
            refusals=tuple(self._refusals),
            solved_unanswered=self._ticket.settled and self._stage in OPEN,
            next_timer_at=self._next_timer_at,
            lacks_reason=self._lacks_reason(),
        )

    @property
    def refused_a_stage(self) -> bool:
        return any(refusal.reason in _STAGE_REFUSALS for refusal in self._refusals)

    def _promises(self) -> dict[str, str]:
        """What the policy promised at receipt, for the register."""
        promised = {
            "ack_due_at": self._due(Metric.COMPLAINT_ACK, self.received_at),
            "response_due_at": self._due(Metric.COMPLAINT_RESPONSE, self.received_at),
            "legal_due_at": self._due(Metric.COMPLAINT_LEGAL, self.received_at),
        }
        return {name: rfc3339(due_at) for name, due_at in promised.items() if due_at is not None}

    # --- what is seen ---

    def _play_by_time(self) -> None:
        """Everything with an instant of its own; what happens at one instant, in the order of the stages.

        A response leads to timers of its own, so those are played after it.
        """
        seen = sorted(self._seen(), key=lambda event: (event.at, _RANK[event.what]))
        for n, event in enumerate(seen):
            self._timers(until=event.at)
            self._happens(event)
            if event.what is Happened.RESPONDED and self._stage is Stage.RESPONDED:
                self._note_follow_up(seen[n + 1 :])
        self._timers(until=self._now)

    def _seen(self) -> Iterable[CaseEvent]:
        target = self._policy.target(Metric.COMPLAINT_ACK, self._facts, self.received_at)
        acknowledged = list(self._evidence.acknowledgements(target, self._facts))
        yield from acknowledged
        if acknowledged:
            yield from self._evidence.investigation(acknowledged[0].at)
        yield from self._evidence.responses()
        yield from self._evidence.changes_of_status()
        yield from self._evidence.taken_up_again()
        yield from self._evidence.survey()
        yield from self._escalations()
        yield from (event for event in self._entry.commands if event.facts.get(COMMANDED_BY) == STAGE_FIELD)

    def _escalations(self) -> Iterable[CaseEvent]:
        for message in (self._carrier, *self._after):
            if message is not None and message.id in self._suspicion.escalations:
                yield CaseEvent(Happened.ESCALATED, message.at, "customer", message.id)

    # --- timers after the response ---

    def _note_follow_up(self, later: Iterable[CaseEvent]) -> None:
        """When somebody asked the customer, after the answer, whether all is well; the survey answers that too."""
        responded = self._round.responded
        if responded is None:
            return
        solved_at = datetime.fromisoformat(responded.facts.get("solved_at", rfc3339(responded.at)))
        reopened_at = next((event.at for event in later if event.what is Happened.REOPENED), None)
        asked = [
            message.at
            for message in self._after
            if message.public
            and message.at > max(responded.at, solved_at)
            and (reopened_at is None or message.at < reopened_at)
            and (message.author is Author.AGENT or FOLLOW_UP_KEY in marked_keys(message))
        ]
        survey = self._ticket.satisfaction
        if survey is not None and survey.at >= responded.at:
            asked.append(survey.at)
        self._followed_up_at = min(asked, default=None)

    def _timers(self, until: datetime) -> None:
        """The follow-up when its time has come, and the closing when the customer stayed silent after it."""
        self._next_timer_at = None
        responded = self._round.responded
        if responded is None or self._stage not in (Stage.RESPONDED, Stage.FOLLOW_UP):
            return
        target = self._policy.target(Metric.COMPLAINT_FOLLOW_UP, self._facts, responded.at)
        if target is None:
            return
        due_at = target.due(responded.at)
        steps = steps_of(target, self._policy.escalations, responded.at, due_at, due_at)
        asked_at = min([step.at for step in steps if step.before_due] or [due_at])
        if self._followed_up_at is not None:
            asked_at = min(asked_at, self._followed_up_at)
        if asked_at <= until:
            self._happens(CaseEvent(Happened.FOLLOWED_UP, asked_at, "us", facts=due_fact(due_at)))
        if self._stage is Stage.FOLLOW_UP and self._followed_up_at is not None:
            silent_until = target.due(self._followed_up_at)
            spoke = any(
                message.author is Author.CUSTOMER and self._followed_up_at < message.at <= silent_until
                for message in self._after
            )
            self._next_timer_at = silent_until if silent_until > self._now and not spoke else None
            if silent_until <= until and not spoke:
                self._happens(CaseEvent(Happened.CLOSED, silent_until, "us", facts={"customer": "silent"}))

    # --- the extension ---

    def _extend(self) -> None:
        """A later date for the response: with a reason, told to the customer in time, within the legal limit.

        Each one needs a message of its own; what was extended before stays extended.
        """
        due_at = self._round.response_due_at
        target = self._policy.target(Metric.COMPLAINT_RESPONSE, self._facts, self._round.begins)
        if due_at is None or target is None:
            return
        told_at = self._round.begins
        for event in self._entry.extensions:
            if event.level == self._round.level:
                self._events.append(event)
                told_at, due_at = event.at, datetime.fromisoformat(event.facts["new_due_at"])
        self._round = replace(self._round, response_due_at=due_at)
        promised_at = promised_instant(self._ticket, target.calendar)
        reason = self._ticket.fields.get(Field.EXTENSION_REASON, "").strip()
        if promised_at is None:
            if reason and due_at == target.due(self._round.begins):
                self._refuse("extension_without_date")
            return
        if promised_at <= due_at:
            return
        legal_due_at = self._due(Metric.COMPLAINT_LEGAL, self.received_at)
        told = self._evidence.extension_told(told_at, due_at, self._first(Happened.ACKNOWLEDGED))
        facts = {"old_due_at": rfc3339(due_at), "new_due_at": rfc3339(promised_at)}
        if not reason:
            self._refuse("extension_without_reason")
        elif legal_due_at is not None and promised_at > legal_due_at:
            self._refuse("extension_past_legal_limit", legal_due_at=rfc3339(legal_due_at))
        elif told is None:
            self._refuse(EXTENSION_NOT_TOLD, due_at=rfc3339(due_at))
        else:
            self._events.append(CaseEvent(Happened.EXTENDED, told.at, "agent", told.id, self._round.level, facts=facts))
            self._round = replace(self._round, response_due_at=promised_at)

    def _by_the_extended_date(self, event: CaseEvent) -> CaseEvent:
        """The response of this round had to meet the date with its extensions, which were not known as it was played."""
        if event.what is not Happened.RESPONDED or event.level != self._round.level:
            return event
        return replace(event, facts={**event.facts, **due_fact(self._round.response_due_at)})

    # --- commands of agents, and mergers: they count from when they were first seen ---

    def _by_command(self) -> None:
        if self._suspicion.rejected:
            self._reject()
            return
        if self._ticket.merged_into is not None:
            facts = {"duplicate_of": self._ticket.merged_into}
            self._happens(CaseEvent(Happened.DUPLICATED, self.received_at, "system", facts=facts))
            return
        wanted = commanded_stage(self._ticket)
        if wanted is None or wanted is self._stage:
            return
        what = BY_STAGE_FIELD.get(wanted)
        at, message = self._now, None
        if what in (Happened.ACKNOWLEDGED, Happened.RESPONDED):
            answer = self._evidence.last_word(self._now)
            if answer is None:
                self._refuse("stage_without_reply", stage=wanted.value)
                return
            at, message = answer.at, answer.id
        if what is None or not self._happens(CaseEvent(what, at, "agent", message, facts={COMMANDED_BY: STAGE_FIELD})):
            ways = {TRANSITIONS[way].get(self._stage) for way in BY_STAGE_FIELD.values()} - {None, self._stage}
            self._refuse("stage_not_allowed", stage=wanted.value, allowed=", ".join(sorted(filter(None, ways))))

    def _reject(self) -> None:
        facts = {COMMANDED_BY: TAG_NOT_COMPLAINT if TAG_NOT_COMPLAINT in self._ticket.tags else STAGE_FIELD}
        seen = [event.at for event in self._entry.commands if event.what is Happened.REJECTED and event.facts == facts]
        self._happens(CaseEvent(Happened.REJECTED, min(seen, default=self._now), "agent", facts=facts))

    def _lacks_reason(self) -> bool:
        if not self._suspicion.certain or self._stage not in ENDED_BY_A_PERSON:
            return False
        ended = next(event for event in reversed(self._events) if event.what in ENDINGS)
        return ended.actor == "agent" and ended.message is None

    def _refuse(self, reason: str, **places: str) -> None:
        self._refusals.append(Refusal(reason, places))

    # --- the table ---

    def _happens(self, event: CaseEvent) -> bool:
        """Let the table decide; false when it does not allow the event at this stage."""
        stage = TRANSITIONS[event.what].get(self._stage)
        if stage is None or event.at > self._now:
            return False
        if event.what is Happened.REOPENED:
            due_at = self._due(Metric.COMPLAINT_RESPONSE, event.at)
            self._round = Round(self._round.level + 1, event.at, due_at)
            self._followed_up_at = None
        if event.what is Happened.RESPONDED:
            event = replace(event, facts={**event.facts, **due_fact(self._round.response_due_at)})
            self._round = replace(self._round, responded=event)
        if event.what is Happened.FOLLOWED_UP and event.actor == "agent":
            self._followed_up_at = self._followed_up_at or event.at
        if stage in ENDED_BY_A_PERSON and event.actor == "agent" and event.message is None:
            reason = self._evidence.reason(self._round.level)
            event = replace(event, message=reason.id if reason is not None else None)
        self._stage = stage
        self._events.append(replace(event, level=self._round.level))
        return True

    def _first(self, what: Happened) -> CaseEvent | None:
        return next((event for event in self._events if event.what is what), None)

    def _due(self, metric: Metric, since: datetime) -> datetime | None:
        target = self._policy.target(metric, self._facts, since)
        return target.due(since) if target is not None else None
