"""Who a requester is: https://developer.zendesk.com/api-reference/ticketing/users/users/#show-user .

Read for a printed sheet only. The identity document is a user field of the account's own, named in the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Person, Request
from oneclick_sla_zendesk.limits import fetch, unexpected_body


def read_person(user_id: str, document_field: str | None) -> Exchange[Person]:
    """The user with this id. Raises the platform errors; ``PermanentPlatformError`` when there is none."""
    request = Request("GET", f"/api/v2/users/{quote(user_id, safe='')}.json", "read requester")
    user = (yield from fetch(request)).get("user")
    if not isinstance(user, dict):
        raise unexpected_body(request.operation)
    fields = user.get("user_fields")
    return Person(
        name=_text(user, "name"),
        email=_text(user, "email"),
        phone=_text(user, "phone"),
        document=_text(fields, document_field) if document_field and isinstance(fields, dict) else None,
    )


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return str(value).strip() or None if isinstance(value, str | int) else None
