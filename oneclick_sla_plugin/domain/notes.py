"""What agents and customers are told in the ticket: short, each fact once, in the account's language.

A note says what, why (the clause) and what the agent can do. It holds no text of
the customer. Its key says which fact it is; a clock that runs in rounds (the next
reply, an update) or whose due instant moves has the round in its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from oneclick_sla_plugin.domain.changes import Note, note_keys
from oneclick_sla_plugin.domain.clocks import Clock, promised_instant
from oneclick_sla_plugin.domain.escalation import SHORTEST_WARNED
from oneclick_sla_plugin.domain.model import Channel, Metric, Ticket
from oneclick_sla_plugin.domain.policy import Policy, Target
from oneclick_sla_plugin.domain.wording import Wording


class Outgoing(StrEnum):
    """Messages to customers that the program writes: drafts for the agent, unless an account sends them itself."""

    DELAY_NOTICE = "delay_notice"
    COMPLAINT_ACKNOWLEDGEMENT = "complaint_acknowledgement"
    COMPLAINT_EXTENSION = "complaint_extension"
    COMPLAINT_FOLLOW_UP = "complaint_follow_up"


@dataclass(frozen=True, slots=True)
class Practice:
    """How an account uses its policy: which messages it lets the program send, and its own owners of channels."""

    send: frozenset[Outgoing] = frozenset()
    owners: Mapping[Channel, str] = field(default_factory=dict)

    def owner(self, channel: Channel, policy: Policy) -> str | None:
        return self.owners.get(channel) or policy.owner(channel)


BY_THE_POLICY = Practice()
"""Nothing is sent by the program, and the policy's owners hold."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything that notes about clocks are made from."""

    ticket: Ticket
    policy: Policy
    channel: Channel
    wording: Wording
    practice: Practice
    now: datetime

    def notes(self, clocks: Iterable[Clock]) -> tuple[Note, ...]:
        """The notes that should stand on the ticket."""
        return tuple(note for clock in clocks for note in (*self._of(clock), *self._delay_draft(clock)))

    def reply(self, clocks: Iterable[Clock]) -> Note | None:
        """The message to send to the customer, where the account lets the program send one."""
        if Outgoing.DELAY_NOTICE not in self.practice.send:
            return None
        for clock in clocks:
            promised_at = self._promised_at()
            # Without a date there is nothing to announce: the draft with its blank is the agent's.
            if self._delayed(clock) and promised_at is not None:
                return Note(_key(clock, "delay-notice"), self._delay_text(promised_at))
        return None

    def to_owner(self, key: str, text: str) -> Note:
        """A note that the owner of the channel hears of, and that says who that is."""
        owner = self.practice.owner(self.channel, self.policy)
        return Note(key, text if owner is None else f"{text}\n{self.wording.say('note.owner', owner=owner)}", owner)

    def _of(self, clock: Clock) -> Iterator[Note]:
        reached = [step for step in clock.steps if step.at <= self.now]
        if clock.overdue:
            yield self.to_owner(_key(clock, "breached"), self._text("note.breached", clock))
            late = [step for step in reached if not step.before_due]
            if late:
                yield self.to_owner(_key(clock, late[-1].name), self._text("note.overdue", clock))
        elif clock.running and reached:
            yield self.to_owner(_key(clock, reached[-1].name), self._text("note.at_risk", clock))
        elif (
            clock.running and clock.metric is Metric.FIRST_REPLY and clock.due_at - clock.started_at >= SHORTEST_WARNED
        ):
            yield Note(_key(clock, "due"), self._text("note.due", clock))

    def _text(self, key: str, clock: Clock) -> str:
        wording = self.wording
        return wording.say(
            key,
            metric=wording.texts[f"metric.{clock.metric}"],
            due=wording.instant(clock.due_at),
            zone=wording.zone.key,
            clause=clock.promise.clause,
            channel=wording.texts[f"channel.{self.channel}"],
            amount=(
                wording.amount(clock.promise.within)
                if isinstance(clock.promise, Target)
                else wording.texts["amount.promised_date"]
            ),
        )

    # --- the delay notice ---

    def _delayed(self, clock: Clock) -> bool:
        """The policy promises to announce delays, and this one is foreseen or has happened."""
        if self.policy.delay_clause is None or not clock.steps or clock.metric in _NOT_ANNOUNCED:
            return False
        at_risk = clock.running and clock.warn_at is not None and clock.warn_at <= self.now
        return at_risk or clock.overdue

    def _delay_draft(self, clock: Clock) -> Iterator[Note]:
        if not self._delayed(clock) or _key(clock, "delay-notice") in note_keys(self.ticket):
            return
        reply = self.reply((clock,))
        if reply is None:
            draft = self._delay_text(self._promised_at())
            text = self.wording.say("note.delay_draft", clause=self.policy.delay_clause or "", draft=draft)
            yield Note(_key(clock, "delay-draft"), text)

    def _delay_text(self, promised_at: datetime | None) -> str:
        estimate = (
            self.wording.instant(promised_at) if promised_at is not None else self.wording.texts["message.blank_date"]
        )
        return self.wording.say("message.delay", ticket=self.ticket.shown_number, estimate=estimate)

    def _promised_at(self) -> datetime | None:
        """The promised date, unless it has passed."""
        estimate = self.policy.estimate
        promised_at = promised_instant(self.ticket, estimate.calendar) if estimate is not None else None
        return promised_at if promised_at is not None and promised_at > self.now else None


_NOT_ANNOUNCED = frozenset({Metric.COMPLAINT_ACK, Metric.COMPLAINT_LEGAL, Metric.COMPLAINT_FOLLOW_UP})
"""No delay to tell a customer: who tells it acknowledges, nothing moves the legal limit, nobody waits to be asked."""


def _key(clock: Clock, what: str) -> str:
    """Unique on the ticket: the metric and what is told, with the round where there are several."""
    key = f"{clock.metric.replace('_', '-')}-{what}"
    match clock.metric:
        case Metric.NEXT_REPLY | Metric.UPDATE:
            return f"{key}.{_stamp(clock.started_at)}"
        case Metric.RESOLUTION:
            return f"{key}.{_stamp(clock.due_at)}"
        case _:
            return key


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dt%H%M%S")
