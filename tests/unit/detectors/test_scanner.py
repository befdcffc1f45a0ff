"""What a scanner promises whatever the message and whatever the detectors do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest

from oneclick_sla_plugin.detectors.own_patterns import OwnPattern
from oneclick_sla_plugin.detectors.scanner import LONGEST_TEXT, MOST_FINDINGS, DetectorSettings, Scanner
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import SCAN_CUT, Candidate, Detector, Level
from oneclick_sla_plugin.errors import ConfigError, PluginError
from oneclick_sla_plugin.plugins import Plugins

CARD = "4111 1111 1111 1111"


@dataclass
class FakeDetector:
    """Finds what it is told to, or fails."""

    candidates: list[Candidate] = field(default_factory=list)
    error: Exception | None = None
    trigger: str = ""
    name: str = "fake"
    types: frozenset[str] = frozenset({"card"})

    def find(self, text: PlainText) -> Iterator[Candidate]:
        yield from self.candidates
        if self.error is not None:
            raise self.error


def test_the_shipped_detectors_come_in_as_a_plugin() -> None:
    plugins = Plugins.load()
    assert {name for detector in plugins.detectors.values() for name in detector.types} == {
        "card",
        "cvv",
        "password",
        "pin",
        "secret",
        "iban",
        "national_id",
    }


def test_findings_carry_the_message_they_are_in(scanner: Scanner) -> None:
    (finding,) = scanner.scan(f"card {CARD}", "42").findings
    assert finding.message == "42"


@pytest.mark.parametrize(
    "text",
    [
        "<p>card <b>4111 1111</b> 1111 1111</p>",
        "card 4111&nbsp;1111&nbsp;1111&nbsp;1111",
        "> > card 4111 1111\n> > 1111 1111",
        "card 4111\u200b1111\u200b1111\u200b1111",
        "card 4111\u00ad1111\u00ad1111\u00ad1111",
        "card 4111\u00a01111\u20071111\u202f1111",
        "card \u202e4111–1111–1111–1111\u202c",
        "card ٤١١١ ١١١١ ١١١١ ١١١١",
        "card ４１１１１１１１１１１１１１１１",
    ],
    ids=["tags", "entities", "quoted", "zero-width", "soft hyphens", "odd blanks", "dashes", "Arabic", "full width"],
)
def test_a_card_is_found_however_it_was_pasted_and_its_place_is_that_in_the_original(
    scanner: Scanner, text: str
) -> None:
    (finding,) = scanner.scan(text).findings
    first = min(text.index(digit) for digit in "4٤４" if digit in text)
    last = max(text.rindex(digit) for digit in "1١１" if digit in text)
    assert (finding.start, finding.end, finding.masked) == (first, last + 1, "•••• 1111")


def test_a_type_that_is_switched_off_is_not_reported(detectors: Iterable[Detector]) -> None:
    scanner = Scanner(detectors, DetectorSettings(types_off=frozenset({"pin"})))
    found = scanner.scan(f"my PIN is 8307, the card {CARD}").findings
    assert [finding.type for finding in found] == ["card"]


def test_a_stop_word_is_never_a_value(detectors: Iterable[Detector]) -> None:
    scanner = Scanner(detectors, DetectorSettings(stop_words=frozenset({"Demo2024"})))
    assert scanner.scan("the password is demo2024").findings == ()


def test_an_own_pattern_adds_a_type_and_its_words_make_it_sure() -> None:
    own = OwnPattern("member", r"\bM-([0-9]{6})\b", words=("número de socio",))
    scanner = Scanner([], DetectorSettings(own_patterns=(own,)))
    sure, doubtful = scanner.scan("Numero de socio M-123456").findings, scanner.scan("M-123456").findings
    assert [(each.type, each.start, each.end, each.level) for each in (*sure, *doubtful)] == [
        ("member", 18, 24, Level.WARN),
        ("member", 2, 8, Level.POSSIBLE),
    ]


def test_an_own_patterns_check_has_to_accept_the_value() -> None:
    scanner = Scanner([], DetectorSettings(own_patterns=(OwnPattern("meter", r"[0-9]{16}", check="luhn"),)))
    assert len(scanner.scan("4111111111111111 4111111111111112").findings) == 1


def test_all_problems_of_own_patterns_are_told_at_once() -> None:
    patterns = (OwnPattern("a", "(?=x)"), OwnPattern("b", "x", check="no.such"), OwnPattern("c", "x*"))
    with pytest.raises(ConfigError) as raised:
        Scanner([], DetectorSettings(own_patterns=patterns))
    assert [problem.path for problem in raised.value.problems] == [
        "own_patterns[0].pattern",
        "own_patterns[1].check",
        "own_patterns[2].pattern",
    ]


def test_a_detector_that_fails_costs_only_itself_and_is_named(detectors: list[Detector]) -> None:
    broken = FakeDetector(error=RuntimeError(CARD))
    scan = Scanner([*detectors, broken]).scan(f"card {CARD}")
    assert [finding.type for finding in scan.findings] == ["card"]
    assert [(failure.detector, failure.error) for failure in scan.failures] == [("fake", "RuntimeError")]
    assert CARD not in repr(scan)


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate("card", 0, 99, 1.0),
        Candidate("card", 3, 3, 1.0),
        Candidate("card", -1, 2, 1.0),
        Candidate("pin", 0, 2, 1.0),
    ],
)
def test_a_candidate_that_cannot_be_is_a_failure_of_its_detector(candidate: Candidate) -> None:
    scan = Scanner([FakeDetector([candidate])]).scan("text")
    assert (scan.findings, [failure.error for failure in scan.failures]) == ((), ["ValueError"])


def test_a_trigger_that_is_no_pattern_is_refused_at_the_start() -> None:
    with pytest.raises(PluginError, match="fake"):
        Scanner([FakeDetector(trigger="(")])


def test_a_detector_is_asked_only_where_its_trigger_matches() -> None:
    scanner = Scanner([FakeDetector([Candidate("card", 0, 1, 1.0)], trigger="magic")])
    assert (len(scanner.scan("a MAGIC word").findings), len(scanner.scan("a word").findings)) == (1, 0)


def test_a_text_past_the_limit_is_scanned_up_to_it_and_says_so(scanner: Scanner) -> None:
    text = f"card {CARD} " + "word " * 1_000_000 + f"card {CARD}"
    card, cut = scanner.scan(text).findings
    assert (card.type, cut.type, cut.level) == ("card", SCAN_CUT, Level.POSSIBLE)
    assert (cut.start, cut.end) == (LONGEST_TEXT, len(text))


def test_of_ten_thousand_findings_the_first_are_listed_and_the_rest_is_said(scanner: Scanner) -> None:
    text = f"card {CARD}\n" * 10_000
    *cards, cut = scanner.scan(text).findings
    assert (len(cards), cut.type, cut.level) == (MOST_FINDINGS, SCAN_CUT, Level.POSSIBLE)
    assert cut.start >= cards[-1].end


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00" * 1000,
        "\ud800 password: \udfff",
        "\u202e\u202d" * 500,
        bytes(range(256)).decode("latin-1") * 20,
        "🔑" * 99,
    ],
    ids=["empty", "zero bytes", "lone surrogates", "direction marks", "binary", "emoji"],
)
def test_no_text_makes_it_fail(scanner: Scanner, text: str) -> None:
    scan = scanner.scan(text)
    assert scan.failures == ()
    assert all(0 <= finding.start < finding.end <= len(text) for finding in scan.findings)
