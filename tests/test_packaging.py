"""What the wheel is made of: the packages, their data, the entry points."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_adapter_is_packed_and_every_packed_one_has_its_entry_point() -> None:
    adapters = {f"adapters/{folder.name}" for folder in (ROOT / "adapters").iterdir() if folder.is_dir()}
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == {"oneclick_sla_plugin"} | adapters
    declared = set(PROJECT["project"]["entry-points"]["oneclick_sla"].values())
    assert {f"{Path(adapter).name}.plugin" for adapter in adapters} <= declared


def test_the_installed_entry_points_are_those_declared() -> None:
    """Without an installed distribution there are none: run through `make test`."""
    found = {point.name: point.value for point in entry_points(group="oneclick_sla")}
    assert found == PROJECT["project"]["entry-points"]["oneclick_sla"]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("oneclick_sla_plugin.policies", "en-linea-365.toml"),
        ("oneclick_sla_plugin.policies", "one-click-actions.toml"),
        ("oneclick_sla_plugin.texts", "es.toml"),
        ("oneclick_sla_plugin.texts", "en.toml"),
        ("oneclick_sla_plugin.cli", "complaint_sheet.html.j2"),
        ("oneclick_sla_plugin.cli.demo", "script.toml"),
        ("oneclick_sla_plugin.classifiers", "scoring.toml"),
        ("oneclick_sla_plugin.classifiers", "judge.txt"),
        *[("oneclick_sla_plugin.classifiers", f"{language}.toml") for language in ("es", "en", "de", "pt")],
        ("oneclick_sla_plugin.detectors", "judge.json"),
        *[("oneclick_sla_plugin.detectors", f"lexicons/{language}.toml") for language in ("es", "en", "de", "pt")],
        ("oneclick_sla_plugin", "py.typed"),
        ("oneclick_sla_zendesk", "py.typed"),
        ("oneclick_sla_freshdesk", "py.typed"),
        ("oneclick_sla_osticket", "py.typed"),
        ("oneclick_sla_osticket", "osticket-plugin/plugin.php"),
    ],
)
def test_data_files_are_found_through_the_package(package: str, name: str) -> None:
    assert files(package).joinpath(name).is_file()


def test_the_adapters_folder_is_no_package() -> None:
    assert not (ROOT / "adapters" / "__init__.py").exists()
