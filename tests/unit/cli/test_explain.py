"""``oneclick-sla explain``: one ticket as a timeline, from JSON, typed, or from an account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.domain.model import Channel, Metric
from oneclick_sla_plugin.errors import ConfigError, InputError
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.testing.clock import ManualClock

NOW = "2026-12-10T09:00:00-05:00"
BY_POLICY = ("--policy", "en-linea-365", "--now", NOW)
TYPED = ("--text", "MARKER", "--channel", "social", "--received", "2026-12-07T17:00:00-05:00", *BY_POLICY)


def a_ticket(**facts: Any) -> dict[str, Any]:
    """A ticket of a complaint with a long history; the marker must come back nowhere."""
    start = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
    at = [(start + timedelta(hours=7 * n)).isoformat() for n in range(60)]
    return {
        "platform": "zendesk",
        "account": "acme",
        "id": "42",
        "created_at": at[0],
        "updated_at": at[-1],
        "channel": "email",
        "subject": "MARKER",
        "status": "open",
        "tags": ["vip"],
        "fields": {},
        "requester": {"id": "7", "known": True},
        "messages": [
            {"id": str(n), "at": at[n], "author": author, "public": public, "text": "MARKER text"}
            for n, (author, public) in enumerate(
                [("customer", True), ("agent", False), ("agent", True), ("customer", True), ("us", True)] * 6
            )
        ],
        "status_history": [{"at": at[n], "status": ["open", "pending"][n % 2]} for n in range(60)],
        "context": {"kind": "complaint"},
        **facts,
    }


FULL = """
id = "full"
version = "1"
title = "Full"
language = "en"
time_zone = "Europe/Madrid"
channels = ["email"]
default_channel = "email"
delay_clause = "§9"

[calendars.office]
time_zone = "America/Lima"
hours = { mon-fri = ["09:00-13:00", "14:00-18:00"] }
holidays = { country = "PE" }
""" + "".join(
    f"""
