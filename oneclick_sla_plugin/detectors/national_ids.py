"""Numbers of persons: Spain, Peru, the United States, Brazil, Germany, Portugal.

Where a number has a check digit it must be right. Where its writing says little (eight
bare digits) a word beside it has to say what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum.br import cpf
from stdnum.de import idnr, stnr
from stdnum.es import dni, nie
from stdnum.pe import ruc
from stdnum.pt import nif
from stdnum.us import ssn

from oneclick_sla_plugin.detectors.context import Context
from oneclick_sla_plugin.detectors.lexicon import alternation, lexicon
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import NATIONAL_ID, Candidate

_RUN = re.compile(r"[0-9][0-9 .\-/]{5,}")
_SHAPES = re.compile(
    r"(?P<spanish>(?:[xyz][ .\-]{0,2}[0-9]{7}|[0-9]{8}|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}|[0-9]{1,2} [0-9]{3} [0-9]{3}"
    r"|[xyz][ .\-]{0,2}[0-9]\.[0-9]{3}\.[0-9]{3})[ .\-/]{0,2}[a-z])(?![a-z0-9])"
    r"|(?P<nine>[0-9]{3}(?P<joint>[ .\-]?)[0-9]{2}(?P=joint)[0-9]{4}|[0-9]{3}(?P<gap>[ .])[0-9]{3}(?P=gap)[0-9]{3})(?![a-z0-9]|[.\-/][0-9])"
    r"|(?P<eleven>[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}[\-./ ]?[0-9]{2}|[0-9]{3} [0-9]{3} [0-9]{3} [0-9]{2}"
    r"|[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}|[0-9]{2}[\- ]?[0-9]{8}[\- ]?[0-9]|(?:[0-9]{2} ){5}[0-9])(?![a-z0-9]|[.\-/][0-9])"
    r"|(?P<german>[0-9]{2,3}[/ ][0-9]{3,4}[/ ][0-9]{4,5})(?![a-z0-9]|[.\-/][0-9])"
    r"|(?P<eight>[0-9]{2}(?P<point>[. ]?)[0-9]{3}(?P=point)[0-9]{3})(?![a-z0-9]|[.\-/ ][0-9]|[\-./]?[a-z](?![a-z0-9])| [b-df-np-xz](?![a-z0-9]))"
)
_BARE_EIGHT = re.compile(r"[0-9]{8}(?= [aeoy] )")
_NOT_DIGITS = re.compile("[^0-9]")
_DASHED = re.compile(r"[0-9]{3}-[0-9]{2}-[0-9]{4}\Z")
_PUNCTUATED = re.compile(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}\Z")
_REACH = 44


class NationalIdDetector:
    """Finds national numbers by shape, check digit and the word beside them."""

    name = "national-ids"
    types = frozenset({NATIONAL_ID})

    def __init__(self) -> None:
        words = lexicon()
        self._context = Context({"other": words.numbers["not_card"], **words.identity})
        named = alternation(word for phrases in words.identity.values() for word in phrases)
        # Digits that say themselves what they are, or a word that says it and any digits.
        self.trigger = (
            r"[0-9]{3}[ .]?[0-9]{3}[ .\-/]{0,2}[a-z](?:[^a-z0-9]|$)|[0-9]{3}-[0-9]{2}-[0-9]{4}"
            r"|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"
            rf"|(?:^|[^a-z0-9])(?:{named})[^a-z0-9][^\n]*\n?[^\n]*[0-9]{{3}}"
        )

    def find(self, text: PlainText) -> Iterator[Candidate]:
        folded = text.folded
        for run in _RUN.finditer(folded):
            position = max(0, run.start() - 3)
            stop = min(len(text), run.end() + 3)
            while found := _SHAPES.search(folded, position, stop):
                start, end = found.span()
                before = folded[max(0, start - 2) : start]
                if before[-1:].isalnum() or (
                    before[-1:] in ("-", "/", ".", ",", "+", "#", "=", "_") and before[:1].isdigit()
                ):
                    position = start + 1
                    continue
                confidence = self._confidence(text, found)
                if not confidence and found.lastgroup == "spanish" and (bare := _BARE_EIGHT.match(folded, start)):
                    # "12345678 y …": the letter is a word of its own.
                    end = bare.end()
                    confidence = 0.88 if self._context.before(text, start, _REACH) == "personal" else 0.0
                if confidence:
                    yield Candidate(NATIONAL_ID, start, end, confidence, shown=3)
                position = end if confidence else start + 1
                # Within a row of digits the next number begins after a separator.
                while position < stop and folded[position - 1].isdigit() and folded[position].isdigit():
                    position += 1

    def _confidence(self, text: PlainText, found: re.Match[str]) -> float:
        start = found.start()
        meaning = self._context.before(text, start, _REACH)
        written = found[0]
        digits = _NOT_DIGITS.sub("", written)
        match found.lastgroup:
            case "spanish":
                return _spanish(text.text[start : found.end()], digits, meaning)
            case "nine":
                return _nine(written, digits, meaning)
            case "eleven":
                return _eleven(written, digits, meaning)
            case "german":
                return 0.9 if meaning in ("de_tax", "tax") and stnr.is_valid(written) else 0.0
            case "eight":
                return 0.88 if meaning == "personal" else 0.0
        return 0.0


def _spanish(written: str, digits: str, meaning: str) -> float:
    number = re.sub("[^0-9A-Z]", "", written.upper())
    if len(digits) == 8 - number[0].isalpha() and (dni.is_valid(number) or nie.is_valid(number)):
        if meaning in ("personal", "pt_nif", "tax"):
            return 0.97
        joined = written[-2] != " " and written[-1].isupper()
        return 0.85 if joined and meaning != "other" else 0.0
    return 0.0


def _nine(written: str, digits: str, meaning: str) -> float:
    if meaning in ("pt_nif", "tax", "personal") and nif.is_valid(digits):
        return 0.93
    if meaning == "pe_ce":
        return 0.85
    if ssn.is_valid(f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"):
        if meaning == "us_ssn":
            return 0.95 if len(written) > 9 else 0.85
        if _DASHED.match(written) and meaning in ("", "tax", "personal"):
            return 0.82
    return 0.0


def _eleven(written: str, digits: str, meaning: str) -> float:
    if meaning in ("br_cpf", "personal", "tax") and cpf.is_valid(digits):
        return 0.95
    if meaning in ("pe_ruc", "personal", "tax") and digits[0] in "12" and ruc.is_valid(digits):
        # A number that begins with 20 is a company's, and public.
        return 0.7 if digits.startswith("20") else 0.95
    if meaning in ("de_tax", "tax", "personal") and idnr.is_valid(digits):
        return 0.95
    if _PUNCTUATED.match(written) and meaning != "other" and cpf.is_valid(digits):
        return 0.93
    return 0.0
