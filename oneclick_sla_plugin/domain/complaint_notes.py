"""What agents and customers are told about a complaint: each stage with the next duty and its deadline.

A note names rules and their weights, the message and the deadline, never a word of
the customer. Drafts for the customer follow the policy's tone; the program sends
one itself only where the account lets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from oneclick_sla_plugin.domain.changes import Note, note_keys
from oneclick_sla_plugin.domain.clocks import Clock, promised_instant
from oneclick_sla_plugin.domain.complaint import Happened, Stage
from oneclick_sla_plugin.domain.evidence import EXTENSION_KEY
from oneclick_sla_plugin.domain.model import Field, Metric
from oneclick_sla_plugin.domain.notes import Outgoing, Telling
from oneclick_sla_plugin.domain.procedure import EXTENSION_NOT_TOLD, FOLLOW_UP_KEY, Procedure

ACKNOWLEDGEMENT_KEY = "complaint-acknowledgement"

_MOST_RULES = 6
"""More rules than these say no more to a reader."""


@dataclass(frozen=True, slots=True)
class ComplaintTelling:
    """The notes and messages of one complaint; nothing where there is no ``procedure``."""

    telling: Telling
    procedure: Procedure | None
    number: str | None
    clocks: Iterable[Clock]

    def notes(self) -> Iterator[Note]:
        if self.procedure is None:
            return
        case = self.procedure.case
        if case.stage is Stage.SUSPECTED:
            yield Note("complaint-suspected", self._say("note.complaint_suspected", rules=self._rules()))
            return
        if self.number is None:  # the register has not answered yet: nothing is told without the number
            return
        yield Note("complaint-registered", self._registered())
        if case.stage is not Stage.REGISTERED:
            key = f"complaint-{case.stage.replace('_', '-')}.{case.level}"
            yield Note(key, self._stage(case.stage))
        for event in case.events:
            if event.what is Happened.EXTENDED:
                yield self._extended(datetime.fromisoformat(event.facts["new_due_at"]))
        for refusal in self.procedure.refusals:
            if refusal.reason == EXTENSION_NOT_TOLD and self._may_tell_extension():
                continue  # the program tells it
            places = dict(refusal.places)
            for name in ("due_at", "legal_due_at"):
                if name in places:
                    places[name] = self.telling.wording.instant(datetime.fromisoformat(places[name]))
            if "stage" in places:
                places["stage"] = self._stage_name(places["stage"])
            text = self._say(f"note.{refusal.reason}", **places)
            if refusal.reason == EXTENSION_NOT_TOLD:
                text += "\n\n" + self._draft("message.extension")
            yield Note(f"complaint-{refusal.reason.replace('_', '-')}.{case.level}", text)
        if self.procedure.solved_unanswered:
            yield Note(f"complaint-solved-unanswered.{case.level}", self._say("note.complaint_solved_unanswered"))

    def reply(self) -> Note | None:
        """The message to send now, where the account lets the program send it."""
        if self.procedure is None or self.number is None:
            return None
        told, send, stage = note_keys(self.telling.ticket), self.telling.practice.send, self.procedure.case.stage
        acknowledge = Outgoing.COMPLAINT_ACKNOWLEDGEMENT in send and stage is Stage.REGISTERED
        if acknowledge and ACKNOWLEDGEMENT_KEY not in told:
            return Note(ACKNOWLEDGEMENT_KEY, self._message("message.complaint_acknowledgement"))
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
            number=self.number or "",
            received=self.telling.wording.instant(case.received_at),
            rules=self._rules(),
            duties=self._duties(),
        )
        if case.stage is Stage.REGISTERED and Outgoing.COMPLAINT_ACKNOWLEDGEMENT not in self.telling.practice.send:
            text += "\n\n" + self._draft("message.complaint_acknowledgement")
        return text

    def _extended(self, due_at: datetime) -> Note:
        due = self.telling.wording.instant(due_at)
        text = self._say("note.complaint_extended", number=self.number or "", due=due)
        return Note(f"complaint-extended.{due_at:%Y%m%dt%H%M%S}", text)

    def _stage(self, stage: Stage) -> str:
        text = self._say(
            "note.complaint_stage",
            number=self.number or "",
            stage=self._stage_name(stage),
            duties=self._duties() or self._say(f"duty.{stage}"),
        )
        if stage is Stage.ACKNOWLEDGED:
            text += "\n\n" + self._draft("message.complaint_answer")
        if stage is Stage.FOLLOW_UP and Outgoing.COMPLAINT_FOLLOW_UP not in self.telling.practice.send:
            text += "\n\n" + self._draft("message.complaint_follow_up")
        return text

    def _duties(self) -> str:
        """What is to be done next, and by when."""
        wording = self.telling.wording
        return "\n".join(
            wording.say(
                "note.complaint_duty",
                duty=wording.texts[f"metric.{clock.metric}"],
                due=wording.instant(clock.due_at),
                clause=clock.promise.clause,
            )
            for clock in self.clocks
            if clock.metric in _COMPLAINT and (clock.running or clock.overdue)
        )

    def _rules(self) -> str:
        assert self.procedure is not None  # noqa: S101 - asked by notes() only
        rules = sorted(self.procedure.case.rules, key=lambda rule: -rule[1])[:_MOST_RULES]
        return ", ".join(f"{rule} ({weight:+.1f})" for rule, weight in rules)

    def _draft(self, key: str) -> str:
        return self._say("note.draft", draft=self._message(key))

    def _message(self, key: str) -> str:
        return self._say(
            key,
            ticket=self.telling.ticket.shown_number,
            number=self.number or "",
            answer_by=self._answer_by(),
            reason=self.telling.ticket.fields.get(Field.EXTENSION_REASON, "").strip()
            or self.telling.wording.texts["message.blank"],
        )

    def _answer_by(self) -> str:
        """The date by which the customer is told to have an answer; a blank where none is promised."""
        wording = self.telling.wording
        for clock in self.clocks:
            if clock.metric is Metric.COMPLAINT_RESPONSE:
                promised_at = promised_instant(self.telling.ticket, clock.promise.calendar)
                return wording.instant(max(clock.due_at, promised_at) if promised_at else clock.due_at)
        return wording.texts["message.blank_date"]

    def _stage_name(self, stage: str) -> str:
        return self.telling.wording.texts[f"stage.{stage}"]

    def _say(self, key: str, **places: str) -> str:
        return self.telling.wording.say(key, **places)


_COMPLAINT = frozenset(
    {Metric.COMPLAINT_ACK, Metric.COMPLAINT_RESPONSE, Metric.COMPLAINT_LEGAL, Metric.COMPLAINT_FOLLOW_UP}
)
