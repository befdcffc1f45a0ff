"""What an answer of the plugin means: a body to use, or one of the program's errors (PROTOCOL.md, section 3).

Nothing of a body ever goes into an error but the plugin's own words for what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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

PLATFORM = "osticket"

LONGEST_WAIT = timedelta(hours=1)
"""No wait is believed that is longer."""

_WORD = re.compile(r"[a-z_][a-z0-9_.-]{0,63}", re.ASCII)
_LONGEST_LIST_OF_WORDS = 5
_SIGNATURE_REASONS = {"signature": "credentials", "unsigned": "credentials", "stale": "clock"}
_MOVED = frozenset({"busy", "interrupted"})


def json_request(path: str, operation: str, body: Mapping[str, Any]) -> Request:
    """A POST whose bytes are the same for the same values."""
    return Request(
        method="POST",
        path=path,
        operation=operation,
        headers={"content-type": "application/json"},
        body=json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(),
    )


def json_object(request: Request, response: Response) -> Mapping[str, Any]:
    """The JSON object of a successful answer. Raises the error that :func:`failure` names for any other."""
    error = failure(request, response)
    if error is not None:
        raise error
    body = _object(response)
    if body is None:
        raise TemporaryPlatformError(**_facts(request, response), reason="not_json")
    return body


def unexpected_body(operation: str) -> PermanentPlatformError:
    """The error for an answer that lacks what the protocol says."""
    return PermanentPlatformError(platform=PLATFORM, operation=operation, reason="unexpected_body")


def failure(request: Request, response: Response) -> PlatformError | None:
    """The error that an answer amounts to, ``None`` for success.

    An answer that is not the plugin's own (it is disabled, or the server does not
    route to it) is temporary: it is the same for all tickets, and none may be given
    up for it.
    """
    status = response.status
    if 200 <= status < 300:
        return None
    facts = _facts(request, response)
    body = _object(response)
    word = body.get("error") if body is not None else None
    if not isinstance(word, str) or not _WORD.fullmatch(word):
        reason = "unavailable" if status in (408, 425, 429) or status >= 500 else "no_plugin"
        return TemporaryPlatformError(**facts, reason=reason, retry_after=retry_after(response.headers))
    if status == 401:
        return Unauthorised(**facts, reason=_SIGNATURE_REASONS.get(word, "credentials"))
    if status == 404 and word == "no_ticket":
        return TicketGone(**facts)
    if status == 409 or word in _MOVED or _is_closed(body):
        # Another writer was there, or the database undid ours: read again, decide anew.
        return TicketChanged(**facts, reason=word)
    if status >= 500:
        return TemporaryPlatformError(**facts, reason=word, retry_after=retry_after(response.headers))
    words = refusals(body)
    return PermanentPlatformError(**facts, reason=f"{word}: {', '.join(words)}" if words else word)


def refusals(body: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What is wrong by the names of the protocol: ``fields.sla_state choice``; never a value."""
    found = body.get("fields") if body is not None else None
    if not isinstance(found, dict):
        return ()
    pairs = [
        f"{name} {word}"
        for name, word in found.items()
        if isinstance(word, str) and _WORD.fullmatch(name) and _WORD.fullmatch(word)
    ]
    return tuple(pairs)[:_LONGEST_LIST_OF_WORDS]


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long we are asked to wait, at most an hour; ``None`` when the answer does not say in seconds."""
    text = headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    return min(timedelta(seconds=int(text)), LONGEST_WAIT)


def server_time(response: Response) -> int | None:
    """The server's time in Unix seconds, which it tells whoever knows the secret but not the time."""
    body = _object(response)
    time = body.get("time") if body is not None and body.get("error") == "stale" else None
    return time if isinstance(time, int) and not isinstance(time, bool) else None


def _is_closed(body: Mapping[str, Any] | None) -> bool:
    found = body.get("fields") if body is not None else None
    return isinstance(found, dict) and found.get("due_at") == "closed"


def _object(response: Response) -> Mapping[str, Any] | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _facts(request: Request, response: Response) -> dict[str, Any]:
    return {"platform": PLATFORM, "operation": request.operation, "status": response.status}
