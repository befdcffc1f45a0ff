"""The rate limits of the simulated account, with the headers that tell of them.

https://developer.zendesk.com/api-reference/introduction/rate-limits/ : the account's calls
a minute, ticket updates a minute, updates of one ticket by one user in ten minutes, and
those of single endpoints. Windows slide, so a burst is never allowed twice in a row.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

MINUTE = timedelta(minutes=1)
TEN_MINUTES = timedelta(minutes=10)

Spelling = Literal["ratelimit", "rate-limit"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The budgets, each as calls in its window, and how they are told.

    ``spelling``: ``ratelimit`` (2024) or ``rate-limit`` (2023) in the names of headers.
    ``json``: whether the body of a 429 is JSON.
    """

    account_per_minute: int = 700
    updates_per_minute: int = 100
    updates_per_ticket: int = 30
    incremental_per_minute: int = 10
    lists_per_minute: int = 100
    spelling: Spelling = "ratelimit"
    json: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """An API request, as far as limits count it. ``endpoint``: the one with a limit of its own, or nothing."""

    user_id: int
    endpoint: Literal["tickets-update", "tickets-index", "incremental-exports", ""] = ""
    ticket_id: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a limit stands after a call. ``resets``: whole seconds until its oldest call is forgotten."""

    name: str
    total: int
    remaining: int
    resets: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 429: its body, and its headers beside those of the limits."""

    retry_after: int
    body: bytes
    media_type: str


class Budgets:
    """Counts calls against limits. Not safe to use from several threads at once."""

    def __init__(self) -> None:
        self._calls: dict[tuple[object, ...], deque[datetime]] = {}

    def spend(self, limits: Limits, call: Call, now: datetime) -> tuple[Refusal | None, dict[str, str]]:
        """Count a call unless one of its limits is used up; the refusal if it is, and the headers to answer with."""
        rules = [*_rules(limits, call)]
        windows = [self._window(key, length, now) for key, _, length in rules]
        full = next(
            (
                place
                for place, ((_, limit, _), calls) in enumerate(zip(rules, windows, strict=True))
                if len(calls) >= limit
            ),
            None,
        )
        refusal = None
        if full is None:
            for calls in windows:
                calls.append(now)
        else:
            wait = _seconds_until(windows[full][0] + rules[full][2], now)
            refusal = _refusal(limits, wait)
        standings = [
            Standing(str(key[0]), limit, limit - len(calls), _seconds_until(calls[0] + length, now) if calls else 0)
            for (key, limit, length), calls in zip(rules, windows, strict=True)
        ]
        return refusal, dict(_headers(limits, standings, refusal))

    def _window(self, key: tuple[object, ...], length: timedelta, now: datetime) -> deque[datetime]:
        calls = self._calls.setdefault(key, deque())
        while calls and calls[0] <= now - length:
            calls.popleft()
        return calls


def _rules(limits: Limits, call: Call) -> Iterator[tuple[tuple[object, ...], int, timedelta]]:
    yield ("account",), limits.account_per_minute, MINUTE
    match call.endpoint:
        case "tickets-update":
            yield ("tickets-update",), limits.updates_per_minute, MINUTE
            yield ("ticket", call.user_id, call.ticket_id), limits.updates_per_ticket, TEN_MINUTES
        case "tickets-index":
            yield ("tickets-index",), limits.lists_per_minute, MINUTE
        case "incremental-exports":
            yield ("incremental-exports",), limits.incremental_per_minute, MINUTE


def _headers(limits: Limits, standings: list[Standing], refusal: Refusal | None) -> Iterator[tuple[str, str]]:
    for standing in standings:
        if standing.name == "account":
            yield "X-Rate-Limit", str(standing.total)
            yield "X-Rate-Limit-Remaining", str(standing.remaining)
            yield f"{limits.spelling}-limit", str(standing.total)
            yield f"{limits.spelling}-remaining", str(standing.remaining)
            yield f"{limits.spelling}-reset", str(standing.resets)
        elif standing.name != "ticket":  # the limit of one ticket has no header
            told = f"total={standing.total}; remaining={standing.remaining}; resets={standing.resets}"
            yield f"zendesk-{limits.spelling}-{standing.name}", told
    if refusal is not None:
        yield "Retry-After", str(refusal.retry_after)


def _refusal(limits: Limits, wait: int) -> Refusal:
    if not limits.json:
        return Refusal(wait, b"Too many requests. Slow down.\n", "text/plain")
    body = {
        "error": "APIRateLimitExceeded",
        "description": "Number of allowed API requests per minute exceeded",
    }
    return Refusal(wait, json.dumps(body).encode(), "application/json")


def _seconds_until(at: datetime, now: datetime) -> int:
    return max(math.ceil((at - now).total_seconds()), 1)
