"""Freshdesk's webhooks: believe a request or refuse it, then find the ticket it is about.

https://support.freshdesk.com/support/solutions/articles/132589 : the action "Trigger
Webhook" of an automation rule. Nothing is signed, so a request is believed for a secret
that it carries, in the header ``X-Webhook-Secret`` that our rules set, or as the user or
the password of Basic authentication, for rules made by hand. The body is a template of
the admin, in JSON, form or XML encoding, whose placeholders may break it. Only the
ticket's id is used, and ``triggered_event`` as a name for counters.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from pydantic import SecretStr

from oneclick_sla_plugin.errors import WebhookRejected
from oneclick_sla_plugin.ports import Doorbell

SECRET_HEADER = "x-webhook-secret"  # noqa: S105 - the name of a header

ENVELOPE = "freshdesk_webhook"
"""The simple layout wraps everything in this; the advanced one is flat."""

KNOWN_EVENTS = frozenset(
    {
        "ticket_action",
        "status",
        "priority",
        "ticket_type",
        "group_id",
        "responder_id",
        "reply_sent",
        "note_type",
    }
)

_ID_KEYS = ("ticket_id", "ticket.id", "id")
_URL_KEYS = ("ticket_url", "ticket.url", "url")
_TICKET_ID = re.compile(r"#?([1-9][0-9]{0,18})", re.ASCII)
_TICKET_URL = re.compile(r"/tickets/([1-9][0-9]{0,18})\b", re.ASCII)
_EVENT = re.compile(r"\{?\s*\"?([a-z_]+)\"?\s*:", re.ASCII)
_RAW_ID = re.compile(rb"ticket[_.]id(?:%5D|\])?[\"'\s]*[:=>][\"'\s]*#?([1-9][0-9]{0,18})\b", re.IGNORECASE)
_RAW_URL = re.compile(rb"/tickets/([1-9][0-9]{0,18})\b")
_RAW_EVENT = re.compile(rb"triggered_event(?:%5D|\])?[\"'\s]*[:=>][\"'\s]*(\{[^{}]{0,200})")


def receive(headers: Mapping[str, str], body: bytes, now: datetime, secrets: Sequence[SecretStr]) -> Doorbell:  # noqa: ARG001 - nothing here is timed, but the port hands it in
    """Verify a request, then find its ticket, whatever its media type.

    Raises ``WebhookRejected``: 401 ``unsigned`` (no secret at all) or ``secret`` (a wrong one).
    """
    verify(headers, secrets)
    return find_ticket(headers.get("content-type", ""), body)


def verify(headers: Mapping[str, str], secrets: Sequence[SecretStr]) -> None:
    """Raise ``WebhookRejected`` (401) unless the request carries one of the secrets.

    Every pair is compared, each in constant time, so that the time taken tells nothing.
    """
    given = list(_given(headers))
    if not given:
        raise WebhookRejected(401, "unsigned")
    matches = [
        hmac.compare_digest(secret.get_secret_value().encode(), candidate) for secret in secrets for candidate in given
    ]
    if not any(matches):
        raise WebhookRejected(401, "secret")


def _given(headers: Mapping[str, str]) -> Iterator[bytes]:
    """What a request offers as the secret; never an empty text."""
    if header := headers.get(SECRET_HEADER, ""):
        yield header.encode("utf-8", "surrogateescape")
    scheme, _, login = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(login.strip().encode("ascii"), validate=True)
        except (ValueError, binascii.Error):
            return
        # The box for an API key puts it where the user stands, with any password.
        user, _, password = decoded.partition(b":")
        yield from (part for part in (user, password) if part)


def find_ticket(content_type: str, body: bytes) -> Doorbell:
    """The ticket that a believed body is about, or the reason why there is nothing to look at."""
    values = _values(content_type, body)
    ticket_id = _ticket_id(values)
    if ticket_id is None:
        # A placeholder with a quotation mark in it breaks a template's JSON, but not the id.
        found = _RAW_ID.search(body) or _RAW_URL.search(body)
        ticket_id = found.group(1).decode("ascii") if found else None
    event = _event(values, body)
    return Doorbell((ticket_id,), event) if ticket_id else Doorbell((), event, "no_ticket")


def _values(content_type: str, body: bytes) -> Mapping[str, Any]:
    """The body's names and values, out of their envelope; empty for what cannot be read."""
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=None)
        return {name.removeprefix(f"{ENVELOPE}[").removesuffix("]"): value for name, value in pairs}
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(found, dict) and isinstance(found.get(ENVELOPE), dict):
        found = found[ENVELOPE]
    return found if isinstance(found, dict) else {}


def _ticket_id(values: Mapping[str, Any]) -> str | None:
    inner = values.get("ticket")
    for source in (values, inner if isinstance(inner, dict) else {}):
        for key in _ID_KEYS:
            if (found := _number(source.get(key))) is not None:
                return found
        for key in _URL_KEYS:
            value = source.get(key)
            if isinstance(value, str) and (match := _TICKET_URL.search(value)):
                return match.group(1)
    return None


def _number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    match = _TICKET_ID.fullmatch(str(value).strip())
    return match.group(1) if match else None


def _event(values: Mapping[str, Any], body: bytes) -> str:
    """The first word of ``triggered_event``, which is no JSON and names only the first of several changes."""
    text = values.get("triggered_event")
    if not isinstance(text, str):
        raw = _RAW_EVENT.search(body)
        text = raw.group(1).decode("ascii", "replace") if raw else ""
    match = _EVENT.match(text)
    return match.group(1) if match and match.group(1) in KNOWN_EVENTS else "unknown"
