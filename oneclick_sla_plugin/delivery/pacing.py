"""Keeping to our share of a platform's limits, so that its people and its other programs keep theirs.

Every answer tells how much of a limit is left. While no more is left than what
belongs to the others, nothing is sent: the request fails at once with
``AccountPaused`` and the time to wait, and the ticket waits in the queue, not in
a thread. What is left is the platform's own count, so what other processes and
other programs take is in it. That an account sleeps is known to all processes,
through the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from oneclick_sla_plugin.errors import AccountPaused, TemporaryPlatformError
from oneclick_sla_plugin.ports import Clock, HttpClient, Quota, Request, Response, Sleep

_SAME_WINDOW = timedelta(seconds=2)
"""Resets that lie closer together than this are one: platforms tell them in whole seconds."""


@dataclass(slots=True)
class _Level:
    limit: float
    remaining: float
    resets_at: datetime
    operations: frozenset[str]

    def counts(self, operation: str) -> bool:
        return not self.operations or operation in self.operations


class PacedHttp:
    """An ``HttpClient`` for one account that sends no more than a share of each limit.

    ``share``: the part of each limit that is ours, above 0 up to 1. ``quotas`` reads
    the platform's answers; ``asleep`` tells whether the account sleeps.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        platform: str,
        share: float,
        quotas: Callable[[Request, Response], Sequence[Quota]],
        asleep: Callable[[], Sleep | None],
        clock: Clock,
    ) -> None:
        self._http = http
        self._platform = platform
        self._share = share
        self._quotas = quotas
        self._asleep = asleep
        self._clock = clock
        self._lock = Lock()
        self._levels: dict[str, _Level] = {}

    def send(self, request: Request) -> Response:
        """Send, unless it is not our turn. Raises ``AccountPaused`` then, and what the client raises.

        A question (GET) that broke on the way, or was answered with 5xx and no wish
        for patience, is asked once more at once: asking changes nothing, and most
        such failures are over with the next connection.
        """
        try:
            response = self._send(request)
        except AccountPaused:
            raise
        except TemporaryPlatformError as error:
            if request.method != "GET" or error.reason == "timeout":
                raise
        else:
            if request.method != "GET" or response.status < 500 or "retry-after" in response.headers:
                return response
        return self._send(request)

    def _send(self, request: Request) -> Response:
        now = self._clock()
        sleep = self._asleep()
        if sleep is not None:
            raise self._paused(request, sleep.until - now)
        wait = self._take(request.operation, now)
        if wait is not None:
            raise self._paused(request, wait)
        response = self._http.send(request)
        self._learn(self._quotas(request, response))
        return response

    def _take(self, operation: str, now: datetime) -> timedelta | None:
        """How long to wait; ``None`` when the request may go, which is then counted."""
        with self._lock:
            levels = [level for level in self._levels.values() if level.counts(operation) and level.resets_at > now]
            full = [level for level in levels if level.remaining <= (1 - self._share) * level.limit]
            if full:
                return max(level.resets_at for level in full) - now
            for level in levels:
                # Several threads send side by side, and none has its answer yet.
                level.remaining -= 1
            return None

    def _learn(self, quotas: Sequence[Quota]) -> None:
        now = self._clock()
        with self._lock:
            for quota in quotas:
                resets_at = now + quota.resets_in
                remaining = quota.remaining
                old = self._levels.get(quota.name)
                if old is not None and abs(old.resets_at - resets_at) <= _SAME_WINDOW:
                    # Answers overtake each other, and within a window nothing grows back.
                    remaining = min(remaining, old.remaining)
                self._levels[quota.name] = _Level(quota.limit, remaining, resets_at, quota.operations)

    def _paused(self, request: Request, wait: timedelta) -> AccountPaused:
        return AccountPaused(platform=self._platform, operation=request.operation, reason="quota", retry_after=wait)
