"""What words mean beside a value, by classes that hold in all languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from oneclick_sla_plugin.detectors.lexicon import alternation, lexicon

_PARTS = re.compile(r"[-/'.:=_]")
_KEY = 3
"""Letters by which beginnings and ends of words are looked up."""
_NOTHING: frozenset[str] = frozenset()
_ADDRESS = frozenset({"address"})
_EXPIRY = re.compile(r"(?:0?[1-9]|1[0-2])[/\-.](?:20)?[2-4][0-9]\Z")
_EXPIRES = frozenset({"expiry"})


class Vocabulary:
    """The meanings of words: whole, by their beginning (``tecle*``) or by their end (``*code``)."""

    def __init__(self, classes: Mapping[str, Iterable[str]]) -> None:
        self._beginnings: dict[str, list[tuple[str, str]]] = {}
        self._ends: dict[str, list[tuple[str, str]]] = {}
        whole: dict[str, set[str]] = {}
        for meaning, words in classes.items():
            for word in words:
                if word.endswith("*"):
                    self._beginnings.setdefault(word[:_KEY], []).append((word[:-1], meaning))
                elif word.startswith("*"):
                    self._ends.setdefault(word[-_KEY:], []).append((word[1:], meaning))
                else:
                    whole.setdefault(word, set()).add(meaning)
        self._whole = {word: frozenset(meanings.union(self._of(word))) for word, meanings in whole.items()}

    def meanings(self, word: str) -> frozenset[str]:
        """Of a folded word; each part of "sim-karte" or "user/pass" counts. ``address`` for a mail address."""
        if word.isalpha():
            return self._whole.get(word) or self._of(word)
        if "@" in word:
            return _ADDRESS
        if _EXPIRY.match(word):
            return _EXPIRES
        found = set(self._whole.get(word, ()))
        for part in _PARTS.split(word, 4):
            found.update(self._whole.get(part) or self._of(part))
        return frozenset(found)

    def _of(self, word: str) -> frozenset[str]:
        found = []
        if begun := self._beginnings.get(word[:_KEY]):
            found = [meaning for beginning, meaning in begun if word.startswith(beginning)]
        if ended := self._ends.get(word[-_KEY:]):
            found += [meaning for end, meaning in ended if word.endswith(end) and len(word) > len(end)]
        return frozenset(found) if found else _NOTHING


@cache
def vocabulary() -> Vocabulary:
    """The shipped classes of words, read at the first call."""
    return Vocabulary(lexicon().evidence)


def any_word(words: Mapping[str, Iterable[str]], meanings: Iterable[str]) -> str:
    """A pattern for any word of these meanings, with the character before it and the rest of the word."""
    every = [word for meaning in meanings for word in words[meaning]]
    whole = alternation(word for word in every if "*" not in word)
    beginnings = alternation(word[:-1] for word in every if word.endswith("*"))
    ends = alternation(word[1:] for word in every if word.startswith("*"))
    begun = rf"|(?:{beginnings})[a-z]*" if beginnings else ""
    ended = rf"|[a-z]+(?:{ends})" if ends else ""
    return rf"(?:^|[^a-z])(?:{whole}{begun}{ended})(?:[^a-z]|$)"
