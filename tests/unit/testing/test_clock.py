"""The clock that its owner moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from oneclick_sla_plugin.testing.clock import ManualClock

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_it_stands_still_until_it_is_moved() -> None:
    """Two looks show the same instant; advancing shows the later one to everybody."""
    clock = ManualClock(NOON)
    assert (clock(), clock()) == (NOON, NOON)
    assert clock.advance(timedelta(hours=1)) == clock() == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert clock.advance_to(datetime(2026, 11, 24, tzinfo=UTC)) == clock() == datetime(2026, 11, 24, tzinfo=UTC)


def test_it_speaks_utc() -> None:
    """An instant with another offset is the same instant in UTC."""
    clock = ManualClock(datetime(2026, 11, 23, 7, 0, tzinfo=timezone(timedelta(hours=-5))))
    assert clock() == NOON
    assert clock().tzinfo is UTC


def test_it_refuses_to_go_back_and_to_be_naive() -> None:
    """Time does not run backwards, and an instant without an offset means nothing."""
    clock = ManualClock(NOON)
    with pytest.raises(ValueError, match="back"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="back"):
        clock.advance_to(NOON - timedelta(seconds=1))
    with pytest.raises(ValueError, match="offset"):
        ManualClock(NOON.replace(tzinfo=None))
