"""What an amount of time comes to, whatever zone its start is written in."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.amounts import (
    WALL_TIME,
    Amount,
    BusinessDays,
    BusinessDayTime,
    CloseOfBusinessDay,
    Elapsed,
    OpenTime,
)
from oneclick_sla_plugin.domain.calendar import BusinessCalendar

MADRID = ZoneInfo("Europe/Madrid")
OFFICE = BusinessCalendar(MADRID, {day: [(time(9), time(17))] for day in range(5)})
BEFORE_SUMMER_TIME = datetime(2025, 3, 28, 12, 0, tzinfo=MADRID)  # a Friday; the clocks move on Sunday


@pytest.mark.parametrize(
    ("amount", "due", "words"),
    [
        (Elapsed(timedelta(hours=48)), "2025-03-30T13:00:00+02:00", "48 elapsed hours"),
        (Elapsed(timedelta(seconds=60)), "2025-03-28T12:01:00+01:00", "60 elapsed seconds"),
        (OpenTime(timedelta(hours=6)), "2025-03-31T10:00:00+02:00", "6 open hours"),
        (OpenTime(timedelta(minutes=90)), "2025-03-28T13:30:00+01:00", "90 open minutes"),
        (BusinessDayTime(timedelta(hours=24)), "2025-03-31T12:00:00+02:00", "24 business-day hours"),
        (BusinessDays(1), "2025-04-01T00:00:00+02:00", "1 business day"),
        (BusinessDays(2), "2025-04-02T00:00:00+02:00", "2 business days"),
        (CloseOfBusinessDay(), "2025-03-28T17:00:00+01:00", "by the close of the business day that opens next"),
    ],
)
def test_when_an_amount_is_due_and_how_it_is_spelled(amount: Amount, due: str, words: str) -> None:
    for zone in (MADRID, UTC, ZoneInfo("America/Lima")):
        assert amount.due(BEFORE_SUMMER_TIME.astimezone(zone), OFFICE) == datetime.fromisoformat(due)
    assert str(amount) == words


def test_the_walls_time_is_measured_across_a_change_of_the_clocks() -> None:
    after = WALL_TIME.add(BEFORE_SUMMER_TIME, timedelta(hours=48)).astimezone(MADRID)
    assert WALL_TIME.between(BEFORE_SUMMER_TIME, after) == timedelta(hours=48)
