"""Sends a simulator's webhooks, with the faults that real ones have.

Each webhook has a lane: a queue and a thread of its own, so a slow receiver
holds up nobody else. A delivery that waits for its next attempt is overtaken by
what comes after it, as on the real platforms. What is sent, how it is signed and
which answers are tried again is the simulator's business and handed in.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_plugin.transport import HttpTransport, Timeouts


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended: the answer's status, or ``None`` when no answer came.

    ``timed_out`` tells the receiver that was too slow from the one that was not
    there. ``retry_after`` is the receiver's wish, if it named one in seconds.
    """

    status: int | None
    timed_out: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook call, with all its attempts.

    ``make_request`` is asked before each attempt, so that each is signed anew;
    ``None`` gives the delivery up. ``retry`` gets the outcomes so far and returns
    how long to wait (in real time) before the next attempt, or ``None`` for the
    end. ``report`` hears of the outcomes after each attempt. All three are called
    in the lane's thread.
    """

    base_url: str
    make_request: Callable[[], Request | None]
    retry: Callable[[Sequence[Outcome]], timedelta | None]
    report: Callable[[Sequence[Outcome]], None]


@dataclass(slots=True)
class _Waiting:
    delivery: Delivery
    due: float
    outcomes: list[Outcome] = field(default_factory=list)


class WebhookSender:
    """Delivers what is submitted until it is closed. Safe to use from several threads.

    Faults, to be set at any time; they hold for what is submitted or chosen afterwards:

    * ``duplicate_deliveries``: every delivery is sent this many times more.
    * ``duplicate_rate``: this share of deliveries (0 to 1), by chance, is sent once more.
    * ``drop_deliveries``: this many of the next deliveries are lost; counts itself down.
    * ``shuffle``: what waits in a lane is sent in a random order (reproducible by ``seed``).
    """

    def __init__(self, *, timeout: timedelta, seed: int = 0) -> None:
        """``timeout`` is how long an attempt waits for its answer."""
        self.duplicate_deliveries = 0
        self.duplicate_rate = 0.0
        self.drop_deliveries = 0
        self.shuffle = False
        self._timeouts = Timeouts(connect=timeout, read=timeout)
        self._random = random.Random(seed)  # noqa: S311 - an order of delivery, not a secret
        self._changed = threading.Condition()
        self._lanes: dict[str, list[_Waiting]] = {}
        self._threads: list[threading.Thread] = []
        self._unfinished = 0
        self._paused = False
        self._closed = False

    def submit(self, lane: str, deliveries: Iterable[Delivery]) -> None:
        """Queue deliveries of one webhook; they become visible to the lane together."""
        with self._changed:
            if self._closed:
                return
            batch = []
            for delivery in deliveries:
                if self.drop_deliveries > 0:
                    self.drop_deliveries -= 1
                else:
                    batch.append(delivery)
            now = time.monotonic()
            queue = self._lane(lane)
            if self.duplicate_rate:
                batch += [delivery for delivery in batch if self._random.random() < self.duplicate_rate]
            for _ in range(1 + self.duplicate_deliveries):
                queue.extend(_Waiting(delivery, now) for delivery in batch)
                self._unfinished += len(batch)
            self._changed.notify_all()

    def try_once(self, base_url: str, request: Request) -> Outcome:
        """Send at once, in the calling thread and without faults: what a platform does to test a webhook."""
        with HttpTransport(base_url, timeouts=self._timeouts, connections=1) as client:
            return _attempted(client, request)

    def pause(self) -> None:
        """Begin no further attempt until :meth:`resume`; what is submitted meanwhile waits."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def wait_delivered(self, timeout: timedelta) -> bool:
        """Wait until nothing is queued, under way or to be tried again; false when the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: self._unfinished == 0, timeout.total_seconds())

    def close(self) -> None:
        """Drop what is queued, let the attempts under way end, end the threads; may be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _lane(self, name: str) -> list[_Waiting]:
        if name not in self._lanes:
            queue = self._lanes[name] = []
            thread = threading.Thread(target=self._run, args=(queue,), name=f"webhook-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self._lanes[name]

    def _run(self, queue: list[_Waiting]) -> None:
        clients: dict[str, HttpTransport] = {}
        try:
            while (waiting := self._next(queue)) is not None:
                pause: timedelta | None = None
                try:
                    pause = self._attempt(waiting, clients)
                finally:
                    with self._changed:
                        if pause is None:
                            self._unfinished -= 1
                        else:
                            waiting.due = time.monotonic() + pause.total_seconds()
                            queue.append(waiting)
                        self._changed.notify_all()
        finally:
            for client in clients.values():
                client.close()

    def _next(self, queue: list[_Waiting]) -> _Waiting | None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                due = [] if self._paused else [waiting for waiting in queue if waiting.due <= now]
                if due:
                    chosen = self._random.choice(due) if self.shuffle else due[0]
                    queue.remove(chosen)
                    return chosen
                pending = not self._paused and queue
                self._changed.wait(min(waiting.due for waiting in queue) - now if pending else None)
        return None

    def _attempt(self, waiting: _Waiting, clients: dict[str, HttpTransport]) -> timedelta | None:
        delivery = waiting.delivery
        request = delivery.make_request()
        if request is None:
            return None
        if delivery.base_url not in clients:
            clients[delivery.base_url] = HttpTransport(delivery.base_url, timeouts=self._timeouts, connections=1)
        waiting.outcomes.append(_attempted(clients[delivery.base_url], request))
        pause = delivery.retry(waiting.outcomes)
        delivery.report(waiting.outcomes)
        return pause


def _attempted(client: HttpTransport, request: Request) -> Outcome:
    try:
        return _outcome(client.send(request))
    except TemporaryPlatformError as error:
        return Outcome(None, timed_out=error.reason == "timeout")


def _outcome(response: Response) -> Outcome:
    seconds = response.headers.get("retry-after", "")
    return Outcome(
        response.status,
        retry_after=timedelta(seconds=int(seconds)) if seconds.isascii() and seconds.isdigit() else None,
    )
