"""Our share of a platform's limits, and not one call more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from oneclick_sla_plugin.delivery.pacing import PacedHttp
from oneclick_sla_plugin.errors import AccountPaused, TemporaryPlatformError
from oneclick_sla_plugin.ports import Quota, Request, Response, Sleep

MINUTE = timedelta(minutes=1)
READ = Request("GET", "/tickets/1", "read ticket")
WRITE = Request("PUT", "/tickets/1", "update ticket")


@dataclass
class Limited:
    """A platform that counts: ``limit`` calls a window of a minute, told with each answer."""

    clock: Callable[[], datetime]
    limit: int = 100
    used: int = 0
    operations: frozenset[str] = frozenset()
    began_at: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    sent: list[str] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        with self.lock:
            now = self.clock()
            if self.began_at is None or now - self.began_at >= MINUTE:
                self.began_at, self.used = now, 0
            self.sent.append(request.operation)
            if not self.operations or request.operation in self.operations:
                self.used += 1
            resets_in = (self.began_at + MINUTE - now).total_seconds()
            return Response(200, {"left": str(self.limit - self.used), "resets": str(resets_in)})

    def quotas(self, request: Request, response: Response) -> Sequence[Quota]:
        if self.operations and request.operation not in self.operations:
            return ()
        left, resets_in = float(response.headers["left"]), timedelta(seconds=float(response.headers["resets"]))
        return (Quota("calls", self.limit, left, resets_in, self.operations),)


def paced(platform: Limited, clock: Any, share: float = 0.5, sleep: Sleep | None = None) -> PacedHttp:
    return PacedHttp(platform, platform="fake", share=share, quotas=platform.quotas, asleep=lambda: sleep, clock=clock)


def sent_until_paused(http: PacedHttp, request: Request = READ) -> timedelta:
    """Send until it is refused; how long to wait then."""
    for _ in range(1000):
        try:
            http.send(request)
        except AccountPaused as paused:
            return paused.retry_after or timedelta(0)
    raise AssertionError("it was never refused")


@pytest.mark.parametrize(("share", "calls"), [(0.5, 50), (0.2, 20), (1, 100), (0.001, 1)])
def test_no_more_than_our_share_is_taken(clock: Any, share: float, calls: int) -> None:
    """The rest of the limit is left to the others; the wait lasts until the limit begins anew."""
    platform = Limited(clock)
    http = paced(platform, clock, share)
    http.send(READ)
    clock.advance(MINUTE / 4)
    assert sent_until_paused(http) == MINUTE * 3 / 4
    assert len(platform.sent) == calls


def test_after_the_reset_it_goes_on(clock: Any) -> None:
    """With the whole share again."""
    platform = Limited(clock)
    http = paced(platform, clock)
    clock.advance(sent_until_paused(http))
    sent_until_paused(http)
    assert len(platform.sent) == 100


def test_what_others_take_counts(clock: Any) -> None:
    """Other processes and other programs: what is left is the platform's own count."""
    platform = Limited(clock)
    http = paced(platform, clock)
    http.send(READ)
    platform.used += 39
    sent_until_paused(http)
    assert len(platform.sent) == 11


def test_a_limit_of_one_operation_leaves_the_others_free(clock: Any) -> None:
    """Reading goes on while writing waits."""
    platform = Limited(clock, limit=10, operations=frozenset({"update ticket"}))
    http = paced(platform, clock)
    sent_until_paused(http, WRITE)
    assert http.send(READ).status == 200
    assert platform.sent.count("update ticket") == 5


def test_threads_together_take_no_more_than_one(clock: Any) -> None:
    """Requests whose answers are still out are counted already."""
    platform = Limited(clock)
    http = paced(platform, clock)
    http.send(READ)

    def send(_: int) -> bool:
        try:
            http.send(READ)
        except AccountPaused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(200))) == 49


def test_nothing_is_sent_for_an_account_that_sleeps(clock: Any) -> None:
    """A look that was under way ends there, with the time to wait."""
    platform = Limited(clock)
    http = paced(platform, clock, sleep=Sleep(clock() + MINUTE, "rate limit"))
    assert sent_until_paused(http) == MINUTE
    assert platform.sent == []


def test_a_platform_that_tells_no_limits_is_not_slowed(clock: Any) -> None:
    """No headers, no pacing."""
    platform = Limited(clock)
    http = PacedHttp(platform, platform="fake", share=0.1, quotas=lambda *_: (), asleep=lambda: None, clock=clock)
    for _ in range(200):
        http.send(READ)
    assert len(platform.sent) == 200


@dataclass
class Shaky:
    """A platform whose first answers are as scripted, then all is well."""

    script: list[Response | TemporaryPlatformError]
    asked: int = 0

    def send(self, request: Request) -> Response:
        self.asked += 1
        answer = self.script.pop(0) if self.script else Response(200)
        if isinstance(answer, TemporaryPlatformError):
            raise answer
        return answer


def broken(reason: str) -> TemporaryPlatformError:
    return TemporaryPlatformError(platform="fake", operation="read ticket", reason=reason)


@pytest.mark.parametrize(
    ("request_", "first", "asked"),
    [
        (READ, broken("unreachable"), 2),
        (READ, Response(502), 2),
        (READ, broken("timeout"), 1),
        (READ, Response(503, {"retry-after": "9"}), 1),
        (READ, Response(429), 1),
        (WRITE, broken("unreachable"), 1),
        (WRITE, Response(502), 1),
    ],
)
def test_a_question_that_broke_on_the_way_is_asked_once_more(
    clock: Any, request_: Request, first: Response | TemporaryPlatformError, asked: int
) -> None:
    """A change is not: it may have been made."""
    platform = Shaky([first])
    http = PacedHttp(platform, platform="fake", share=1, quotas=lambda *_: (), asleep=lambda: None, clock=clock)
    with contextlib.suppress(TemporaryPlatformError):
        assert http.send(request_).status == (200 if asked == 2 else platform_status(first))
    assert platform.asked == asked


def platform_status(answer: Response | TemporaryPlatformError) -> int | None:
    return answer.status
