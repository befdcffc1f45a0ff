"""What the simulated account holds: people, conversations, tickets. Frozen; a new state is a new record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

OPEN, PENDING, RESOLVED, CLOSED = 2, 3, 4, 5
"""The four statuses that every account has; custom ones follow from 6 on."""

PRIORITIES: Mapping[int, str] = {1: "Low", 2: "Medium", 3: "High", 4: "Urgent"}
SOURCES: Mapping[int, str] = {
    1: "Email",
    2: "Portal",
    3: "Phone",
    4: "Forum",
    5: "Twitter",
    6: "Facebook",
    7: "Chat",
    8: "MobiHelp",
    9: "Feedback Widget",
    10: "Outbound Email",
    11: "Ecommerce",
    12: "Bot",
    13: "Whatsapp",
    14: "Chat - Internal Task",
    15: "Web Chat",
}

REPLY, NOTE, PHONE = 0, 2, 9
"""Sources of conversations; the vocabulary is another one than that of tickets."""


def instant(value: datetime) -> str:
    """As the API shows instants: UTC in whole seconds."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


class Performer(IntEnum):
    """Who did something, in the numbers of automation rules; 3 is either of the first two."""

    AGENT = 1
    CUSTOMER = 2
    SYSTEM = 4


@dataclass(frozen=True, slots=True)
class Person:
    """An agent or a contact; the address is in lower case."""

    id: int
    name: str
    email: str | None
    created_at: datetime
    agent: bool = False
    admin: bool = False
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A reply or a note; ``incoming`` when the customer wrote it."""

    id: int
    ticket_id: int
    created_at: datetime
    updated_at: datetime
    user_id: int
    source: int
    incoming: bool
    private: bool
    body: str = field(repr=False)
    from_email: str | None = None
    to_emails: tuple[str, ...] = ()
    cc_emails: tuple[str, ...] = ()
    bcc_emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stats:
    agent_responded_at: datetime | None = None
    requester_responded_at: datetime | None = None
    first_responded_at: datetime | None = None
    status_updated_at: datetime | None = None
    reopened_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    pending_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """``due_by_hand``: somebody wrote the due dates, so the account does not move them any more.

    ``own_writes`` counts the updates of the integration's agent.
    """

    id: int
    created_at: datetime
    updated_at: datetime
    requester_id: int
    source: int
    subject: str = field(repr=False)
    description: str = field(repr=False)
    status: int = OPEN
    priority: int = 1
    type: str | None = None
    responder_id: int | None = None
    group_id: int | None = None
    product_id: int | None = None
    company_id: int | None = None
    to_emails: tuple[str, ...] | None = None
    cc_emails: tuple[str, ...] = ()
    due_by: datetime | None = None
    fr_due_by: datetime | None = None
    due_by_hand: bool = False
    spam: bool = False
    deleted: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()
    custom_fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    stats: Stats = Stats()
    conversations: tuple[Conversation, ...] = ()
    own_writes: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One property that moved, under the name that automation rules have for it."""

    name: str
    previous: Any = field(repr=False)
    current: Any = field(repr=False)


_EVENT_NAMES = {"type": "ticket_type"}
_WATCHED = ("status", "priority", "type", "group_id", "responder_id", "product_id", "source", "subject", "due_by")


def changes_between(before: Ticket, after: Ticket) -> tuple[Change, ...]:
    """What differs, property by property, custom fields last; tags, whose event nothing here listens to, are left out."""
    plain = [
        Change(_EVENT_NAMES.get(name, name), getattr(before, name), getattr(after, name))
        for name in _WATCHED
        if getattr(before, name) != getattr(after, name)
    ]
    names = dict.fromkeys([*before.custom_fields, *after.custom_fields])
    pairs = ((name, before.custom_fields.get(name), after.custom_fields.get(name)) for name in names)
    return (*plain, *(Change(name, old, new) for name, old, new in pairs if old != new))


@dataclass(frozen=True, slots=True)
class Happening:
    """What the account tells its listener: ``ticket`` was created, changed, written on or (``deleted``) thrown away."""

    ticket: Ticket
    performer: Performer
    actor_id: int | None
    created: bool = False
    deleted: bool = False
    changes: tuple[Change, ...] = ()
    conversation: Conversation | None = None
    via_api: bool = False
