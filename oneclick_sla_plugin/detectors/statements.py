"""Values that a sentence names: "my password for the portal is …", "PIN: …", "… is the code on the back".

The grammar is the same in all four languages. A word for a credential is followed by
its qualifiers, by a link (a colon, a copula, "to" after a verb of change, or nothing)
and by a value; or the value comes first. How much a value must look like one depends
on how strong the link is: after a colon digits suffice, further away only a string
that is nothing else. Denials, questions, other subjects and placeholders end the
reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from oneclick_sla_plugin.detectors.lexicon import Speech
from oneclick_sla_plugin.detectors.values import Look, Value, look_of, read_value
from oneclick_sla_plugin.domain.plain_text import PlainText


class Link(IntEnum):
    """What stands between a credential's word and a value."""

    LOOSE = 0
    """Other words of the same sentence."""
    DIRECT = 1
    """Nothing, or words that only qualify."""
    BECOMES = 2
    """To, into, with: the password was changed to it."""
    COPULA = 3
    SEPARATOR = 4
    """A colon, an equals sign, an arrow."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word for a credential at ``[start, end)``."""

    start: int
    end: int
    word: str


class Reading(NamedTuple):
    """A word that may be the value, and how it is linked to the keyword.

    ``words``: how many stand between. ``before``: the folded word just before it.
    ``ends_clause``: after it a clause ends. ``counted``: a unit follows ("8 characters").
    ``denied``: a negation stands between. ``paired``: a stroke follows, as after a user's name.
    ``since``: words since the link that say something. ``set_off``: between commas, as an apposition is.
    """

    value: Value
    word: str
    link: Link
    words: int
    before: str
    ends_clause: bool
    counted: bool
    denied: bool
    paired: bool
    since: int
    set_off: bool


FARTHEST = 160
"""Characters after a credential's word within which its value is looked for."""
_NOT_PLAIN = re.compile(r"[^a-z\s.,;?)]")
_MOST_WORDS = 12
_SEPARATOR = re.compile(
    r"[\"')\]*_]{0,3}\s{0,3}(?:\([^()\n]{0,40}\)\s{0,3})?[*_]{0,2}(?::=|=>|->|-->|[:=>|]|-(?=\s))[*_]{0,2}\s{0,6}"
)
_PLAIN_WORD = re.compile(r"[a-z]{1,20}(?=\s|\Z)")
_SHORTEST_CASED = 8
"""Letters from which on capitals inside of a word are a sign of a password."""
_SENTENCE_END = re.compile(r"[?.!;]")
_GAP = re.compile(r"\s{0,12}")
_NEXT_WORD = re.compile(r"[\s\-]{0,3}([a-z]{1,20})")
_CLAUSE_END = re.compile(r"[\"')\]!]{0,2}(?:[ \t]{0,3}(?:$|[\n.,;!?)/|<]))")
_PAIRED = re.compile(r"\s{0,3}[/|]\s{0,3}\S")
_WORDS_BEFORE = re.compile(r"\S+")
_JOINTS = frozenset("-/|>,")
_RELATIVE = frozenset({"que", "which"})
_AND = frozenset({"and", "y", "und", "e"})


