"""The learned judge: what the words of a message weigh, beside the rules.

A linear model, fitted offline (``training/complaints/``) on messages written for the
purpose. Its features are the words of a message, pairs of neighbours, the groups of three
and four letters that the words are made of, and a few signals of its shape. For each of its
*heads* (a complaint, every other kind, a type, two flags) a feature has one weight, and
a head's answer is a sum of logarithms of odds, on the scale of the rules' weights. Each
is fitted with the sum of the head's rules as a given: the judge says what the rules miss.

``judge.txt`` holds a line of JSON and then one line a feature: its name, a tab, and one
printable character a head. A character's code less that of ``ZERO`` is the weight in
steps of the head. Words are only looked up: nothing of a message is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from math import log1p, sqrt

from oneclick_sla_plugin.domain.message import Part, Sentence

ZERO = ord("O")
STEPS = 45
"""The largest weight in steps, either way."""

LETTERS = (3, 4)
WORD_LENGTH = 30
"""Of a longer word only the beginning is looked at, so that a word costs a bounded amount."""

LEAST_LENGTH = 4
FILE = "judge.txt"


class Head(StrEnum):
    """What the judge has an opinion on; ``RECLAMO`` is a complaint's type, as opposed to a queja."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    INCIDENT = "incident"
    INFO_REQUEST = "info_request"
    FEEDBACK = "feedback"
    PARTNERSHIP = "partnership"
    SPAM_OTHER = "spam_other"
    RECLAMO = "reclamo"
    THREAT = "threat"
    URGENT = "urgent"


Parts = Sequence[tuple[Part, Sentence]]
Weights = tuple[int, ...]
Features = Mapping[str, bytes]


def words_of(sentence: Sentence) -> list[str]:
    """The words of a sentence as features; a number is a number whatever its figures."""
    return ["#n" if token.word[0].isdecimal() else token.word for token in sentence]


def pairs_of(words: Sequence[str]) -> Iterator[str]:
    """Neighbours in a sentence, its beginning and its end among them."""
    before = "^"
    for word in words:
        yield f"{before} {word}"
        before = word
    yield f"{before} $"


def letters_of(word: str) -> set[str]:
    """The groups of letters of a word with its edges."""
    edged = f"_{word[:WORD_LENGTH]}_"
    return {f"*{edged[at : at + size]}" for size in LETTERS for at in range(len(edged) - size + 1)}


def shape_of(parts: Parts, sentences: Sequence[Sequence[str]]) -> dict[str, float]:
    """The signals beside the words, each from 0 to about 1."""
    length = sum(map(len, sentences))
    marks = [sentence.count("?") for sentence in sentences]
    return {
        "=length": log1p(length) / 4,
        "=short": float(length < 6),
        "=sentences": min(len(sentences), 8) / 8,
        "=asks": min(sum(marks), 3) / 3,
        "=asks first": float(bool(marks) and marks[0] > 0),
        "=asks last": float(bool(marks) and marks[-1] > 0),
        "=numbers": min(sum(sentence.count("#n") for sentence in sentences), 4) / 4,
        "=subject": float(any(part is Part.SUBJECT for part, _ in parts)),
    }


def share_of(length: int) -> float:
    """By which the sum over a message of ``length`` words is multiplied: long ones shall not shout."""
    return 1 / sqrt(max(length, LEAST_LENGTH))


class Judge:
    """A fitted model. Threads may share it."""

    def __init__(self, heads: Sequence[Head], base: Sequence[float], steps: Sequence[float], weights: Features) -> None:
        self._heads = tuple(heads)
        self._base = tuple(base)
        self._steps = tuple(steps)
        self._weights = weights
        self._known: dict[str, Weights] = {}

    def judge(self, parts: Parts) -> Judgement | None:
        """What the words of a message say; ``None`` when none of them is known."""
        sentences = [words_of(sentence) for _, sentence in parts]
        words = {word: self._of_word(word) for sentence in sentences for word in sentence}
        if not any(word in self._weights for word in words):
            return None
        pairs = {pair for sentence in sentences for pair in pairs_of(sentence)} & self._weights.keys()
        found = [*words.values(), self._sum([self._weights[pair] for pair in pairs])]
        share = share_of(sum(map(len, sentences)))
        totals = [share * sum(weights) for weights in zip(*found, strict=True)]
        for name, value in shape_of(parts, sentences).items():
            if value and name in self._weights:
                totals = [sum_ + value * (code - ZERO) for sum_, code in zip(totals, self._weights[name], strict=True)]
        sums = {
            head: base + step * total
            for head, base, step, total in zip(self._heads, self._base, self._steps, totals, strict=True)
        }
        return Judgement(sums, self._heads, parts, sentences, words)

    def _of_word(self, word: str) -> Weights:
        """The weights of a word and its letters; kept only for words of the model, never for those of a message."""
        if word in self._known:
            return self._known[word]
        weights = self._sum([codes for name in (word, *letters_of(word)) if (codes := self._weights.get(name))])
        if word in self._weights:
            self._known[word] = weights
        return weights

    def _sum(self, lines: Sequence[bytes]) -> Weights:
        """The weights of several features, head by head."""
        if not lines:
            return (0,) * len(self._heads)
        return tuple(sum(codes) - ZERO * len(lines) for codes in zip(*lines, strict=True))


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judge's sums by head, and what they came from."""

    sums: Mapping[Head, float]
    _heads: Sequence[Head]
    _parts: Parts
    _sentences: Sequence[Sequence[str]] = field(repr=False)
    _words: Mapping[str, Weights] = field(repr=False)

    def place(self, head: Head) -> tuple[int, int, Part]:
        """Where the word first stands that weighed most on the side the sum is on: start, end, part."""
        number = self._heads.index(head)
        choose = max if self.sums[head] >= 0 else min
        chosen = choose(self._words, key=lambda word: self._words[word][number])
        part, token = next(
            (part, sentence[words.index(chosen)])
            for (part, sentence), words in zip(self._parts, self._sentences, strict=True)
            if chosen in words
        )
        return token.start, token.end, part


def load_judge(lines: Iterable[str]) -> Judge:
    """The model in the lines of a file; the shipped one is :func:`shipped_judge`."""
    reader = iter(lines)
    head = json.loads(next(reader))
    weights = {}
    for line in reader:
        name, _, codes = line.rstrip("\n").rpartition("\t")
        weights[name] = codes.encode("ascii")
    return Judge([Head(name) for name in head["heads"]], head["base"], head["steps"], weights)


@cache
def shipped_judge() -> Judge:
    """The model that ships."""
    return load_judge(files(__package__).joinpath(FILE).read_text(encoding="utf-8").splitlines())
