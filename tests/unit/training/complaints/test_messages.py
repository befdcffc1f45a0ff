"""The messages that the judge is fitted on: labels that agree with each other, and none that the tests use."""

from __future__ import annotations

from pathlib import Path

import pytest

from oneclick_sla_plugin.domain.model import Kind
from training.complaints.messages import Seed, authors, read_seeds

AUTHORS = authors()
TESTED = read_seeds(Path(__file__).parents[2] / "classifiers" / "messages.jsonl")


@pytest.mark.parametrize("seeds", [*AUTHORS.values(), TESTED], ids=[*AUTHORS, "tested"])
def test_complaints_and_nothing_else_have_a_type(seeds: list[Seed]) -> None:
    assert seeds
    assert not [seed.text[:30] for seed in seeds if (seed.kind is Kind.COMPLAINT) != (seed.type is not None)]
    assert not [seed.subject for seed in seeds if not seed.text.strip()]


def test_no_message_of_the_tests_is_learned_from() -> None:
    learned = {seed.text for seeds in AUTHORS.values() for seed in seeds}
    assert not [seed.text[:30] for seed in TESTED if seed.text in learned]
