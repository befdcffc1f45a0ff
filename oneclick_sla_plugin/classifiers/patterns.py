"""A small language for patterns over words, and its matcher.

One pattern is one line of words::

    word            this word; case and accents make no difference
    stem*           any word that begins so
    *ending         any word that ends so
    (a|b c|@name)   one of several words, phrases or classes
    @name           a class: a named list of the same
    part?           may be left out
    a .. b          up to three words between
    a ... b         any number of words between, within the sentence
    a & b           both in one sentence, in any order
    ^ $ ?           the sentence's beginning, its end, a question mark
    #  #th  #code   a number, an ordinal in figures (3rd), letters mixed with figures
    #mail #url #quote   an address, a link, something between double quotes

A :class:`Grammar` is compiled once. Matching looks every word up (words in one
dictionary, stems in another), then builds larger matches from smaller ones; a
pattern is only tried when all its parts occur in the sentence. Nothing goes back
over the text, so the cost grows with the number of words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from oneclick_sla_plugin.domain.message import Sentence, Token, fold

NEAR = 3
ANYWHERE = 10_000
FUZZY_LENGTH = 6
"""Words shorter than this are compared to the letter."""

Span = tuple[int, int]
"""First and last token of a match, both included."""

_PIECES = re.compile(r"\s*(\.\.\.|\.\.|[()|&]|\?(?=[\s)|]|$)|@\w+|[^\s()|?]+)")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|a|o|ra|da|er|ro|do|ta|to|te)")
_CODE = re.compile(r"(?=\D*\d)(?=[\d_]*[^\W\d_])\w{4,}")
_SPECIAL = frozenset({"^", "$", "?", "#", "#th", "#code", "#mail", "#url", "#quote"})
_FUZZY = str.maketrans({"v": "b", "z": "s", "c": "s", "y": "i", "j": "g", "q": "k", "h": None, "w": "u"})
_DOUBLED = re.compile(r"(.)\1+")


class PatternError(ValueError):
    """A pattern cannot be read; the message says why and quotes it."""


class GrammarError(ValueError):
    """Patterns that cannot be read: ``problems`` are (name of the class or rule, what is wrong)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{name}: {message}" for name, message in problems))


@dataclass(frozen=True, slots=True)
class _Step:
    symbol: int
    gap: int


@dataclass(frozen=True, slots=True)
class _Production:
    target: int
    steps: tuple[_Step, ...]
    needs: frozenset[int]
    level: int


