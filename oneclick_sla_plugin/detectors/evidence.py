"""Signs for and against a word being a password, a PIN or a verification code.

No rule here says what a value is. A word that could be one by its shape (:class:`Spot`)
gets a list of signs: how it is made, how it is set off, and which meanings the words
beside it have, near or far, before or behind, in its sentence or beside it. Meanings
are classes of words in four languages (``[evidence]`` of the lexicons), so that what is
learned of "I type" holds for "tecleo" too. What the signs weigh is learned:
:mod:`~oneclick_sla_plugin.detectors.judge`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import NamedTuple

from oneclick_sla_plugin.detectors.automaton import LinearPattern, linear_pattern
from oneclick_sla_plugin.detectors.lexicon import lexicon
from oneclick_sla_plugin.detectors.values import (
    Look,
    is_licence_like,
    is_order_like,
    look_of,
    looks_like_key,
    read_value,
)
from oneclick_sla_plugin.detectors.vocabulary import Vocabulary, any_word
from oneclick_sla_plugin.domain.plain_text import SUBSTITUTE, PlainText

NUMBER, WORD, MIXTURE = "number", "word", "mixture"
FAMILIES = (NUMBER, WORD, MIXTURE)
"""Kinds of spots; the same sign weighs differently beside each."""

TOPICS = (
    "password",
    "key",
    "word",
    "code",
    "pin",
    "verification",
    "back",
    "sign_in",
    "type",
    "set",
    "open",
    "entrance",
    "network",
)
"""Meanings of which one must be near before a message is looked at word by word."""
DEEDS = ("change", "give", "user", "old", "new", "service", "fail")
"""Beside these only a mixture of letters and digits or signs is looked at."""
_NOUNS = frozenset(
    (
        *("password", "key", "word", "code", "pin", "verification", "card", "expiry", "user", "entrance", "network"),
        *("reference", "version", "place", "telephone", "money", "unit", "date"),
    )
)
"""What a value can be the value of; the nearest of them has the best claim."""
_TOPIC_BEFORE, _TOPIC_BEHIND = 150, 110

_FAMILY = {Look.NUMBER: NUMBER, Look.WORD: WORD}
_TOKEN = re.compile(r"\S+")
_MARKS = " .,;:!?\"'()[]{}<>*_\x1a-=|/"
_JOINT = re.compile(r"[=:/>]")
_LONGEST = 40
_LONGEST_TOKEN = 200
_LONGEST_PAIR = 60
_SHORTEST = 3
_LONGEST_NUMBER = 12
_MOST_SPOTS = 1_000
"""In one message; what comes after is left to the rules."""
_LINE = 120
_BEFORE, _BEHIND = 12, 10
"""Words on either side that may be signs."""
_NEARNESS = ("", "1", "2", "3", "3", "5", "5", "5", "5", "9", "9", "9", "9")
_PAIR = 24
"""Characters between two spots that go together."""
_NAMING_REACH = 6
_NAMING_REACH_CHARACTERS = 60
_LINKING = frozenset({"say", "type", "set", "change", "with", "password", "key", "word"})
"""Meanings of the word just before a plain word that may be a value."""
_WORD = re.compile(r"(?<![^\s\"'(,:=>])[a-z]+(?![^\s.,;:!?\"')])")
_BLANK = re.compile(r"\s")
_SENTENCE_END = re.compile(r"[.?!;](?:\s|$)")
_SET_OFF = re.compile(r"[:=>|\-\n\"'(,]")
_HINT = r"(?:^|\s)(?:[^\s0-9@]*[0-9][^\s]*|[^\s@]*[a-z][!#$%&*+?_.\-:=/>][a-z][^\s]*|[\"'(\[*_][a-z][^\s]*|[^\s@]*[a-z][!#$%&*+_][^\s]*)"
"""Tokens that are no plain words."""
_SYMBOLS = (
    ("symbol", frozenset("!#$%&*+?^~@<")),
    ("underscore", frozenset("_")),
    ("hyphen", frozenset("-")),
    ("point", frozenset(".")),
    ("stroke", frozenset("/")),
    ("apostrophe", frozenset("'")),
    ("colon", frozenset(":=,;")),
)
_KEYED = re.compile(r"\*?([0-9]{3,8})[#*]")
"""Digits as they are typed on a keypad."""
_ASSIGNS = re.compile(r"[A-Za-z][A-Za-z_.\-]+[=:](?=\S)")
"""The token gives a value to a name: the value is looked at by itself."""
_CLITIC = re.compile(r"-(?:me|te|se|lhes?|[lnm][ao]s?|nos|vos)!?\Z")
"""A verb with its pronouns, as Portuguese joins them."""
_TEMPLATES = ("{{", "${", "<%", "%{")
_GOES_ON = re.compile(r" [0-9]{2}")
_BEGINS_BEFORE = re.compile(r"(?:[0-9]|[*x#.]{3}) \Z")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}\Z")
_PRODUCT = re.compile(r"[A-Z][a-z]+[0-9]{1,2}\Z")
_UPPER = re.compile(r"[A-Z0-9]+(?:[-/][A-Z0-9]+)*\Z")
_KINDS = bytes(
    ord("9" if chr(code).isdigit() else "#" if not chr(code).isalpha() else "A" if chr(code).isupper() else "a")
    for code in range(256)
)
_REPEATED = re.compile(r"(.)\1+")
_RISING, _FALLING = "01234567890", "9876543210"


class _Patterns(NamedTuple):
    hint: LinearPattern
    topic: LinearPattern
    naming: LinearPattern


@cache
def _patterns() -> _Patterns:
    words = lexicon().evidence
    return _Patterns(
        linear_pattern(_HINT),
        linear_pattern(f"{any_word(words, (*TOPICS, *DEEDS))}|@[a-z0-9]"),
        linear_pattern(any_word(words, ("password", "key", "word", "network"))),
    )


class Token(NamedTuple):
    """A run of characters between blanks, and its word without the marks around it, folded."""

    start: int
    end: int
    word: str
    sentence: int
    begins_line: bool


class Spot(NamedTuple):
    """A possible value at ``[start, end)``; ``quoted``: something marks it off."""

    start: int
    end: int
    look: Look
    quoted: bool

    @property
    def family(self) -> str:
        return _FAMILY.get(self.look, MIXTURE)


class Passage:
    """A message in which spots are found and their signs read."""

    def __init__(self, text: PlainText, words: Vocabulary) -> None:
        self._text = text
        self._words = words
        self._meanings: dict[int, frozenset[str]] = {}
        self.spots = self._found()
        """What could be a value by its shape, in the order of the text."""
        self._tokens = _tokens(text.folded) if self.spots else []
        self._starts = [token.start for token in self._tokens]

    def signs(self, position: int) -> list[str]:
        """The signs of ``spots[position]``."""
        spot = self.spots[position]
        first = bisect_right(self._starts, spot.start) - 1
        last = bisect_right(self._starts, spot.end - 1) - 1
        signs = _made(self._text.text[spot.start : spot.end], spot)
        if self._words.meanings(self._text.folded[spot.start : spot.end]):
            signs.append("known")
        signs += self._setting(spot, first, last)
        signs += self._beside(first, last)
        signs += self._pairs(position)
        return signs

    def _found(self) -> list[Spot]:
        folded = self._text.folded
        topics = [topic.span()[0] for topic in _patterns().topic.finditer(self._text.ascii)]
        if not topics:
            return []
        found: list[Spot] = []
        skip_to = 0
        for hint in _patterns().hint.finditer(self._text.ascii):
            start, end = hint.span()
            while start < end and folded[start].isspace():
                start += 1
            nearest = bisect_left(topics, start - _TOPIC_BEFORE)
            if start < skip_to or nearest == len(topics) or topics[nearest] > end + _TOPIC_BEHIND:
                continue
            blank = _BLANK.search(folded, end, start + _LONGEST_TOKEN)
            token_end = blank.start() if blank else min(len(folded), start + _LONGEST_TOKEN)
            found += self._at(start, token_end)
            skip_to = max(token_end, found[-1].end if found else 0)
            if len(found) >= _MOST_SPOTS:
                break
        for named in _patterns().naming.finditer(self._text.ascii):
            found += self._plain_words(named.span()[1])
            if len(found) >= 2 * _MOST_SPOTS:
                break
        return _apart(found)

    def _at(self, start: int, end: int) -> Iterator[Spot]:
        """Spots in the token at ``[start, end)``, or in the quotation that it opens."""
        written = self._text.text
        if written[max(0, start - 3) : start].rstrip().endswith(_TEMPLATES):
            return
        line_end = written.find("\n", start, start + _LINE)
        value = read_value(written, start, min(len(written), start + _LINE) if line_end < 0 else line_end)
        if value is None:
            return
        if value.look is Look.HARMLESS and (keyed := _KEYED.match(written, value.start, end)):
            yield Spot(*keyed.span(1), Look.NUMBER, value.quoted)
        elif (
            self._possible(value.start, value.end, value.look)
            and (value.quoted or value.look is not Look.WORD)
            and not _ASSIGNS.match(written, value.start, value.end)
        ):
            yield Spot(value.start, value.end, value.look, value.quoted)
        if value.look is Look.PLACEHOLDER or value.next > end or end - start > _LONGEST_PAIR:
            return
        if written.find("://", start, end) >= 0:
            return  # what may stand in an address is not for a judge of prose
        for joint in _JOINT.finditer(written, max(start, value.start), end - 1):
            if joint[0] == "/" and written[joint.start() - 1].isdigit():
                continue  # a date, a fraction, a numbered law
            value = read_value(written, joint.end(), end)
            named = value is not None and (value.look is not Look.WORD or joint[0] != "/")
            if value and named and self._possible(value.start, value.end, value.look):
                yield Spot(value.start, value.end, value.look, True)

    def _plain_words(self, position: int) -> Iterator[Spot]:
        """Plain words close behind a word that names values, where something sets them off."""
        folded = self._text.folded
        before = ""
        for word in islice(_WORD.finditer(folded, position, position + _NAMING_REACH_CHARACTERS), _NAMING_REACH):
            start, end = word.span()
            gap = folded[max(position, start - 3) : start]
            if _SENTENCE_END.search(gap):
                return
            if _SET_OFF.search(gap) or not _LINKING.isdisjoint(self._words.meanings(before)):
                meanings = self._words.meanings(word[0])
                if not meanings and end - start >= _SHORTEST and look_of(self._text.text[start:end]) is Look.WORD:
                    yield Spot(start, end, Look.WORD, False)
            before = word[0]

    def _possible(self, start: int, end: int, look: Look) -> bool:
        if look is Look.NUMBER:
            return _SHORTEST <= end - start <= _LONGEST_NUMBER and not self._among_digits(start, end)
        if look is Look.PHRASE and _CLITIC.search(self._text.folded, start, end):
            return False
        return look >= Look.WORD and _SHORTEST <= end - start <= _LONGEST

    def _among_digits(self, start: int, end: int) -> bool:
        """Whether more digits are beside a blank, as in a telephone number, or the ones before are masked."""
        folded = self._text.folded
        return bool(_GOES_ON.match(folded, end) or _BEGINS_BEFORE.search(folded, max(0, start - 4), start))

    def _meaning(self, index: int) -> frozenset[str]:
        known = self._meanings.get(index)
        if known is None:
            known = self._meanings[index] = self._words.meanings(self._tokens[index].word)
        return known

    def _pairs(self, position: int) -> Iterator[str]:
        """Whether another spot of this kind is close, as a name is to its password or the old to the new."""
        spot = self.spots[position]
        number = spot.look is Look.NUMBER
        for other, name in ((position - 1, "pair before"), (position + 1, "pair behind")):
            if not 0 <= other < len(self.spots) or (self.spots[other].look is Look.NUMBER) != number:
                continue
            if max(spot.start - self.spots[other].end, self.spots[other].start - spot.end) <= _PAIR:
                yield name

    def _setting(self, spot: Spot, first: int, last: int) -> list[str]:
        """The characters and line breaks around."""
        folded = self._text.folded
        signs = ["quoted"] if spot.quoted else []
        gap = folded[max(0, spot.start - 3) : spot.start]
        before = gap.rstrip(" \"'(")[-1:]
        if not before:
            signs.append("before nothing")
        elif not before.isalnum():
            signs.append("before line" if "\n" in gap else f"before {before}")
        if gap[-1:] in tuple("\"'(*["):
            signs.append(f"opens {gap[-1]}")
        elif gap[-1:] in tuple("#-/+.$@&"):
            signs.append(f"touches {gap[-1]}")
        behind = folded[spot.end : spot.end + 2]
        mark = behind[1:] if behind[:1] in tuple("\"')*") and behind else behind[:1]
        signs.append(
            f"behind {'letter' if mark.isalnum() else mark if mark.strip() else 'blank' if mark else 'nothing'}"
        )
        if behind[:1] in tuple("-/%@"):
            signs.append(f"goes on {behind[0]}")
        if folded[spot.end : spot.end + 2].strip() == SUBSTITUTE:
            signs.append("symbol behind")  # a currency's, mostly
        if self._tokens[first].begins_line:
            signs.append("begins line")
        if last + 1 == len(self._tokens) or self._tokens[last + 1].begins_line:
            signs.append("ends line")
        return signs

    def _beside(self, first: int, last: int) -> list[str]:
        """The nearest word of each meaning, on either side; apart from those in other sentences."""
        signs: list[str] = []
        sentence = self._tokens[first].sentence
        sides = (
            (range(first - 1, max(-1, first - 1 - _BEFORE), -1), "-", "<"),
            (range(last + 1, min(len(self._tokens), last + 1 + _BEHIND)), "+", ">"),
        )
        for indices, here, beyond in sides:
            near: set[str] = set()
            far: set[str] = set()
            for distance, index in enumerate(indices, 1):
                meanings = self._meaning(index)
                if not meanings:
                    continue
                if self._tokens[index].sentence == sentence:
                    if near.isdisjoint(_NOUNS):
                        signs += [f"nearest {here} {meaning}" for meaning in meanings & _NOUNS]
                    signs += [f"{here}{_NEARNESS[distance]} {meaning}" for meaning in meanings - near]
                    near |= meanings
                else:
                    signs += [f"{beyond} {meaning}" for meaning in meanings - far]
                    far |= meanings
        return signs


def _tokens(folded: str) -> list[Token]:
    tokens: list[Token] = []
    sentence = 0
    last_end = 0
    for found in _TOKEN.finditer(folded):
        start, end = found.span()
        begins_line = last_end > 0 and folded.find("\n", last_end, start) >= 0
        sentence += begins_line
        word = found[0].strip(_MARKS) if end - start <= _LONGEST_TOKEN else ""
        tokens.append(Token(start, end, word, sentence, begins_line))
        if found[0][-1] in ".?!;" and (len(word) > 2 or found[0][-1] in "?!"):
            sentence += 1
        last_end = end
    return tokens


def _apart(spots: list[Spot]) -> list[Spot]:
    """In the order of the text, each place once."""
    return sorted({spot[:2]: spot for spot in reversed(spots)}.values())


def _made(written: str, spot: Spot) -> list[str]:
    """How a value is made."""
    length = spot.end - spot.start
    if spot.look is Look.NUMBER:
        signs = [f"digits {min(length, 9)}"]
        if length == 4 and _YEAR.match(written):
            signs.append("year")
        if written[0] == "0":
            signs.append("zero first")
        if len(set(written)) <= 2:
            signs.append("repeated")
        if length >= 4 and (written in _RISING or written in _FALLING):
            signs.append("run")
        return signs
    kinds = written.encode("latin-1").translate(_KINDS).decode("ascii")
    shape = _REPEATED.sub(r"\1", kinds)
    digits = kinds.count("9")
    signs = [
        f"look {spot.look.name.lower()}",
        f"shape {shape[:7]}",
        f"pieces {min(len(shape), 7)}",
        f"length {_length(length)}",
        f"digits {min(digits, 4)}",
    ]
    if "#" in kinds:
        signs += [f"has {name}" for name, marks in _SYMBOLS if not marks.isdisjoint(written)]
    if looks_like_key(written):
        signs.append("key-like")
    if is_licence_like(written):
        signs.append("licence-like")
    if is_order_like(written):
        signs.append("order-like")
    if _PRODUCT.match(written):
        signs.append("product-like")
    if _UPPER.match(written):
        signs.append("upper")
    if _YEAR.search(written):
        signs.append("year last")
    if digits and written[-1].isdigit():
        signs.append("digit last")
    if " " in written:
        signs.append(f"blanks {min(written.count(' '), 4)}")
    if written[0].isupper() and written[1:].islower():
        signs.append("title")
    return signs


def _length(length: int) -> str:
    return (
        str(length)
        if length <= 4
        else "5-6"
        if length <= 6
        else "7-9"
        if length <= 9
        else "10-14"
        if length <= 14
        else "15+"
    )
