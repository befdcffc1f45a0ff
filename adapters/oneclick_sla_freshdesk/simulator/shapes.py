"""The JSON of the API: integers for ids and choices, instants in whole seconds of UTC."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from oneclick_sla_freshdesk.simulator import text
from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.records import CLOSED, RESOLVED, Conversation, Person, Ticket, instant

EMBEDDED_CONVERSATIONS = 10
"""At most so many come with a ticket, the oldest first."""
_LEGACY_NAMES = {
    "fr_due_by": "frDueBy",
    "is_escalated": "isescalated",
    "type": "ticket_type",
    "custom_fields": "custom_field",
}
SUPPORT_EMAIL = "support@example.freshdesk.com"


def ticket_json(
    account: Account, ticket: Ticket, *, include: Collection[str] = (), described: bool = True
) -> dict[str, Any]:
    """A ticket; ``described`` adds its text, which lists leave out."""
    now = account.now()
    shown: dict[str, Any] = {
        "id": ticket.id,
        "subject": ticket.subject,
        "type": ticket.type,
        "status": ticket.status,
        "priority": ticket.priority,
        "source": ticket.source,
        "requester_id": ticket.requester_id,
        "responder_id": ticket.responder_id,
        "group_id": ticket.group_id,
        "company_id": ticket.company_id,
        "product_id": ticket.product_id,
        "form_id": 298,
        "email_config_id": None,
        "association_type": None,
        "associated_tickets_count": None,
        "support_email": None,
        "to_emails": None if ticket.to_emails is None else list(ticket.to_emails),
        "cc_emails": list(ticket.cc_emails),
        "fwd_emails": [],
        "reply_cc_emails": list(ticket.cc_emails),
        "ticket_cc_emails": list(ticket.cc_emails),
        **_due_dates(account, ticket, now),
        "spam": ticket.spam,
        "tags": list(ticket.tags),
        "custom_fields": account.custom_fields(ticket),
        "created_at": instant(ticket.created_at),
        "updated_at": instant(ticket.updated_at),
    }
    if ticket.deleted:
        shown["deleted"] = True
    if described or "description" in include:
        shown |= {
            "description": ticket.description,
            "description_text": text.plain_of(ticket.description),
            "structured_description": None,
        }
    if described:
        shown |= {"attachments": [], "source_additional_info": None, "source_info": None, "sentiment_score": None}
    if "requester" in include:
        person = account.person(ticket.requester_id)
        shown["requester"] = {
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "mobile": None,
            "phone": person.phone,
        }
    if "stats" in include:
        shown["stats"] = stats_json(ticket)
    if "company" in include:
        shown["company"] = {} if ticket.company_id is None else {"id": ticket.company_id}
    if "conversations" in include:
        shown["conversations"] = [conversation_json(item) for item in ticket.conversations[:EMBEDDED_CONVERSATIONS]]
    return shown


def legacy_ticket_json(account: Account, ticket: Ticket) -> dict[str, Any]:
    """A ticket in the shape of the API's first version, which searches and old lists may still have."""
    shown = ticket_json(account, ticket, described=False)
    for name, legacy in _LEGACY_NAMES.items():
        shown[legacy] = shown.pop(name)
    shown["cc_email"] = {"cc_emails": shown.pop("cc_emails"), "fwd_emails": shown.pop("fwd_emails"), "reply_cc": []}
    return shown


def _due_dates(account: Account, ticket: Ticket, now: datetime) -> dict[str, Any]:
    if account.behaviour.null_due_dates and not ticket.due_by_hand:
        shown: dict[str, Any] = {"due_by": None, "fr_due_by": None, "is_escalated": False, "fr_escalated": False}
    else:
        late = ticket.due_by is not None and ticket.due_by < now and ticket.status not in (RESOLVED, CLOSED)
        unanswered = ticket.stats.first_responded_at is None
        shown = {
            "due_by": _maybe(ticket.due_by),
            "fr_due_by": _maybe(ticket.fr_due_by),
            "is_escalated": late,
            "fr_escalated": unanswered and ticket.fr_due_by is not None and ticket.fr_due_by < now,
        }
    return {**shown, "nr_due_by": None, "nr_escalated": False}


def stats_json(ticket: Ticket) -> dict[str, Any]:
    stats = ticket.stats
    return {
        "agent_responded_at": _maybe(stats.agent_responded_at),
        "requester_responded_at": _maybe(stats.requester_responded_at),
        "first_responded_at": _maybe(stats.first_responded_at),
        "status_updated_at": _maybe(stats.status_updated_at),
        "reopened_at": _maybe(stats.reopened_at),
        "resolved_at": _maybe(stats.resolved_at),
        "closed_at": _maybe(stats.closed_at),
        "pending_since": _maybe(stats.pending_since),
    }


def conversation_json(item: Conversation) -> dict[str, Any]:
    return {
        "id": item.id,
        "ticket_id": item.ticket_id,
        "body": item.body,
        "body_text": text.plain_of(item.body),
        "incoming": item.incoming,
        "private": item.private,
        "user_id": item.user_id,
        "source": item.source,
        "category": 2 if item.private else 1,
        "support_email": None if item.from_email is None or item.incoming else SUPPORT_EMAIL,
        "from_email": item.from_email,
        "to_emails": list(item.to_emails),
        "cc_emails": list(item.cc_emails),
        "bcc_emails": list(item.bcc_emails),
        "email_failure_count": None,
        "outgoing_failures": None,
        "attachments": [],
        "created_at": instant(item.created_at),
        "updated_at": instant(item.updated_at),
    }


def contact_json(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "mobile": None,
        "active": False,
        "address": None,
        "company_id": None,
        "description": None,
        "job_title": None,
        "language": "en",
        "time_zone": "Lima",
        "twitter_id": None,
        "unique_external_id": None,
        "other_emails": [],
        "tags": [],
        "custom_fields": {},
        "created_at": instant(person.created_at),
        "updated_at": instant(person.created_at),
    }


def agent_json(person: Person) -> dict[str, Any]:
    created = instant(person.created_at)
    return {
        "id": person.id,
        "available": True,
        "occasional": False,
        "ticket_scope": 1,
        "type": "support_agent",
        "signature": None,
        "group_ids": [],
        "role_ids": [1 if person.admin else 2],
        "available_since": None,
        "last_active_at": created,
        "created_at": created,
        "updated_at": created,
        "contact": {
            "active": True,
            "email": person.email,
            "job_title": None,
            "language": "en",
            "last_login_at": created,
            "mobile": None,
            "name": person.name,
            "phone": person.phone,
            "time_zone": "Lima",
            "created_at": created,
            "updated_at": created,
        },
    }


def _maybe(value: datetime | None) -> str | None:
    return None if value is None else instant(value)
