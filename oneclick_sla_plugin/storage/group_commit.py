"""Group commit: many threads wait, one of them writes, one flush of the disk serves them all.

A commit costs a flush, and writers that queue for SQLite's lock are served
unfairly. So within a process one thread at a time writes everything that waits in
one transaction; while it does, the next group gathers, and the first of that group
writes it. No thread is handed the work that would have to wake up for it.

The flush is a step of its own, and two may be under way: the next group is written
while the disk still works on the one before. Otherwise half of a server's threads
would always wait for the flush of the other half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import Generic, TypeVar

from oneclick_sla_plugin.errors import StoreError

T = TypeVar("T")

FLUSHES = 2
"""How many may be under way. With more of them the groups shrink, and the disk does the same work oftener."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T]):
    """An item, and the thread that waits for it at ``wake``, a lock that is taken until there is news.

    The news is that the item is durable or has failed with ``error``; or, while it
    is not ``done``, that it is this thread's turn to write.
    """

    item: T
    done: bool = False
    error: StoreError | None = None
    wake: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.wake.acquire()


class GroupCommit(Generic[T]):
    """Hands what several threads submit to ``write`` together, then calls ``flush``, which makes it durable.

    One ``write`` runs at a time; a ``flush`` covers everything that was written
    before it began. Both raise ``StoreError`` when they fail.
    """

    def __init__(self, write: Callable[[Sequence[T]], None], flush: Callable[[], None]) -> None:
        self._write = write
        self._flush = flush
        self._state = Lock()
        self._settled = Condition(self._state)
        self._queue: list[_Waiting[T]] = []
        self._writing = False
        self._flushing = 0
        self._closed = False

    def submit(self, item: T) -> None:
        """Returns when ``item`` is durable. Raises ``StoreError`` when it is not, or after :meth:`close`."""
        mine = _Waiting(item)
        with self._state:
            if self._closed:
                raise StoreError("the store is closed")
            self._queue.append(mine)
            if self._may_write():
                self._writing = True
                mine.wake.release()
        try:
            mine.wake.acquire()
        except BaseException:  # Ctrl-C: nobody may wait for this thread
            self._leave(mine)
            raise
        if not mine.done:
            self._commit_all(mine)
        if mine.error is not None:
            raise mine.error

    @property
    def waiting(self) -> int:
        """How many items wait to be written."""
        with self._state:
            return len(self._queue)

    def close(self) -> None:
        """Wait until what was submitted is durable; later submissions are refused."""
        with self._state:
            self._closed = True
            self._settled.wait_for(lambda: not (self._writing or self._flushing))

    def _may_write(self) -> bool:
        return not self._writing and self._flushing < FLUSHES

    def _commit_all(self, mine: _Waiting[T]) -> None:
        """Write and flush what waits, ``mine`` with it; meanwhile others write what comes later."""
        with self._state:
            group, self._queue = self._queue, []
        error = _failure(lambda: self._write([waiting.item for waiting in group]))
        with self._state:
            self._writing = False
            self._flushing += 1
            self._call_writer()
        error = error or _failure(self._flush)
        with self._state:
            self._flushing -= 1
            self._call_writer()
            if self._closed:
                self._settled.notify_all()
        for waiting in group:
            if error is not None:
                waiting.error = _for_one_caller(error)
            waiting.done = True
            if waiting is not mine:
                waiting.wake.release()
        if error is not None and not isinstance(error, Exception):
            raise error  # an interruption is this thread's alone

    def _leave(self, mine: _Waiting[T]) -> None:
        """Take back an item that is not being written yet, and hand on the turn to write if it was this thread's."""
        with self._state:
            if mine in self._queue:
                self._queue.remove(mine)
            if mine.wake.acquire(blocking=False) and not mine.done:
                self._writing = False
                self._call_writer()
            self._settled.notify_all()

    def _call_writer(self) -> None:
        """Make the first of those that wait the next writer, if there is room for one."""
        if self._queue and self._may_write():
            self._writing = True
            self._queue[0].wake.release()


def _failure(step: Callable[[], None]) -> BaseException | None:
    try:
        step()
    except BaseException as error:  # noqa: BLE001 - whatever it is, an interruption too, nobody may be left waiting
        return error
    return None


def _for_one_caller(error: BaseException) -> StoreError:
    """An instance for each waiting thread, since raising one changes its traceback."""
    own = StoreError(str(error) if isinstance(error, StoreError) else f"cannot commit ({type(error).__name__})")
    own.__cause__ = error
    return own
