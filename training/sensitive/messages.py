"""Marked messages to learn from: ``my PIN is ⟦PIN:4711⟧``, one JSON object a line.

Values that only have to look real stand as ``{{CARD}}`` and the like, and are filled in
when they are read, so that no scanner of secrets stops at the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from stdnum import luhn

MESSAGES = Path(__file__).parent / "messages"

_MARK = re.compile(r"⟦([A-Z_]+):(.*?)⟧", re.DOTALL)
_BLANK = re.compile(r"\{\{([A-Z0-9_]+)(?::(\w+))?\}\}")
_LOOKS = {
    "IBAN": "ES91 #### #### #### #### ####",
    "ES_DNI": "########A",
    "ES_NIE": "X#######A",
    "PE_DNI": "########",
    "PE_RUC": "10#########",
    "US_SSN": "###-##-####",
    "BR_CPF": "###.###.###-##",
    "DE_TAX": "## ### ### ###",
    "PT_NIF": "#########",
    "SECRET": "aA#aaA##aA#a##aAa#Aaa#A##aaA#aAa",
}
_DIGITS, _SMALL, _LARGE = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Mark:
    """A sensitive value at ``[start, end)``; ``type`` in small letters."""

    type: str
    start: int
    end: int

    def covers(self, start: int, end: int) -> bool:
        """Whether each is at least half of the other."""
        common = min(end, self.end) - max(start, self.start)
        return 2 * common >= max(end - start, self.end - self.start)


@dataclass(frozen=True)
class Message:
    language: str
    text: str
    marks: tuple[Mark, ...]


def read_messages(path: Path) -> Iterator[Message]:
    """The messages of a file. Each reading fills the blanks alike."""
    random = Random(path.stem)  # noqa: S311 - values that look real
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield _unmarked(row["lang"], _BLANK.sub(lambda blank: _filled(blank, random), row["text"]))


def _unmarked(language: str, marked: str) -> Message:
    text = ""
    marks = []
    position = 0
    for found in _MARK.finditer(marked):
        text += marked[position : found.start()]
        marks.append(Mark(found[1].lower(), len(text), len(text) + len(found[2])))
        text += found[2]
        position = found.end()
    return Message(language, text + marked[position:], tuple(marks))


def _filled(blank: re.Match[str], random: Random) -> str:
    kind, form = blank[1], blank[2] or ""
    if kind == "LUHN16":
        return _numbered("8##############", random)
    if kind == "CARD":
        number = _numbered("37############" if form == "amex" else "4##############", random)
        cuts = (4, 10) if form == "amex" else (4, 8, 12)
        groups = [number[start:end] for start, end in zip((0, *cuts), (*cuts, len(number)), strict=True)]
        joint = {"dashes": "-", "dots": ".", "split": "  "}.get(form, random.choice(("", " ", " ")))
        return f"⟦CARD:{joint.join(groups)}⟧"
    return f"⟦{kind}:{_written(_LOOKS[kind], random)}⟧"


def _numbered(look: str, random: Random) -> str:
    digits = _written(look, random)
    return digits + luhn.calc_check_digit(digits)


def _written(look: str, random: Random) -> str:
    sets = {"#": _DIGITS, "a": _SMALL, "A": _LARGE}
    return "".join(random.choice(sets[each]) if each in sets else each for each in look)
