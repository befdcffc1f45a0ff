"""A judge who learned from marked messages what is a password, a PIN or a verification code.

Logistic regression over the signs of :mod:`~oneclick_sla_plugin.detectors.evidence`: each
sign has a weight for each type, their sum is the judgement. The weights are data
(``judge.json``), fitted offline by ``training/sensitive/fit.py``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from oneclick_sla_plugin.detectors.evidence import DEEDS, TOPICS, Passage
from oneclick_sla_plugin.detectors.lexicon import alternation, lexicon
from oneclick_sla_plugin.detectors.vocabulary import any_word, vocabulary
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import CVV, PASSWORD, PIN, POSSIBLE_FROM, WARN_FROM, Candidate

TYPES = (PASSWORD, PIN, CVV)
_SUREST = 0.97


@dataclass(frozen=True)
class Weights:
    """What was learned: by family of spots, the weights of each sign for each of :data:`TYPES`.

    ``possible`` and ``warn`` are the probabilities from which a value has these levels.
    """

    possible: float
    warn: float
    weights: Mapping[str, Mapping[str, tuple[float, ...]]]

    def probabilities(self, family: str, signs: Iterable[str]) -> tuple[float, ...]:
        """Of each of :data:`TYPES`; the rest to 1 is that the spot is no value."""
        known = self.weights[family]
        password, pin, cvv = known[""]
        for sign in signs:
            weight = known.get(sign)
            if weight:
                password += weight[0]
                pin += weight[1]
                cvv += weight[2]
        raised = [math.exp(min(30.0, total)) for total in (password, pin, cvv)]
        whole = 1.0 + sum(raised)
        return tuple(each / whole for each in raised)

    def confidence(self, probability: float) -> float:
        """On the scale of findings; 0 below ``possible``."""
        if probability < self.possible:
            return 0.0
        if probability < self.warn:
            share = (probability - self.possible) / (self.warn - self.possible)
            return min(POSSIBLE_FROM + share * (WARN_FROM - POSSIBLE_FROM), WARN_FROM - 0.01)
        return WARN_FROM + (probability - self.warn) / (1 - self.warn) * (_SUREST - WARN_FROM)


@cache
def shipped_weights() -> Weights:
    """The shipped weights, read at the first call."""
    data = json.loads(files(__package__).joinpath("judge.json").read_text(encoding="utf-8"))
    weights = {
        family: {sign: tuple(weight / 100 for weight in of_types) for sign, of_types in signs.items()}
        for family, signs in data["weights"].items()
    }
    return Weights(data["possible"], data["warn"], weights)


_DIGITS = r"(?:^|[^0-9\s]\s|[^0-9a-z\s.,/+#\-])[0-9]{3}"
"""With no more digits before them, as telephone numbers have."""
_MIXTURE = r"[a-z][^\s@]*[0-9]|[0-9][^\s@]*[a-z]|[a-z0-9][!#$%&*+?_<][a-z0-9]"
_MARKED = r"[a-z][.\-][a-z]|\"[a-z]|[\s(]'[a-z]|[:=>|]\s{0,3}[a-z]"
_WHOLE_MIXTURE = r"(?:^|[\s\"'(:=])(?:[a-z]+[0-9]|[a-z]+[!#$%&*+?_][a-z0-9]|[0-9]+[a-z]{3})"


class JudgeDetector:
    """Finds what reads like a password, a PIN or a verification code, however the sentence is made."""

    name = "judge"
    types = frozenset(TYPES)

    def __init__(self) -> None:
        words = lexicon().evidence
        topics, deeds = (any_word(words, meanings) for meanings in (TOPICS, DEEDS))
        said = alternation(word for word in words["say"] if "*" not in word)
        deeds = f"{deeds}|@[a-z0-9]"
        line, alone = r"[^\n]*", r"[ \t]*[^\s]+[ \t]*"
        hint = f"{_DIGITS}|{_MIXTURE}|{_MARKED}"
        next_to = (
            r"\s{0,3}[\"'(]?(?:[0-9]{3}|[a-z]+[0-9])"  # the topic took the blank or the colon that a hint begins with
        )
        self.trigger = "|".join(
            (
                rf"(?:{topics})(?:{line}(?:{hint})|{next_to})|(?:{hint}){line}(?:{topics})",
                rf"(?:{topics}){line}\n\n?{alone}(?:\n|$)|(?:^|\n){alone}\n{line}(?:{topics})",
                rf"(?:{deeds}){line}(?:{_WHOLE_MIXTURE})|(?:{_WHOLE_MIXTURE}){line}(?:{deeds})",
                rf"{any_word(words, ('password', 'word'))}{line}[^a-z](?:{said})[^a-z]",
            )
        )

    def find(self, text: PlainText) -> Iterator[Candidate]:
        weights, passage = shipped_weights(), Passage(text, vocabulary())
        for position, spot in enumerate(passage.spots):
            chances = weights.probabilities(spot.family, passage.signs(position))
            chance = max(chances)
            confidence = weights.confidence(chance)
            if confidence:
                yield Candidate(TYPES[chances.index(chance)], spot.start, spot.end, confidence)
