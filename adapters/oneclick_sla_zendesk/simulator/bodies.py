"""Bodies of requests to the simulated API, and what a view answers with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import NoneType
from typing import Any

from flask import request

from oneclick_sla_zendesk.simulator.errors import RefusalError, invalid_parameter

Answer = tuple[dict[str, Any], int] | tuple[dict[str, Any], int, dict[str, str]] | tuple[str, int]
"""Body and status of an answer, with headers where it has some of its own."""

_TEXT = (str, NoneType)
_ID = (int, NoneType)

_KINDS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "ticket": {
        **dict.fromkeys(("subject", "type", "priority", "status", "due_at", "description", "recipient"), _TEXT),
        **dict.fromkeys(("requester_id", "assignee_id", "group_id", "organization_id"), _ID),
        **dict.fromkeys(("brand_id", "ticket_form_id"), _ID),
        "external_id": (str, int, NoneType),
        "tags": (list, str),
        "custom_fields": (list,),
        "fields": (list,),
        "comment": (dict, NoneType),
        "requester": (dict,),
        "via": (dict,),
        "metadata": (dict, NoneType),
    },
    "comment": {"body": _TEXT, "html_body": _TEXT, "author_id": _ID, "public": (bool, NoneType)},
    "ticket_field": {
        **dict.fromkeys(("type", "title", "description", "agent_description", "tag", "regexp_for_validation"), _TEXT),
        "active": (bool,),
        "custom_field_options": (list,),
    },
    "view": {
        "title": _TEXT,
        "description": _TEXT,
        "active": (bool,),
        "all": (list,),
        "any": (list,),
        "output": (dict,),
    },
    "trigger_category": {"name": _TEXT},
    "trigger": {
        "title": _TEXT,
        "description": _TEXT,
        "active": (bool,),
        "category_id": (str, int),
        "conditions": (dict,),
        "actions": (list,),
    },
    "conditions": {"all": (list,), "any": (list,)},
    "webhook": {
        **dict.fromkeys(("name", "endpoint", "http_method", "request_format", "status"), _TEXT),
        "subscriptions": (list,),
        "authentication": (dict, NoneType),
    },
    "authentication": {"type": _TEXT, "data": (dict,)},
    "user": {"name": _TEXT, "email": _TEXT},
}
"""What may stand under a key, by the name of the object it is in. Keys that are not listed are looked at elsewhere."""


def body() -> dict[str, Any]:
    """The JSON object of the request, empty where it sent something else. ``RefusalError`` (400) for broken JSON."""
    given = request.get_json(silent=True) if request.is_json else {}
    if given is None or not _is_unicode(given):
        raise RefusalError(400, {"error": "InvalidRequest", "description": "The body is not JSON"})
    return given if isinstance(given, dict) else {}


def part(name: str) -> dict[str, Any]:
    """The object under its wrapper; without the wrapper nothing is asked for, and that is no error.

    ``RefusalError`` (400) where another kind of value stands than may.
    """
    given = body().get(name)
    if not isinstance(given, dict):
        return {}
    _check(name, given)
    return given


def _check(name: str, given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        kinds = _KINDS.get(name, {}).get(key)
        if kinds is None:
            continue
        if not isinstance(value, kinds):
            raise invalid_parameter(key)
        if isinstance(value, dict):
            _check(key, value)


def _is_unicode(given: object) -> bool:
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character
        return False
    return True
