"""The commands for one account against simulated helpdesks: install, check, backfill, uninstall."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Sandbox
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger


class Admin:
    """Who runs the commands on a sandbox."""

    def __init__(self, platform: str, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.config = write_sandbox_config(folder, platform, sandbox)

    def run(self, command: str, *options: str) -> Result:
        return CliRunner().invoke(cli, [command, "sandbox", "--config", str(self.config), *options])

    def found(self) -> dict[str, dict[str, object]]:
        """What `check` says, by the name of what was looked at."""
        return {item["name"]: item for item in json.loads(self.run("check", "--json").stdout)}


@contextmanager
def an_admin(platform: str, folder: Path) -> Iterator[Admin]:
    """The configuration is written as `sandbox --write-config` does; nothing is installed yet."""
    sandbox = Plugins.load().platforms[platform].sandbox(port=0, clock=system_clock)
    try:
        sandbox.webhooks.pause()
        yield Admin(platform, sandbox, folder / "etc")
    finally:
        sandbox.close()
        structlog.reset_defaults()  # a command sets up logging for its whole process


@pytest.fixture(params=["freshdesk", "osticket", "zendesk"])
def admin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Admin]:
    with an_admin(request.param, tmp_path) as admin:
        assert admin.run("install").exit_code == 0
        yield admin


def test_installing_twice_changes_nothing(admin: Admin) -> None:
    """The second time everything stays as it is, the secrets too."""
    lines = admin.run("install").stdout.splitlines()
    assert lines
    assert [line for line in lines if not line.startswith("  = ")] == []


def test_what_the_account_forbids_is_printed_field_by_field(tmp_path: Path) -> None:
    """Freshdesk's rules, where they may be read and not be made; everything else is installed."""
    with an_admin("freshdesk", tmp_path) as admin:
        admin.sandbox.answer_next(9, 403, operation="POST /api/v2/automations/{rule_type}/rules")
        result = admin.run("install")
        assert result.exit_code == 0
        printed = result.stdout.splitlines()
        at = printed.index('  ! automation rule "oneclick-sla sandbox: ticket created": has to be made by hand')
        assert printed[at + 1 : at + 3] == [
            "      Admin > Workflows > Automations > Ticket creation > New rule",
            "      Name: oneclick-sla sandbox: ticket created",
        ]
        assert "      URL: http://127.0.0.1:8080/webhooks/sandbox" in printed
        assert (secret := (admin.folder / "sandbox-webhook-secret").read_text().strip())
        assert secret not in result.stdout
        assert not admin.found()['automation rule "oneclick-sla sandbox: ticket created"']["good"]


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


def test_check_before_install_says_what_comes_first(tmp_path: Path) -> None:
    with an_admin("zendesk", tmp_path) as admin:
        result = admin.run("check")
    assert "webhook_secrets[0]" in str(result.exception)
    assert "oneclick-sla install" in str(result.exception)


def test_install_keeps_a_secret_that_stands_beside_another_one(tmp_path: Path) -> None:
    """While a secret is changed there are two in the file; only one that is missing is written, and serve has to know."""
    with an_admin("zendesk", tmp_path) as admin:
        assert "start oneclick-sla serve anew" in admin.run("install").stdout
        secret = admin.folder / "sandbox-webhook-secret"
        current = secret.read_text().strip()
        secret.write_text(f"old {current}\n")
        assert "is in file" in admin.run("install").stdout
        assert secret.read_text() == f"old {current}\n"
        secret.write_text("old\n")
        admin.run("install")
        assert secret.read_text() == f"{current}\n"


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
