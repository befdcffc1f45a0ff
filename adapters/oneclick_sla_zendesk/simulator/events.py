"""What the simulated account tells event webhooks: one event for each property that changed.

Ids are text, words in upper case, a missing id is any of ``"0"``, ``""`` and
``null``, custom fields are not in ``detail``: all unlike REST, as on the real one.
https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oneclick_sla_zendesk.simulator.account import Happening
from oneclick_sla_zendesk.simulator.fields import TicketField
from oneclick_sla_zendesk.simulator.records import Change, Ticket, User
from oneclick_sla_zendesk.simulator.shapes import instant

PREFIX = "zen:event-type:"
ACCOUNT_ID = 123

_CHANNELS: Mapping[tuple[str, str | None], str] = {
    ("web", None): "web_form",
    ("email", None): "mail",
    ("api", None): "web_service",
    ("twitter", None): "twitter",
    ("voice", "inbound"): "phone_call_inbound",
    ("voice", "voicemail"): "voicemail",
}
"""Events name channels in another vocabulary than REST; those missing here are alike in both."""

_WORDS = {"priority": "priority_changed", "status": "status_changed", "type": "type_changed"}
_IDS = {
    "assignee_id": "agent_assignment_changed",
    "brand_id": "brand_changed",
    "group_id": "group_assignment_changed",
    "organization_id": "organization_changed",
    "requester_id": "requester_changed",
    "ticket_form_id": "form_changed",
}
_UNTOLD = frozenset({"satisfaction_score"})
"""Changes that no subscribed event tells of."""

_TEXTS = {"subject": "subject_changed", "external_id": "external_id_changed", "due_at": "task_due_at_changed"}


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``body`` is sent as it is, pretty-printed and with a newline at its end."""

    id: str
    type: str
    body: bytes = field(repr=False)


def events_of(
    happening: Happening, users: Mapping[int, User], fields: Mapping[int, TicketField], now: datetime
) -> list[Event]:
    """The events of one update, creation or deletion. A creation also announces its first comment."""
    events = []
    for name, payload in _payloads(happening, users, fields):
        event_id = str(uuid.uuid4())
        envelope = {
            "account_id": ACCOUNT_ID,
            "id": event_id,
            "type": f"{PREFIX}ticket.{name}",
            "subject": f"zen:ticket:{happening.ticket.id}",
            "time": now.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z",
            "zendesk_event_version": "2022-11-06",
            "event": payload,
            "detail": _detail(happening.ticket, happening.actor),
        }
        body = json.dumps(envelope, indent=2, ensure_ascii=False) + "\n"
        events.append(Event(event_id, f"{PREFIX}ticket.{name}", body.encode()))
    return events


def _payloads(
    happening: Happening, users: Mapping[int, User], fields: Mapping[int, TicketField]
) -> Iterator[tuple[str, dict[str, Any]]]:
    audit = happening.audit
    if audit is None:
        if happening.spam:
            yield "marked_as_spam", {}
        yield "soft_deleted", {}
        return
    if happening.merged_into is not None:
        yield "merged", {"target_ticket_id": str(happening.merged_into)}
    if audit.creates:
        yield "created", {}
    else:
        for change in audit.changes:
            if change.name not in _UNTOLD:
                yield _changed(change, fields)
    if audit.comment is not None:
        author = users[audit.comment.author_id]
        yield (
            "comment_added",
            {
                "comment": {
                    "id": str(audit.comment.id),
                    "body": audit.comment.plain_body,
                    "is_public": audit.comment.public,
                    "author": {"id": str(author.id), "is_staff": author.is_staff, "name": author.name},
                }
            },
        )


def _changed(change: Change, fields: Mapping[int, TicketField]) -> tuple[str, dict[str, Any]]:
    name, previous, current = change.name, change.previous, change.current
    if name in _WORDS:
        return _WORDS[name], {"current": _upper(current), "previous": _upper(previous)}
    if name in _IDS:
        return _IDS[name], {"current": _id(current), "previous": _id(previous)}
    if name in _TEXTS:
        return _TEXTS[name], {"current": current, "previous": previous}
    if name == "tags":
        return "tags_changed", {
            "tags_added": [tag for tag in current if tag not in previous],
            "tags_removed": [tag for tag in previous if tag not in current],
        }
    ticket_field = fields[int(name)]
    return "custom_field_changed", {
        "custom_field": {"id": name, "title": ticket_field.title, "type": ticket_field.type},
        "current": {"value": current},
        "previous": {"value": previous},
    }


def _detail(ticket: Ticket, actor: User) -> dict[str, Any]:
    channel = _CHANNELS.get((ticket.channel, ticket.rel), ticket.channel)
    return {
        "id": str(ticket.id),
        "status": _upper(ticket.status),
        "priority": _upper(ticket.priority),
        "type": _upper(ticket.type),
        "subject": ticket.subject,
        "description": ticket.description,
        "tags": sorted(ticket.tags),
        "actor_id": str(actor.id),
        "assignee_id": _id(ticket.assignee_id),
        "brand_id": _id(ticket.brand_id),
        "custom_status": "2",
        "external_id": ticket.external_id,
        "form_id": _id(ticket.ticket_form_id),
        "group_id": "" if ticket.group_id is None else str(ticket.group_id),
        "is_public": any(comment.public for comment in ticket.comments),
        "organization_id": None if ticket.organization_id is None else str(ticket.organization_id),
        "requester_id": str(ticket.requester_id),
        "submitter_id": str(ticket.submitter_id),
        "via": {"channel": channel},
        "created_at": instant(ticket.created_at),
        "updated_at": instant(ticket.updated_at),
    }


def _upper(word: str | None) -> str | None:
    return None if word is None else word.upper()


def _id(value: int | None) -> str:
    return "0" if value is None else str(value)
