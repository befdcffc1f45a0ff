"""Zendesk's webhooks: believe a request or refuse it, then find the ticket it is about.

Signature: https://developer.zendesk.com/documentation/webhooks/verifying/ .
Two kinds of webhook exist and both are taken: event-subscribed ones
(https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/),
whose envelope has a fixed shape, and trigger-connected ones, whose body is a
template of the admin. Only the ticket's id is used from either; what the ticket
looks like is asked of the API.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from oneclick_sla_plugin.errors import WebhookRejected
from oneclick_sla_plugin.ports import Doorbell

MEDIA_TYPES = frozenset({"application/json"})

PUBLIC_TEST_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 - printed in Zendesk's manual
"""Signs the requests of "Test webhook" before a webhook exists. Everybody knows it."""

SIGNATURE_HEADER = "x-zendesk-webhook-signature"
TIMESTAMP_HEADER = "x-zendesk-webhook-signature-timestamp"

_EVENT_PREFIX = "zen:event-type:"

CONDITIONAL = "conditional_ticket_events"
"""The one subscription of a webhook that triggers call; it excludes all others."""

SUBSCRIPTIONS = tuple(
    f"{_EVENT_PREFIX}ticket.{name}"
    for name in (
        "created",
        "comment_added",
        "priority_changed",
        "status_changed",
        "custom_field_changed",
        "tags_changed",
        "group_assignment_changed",
        "organization_changed",
        "requester_changed",
        "merged",
        "soft_deleted",
        "permanently_deleted",
        "undeleted",
    )
)
"""What our webhook asks for. ``tags_changed`` too: agents give their commands as tags; our own changes are dropped."""

_KNOWN_EVENTS = frozenset(event.removeprefix(_EVENT_PREFIX) for event in SUBSCRIPTIONS) | {
    "ticket.agent_assignment_changed",
    "ticket.comment_made_private",
    "ticket.comment_redacted",
    "ticket.custom_status_changed",
    "ticket.marked_as_spam",
    "ticket.subject_changed",
}

_TICKET_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_TICKET_SUBJECT = re.compile(r"zen:ticket:([1-9][0-9]{0,18})", re.ASCII)
_TEMPLATE_ID = re.compile(rb'"ticket_id"\s*:\s*"?(\d{1,19})(?!\d)')


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """Which signatures are believed. Two ``secrets`` at once let one be changed without a gap."""

    secrets: tuple[SecretStr, ...]
    tolerance: timedelta
    allow_test_secret: bool = False


def receive(
    headers: Mapping[str, str], body: bytes, now: datetime, rule: SignatureRule, own_id: str | None
) -> Doorbell:
    """Verify a request, then find its ticket. ``own_id``: the user our writes run under, when known.

    Raises ``WebhookRejected``: 415 ``media_type``; 401 ``unsigned``, ``signature``,
    ``test_secret`` or ``stale``.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() not in MEDIA_TYPES:
        raise WebhookRejected(415, "media_type")
    verify(headers, body, now, rule)
    return find_ticket(body, own_id)


def verify(headers: Mapping[str, str], body: bytes, now: datetime, rule: SignatureRule) -> None:
    """Raise ``WebhookRejected`` (401) unless one of the rule's secrets signed exactly these bytes, recently.

    The key is the secret's text as it stands, not what it decodes to; the signed
    bytes are the timestamp's text and then the body, with nothing between. Zendesk
    names no age at which a signature ends: the tolerance is ours, either way.
    """
    signature, timestamp = headers.get(SIGNATURE_HEADER), headers.get(TIMESTAMP_HEADER)
    if not signature or not timestamp:
        raise WebhookRejected(401, "unsigned")
    given = signature.encode("utf-8", "surrogateescape")
    own_secrets = [secret.get_secret_value() for secret in rule.secrets]
    # Every secret is tried, so that the time taken does not tell which one matched.
    matching = [
        secret
        for secret in (*own_secrets, PUBLIC_TEST_SECRET)
        if hmac.compare_digest(sign(secret, timestamp, body).encode(), given)
    ]
    if not matching:
        raise WebhookRejected(401, "signature")
    if PUBLIC_TEST_SECRET in matching and not rule.allow_test_secret:
        raise WebhookRejected(401, "test_secret")
    at = _instant(timestamp)
    if at is None or abs(now - at) > rule.tolerance:
        raise WebhookRejected(401, "stale")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The signature that Zendesk puts on ``body`` at ``timestamp``."""
    signed = timestamp.encode("utf-8", "surrogateescape") + body
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode("ascii")


def find_ticket(body: bytes, own_id: str | None) -> Doorbell:
    """The ticket that a believed body is about, or the reason why there is nothing to look at."""
    try:
        envelope: Any = json.loads(body)
    except (ValueError, RecursionError):
        # A placeholder with a quotation mark in it breaks the template's JSON, but not the id.
        found = _TEMPLATE_ID.search(body)
        return _doorbell("trigger", found.group(1).decode("ascii") if found else None)
    if not isinstance(envelope, dict):
        return _doorbell("unknown", None)
    kind = envelope.get("type")
    if isinstance(kind, str) and kind.startswith(_EVENT_PREFIX):
        return _of_event(kind.removeprefix(_EVENT_PREFIX), envelope, own_id)
    return _doorbell("trigger", envelope.get("ticket_id"))


def _of_event(name: str, envelope: Mapping[str, Any], own_id: str | None) -> Doorbell:
    if name not in _KNOWN_EVENTS:
        return Doorbell((), "unknown", "unknown_event")
    detail = envelope.get("detail")
    if not isinstance(detail, dict):
        detail = {}
    if str(detail.get("actor_id")) == own_id:
        return Doorbell((), name, "own_change")
    # Ids are strings here; one that is missing may be null, "" or "0".
    ticket_id = _ticket_id(detail.get("id"))
    if ticket_id is None:
        subject = _TICKET_SUBJECT.fullmatch(str(envelope.get("subject")))
        ticket_id = subject.group(1) if subject else None
    return _doorbell(name, ticket_id)


def _doorbell(event: str, ticket_id: object) -> Doorbell:
    known = _ticket_id(ticket_id)
    return Doorbell((known,), event) if known else Doorbell((), event, "no_ticket")


def _ticket_id(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if _TICKET_ID.fullmatch(text) else None


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
