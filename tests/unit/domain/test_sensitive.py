"""Masks, levels and which of two overlapping candidates stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import Candidate, Finding, Level, cut_finding, findings, mask, resolve


@pytest.mark.parametrize(
    ("value", "prefix", "shown", "masked"),
    [
        ("4111 1111 1111 1234", "", 4, "•••• 1234"),
        ("hunter2!", "", 0, "••••"),
        ("ab_live_0123456789", "ab_live_", 0, "ab_live_••••"),
        ("ES9121000418450200051332", "ES", 4, "ES •••• 1332"),
        ("123", "", 4, "•••• 3"),
        ("4111111111111111", "", 12, "•••• 1111"),
        ("secret", "secret", 0, "••••"),
        ("abc", "xyz", 0, "••••"),
    ],
)
def test_a_mask_shows_a_public_prefix_and_at_most_four_characters(
    value: str, prefix: str, shown: int, masked: str
) -> None:
    assert mask(value, prefix, shown) == masked


@given(st.text(st.characters(categories=["L", "N"]), min_size=6, max_size=40), st.integers(-3, 50))
def test_whatever_is_asked_for_no_six_characters_in_a_row_are_shown(value: str, shown: int) -> None:
    masked = mask(value, "", shown)
    assert not any(value[at : at + 6] in masked for at in range(len(value) - 5))


@pytest.mark.parametrize(("confidence", "level"), [(0.8, Level.WARN), (0.79, Level.POSSIBLE), (0.5, Level.POSSIBLE)])
def test_from_four_fifths_on_a_finding_is_a_warning(confidence: float, level: Level) -> None:
    assert Finding("card", "1", 0, 4, "••••", confidence).level is level


def test_a_cut_is_never_a_warning() -> None:
    assert cut_finding("1", 10, 20).level is Level.POSSIBLE


def test_of_overlapping_candidates_the_surest_stays_and_among_equals_the_longest() -> None:
    weak, sure, longer = Candidate("a", 0, 5, 0.6), Candidate("b", 3, 8, 0.9), Candidate("c", 2, 9, 0.9)
    apart = Candidate("d", 10, 12, 0.7)
    assert resolve([apart, sure, longer, weak], most=9) == ([longer, apart], None)


def test_a_candidate_below_one_half_is_dropped() -> None:
    assert resolve([Candidate("a", 0, 5, 0.49)], most=9) == ([], None)


def test_what_is_left_out_for_its_number_is_told_by_its_place() -> None:
    many = [Candidate("a", at, at + 1, 0.9) for at in range(5)]
    assert resolve(many, most=3) == (many[:3], 3)


def test_a_finding_holds_a_place_in_the_original_and_no_value() -> None:
    text = "<b>4111</b>&nbsp;1111 1111 1111"
    plain = PlainText(text)
    start = plain.folded.index("4")
    (finding,) = findings([Candidate("card", start, len(plain), 0.987, shown=4)], plain, "7")
    assert (finding.start, finding.end, finding.masked, finding.confidence) == (3, len(text), "•••• 1111", 0.99)
    assert "4111" not in repr(finding)
