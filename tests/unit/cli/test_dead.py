"""`oneclick-sla dead`: what a person can do about tickets that failed for good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
REASON = "permanent: update ticket, status 422"


class Dead:
    """A configuration, its ledger with dead tickets, and the command."""

    def __init__(self, folder: Path, ledger: SqlLedger) -> None:
        self.ledger = ledger
        self._config = folder / "oneclick-sla.toml"
        self._config.write_text(
            f"""
[server]
database = "sqlite:///{folder / "ledger.db"}"

[accounts.acme]
platform = "zendesk"
policy = "en-linea-365"

[accounts.acme.zendesk]
base_url = "http://127.0.0.1:9"
client_id = "x"
client_secret = {{ env = "ONECLICK_SLA_TEST_NOT_SET" }}
"""
        )

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["dead", *arguments, "--config", str(self._config)])

    def keys(self) -> set[str]:
        return {str(ticket.key) for ticket in self.ledger.dead()}


@pytest.fixture
def dead(tmp_path: Path, sqlite_url: str) -> Iterator[Dead]:
    database = open_database(sqlite_url)
    database.migrate()
    ledger = SqlLedger(database)
    ledger.mark([TicketKey("acme", "1"), TicketKey("acme", "2"), TicketKey("other", "1")], NOW)
    for claim in ledger.claim_due(9, NOW):
        ledger.bury(claim, NOW + timedelta(minutes=1), REASON)
    yield Dead(tmp_path, ledger)
    ledger.close()
    database.close()


def test_the_list_says_who_when_and_why(dead: Dead) -> None:
    """As JSON every fact; no secret of the account is needed for it."""
    result = dead.run("list", "acme", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {
            "account": "acme",
            "ticket": ticket,
            "dead_at": "2026-11-23T09:01:00+00:00",
            "attempts": 1,
            "reason": REASON,
        }
        for ticket in "12"
    ]


def test_the_list_for_people_ends_with_the_count(dead: Dead) -> None:
    """Of all accounts when none is named."""
    assert dead.run("list").stdout.splitlines()[-1] == "3 tickets wait for a person"
    assert "422" in dead.run("list", "other").stdout
    assert dead.run("list", "nobody").stdout == "0 tickets wait for a person\n"


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("acme", "2"), {"acme/1", "other/1"}),
        (("acme", "1", "2"), {"other/1"}),
        (("acme", "--all"), {"other/1"}),
        (("--all",), set()),
    ],
)
@pytest.mark.parametrize("command", ["retry", "drop"])
def test_tickets_leave_the_list(dead: Dead, command: str, arguments: tuple[str, ...], left: set[str]) -> None:
    """Those that are named, all of an account, or all; taken back to work at once, or forgotten."""
    result = dead.run(command, *arguments)
    assert result.exit_code == 0
    assert dead.keys() == left
    due = dead.ledger.claim_due(9, datetime.now(UTC))
    assert len(due) == (3 - len(left) if command == "retry" else 0)


@pytest.mark.parametrize("arguments", [(), ("acme",), ("acme", "1", "--all")])
def test_what_is_meant_must_be_said(dead: Dead, arguments: tuple[str, ...]) -> None:
    """Nothing is dropped by a slip."""
    result = dead.run("drop", *arguments)
    assert result.exit_code == 2
    assert len(dead.keys()) == 3


def test_a_ticket_that_is_not_dead_is_told(dead: Dead) -> None:
    """The others are done all the same."""
    result = dead.run("retry", "acme", "1", "77")
    assert result.exit_code == 1
    assert "1 of these are not on the dead list" in result.output
    assert dead.keys() == {"acme/2", "other/1"}