class Grammar:
    """Compiled classes and named patterns of one language.

    ``classes`` are named lists of entries separated by commas, each may use those
    before it. ``patterns`` map a name to its patterns. Raises :class:`GrammarError` with
    everything that cannot be read.
    """

    def __init__(self, classes: Mapping[str, str], patterns: Mapping[str, Iterable[str]]) -> None:
        self._levels: list[int] = []
        self._words: defaultdict[str, list[int]] = defaultdict(list)
        self._stems: defaultdict[str, list[int]] = defaultdict(list)
        self._endings: defaultdict[str, list[int]] = defaultdict(list)
        self._symbols: dict[str, int] = {}
        self._productions: list[_Production] = []
        for special in _SPECIAL:
            self._words[special].append(self._symbol(special))
        problems: list[tuple[str, str]] = []
        for name, entries in classes.items():
            self._define(f"@{name}", self._parse_all(f"classes.{name}", split_entries(entries), problems))
        self._names: dict[int, str] = {}
        for name, lines in patterns.items():
            self._names[self._define(f"={name}", self._parse_all(name, lines, problems))] = name
        if problems:
            raise GrammarError(problems)
        self._expand()
        self._stem_lengths = _lengths((stem[:2], stem) for stem in self._stems)
        self._ending_lengths = _lengths((ending[-2:], ending) for ending in self._endings)
        self._fuzzy_words, self._fuzzy_stems = self._fuzzy()
        self._fuzzy_lengths = sorted({len(stem) for stem in self._fuzzy_stems})
        self._anchored = self._anchors()

    # --- matching -----------------------------------------------------------------------------

    def match(self, sentence: Sentence, *, without: frozenset[int] = frozenset()) -> dict[str, list[Span]]:
        """The named patterns found in a sentence, with the tokens they cover.

        ``without`` are positions of tokens to be passed over as if they meant nothing.
        """
        found: dict[int, list[Span]] = {}
        for position, token in enumerate(sentence):
            if position not in without:
                for symbol in self._symbols_of(token):
                    spans = found.setdefault(symbol, [])
                    if not spans or spans[-1][0] != position:
                        spans.append((position, position))
        found[self._symbols["^"]] = [(-1, -1)]
        found[self._symbols["$"]] = [(len(sentence), len(sentence))]
        waiting: defaultdict[int, list[_Production]] = defaultdict(list)
        for symbol in found:
            for production in self._anchored.get(symbol, ()):
                waiting[production.level].append(production)
        level = 1
        while waiting:
            due = waiting.pop(level, ())
            changed: set[int] = set()
            for production in due:
                if found.keys() >= production.needs and (spans := _spans(production.steps, found)):
                    if production.target in found:
                        found[production.target].extend(spans)
                    else:
                        found[production.target] = spans
                        for follower in self._anchored.get(production.target, ()):
                            waiting[follower.level].append(follower)
                    changed.add(production.target)
            for symbol in changed:
                if len(found[symbol]) > 1:
                    found[symbol] = sorted(set(found[symbol]), key=_by_end)
            level += 1
        return {self._names[symbol]: spans for symbol, spans in found.items() if symbol in self._names}

    def _symbols_of(self, token: Token) -> list[int]:
        word = token.word
        symbols = list(self._words.get(word, ()))
        if word[0].isdecimal():
            symbols += self._words["#"]
            if _ORDINAL.fullmatch(word):
                symbols += self._words["#th"]
        size = len(word)
        for length in self._stem_lengths.get(word[:2], ()):
            if found := self._stems.get(word[:length]):
                symbols += found
        for length in self._ending_lengths.get(word[-2:], ()):
            if found := self._endings.get(word[-length:]):
                symbols += found
        if not symbols and size >= FUZZY_LENGTH:
            symbols += self._symbols_of_misspelt(word)
        if size >= 4 and _CODE.fullmatch(word):
            symbols += self._words["#code"]
        if token.quoted:
            symbols += self._words["#quote"]
        return symbols

    def _symbols_of_misspelt(self, word: str) -> list[int]:
        sound = _sound(word)
        symbols = list(self._fuzzy_words.get(sound, ()))
        for length in self._fuzzy_lengths:
            if length > len(sound):
                break
            symbols += self._fuzzy_stems.get(sound[:length], ())
        return symbols

    # --- compiling ----------------------------------------------------------------------------

    def _symbol(self, key: str, level: int = 0) -> int:
        if key not in self._symbols:
            self._symbols[key] = len(self._levels)
            self._levels.append(level)
        return self._symbols[key]

    def _define(self, key: str, alternatives: Sequence[list[tuple[_Step, ...]]]) -> int:
        """A symbol that stands for any of the alternatives; each is a list of variants."""
        variants = [variant for alternative in alternatives for variant in alternative]
        levels = [self._levels[step.symbol] for variant in variants for step in variant]
        symbol = self._symbol(key, max(levels, default=0) + 1)
        for steps in variants:
            needs = frozenset(step.symbol for step in steps)
            self._productions.append(_Production(symbol, steps, needs, self._levels[symbol]))
        return symbol

    def _parse_all(
        self, name: str, lines: Iterable[str], problems: list[tuple[str, str]]
    ) -> list[list[tuple[_Step, ...]]]:
        parsed = []
        for line in lines:
            try:
                parsed.append(self._parse(line))
            except PatternError as error:
                problems.append((name, str(error)))
        return parsed

    def _parse(self, pattern: str) -> list[tuple[_Step, ...]]:
        pieces = _PIECES.findall(pattern)
        if not pieces:
            raise PatternError("an empty pattern")
        reader = _Reader(pieces, pattern)
        variants = self._sequence(reader)
        if reader.peek() == "&":
            reader.take()
            others = self._sequence(reader)
            variants = [
                joined
                for one, other in product(variants, others)
                for joined in (_joined(one, other), _joined(other, one))
            ]
        if reader.peek():
            raise PatternError(f'"{reader.peek()}" is not expected here: {pattern}')
        return variants

    def _sequence(self, reader: _Reader) -> list[tuple[_Step, ...]]:
        # Each variant with the gap that its next step may leave.
        begun: list[tuple[tuple[_Step, ...], int]] = [((), 0)]
        while (piece := reader.peek()) and piece not in ("|", ")", "&"):
            reader.take()
            if piece in ("..", "..."):
                gap = NEAR if piece == ".." else ANYWHERE
                begun = [(steps, gap) for steps, _ in begun]
                continue
            symbol = self._group(reader) if piece == "(" else self._atom(piece, reader.pattern)
            longer = [((*steps, _Step(symbol, gap if steps else 0)), 0) for steps, gap in begun]
            begun = [*begun, *longer] if reader.attached_question_mark() else longer
        variants = [steps for steps, _ in begun]
        if () in variants:
            raise PatternError(f"a part that may match nothing: {reader.pattern}")
        return variants

    def _group(self, reader: _Reader) -> int:
        begin = reader.position
        alternatives = [self._sequence(reader)]
        while reader.peek() == "|":
            reader.take()
            alternatives.append(self._sequence(reader))
        if reader.peek() != ")":
            raise PatternError(f"a bracket is not closed: {reader.pattern}")
        reader.take()
        key = " ".join(reader.pieces[begin : reader.position])
        return self._symbols[f"({key}"] if f"({key}" in self._symbols else self._define(f"({key}", alternatives)

    def _atom(self, piece: str, pattern: str) -> int:
        if piece.startswith("@"):
            if piece not in self._symbols:
                raise PatternError(f'there is no class "{piece[1:]}": {pattern}')
            return self._symbols[piece]
        if piece in _SPECIAL:
            return self._symbols[piece]
        word = fold(piece)
        if word in self._symbols:
            return self._symbols[word]
        bare = word.strip("*")
        if not bare.isalnum() or (word != bare and len(bare) < 2) or len(word) - len(bare) > 1:
            raise PatternError(f'"{piece}" is neither a word nor a stem or ending of two letters or more: {pattern}')
        table = self._words if word == bare else self._stems if word.endswith("*") else self._endings
        table[bare].append(symbol := self._symbol(word))
        return symbol

    def _expand(self) -> None:
        """Let each word stand at once for everything that it alone amounts to: its classes, theirs, and whole patterns.

        That is what most productions are. Those with several parts are left, and what is
        built on them.
        """
        alone: defaultdict[int, list[int]] = defaultdict(list)
        grown = {self._symbols["^"], self._symbols["$"]}  # found in every sentence, as no word is
        left: list[_Production] = []
        for production in sorted(self._productions, key=lambda production: production.level):
            if len(production.steps) == 1:
                alone[production.steps[0].symbol].append(production.target)
            if len(production.steps) > 1 or production.steps[0].symbol in grown:
                grown.add(production.target)
                left.append(production)
        self._productions = left
        for table in (self._words, self._stems, self._endings):
            for word, symbols in table.items():
                amounts_to = dict.fromkeys(symbols)
                reached = [*symbols]
                while reached:
                    new = [target for target in alone[reached.pop()] if target not in amounts_to]
                    amounts_to.update(dict.fromkeys(new))
                    reached += new
                table[word] = [*amounts_to]

    def _fuzzy(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        words: defaultdict[str, list[int]] = defaultdict(list)
        stems: defaultdict[str, list[int]] = defaultdict(list)
        for word, symbols in self._words.items():
            if len(word) >= FUZZY_LENGTH:
                words[_sound(word)] += symbols
        for stem, symbols in self._stems.items():
            if len(sound := _sound(stem)) >= FUZZY_LENGTH:
                stems[sound] += symbols
        return dict(words), dict(stems)

    def _anchors(self) -> dict[int, list[_Production]]:
        """Every production under the one of its parts that the fewest productions use."""
        use: defaultdict[int, int] = defaultdict(int)
        for production in self._productions:
            for symbol in production.needs:
                use[symbol] += 1
        anchored: defaultdict[int, list[_Production]] = defaultdict(list)
        for production in self._productions:
            anchored[min(production.needs, key=lambda symbol: (use[symbol], symbol))].append(production)
        return dict(anchored)


class _Reader:
    def __init__(self, pieces: list[str], pattern: str) -> None:
        self.pieces = pieces
        self.pattern = pattern
        self.position = 0
        self._attached = _attached_marks(pattern)

    def peek(self) -> str:
        return self.pieces[self.position] if self.position < len(self.pieces) else ""

    def take(self) -> None:
        self.position += 1

    def attached_question_mark(self) -> bool:
        """Whether the part just read may be left out; a mark that stands alone is a question mark."""
        if self.peek() == "?" and self.position in self._attached:
            self.take()
            return True
        return False


def _attached_marks(pattern: str) -> frozenset[int]:
    found = enumerate(_PIECES.finditer(pattern))
    return frozenset(n for n, match in found if match.group(1) == "?" and not match.group().startswith(" ") and n > 0)


def _joined(first: tuple[_Step, ...], second: tuple[_Step, ...]) -> tuple[_Step, ...]:
    return (*first, _Step(second[0].symbol, ANYWHERE), *second[1:])


def _lengths(keyed: Iterable[tuple[str, str]]) -> dict[str, list[int]]:
    """How long the words are that each key stands for."""
    lengths: defaultdict[str, set[int]] = defaultdict(set)
    for key, word in keyed:
        lengths[key].add(len(word))
    return {key: sorted(found) for key, found in lengths.items()}


def _by_end(span: Span) -> Span:
    return span[1], span[0]


def _spans(steps: tuple[_Step, ...], found: Mapping[int, list[Span]]) -> list[Span]:
    """Where the steps follow each other within their gaps; of several beginnings the nearest."""
    reached = found[steps[0].symbol]
    for step in steps[1:]:
        ends = [end for _, end in reached]
        following = []
        for start, end in found[step.symbol]:
            before = bisect_left(ends, start) - 1
            if before >= 0 and start - ends[before] - 1 <= step.gap:
                following.append((reached[before][0], end))
        if not following:
            return []
        reached = following
    return list(reached)


def _sound(word: str) -> str:
    """A rough key under which common misspellings of a word meet."""
    return _DOUBLED.sub(r"\1", word.translate(_FUZZY))


def split_entries(text: str) -> list[str]:
    """The entries of a list separated by commas or line breaks."""
    return [entry for entry in (piece.strip() for piece in re.split(r"[,\n]", text)) if entry]
