"""Which policy and version an account judges a ticket by, and whether a peak was on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from oneclick_sla_plugin.config import AccountConfig, PeakConfig, PolicyRule
from oneclick_sla_plugin.domain.changes import diff, written_after
from oneclick_sla_plugin.domain.complaint import Stage
from oneclick_sla_plugin.domain.model import (
    TAG_IS_COMPLAINT,
    Channel,
    Field,
    Status,
    Ticket,
    TicketKey,
    Written,
)
from oneclick_sla_plugin.errors import ConfigError
from oneclick_sla_plugin.judging import Judge
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_ticket

PLUGINS = Plugins.load()
VERSION = """
id = "acme"
version = "{version}"
title = "Acme"
language = "en"
time_zone = "America/Lima"
channels = ["email"]
default_channel = "email"
{more}
[calendars.office]
hours = {{ mon-fri = ["09:00-18:00"] }}

[[targets]]
name = "mail"
metric = "first_reply"
title = "mail"
clause = "§1"
within = "4 open hours"
calendar = "office"
"""


def judge(*policies: str, arrivals: Callable[[datetime, datetime], int] = lambda *_: 0, **settings: Any) -> Judge:
    account = AccountConfig(
        name="acme",
        platform="zendesk",
        policy=policies or ("en-linea-365",),
        language=None,
        time_zone=None,
        observe=False,
        settings={},
        **settings,
    )
    return Judge(account, PLUGINS, arrivals)


@pytest.fixture
def version(tmp_path: Path) -> Callable[..., str]:
    def write(name: str, more: str = "") -> str:
        path = tmp_path / f"{name}.toml"
        path.write_text(VERSION.format(version=name, more=more))
        return str(path)

    return write


def judged(by: Judge, ticket: Ticket, now: datetime = RECEIVED_AT + timedelta(days=30)) -> str:
    return by(ticket, now).policy


def test_a_brand_or_a_recipient_may_have_a_policy_of_its_own() -> None:
    other = PolicyRule(("one-click-actions",), frozenset({"900"}), frozenset({"help@oneclick.example"}))
    by = judge("en-linea-365", policy_rules=(other,))
    assert judged(by, a_ticket()) == "en-linea-365@2023-08-16"
    assert judged(by, a_ticket(brand="900")) == "one-click-actions@2024-11-06"
    assert judged(by, a_ticket(recipient="Help@OneClick.example")) == "one-click-actions@2024-11-06"


@pytest.mark.parametrize(
    ("created", "status", "expected"),
    [
        ("2026-11-17T15:00:00Z", Status.OPEN, "acme@old"),
        ("2026-12-01T04:59:59Z", Status.OPEN, "acme@old"),
        ("2026-12-01T05:00:00Z", Status.OPEN, "acme@new"),
    ],
)
def test_a_ticket_is_judged_by_the_version_in_force_when_it_came(
    version: Callable[..., str], created: str, status: Status, expected: str
) -> None:
    """From 0:00 of the effective date in the policy's zone, in whatever order the versions are named."""
    by = judge(version("new", "effective_from = 2026-12-01"), version("old"))
    assert judged(by, a_ticket(created_at=datetime.fromisoformat(created), status=status)) == expected


@pytest.mark.parametrize(
    ("status", "now", "expected"),
    [
        (Status.OPEN, datetime(2026, 12, 2, tzinfo=UTC), "acme@new"),
        (Status.OPEN, datetime(2026, 11, 30, tzinfo=UTC), "acme@old"),
        (Status.SOLVED, datetime(2026, 12, 2, tzinfo=UTC), "acme@old"),
    ],
)
def test_a_version_may_apply_to_open_tickets_from_its_date_on(
    version: Callable[..., str], status: Status, now: datetime, expected: str
) -> None:
    by = judge(version("old"), version("new", "effective_from = 2026-12-01\napplies_to_open = true"))
    assert judged(by, a_ticket(status=status), now) == expected


def test_a_ticket_older_than_all_versions_is_judged_by_the_oldest(version: Callable[..., str]) -> None:
    by = judge(version("b", "effective_from = 2027-06-01"), version("a", "effective_from = 2027-01-01"))
    assert judged(by, a_ticket()) == "acme@a"


def test_all_problems_of_an_account_are_told_at_once(version: Callable[..., str]) -> None:
    with pytest.raises(ConfigError) as caught:
        judge(
            version("one"),
            version("two"),
            policy_rules=(PolicyRule(("nowhere",), frozenset({"1"}), frozenset()),),
            send=("greetings",),
        )
    assert [problem.path for problem in caught.value.problems] == ["policy_rules[0].policy", "policy", "send or owners"]


CHAT = {"channel": Channel.CHAT}
SPANS = PeakConfig(spans=((RECEIVED_AT - timedelta(hours=1), RECEIVED_AT + timedelta(hours=1)),))


