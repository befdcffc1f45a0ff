"""Every platform that ships keeps the contract of adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from oneclick_sla_plugin.testing.contract import SCENARIOS, Scenario, play


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize("platform", ["freshdesk", "osticket", "zendesk"])
def test_contract(platform: str, scenario: Scenario, tmp_path: Path) -> None:
    play(scenario, platform, tmp_path)
