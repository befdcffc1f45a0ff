"""A message as a machine reads it: markup, quote marks and odd characters gone, offsets kept.

People paste from Word, PDF files and web pages, mail programs quote with ``>``, and
a number that a person sees as one may hold tags, zero-width characters or digits of
another script. :class:`PlainText` removes what cannot be seen, writes the rest in
Latin-1, and knows for each of its characters where in the original it came from.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right

_TAGS = (
    "a|abbr|b|big|blockquote|body|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|head|hr|html|i|img|ins|kbd|li|"
    "mark|meta|ol|p|pre|q|s|samp|small|span|strike|strong|style|sub|sup|table|tbody|td|tfoot|th|thead|title|tr|tt|u|ul"
)
_BREAKING_TAG = re.compile(r"</?(?:blockquote|br|dd|div|dl|dt|h[1-6]|hr|li|ol|p|pre|table|tr|ul)\b", re.IGNORECASE)
# Format characters that no reader sees, and combining marks.
_INVISIBLE = "\u00ad\u0300-\u036f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
_SUSPECT = re.compile(f"[<&>{_INVISIBLE}]")
_UNSEEN = re.compile(f"[{_INVISIBLE}]+")
_TAG = re.compile(rf"</?(?:{_TAGS})(?:[\s/][^<>]{{0,600}})?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_QUOTE = re.compile(r">(?:[ \t]?>){0,20}[ \t]?")
_BEYOND_LATIN1 = re.compile("[^\x00-\xff]")

SUBSTITUTE = "\x1a"
"""Stands for a character that is neither letter, digit, dash, space nor quotation mark."""

_SPELLINGS = {
    "‘": "'",
    "’": "'",
    "‚": "'",
    "‛": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "‟": '"',
    "‹": '"',
    "›": '"',
    "…": ".",
    "→": ">",
    "⇒": ">",
    "•": "*",
    "●": "*",
    "∙": "*",
    "⁎": "*",
    "∗": "*",
    "−": "-",
    "⁄": "/",
    "∕": "/",
    "：": ":",
    "＝": "=",
    "℮": "e",
    "\u2028": "\n",
    "\u2029": "\n",
}


def _folding_table() -> bytes:
    table = bytearray()
    for code in range(256):
        character = chr(code)
        plain = unicodedata.normalize("NFKD", character)[0].lower()
        if character == "\xa0":
            plain = " "
        elif character == "\x85":
            plain = "\n"
        elif character in "«»":
            plain = '"'
        elif character in "´`":
            plain = "'"
        elif character == "·":
            plain = "."
        elif character in "ßøØ":
            plain = "s" if character == "ß" else "o"
        table.append(ord(plain) if ord(plain) < 128 else ord(SUBSTITUTE))
    return bytes(table)


_FOLDED = _folding_table()


class PlainText:
    """``text`` in Latin-1 and its twin ``folded``: lower case, no accents, ASCII only, of the same length.

    ``ascii`` is ``folded`` as bytes. Offsets of detectors are in these; :meth:`original` leads back.
    """

    __slots__ = ("_origins", "_starts", "_widths", "ascii", "folded", "text")

    def __init__(self, original: str) -> None:
        self._starts: list[int] = []
        if "<" in original or "&" in original or ">" in original or "\xad" in original:
            original = self._without_noise(original)
            latin1 = _latin1(original)
        else:
            try:
                latin1 = original.encode("latin-1")
            except UnicodeEncodeError:
                latin1 = _latin1(self._without_noise(original))
        self.ascii = latin1.translate(_FOLDED)
        self.text = latin1.decode("latin-1")
        self.folded = self.ascii.decode("ascii")

    def __len__(self) -> int:
        return len(self.ascii)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where ``[start, end)`` of this text stands in the original; ``start`` before ``end``."""
        if not self._starts:
            return start, end
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, end - 1) - 1
        width = self._widths[last]
        ends = self._origins[last] + (width or end - self._starts[last])
        return self._origins[first] + (0 if self._widths[first] else start - self._starts[first]), ends

    def _without_noise(self, original: str) -> str:
        # Pieces that stay have width 0 here (their characters map one to one); a character that
        # stands for a tag or an entity has the width of what it replaces.
        pieces: list[str] = []
        self._starts, self._origins, self._widths = [0], [0], [0]
        length = kept_to = 0
        for suspect in _SUSPECT.finditer(original):
            start = suspect.start()
            if start < kept_to:
                continue
            end, replacement = _noise(original, start)
            if end == start:
                continue
            if start > kept_to:
                self._add(length, kept_to, 0)
                pieces.append(original[kept_to:start])
                length += start - kept_to
            if replacement:
                self._add(length, start, end - start)
                pieces.append(replacement)
                length += 1
            kept_to = end
        self._add(length, kept_to, 0)
        pieces.append(original[kept_to:])
        return "".join(pieces)

    def _add(self, start: int, origin: int, width: int) -> None:
        if self._starts[-1] == start:
            self._starts.pop()
            self._origins.pop()
            self._widths.pop()
        self._starts.append(start)
        self._origins.append(origin)
        self._widths.append(width)


def _noise(text: str, start: int) -> tuple[int, str]:
    """Where the noise at ``start`` ends and the character (or nothing) for it; no noise ends where it starts."""
    match text[start]:
        case "<":
            if tag := _TAG.match(text, start):
                return tag.end(), "\n" if _BREAKING_TAG.match(tag[0]) else " "
        case "&":
            if (entity := _ENTITY.match(text, start)) and len(character := html.unescape(entity[0])) == 1:
                return entity.end(), "" if _UNSEEN.match(character) else character
        case ">":
            before = text[max(start - 2, 0) : start]
            if (before == "" or before[-1] == "\n" or before in (" ", "\n ")) and (quote := _QUOTE.match(text, start)):
                return quote.end(), ""
        case _:
            if unseen := _UNSEEN.match(text, start):
                return unseen.end(), ""
    return start, ""


def _latin1(text: str) -> bytes:
    return _BEYOND_LATIN1.sub(_in_latin1, text).encode("latin-1")


def _in_latin1(found: re.Match[str]) -> str:
    character = found[0]
    spelling = _SPELLINGS.get(character)
    if spelling is not None:
        return spelling
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd":
        return "-"
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKD", character)[0]
    if plain < "\x80":
        return plain
    return "ÿ" if category.startswith("L") else SUBSTITUTE
