"""Paperdesk keeps the contract of adapters."""

from pathlib import Path

import pytest

from oneclick_sla_plugin.testing.contract import SCENARIOS, Scenario, play


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_contract(scenario: Scenario, tmp_path: Path) -> None:
    play(scenario, "paperdesk", tmp_path)
