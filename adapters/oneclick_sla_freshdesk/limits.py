"""What an answer of Freshdesk's API means: a body to use, or one of the program's errors.

Statuses and bodies: https://developers.freshdesk.com/api/#error . Nothing of a body ever
goes into an error but the vendor's codes and the names of fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.ports import Request, Response

PLATFORM = "freshdesk"

API = "/api/v2"

TICKETS_PATH = f"{API}/tickets/"
"""Under this path a 404 means that the ticket is gone; its body is empty."""

WAIT_WITHOUT_A_WISH = timedelta(minutes=1)
"""The limits are counted by the minute, and a 429 may come without ``Retry-After``."""

LONGEST_WAIT = timedelta(hours=1)
"""No wait is believed that is longer; accounts of the old kind have limits by the hour."""

_ADMINISTRATION = (f"{API}/admin/", f"{API}/automations/")
_LONGEST_LIST_OF_CODES = 5
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,79}")


def json_value(request: Request, response: Response) -> Any:
    """The JSON of a successful answer, ``None`` for one without a body.

    Raises the error that :func:`failure` names, ``TemporaryPlatformError`` for a
    success that is no JSON (a maintenance page).
    """
    error = failure(request, response)
    if error is not None:
        raise error
    if not response.body.strip():
        return None
    try:
        return response.json()
    except ValueError:
        pass
    # Raised outside the handler: a decoding error carries the whole body.
    raise TemporaryPlatformError(**_facts(request, response), reason="not_json")


def json_object(request: Request, response: Response) -> Mapping[str, Any]:
    """As :func:`json_value`; ``PermanentPlatformError`` for anything but an object."""
    value = json_value(request, response)
    if not isinstance(value, dict):
        raise unexpected_body(request.operation, response)
    return value


def unexpected_body(operation: str, response: Response | None = None) -> PermanentPlatformError:
    """The error for an answer that lacks what Freshdesk documents."""
    return PermanentPlatformError(
        platform=PLATFORM,
        operation=operation,
        status=response.status if response else None,
        request_id=response.headers.get("x-request-id") if response else None,
        reason="unexpected_body",
    )


def failure(request: Request, response: Response) -> PlatformError | None:
    """The error that an answer amounts to, ``None`` for success."""
    status = response.status
    if 200 <= status < 300:
        return None
    facts = _facts(request, response)
    if status == 429:
        wait = retry_after(response.headers) or WAIT_WITHOUT_A_WISH
        return TemporaryPlatformError(**facts, reason="rate_limit", retry_after=wait)
    if status == 500 and request.method != "GET" and request.path.startswith(_ADMINISTRATION):
        # Freshdesk answers so to a rule whose webhook lacks a key: the same call will fail again.
        return PermanentPlatformError(**facts, reason="rejected: internal_error")
    if status in (408, 425) or status >= 500:
        return TemporaryPlatformError(**facts, reason="unavailable", retry_after=retry_after(response.headers))
    if status in (401, 403):
        return Unauthorised(**facts, reason="credentials" if status == 401 else "scope")
    if status == 404:
        if request.path.startswith(TICKETS_PATH):
            return TicketGone(**facts)
        return PermanentPlatformError(**facts, reason="not_found")
    if status == 409:
        return TemporaryPlatformError(**facts, reason="conflict", retry_after=retry_after(response.headers))
    if status < 400:
        return PermanentPlatformError(**facts, reason="redirected")
    codes = refusal_codes(response)
    return PermanentPlatformError(**facts, reason=f"rejected: {', '.join(codes)}" if codes else "rejected")


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long Freshdesk wishes us to wait, at most an hour; ``None`` when it does not say."""
    seconds = number(headers.get("retry-after", ""))
    return None if seconds is None else min(timedelta(seconds=seconds), LONGEST_WAIT)


def number(text: str) -> float | None:
    """A count or a number of seconds in a header (also "700.0"), ``None`` for anything else."""
    text = text.strip()
    return float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text, re.ASCII) else None


def refusal_codes(response: Response) -> tuple[str, ...]:
    """Why a request was refused: the vendor's codes and the names of fields, never messages, which quote values.

    ``{"errors": [{"field": "type", "message": "…", "code": "invalid_value"}]}`` gives ``invalid_value type``;
    ``{"code": "invalid_json", "message": "…"}`` gives ``invalid_json``.
    """
    try:
        body = response.json()
        entries = body["errors"] if isinstance(body.get("errors"), list) else [body]
        found = [[entry.get("code"), entry.get("field")] for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    words = [
        " ".join(part for part in parts if isinstance(part, str) and _IDENTIFIER.fullmatch(part)) for parts in found
    ]
    return tuple(dict.fromkeys(filter(None, words)))[:_LONGEST_LIST_OF_CODES]


def _facts(request: Request, response: Response) -> dict[str, Any]:
    return {
        "platform": PLATFORM,
        "operation": request.operation,
        "status": response.status,
        "request_id": response.headers.get("x-request-id"),
    }
