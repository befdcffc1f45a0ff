"""``oneclick-sla policy``: list, show, validate, schema, diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.errors import ConfigError

NOW = "2026-11-22T12:00:00Z"
SHIPPED = ["en-linea-365", "one-click-actions"]
MINE = """
id = "mine"
version = "3\\u001b[31m"
title = "A title that is much too long for one line of a terminal with eighty columns, or for anybody to read"
language = "en"
time_zone = "Europe/Madrid"
channels = ["email", "chat"]
default_channel = "email"
delay_clause = "§10"
effective_from = 2026-01-01
applies_to_open = true
review_by = 2026-11-22
owners = { email = "Mail team" }

[calendars.office]
time_zone = "Atlantic/Canary"
hours = { mon-thu = ["09:00-13:00", "14:00-18:00"], fri = ["22:00-02:00"] }
holidays = { country = "ES", subdivision = "CN", added = [{ date = 2026-11-23, name = "Our day" }] }
exceptions = { 2026-12-24 = ["09:00-12:00"], 2026-12-31 = [] }

[estimate]
clause = "§2"
title = "estimate"
calendar = "office"

[[escalations]]
name = "soon"
at = "1 open hours before"
metrics = ["first_reply"]

[[escalations]]
name = "late"
at = "1 business days after"

[[targets]]
name = "mail"
metric = "first_reply"
title = "mail"
clause = "§9"
within = "8 open hours"
ambiguous = true
begins = "opening"
calendar = "office"
acknowledgement = true

[[targets]]
name = "solve"
metric = "resolution"
title = "solve"
clause = "§10"
within = "5 business days"
calendar = "office"

[[channel_rules]]
channel = "chat"
clause = "§1.2"
when = { tags = ["live"] }

[[kind_rules]]
kind = "feedback"
clause = "§1.1"
when = { recipients = ["ideas@example.com"] }

[[priority_rules]]
priority = "urgent"
clause = "§3"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINE, encoding="utf-8")
    return path


def run(*options: str, columns: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, ["policy", *options])


def document(*options: str) -> Any:
    result = run(*options)
    assert result.exit_code in (0, 2), result.output
    return json.loads(result.stdout_bytes)


# --- list --------------------------------------------------------------------------------------


def test_the_policies_are_listed_with_version_and_dates() -> None:
    output = run("list").output
    assert "en-linea-365@2023-08-16" in output
    assert "to be reviewed by 2024-08-16" in output
    listed = {entry["id"]: entry for entry in document("list", "--json")}
    assert set(SHIPPED) <= set(listed)
    assert listed["en-linea-365"]["review_by"] == "2024-08-16"
    assert listed["one-click-actions"]["effective_from"] is None


# --- show --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "parts"),
    [
        (
            "en-linea-365",
            [
                "§4 e-mail and contact form | First reply: 24 business-day hours",
                "§4 social networks, received in opening hours | First reply: 4 open hours",
                "§4 chat | First reply: 60 elapsed seconds, from the next opening",
                "§7 kinds complaint | priority urgent",
                "§8 delays are announced",
            ],
        ),
        (
            "one-click-actions",
            ["§1.1 kinds complaint | priority high", "§2 live chat at high volume | First reply: 5 elapsed minutes"],
        ),
    ],
)
def test_every_clause_stands_beside_its_figures(policy: str, parts: list[str]) -> None:
    rows = document("show", policy, "--now", NOW, "--json")["clauses"]
    lines = [f"{row['clause']} {row['promise']} | {row['program']}" for row in rows]
    for part in parts:
        assert any(line.startswith(part) for line in lines), part


def test_clauses_are_in_the_order_of_the_policy_and_not_of_the_alphabet(mine: Path) -> None:
    clauses = [row["clause"] for row in document("show", str(mine), "--json")["clauses"]]
    assert clauses == ["§1.1", "§1.2", "§2", "§3", "§9", "§10", "§10"]


@pytest.mark.parametrize(
    "part",
    [
        "in force from 2026-01-01, for tickets open then too",
        "to be reviewed by 2026-11-22",
        "email, chat; every other follows email",
        "email: Mail team",
        "soon 1 open hour before the due instant, for first_reply",
        "late 1 business day after the due instant",
        "office: mon-thu 09:00-13:00, 14:00-18:00; fri 22:00-02:00",
        "in Atlantic/Canary",
        "holidays of ES-CN",
        "Mon 2026-11-23 Our day",
        "2026-12-24 09:00-12:00 instead",
        "2026-12-31 closed instead",
        "stands still while on_hold, pending",
    ],
)
def test_the_sheet_tells_what_the_file_says(mine: Path, part: str) -> None:
    assert part in run("show", str(mine), "--now", NOW, columns=100).output


