"""The simulated helpdesk: its tickets, its words, and what happened to them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from oneclick_sla_plugin.errors import OneclickSlaError
from oneclick_sla_plugin.ports import Clock

PRIORITIES = (
    {"id": 4, "name": "emergency", "label": "Emergency", "urgency": 1},
    {"id": 3, "name": "high", "label": "High", "urgency": 2},
    {"id": 2, "name": "normal", "label": "Normal", "urgency": 3},
    {"id": 1, "name": "low", "label": "Low", "urgency": 4},
)
STATUSES = (
    {"id": 1, "name": "Open", "state": "open"},
    {"id": 2, "name": "Resolved", "state": "closed"},
    {"id": 3, "name": "Closed", "state": "closed"},
    {"id": 4, "name": "Archived", "state": "archived"},
    {"id": 5, "name": "Deleted", "state": "deleted"},
)
TOPICS = ("General Inquiry", "Feedback", "Chat", "WhatsApp", "Social network", "Voice mail", "Other")

_STAGES = (
    "suspected",
    "registered",
    "acknowledged",
    "investigating",
    "responded",
    "follow_up",
    "closed",
    "rejected",
    "withdrawn",
    "duplicate",
)
FIELDS: Mapping[str, tuple[str, str, Sequence[str]]] = {
    "sla_state": ("SLA state", "choices", ("on_track", "at_risk", "breached")),
    "sla_priority": ("SLA priority", "choices", ("low", "normal", "high", "urgent")),
    "sla_next_due_at": ("SLA next due", "datetime", ()),
    "sla_first_reply_due_at": ("SLA first reply due", "datetime", ()),
    "sla_resolution_due_at": ("SLA resolution due", "datetime", ()),
    "sla_complaint_stage": ("SLA complaint stage", "choices", _STAGES),
    "sla_complaint_number": ("SLA complaint number", "text", ()),
    "sla_complaint_response_due_at": ("SLA complaint response due", "datetime", ()),
    "sla_promised_at": ("SLA promised date", "datetime", ()),
    "sla_extension_reason": ("SLA extension reason", "text", ()),
    "sla_tags": ("SLA tags", "text", ()),
}
"""The plugin's fields: label, type, choices."""

OBJECTS: Mapping[str, str] = {
    **{f"field:{name}": f'ticket field "{label}"' for name, (label, _, _) in FIELDS.items()},
    "badges": 'badges in the column "Subject"',
    "queue:complaints": 'queue "Complaints"',
    "queue:at_risk": 'queue "SLA at risk"',
    "banner": "banner on the ticket page",
}

AGENT_ID = 1


class Refusal(OneclickSlaError):
    """An answer of the plugin that is no success: its status, its word, and what else it says."""

    def __init__(self, status: int, word: str, **facts: Any) -> None:
        self.status = status
        self.word = word
        self.facts = facts
        super().__init__(word)


