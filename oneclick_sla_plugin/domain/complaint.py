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


class Stage(StrEnum):
    """Where a complaint stands. ``SUSPECTED`` is not in the register yet; the last three need a person."""

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
    EXTENSION_REFUSED = "extension_refused"
    RESPONDED = "responded"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DUPLICATED = "duplicated"


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

    ``received_at`` is the earliest receipt among it and its duplicates.
    ``extensions``: the later dates that were told to the customer, the oldest first;
    the ticket's field shows the last one only.
    """

    number: str | None
    stage: Stage
    received_at: datetime
    registered_at: datetime | None
    extensions: tuple[CaseEvent, ...] = ()
