"""Deliveries of the simulated account's webhooks: signature, retries, circuit breaker, listings.

https://developer.zendesk.com/documentation/webhooks/verifying/ (signature),
https://developer.zendesk.com/documentation/webhooks/anatomy-of-a-webhook-request/ (headers),
https://developer.zendesk.com/documentation/webhooks/creating-and-monitoring-webhooks/ (retries, breaker)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from oneclick_sla_plugin.testing.deliveries import Outcome
from oneclick_sla_zendesk.simulator.shapes import instant

_RETRIES_409 = 3
_RETRIES_TIMEOUT = 5
_RETRIES_RETRY_AFTER = 3
"""The vendor gives no number for these; three, as for 409."""
_LONGEST_RETRY_AFTER = timedelta(seconds=60)

BREAKER_WINDOW = timedelta(minutes=5)
BREAKER_PAUSE = timedelta(seconds=5)
BREAKER_LEAST = 100
BREAKER_SHARE = 0.7
BREAKER_ERRORS = 1000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a delivery, and how it ended."""

    at: datetime
    outcome: Outcome
    headers: Mapping[str, str] = field(repr=False)
    payload: bytes = field(repr=False)

    @property
    def status_code(self) -> int | None:
        """A receiver that is too slow is shown as 504."""
        return 504 if self.outcome.timed_out else self.outcome.status

    @property
    def succeeded(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True)
class Invocation:
    """One delivery as the account lists it; none of its ``attempts`` was made when the breaker was open."""

    id: str
    webhook_id: str
    event_id: str
    event_type: str
    completed_at: datetime
    attempts: tuple[Attempt, ...]

    @property
    def status(self) -> str:
        if not self.attempts:
            return "circuit broken"
        last = self.attempts[-1]
        if last.succeeded:
            return "success"
        return "terminated" if last.status_code in (401, 403) else "failed"

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "event_id": self.event_id,
            "event_type": self.event_type,
            "status": self.status,
            "status_code": self.attempts[-1].status_code if self.attempts else None,
            "latest_completed_at": instant(self.completed_at),
        }

    def attempts_json(self) -> list[dict[str, Any]]:
        """An attempt's ``id`` is the webhook's, as recorded from the real one."""
        return [
            {
                "id": self.webhook_id,
                "invocation_id": self.id,
                "status": "success" if attempt.succeeded else "failed",
                "status_code": attempt.status_code,
                "completed_at": instant(attempt.at),
                "request": {
                    "headers": [{"key": name, "value": value} for name, value in attempt.headers.items()],
                    "payload": attempt.payload.decode(errors="replace"),
                },
                "response": {"headers": [], "payload": ""},
            }
            for attempt in self.attempts
        ]


class CircuitBreaker:
    """Stops a webhook that fails too often; what comes while it is open is lost. Under the account's lock."""

    def __init__(self) -> None:
        self._answers: deque[tuple[datetime, bool]] = deque()
        self._open_until: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self._open_until is not None and now < self._open_until

    def record(self, now: datetime, *, succeeded: bool) -> None:
        """Count an answer; from 70 % errors, or more than 1000, of at least 100 in five minutes on it opens."""
        self._answers.append((now, succeeded))
        while self._answers[0][0] <= now - BREAKER_WINDOW:
            self._answers.popleft()
        errors = sum(not good for _, good in self._answers)
        total = len(self._answers)
        if not succeeded and total >= BREAKER_LEAST and (errors / total >= BREAKER_SHARE or errors > BREAKER_ERRORS):
            self._open_until = now + BREAKER_PAUSE


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the timestamp's text and then the raw body; the key is the secret's own text."""
    digest = hmac.new(secret.encode("ascii"), timestamp.encode("ascii") + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def is_retried(outcomes: Sequence[Outcome]) -> bool:
    """Whether another attempt follows: 409, 429 and 503 with a short ``Retry-After``, time-outs; nothing else."""
    last = outcomes[-1]
    if last.timed_out:
        return sum(outcome.timed_out for outcome in outcomes) <= _RETRIES_TIMEOUT
    same = sum(outcome.status == last.status for outcome in outcomes)
    if last.status == 409:
        return same <= _RETRIES_409
    if last.status in (429, 503) and last.retry_after is not None:
        return last.retry_after < _LONGEST_RETRY_AFTER and same <= _RETRIES_RETRY_AFTER
    return False
