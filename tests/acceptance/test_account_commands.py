"""The commands for one account against the simulated helpdesk: check, backfill, uninstall."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_zendesk.simulator import ZendeskSandbox


class Admin:
    """Who runs the commands on a sandbox."""

    def __init__(self, sandbox: ZendeskSandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.config = write_sandbox_config(folder, "zendesk", sandbox)

    def run(self, command: str, *options: str) -> Result:
        return CliRunner().invoke(cli, [command, "sandbox", "--config", str(self.config), *options])

    def found(self) -> dict[str, dict[str, object]]:
        """What `check` says, by the name of what was looked at."""
        return {item["name"]: item for item in json.loads(self.run("check", "--json").stdout)}


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    with ZendeskSandbox(clock=system_clock) as sandbox:
        admin = Admin(sandbox, tmp_path / "etc")
        sandbox.webhooks.pause()
        assert admin.run("install").exit_code == 0
        yield admin
    structlog.reset_defaults()  # a command sets up logging for its whole process


def test_check_names_the_holidays_of_the_coming_year(admin: Admin) -> None:
    (holidays,) = [item for name, item in admin.found().items() if name.startswith("holidays of en-linea-365")][:1]
    assert holidays["good"]
    assert "-12-25 Navidad" in str(holidays["found"])


def test_check_finds_what_is_wrong_here_and_says_what_to_do(admin: Admin) -> None:
    assert all(admin.found()[name]["good"] for name in ("database", "dead list", "account", "public address", "sweep"))
    database = open_database(f"sqlite:///{admin.folder / 'oneclick-sla.db'}")
    ledger = SqlLedger(database)
    ledger.mark([TicketKey("sandbox", "1")], system_clock())
    ledger.bury(ledger.claim_due(1, system_clock())[0], system_clock(), "permanent")
    ledger.close()
    database.close()
    dead = admin.found()["dead list"]
    assert (dead["good"], dead["found"]) == (False, "1 waiting for a person")
    assert "oneclick-sla dead list sandbox" in str(dead["remedy"])
    result = admin.run("check")
    assert result.exit_code == 1
    assert "!!  dead list" in result.stdout


def test_check_misses_the_public_address(admin: Admin) -> None:
    admin.config.write_text(
        "\n".join(line for line in admin.config.read_text().splitlines() if not line.startswith("public_url"))
    )
    assert admin.found()["public address"]["good"] is False


def test_backfill_marks_what_is_open_on_the_helpdesk(admin: Admin) -> None:
    for n in range(3):
        admin.sandbox.open_ticket(channel=Channel.EMAIL, subject="Factura", text=f"¿{n}?")
    result = admin.run("backfill", "--open", "--rate", "6000")
    assert (result.exit_code, result.stdout) == (0, "3 tickets marked\n")
    database = open_database(f"sqlite:///{admin.folder / 'oneclick-sla.db'}")
    ledger = SqlLedger(database)
    assert len(ledger.claim_due(9, system_clock())) == 3
    ledger.close()
    database.close()


def test_uninstall_shows_first_and_then_leaves_nothing(admin: Admin) -> None:
    planned = admin.run("uninstall", "--dry-run").stdout
    assert "would delete" in planned
    assert admin.run("uninstall", "--dry-run").stdout == planned
    assert "deleted" in admin.run("uninstall").stdout
    assert "deleted" not in admin.run("uninstall").stdout
