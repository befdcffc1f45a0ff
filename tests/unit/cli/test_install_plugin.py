"""``oneclick-sla install --plugin-to``: the plugin that goes into the helpdesk itself."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oneclick_sla_plugin.cli import cli

SOURCE = Path(__file__).parents[3] / "adapters" / "oneclick_sla_osticket" / "osticket-plugin"
EXPECTED = {
    f"oneclick_sla/{path.relative_to(SOURCE)}": path.read_bytes() for path in SOURCE.rglob("*") if path.is_file()
}
CONFIG = """
[server]
public_url = "https://sla.example.com"
[accounts.acme]
platform = "osticket"
policy = "en-linea-365"
[accounts.acme.osticket]
base_url = "https://help.example.com"
secrets = { env = "NOT_SET_YET" }
[accounts.other]
platform = "zendesk"
policy = "en-linea-365"
[accounts.other.zendesk]
base_url = "https://acme.zendesk.com"
client_id = "oneclick-sla"
client_secret = { env = "NOT_SET_YET" }
webhook_secrets = [{ env = "NOT_SET_YET" }]
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    (tmp_path / "oneclick-sla.toml").write_text(CONFIG)
    folder = tmp_path / "plugins"
    folder.mkdir()
    return folder


def install(plugins: Path, *options: str, account: str = "acme") -> Result:
    config = str(plugins.parent / "oneclick-sla.toml")
    return CliRunner().invoke(cli, ["install", account, "--config", config, *options])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_is_put_in_place_before_there_is_a_secret(plugins: Path) -> None:
    result = install(plugins, "--plugin-to", str(plugins))
    assert (result.exit_code, result.stdout) == (0, f"  + {plugins}/oneclick_sla: created\n")
    assert files(plugins) == EXPECTED
    assert [path.name for path in plugins.iterdir()] == ["oneclick_sla"]


def test_an_older_folder_is_replaced_as_a_whole(plugins: Path) -> None:
    (plugins / "oneclick_sla").mkdir()
    (plugins / "oneclick_sla" / "of_an_older_version.php").write_text("<?php")
    result = install(plugins, "--plugin-to", str(plugins))
    assert (result.exit_code, result.stdout) == (0, f"  ~ {plugins}/oneclick_sla: updated\n")
    assert files(plugins) == EXPECTED


def test_a_zip_holds_the_folder_and_is_the_same_each_time(plugins: Path) -> None:
    target = plugins / "plugin.zip"
    assert install(plugins, "--plugin-to", str(target)).exit_code == 0
    with zipfile.ZipFile(target) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == EXPECTED
        assert all(entry.external_attr >> 16 == 0o644 for entry in archive.infolist())
    first = target.read_bytes()
    assert "updated" in install(plugins, "--plugin-to", str(target)).stdout
    assert target.read_bytes() == first


def test_a_dry_run_writes_nothing(plugins: Path) -> None:
    result = install(plugins, "--plugin-to", str(plugins), "--dry-run")
    assert "would create" in result.stdout
    assert list(plugins.iterdir()) == []


@pytest.mark.parametrize(
    ("account", "target", "words"),
    [("acme", "no-such-folder", "is no folder"), ("other", "", "zendesk needs no plugin inside itself")],
)
def test_what_cannot_be_done_is_said(plugins: Path, account: str, target: str, words: str) -> None:
    result = install(plugins, "--plugin-to", str(plugins / target), account=account)
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(plugins.iterdir()) == []
