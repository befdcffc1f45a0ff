"""Group commit: many threads wait, one thread writes, one commit serves them all.

A commit costs a flush of the disk, and writers that queue for SQLite's lock are
served unfairly. So within a process one thread commits everything that waits in
one transaction; while it does, the next group gathers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Generic, TypeVar

from oneclick_sla_plugin.errors import StoreError

T = TypeVar("T")


class GroupCommit(Generic[T]):
    """Hands what several threads submit to ``commit`` together. ``commit`` raises ``StoreError`` when it fails.

    The thread starts with the first item, so a process may fork before that.
    """

    def __init__(self, commit: Callable[[Sequence[T]], None], *, name: str) -> None:
        self._commit = commit
        self._name = name
        self._changed = Condition()
        self._waiting: list[tuple[T, Future[None]]] = []
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, item: T) -> None:
        """Returns when ``item`` is committed. Raises ``StoreError`` when it is not, or after :meth:`close`."""
        committed: Future[None] = Future()
        with self._changed:
            if self._closed:
                raise StoreError("the store is closed")
            self._waiting.append((item, committed))
            # A forked child inherits the object but not the thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()
        committed.result()

    @property
    def waiting(self) -> int:
        """How many items wait for the next commit."""
        with self._changed:
            return len(self._waiting)

    def close(self) -> None:
        """Commit what waits and stop the thread; later submissions are refused."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                group, self._waiting = self._waiting, []
            if not group:
                return
            try:
                self._commit([item for item, _ in group])
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left waiting
                for _, committed in group:
                    committed.set_exception(_for_one_caller(error))
            else:
                for _, committed in group:
                    committed.set_result(None)


def _for_one_caller(error: Exception) -> StoreError:
    """An instance for each waiting thread, since raising one changes its traceback."""
    own = StoreError(str(error) if isinstance(error, StoreError) else f"cannot commit ({type(error).__name__})")
    own.__cause__ = error
    return own
