"""Who people are: agents or contacts, and who a requester is for a printed sheet.

https://developers.freshdesk.com/api/#agents , https://developers.freshdesk.com/api/#contacts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from oneclick_sla_freshdesk import limits
from oneclick_sla_freshdesk.limits import fetch
from oneclick_sla_plugin.domain.model import Author
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Person, Request

ME = Request("GET", f"{limits.API}/agents/me", "read own agent")


def read_own_id() -> Exchange[int]:
    """The id of the agent whose key we have."""
    own_id = (yield from fetch(ME)).get("id")
    if not isinstance(own_id, int):
        raise limits.unexpected_body(ME.operation)
    return own_id


def read_role(user_id: int) -> Exchange[Author]:
    """Whether a user who wrote to a customer is of the team.

    A contact is no agent (404). Where the key may not look (403) the author of an
    outgoing conversation is taken for an agent, who writes almost all of them.
    """
    request = Request("GET", f"{limits.API}/agents/{user_id}", "read agent")
    response = yield request
    if response.status == 404:
        return Author.CUSTOMER
    if response.status != 403:
        limits.json_object(request, response)
    return Author.AGENT


def read_person(contact_id: str, document_field: str | None) -> Exchange[Person]:
    """The contact with this id. Raises the platform errors; ``PermanentPlatformError`` when there is none."""
    request = Request("GET", f"{limits.API}/contacts/{quote(contact_id, safe='')}", "read requester")
    contact = yield from fetch(request)
    fields = contact.get("custom_fields")
    return Person(
        name=_text(contact, "name"),
        email=_text(contact, "email"),
        phone=_text(contact, "phone") or _text(contact, "mobile"),
        document=_text(fields, document_field) if document_field and isinstance(fields, dict) else None,
    )


def _text(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return str(value).strip() or None if isinstance(value, str | int) else None
