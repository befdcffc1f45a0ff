"""A complaint as values: its stages, what happened to it, and its case as it stands.

The case is derived from the ticket anew at each look (``procedure``); what must
outlive the helpdesk, its number and its events, stands in the register. Nothing
here holds a text of a customer: events name messages by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from oneclick_sla_plugin.domain.model import Channel

COMMANDED_BY = "by"
"""The fact of an event that says how an agent commanded it: :data:`STAGE_FIELD`, or the name of a tag."""

STAGE_FIELD = "stage field"


class Stage(StrEnum):
    """Where a complaint stands. ``SUSPECTED`` has no number yet; the last three need a person and a reason."""

    SUSPECTED = "suspected"
    REGISTERED = "registered"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    RESPONDED = "responded"
    FOLLOW_UP = "follow_up"
    CLOSED = "closed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"


class ComplaintType(StrEnum):
    """Peru, DS 011-2011-PCM: a reclamo is about the product or service, a queja about how one was attended."""

    QUEJA = "queja"
    RECLAMO = "reclamo"


class Happened(StrEnum):
    """What can happen to a complaint; the names of the events in the register."""

    SUSPECTED = "suspected"
    REGISTERED = "registered"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATED = "investigated"
    EXTENDED = "extended"
    RESPONDED = "responded"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DUPLICATED = "duplicated"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a ticket is taken for a complaint: by an agent's word, or by what a message of the customer says.

    ``certain``: registered without asking; else an agent has to confirm it.
    ``message``: the one that carries it, ``None`` for the customer's first.
    ``escalations``: the messages that name a consumer body or a legal step.
    ``rejected``: it was registered or suspected, and an agent says that it is none.
    """

    certain: bool
    by_agent: bool = False
    type: ComplaintType | None = None
    message: str | None = None
    rules: tuple[tuple[str, float], ...] = ()
    escalations: frozenset[str] = frozenset()
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """Something that happened, with its evidence.

    ``actor``: customer, agent, us, system. ``message``: the id of the message that
    shows it. ``facts``: ids, rule ids, instants (RFC 3339) and reasons in words of
    ours; never a text of a customer. An event is the same one again when ``what``,
    ``at``, ``message`` and ``level`` are.
    """

    what: Happened
    at: datetime
    actor: str
    message: str | None = None
    level: int = 1
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint as the ticket shows it now.

    ``received_at`` is the instant of the customer's message (``message``) that carries
    it. ``level`` counts how often it was taken up again, from 1. ``rules``: why it is
    taken for a complaint, rule ids with their weights.
    """

    stage: Stage
    type: ComplaintType | None
    channel: Channel
    received_at: datetime
    message: str | None
    level: int
    events: tuple[CaseEvent, ...]
    rules: tuple[tuple[str, float], ...] = ()

    @property
    def registered(self) -> bool:
        """Whether it was taken for a complaint: more than a suspicion, judged or not."""
        return any(event.what is Happened.REGISTERED for event in self.events)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the register has of a complaint. ``number`` is for instance ``2026-000017``; ``None`` for a suspect.

    ``received_at`` is the earliest receipt among it and its duplicates; ``merged``: a
    registered complaint is one of these. What the ticket shows no more, the oldest first:
    ``extensions`` are the later dates that were told to the customer (its field has the
    last one only), ``commands`` what agents did with the stage field and with tags, at
    the instants at which that was first seen.
    """

    number: str | None
    stage: Stage
    received_at: datetime
    registered_at: datetime | None
    extensions: tuple[CaseEvent, ...] = ()
    commands: tuple[CaseEvent, ...] = ()
    merged: bool = False
