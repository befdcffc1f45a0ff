"""Somebody is told before and after the due instant, in the time of the target and not at night."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from oneclick_sla_plugin.domain.clocks import Thread, first_reply
from oneclick_sla_plugin.policy_files import parse_policy
from oneclick_sla_plugin.testing.tickets import a_message, a_ticket

LIMA = "-05:00"
POLICY = """
id = "test"
version = "1"
title = "Test"
language = "en"
time_zone = "America/Lima"
channels = ["email"]
default_channel = "email"
{steps}
[calendars.office]
hours = {{ mon-fri = ["09:00-18:00"] }}

[[targets]]
name = "mail"
metric = "first_reply"
title = "mail"
clause = "§1"
within = "{within}"
calendar = "office"
"""
STEPS = """
escalations = [
  {{ name = "half", at = "50 %" }},
  {{ name = "soon", at = "1 open hours before" }},
  {{ name = "late", at = "2 open hours after" }},
  {{ name = "very-late", at = "1 business days after" }},
]
"""


def steps(received: str, within: str, configured: str = "") -> list[tuple[str, str]]:
    """The steps of a mail as (name, local time in Lima)."""
    policy = parse_policy(POLICY.format(within=within, steps=configured.replace("{{", "{").replace("}}", "}")))
    received_at = datetime.fromisoformat(received + LIMA).astimezone(UTC)
    message = a_message()
    ticket = a_ticket([type(message)("1", received_at, message.author, public=True, text="")])
    clock = first_reply(ticket, Thread.of(ticket), policy, policy.facts(ticket), received_at)
    assert clock is not None
    return [(step.name, f"{step.at.astimezone(policy.time_zone):%a %H:%M}") for step in clock.steps]


@pytest.mark.parametrize(
    ("received", "within", "expected"),
    [
        pytest.param("2026-11-17T10:00", "4 open hours", ["Tue 13:00"], id="three quarters of the time"),
        pytest.param("2026-11-17T17:00", "4 open hours", ["Wed 11:00"], id="counted in open time"),
        pytest.param("2026-11-17T10:00", "24 business-day hours", ["Wed 09:00"], id="04:00 waits for the opening"),
        pytest.param("2026-11-17T12:00", "24 business-day hours", ["Wed 09:00"], id="06:00 waits for the opening"),
        pytest.param("2026-11-17T14:00", "6 elapsed hours", ["Tue 18:00"], id="too late to wait: the last closing"),
        pytest.param("2026-11-17T18:30", "12 elapsed hours", [], id="no open time between receipt and due"),
    ],
)
def test_the_warning_comes_at_three_quarters_and_in_open_time(received: str, within: str, expected: list[str]) -> None:
    assert steps(received, within) == [("at-risk", at) for at in expected]


@pytest.mark.parametrize("within", ["immediate", "5 elapsed minutes", "14 open minutes"])
def test_nobody_is_warned_of_a_target_under_fifteen_minutes(within: str) -> None:
    assert steps("2026-11-17T10:00", within) == []


def test_a_target_of_fifteen_minutes_is_warned_of() -> None:
    assert steps("2026-11-17T10:00", "15 elapsed minutes") == [("at-risk", "Tue 10:11")]


def test_steps_before_and_after_in_the_order_of_time() -> None:
    assert steps("2026-11-17T10:00", "4 open hours", STEPS) == [
        ("half", "Tue 12:00"),
        ("soon", "Tue 13:00"),
        ("late", "Tue 16:00"),
        ("very-late", "Thu 09:00"),
    ]


def test_a_step_after_the_due_instant_waits_for_the_opening() -> None:
    """Due on Friday at 17:00: two open hours later is Monday at 10:00."""
    assert ("late", "Mon 10:00") in steps("2026-11-20T13:00", "4 open hours", STEPS)
