"""What the simulated account holds: users, comments, audits, tickets. Frozen; a new state is a new record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from oneclick_sla_zendesk.simulator.fields import FieldValue

PROPERTIES = (
    "subject",
    "type",
    "priority",
    "status",
    "requester_id",
    "assignee_id",
    "group_id",
    "organization_id",
    "brand_id",
    "ticket_form_id",
    "external_id",
    "due_at",
)
"""Plain ticket properties that an update may set, each under its own name in the audit."""


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class User:
    """``role`` is ``end-user``, ``agent`` or ``admin``."""

    id: int
    name: str
    email: str
    role: str
    created_at: datetime
    updated_at: datetime
    organization_id: int | None = None
    tags: frozenset[str] = frozenset()
    active: bool = True
    suspended: bool = False

    @property
    def generated_at(self) -> datetime:
        """By which the export of users is ordered."""
        return self.updated_at

    @property
    def is_staff(self) -> bool:
        return self.role != "end-user"


@dataclass(frozen=True, slots=True)
class Organization:
    id: int
    name: str
    tags: frozenset[str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """``type`` is ``Comment`` or ``VoiceComment``."""

    id: int
    audit_id: int
    type: str
    author_id: int
    public: bool
    channel: str
    created_at: datetime
    html_body: str = field(repr=False)
    plain_body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One property that an update moved; ``name`` is the audit's ``field_name`` (a custom field's is its id)."""

    name: str
    previous: Any = field(repr=False)
    current: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Audit:
    """One update (or the creation) of a ticket by one user."""

    id: int
    ticket_id: int
    author_id: int
    channel: str
    created_at: datetime
    creates: bool
    changes: tuple[Change, ...]
    comment: Comment | None
    first_event_id: int
    custom_metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    source: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ticket:
    """``channel`` is REST's ``via.channel``, ``rel`` its ``via.source.rel``; instants are cut to seconds.

    ``generated_at`` moves with everything that is done to the ticket, ``updated_at``
    only with an update that makes an audit. ``sources`` is ``via.source.from``.
    """

    id: int
    created_at: datetime
    updated_at: datetime
    channel: str
    requester_id: int
    submitter_id: int
    subject: str = field(repr=False)
    rel: str | None = None
    recipient: str | None = None
    type: str | None = None
    priority: str | None = None
    status: str = "new"
    assignee_id: int | None = None
    group_id: int | None = None
    organization_id: int | None = None
    brand_id: int | None = 1
    ticket_form_id: int | None = 3
    external_id: str | None = None
    due_at: str | None = None
    tags: frozenset[str] = frozenset()
    values: Mapping[int, FieldValue] = field(default_factory=dict, repr=False)
    comments: tuple[Comment, ...] = ()
    audits: tuple[Audit, ...] = ()
    generated_at: datetime = _NEVER
    sources: Mapping[str, Any] = field(default_factory=dict, repr=False)
    satisfaction: str = "unoffered"
    followup_ids: tuple[int, ...] = ()

    @property
    def description(self) -> str:
        return self.comments[0].plain_body if self.comments else ""


def changes_between(before: Ticket, after: Ticket) -> tuple[Change, ...]:
    """What differs, property by property; tags as sorted lists, custom fields by their id."""
    plain = [
        Change(name, getattr(before, name), getattr(after, name))
        for name in PROPERTIES
        if getattr(before, name) != getattr(after, name)
    ]
    if before.tags != after.tags:
        plain.append(Change("tags", sorted(before.tags), sorted(after.tags)))
    plain.extend(
        Change(str(key), before.values.get(key), after.values.get(key))
        for key in sorted(before.values.keys() | after.values.keys())
        if before.values.get(key) != after.values.get(key)
    )
    return tuple(plain)
