"""The configuration's ``[complaints]``: series, retention, the supplier."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from oneclick_sla_plugin.config import ComplaintsConfig, load_config
from oneclick_sla_plugin.errors import ConfigError
from oneclick_sla_plugin.storage.register_records import KEEP

ACCOUNT = """
[accounts.acme]
platform = "zendesk"
policy = "en-linea-365"

[accounts.acme.zendesk]
base_url = "https://acme.zendesk.com"
"""


def load(folder: Path, complaints: str) -> ComplaintsConfig:
    path = folder / "oneclick-sla.toml"
    path.write_text(f"[complaints]\n{complaints}\n{ACCOUNT}")
    return load_config(path).complaints


def test_nothing_has_to_be_said(tmp_path: Path) -> None:
    """One series without a name, kept as long as the register keeps by itself."""
    assert load(tmp_path, "") == ComplaintsConfig(series="", keep=KEEP)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ('series = "LIMA"', ComplaintsConfig(series="LIMA")),
        ('series = { acme = "A1" }', ComplaintsConfig(series={"acme": "A1"})),
        ("keep_days = 3650", ComplaintsConfig(keep=timedelta(days=3650))),
        (
            'supplier_name = "En Linea"\nsupplier_tax_id = "20"\nsupplier_address = "Lima"',
            ComplaintsConfig(supplier_name="En Linea", supplier_tax_id="20", supplier_address="Lima"),
        ),
    ],
)
def test_what_can_be_said(tmp_path: Path, text: str, config: ComplaintsConfig) -> None:
    assert load(tmp_path, text) == config


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('series = "lima"', "complaints.series"),
        ('series = "2026"', "complaints.series"),
        ('series = "A-B"', "complaints.series"),
        ('series = "ABCDEFGHIJKLMNOPQ"', "complaints.series"),
        ("series = 7", "complaints.series"),
        ('series = { acme = "a" }', "complaints.series"),
        ('series = { other = "A" }', "complaints.series.other"),
        ("keep_days = 0", "complaints.keep_days"),
        ("keep = 5", "complaints.keep"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert [problem.path for problem in caught.value.problems] == [path]
