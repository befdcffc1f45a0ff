"""What agents and customers are told about a complaint: each stage with the next duty and its deadline.

A note names rules with their weights, the message and the places in it, and deadlines;
never a word of the customer. Drafts for the customer follow the policy's tone; the program sends
one itself only where the account lets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from oneclick_sla_plugin.domain.analysis import Analysis, carrier_of
from oneclick_sla_plugin.domain.changes import Note, note_keys
from oneclick_sla_plugin.domain.clocks import Clock, promised_instant
from oneclick_sla_plugin.domain.complaint import Happened, Stage
from oneclick_sla_plugin.domain.evidence import EXTENSION_KEY
from oneclick_sla_plugin.domain.field_labels import FIELD_CHOICES
from oneclick_sla_plugin.domain.message import Part, Reason
from oneclick_sla_plugin.domain.model import Field, Metric
from oneclick_sla_plugin.domain.notes import Outgoing, Telling
from oneclick_sla_plugin.domain.procedure import EXTENSION_NOT_TOLD, FOLLOW_UP_KEY, Procedure
from oneclick_sla_plugin.domain.stages import stage_key

ACKNOWLEDGEMENT_KEY = "complaint-acknowledgement"

_MOST_SIGNS = 6
"""Lines for what spoke; more say no more to a reader."""


@dataclass(frozen=True, slots=True)
class ComplaintTelling:
    """The notes and messages of one complaint; nothing where there is no ``procedure``."""

    telling: Telling
    procedure: Procedure | None
    number: str | None
    clocks: Sequence[Clock]
    analysis: Analysis

    def notes(self) -> Iterator[Note]:
        if self.procedure is None:
            return
        case = self.procedure.case
        if case.stage is Stage.SUSPECTED:
            yield Note(stage_key(case.stage, 1), self._say("note.complaint_suspected", why=self._why()))
            return
        if not case.registered:  # a suspicion that was rejected
            return
        yield Note(stage_key(Stage.REGISTERED, 1), self._registered())
        if case.stage is not Stage.REGISTERED:
            yield Note(stage_key(case.stage, case.level), self._stage(case.stage))
        for event in case.events:
            if event.what is Happened.EXTENDED:
                yield self._extended(datetime.fromisoformat(event.facts["new_due_at"]))
        if any(event.what is Happened.ESCALATED for event in case.events):
            yield self.telling.to_owner("complaint-escalated", self._say("note.complaint_escalated"))
        if self.procedure.lacks_reason:
            text = self._say("note.complaint_reason_missing", stage=self._stage_name(case.stage))
            yield Note(f"complaint-reason-missing.{case.level}", text)
        for refusal in self.procedure.refusals:
            if refusal.reason == EXTENSION_NOT_TOLD and self._may_tell_extension():
                continue  # the program tells it
            places = dict(refusal.places)
            for name in ("due_at", "legal_due_at"):
                if name in places:
                    places[name] = self.telling.wording.instant(datetime.fromisoformat(places[name]))
            if "stage" in places:
                places["stage"] = self._stage_name(places["stage"])
            if "allowed" in places:  # as the field's choices are called
                choices = FIELD_CHOICES[Field.COMPLAINT_STAGE]
                places["allowed"] = ", ".join(choices[stage] for stage in places["allowed"].split(", "))
            text = self._say(f"note.{refusal.reason}", **places)
            key = f"complaint-{refusal.reason.replace('_', '-')}.{case.level}"
            if "stage" in places:
                key += f".{refusal.places['stage']}"
            if refusal.reason == EXTENSION_NOT_TOLD:
                text += "\n\n" + self._draft("message.extension")
            yield Note(key, text)
        if self.procedure.solved_unanswered:
            yield Note(f"complaint-solved-unanswered.{case.level}", self._say("note.complaint_solved_unanswered"))

    def reply(self) -> Note | None:
        """The message to send now, where the account lets the program send it."""
        if self.procedure is None or self.number is None:
            return None
        told, send, stage = note_keys(self.telling.ticket), self.telling.practice.send, self.procedure.case.stage
        acknowledge = Outgoing.COMPLAINT_ACKNOWLEDGEMENT in send and stage is Stage.REGISTERED
        if acknowledge and ACKNOWLEDGEMENT_KEY not in told:
            return Note(ACKNOWLEDGEMENT_KEY, self._acknowledgement(blanks=False))
        if self._may_tell_extension():
            key = f"{EXTENSION_KEY}.{self._fact_of_extension()}"
            return None if key in told else Note(key, self._message("message.extension"))
        follow_up = Outgoing.COMPLAINT_FOLLOW_UP in send and stage is Stage.FOLLOW_UP
        if follow_up and self.procedure.followed_up_at is None and FOLLOW_UP_KEY not in told:
            return Note(FOLLOW_UP_KEY, self._message("message.complaint_follow_up"))
        return None

    def _may_tell_extension(self) -> bool:
        """Whether an extension lacks nothing but a message to the customer, which the program may send in time."""
        assert self.procedure is not None  # noqa: S101 - asked where there is one
        due_at = self.procedure.round.response_due_at
        return (
            Outgoing.COMPLAINT_EXTENSION in self.telling.practice.send
            and any(refusal.reason == EXTENSION_NOT_TOLD for refusal in self.procedure.refusals)
            and due_at is not None
            and self.telling.now <= due_at
        )

    def _fact_of_extension(self) -> str:
        """What makes an extension another one: how often the case was taken up, and the date that it moves."""
        assert self.procedure is not None  # noqa: S101 - asked where there is one
        round_ = self.procedure.round
        assert round_.response_due_at is not None  # noqa: S101 - nothing to extend otherwise
        return f"{round_.level}.{round_.response_due_at:%Y%m%d%H%M}"

    # --- texts ---

    def _registered(self) -> str:
        assert self.procedure is not None  # noqa: S101 - asked by notes() only
        case = self.procedure.case
        text = self._say(
            "note.complaint_registered",
            number=self._number,
            received=self.telling.wording.instant(case.received_at),
            why=self._why(),
            duties=self._duties(),
        )
        if case.stage is Stage.REGISTERED and Outgoing.COMPLAINT_ACKNOWLEDGEMENT not in self.telling.practice.send:
            text += "\n\n" + self._say("note.draft", draft=self._acknowledgement(blanks=True))
        return text

    def _extended(self, due_at: datetime) -> Note:
        due = self.telling.wording.instant(due_at)
        text = self._say("note.complaint_extended", number=self._number, due=due)
        return Note(f"complaint-extended.{due_at:%Y%m%dt%H%M%S}", text)

    def _stage(self, stage: Stage) -> str:
        text = self._say(
            "note.complaint_stage",
            number=self._number,
            stage=self._stage_name(stage),
            duties=self._duties(),
        )
        if stage is Stage.ACKNOWLEDGED or (stage is Stage.INVESTIGATING and not self._told(Stage.ACKNOWLEDGED)):
            text += "\n\n" + self._draft("message.complaint_answer")
        if stage is Stage.FOLLOW_UP and Outgoing.COMPLAINT_FOLLOW_UP not in self.telling.practice.send:
            text += "\n\n" + self._draft("message.complaint_follow_up")
        return text

    def _duties(self) -> str:
        """What is to be done next, and by when where the policy says so."""
        assert self.procedure is not None  # noqa: S101 - asked by notes() only
        wording = self.telling.wording
        dated = "\n".join(
            wording.say(
                "note.complaint_duty",
                duty=wording.texts[f"metric.{clock.metric}"],
                due=wording.instant(clock.due_at),
                clause=clock.promise.clause,
            )
            for clock in self.clocks
            if clock.metric in _COMPLAINT and (clock.running or clock.overdue)
        )
        if dated:
            return wording.say("note.complaint_duties", duties=dated)
        return self._say(f"duty.{self.procedure.case.stage}")

    def _why(self) -> str:
        """The strongest signs, one a line, with their places in the message that carries the complaint."""
        assert self.procedure is not None  # noqa: S101 - asked by notes() only
        carrier, verdict = carrier_of(self.telling.ticket, self.analysis)
        places = {reason.rule: reason for reason in verdict.because}
        rules = sorted((rule for rule in self.procedure.case.rules if rule[1] > 0), key=lambda rule: -rule[1])
        shown = rules if len(rules) <= _MOST_SIGNS else rules[: _MOST_SIGNS - 1]
        lines = [self._sign(rule, weight, places.get(rule)) for rule, weight in shown]
        if len(shown) < len(rules):
            lines.append(self._say("note.complaint_more_signs", count=str(len(rules) - len(shown))))
        at = next((message.at for message in self.telling.ticket.messages if message.id == carrier), None)
        if at is None:
            return "\n".join(lines)
        return "\n".join([self._say("note.complaint_carrier", message=self.telling.wording.instant(at)), *lines])

    def _sign(self, rule: str, weight: float, reason: Reason | None) -> str:
        wording = self.telling.wording
        text = self._say("note.complaint_sign", sign=wording.rule(rule), weight=f"{weight:+.1f}")
        if reason is None or reason.part is Part.THREAD:
            return text
        place = wording.say(f"place.{reason.part}", start=str(reason.start + 1), end=str(reason.end))
        return f"{text}: {place}"

    @property
    def _number(self) -> str:
        """A blank where nobody registers: in questions that are asked without a register."""
        return self.number or self.telling.wording.texts["message.blank"]

    def _told(self, stage: Stage) -> bool:
        assert self.procedure is not None  # noqa: S101 - asked by notes() only
        return stage_key(stage, self.procedure.case.level) in note_keys(self.telling.ticket)

    def _acknowledgement(self, *, blanks: bool) -> str:
        """What confirms the receipt; a blank for a date that nobody promised is for an agent, not for a customer."""
        due_at = self._response_due_at()
        if not blanks and (due_at is None or due_at <= self.telling.now):
            return self._message("message.complaint_acknowledgement_undated")
        return self._message("message.complaint_acknowledgement")

    def _draft(self, key: str) -> str:
        return self._say("note.draft", draft=self._message(key))

    def _message(self, key: str) -> str:
        return self._say(
            key,
            ticket=self.telling.ticket.shown_number,
            number=self._number,
            answer_by=self._answer_by(),
            reason=self.telling.ticket.fields.get(Field.EXTENSION_REASON, "").strip()
            or self.telling.wording.texts["message.blank"],
        )

    def _answer_by(self) -> str:
        """The date by which the customer is told to have an answer, to the minute; a blank where none is promised."""
        due_at = self._response_due_at()
        wording = self.telling.wording
        if due_at is None:
            return wording.texts["message.blank_date"]
        return wording.instant(due_at.replace(second=0, microsecond=0))

    def _response_due_at(self) -> datetime | None:
        for clock in self.clocks:
            if clock.metric is Metric.COMPLAINT_RESPONSE:
                promised_at = promised_instant(self.telling.ticket, clock.promise.calendar)
                return max(clock.due_at, promised_at) if promised_at else clock.due_at
        return None

    def _stage_name(self, stage: str) -> str:
        return self.telling.wording.texts[f"stage.{stage}"]

    def _say(self, key: str, **places: str) -> str:
        return self.telling.wording.say(key, **places)


_COMPLAINT = frozenset(
    {Metric.COMPLAINT_ACK, Metric.COMPLAINT_RESPONSE, Metric.COMPLAINT_LEGAL, Metric.COMPLAINT_FOLLOW_UP}
)
