"""Bodies of the webhooks that rules send: placeholders filled, in JSON, XML or form encoding.

Outside everything is text, and a status or a priority is its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.records import PRIORITIES, SOURCES, Ticket

SIMPLE_LAYOUTS = ("1", "simple")
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Payload:
    content_type: str
    body: bytes = field(repr=False)


def placeholders(account: Account, ticket: Ticket, triggered_event: str, base_url: str) -> dict[str, str]:
    """The values of the placeholders that this account knows."""
    requester = account.person(ticket.requester_id)
    values = {
        "triggered_event": triggered_event,
        "ticket.id": str(ticket.id),
        "ticket.url": f"{base_url}/helpdesk/tickets/{ticket.id}",
        "ticket.subject": ticket.subject,
        "ticket.description": ticket.description,
        "ticket.status": account.fields.statuses()[ticket.status].value,
        "ticket.priority": PRIORITIES[ticket.priority],
        "ticket.source": SOURCES.get(ticket.source, ""),
        "ticket.ticket_type": ticket.type or "",
        "ticket.tags": ", ".join(ticket.tags),
        "ticket.group.name": account.groups.get(ticket.group_id or 0, ""),
        "ticket.agent.name": account.person(ticket.responder_id).name if ticket.responder_id else "",
        "ticket.requester.name": requester.name,
        "ticket.requester.email": requester.email or "",
        # In words and in the account's zone, without an offset.
        "ticket.due_by_time": ticket.due_by.strftime("%b %d %Y at %I:%M %p") if ticket.due_by else "",
    }
    return {**values, **{f"ticket.{name}": str(value or "") for name, value in account.custom_fields(ticket).items()}}


def payload(action: Mapping[str, Any], values: Mapping[str, str], *, escaping: bool) -> Payload:
    """The body of one webhook. Without ``escaping`` quotes and line breaks of a value break JSON."""
    content: Mapping[str, Any] = action["content"]
    simple = str(action["content_layout"]).lower() in SIMPLE_LAYOUTS
    kind = str(action["content_type"]).upper()
    if kind == "JSON":
        wrapped = {"freshdesk_webhook": content} if simple else content
        if escaping:
            text = json.dumps(_filled(wrapped, values), ensure_ascii=False)
        else:
            text = _fill(json.dumps(wrapped, ensure_ascii=False), values)
        return Payload("application/json", text.encode())
    filled = _filled(content, values)
    if kind == "XML":
        parts = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in filled.items())
        return Payload("application/xml", f"<freshdesk_webhook>{parts}</freshdesk_webhook>".encode())
    named = {f"freshdesk_webhook[{name}]": value for name, value in filled.items()} if simple else filled
    return Payload("application/x-www-form-urlencoded", urlencode(named).encode())


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _fill(value, values)
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    return [_filled(item, values) for item in value] if isinstance(value, list) else value


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Placeholders that the account does not know become nothing."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], ""), template)
