"""What an answer of Zendesk's API means: a body to use, or one of the program's errors.

Statuses and bodies: https://developer.zendesk.com/api-reference/introduction/errors/ ,
limits: https://developer.zendesk.com/api-reference/introduction/rate-limits/ .
Nothing of a body ever goes into an error, only the status, the request's id and a
word of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.ports import Request, Response

PLATFORM = "zendesk"

TICKETS_PATH = "/api/v2/tickets/"
"""Under this path a 404 means that the ticket is gone, and a 409 that it moved."""

WARNING_HEADER = "x-zendesk-api-warn"

LONGEST_WAIT = timedelta(hours=1)
"""No wait is believed that is longer."""

_ENDPOINT_LIMIT = re.compile(r"zendesk-rate-?limit-([a-z0-9_-]+)")
_LONGEST_LIST_OF_CODES = 5
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def json_object(request: Request, response: Response) -> Mapping[str, Any]:
    """The JSON object of a successful answer; empty for an answer without a body.

    Raises the error that :func:`failure` names, ``TemporaryPlatformError`` for a
    success that is no JSON (a maintenance page), ``PermanentPlatformError`` for JSON
    of another shape.
    """
    error = failure(request, response)
    if error is not None:
        raise error
    if not response.body.strip():
        return {}
    try:
        body = response.json()
    except ValueError:
        body = None
    # Raised outside the handler: a decoding error carries the whole body.
    if body is None:
        raise TemporaryPlatformError(**_facts(request, response), reason="not_json")
    if not isinstance(body, dict):
        raise unexpected_body(request.operation, response)
    return body


def unexpected_body(operation: str, response: Response | None = None) -> PermanentPlatformError:
    """The error for an answer that lacks what Zendesk documents."""
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
    if status in (408, 425, 429) or status >= 500:
        reason = "rate_limit" if status == 429 else "unavailable"
        return TemporaryPlatformError(**facts, reason=reason, retry_after=retry_after(response.headers))
    if status in (401, 403):
        return Unauthorised(**facts, reason="credentials" if status == 401 else "scope")
    about_ticket = request.path.startswith(TICKETS_PATH)
    if status == 404:
        return TicketGone(**facts) if about_ticket else PermanentPlatformError(**facts, reason="not_found")
    if status == 409:
        # UpdateConflict (safe update lost) and DatabaseConflict alike: read again, decide anew.
        kind = TicketChanged if about_ticket else TemporaryPlatformError
        return kind(**facts, reason="conflict", retry_after=retry_after(response.headers))
    if status == 422 and about_ticket and _is_closed(response):
        return PermanentPlatformError(**facts, reason="closed")
    if status < 400:
        return PermanentPlatformError(**facts, reason="redirected")
    codes = refusal_codes(response)
    return PermanentPlatformError(**facts, reason=f"rejected: {', '.join(codes)}" if codes else "rejected")


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long Zendesk wishes us to wait, at most an hour; ``None`` when it does not say.

    ``Retry-After`` (seconds) decides. Without it the reset of an exhausted limit
    counts, in the spellings of 2023 (``rate-limit-reset``) and of 2024
    (``ratelimit-reset``), then per endpoint: ``zendesk-ratelimit-tickets-update:
    total=100; remaining=0; resets=59``.
    """
    waits = [seconds for value in _named_waits(headers) if (seconds := number(value)) is not None]
    return min(timedelta(seconds=waits[0]), LONGEST_WAIT) if waits else None


def _named_waits(headers: Mapping[str, str]) -> Iterator[str]:
    yield headers.get("retry-after", "")
    for spelling in ("ratelimit", "rate-limit"):
        if headers.get(f"{spelling}-remaining", "").strip() == "0":
            yield headers.get(f"{spelling}-reset", "")
    for _, parts in endpoint_limits(headers):
        if parts.get("remaining") == "0":
            yield parts.get("resets", "")


def endpoint_limits(headers: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What the headers of single endpoints say, each with the endpoint's name, in both spellings."""
    for name, value in headers.items():
        if match := _ENDPOINT_LIMIT.fullmatch(name):
            yield match.group(1), dict(part.strip().partition("=")[::2] for part in value.split(";"))


def number(text: str) -> int | None:
    """A count or a number of seconds in a header, ``None`` for anything else."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def dropped_keys(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the keys of our request that Zendesk left out, though it answered 200.

    They are named in brackets in ``X-Zendesk-API-Warn`` only; whatever does not
    look like a key's name is left out.
    """
    names = "".join(re.findall(r"\[[^\[\]]*\]", headers.get(WARNING_HEADER, "")))
    return tuple(dict.fromkeys(_IDENTIFIER.findall(names)))


def refusal_codes(response: Response) -> tuple[str, ...]:
    """Zendesk's words for why a request was refused: the codes in ``details``, never what was refused.

    ``{"details": {"base": [{"description": "…", "error": "BlankValue"}]}}`` gives ``BlankValue``;
    descriptions name fields and quote values, so they stay out.
    """
    try:
        entries = [entry for listed in response.json()["details"].values() for entry in listed]
        codes = [entry["error"] for entry in entries if isinstance(entry, dict) and "error" in entry]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    words = [code for code in codes if isinstance(code, str) and _IDENTIFIER.fullmatch(code)]
    return tuple(dict.fromkeys(words))[:_LONGEST_LIST_OF_CODES]


def _is_closed(response: Response) -> bool:
    """Whether a 422 says that the ticket is closed: an entry about ``status`` in ``details`` that names it."""
    try:
        details = response.json()["details"]["status"]
    except (ValueError, KeyError, TypeError):
        return False
    return "closed" in json.dumps(details).casefold()


def _facts(request: Request, response: Response) -> dict[str, Any]:
    return {
        "platform": PLATFORM,
        "operation": request.operation,
        "status": response.status,
        "request_id": response.headers.get("x-request-id"),
    }
