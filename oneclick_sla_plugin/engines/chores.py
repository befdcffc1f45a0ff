"""Chores: what has to be done from time to time beside the looks, in a thread of its own.

A chore is a function that does one piece and says when it wants to be called
again. So a long one, in pieces, keeps neither the others nor the end waiting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Event, Thread

import structlog

Chore = Callable[[], timedelta]

_log = structlog.get_logger()


class Chores:
    """Calls each chore at once and then whenever it asked to be. Starts and stops once.

    ``retry``: the pause after one that raised.
    """

    def __init__(self, chores: Mapping[str, Chore], *, retry: timedelta = timedelta(minutes=1)) -> None:
        self._chores = chores
        self._retry = retry
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="engine-chores", daemon=True)

    def start(self) -> None:
        """Start the thread. In a server that forks: after the fork."""
        if self._chores:
            self._thread.start()

    def stop(self, timeout: timedelta = timedelta(seconds=30)) -> bool:
        """Begin nothing more and wait for the piece under way; false when the time was too short for that."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout.total_seconds())
        return not self._thread.is_alive()

    def _run(self) -> None:
        due = dict.fromkeys(self._chores, 0.0)
        while True:
            name = min(due, key=due.__getitem__)
            if self._stopping.wait(max(due[name] - time.monotonic(), 0)):
                return
            due[name] = time.monotonic() + self._do(name).total_seconds()

    def _do(self, name: str) -> timedelta:
        try:
            return self._chores[name]()
        except Exception as error:  # noqa: BLE001 - one chore must not end the others
            # The class alone: a message may quote what a customer wrote.
            _log.error("engine.chore_failed", chore=name, error=type(error).__qualname__)
            return self._retry