[[targets]]
name = "{metric}"
metric = "{metric}"
title = "a title that is long enough to need more than one line on a terminal of eighty columns, {metric}"
clause = "§2"
within = "40 open hours"
ambiguous = true
calendar = "office"
"""
    for metric in Metric
)


@pytest.fixture
def full_policy(tmp_path: Path) -> str:
    path = tmp_path / "full.toml"
    path.write_text(FULL, encoding="utf-8")
    return str(path)


def explain(*options: str, given: object = None, columns: int = 80) -> Result:
    text = given if isinstance(given, str | bytes | None) else json.dumps(given)
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, ["explain", *options], input=text)


def document(*options: str, given: object = None) -> dict[str, Any]:
    result = explain(*options, "--json", given=given)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout_bytes)
    return found


@pytest.mark.parametrize(
    "part",
    [
        "First reply: running, 3 h left",
        "due Thu 10 Dec 2026 12:00",
        "§4 social networks, received in opening hours: 4 open hours, calendar office",
        "2026-12-08 Inmaculada Concepción; 2026-12-09 Batalla de Ayacucho",
        "holiday Batalla de Ayacucho, 1 d",
        "● warning “at-risk”",
        "✗ mail: 24 business-day hours",
        "channels: email or web_form wanted, social found",
        "✓ social-open: 4 open hours",
        "not asked, since the first match wins: social-closed",
        "Priority normal",
        "Primera respuesta: hasta el jue 10 dic 2026, 12:00",
    ],
)
def test_the_timeline_tells(part: str) -> None:
    result = explain(*TYPED)
    assert result.exit_code == 0
    assert part in result.output


def test_both_readings_are_shown_with_their_dates() -> None:
    output = explain("--text", "x", "--channel", "email", "--received", "2026-06-04T15:00:00-05:00", *BY_POLICY).output
    assert "Fri 5 Jun 2026 15:00  as 24 business-day hours (as judged here)" in output
    assert "Tue 9 Jun 2026 12:00  as 24 open hours (the other reading)" in output


@pytest.mark.parametrize("columns", [80, 60, 200])
@pytest.mark.parametrize("facts", [{}, {"id": "9" * 200, "channel": "other"}, {"status": "solved"}])
def test_no_line_is_wider_than_the_terminal(full_policy: str, columns: int, facts: dict[str, Any]) -> None:
    """With long titles, a calendar in another zone, dozens of pauses and every metric."""
    options = ("--json-ticket", "-", "--policy", full_policy, "--now", "2026-11-30T12:00:00Z")
    result = explain(*options, given=a_ticket(**facts), columns=columns)
    assert result.exit_code == 0, result.output
    assert max(map(cell_len, result.output.splitlines())) <= columns


def test_the_json_says_the_same_and_its_segments_lead_to_the_due_instant(full_policy: str) -> None:
    found = document("--json-ticket", "-", "--policy", full_policy, "--now", "2026-11-30T12:00:00Z", given=a_ticket())
    assert found["ticket"] == "zendesk/acme/42"
    assert {"first_reply", "next_reply", "update", "resolution"} <= {clock["metric"] for clock in found["clocks"]}
    for clock in found["clocks"]:
        assert clock["segments"][0]["from"] == clock["started_at"]
        assert clock["segments"][-1]["to"] == clock["due_at"]
        assert [target["name"] for target in clock["targets"] if target["chosen"]] == [clock["target"]]
        assert clock["time_zone"] == "America/Lima"
    assert len(found["events"]) == 1 + 30 + 60


def test_nothing_that_was_written_is_shown(full_policy: str) -> None:
    for options in ((), ("--json",)):
        given = explain("--json-ticket", "-", "--policy", full_policy, "--now", NOW, *options, given=a_ticket())
        assert given.exit_code == 0
        assert "MARKER" not in given.output
        assert "MARKER" not in explain(*TYPED, *options).output


def test_names_from_outside_cannot_steer_the_terminal() -> None:
    given = a_ticket(id="4\x1b[31m2", tags=["\x1b]0;x\x07"])
    result = explain("--json-ticket", "-", *BY_POLICY, given=given)
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


@pytest.mark.parametrize(
    ("options", "target"),
    [
        (("--channel", "chat"), "chat"),
        (("--channel", "chat", "--peak"), "chat-peak"),
        (("--channel", "email"), "mail-working-days"),
        (("--channel", "email", "--peak"), "mail-weekend-or-peak"),
        (("--channel", "email", "--tag", "sla_peak"), "mail-weekend-or-peak"),
        (("--channel", "voicemail"), "mail-working-days"),
    ],
)
def test_a_typed_message_is_judged_by_what_was_typed(options: tuple[str, ...], target: str) -> None:
    at = "2026-11-17T10:00:00+01:00"
    found = document("--text", "x", "--received", at, "--policy", "one-click-actions", "--now", at, *options)
    assert [clock["target"] for clock in found["clocks"]] == [target]


@pytest.mark.parametrize(
    ("options", "kind", "priority"),
    [
        (("--kind", "incident"), "incident", "high"),
        (("--kind", "spam_other"), "spam_other", "low"),
        (("--tag", "sla_is_complaint"), "complaint", "urgent"),
        (("--text", "zzz"), "unknown", "normal"),
    ],
)
def test_the_kind_and_tags_of_a_typed_message_decide_its_priority(
    options: tuple[str, ...], kind: str, priority: str
) -> None:
    found = document("--text", "x", "--channel", "email", *BY_POLICY, *options)
    assert (found["kind"], found["priority"]["value"]) == (kind, priority)


def test_what_is_typed_is_read_by_the_classifiers_and_not_printed() -> None:
    text = "Es la tercera vez que escribo y nadie contesta. Quiero presentar un reclamo."
    options = ("--text", text, "--channel", "email", *BY_POLICY)
    assert document(*options)["kind"] == "complaint"
    assert "tercera vez" not in explain(*options).output


PLANTED = (
    "Es la tercera vez que escribo y nadie contesta. Quiero presentar un reclamo. "
    "Mi tarjeta es 4111 1111 1111 1111, urgente."
)


def test_the_verdict_on_a_message_comes_with_rules_and_places() -> None:
    (said,) = document("--text", PLANTED, "--channel", "email", *BY_POLICY)["messages"]
    complaint = said["complaint"]
    assert (said["message"], said["kind"], complaint["verdict"]) == ("1", "complaint", "auto")
    places = {reason["rule"]: PLANTED[reason["start"] : reason["end"]] for reason in said["because"]}
    assert places["es.complaint.explicit"] == "presentar un reclamo"


def test_sensitive_data_is_named_and_masked() -> None:
    options = ("--text", PLANTED, "--channel", "email", *BY_POLICY)
    (found,) = document(*options)["findings"]
    assert (found["type"], found["message"]) == ("card", "1")
    assert PLANTED[found["start"] : found["end"]] == "4111 1111 1111 1111"
    shown = explain(*options).output
    assert f"card {found['masked']}" in shown
    assert "es.complaint.explicit" in shown
    assert "message 1: complaint, complaint auto with score" in " ".join(shown.split())
    assert "4111 1111" not in shown + json.dumps(document(*options))
    assert all(cell_len(line) <= 80 for line in shown.splitlines())


def test_a_long_thread_shows_its_first_messages_and_counts_the_rest() -> None:
    at = "2026-11-02T15:00:00+00:00"
    messages = [
        {"id": f"m{n}", "at": at, "author": "customer", "public": True, "text": "x 4111 1111 1111 1111"}
        for n in range(25)
    ]
    result = explain("--json-ticket", "-", *BY_POLICY, given=a_ticket(messages=messages))
    assert "message m19: " in result.stdout
    assert "message m20: " not in result.stdout
    assert result.stdout.count("… 5 more; --json has them all") == 2


def test_a_recipient_decides_the_kind() -> None:
    options = ("--recipient", "Feedback@oneclickactions.com", "--policy", "one-click-actions", "--now", NOW)
    assert document("--text", "x", "--channel", "email", *options)["kind"] == "feedback"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ((), "name one ticket"),
        (("acme",), "name one ticket"),
        (("acme", "42", "--text", "x"), "name one ticket"),
        (("--text", "x", "--json-ticket", "-"), "name one ticket"),
        (("--text", "x", "--policy", "en-linea-365"), "needs --channel"),
        (("--text", "x", "--channel", "email"), "--policy is missing"),
        (("--text", "x", "--channel", "pigeon", "--policy", "p"), "pigeon"),
        (("--json-ticket", "-", "--channel", "email"), "belong to --text"),
        (("acme", "42", "--policy", "en-linea-365"), "in its configuration"),
        (("--text", "x", "--channel", "email", "--policy", "p", "--now", "today"), "no instant"),
    ],
)
def test_wrong_use_ends_with_status_2(options: tuple[str, ...], part: str) -> None:
    result = explain(*options)
    assert result.exit_code == 2
    assert part in " ".join(result.stderr.split())
    assert result.stdout == ""


@pytest.mark.parametrize(
    "given",
    [
        "",
        "{MARKER",
        '{"an unknown MARKER": 1}',
        b"\xff\xfe",
        json.dumps(a_ticket(channel="MARKER")),
        json.dumps(a_ticket(created_at="9999-12-31T23:59:59Z", messages=[], status_history=[])),
    ],
)
def test_what_is_no_ticket_is_refused_without_repeating_it(given: str | bytes) -> None:
    result = explain("--json-ticket", "-", *BY_POLICY, given=given)
    assert isinstance(result.exception, InputError)
    assert "MARKER" not in str(result.exception)


def test_a_policy_that_does_not_exist_is_named() -> None:
    result = explain("--text", "x", "--channel", "email", "--policy", "nope")
    assert isinstance(result.exception, ConfigError)


# --- from an account ---------------------------------------------------------------------------


@pytest.fixture
def account(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The configuration of a simulated helpdesk, and the id of a ticket on it."""
    clock = ManualClock(datetime(2026, 11, 17, 15, 0, tzinfo=UTC))
    sandbox = Plugins.load().platforms["zendesk"].sandbox(port=0, clock=clock)
    try:
        ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="MARKER", text="MARKER")
        path = write_sandbox_config(tmp_path, "zendesk", sandbox)
        (tmp_path / "sandbox-webhook-secret").write_text("secret\n", encoding="utf-8")
        yield str(path), ticket_id
    finally:
        sandbox.close()


