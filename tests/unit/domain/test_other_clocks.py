"""The next reply, updates, the resolution and the promised date: when due, what ends them, what does not count."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from oneclick_sla_plugin.domain.clocks import Clock, ClockState, Thread, measure
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Message, Metric, Status, StatusChange, Ticket
from oneclick_sla_plugin.policy_files import parse_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket

HEAD = """
id = "test"
version = "1"
title = "Test"
language = "en"
time_zone = "America/Lima"
channels = ["email", "phone"]
default_channel = "email"

[calendars.office]
hours = { mon-fri = ["09:00-18:00"] }
holidays = { country = "PE" }

[[targets]]
name = "first"
metric = "first_reply"
title = "first"
clause = "§1"
within = "2 elapsed hours"
calendar = "office"

[[targets]]
name = "next"
metric = "next_reply"
title = "next"
clause = "§2"
within = "3 elapsed hours"
calendar = "office"

[[targets]]
name = "news"
metric = "update"
title = "news"
clause = "§3"
within = "10 elapsed hours"
calendar = "office"

[[targets]]
name = "solution"
metric = "resolution"
title = "solution"
clause = "§4"
within = "20 elapsed hours"
calendar = "office"
"""
POLICY = parse_policy(HEAD)
ESTIMATED = parse_policy(
    HEAD
    + """
[estimate]
clause = "§5"
title = "by the estimate"
calendar = "office"
"""
)
HOUR = timedelta(hours=1)
LONG_AFTER = RECEIVED_AT + 900 * HOUR
RUNNING, PAUSED, MET, BREACHED, DROPPED = (
    ClockState.RUNNING,
    ClockState.PAUSED,
    ClockState.MET,
    ClockState.BREACHED,
    ClockState.DROPPED,
)


def at(hours: float) -> datetime:
    """Hours after receipt, a Tuesday at 10:00 in Lima."""
    return RECEIVED_AT + hours * HOUR


def clock(metric: Metric, ticket: Ticket, now: datetime = LONG_AFTER, policy: object = POLICY) -> Clock | None:
    assert policy is POLICY or policy is ESTIMATED
    used = POLICY if policy is POLICY else ESTIMATED
    found = [
        clock for clock in measure(ticket, Thread.of(ticket), used, used.facts(ticket), now) if clock.metric is metric
    ]
    assert len(found) <= 1
    return found[0] if found else None


def thread(*messages: tuple[float, str]) -> tuple[Message, ...]:
    """c: customer, a: agent in public, n: agent's note, s: system, u: us in public."""
    kinds = {
        "c": (Author.CUSTOMER, True),
        "a": (Author.AGENT, True),
        "n": (Author.AGENT, False),
        "s": (Author.SYSTEM, True),
        "u": (Author.US, True),
    }
    return tuple(
        a_message(hours * HOUR, kinds[who][0], public=kinds[who][1], id=str(n))
        for n, (hours, who) in enumerate(messages)
    )


def history(*changes: tuple[float, Status]) -> tuple[StatusChange, ...]:
    return tuple(StatusChange(at(hours), status) for hours, status in changes)


@pytest.mark.parametrize(
    ("messages", "started", "state"),
    [
        pytest.param([(0, "c")], None, None, id="not before an answer"),
        pytest.param([(0, "c"), (1, "c")], None, None, id="a second question before the answer is the first round"),
        pytest.param([(0, "c"), (1, "a")], None, None, id="answered, nothing asked since"),
        pytest.param([(0, "c"), (1, "a"), (5, "c")], 5, BREACHED, id="asked again, no answer"),
        pytest.param([(0, "c"), (1, "a"), (5, "c"), (6, "c")], 5, BREACHED, id="from the first of several questions"),
        pytest.param([(0, "c"), (1, "a"), (5, "c"), (8, "a")], 5, MET, id="answered at the due instant"),
        pytest.param([(0, "c"), (1, "a"), (5, "c"), (8.1, "a")], 5, BREACHED, id="answered late"),
        pytest.param([(0, "c"), (1, "a"), (5, "c"), (6, "n"), (6, "s"), (6, "u")], 5, BREACHED, id="what is no answer"),
        pytest.param(
            [(0, "c"), (1, "a"), (5, "c"), (9, "a"), (20, "c"), (21, "a")], 20, MET, id="the last round counts"
        ),
        pytest.param([(0, "c"), (1, "a"), (5, "c"), (6, "a"), (7, "a")], 5, MET, id="several answers"),
        pytest.param(
            [(0, "a"), (1, "c"), (2, "a")], None, None, id="opened by an agent: the customer's first is no next"
        ),
    ],
)
def test_next_reply(messages: list[tuple[float, str]], started: float | None, state: ClockState | None) -> None:
    found = clock(Metric.NEXT_REPLY, a_ticket(thread(*messages)))
    assert (found and found.state) == state
    if found is not None and started is not None:
        assert (found.started_at, found.due_at) == (at(started), at(started + 3))