@pytest.mark.parametrize(
    ("peaks", "ticket", "peak"),
    [
        pytest.param(PeakConfig(), a_ticket(), False, id="none configured"),
        pytest.param(SPANS, a_ticket(), True, id="set by hand"),
        pytest.param(SPANS, a_ticket(created_at=RECEIVED_AT + timedelta(hours=1)), False, id="over by then"),
        pytest.param(PeakConfig(tickets_per_hour=10), a_ticket(), True, id="eleven an hour are more than ten"),
        pytest.param(PeakConfig(tickets_per_hour=11), a_ticket(), False, id="eleven an hour are not more than eleven"),
        pytest.param(SPANS, a_ticket(written=Written()), False, id="seen before: the tag would stand on it"),
        pytest.param(PeakConfig(), a_ticket(tags=frozenset({"sla_peak"})), True, id="the tag stands on it"),
    ],
)
def test_a_peak_is_judged_at_receipt_and_kept_with_the_ticket(peaks: PeakConfig, ticket: Ticket, peak: bool) -> None:
    by = judge("one-click-actions", peaks=peaks, arrivals=lambda *_: 11)
    decision = by(ticket, RECEIVED_AT)
    assert ("sla_peak" in decision.desired.tags) is peak
    assert ("48 elapsed hours" in decision.clocks[0].because) is peak


def test_arrivals_are_counted_in_the_hour_before_receipt() -> None:
    asked = []

    def arrivals(since: datetime, until: datetime) -> int:
        asked.append((since, until))
        return 0

    judge(arrivals=arrivals, peaks=PeakConfig(tickets_per_hour=1))(a_ticket(), RECEIVED_AT)
    assert asked == [(RECEIVED_AT - timedelta(hours=1), RECEIVED_AT)]


# --- with the complaint register -----------------------------------------------------------------

COMPLAINT = frozenset({TAG_IS_COMPLAINT})
HOUR = timedelta(hours=1)


def looked(by: Judge, ticket: Ticket, now: datetime) -> Ticket:
    """The ticket once what the judge decides has been written."""
    decision = by(ticket, now)
    changes = diff(ticket, decision.desired)
    fields = {**ticket.fields, **{name: value for name, value in changes.fields.items() if value is not None}}
    return replace(ticket, fields=fields, written=written_after(ticket, decision.desired))


def test_a_stage_that_an_agent_set_is_final_over_many_looks(database: Database) -> None:
    register = SqlRegister(database)
    by = judge().entering(register, lambda _: None)
    ticket = looked(by, a_ticket(tags=COMPLAINT), RECEIVED_AT)
    ticket = replace(ticket, fields={**ticket.fields, Field.COMPLAINT_STAGE: "duplicate"})
    for n in range(1, 4):
        ticket = looked(by, ticket, RECEIVED_AT + n * HOUR)
        assert ticket.fields[Field.COMPLAINT_STAGE] == "duplicate"
    (complaint,) = register.complaints()
    assert complaint.stage is Stage.DUPLICATE
    assert [event.at for event in complaint.events if event.what == "duplicated"] == [RECEIVED_AT + HOUR]
    ticket = replace(ticket, fields={**ticket.fields, Field.COMPLAINT_STAGE: "registered"})
    for n in range(4, 6):
        ticket = looked(by, ticket, RECEIVED_AT + n * HOUR)
        assert ticket.fields[Field.COMPLAINT_STAGE] == "registered"
    assert register.verify().intact


def test_a_complaint_that_is_merged_into_a_question_goes_on_there(database: Database) -> None:
    """The number stays with the duplicate; the other ticket, looked at before it or after, counts from its receipt."""
    register = SqlRegister(database)
    marked: list[TicketKey] = []
    by = judge().entering(register, marked.append)
    looked(by, a_ticket(tags=COMPLAINT), RECEIVED_AT)
    question = a_ticket(id="43", created_at=RECEIVED_AT + HOUR)
    assert by(question, RECEIVED_AT + 2 * HOUR).complaint is None
    merged = a_ticket(tags=COMPLAINT, status=Status.CLOSED, merged_into="43")
    for n in (3, 4):
        by(merged, RECEIVED_AT + n * HOUR)
    assert marked == [question.key]
    found = by(question, RECEIVED_AT + 5 * HOUR).complaint
    assert found is not None
    assert (found.number, found.case.received_at) == ("2026-000002", RECEIVED_AT)
    assert [(one.number, one.open) for one in register.complaints()] == [("2026-000001", False), ("2026-000002", True)]


def test_a_deleted_ticket_leaves_its_complaint_as_it_stood(database: Database) -> None:
    register = SqlRegister(database)
    by = judge().entering(register, lambda _: None)
    ticket = a_ticket(tags=COMPLAINT)
    by.gone(ticket.key, RECEIVED_AT)  # nothing is known of it
    by(ticket, RECEIVED_AT)
    for n in (1, 2):
        by.gone(ticket.key, RECEIVED_AT + n * HOUR)
    (complaint,) = register.complaints()
    assert (complaint.stage, complaint.open) == (Stage.REGISTERED, True)
    assert [(event.what, event.at) for event in complaint.events][2:] == [("ticket_gone", RECEIVED_AT + HOUR)]
    assert register.verify().intact
    judge().gone(ticket.key, RECEIVED_AT)  # who registers nothing notes nothing
    assert len(complaint.events) == len(register.complaints()[0].events)


def test_the_subject_is_looked_at_for_sensitive_data_too() -> None:
    """Found there, a value is told as one of the subject, with its place in it."""
    ticket = a_ticket(subject="Cobro 4111 1111 1111 1111 de mi tarjeta")
    found = judge()(ticket, RECEIVED_AT).findings
    assert [(finding.message, finding.type, finding.start, finding.end) for finding in found] == [
        ("subject", "card", 6, 25)
    ]
