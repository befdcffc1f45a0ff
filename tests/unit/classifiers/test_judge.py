"""The learned judge: how a file of weights is read, what it answers, and where it points."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.classifiers.judge import FILE, Head, Judge, letters_of, load_judge, pairs_of, shipped_judge
from oneclick_sla_plugin.classifiers.lexicon import load_lexicons
from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from oneclick_sla_plugin.domain.message import Part, Sentence, sentences
from oneclick_sla_plugin.domain.model import Kind

ROOT = Path(__file__).parents[3]
SHIPPED = shipped_judge()


def parts(text: str, subject: str = "") -> list[tuple[Part, Sentence]]:
    return [*((Part.SUBJECT, one) for one in sentences(subject)), *((Part.TEXT, one) for one in sentences(text))]


def judge(*features: str) -> Judge:
    """One of a single head, steps of a half and a constant of 1; ``O`` is nothing, ``P`` one step, ``N`` one less."""
    head = {"heads": ["complaint"], "base": [1.0], "steps": [0.5]}
    return load_judge([json.dumps(head), *features])


@pytest.mark.parametrize(
    ("features", "text", "weight"),
    [
        pytest.param(["late\tS"], "it is very late", 1 + 0.5 * 4 / 2, id="a word, of four"),
        pytest.param(["late\tS"], "late and late and late and late again", 1 + 0.5 * 4 / 8**0.5, id="counts once"),
        pytest.param(["late\tS", "very late\tK"], "it is very late", 1.0, id="a pair takes off"),
        pytest.param(["late\tO", "*lat\tQ"], "it is very late", 1 + 0.5 * 2 / 2, id="letters"),
        pytest.param(["#n\tQ"], "we are 4711 people", 1 + 0.5 * 2 / 2, id="any number"),
        pytest.param(["late\tO", "=asks\tR"], "late late late ?", 1 + 0.5 * 3 / 3, id="a question mark"),
    ],
)
def test_a_sum_is_that_of_its_features(features: list[str], text: str, weight: float) -> None:
    judged = judge(*features).judge(parts(text))
    assert judged is not None
    assert judged.sums[Head.COMPLAINT] == pytest.approx(weight)


def test_nothing_is_said_where_no_word_is_known() -> None:
    assert judge("late\tS").judge(parts("too early")) is None
    assert judge("late\tS").judge([]) is None


@pytest.mark.parametrize(
    ("subject", "text", "place"),
    [
        ("", "Hello. The parcel is so late, sorry.", "late"),
        ("", "Late.", "Late"),
        ("Late delivery", "Please see below.", "Late"),
    ],
)
def test_the_place_is_that_of_the_word_that_weighed_most(subject: str, text: str, place: str) -> None:
    judged = judge("late\tZ", "so\tQ", "delivery\tP", "is\tP", "sorry\tN", "see\tO").judge(parts(text, subject))
    assert judged is not None
    start, end, part = judged.place(Head.COMPLAINT)
    assert (subject if part is Part.SUBJECT else text)[start:end] == place


def test_neighbours_and_letters_know_the_edges() -> None:
    assert [*pairs_of(["a", "b"])] == ["^ a", "a b", "b $"]
    assert letters_of("ab") == {"*_ab", "*ab_", "*_ab_"}
    assert len(letters_of("x" * 10_000)) < 100


@given(st.text(), st.text())
def test_any_text_is_judged_the_same_twice_and_places_lie_within_it(subject: str, text: str) -> None:
    first, second = SHIPPED.judge(parts(text, subject)), SHIPPED.judge(parts(text, subject))
    assert (first and first.sums) == (second and second.sums)
    if first is not None:
        for head in Head:
            start, end, part = first.place(head)
            assert 0 <= start < end <= len(subject if part is Part.SUBJECT else text)


def test_only_words_of_the_model_are_remembered() -> None:
    asked = judge("late\tS")
    asked.judge(parts("late Quetzalcoatl"))
    assert "quetzalcoatl" not in repr(vars(asked))


def test_the_judge_is_switched_off_by_its_weight(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('language = "scoring"\njudge = 0', encoding="utf-8")
    text = "Nobody answers and I want my money back."
    rules_of = {
        name: [reason.rule for reason in SignalClassifier(load_lexicons(paths)).classify("", text).because]
        for name, paths in (("on", []), ("off", [own]))
    }
    assert "wording.complaint" in rules_of["on"]
    assert not [rule for rule in rules_of["off"] if rule.startswith("wording.")]


def test_the_judge_finds_what_no_rule_says() -> None:
    """Alone it decides by the words that it has learned, and it names itself as the reason."""
    sure = json.dumps({"heads": ["complaint", "question"], "base": [0.0, 0.0], "steps": [1.0, 1.0]})
    classifier = SignalClassifier(judge=load_judge([sure, "xylophone\tYO", "zeppelin\tOY"]))
    complaint, question = (classifier.classify("", text) for text in ("xylophone", "zeppelin"))
    assert (complaint.kind, question.kind) == (Kind.COMPLAINT, Kind.QUESTION)
    assert {"wording.complaint", "wording.question"} <= {reason.rule for reason in question.because}


def test_the_shipped_judge_was_fitted_on_the_seeds_that_stand_here() -> None:
    """After a change of the seeds, ``python -m training.complaints.fit`` writes it anew."""
    found = hashlib.sha256()
    for path in sorted((ROOT / "training" / "complaints" / "messages").glob("*.jsonl")):
        found.update(path.read_bytes())
    with (ROOT / "oneclick_sla_plugin" / "classifiers" / FILE).open(encoding="utf-8") as file:
        assert json.loads(file.readline())["seeds"] == found.hexdigest()


def test_the_shipped_judge_is_small() -> None:
    assert (ROOT / "oneclick_sla_plugin" / "classifiers" / FILE).stat().st_size < 1_000_000