@pytest.mark.parametrize(("now", "passed"), [("2026-11-22T22:59:59Z", False), ("2026-11-22T23:00:00Z", True)])
def test_a_review_date_has_passed_when_its_day_is_over_in_the_policy_s_zone(mine: Path, now: str, passed: bool) -> None:
    assert ("which has passed" in run("show", str(mine), "--now", now).output) is passed
    assert document("validate", str(mine), "--now", now, "--json")[0]["review_passed"] is passed


# --- validate ----------------------------------------------------------------------------------


def test_every_problem_of_every_file_is_named_with_its_key_and_a_hint(tmp_path: Path, mine: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(MINE.replace("8 open hours", "8 hours").replace('clause = "§2"', 'clauze = "§2"'), encoding="utf-8")
    result = run("validate", str(bad), str(mine), str(tmp_path / "missing.toml"))
    assert result.exit_code == 2
    for part in ("bad.toml:", "estimate.clauze: unknown key", "targets[0].within: an amount names its unit"):
        assert part in result.output
    assert "can be used" in result.output
    assert "missing.toml" in result.output
    first, second, third = document("validate", str(bad), str(mine), str(tmp_path / "missing.toml"), "--json")
    assert {problem["path"] for problem in first["problems"]} >= {"estimate.clauze", "targets[0].within"}
    assert second["problems"] == []
    assert third["problems"] != []


def test_readings_to_confirm_are_listed_with_both_dates() -> None:
    result = run("validate", "en-linea-365", "--now", NOW)
    assert result.exit_code == 0
    for part in (
        "its review date has passed (2024-08-16)",
        "Thu 26 Nov 2026 15:00",
        "due Fri 27 Nov 2026 15:00 as 24 business-day hours  as the file has it",
        "due Tue 1 Dec 2026 12:00 as 24 open hours",
    ):
        assert part in result.output


@pytest.mark.parametrize("policy", SHIPPED)
def test_the_shipped_policies_can_be_used(policy: str) -> None:
    (checked,) = document("validate", policy, "--now", NOW, "--json")
    assert (checked["problems"], run("validate", policy).exit_code) == ([], 0)


# --- diff --------------------------------------------------------------------------------------


def test_what_differs_is_named_by_key_path_with_an_example(tmp_path: Path, mine: Path) -> None:
    new = tmp_path / "new.toml"
    new.write_text(MINE.replace("8 open hours", "4 open hours"), encoding="utf-8")
    result = run("diff", str(mine), str(new), "--now", NOW)
    assert "~ targets.mail.within: 8 open hours → 4 open hours" in result.output
    assert "First reply: email, chat" in result.output
    found = document("diff", str(mine), str(new), "--now", NOW, "--json")
    assert found["changes"] == [{"path": "targets.mail.within", "old": "8 open hours", "new": "4 open hours"}]
    (example,) = found["examples"]
    assert example["old_due_at"] != example["new_due_at"]


def test_policies_that_say_the_same_have_no_difference(mine: Path) -> None:
    result = run("diff", str(mine), str(mine))
    assert "The files say the same." in result.output
    assert "none in the next two weeks" in result.output


# --- all ---------------------------------------------------------------------------------------

COMMANDS = [
    ("list",),
    *[("show", policy) for policy in (*SHIPPED, "MINE")],
    ("validate", *SHIPPED, "MINE"),
    ("diff", *SHIPPED),
    ("diff", "MINE", "en-linea-365"),
]


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        *((options, 80) for options in COMMANDS),
        # The lines of a check are not folded, so that they can be searched.
        *((options, 60) for options in COMMANDS if "validate" not in options),
    ],
)
def test_no_line_is_wider_than_the_terminal_and_none_steers_it(
    mine: Path, options: tuple[str, ...], columns: int
) -> None:
    result = run(*(str(mine) if option == "MINE" else option for option in options), columns=columns)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if str(mine) not in line]
    assert max(map(cell_len, lines)) <= columns
    assert "\x1b" not in result.output


@pytest.mark.parametrize("options", COMMANDS)
def test_json_has_no_line_of_the_screen_in_it(mine: Path, options: tuple[str, ...]) -> None:
    assert document(*(str(mine) if option == "MINE" else option for option in options), "--json")


@pytest.mark.parametrize("options", [("show", "nope"), ("diff", "nope", "en-linea-365"), ("show", "nope.toml")])
def test_a_policy_that_does_not_exist_is_named(options: tuple[str, ...]) -> None:
    result = run(*options)
    assert isinstance(result.exception, ConfigError)
    assert "nope" in str(result.exception)


def test_the_schema_is_json() -> None:
    assert document("schema")["$schema"] == "https://json-schema.org/draft/2020-12/schema"
