"""Pauses after failures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.delivery.backoff import Backoff

SECOND = timedelta(seconds=1)
HIGHEST = Backoff(first=10 * SECOND, longest=100 * SECOND, uniform=max)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 20), (3, 40), (4, 80), (5, 100), (6, 100), (2000, 100)])
def test_the_bound_doubles_up_to_the_longest(attempt: int, seconds: int) -> None:
    """Each failure in a row may cost twice the pause of the one before."""
    assert HIGHEST.pause(attempt) == seconds * SECOND


@pytest.mark.parametrize(("asked", "seconds"), [(None, 20), (0, 20), (30, 50), (3600, 3620), (-5, 20)])
def test_what_the_platform_asks_for_comes_on_top(asked: int | None, seconds: int) -> None:
    """Tickets that are told the same time do not all come back at the same instant."""
    retry_after = None if asked is None else asked * SECOND
    assert HIGHEST.pause(2, retry_after) == seconds * SECOND


@given(attempt=st.integers(1, 10_000), asked=st.none() | st.timedeltas(timedelta(0), timedelta(days=1)))
def test_a_pause_lies_between_the_wish_and_the_bound(attempt: int, asked: timedelta | None) -> None:
    """Whatever chance says: never sooner than asked, never later than that plus the longest pause."""
    least = asked or timedelta(0)
    assert least <= Backoff().pause(attempt, asked) <= least + Backoff().longest
