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
from email.utils import parsedate_to_datetime

from oneclick_sla_plugin.errors import PlatformError, TicketChanged
from oneclick_sla_plugin.exchanges import LONGEST_WAIT, Answers, wait
from oneclick_sla_plugin.ports import Request, Response

PLATFORM = "zendesk"

TICKETS_PATH = "/api/v2/tickets/"
"""Under this path a 404 means that the ticket is gone, and a 409 that it moved."""

WARNING_HEADER = "x-zendesk-api-warn"

_ENDPOINT_LIMIT = re.compile(r"zendesk-rate-?limit-([a-z0-9_-]+)")
_LONGEST_LIST_OF_CODES = 5
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class ZendeskAnswers(Answers):
    """A safe update that lost (``UpdateConflict``) and a ``DatabaseConflict`` are 409 alike."""

    platform = PLATFORM
    tickets_path = TICKETS_PATH

    def failure(self, request: Request, response: Response) -> PlatformError | None:
        if response.status == 422 and request.path.startswith(TICKETS_PATH) and _is_closed(response):
            # It was not when it was read, or nothing had been written: the next read shows it.
            return TicketChanged(**self.facts(request, response), reason="closed")
        return super().failure(request, response)

    def retry_after(self, response: Response) -> timedelta | None:
        """``Retry-After`` decides: seconds, or from a proxy in between a date, counted from the answer's own.

        Without it the reset of an exhausted limit counts, in the spellings of 2023
        (``rate-limit-reset``) and of 2024 (``ratelimit-reset``), then per endpoint:
        ``zendesk-ratelimit-tickets-update: total=100; remaining=0; resets=59``.
        """
        return next((found for found in _named_waits(response.headers) if found is not None), None)

    def refusal_codes(self, response: Response) -> tuple[str, ...]:
        """The codes in ``details``.

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


ANSWERS = ZendeskAnswers()
fetch, json_object, unexpected_body = ANSWERS.fetch, ANSWERS.json_object, ANSWERS.unexpected_body


def _named_waits(headers: Mapping[str, str]) -> Iterator[timedelta | None]:
    yield wait(headers.get("retry-after", ""))
    yield _until(headers.get("retry-after", ""), headers.get("date", ""))
    for spelling in ("ratelimit", "rate-limit"):
        if headers.get(f"{spelling}-remaining", "").strip() == "0":
            yield wait(headers.get(f"{spelling}-reset", ""))
    for _, parts in endpoint_limits(headers):
        if parts.get("remaining") == "0":
            yield wait(parts.get("resets", ""))


def _until(date: str, now: str) -> timedelta | None:
    """Between two dates of headers, an hour at most: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after"""
    try:
        between = parsedate_to_datetime(date) - parsedate_to_datetime(now)
    except (ValueError, TypeError):
        return None
    return min(max(between, timedelta(0)), LONGEST_WAIT)


def endpoint_limits(headers: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What the headers of single endpoints say, each with the endpoint's name, in both spellings."""
    for name, value in headers.items():
        if match := _ENDPOINT_LIMIT.fullmatch(name):
            yield match.group(1), dict(part.strip().partition("=")[::2] for part in value.split(";"))


def dropped_keys(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the keys of our request that Zendesk left out, though it answered 200.

    They are named in brackets in ``X-Zendesk-API-Warn`` only; whatever does not
    look like a key's name is left out.
    """
    names = "".join(re.findall(r"\[[^\[\]]*\]", headers.get(WARNING_HEADER, "")))
    return tuple(dict.fromkeys(_IDENTIFIER.findall(names)))


def _is_closed(response: Response) -> bool:
    """Whether a 422 says that the ticket is closed: an entry about ``status`` in ``details`` that names it."""
    try:
        details = response.json()["details"]["status"]
    except (ValueError, KeyError, TypeError):
        return False
    return "closed" in json.dumps(details).casefold()
