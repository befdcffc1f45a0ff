"""The same tickets under two policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from oneclick_sla_plugin.domain.clocks import ClockState
from oneclick_sla_plugin.domain.model import Author, Channel, Context, Kind, Metric
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.domain.simulation import Simulation, Tally, examples
from oneclick_sla_plugin.policy_files import parse_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket

HOUR = timedelta(hours=1)


def policy(within: str, *, more: str = "", channels: str = '["email"]') -> Policy:
    return parse_policy(
        f"""
        id = "test"
        version = "{within}"
        title = "Test"
        language = "en"
        time_zone = "America/Lima"
        channels = {channels}
        default_channel = "email"

        [calendars.office]
        hours = {{ mon-fri = ["09:00-18:00"] }}

        [[targets]]
        name = "reply"
        metric = "first_reply"
        title = "reply"
        clause = "§1"
        within = "{within}"
        calendar = "office"
        {more}
        """
    )


RESOLUTION = """
        [[targets]]
        name = "solve"
        metric = "resolution"
        title = "solve"
        clause = "§2"
        within = "8 open hours"
        calendar = "office"
"""
URGENT = """
        [[priority_rules]]
        priority = "urgent"
        clause = "§3"
        when = { kinds = ["incident"] }
"""


@pytest.mark.parametrize(
    ("new", "replied_after", "changed", "states"),
    [
        pytest.param("2 open hours", HOUR, False, (ClockState.MET, ClockState.MET), id="the same promise"),
        pytest.param("3 open hours", HOUR, True, (ClockState.MET, ClockState.MET), id="due later, met all the same"),
        pytest.param("30 open minutes", HOUR, True, (ClockState.MET, ClockState.BREACHED), id="too short"),
        pytest.param("2 elapsed hours", HOUR, False, (ClockState.MET, ClockState.MET), id="other words, same instant"),
    ],
)
def test_a_ticket_changes_with_its_due_instant_or_state(
    new: str, replied_after: timedelta, changed: bool, states: tuple[ClockState, ClockState]
) -> None:
    simulation = Simulation(policy("2 open hours"), policy(new))
    ticket = a_ticket([a_message(), a_message(replied_after, Author.AGENT)])
    comparison = simulation.add(ticket, RECEIVED_AT + 5 * HOUR)
    (clock,) = comparison.clocks
    assert clock.old is not None
    assert clock.new is not None
    assert (clock.old.state, clock.new.state) == states
    assert (comparison.changed, simulation.changed, simulation.tickets) == (changed, int(changed), 1)


def test_a_clock_that_only_one_policy_has_is_a_change() -> None:
    simulation = Simulation(policy("2 open hours"), policy("2 open hours", more=RESOLUTION))
    comparison = simulation.add(a_ticket(), RECEIVED_AT)
    assert [(clock.metric, clock.old is None, clock.new is None, clock.changed) for clock in comparison.clocks] == [
        (Metric.FIRST_REPLY, False, False, False),
        (Metric.RESOLUTION, True, False, True),
    ]
    assert simulation.changed == 1


def test_a_priority_is_a_change_too() -> None:
    simulation = Simulation(policy("2 open hours"), policy("2 open hours", more=URGENT))
    comparison = simulation.add(a_ticket(context=Context(kind=Kind.INCIDENT)), RECEIVED_AT)
    assert comparison.changed
    assert simulation.priorities_changed == 1


def test_shares_are_counted_per_channel_and_metric() -> None:
    simulation = Simulation(policy("2 open hours"), policy("30 open minutes"))
    replied = a_ticket([a_message(), a_message(HOUR, Author.AGENT)])
    for ticket in (replied, replied, a_ticket(), a_ticket(channel=Channel.CHAT)):
        simulation.add(ticket, RECEIVED_AT + 5 * HOUR)
    shares = {(share.channel, share.metric): share for share in simulation.shares()}
    mail = shares[Channel.EMAIL, Metric.FIRST_REPLY]
    assert mail.old.states == {ClockState.MET: 2, ClockState.BREACHED: 1}
    assert mail.old.met_share == pytest.approx(2 / 3)
    assert mail.new.met_share == 0
    assert shares[Channel.CHAT, Metric.FIRST_REPLY].old.states == {ClockState.BREACHED: 1}


def test_a_share_of_nothing_decided_is_unknown() -> None:
    tally = Tally()
    tally.states[ClockState.RUNNING] += 3
    assert tally.met_share is None


NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_examples_are_the_first_receipts_that_are_due_otherwise() -> None:
    """Saturday's receipts count from Monday's opening for both amounts of open time, but not for elapsed time."""
    (example,) = examples(policy("4 open hours"), policy("4 elapsed hours"), NOW)
    assert (example.channel, example.metric, example.peak) == (Channel.EMAIL, Metric.FIRST_REPLY, False)
    assert example.received_at == datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    assert example.old == datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
    assert example.new == datetime(2026, 11, 21, 19, 0, tzinfo=UTC)


def test_a_difference_in_peaks_only_is_found_there() -> None:
    peak = RESOLUTION.replace("resolution", "first_reply").replace("solve", "peak")
    calm = policy("8 open hours", more="when = { peak = false }\n" + peak)
    (example,) = examples(policy("4 open hours", more="when = { peak = false }\n" + peak.replace("8", "9")), calm, NOW)
    assert not example.peak
    (example,) = examples(calm, policy("8 open hours", more="when = { peak = false }\n" + peak.replace("8", "9")), NOW)
    assert example.peak


def test_equal_policies_have_no_examples() -> None:
    assert list(examples(policy("4 open hours"), policy("4 open hours"), NOW)) == []


def test_a_channel_of_one_policy_only_is_looked_at_under_both() -> None:
    both = policy("4 open hours", channels='["email", "chat"]')
    new = policy("5 open hours")
    assert [example.channel for example in examples(both, new, NOW)] == [Channel.EMAIL, Channel.CHAT]
