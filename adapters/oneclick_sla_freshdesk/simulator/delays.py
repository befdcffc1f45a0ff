"""Time that passes between a request that writes a ticket, its effect, and its answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta


class WriteDelays:
    """Delays around the writes of tickets. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._delay = timedelta(0)
        self._before_effect = False
        self._closing = threading.Event()

    def set(self, duration: timedelta, *, before_effect: bool) -> None:
        with self._lock:
            self._delay, self._before_effect = duration, before_effect

    def close(self) -> None:
        """Let the delayed answers go."""
        self._closing.set()

    @contextmanager
    def around(self) -> Iterator[None]:
        """Hold a write."""
        self._wait(before_effect=True)
        yield
        self._wait(before_effect=False)

    def _wait(self, *, before_effect: bool) -> None:
        with self._lock:
            delay = self._delay if self._before_effect is before_effect else timedelta(0)
        if delay:
            self._closing.wait(delay.total_seconds())
