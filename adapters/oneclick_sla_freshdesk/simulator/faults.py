"""What comes between a request that writes a ticket, its effect, and its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta


class WriteFaults:
    """Races and delays around the writes of tickets. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: list[Callable[[], object]] = []
        self._delay = timedelta(0)
        self._before_effect = False
        self._closing = threading.Event()

    def before_next_update(self, deed: Callable[[], object]) -> None:
        """Do this when the next update of a ticket has arrived and before it takes effect; deeds queue up."""
        with self._lock:
            self._before.append(deed)

    def delay(self, duration: timedelta, *, before_effect: bool) -> None:
        with self._lock:
            self._delay, self._before_effect = duration, before_effect

    def close(self) -> None:
        """Let the delayed answers go."""
        self._closing.set()

    @contextmanager
    def around(self, *, update: bool) -> Iterator[None]:
        """Hold a write (``update``: of the ticket itself, not a note or a reply)."""
        self._wait(before_effect=True)
        with self._lock:
            deed = self._before.pop(0) if update and self._before else None
        if deed is not None:
            deed()
        yield
        self._wait(before_effect=False)

    def _wait(self, *, before_effect: bool) -> None:
        with self._lock:
            delay = self._delay if self._before_effect is before_effect else timedelta(0)
        if delay:
            self._closing.wait(delay.total_seconds())
