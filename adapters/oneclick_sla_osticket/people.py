"""Who a requester is, for a printed sheet (PROTOCOL.md, section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oneclick_sla_osticket.limits import PLATFORM, unexpected_body
from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.ports import Person, Request

READ = "read requester"


def read_request(requester_id: str) -> Request:
    """Raises ``PermanentPlatformError`` for what can be no id."""
    if not (requester_id.isascii() and requester_id.isdigit() and len(requester_id) <= 10):
        raise PermanentPlatformError(platform=PLATFORM, operation=READ, reason="no_person")
    return Request("GET", f"/sla/people/{requester_id}", READ)


def person(body: Mapping[str, Any], document_field: str | None) -> Person:
    """From the answer. Raises ``PermanentPlatformError`` for one of another shape."""
    fields = body.get("fields")
    if not isinstance(fields, dict):
        raise unexpected_body(READ)
    return Person(
        name=_text(body.get("name")),
        email=_text(body.get("email")),
        phone=_text(body.get("phone")),
        document=_text(fields.get(document_field)) if document_field is not None else None,
    )


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