def test_solving_without_answering_drops_the_next_reply() -> None:
    ticket = a_ticket(thread((0, "c"), (1, "a"), (5, "c")), status=Status.SOLVED)
    found = clock(Metric.NEXT_REPLY, ticket)
    assert found is not None
    assert found.state is DROPPED


@pytest.mark.parametrize(
    ("messages", "changes", "now", "due", "state"),
    [
        pytest.param([(0, "c")], [], 5, None, None, id="nothing told yet: the first reply watches"),
        pytest.param([(0, "c"), (1, "a")], [], 5, 11, RUNNING, id="from the last public message"),
        pytest.param([(0, "c"), (1, "a"), (4, "a")], [], 5, 14, RUNNING, id="each message begins a round"),
        pytest.param([(0, "c"), (1, "a"), (4, "n")], [], 5, 11, RUNNING, id="a note tells the customer nothing"),
        pytest.param([(0, "c"), (1, "a")], [], 12, 11, BREACHED, id="no news in time"),
        pytest.param(
            [(0, "c"), (1, "a")], [(0, Status.OPEN), (3, Status.PENDING)], 9, 17, PAUSED, id="waiting for the customer"
        ),
        pytest.param(
            [(0, "c"), (1, "a")],
            [(0, Status.OPEN), (3, Status.PENDING), (5, Status.OPEN)],
            9,
            13,
            RUNNING,
            id="the wait is not counted",
        ),
        pytest.param(
            [(0, "c"), (1, "a")], [(0, Status.OPEN), (6, Status.SOLVED)], 90, 11, MET, id="solved before news were due"
        ),
        pytest.param(
            [(0, "c"), (1, "a")], [(0, Status.OPEN), (12, Status.SOLVED)], 90, 11, BREACHED, id="solved after"
        ),
    ],
)
def test_update(
    messages: list[tuple[float, str]],
    changes: list[tuple[float, Status]],
    now: float,
    due: float | None,
    state: ClockState | None,
) -> None:
    status = changes[-1][1] if changes else Status.OPEN
    found = clock(Metric.UPDATE, a_ticket(thread(*messages), status=status, status_history=history(*changes)), at(now))
    assert (found and found.state) == state
    if found is not None and due is not None:
        assert found.due_at == at(due)


@pytest.mark.parametrize(
    ("changes", "now", "due", "state", "met"),
    [
        pytest.param([(0, Status.OPEN)], 20, 20, RUNNING, None, id="open at the due instant"),
        pytest.param([(0, Status.OPEN)], 20.01, 20, BREACHED, None, id="open after it"),
        pytest.param([(0, Status.OPEN), (20, Status.SOLVED)], 99, 20, MET, 20, id="solved at it"),
        pytest.param([(0, Status.OPEN), (21, Status.SOLVED)], 99, 20, BREACHED, 21, id="solved late"),
        pytest.param([(0, Status.SOLVED)], 99, 20, MET, 0, id="arrived solved"),
        pytest.param([(0, Status.OPEN), (4, Status.PENDING), (10, Status.OPEN)], 15, 26, RUNNING, None, id="pending"),
        pytest.param([(0, Status.OPEN), (4, Status.ON_HOLD), (10, Status.OPEN)], 15, 26, RUNNING, None, id="on hold"),
        pytest.param([(0, Status.OPEN), (4, Status.PENDING)], 15, 31, PAUSED, None, id="pending now"),
        pytest.param([(0, Status.OPEN), (21, Status.PENDING)], 30, 20, BREACHED, None, id="pending after the breach"),
        pytest.param(
            [(0, Status.OPEN), (5, Status.SOLVED), (9, Status.OPEN)], 15, 24, RUNNING, None, id="reopened: runs on"
        ),
        pytest.param(
            [(0, Status.OPEN), (5, Status.SOLVED), (9, Status.OPEN), (12, Status.SOLVED), (14, Status.CLOSED)],
            99,
            24,
            MET,
            12,
            id="solved again, then closed",
        ),
        pytest.param(
            [(10, Status.OPEN), (4, Status.PENDING), (0, Status.OPEN)], 15, 26, RUNNING, None, id="history out of order"
        ),
    ],
)
def test_resolution(
    changes: list[tuple[float, Status]], now: float, due: float, state: ClockState, met: float | None
) -> None:
    status = max(enumerate(changes), key=lambda item: (item[1][0], item[0]))[1][1]
    found = clock(Metric.RESOLUTION, a_ticket(status=status, status_history=history(*changes)), at(now))
    assert found is not None
    assert (found.due_at, found.state, found.met_at) == (at(due), state, None if met is None else at(met))