def readings(text: PlainText, keyword: Keyword, stop: int, speech: Speech) -> Iterator[Reading]:
    """The words after ``keyword`` that could be its value, nearest first, within its sentence."""
    folded = text.folded
    position = keyword.end
    stop = min(stop, keyword.end + FARTHEST)
    link = Link.DIRECT
    words = 0
    since = 0
    before = last = tail = ""
    clause = denied = blocked = False
    if separator := _SEPARATOR.match(folded, position, stop):
        position = separator.end()
        link = Link.SEPARATOR
        if "\n" in separator[0].rstrip(" ") and "\n\n" in separator[0]:
            return
    elif folded.startswith("'s ", position):
        position += 2
        link = Link.COPULA
    for _ in range(_MOST_WORDS):
        gap = _GAP.match(folded, position, stop)
        if gap is None or gap.end() >= stop:
            return
        position = gap.end()
        if "\n" in gap[0]:
            following = _NEXT_WORD.match(folded, position)
            goes_on = following is not None and following[1] in speech.copulas
            if gap[0].count("\n") > 1 or not (goes_on or link >= Link.COPULA or words == 0):
                return
        line_end = folded.find("\n", position, stop)
        plain = _PLAIN_WORD.match(folded, position, stop)
        if plain and (text.text[position : plain.end()].islower() or plain.end() - position < _SHORTEST_CASED):
            value: Value | None = Value(position, plain.end(), plain.end(), look_of(plain[0]))
        else:
            value = read_value(text.text, position, stop if line_end < 0 else line_end)
        if value is None:
            return
        word = folded[value.start : value.end]
        set_off = "," in tail
        tail = folded[value.end : value.next]
        position = value.next
        if (
            not value.quoted
            and plain is None
            and not any(map(str.isalnum, word))
            and value.look is not Look.PLACEHOLDER
        ):
            if ":" in tail or "=" in tail or ":" in word or "=" in word:
                link, since = Link.SEPARATOR, 0
            elif "?" in tail or "?" in word:
                return
            elif "," in word + tail or not _JOINTS.issuperset(word + tail):
                clause = True
                tail += word
            continue
        if not value.quoted and _is_copula(word, text.text[value.start : value.end], speech):
            if blocked:
                return
            link = Link.SEPARATOR if tail[:1] in (":", "=") and tail else Link.COPULA
            denied = False
            since = 0
            before, last = word, before
            continue
        if tail[:1] == ":" and not value.quoted and value.look <= Look.PHRASE:
            if word in speech.subjects or word in speech.holders:
                return
            link, since = Link.SEPARATOR, 0
            words += 1
            before, last = word, before
            continue
        if value.look is not Look.WORD or value.quoted or link >= Link.COPULA:
            following = _NEXT_WORD.match(folded, value.next)
            after = following[1] if following else ""
            yield Reading(
                value,
                word,
                link,
                words,
                before if last not in speech.endings else last,
                after in speech.conjunctions or bool(_CLAUSE_END.match(folded, value.end)),
                after in speech.measures,
                denied,
                bool(_PAIRED.match(folded, value.next)),
                since,
                set_off and ("," in tail or folded.startswith((",", " -"), value.next)),
            )
        if tail and _SENTENCE_END.search(tail):
            return
        if not value.quoted:
            attached = link is Link.DIRECT and not clause and before in speech.prepositions
            if attached and word in speech.subjects and keyword.word in speech.weak:
                return  # "la clave de la reserva": no credential
            if (word in speech.subjects and not attached) or (clause and word in speech.holders):
                if link >= Link.COPULA or clause:
                    return
                blocked = True
            if word in speech.denials:
                denied = True
                link = Link.LOOSE
            elif word in speech.becomes and link is Link.DIRECT:
                link = Link.BECOMES
            elif value.look is Look.HARMLESS and "@" in word:
                link = Link.DIRECT
            elif link is Link.COPULA and since == 0 and not speech.is_predicate(word):
                pass  # "was until now …"
            elif word not in speech.fillers and not attached:
                link = Link.LOOSE
            relative = word in _RELATIVE and words == 0  # "the password that my mail shows is …"
            clause = clause or "," in tail or (word in speech.conjunctions and not relative)
        words += 1
        since += word not in speech.fillers
        before, last = word, before


def reading_before(text: PlainText, keyword: Keyword, start: int, speech: Speech) -> tuple[Value, bool] | None:
    """The value that stands before its word ("… is my password", "… as the PIN"), and whether a copula joins them."""
    begin = max(start, keyword.start - 90)
    line = text.folded.rfind("\n", begin, keyword.start)
    begin = max(begin, line + 1)
    if not _NOT_PLAIN.search(text.folded, begin, keyword.start):
        return None
    words = list(_WORDS_BEFORE.finditer(text.folded, begin, keyword.start))[-7:]
    linked = copula = False
    for found in reversed(words):
        if found.start() == begin and begin > 0 and not text.folded[begin - 1].isspace():
            return None  # the beginning of the word was cut off
        word = found[0].strip("\"'(),")
        if linked and not copula and word in _AND:
            return None  # "my user is … and as password …": the value stands behind
        if _is_copula(word, text.text[found.start() : found.end()].strip("\"'(),"), speech):
            if linked and copula:
                return None
            linked = copula = True
        elif word in speech.roles or (word in ("", "-", "=", ":") and found[0][:1] in "(-"):
            linked = True
        elif word in speech.possessives or word in speech.fillers:
            continue
        else:
            if not linked and text.folded[found.end() : found.end() + 2] != " (":
                return None
            value = read_value(text.text, found.start(), found.end())
            return (value, copula) if value is not None else None
    return None


def _is_copula(word: str, written: str, speech: Speech) -> bool:
    # Folded, the Portuguese "é" is the conjunction "e" as well.
    return word in speech.copulas and (word != "e" or written in ("é", "É"))
