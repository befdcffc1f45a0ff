"""Totals of a period: what was received, what was in time, what was open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from oneclick_sla_plugin.domain.complaint import CaseEvent, ComplaintType, Happened, Stage
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_totals import Timeliness, Totals, totals
from oneclick_sla_plugin.testing.complaints import a_case, an_event
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ACK_DUE = (RECEIVED_AT + DAY).isoformat()
ANSWER_DUE = (RECEIVED_AT + 2 * DAY).isoformat()
EXTENDED_DUE = (RECEIVED_AT + 5 * DAY).isoformat()

REGISTERED = an_event(ack_due_at=ACK_DUE, response_due_at=ANSWER_DUE)
EXTENDED = an_event(Happened.EXTENDED, DAY, new_due_at=EXTENDED_DUE)


def acknowledged(after: timedelta) -> CaseEvent:
    return an_event(Happened.ACKNOWLEDGED, after, due_at=ACK_DUE)


def responded(after: timedelta, due_at: str = ANSWER_DUE) -> CaseEvent:
    return an_event(Happened.RESPONDED, after, due_at=due_at)


@pytest.fixture
def register(sqlite_url: str) -> Iterator[SqlRegister]:
    database = open_database(sqlite_url)
    database.migrate()
    yield SqlRegister(database)
    database.close()


def of(
    register: SqlRegister,
    *cases: tuple[Stage, Sequence[CaseEvent]],
    since: datetime = RECEIVED_AT,
    until: datetime = RECEIVED_AT + DAY,
    now: datetime = RECEIVED_AT + HOUR,
) -> Totals:
    for ticket, (stage, events) in enumerate(cases):
        register.record(TicketKey("acme", str(ticket)), a_case(events, stage=stage), "p@1", RECEIVED_AT)
    return totals(register.complaints(), since, until, now)


@pytest.mark.parametrize(
    ("events", "stage", "days_later", "acknowledgement", "answer"),
    [
        ([REGISTERED], Stage.REGISTERED, 0, Timeliness(waiting=1), Timeliness(waiting=1)),
        ([REGISTERED], Stage.REGISTERED, 1, Timeliness(waiting=1), Timeliness(waiting=1)),
        ([REGISTERED], Stage.REGISTERED, 1.5, Timeliness(late=1), Timeliness(waiting=1)),
        ([REGISTERED], Stage.REGISTERED, 3, Timeliness(late=1), Timeliness(late=1)),
        ([REGISTERED, acknowledged(DAY)], Stage.ACKNOWLEDGED, 1, Timeliness(in_time=1), Timeliness(waiting=1)),
        ([REGISTERED, acknowledged(DAY + HOUR)], Stage.ACKNOWLEDGED, 1, Timeliness(late=1), Timeliness(waiting=1)),
        ([REGISTERED, responded(HOUR)], Stage.RESPONDED, 1, Timeliness(in_time=1), Timeliness(in_time=1)),
        (
            [REGISTERED, responded(HOUR), acknowledged(DAY + HOUR)],
            Stage.RESPONDED,
            1,
            Timeliness(in_time=1),
            Timeliness(in_time=1),
        ),
        ([REGISTERED, responded(2 * DAY)], Stage.RESPONDED, 1, Timeliness(late=1), Timeliness(in_time=1)),
        ([REGISTERED, responded(3 * DAY)], Stage.RESPONDED, 4, Timeliness(late=1), Timeliness(late=1)),
        ([REGISTERED, EXTENDED], Stage.REGISTERED, 4, Timeliness(late=1), Timeliness(waiting=1)),
        ([REGISTERED, EXTENDED], Stage.REGISTERED, 6, Timeliness(late=1), Timeliness(late=1)),
        (
            [REGISTERED, EXTENDED, responded(4 * DAY, EXTENDED_DUE)],
            Stage.RESPONDED,
            6,
            Timeliness(late=1),
            Timeliness(in_time=1),
        ),
        ([an_event()], Stage.REGISTERED, 99, Timeliness(waiting=1), Timeliness(waiting=1)),
        (
            [an_event(), an_event(Happened.RESPONDED, HOUR)],
            Stage.RESPONDED,
            1,
            Timeliness(undated=1),
            Timeliness(undated=1),
        ),
        (
            [an_event(), an_event(Happened.RESPONDED, HOUR, due_at="soon")],
            Stage.RESPONDED,
            1,
            Timeliness(undated=1),
            Timeliness(undated=1),
        ),
        (
            [an_event(), an_event(Happened.RESPONDED, HOUR, due_at="2026-11-18T00:00:00")],
            Stage.RESPONDED,
            1,
            Timeliness(undated=1),
            Timeliness(undated=1),
        ),
        ([REGISTERED], Stage.WITHDRAWN, 99, Timeliness(), Timeliness()),
        ([REGISTERED], Stage.DUPLICATE, 99, Timeliness(), Timeliness()),
        ([REGISTERED], Stage.CLOSED, 99, Timeliness(late=1), Timeliness(late=1)),
    ],
)
def test_in_time_is_judged_from_the_events(
    register: SqlRegister,
    events: list[CaseEvent],
    stage: Stage,
    days_later: float,
    acknowledgement: Timeliness,
    answer: Timeliness,
) -> None:
    """At the due instant is in time; a direct answer acknowledges; what names no deadline has no share."""
    found = of(register, (stage, events), now=RECEIVED_AT + days_later * DAY)
    assert (found.acknowledged, found.answered) == (acknowledgement, answer)


@pytest.mark.parametrize(
    ("timeliness", "share"),
    [(Timeliness(3, 1, 5, 7), 0.75), (Timeliness(0, 2), 0.0), (Timeliness(waiting=4, undated=2), None)],
)
def test_a_share_is_of_those_of_which_it_is_known(timeliness: Timeliness, share: float | None) -> None:
    assert timeliness.share == share


def test_what_happened_to_the_complaints_is_counted(register: SqlRegister) -> None:
    """Suspicions apart; two extensions of one complaint are one extended complaint."""
    suspected = an_event(Happened.SUSPECTED)
    found = of(
        register,
        (Stage.REGISTERED, [REGISTERED, EXTENDED, an_event(Happened.EXTENDED, 2 * DAY)]),
        (Stage.INVESTIGATING, [REGISTERED, an_event(Happened.REOPENED, HOUR)]),
        (Stage.DUPLICATE, [REGISTERED, an_event(Happened.DUPLICATED, HOUR, duplicate_of="0")]),
        (Stage.REJECTED, [REGISTERED, an_event(Happened.REJECTED, HOUR)]),
        (Stage.WITHDRAWN, [REGISTERED, an_event(Happened.WITHDRAWN, HOUR)]),
        (Stage.REJECTED, [suspected, an_event(Happened.REJECTED, HOUR)]),
        (Stage.SUSPECTED, [suspected]),
    )
    assert (found.received, found.extended, found.reopened) == (5, 1, 1)
    assert (found.duplicates, found.rejected, found.withdrawn) == (1, 1, 1)
    assert (found.suspects_rejected, found.suspects_waiting) == (1, 1)
    assert (found.open_at_begin, found.open_at_end) == (0, 2)


def test_types_and_channels_are_counted(register: SqlRegister) -> None:
    for ticket, (type_, channel) in enumerate(
        [(ComplaintType.QUEJA, Channel.PHONE), (None, Channel.EMAIL), (ComplaintType.QUEJA, Channel.EMAIL)]
    ):
        case = a_case(type=type_, channel=channel)
        register.record(TicketKey("acme", str(ticket)), case, "p@1", RECEIVED_AT)
    found = of(register)
    assert (found.by_type, found.by_channel) == ({"none": 1, "queja": 2}, {"email": 2, "phone": 1})


@pytest.mark.parametrize(
    ("since", "until", "received", "at_begin", "at_end"),
    [
        (-2, -1, 0, 0, 0),
        (-1, 0, 0, 0, 0),
        (0, 1, 1, 0, 1),
        (1, 2, 0, 1, 1),
        (2, 3, 0, 1, 1),
        (3, 4, 0, 1, 0),
        (4, 5, 0, 0, 0),
        (5, 6, 0, 0, 1),
        (6, 9, 0, 1, 1),
    ],
)
def test_open_at_both_ends_of_a_period(
    register: SqlRegister, since: int, until: int, received: int, at_begin: int, at_end: int
) -> None:
    """Received on day 0, closed on day 3, reopened on day 5; ends of periods are not part of them."""
    events = [REGISTERED, an_event(Happened.CLOSED, 3 * DAY), an_event(Happened.REOPENED, 5 * DAY, level=2)]
    found = of(
        register,
        (Stage.INVESTIGATING, events),
        since=RECEIVED_AT + since * DAY,
        until=RECEIVED_AT + until * DAY,
    )
    assert (found.received, found.open_at_begin, found.open_at_end) == (received, at_begin, at_end)
