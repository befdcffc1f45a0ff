"""A fuse against loops: how often one ticket may be written in a while.

Our writes make Zendesk's triggers and other programs act, and what they do wakes us
again. Nothing to write ends such a loop, unless two programs undo each other's work:
then each write is a real difference. Zendesk itself cuts at 30 updates in 10 minutes
by one user on one ticket, which would lock a person's later change out as well
(https://developer.zendesk.com/api-reference/introduction/rate-limits/), so the fuse
blows well before. It is kept in memory: it guards against a running program.
"""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=10)

_SWEEP_AT = 10_000
"""Tickets remembered before those are forgotten whose writes are all older than the window."""


class WriteFuse:
    """Counts writes by ticket. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        """``limit``: writes of one ticket within :data:`WINDOW`."""
        self._limit = limit
        self._lock = threading.Lock()
        self._writes: dict[str, deque[datetime]] = {}

    def admit(self, ticket_id: str, now: datetime) -> timedelta | None:
        """Count a write that is about to be sent; if it may not be, how long to wait until one may."""
        with self._lock:
            if len(self._writes) >= _SWEEP_AT:
                self._writes = {key: at for key, at in self._writes.items() if at and at[-1] > now - WINDOW}
            writes = self._writes.setdefault(ticket_id, deque())
            while writes and writes[0] <= now - WINDOW:
                writes.popleft()
            if len(writes) >= self._limit:
                return writes[0] + WINDOW - now
            writes.append(now)
            return None

    def take_back(self, ticket_id: str) -> None:
        """The write that was admitted last had no effect, so it was none."""
        with self._lock:
            if writes := self._writes.get(ticket_id):
                writes.pop()
