"""A clock that its owner moves, for simulators, tests and the demo."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class ManualClock:
    """A ``ports.Clock`` that stands still until it is moved. Safe to use from several threads."""

    def __init__(self, start: datetime) -> None:
        """``start`` must be aware; ``ValueError`` otherwise."""
        self._lock = threading.Lock()
        self._now = _utc(start)

    def __call__(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, amount: timedelta) -> datetime:
        """Move forward and return the new present. ``ValueError`` when ``amount`` is negative."""
        if amount < timedelta(0):
            raise ValueError("time does not go back")
        with self._lock:
            self._now += amount
            return self._now

    def advance_to(self, instant: datetime) -> datetime:
        """Move forward to ``instant`` and return it. ``ValueError`` when it lies in the past."""
        with self._lock:
            if _utc(instant) < self._now:
                raise ValueError("time does not go back")
            self._now = _utc(instant)
            return self._now


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return instant.astimezone(UTC)
