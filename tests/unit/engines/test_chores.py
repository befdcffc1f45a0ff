"""Chores: each has its turn, and none keeps the others or the end waiting."""

from __future__ import annotations

import threading
from datetime import timedelta

from structlog.testing import capture_logs

from oneclick_sla_plugin.engines.chores import Chores

LONG = timedelta(seconds=20)
AT_ONCE = timedelta(0)


def test_a_chore_is_done_again_when_it_asked_to_be() -> None:
    """At once, or not before an hour is over."""
    turns: list[str] = []
    enough = threading.Event()

    def eager() -> timedelta:
        turns.append("eager")
        if len(turns) > 5:
            enough.set()
            return timedelta(hours=1)
        return AT_ONCE

    def lazy() -> timedelta:
        turns.append("lazy")
        return timedelta(hours=1)

    chores = Chores({"eager": eager, "lazy": lazy})
    chores.start()
    assert enough.wait(LONG.total_seconds())
    assert chores.stop(LONG)
    assert turns.count("lazy") == 1


def test_a_chore_that_fails_is_tried_again_and_harms_no_other() -> None:
    """Its class is logged, not its words."""
    tries = threading.Semaphore(0)

    def failing() -> timedelta:
        tries.release()
        raise LookupError("4111 1111")

    done = threading.Semaphore(0)

    def fine() -> timedelta:
        done.release()
        return timedelta(milliseconds=1)

    with capture_logs() as logs:
        chores = Chores({"failing": failing, "fine": fine}, retry=timedelta(milliseconds=1))
        chores.start()
        assert all(tries.acquire(timeout=LONG.total_seconds()) for _ in range(2))
        assert all(done.acquire(timeout=LONG.total_seconds()) for _ in range(2))
        assert chores.stop(LONG)
    assert {(entry["event"], entry["chore"], entry["error"]) for entry in logs} == {
        ("engine.chore_failed", "failing", "LookupError")
    }


def test_stopping_waits_for_the_piece_under_way_only() -> None:
    """And says whether it had ended in time."""
    begun, go_on = threading.Event(), threading.Event()
    pieces: list[None] = []

    def slow() -> timedelta:
        pieces.append(None)
        begun.set()
        assert go_on.wait(LONG.total_seconds())
        return AT_ONCE

    chores = Chores({"slow": slow})
    chores.start()
    assert begun.wait(LONG.total_seconds())
    assert not chores.stop(AT_ONCE)
    go_on.set()
    assert chores.stop(LONG)
    assert pieces == [None]


def test_without_chores_nothing_runs() -> None:
    """And stopping what never started is fine."""
    before = threading.active_count()
    chores = Chores({})
    chores.start()
    assert threading.active_count() == before
    assert chores.stop(AT_ONCE)
