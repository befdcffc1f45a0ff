"""What a ticket shows of a complaint's course: replies, notes, assignment, status, the survey.

Everything that has an instant of its own becomes an event with its evidence. Whether
an event may happen at the stage that was reached is not asked here; the table of
``procedure`` decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from oneclick_sla_plugin.domain.changes import marked_keys
from oneclick_sla_plugin.domain.clocks import Thread, is_reply
from oneclick_sla_plugin.domain.complaint import CaseEvent, Happened, Stage
from oneclick_sla_plugin.domain.model import Author, Message, Status, StatusChange, Ticket, rfc3339
from oneclick_sla_plugin.domain.pauses import SETTLED
from oneclick_sla_plugin.domain.policy import Facts, Target
from oneclick_sla_plugin.domain.stages import ENDED_BY_A_PERSON, stage_key

EXTENSION_KEY = "complaint-extension"
"""How the marker keys of the program's messages begin that announce a later date."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A ticket from the message on that carries the complaint.

    ``carrier`` is ``None`` where no message shows; ``received_at`` is then the
    beginning of the thread, and earlier where a complaint that came first was merged
    into this one. ``after`` are the later messages and ``history`` the changes of
    status, both the oldest first.
    """

    ticket: Ticket
    carrier: Message | None
    received_at: datetime
    after: Sequence[Message]
    history: Sequence[StatusChange]

    @classmethod
    def of(cls, ticket: Ticket, thread: Thread, carrier: str | None, known_since: datetime) -> Evidence:
        """``carrier``: the id of the message, ``None`` for the customer's first. ``known_since``: the register's receipt."""
        messages = list(thread.messages)
        found = next((n for n, message in enumerate(messages) if message.id == carrier), 0)
        received_at = messages[found].at if messages else thread.started_at or ticket.created_at
        return cls(
            ticket,
            messages[found] if messages else None,
            min(received_at, known_since),
            messages[found + 1 :],
            sorted(ticket.status_history, key=lambda change: change.at),
        )

    def acknowledgements(self, target: Target | None, facts: Facts) -> Iterator[CaseEvent]:
        """Every message that tells the customer of the receipt, by the rule of the policy's ``target`` if it has one."""
        due = {} if target is None else due_fact(target.due(self.received_at))
        for message in self.after:
            if target is not None:
                acknowledges = is_reply(message, target, facts)
            else:
                acknowledges = message.author is Author.AGENT and message.public
            if acknowledges and message.author is Author.US:
                yield CaseEvent(Happened.ACKNOWLEDGED, message.at, "us", message.id, facts={**due, "automatic": "true"})
            elif acknowledges:
                yield CaseEvent(Happened.ACKNOWLEDGED, message.at, "agent", message.id, facts=due)

    def investigation(self, acknowledged_at: datetime) -> Iterator[CaseEvent]:
        """The first note, hold or assignment; one from before the acknowledgement begins with it."""
        if self.ticket.assignee is not None:
            yield CaseEvent(Happened.INVESTIGATED, acknowledged_at, "system", facts={"by": "assignment"})
            return
        note = next((message for message in self.after if message.author is Author.AGENT and not message.public), None)
        held_at = next(
            (
                change.at
                for change in self.history
                if change.at >= acknowledged_at and change.status in (Status.PENDING, Status.ON_HOLD)
            ),
            None,
        )
        if note is not None and (held_at is None or max(note.at, acknowledged_at) <= held_at):
            yield CaseEvent(Happened.INVESTIGATED, max(note.at, acknowledged_at), "agent", note.id)
        elif held_at is not None:
            yield CaseEvent(Happened.INVESTIGATED, held_at, "system")

    def responses(self) -> Iterator[CaseEvent]:
        """The answers: an agent's last public message before the ticket was solved, with none of the customer between."""
        solved = [
            change.at
            for n, change in enumerate(self.history)
            if change.status in SETTLED and (n == 0 or self.history[n - 1].status not in SETTLED)
        ]
        if self.ticket.settled and not solved:
            solved = [self.ticket.updated_at]
        for at in solved:
            answer = self.last_word(at)
            if answer is not None:
                yield CaseEvent(Happened.RESPONDED, answer.at, "agent", answer.id, facts={"solved_at": rfc3339(at)})

    def changes_of_status(self) -> Iterator[CaseEvent]:
        """Reopened, or closed for good."""
        for before, change in pairwise(self.history):
            if before.status in SETTLED and change.status not in SETTLED:
                yield CaseEvent(Happened.REOPENED, change.at, "system")
            elif change.status is Status.CLOSED:
                yield CaseEvent(Happened.CLOSED, change.at, "system")

    def taken_up_again(self) -> Iterator[CaseEvent]:
        """Messages of the customer while the ticket was open: after an answer they go on with the case.

        A message to a settled ticket does so when the helpdesk opens it again.
        """
        for message in self.after:
            before = [change.status for change in self.history if change.at < message.at]
            if message.author is Author.CUSTOMER and before and before[-1] not in SETTLED:
                yield CaseEvent(Happened.REOPENED, message.at, "customer", message.id)

    def survey(self) -> Iterator[CaseEvent]:
        """A content customer closes the case, a discontent one reopens it."""
        survey = self.ticket.satisfaction
        if survey is not None:
            what = Happened.CLOSED if survey.score == "good" else Happened.REOPENED
            yield CaseEvent(what, survey.at, "customer", facts={"survey": survey.score})

    def last_word(self, until: datetime) -> Message | None:
        """The agent's public message that nobody of the two answered before ``until``."""
        spoken = [
            message
            for message in self.after
            if message.at <= until
            and (message.author is Author.CUSTOMER or (message.author is Author.AGENT and message.public))
        ]
        return spoken[-1] if spoken and spoken[-1].author is Author.AGENT else None

    def reason(self, level: int) -> Message | None:
        """Why a person ended the case: the last private note of an agent after ours that told an earlier stage."""
        earlier = {stage_key(stage, n) for stage in set(Stage) - ENDED_BY_A_PERSON for n in range(1, level + 1)}
        told = [message.at for message in self.ticket.messages if earlier & marked_keys(message)]
        since = max(told, default=self.received_at)
        notes = [
            message
            for message in self.after
            if message.author is Author.AGENT and not message.public and message.at >= since
        ]
        return notes[-1] if notes else None

    def extension_told(self, since: datetime, until: datetime, acknowledged: CaseEvent | None) -> Message | None:
        """The last public message in (``since``, ``until``] that is not the one which acknowledged receipt."""
        told = [
            message
            for message in self.after
            if message.public
            and since < message.at <= until
            and (message.author is Author.AGENT or any(key.startswith(EXTENSION_KEY) for key in marked_keys(message)))
            and (acknowledged is None or message.id != acknowledged.message)
        ]
        return told[-1] if told else None


def due_fact(due_at: datetime | None) -> dict[str, str]:
    """What an event's facts say of the instant by which it was due."""
    return {} if due_at is None else {"due_at": rfc3339(due_at)}
