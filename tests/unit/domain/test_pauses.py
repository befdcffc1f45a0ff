"""Time that does not count: spans of the status history, and adding around them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.amounts import WALL_TIME
from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.model import Status, StatusChange
from oneclick_sla_plugin.domain.pauses import Pause, add_without_pauses, pauses_of, settled_at
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_ticket

HOUR = timedelta(hours=1)


def history(*changes: tuple[float, Status]) -> tuple[StatusChange, ...]:
    return tuple(StatusChange(RECEIVED_AT + hours * HOUR, status) for hours, status in changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([(0, Status.OPEN)], [], id="never paused"),
        pytest.param([(0, Status.OPEN), (2, Status.PENDING), (5, Status.OPEN)], [(2, 5)], id="one span"),
        pytest.param([(0, Status.PENDING)], [(1, 10)], id="cut at both ends"),
        pytest.param(
            [(0, Status.OPEN), (2, Status.PENDING), (3, Status.ON_HOLD), (4, Status.OPEN)],
            [(2, 3), (3, 4)],
            id="from one pausing status to another",
        ),
        pytest.param([(5, Status.OPEN), (2, Status.PENDING), (0, Status.OPEN)], [(2, 5)], id="out of order"),
        pytest.param([(2, Status.PENDING), (2, Status.OPEN)], [], id="of one instant the last holds"),
        pytest.param([(12, Status.PENDING)], [], id="after the end"),
        pytest.param([], [], id="no history"),
    ],
)
def test_the_spans_that_a_ticket_spent_in_a_status(
    changes: list[tuple[float, Status]], expected: list[tuple[float, float]]
) -> None:
    ticket = a_ticket(status_history=history(*changes))
    found = pauses_of(ticket, {Status.PENDING, Status.ON_HOLD}, RECEIVED_AT + 1 * HOUR, RECEIVED_AT + 10 * HOUR)
    spans = [((pause.begins - RECEIVED_AT) / HOUR, (pause.ends - RECEIVED_AT) / HOUR) for pause in found]
    assert spans == expected


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [
        pytest.param(Status.OPEN, [(0, Status.OPEN)], None, id="open"),
        pytest.param(Status.SOLVED, [(0, Status.OPEN), (3, Status.SOLVED)], 3, id="solved"),
        pytest.param(
            Status.CLOSED, [(0, Status.OPEN), (3, Status.SOLVED), (9, Status.CLOSED)], 3, id="closed later: when solved"
        ),
        pytest.param(
            Status.SOLVED,
            [(0, Status.OPEN), (3, Status.SOLVED), (4, Status.OPEN), (7, Status.SOLVED)],
            7,
            id="reopened: when solved last",
        ),
        pytest.param(Status.OPEN, [(3, Status.SOLVED), (4, Status.OPEN)], None, id="reopened and open"),
        pytest.param(Status.SOLVED, [(0, Status.SOLVED)], 0, id="arrived solved"),
        pytest.param(Status.SOLVED, [], 20, id="no history: the last update"),
    ],
)
def test_when_a_ticket_was_solved(status: Status, changes: list[tuple[float, Status]], expected: float | None) -> None:
    ticket = a_ticket(status=status, status_history=history(*changes), updated_at=RECEIVED_AT + 20 * HOUR)
    assert settled_at(ticket) == (None if expected is None else RECEIVED_AT + expected * HOUR)


OFFICE = BusinessCalendar("UTC", {day: [(time(9), time(17))] for day in range(5)})
TUESDAY = datetime(2026, 11, 17, tzinfo=UTC)


def pause(begins: float, ends: float) -> Pause:
    return Pause(TUESDAY + timedelta(hours=begins), TUESDAY + timedelta(hours=ends))


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        pytest.param([], 14, id="none"),
        pytest.param([pause(11, 12)], 15, id="inside"),
        pytest.param([pause(1, 8)], 14, id="before the start"),
        pytest.param([pause(8, 11)], 15, id="over the start"),
        pytest.param([pause(14, 16)], 14, id="from the due instant on"),
        pytest.param([pause(11, 12), pause(11.5, 12.5)], 15.5, id="overlapping"),
        pytest.param([pause(13, 13.5), pause(11, 12)], 15.5, id="out of order"),
        pytest.param([pause(11, 11)], 14, id="empty"),
        pytest.param([pause(12, 24 + 10)], 24 + 12, id="over the night"),
        pytest.param([pause(13, 24 + 3)], 24 + 10, id="ends while closed"),
    ],
)
def test_pauses_are_not_counted(pauses: list[Pause], due: float) -> None:
    start = TUESDAY + timedelta(hours=10)
    assert add_without_pauses(OFFICE, start, timedelta(hours=4), pauses) == TUESDAY + timedelta(hours=due)


def test_a_zero_amount_does_not_wait_for_a_later_pause() -> None:
    start = TUESDAY + timedelta(hours=10)
    assert add_without_pauses(OFFICE, start, timedelta(0), [pause(11, 12)]) == start


minutes = st.integers(0, 3 * 24 * 60).map(lambda n: TUESDAY + timedelta(minutes=n))
pauses = st.lists(st.tuples(minutes, minutes).map(sorted).map(lambda ends: Pause(ends[0], ends[1])), max_size=5)


@given(start=minutes, amount=st.integers(1, 2000).map(lambda n: timedelta(minutes=n)), pauses=pauses)
def test_between_start_and_due_exactly_the_amount_lies_outside_the_pauses(
    start: datetime, amount: timedelta, pauses: list[Pause]
) -> None:
    due = add_without_pauses(WALL_TIME, start, amount, pauses)
    minute = timedelta(minutes=1)
    counted = sum(
        not any(pause.begins <= start + n * minute < pause.ends for pause in pauses)
        for n in range((due - start) // minute)
    )
    assert counted * minute == amount
