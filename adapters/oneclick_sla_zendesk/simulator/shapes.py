"""The JSON of the ticketing API: integers for ids, lower case for words, instants in whole seconds of UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from oneclick_sla_zendesk.simulator.fields import TicketField
from oneclick_sla_zendesk.simulator.records import Audit, Comment, Organization, Ticket, User


def instant(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def ticket_json(ticket: Ticket, fields: Sequence[TicketField], base_url: str) -> dict[str, Any]:
    values = [
        {"id": field.id, "value": ticket.values.get(field.id, field.empty)} for field in fields if not field.system
    ]
    return {
        "url": f"{base_url}/api/v2/tickets/{ticket.id}.json",
        "id": ticket.id,
        "external_id": ticket.external_id,
        "via": {
            "channel": ticket.channel,
            "source": {
                "from": dict(ticket.sources),
                "to": {"address": ticket.recipient} if ticket.recipient else {},
                "rel": ticket.rel,
            },
        },
        "created_at": instant(ticket.created_at),
        "updated_at": instant(ticket.updated_at),
        "type": ticket.type,
        "subject": ticket.subject,
        "raw_subject": ticket.subject,
        "description": ticket.description,
        "priority": ticket.priority,
        "status": ticket.status,
        "custom_status_id": 2,
        "recipient": ticket.recipient,
        "requester_id": ticket.requester_id,
        "submitter_id": ticket.submitter_id,
        "assignee_id": ticket.assignee_id,
        "organization_id": ticket.organization_id,
        "group_id": ticket.group_id,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "problem_id": None,
        "has_incidents": False,
        "is_public": any(comment.public for comment in ticket.comments),
        "due_at": ticket.due_at,
        "tags": sorted(ticket.tags),
        "custom_fields": values,
        "fields": values,
        "followup_ids": list(ticket.followup_ids),
        "satisfaction_rating": {"score": ticket.satisfaction},
        "ticket_form_id": ticket.ticket_form_id,
        "brand_id": ticket.brand_id,
        "from_messaging_channel": False,
    }


def comment_json(comment: Comment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": comment.id,
        "type": comment.type,
        "author_id": comment.author_id,
        "body": comment.plain_body,
        "html_body": comment.html_body,
        "plain_body": comment.plain_body,
        "public": comment.public,
        "attachments": [],
        "audit_id": comment.audit_id,
        "via": {"channel": comment.channel, "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": instant(comment.created_at),
        "metadata": {"system": {}, "custom": {}},
    }
    if comment.type == "VoiceComment":
        shown["data"] = {"started_at": instant(comment.created_at), "call_duration": 60}
    return shown


def audit_json(audit: Audit) -> dict[str, Any]:
    events: list[dict[str, Any]] = []
    if audit.comment is not None:
        # The event of a comment has the comment's own id.
        events.append(comment_json(audit.comment))
    for number, change in enumerate(audit.changes, start=1):
        event = {
            "id": audit.first_event_id + number,
            "type": "Create" if audit.creates else "Change",
            "field_name": change.name,
            "value": _audited(change.current),
        }
        if not audit.creates:
            event["previous_value"] = _audited(change.previous)
        events.append(event)
    return {
        "id": audit.id,
        "ticket_id": audit.ticket_id,
        "created_at": instant(audit.created_at),
        "author_id": audit.author_id,
        "metadata": {"system": {"client": "simulator"}, "custom": dict(audit.custom_metadata)},
        "events": events,
        "via": {"channel": audit.channel, "source": {"from": {}, "to": {}, "rel": None, **audit.source}},
    }


def _audited(value: Any) -> Any:
    """Audits name other records and checkboxes as text; tags stay a list."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int) else value


def user_json(user: User, base_url: str) -> dict[str, Any]:
    return {
        "url": f"{base_url}/api/v2/users/{user.id}.json",
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "active": user.active,
        "suspended": user.suspended,
        "organization_id": user.organization_id,
        "tags": sorted(user.tags),
        "created_at": instant(user.created_at),
        "updated_at": instant(user.updated_at),
    }


def organization_json(organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.id,
        "name": organization.name,
        "tags": sorted(organization.tags),
        "created_at": instant(organization.created_at),
    }


def field_json(field: TicketField, base_url: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "url": f"{base_url}/api/v2/ticket_fields/{field.id}.json",
        "id": field.id,
        "type": field.type,
        "title": field.title,
        "raw_title": field.title,
        "description": field.description,
        "agent_description": field.agent_description,
        "active": field.active,
        "required": False,
        "regexp_for_validation": field.regexp,
        "tag": field.tag,
        "removable": not field.system,
        "created_at": instant(field.created_at),
        "updated_at": instant(field.updated_at),
    }
    if field.type == "tagger":
        shown["custom_field_options"] = [
            {"id": option.id, "name": option.name, "raw_name": option.name, "value": option.value, "default": False}
            for option in field.options
        ]
    return shown


def page_json(
    name: str, items: Sequence[Mapping[str, Any]], *, more: bool, cursor: str | None, next_url: str | None
) -> dict[str, Any]:
    """One page of a cursor-paginated list. https://developer.zendesk.com/api-reference/introduction/pagination/"""
    return {
        name: list(items),
        "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
        "links": {"next": next_url, "prev": None},
    }
