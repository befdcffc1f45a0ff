"""Several threads, one transaction, one flush."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from oneclick_sla_plugin.errors import StoreError
from oneclick_sla_plugin.storage.group_commit import FLUSHES, GroupCommit


class Gate:
    """A step that says when it begins and waits to be let through."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.open = threading.Semaphore(0)
        self.groups: list[list[str]] = []

    def __call__(self, items: Sequence[str] = ()) -> None:
        self.begun.release()
        assert self.open.acquire(timeout=10)
        self.groups.append(list(items))


def at_once() -> None:
    """A flush that takes no time."""


def wait_for(group: GroupCommit[str], items: int) -> None:
    """Until so many items have gathered behind the commit that is under way."""
    give_up_at = time.monotonic() + 10
    while group.waiting != items:
        assert time.monotonic() < give_up_at
        time.sleep(0.001)


def test_what_gathers_during_a_commit_is_committed_together() -> None:
    """While the first item is being committed four more arrive; they share the second commit."""
    gate = Gate()
    group = GroupCommit(gate, at_once)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(group.submit, "first")
        assert gate.begun.acquire(timeout=10)
        others = [pool.submit(group.submit, name) for name in "abcd"]
        wait_for(group, 4)
        gate.open.release(2)
        for future in (first, *others):
            future.result(10)
    group.close()
    assert [sorted(items) for items in gate.groups] == [["first"], ["a", "b", "c", "d"]]


def test_nobody_returns_before_the_commit() -> None:
    """The caller is still waiting while its item is being committed."""
    gate = Gate()
    group = GroupCommit(gate, at_once)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(group.submit, "item")
        assert gate.begun.acquire(timeout=10)
        assert not waiting.done()
        gate.open.release()
        waiting.result(10)
    group.close()
    assert gate.groups == [["item"]]


def test_nobody_returns_before_the_flush() -> None:
    """What is written is not yet durable, and nobody is told so."""
    flush = Gate()
    written: list[str] = []
    group: GroupCommit[str] = GroupCommit(written.extend, flush)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(group.submit, "item")
        assert flush.begun.acquire(timeout=10)
        assert written == ["item"]
        assert not waiting.done()
        flush.open.release()
        waiting.result(10)
    group.close()


def test_others_write_while_the_disk_works() -> None:
    """Each group is flushed after it was written, two at the same time; what comes then gathers for the next one."""
    flush = Gate()
    written: list[list[str]] = []
    group: GroupCommit[str] = GroupCommit(lambda items: written.append(sorted(items)), flush)
    with ThreadPoolExecutor(FLUSHES + 3) as pool:
        futures = []
        for name in ("first", "second"):
            futures.append(pool.submit(group.submit, name))
            assert flush.begun.acquire(timeout=10)
        futures += [pool.submit(group.submit, name) for name in "abc"]
        wait_for(group, 3)
        assert written == [["first"], ["second"]]
        flush.open.release()
        assert flush.begun.acquire(timeout=10)  # the place of the one that ended
        assert written == [["first"], ["second"], ["a", "b", "c"]]
        flush.open.release(2)
        for future in futures:
            future.result(10)
    group.close()


def test_a_failed_flush_reaches_its_group_only() -> None:
    """What may not have reached the disk was not accepted; the next group is none the worse."""
    outcomes = iter([OSError("secret"), None])

    def flush() -> None:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome

    group: GroupCommit[str] = GroupCommit(lambda _: None, flush)
    with pytest.raises(StoreError, match="OSError") as caught:
        group.submit("lost")
    assert "secret" not in str(caught.value)
    group.submit("kept")
    group.close()


@pytest.mark.parametrize(
    ("error", "words"), [(StoreError("disk full"), "disk full"), (ZeroDivisionError("secret"), "ZeroDivisionError")]
)
def test_an_error_reaches_every_waiting_caller(error: Exception, words: str) -> None:
    """Each gets a StoreError of its own, whatever went wrong, and the next commit is none the worse."""
    failing = True

    def commit(items: Sequence[str]) -> None:
        if failing:
            raise error

    group = GroupCommit(commit, at_once)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(group.submit, name) for name in "abc"]
        errors = [future.exception(10) for future in futures]
    assert all(isinstance(found, StoreError) and words in str(found) for found in errors)
    assert "secret" not in str(errors)
    assert len({id(found) for found in errors}) == 3
    failing = False
    group.submit("d")
    group.close()


@pytest.mark.parametrize("step", ["write", "flush"])
def test_an_interruption_is_of_one_thread_and_holds_up_nobody(step: str) -> None:
    """Ctrl-C in the thread that writes or flushes: its group is told, the next one is written, closing ends."""
    interrupted = iter([True])

    def interruptible(now: str) -> None:
        if now == step and next(interrupted, False):
            raise KeyboardInterrupt

    group: GroupCommit[str] = GroupCommit(lambda _: interruptible("write"), lambda: interruptible("flush"))
    with pytest.raises(KeyboardInterrupt):
        group.submit("interrupted")
    group.submit("next")
    group.close()


def test_closing_commits_what_waits_and_refuses_what_comes_later() -> None:
    """An accepted item is never dropped; one that comes too late is told so."""
    gate = Gate()
    group = GroupCommit(gate, at_once)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(group.submit, "first")
        assert gate.begun.acquire(timeout=10)
        second = pool.submit(group.submit, "second")
        wait_for(group, 1)
        closing = pool.submit(group.close)
        gate.open.release(2)
        for future in (first, second, closing):
            future.result(10)
    assert gate.groups == [["first"], ["second"]]
    with pytest.raises(StoreError):
        group.submit("late")


def test_there_is_no_thread_of_its_own() -> None:
    """Nothing to be lost when a process forks, and nobody to be woken for a single item."""
    committers: list[threading.Thread] = []
    group: GroupCommit[str] = GroupCommit(lambda _: committers.append(threading.current_thread()), at_once)
    group.submit("item")
    group.close()
    assert committers == [threading.current_thread()]
