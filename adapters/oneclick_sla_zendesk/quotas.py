"""What the headers of an answer say of Zendesk's limits.

https://developer.zendesk.com/api-reference/introduction/rate-limits/ . The account's
limit comes as ``X-Rate-Limit`` and ``X-Rate-Limit-Remaining`` (per minute), beside it
as ``rate-limit-*`` (2023) or ``ratelimit-*`` (2024) with the seconds to the reset. An
endpoint with a limit of its own says so in ``zendesk-rate-limit-<endpoint>`` or
``zendesk-ratelimit-<endpoint>``: ``total=100; remaining=99; resets=41``. The limit of
30 updates in 10 minutes on one ticket has no header; the host's fuse stays below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType

from oneclick_sla_plugin.exchanges import LONGEST_WAIT, number
from oneclick_sla_plugin.ports import Quota, Request, Response
from oneclick_sla_zendesk.feeds import CHANGED, UNSOLVED
from oneclick_sla_zendesk.limits import endpoint_limits
from oneclick_sla_zendesk.updates import WRITE

ACCOUNT = "account"
"""Name of the quota that counts every call of the account."""

ENDPOINT_OPERATIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "tickets-update": frozenset({WRITE}),
        "tickets-index": frozenset({UNSOLVED}),
        "incremental-exports": frozenset({CHANGED}),
        "incremental-tickets-cursor": frozenset({CHANGED}),
    }
)
"""Our operations that an endpoint's limit counts; of an endpoint not listed here, the one it was told to."""

_SPELLINGS = (
    ("x-rate-limit", "x-rate-limit-remaining", ""),
    ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    ("rate-limit-limit", "rate-limit-remaining", "rate-limit-reset"),
)
"""Names of the limit, of what remains of it, and of the seconds to its reset."""

_ACCOUNT_WINDOW = timedelta(minutes=1)
_LEADING_NUMBER = re.compile(r"\s*(\d{1,9})\b", re.ASCII)


def quotas(request: Request, response: Response) -> tuple[Quota, ...]:
    """The account's quota and those of single endpoints, as far as this answer names them."""
    account = _account(response.headers)
    return (*((account,) if account else ()), *_endpoints(request, response.headers))


def _account(headers: Mapping[str, str]) -> Quota | None:
    limits, left, resets = [], [], []
    for limit_name, remaining_name, reset_name in _SPELLINGS:
        limit, remaining = _leading(headers.get(limit_name, "")), _leading(headers.get(remaining_name, ""))
        if limit is None or remaining is None:
            continue
        limits.append(limit)
        left.append(remaining)
        seconds = _leading(headers.get(reset_name, "")) if reset_name else None
        if seconds is not None:
            resets.append(timedelta(seconds=seconds))
    if not limits:
        return None
    # The spellings say the same; where they do not, the narrower one is believed.
    return Quota(ACCOUNT, min(limits), min(left), min(max(resets, default=_ACCOUNT_WINDOW), LONGEST_WAIT))


def _endpoints(request: Request, headers: Mapping[str, str]) -> Iterator[Quota]:
    for name, parts in endpoint_limits(headers):
        total, remaining, seconds = (number(parts.get(key, "")) for key in ("total", "remaining", "resets"))
        if total is not None and remaining is not None:
            resets_in = _ACCOUNT_WINDOW if seconds is None else min(timedelta(seconds=seconds), LONGEST_WAIT)
            operations = ENDPOINT_OPERATIONS.get(name, frozenset({request.operation}))
            yield Quota(name, total, remaining, resets_in, operations)


def _leading(text: str) -> int | None:
    """The number a value begins with: ``100, 100;w=60`` is 100."""
    match = _LEADING_NUMBER.match(text)
    return int(match.group(1)) if match else None
