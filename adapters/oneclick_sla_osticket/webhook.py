"""The plugin's events: believe a request or refuse it, then find the ticket it is about (PROTOCOL.md, section 2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from oneclick_sla_osticket.signing import Keys, event_is_signed
from oneclick_sla_plugin.errors import WebhookRejected
from oneclick_sla_plugin.ports import Doorbell

MEDIA_TYPE = "application/json"

TICKET_EVENTS = frozenset(
    {"ticket.created", "ticket.updated", "ticket.deleted", "message.created", "reply.created", "note.created"}
)
PING = "ping"


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """Which signatures are believed. Two ``keys`` at once let a secret be changed without a gap."""

    keys: Keys = field(repr=False)
    tolerance: timedelta


def receive(headers: Mapping[str, str], body: bytes, now: datetime, rule: SignatureRule) -> Doorbell:
    """Verify a request, then find its ticket.

    Raises ``WebhookRejected``: 415 ``media_type``; 401 ``unsigned``, ``signature`` or ``stale``.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise WebhookRejected(415, "media_type")
    verify(headers, body, now, rule)
    return find_ticket(body)


def verify(headers: Mapping[str, str], body: bytes, now: datetime, rule: SignatureRule) -> None:
    """Raise ``WebhookRejected`` (401) unless one of the rule's keys signed exactly these bytes, recently.

    Each attempt has its own timestamp, so an event that waited for hours is no older than its last attempt.
    """
    id_, timestamp, signatures = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not id_ or not timestamp or not signatures:
        raise WebhookRejected(401, "unsigned")
    if not event_is_signed(rule.keys, id_, timestamp, signatures, body):
        raise WebhookRejected(401, "signature")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise WebhookRejected(401, "stale")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > rule.tolerance:
        raise WebhookRejected(401, "stale")


def find_ticket(body: bytes) -> Doorbell:
    """The ticket that a believed body is about, or the reason why there is nothing to look at."""
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        event = None
    kind = event.get("type") if isinstance(event, dict) else None
    if kind == PING:
        return Doorbell((), PING, "ping")
    if not isinstance(kind, str) or kind not in TICKET_EVENTS:
        return Doorbell((), "unknown", "unknown_event")
    ticket_id = ticket_of(event)
    return Doorbell((ticket_id,), kind) if ticket_id else Doorbell((), kind, "no_ticket")


def ticket_of(event: Mapping[str, Any]) -> str | None:
    """The id of the ticket that an event is about, ``None`` for an event without one."""
    data = event.get("data")
    ticket_id = data.get("ticket_id") if isinstance(data, dict) else None
    return str(ticket_id) if isinstance(ticket_id, int) and not isinstance(ticket_id, bool) and ticket_id > 0 else None
