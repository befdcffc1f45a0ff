"""What a pattern matches: the small language in which lexicons are written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from oneclick_sla_plugin.classifiers.patterns import Grammar, GrammarError
from oneclick_sla_plugin.domain.message import sentences


def found(pattern: str, text: str, **classes: str) -> bool:
    grammar = Grammar(classes, {"it": [pattern]})
    return any(grammar.match(sentence) for sentence in sentences(text))


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        pytest.param("refund", "a REFUND please", "refunds", id="a word"),
        pytest.param("refund*", "refunded", "a fund", id="a stem"),
        pytest.param("*aron", "me cobraron", "una ronda", id="an ending"),
        pytest.param("devolución", "la devolucion", "devolver", id="accents do not matter"),
        pytest.param("don't pay", "I dont pay", "I do pay", id="apostrophes do not matter"),
        pytest.param("no answer", "no answer", "no good answer", id="directly after each other"),
        pytest.param("no .. answer", "no really good answer", "no one of you ever gave answer", id="near"),
        pytest.param("no ... answer", "no one of you ever gave an answer", "answer no", id="anywhere later"),
        pytest.param("no ... answer", "no answer", "no. answer", id="in one sentence"),
        pytest.param("great & days", "days of great work", "great work", id="in any order"),
        pytest.param("so? bad", "so bad", "good", id="a part that may be left out, there"),
        pytest.param("so? bad", "bad", "so", id="a part that may be left out, away"),
        pytest.param("(my order|it) arrived", "my order arrived", "my arrived", id="alternatives"),
        pytest.param("((very|so) (bad|sad)|awful) day", "so sad day", "so day", id="nested alternatives"),
        pytest.param("^ refund", "refund me", "the refund", id="at the beginning"),
        pytest.param("thanks $", "ok thanks", "thanks for it", id="at the end"),
        pytest.param("where ... ?", "where is it?", "where it is.", id="in a question"),
        pytest.param("# days", "after 12 days", "after some days", id="a number"),
        pytest.param("#th time", "the 3rd time", "the 3 time", id="an ordinal"),
        pytest.param("error #code", "error CFDI40138", "error 40138", id="a code"),
        pytest.param("#mail", "write to a@x.example", "write to a", id="an address"),
        pytest.param("says #quote", 'it says "no access"', "it says no access", id="something in quotes"),
        pytest.param("atendieron", "me antendieron y atendierron", "atender", id="a doubled letter"),
        pytest.param("servicio", "un serbisio malo", "servir", id="letters that sound alike"),
    ],
)
def test_a_pattern_matches_what_it_says_and_no_more(pattern: str, matching: str, other: str) -> None:
    assert found(pattern, matching)
    assert not found(pattern, other)


def test_a_class_stands_for_its_words_phrases_and_the_classes_before_it() -> None:
    classes = {"unit": "day, days", "time": "# @unit, for ages"}
    for text in ("waited 3 days", "waited for ages"):
        assert found("waited @time", text, **classes)
    assert not found("waited @time", "waited days", **classes)


def test_a_match_names_the_tokens_it_covers_the_nearest_beginning_first() -> None:
    (sentence,) = sentences("no we have no good answer")
    assert Grammar({}, {"it": ["no .. answer"]}).match(sentence) == {"it": [(3, 5)]}


def test_tokens_that_are_passed_over_mean_nothing_but_keep_their_place() -> None:
    (sentence,) = sentences("no good answer")
    grammar = Grammar({}, {"far": ["no .. answer"], "near": ["no answer"]})
    assert grammar.match(sentence, without=frozenset({1})) == {"far": [(0, 2)]}
    assert grammar.match(sentence, without=frozenset({2})) == {}


@pytest.mark.parametrize("pattern", ["", "(a|b", "a)", "@nothing", "a*b", "*", "a | b", "b?", "so? it?", "50%"])
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(GrammarError):
        Grammar({}, {"it": [pattern]})


def test_all_patterns_that_cannot_be_read_are_named_at_once() -> None:
    with pytest.raises(GrammarError) as caught:
        Grammar({"c": "(x"}, {"one": ["(a", "fine"], "two": ["@nothing"]})
    assert [name for name, _ in caught.value.problems] == ["classes.c", "one", "two"]


def lines_run(call: Callable[[], Any]) -> int:
    """How many lines of Python run: the work done, whatever the machine."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("unit", ["a ", "a b ", "b a c ", "a a c. ", "x "])
def test_twice_the_words_cost_twice_the_work(unit: str) -> None:
    grammar = Grammar({"k": "a, b, a b"}, {"it": ["a ... b ... @k ... c", "@k .. @k .. (a|b c)", "a & @k"]})

    def work(count: int) -> int:
        return lines_run(lambda: [grammar.match(one) for one in sentences(unit * count)])

    assert work(2000) <= 2.1 * work(1000)
