"""Group commit: many threads wait, one of them writes, one commit serves them all.

A commit costs a flush of the disk, and writers that queue for SQLite's lock are
served unfairly. So within a process one thread at a time commits everything that
waits in one transaction; while it does, the next group gathers, and the first of
that group commits it. No thread is handed the work that would have to wake up for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import Generic, TypeVar

from oneclick_sla_plugin.errors import StoreError

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting(Generic[T]):
    """An item, and the thread that waits for it at ``wake``, a lock that is taken until there is news.

    The news is that the item's commit has ended, well or with ``error``; or, while
    it is not ``done``, that it is this thread's turn to commit.
    """

    item: T
    done: bool = False
    error: StoreError | None = None
    wake: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.wake.acquire()


class GroupCommit(Generic[T]):
    """Hands what several threads submit to ``commit`` together. ``commit`` raises ``StoreError`` when it fails."""

    def __init__(self, commit: Callable[[Sequence[T]], None]) -> None:
        self._commit = commit
        self._changed = Condition()
        self._queue: list[_Waiting[T]] = []
        self._committing = False
        self._closed = False

    def submit(self, item: T) -> None:
        """Returns when ``item`` is committed. Raises ``StoreError`` when it is not, or after :meth:`close`."""
        mine = _Waiting(item)
        with self._changed:
            if self._closed:
                raise StoreError("the store is closed")
            self._queue.append(mine)
            waits = self._committing
            self._committing = True
        if waits:
            mine.wake.acquire()
        if not mine.done:
            self._commit_all(mine)
        if mine.error is not None:
            raise mine.error

    @property
    def waiting(self) -> int:
        """How many items wait for the next commit."""
        with self._changed:
            return len(self._queue)

    def close(self) -> None:
        """Wait until what was submitted is committed; later submissions are refused."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._committing)

    def _commit_all(self, mine: _Waiting[T]) -> None:
        """Commit what waits, ``mine`` with it; then the first of those that came meanwhile goes on."""
        with self._changed:
            group, self._queue = self._queue, []
        try:
            self._commit([waiting.item for waiting in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting
            for waiting in group:
                waiting.error = _for_one_caller(error)
        with self._changed:
            following = self._queue[0] if self._queue else None
            if following is None:
                self._committing = False
                self._changed.notify_all()
        if following is not None:
            following.wake.release()
        for waiting in group:
            waiting.done = True
            if waiting is not mine:
                waiting.wake.release()


def _for_one_caller(error: Exception) -> StoreError:
    """An instance for each waiting thread, since raising one changes its traceback."""
    own = StoreError(str(error) if isinstance(error, StoreError) else f"cannot commit ({type(error).__name__})")
    own.__cause__ = error
    return own
