"""What an answer of the plugin means: a body to use, or one of the program's errors (PROTOCOL.md, section 3).

Nothing of a body ever goes into an error but the plugin's own words for what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.exchanges import Answers
from oneclick_sla_plugin.ports import Request, Response

PLATFORM = "osticket"

TICKETS_PATH = "/sla/tickets"

_ERRORS = frozenset(
    {
        "busy",
        "internal",
        "interrupted",
        "json",
        "key_reused",
        "method",
        "no_person",
        "no_route",
        "no_secret",
        "no_ticket",
        "signature",
        "size",
        "stale",
        "ticket_changed",
        "unsigned",
        "validation",
    }
)
"""The words of the protocol: any other may be anybody's, a customer's too."""

_WORD = re.compile(r"[a-z_][a-z0-9_.-]{0,63}", re.ASCII)
_LONGEST_LIST_OF_WORDS = 5
_SIGNATURE_REASONS = {"signature": "credentials", "unsigned": "credentials", "stale": "clock"}
_MOVED = frozenset({"busy", "interrupted"})


class OsTicketAnswers(Answers):
    """An answer that is not the plugin's own is temporary.

    It is disabled, PHP broke off, or the server does not route to it: that is the same
    for all tickets, and none may be given up for it.
    """

    platform = PLATFORM
    tickets_path = TICKETS_PATH

    def failure(self, request: Request, response: Response) -> PlatformError | None:
        status = response.status
        if 200 <= status < 300:
            return None
        facts = self.facts(request, response)
        body = _object(response)
        word = body.get("error") if body is not None else None
        if not isinstance(word, str) or word not in _ERRORS:
            reason = "unavailable" if status in (408, 425, 429) or status >= 500 else "no_plugin"
            return TemporaryPlatformError(**facts, reason=reason, retry_after=self.retry_after(response))
        if status == 401:
            return Unauthorised(**facts, reason=_SIGNATURE_REASONS.get(word, "credentials"))
        if status == 404 and word == "no_ticket":
            return TicketGone(**facts)
        if status == 409 or word in _MOVED or _is_closed(body):
            # Another writer was there, or the database undid ours: read again, decide anew.
            return TicketChanged(**facts, reason=word)
        if status >= 500:
            return TemporaryPlatformError(**facts, reason=word, retry_after=self.retry_after(response))
        words = refusals(body)
        return PermanentPlatformError(**facts, reason=f"{word}: {', '.join(words)}" if words else word)

    def json_object(self, request: Request, response: Response) -> Mapping[str, Any]:
        body = self.json_value(request, response)
        if not isinstance(body, dict):
            raise TemporaryPlatformError(**self.facts(request, response), reason="not_json")
        return body


ANSWERS = OsTicketAnswers()
failure, json_object, unexpected_body = ANSWERS.failure, ANSWERS.json_object, ANSWERS.unexpected_body


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
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