@dataclass(slots=True)
class Entry:
    id: int
    type: str
    at: datetime
    agent_id: int | None
    user_id: int | None
    text: str = field(repr=False)
    source: str | None = None
    keys: list[str] | None = None
    title: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Ticket:
    id: int
    number: str
    subject: str = field(repr=False)
    source: str
    topic_id: int
    recipient: str | None
    user_id: int
    created_at: datetime
    updated_at: datetime
    changed_at: datetime
    status_id: int = 1
    priority_id: int = 2
    agent_id: int | None = None
    organization_id: int | None = None
    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    due_at: datetime | None = None
    answered: bool = False
    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    tags: list[str] = field(default_factory=list)
    thread: list[Entry] = field(default_factory=list)
    history: list[tuple[datetime, str, int | None, str]] = field(default_factory=list)
    record: Any = None
    merged_into: int | None = None
    writes: int = 0

    @property
    def state(self) -> str:
        return str(_by_id(STATUSES, self.status_id)["state"])

    @property
    def version(self) -> str:
        """Changes with whatever an agent can see but the record; looking changes nothing."""
        seen = [
            self.status_id,
            self.priority_id,
            self.agent_id,
            self.organization_id,
            [str(at) for at in (self.closed_at, self.reopened_at, self.due_at)],
            self.answered,
            self.fields,
            self.tags,
            [entry.id for entry in self.thread],
        ]
        return hashlib.md5(json.dumps(seen, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the plugin tells of a ticket."""

    type: str
    ticket_id: int
    actor: str
    changes: Sequence[str] = ()
    entry_ids: Sequence[int] = ()


class Desk:
    """All tickets; whoever reads or changes them holds :attr:`lock`."""

    def __init__(self, clock: Clock, *, first_ticket_id: int, first_entry_id: int) -> None:
        self.lock = threading.RLock()
        self.tickets: dict[int, Ticket] = {}
        self.standing: set[str] = set()
        self.requests: dict[str, tuple[int, str, dict[str, Any]]] = {}
        self._clock = clock
        self._first_ticket_id, self._next_entry_id = first_ticket_id, first_entry_id
        self._made = 0
        self.listener: Callable[[Happening], None] = lambda _happening: None

    def now(self) -> datetime:
        """The present in whole seconds, as osTicket's database keeps it."""
        return self._clock().astimezone(UTC).replace(microsecond=0)

    def ticket(self, ticket_id: int) -> Ticket:
        if ticket_id not in self.tickets:
            raise Refusal(404, "no_ticket")
        return self.tickets[ticket_id]

    def has_field(self, name: str) -> bool:
        return f"field:{name}" in self.standing

    def open(self, *, subject: str, text: str, source: str, topic: str, recipient: str | None) -> Ticket:
        ticket_id = self._first_ticket_id + self._made
        self._made += 1
        now = self.now()
        ticket = self.tickets[ticket_id] = Ticket(
            id=ticket_id,
            number=f"{(ticket_id * 144_329) % 900_000 + 100_000}",
            subject=subject,
            source=source,
            topic_id=TOPICS.index(topic) + 1,
            recipient=recipient,
            user_id=ticket_id,
            created_at=now,
            updated_at=now,
            changed_at=now,
        )
        ticket.history.append((now, "created", None, "user"))
        self.post(ticket, "message", text, user_id=ticket.user_id, source=source, title=subject)
        return ticket

    def post(self, ticket: Ticket, type_: str, text: str, **facts: Any) -> Entry:
        """Add an entry to the thread; it counts as a change whoever writes it."""
        values = {"agent_id": None, "user_id": None, **facts}
        entry = Entry(id=self._next_entry_id, type=type_, at=self.now(), text=text.strip(), **values)
        self._next_entry_id += 1
        ticket.thread.append(entry)
        ticket.changed_at = self.now()
        return entry

    def touch(self, ticket: Ticket) -> None:
        ticket.updated_at = ticket.changed_at = self.now()

    def set_status(self, ticket: Ticket, status_id: int, by: str) -> Sequence[str]:
        """Change the status; returns the names of the columns that changed."""
        if status_id == ticket.status_id:
            return ()
        was, now = ticket.state, self.now()
        ticket.status_id = status_id
        self.touch(ticket)
        if ticket.state == "open" and was != "open":
            ticket.closed_at, ticket.reopened_at = None, now
            ticket.history.append((now, "reopened", None, by))
            return ("status_id", "closed", "reopened")
        if ticket.state != "open" and was == "open":
            if ticket.due_at is not None and ticket.due_at < now:
                ticket.due_at = None  # osTicket empties the due date of a late ticket
            ticket.closed_at = now
            ticket.history.append((now, "closed", status_id, by))
            return ("status_id", "closed")
        ticket.history.append((now, "edited", status_id, by))
        return ("status_id",)

    def merge(self, ticket: Ticket, into: Ticket) -> None:
        """Close a ticket and give its entries to another one; its history goes with them."""
        self.set_status(ticket, 3, "agent")
        # Notes of ours were told of the ticket that they were written to.
        moved = [replace(entry, keys=None if entry.keys is None else []) for entry in ticket.thread]
        into.thread = sorted([*into.thread, *moved], key=lambda entry: (entry.at, entry.id))
        into.history.append((self.now(), "merged", None, "agent"))
        into.changed_at = self.now()
        ticket.merged_into, ticket.thread, ticket.history = into.id, [], []

    def shown(self, ticket: Ticket) -> dict[str, Any]:
        """The ticket as the API shows it."""
        return {
            "id": ticket.id,
            "number": ticket.number,
            "version": ticket.version,
            "subject": ticket.subject,
            "source": ticket.source,
            "recipient": ticket.recipient,
            "status": _by_id(STATUSES, ticket.status_id),
            "priority": _by_id(PRIORITIES, ticket.priority_id),
            "department": {"id": 1, "name": "Support"},
            "topic": {"id": ticket.topic_id, "name": TOPICS[ticket.topic_id - 1]},
            "sla": {"id": 1, "name": "Default SLA"},
            "assignee": {"agent_id": ticket.agent_id, "team_id": None},
            "requester": {"id": ticket.user_id, "organization_id": ticket.organization_id},
            "created_at": text_of(ticket.created_at),
            "updated_at": text_of(ticket.updated_at),
            "closed_at": text_of(ticket.closed_at),
            "reopened_at": text_of(ticket.reopened_at),
            "due_at": text_of(ticket.due_at),
            "sla_due_at": None,
            "overdue": ticket.state == "open" and ticket.due_at is not None and ticket.due_at < self.now(),
            "answered": ticket.answered,
            "merged_into": ticket.merged_into,
            "fields": {name: value for name, value in ticket.fields.items() if self.has_field(name)},
            "tags": list(ticket.tags) if self.has_field("sla_tags") else [],
            "thread": [
                {
                    "id": entry.id,
                    "type": entry.type,
                    "at": text_of(entry.at),
                    "agent_id": entry.agent_id,
                    "user_id": entry.user_id,
                    "source": entry.source,
                    "keys": entry.keys,
                    "title": entry.title,
                    "text": entry.text,
                }
                for entry in ticket.thread
            ],
            "history": [
                {"at": text_of(at), "event": event, "status_id": status_id, "by": by}
                for at, event, status_id, by in ticket.history
            ],
            "record": ticket.record,
        }


def text_of(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _by_id(entries: Sequence[Mapping[str, Any]], id_: int) -> Any:
    return next(entry for entry in entries if entry["id"] == id_)
