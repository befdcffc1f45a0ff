"""Clocks: when something is due on a ticket, and how it stands at an instant.

A clock is computed anew at each look from the ticket, the policy and ``now``;
nothing of it is stored. The rules of the first reply:

* It starts at the customer's first message; at the ticket's creation if there
  is none and the customer made the ticket. A ticket that an agent opened has no
  reply clock until the customer writes.
* A public message of an agent ends it. A private note never does, nor does a
  message of the system. An automatic acknowledgement of ours does where the
  target accepts one. A call to the customer ends it on phone and voice mail.
* A reply at or before the due instant meets it, a later one leaves it breached.
* Where the platform does not show the messages the clock is not measured and
  never breached. A ticket solved without a public reply drops it.

Instants of a ticket are taken as the platform gives them; messages of the same
instant keep the order of the thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from oneclick_sla_plugin.domain.changes import marked_keys
from oneclick_sla_plugin.domain.model import (
    TAG_CALLED_BACK,
    Author,
    Channel,
    Field,
    Message,
    Metric,
    SlaState,
    Ticket,
    tag_of,
)
from oneclick_sla_plugin.domain.policy import Facts, Policy, Target, Ticking

SHORTEST_WARNED = timedelta(minutes=15)
"""Nobody is warned before a target shorter than this is missed: the warning would come too late to help."""

ACKNOWLEDGEMENT_KEYS = frozenset({"acknowledgement", "complaint-acknowledgement"})
"""Marker keys of the public messages of ours that acknowledge receipt; others of ours (a delay notice) do not."""

_CALL_CHANNELS = frozenset({Channel.PHONE, Channel.VOICEMAIL})


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
    """One promise on one ticket. ``met_at`` is filled when the reply came, late ones too."""

    metric: Metric
    target: Target
    started_at: datetime
    due_at: datetime
    warn_at: datetime | None
    state: ClockState
    met_at: datetime | None = None
    automatic: bool = False

    @property
    def because(self) -> str:
        return self.target.because() + (", met by an automatic acknowledgement" if self.automatic else "")

    @property
    def running(self) -> bool:
        return self.state is ClockState.RUNNING


@dataclass(frozen=True, slots=True)
class Pause:
    """A half-open interval during which a ticket's clock stands still."""

    begins: datetime
    ends: datetime


def first_reply(ticket: Ticket, policy: Policy, facts: Facts, now: datetime) -> Clock | None:
    """The first-reply clock as it stands at ``now``; ``None`` where nothing was promised or nobody waits."""
    thread = sorted(ticket.messages, key=lambda message: message.at)
    first = next((n for n, message in enumerate(thread) if message.author is Author.CUSTOMER), None)
    if first is not None:
        received_at = thread[first].at
        answers: Sequence[Message] = thread[first + 1 :]
    elif not thread and ticket.opened_by is Author.CUSTOMER:
        received_at, answers = ticket.created_at, ()
    else:
        return None
    target = policy.target(Metric.FIRST_REPLY, facts, received_at)
    if target is None:
        return None
    due_at = target.due(received_at)
    reply = next((message for message in answers if _is_reply(message, target, facts)), None)
    met_at = reply.at if reply is not None else None
    automatic = reply is not None and reply.author is Author.US
    state = _state(ticket, facts, due_at, met_at, now)
    return Clock(
        metric=Metric.FIRST_REPLY,
        target=target,
        started_at=received_at,
        due_at=due_at,
        warn_at=warning_point(target, target.counts_from(received_at), due_at, policy.warn_after),
        state=state,
        met_at=met_at if state in (ClockState.MET, ClockState.BREACHED) else None,
        automatic=automatic and state in (ClockState.MET, ClockState.BREACHED),
    )


def _is_reply(message: Message, target: Target, facts: Facts) -> bool:
    if message.author is Author.AGENT:
        return message.public or (message.voice and facts.channel in _CALL_CHANNELS)
    if message.author is Author.US and message.public and target.acknowledgement:
        keys = marked_keys(message)
        return not keys or not keys.isdisjoint(ACKNOWLEDGEMENT_KEYS)
    return False


def _state(ticket: Ticket, facts: Facts, due_at: datetime, met_at: datetime | None, now: datetime) -> ClockState:
    if not ticket.messages_visible:
        return ClockState.NOT_MEASURED
    if met_at is not None:
        return ClockState.MET if met_at <= due_at else ClockState.BREACHED
    if TAG_CALLED_BACK in ticket.tags and facts.channel in _CALL_CHANNELS:
        # The tag says that, not when: only a breach that we saw before it stands.
        seen_late = ticket.written is not None and tag_of(Field.SLA_STATE, SlaState.BREACHED) in ticket.written.tags
        return ClockState.BREACHED if seen_late else ClockState.MET
    if ticket.settled:
        return ClockState.DROPPED
    return ClockState.BREACHED if now > due_at else ClockState.RUNNING


def warning_point(target: Target, counts_from: datetime, due_at: datetime, share: float) -> datetime | None:
    """When ``share`` of the target's own time has passed; ``None`` for targets too short to warn of."""
    ticking = target.within.ticking(target.calendar)
    whole = ticking.between(counts_from, due_at)
    return ticking.add(counts_from, whole * share) if whole >= SHORTEST_WARNED else None


def add_without_pauses(ticking: Ticking, start: datetime, amount: timedelta, pauses: Iterable[Pause]) -> datetime:
    """When ``amount`` has been counted since ``start``, with the pauses not counted.

    Pauses may overlap, be out of order, or lie before ``start``. ``amount`` is not negative.
    """
    at, left = start, amount
    for pause in sorted(pauses, key=lambda pause: pause.begins):
        if pause.begins > at:
            counted = ticking.between(at, pause.begins)
            if counted >= left:
                break
            left -= counted
        at = max(at, pause.ends)
    return ticking.add(at, left)