def test_a_ticket_of_an_agent_has_no_clock_until_the_customer_writes() -> None:
    outbound = a_ticket(thread((0, "a")), created_by=Author.AGENT)
    assert measure(outbound, Thread.of(outbound), POLICY, POLICY.facts(outbound), LONG_AFTER) == ()


def test_a_merged_ticket_drops_its_clocks() -> None:
    ticket = a_ticket(merged_into="43")
    assert {found.state for found in measure(ticket, Thread.of(ticket), POLICY, POLICY.facts(ticket), LONG_AFTER)} == {
        DROPPED
    }


def test_a_call_is_an_answer_on_the_telephone() -> None:
    call = a_message(2 * HOUR, Author.AGENT, public=False, voice=True)
    ticket = a_ticket([a_message(voice=True), call, a_message(5 * HOUR)], channel=Channel.PHONE)
    found = clock(Metric.NEXT_REPLY, ticket)
    assert found is not None
    assert found.started_at == at(5)


@pytest.mark.parametrize(
    ("promised", "due"),
    [
        pytest.param("2026-11-20T15:00:00-05:00", "2026-11-20T20:00:00+00:00", id="an instant"),
        pytest.param("2026-11-20T15:00", "2026-11-20T20:00:00+00:00", id="without offset: in the policy's zone"),
        pytest.param("2026-11-20", "2026-11-20T23:00:00+00:00", id="a day: its closing"),
        pytest.param("2026-11-21", "2026-11-22T05:00:00+00:00", id="a Saturday: its end"),
        pytest.param("2026-12-08", "2026-12-09T05:00:00+00:00", id="a holiday: its end"),
        pytest.param("  2026-11-20 ", "2026-11-20T23:00:00+00:00", id="blanks around it"),
        pytest.param("2999-12-30", "2999-12-30T23:00:00+00:00", id="a typing error centuries away"),
    ],
)
def test_a_promised_date_is_when_the_resolution_is_due(promised: str, due: str) -> None:
    found = clock(Metric.RESOLUTION, a_ticket(fields={Field.PROMISED_AT: promised}), at(1), ESTIMATED)
    assert found is not None
    assert found.due_at == datetime.fromisoformat(due)
    assert found.because.startswith("§5 by the estimate: the promised date")


@pytest.mark.parametrize("promised", ["soon", "31/12/2026", "2026-13-01", "0000-00-00", "9999-12-31", ""])
def test_what_is_no_date_leaves_the_target(promised: str) -> None:
    found = clock(Metric.RESOLUTION, a_ticket(fields={Field.PROMISED_AT: promised}), at(1), ESTIMATED)
    assert found is not None
    assert found.because.startswith("§4")


def test_a_promised_date_does_not_pause() -> None:
    ticket = a_ticket(
        status=Status.PENDING,
        status_history=history((0, Status.OPEN), (1, Status.PENDING)),
        fields={Field.PROMISED_AT: "2026-11-18T15:00:00Z"},
    )
    found = clock(Metric.RESOLUTION, ticket, at(30), ESTIMATED)
    assert found is not None
    assert found.state is BREACHED


def test_a_policy_without_an_estimate_takes_no_promised_date() -> None:
    found = clock(Metric.RESOLUTION, a_ticket(fields={Field.PROMISED_AT: "2026-11-20"}), at(1))
    assert found is not None
    assert found.due_at == at(20)
