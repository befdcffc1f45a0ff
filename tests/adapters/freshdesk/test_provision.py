"""Installing, taking back, checking, catching up: against the simulated account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest
from pydantic import SecretStr

from oneclick_sla_freshdesk.exchanges import authorised
from oneclick_sla_freshdesk.plugin import FreshdeskConnection
from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.ports import Request, TicketPage
from oneclick_sla_plugin.testing.clock import ManualClock

URL = "http://127.0.0.1:9/webhooks/acme"
RULES = "GET /api/v2/automations/{rule_type}/rules"
Connect = Callable[..., FreshdeskConnection]
Install = Callable[..., list[str]]


def asked(connection: FreshdeskConnection, path: str) -> list[dict[str, object]]:
    response = connection._http.send(authorised(Request("GET", f"/api/v2{path}", "test"), SecretStr("sandbox-key")))
    found: list[dict[str, object]] = response.json()
    return found


def test_a_second_installation_keeps_everything(connect: Connect, install: Install) -> None:
    """Fields and inactive rules are made, rules are activated; then nothing is left to do, and the secret stays."""
    connection = connect()
    first = connection.installation(URL)
    assert [step.action for step in first.steps] == ["create"] * 14
    for step in first.steps:
        step.apply()
    second = connection.installation(URL)
    assert {step.action for step in second.steps} == {"keep"}
    assert second.secrets() == first.secrets()
    assert len(first.secrets()["webhook_secrets"]) >= 43  # 32 bytes
    assert all(rule["active"] for number in (1, 4) for rule in asked(connection, f"/automations/{number}/rules"))


def test_a_rule_that_reads_otherwise_stays_inactive(connect: Connect, sandbox: FreshdeskSandbox) -> None:
    connection = connect()
    rule = next(step for step in connection.installation(URL).steps if step.what.startswith("automation rule"))
    sandbox.answer_next(1, 200, operation=RULES, body=b"[]")
    with pytest.raises(PermanentPlatformError) as caught:
        rule.apply()
    assert caught.value.reason == "rule_reads_otherwise"
    assert [made["active"] for made in asked(connection, "/automations/1/rules")] == [False]


@pytest.mark.parametrize("shown", ["masked", "none"])
def test_rules_whose_headers_are_not_shown(
    connect: Connect, install: Install, sandbox: FreshdeskSandbox, shown: Literal["masked", "none"]
) -> None:
    """They are activated all the same, and written anew by each installation, since they may have an old secret."""
    sandbox.behaviour.headers_of_rules = shown
    connection = connect(webhook_secrets=[SecretStr("the-secret")])
    install(connection)
    assert all(rule["active"] for number in (1, 4) for rule in asked(connection, f"/automations/{number}/rules"))
    assert [check.name for check in connection.check(URL) if not check.good] == []
    assert install(connection) == ["keep"] * 11 + ["update"] * 3
    sandbox.behaviour.headers_of_rules = "plain"
    assert {step.action for step in connection.installation(URL).steps} == {"keep"}


@pytest.mark.parametrize("change", ["address", "secret"])
def test_what_changed_is_put_right(connect: Connect, install: Install, change: str) -> None:
    install(connect())
    connection = connect(webhook_secrets=[SecretStr("another-secret")]) if change == "secret" else connect()
    url = f"{URL}2" if change == "address" else URL
    actions = [step.action for step in connection.installation(url).steps]
    assert actions == ["keep"] * 11 + ["update"] * 3
    install(connection, url)
    assert {step.action for step in connection.installation(url).steps} == {"keep"}


def test_a_removal_takes_back_what_was_made_and_nothing_else(connect: Connect, install: Install) -> None:
    connection = connect()
    before = [asked(connection, path) for path in ("/admin/ticket_fields", "/automations/1/rules")]
    install(connection)
    for step in connection.removal():
        step.apply()
    assert [asked(connection, path) for path in ("/admin/ticket_fields", "/automations/1/rules")] == before
    assert connection.removal() == ()


@pytest.mark.parametrize("status", [403, 404])
def test_where_rules_may_not_even_be_read_they_are_told_field_by_field(
    connect: Connect, sandbox: FreshdeskSandbox, status: int
) -> None:
    """An administrator makes them by hand; the secret is not printed."""
    sandbox.answer_next(9, status, operation=RULES)
    steps = connect(webhook_secrets=[SecretStr("not-to-be-printed")]).installation(URL).steps
    by_hand = [step for step in steps if step.action == "by_hand"]
    assert len(by_hand) == 3
    lines = by_hand[1].by_hand
    assert lines == (
        "Admin > Workflows > Automations > Ticket updates > New rule",
        "Name: oneclick-sla acme: agent acted",
        "When an action performed by: Agent",
        "Involves any of these events: Status is changed, from any to any",
        "Involves any of these events: Priority is changed, from any to any",
        "Involves any of these events: Type is changed, from any to any",
        "Involves any of these events: Group is changed, from any to any",
        "Involves any of these events: Agent is changed, from any to any",
        "Involves any of these events: Reply is sent",
        "Involves any of these events: Note is added, public",
        "Action: Trigger webhook",
        "Request type: POST",
        f"URL: {URL}",
        "Custom headers: X-Webhook-Secret: (the first secret of webhook_secrets)",
        "Encoding: JSON",
        "Content: Advanced",
        '{"v": "1", "rule": "agent", "ticket_id": "{{ticket.id}}", "triggered_event": "{{triggered_event}}"}',
    )
    assert not any("not-to-be-printed" in line for step in steps for line in (step.what, *step.by_hand))


def test_check_of_a_sound_account(connect: Connect, install: Install) -> None:
    installed = connect()
    install(installed)
    secret = installed.installation(URL).secrets()["webhook_secrets"]
    found = connect(webhook_secrets=[SecretStr(secret)]).check(URL)
    assert [check for check in found if not check.good] == []
    assert len(found) == 4 + 11 + 3


def test_check_of_a_clock_that_is_wrong(connect: Connect, install: Install, sandbox: FreshdeskSandbox) -> None:
    install(connect())
    sandbox.behaviour.clock_skew = timedelta(hours=1)
    found = {check.name: check for check in connect().check(URL)}
    assert (found["clock"].good, found["clock"].found) == (False, "3600 s behind Freshdesk")


@pytest.mark.parametrize(
    ("settings", "url", "problem"),
    [
        ({"api_key": SecretStr("wrong")}, URL, "login"),
        ({"api_key": SecretStr("ordinary-key")}, URL, "automation rules"),
        ({"webhook_secrets": [SecretStr("another")]}, URL, 'automation rule "oneclick-sla acme: ticket created"'),
        ({}, f"{URL}2", 'automation rule "oneclick-sla acme: ticket created"'),
    ],
)
def test_check_names_what_is_wrong(
    connect: Connect, install: Install, settings: dict[str, object], url: str, problem: str
) -> None:
    """Each with what to do about it."""
    install(connect())
    bad = [check for check in connect(**settings).check(url) if not check.good]
    assert problem in [check.name for check in bad]
    assert all(check.remedy for check in bad)


def test_check_of_an_account_without_anything(connect: Connect) -> None:
    bad = [check.name for check in connect().check(URL) if not check.good]
    assert len(bad) == 11 + 3


# --- Catching up --------------------------------------------------------------------------------


def walk(page: Callable[[str | None], TicketPage]) -> tuple[list[str], int]:
    """All ids of a list and the number of calls."""
    ids: list[str] = []
    cursor: str | None = None
    calls = 0
    while True:
        found = page(cursor)
        ids += found.ticket_ids
        cursor, calls = found.cursor, calls + 1
        if not found.more:
            return ids, calls


@pytest.mark.parametrize("spacing", [timedelta(0), timedelta(seconds=1)], ids=["one second", "a second each"])
def test_nothing_that_changed_is_missed(
    connect: Connect, sandbox: FreshdeskSandbox, manual_clock: ManualClock, spacing: timedelta
) -> None:
    """Over pages, also when more than a page is of one second."""
    since = manual_clock()
    expected = []
    for number in range(230):
        expected.append(sandbox.open_ticket(channel=Channel.EMAIL, subject=f"{number}", text="x"))
        manual_clock.advance(spacing)
    connection = connect()
    found, calls = walk(lambda cursor: connection.changed(since, cursor))
    assert set(found) == set(expected)
    assert calls <= 4


def test_a_ticket_that_moves_while_the_list_is_walked_hides_no_other(
    connect: Connect, sandbox: FreshdeskSandbox, manual_clock: ManualClock
) -> None:
    """The page after begins at the last ticket's instant, so nothing slips through when the list shifts."""
    since = manual_clock()
    expected = []
    for number in range(150):
        manual_clock.advance(timedelta(seconds=1))
        expected.append(sandbox.open_ticket(channel=Channel.EMAIL, subject=f"{number}", text="x"))
    connection = connect()
    first = connection.changed(since, None)
    manual_clock.advance(timedelta(seconds=1))
    for ticket_id in expected[:20]:
        sandbox.agent_changes(ticket_id, priority="High")
    rest, _ = walk(lambda cursor: connection.changed(since, cursor or first.cursor))
    assert set(first.ticket_ids) | set(rest) == set(expected)


def test_unsolved_tickets_of_any_age(connect: Connect, sandbox: FreshdeskSandbox, manual_clock: ManualClock) -> None:
    """The list that Freshdesk gives by itself ends at thirty days."""
    old, solved, spam = (sandbox.open_ticket(channel=Channel.EMAIL, subject="s", text="x") for _ in range(3))
    sandbox.agent_solves(solved)
    sandbox.agent_deletes(spam, spam=True)
    manual_clock.advance(timedelta(days=100))
    new = sandbox.open_ticket(channel=Channel.EMAIL, subject="s", text="x")
    connection = connect()
    assert walk(connection.unsolved)[0] == [old, new]
