"""The words of four languages by which sensitive values are recognised.

They are data (``lexicons/<language>.toml``), read once when a scanner is built, not
at import. The languages are one lexicon: people mix them, and to guess a message's
language first would only add a way to be wrong.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from oneclick_sla_plugin.domain.plain_text import PlainText

LANGUAGES = ("en", "es", "de", "pt")


@dataclass(frozen=True)
class Speech:
    """Words around a value, folded. What each set means is said beside it in the English file."""

    weak: frozenset[str]
    copulas: frozenset[str]
    becomes: frozenset[str]
    roles: frozenset[str]
    prepositions: frozenset[str]
    owners: frozenset[str]
    possessives: frozenset[str]
    fillers: frozenset[str]
    conjunctions: frozenset[str]
    denials: frozenset[str]
    losses: frozenset[str]
    subjects: frozenset[str]
    holders: frozenset[str]
    measures: frozenset[str]
    endings: frozenset[str]
    predicates: frozenset[str]
    predicate_suffixes: tuple[str, ...]

    def is_predicate(self, word: str) -> bool:
        """Whether the folded word says something about a password rather than being one."""
        if word in self.predicates or (word.endswith("s") and word[:-1] in self.predicates):
            return True
        return len(word) > 4 and word.endswith(self.predicate_suffixes)


@dataclass(frozen=True)
class Lexicon:
    """All languages in one; every word folded, phrases by their use."""

    credentials: Mapping[str, tuple[str, ...]]
    speech: Speech
    numbers: Mapping[str, tuple[str, ...]]
    identity: Mapping[str, tuple[str, ...]]
    evidence: Mapping[str, tuple[str, ...]]


@cache
def lexicon() -> Lexicon:
    """The shipped lexicon, read at the first call."""
    merged: dict[str, dict[str, dict[str, None]]] = {}
    folder = files(__package__).joinpath("lexicons")
    for language in LANGUAGES:
        table = tomllib.loads(folder.joinpath(f"{language}.toml").read_text(encoding="utf-8"))
        for section, lists in table.items():
            for name, words in lists.items():
                known = merged.setdefault(section, {}).setdefault(name, {})
                known.update((PlainText(word).folded, None) for word in words)
    speech = merged["speech"]
    return Lexicon(
        _tuples(merged["credentials"]),
        Speech(
            predicate_suffixes=tuple(speech.pop("predicate_suffixes")),
            **{name: frozenset(words) for name, words in speech.items()},
        ),
        _tuples(merged["numbers"]),
        _tuples(merged["identity"]),
        _tuples(merged["evidence"]),
    )


def alternation(words: Iterable[str]) -> str:
    """A pattern (RE2 or ``re``) for any of the phrases; how their words are joined does not matter."""
    longest_first = sorted(set(words), key=lambda word: (-len(word), word))
    return "|".join(_JOINT.sub(lambda joint: _JOINTS[joint[0]], re.escape(word)) for word in longest_first)


def phrase_key(word: str) -> str:
    """The same for all ways in which a phrase of :func:`alternation` may be joined."""
    return _BLANKS.sub("", word)


_JOINT = re.compile(r"\\[ \-]")
_JOINTS = {r"\ ": r"[\s_\-]{1,3}", r"\-": r"[\s_\-]{0,2}"}
_BLANKS = re.compile(r"[\s_\-]+")


def _tuples(lists: Mapping[str, Mapping[str, None]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in lists.items()}