def test_a_ticket_of_an_account_is_read_and_nothing_is_written(account: tuple[str, str]) -> None:
    config, ticket_id = account
    found = document("sandbox", ticket_id, "--config", config, "--now", "2026-11-17T16:00:00Z")
    assert found["ticket"] == f"zendesk/sandbox/{ticket_id}"
    assert [(clock["metric"], clock["due_at"]) for clock in found["clocks"]] == [
        ("first_reply", "2026-11-18T15:00:00Z")
    ]
    assert [note["key"] for note in found["notes"]] == ["first-reply-due"]
    assert "MARKER" not in json.dumps(found)


def test_the_lexicons_of_an_account_speak_in_what_is_explained(account: tuple[str, str], tmp_path: Path) -> None:
    config, ticket_id = account
    own = 'language = "es"\n[complaint.ours]\nweight = 2.5\npatterns = "marker"\n'
    (tmp_path / "own.toml").write_text(own, encoding="utf-8")
    path = Path(config)
    settings = path.read_text(encoding="utf-8")
    policy = 'policy = "en-linea-365"'
    path.write_text(settings.replace(policy, f'{policy}\nlexicons = ["own.toml"]'), encoding="utf-8")
    (said,) = document("sandbox", ticket_id, "--config", config, "--now", "2026-11-17T16:00:00Z")["messages"]
    assert "es.complaint.ours" in {reason["rule"] for reason in said["because"]}


def test_an_account_that_does_not_exist_is_named(account: tuple[str, str]) -> None:
    result = explain("nobody", "1", "--config", account[0])
    assert isinstance(result.exception, ConfigError)
    assert "nobody" in str(result.exception)
