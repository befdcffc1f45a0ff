"""Card numbers, and the verification code that follows one.

Length and issuer prefix first, then the check digit, then the words around: one in
ten of all numbers passes the check digit, and order numbers are as long as cards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from stdnum import luhn

from oneclick_sla_plugin.detectors.context import Context
from oneclick_sla_plugin.detectors.lexicon import lexicon
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import CARD, CVV, Candidate

# First digits and lengths of the large schemes, as their public tables of issuer numbers have them
# (https://en.wikipedia.org/wiki/Payment_card_number).
_ISSUERS: tuple[tuple[int, int, int, frozenset[int]], ...] = (
    # first prefix, last prefix, digits of the prefix, lengths
    (4, 4, 1, frozenset({13, 16, 19})),  # Visa
    (51, 55, 2, frozenset({16})),  # Mastercard
    (2221, 2720, 4, frozenset({16})),  # Mastercard
    (34, 34, 2, frozenset({15})),  # American Express
    (37, 37, 2, frozenset({15})),  # American Express
    (6011, 6011, 4, frozenset(range(16, 20))),  # Discover
    (644, 659, 3, frozenset(range(16, 20))),  # Discover
    (62, 62, 2, frozenset(range(16, 20))),  # UnionPay
    (300, 305, 3, frozenset(range(14, 20))),  # Diners Club
    (3095, 3095, 4, frozenset(range(14, 20))),  # Diners Club
    (36, 36, 2, frozenset(range(14, 20))),  # Diners Club
    (38, 39, 2, frozenset(range(16, 20))),  # Diners Club
    (3528, 3589, 4, frozenset(range(16, 20))),  # JCB
    (2200, 2204, 4, frozenset(range(16, 20))),  # Mir
)
_RARE_ISSUERS: tuple[tuple[int, int, int, frozenset[int]], ...] = (
    (50, 50, 2, frozenset(range(12, 20))),  # Maestro, Elo
    (56, 58, 2, frozenset(range(12, 20))),  # Maestro
    (60, 63, 2, frozenset(range(12, 20))),  # Maestro, Hipercard, RuPay
    (67, 69, 2, frozenset(range(12, 20))),  # Maestro
    (81, 82, 2, frozenset(range(16, 20))),  # UnionPay, RuPay
    (35, 35, 2, frozenset({16})),  # near JCB
    (1800, 1800, 4, frozenset({15})),  # JCB, no longer issued
    (2131, 2131, 4, frozenset({15})),  # JCB, no longer issued
    (9792, 9792, 4, frozenset({16})),  # Troy
    (38, 39, 2, frozenset({14})),  # Diners Club
)
_GROUPINGS = frozenset(
    [
        (4, 4, 4, 4),
        (4, 6, 5),
        (4, 6, 4),
        (4, 4, 4, 4, 3),
        (4, 4, 4, 3),
        (4, 4, 4, 1),
        (4, 4, 4, 4, 1),
        (4, 4, 4, 4, 2),
        (6, 13),
        (8, 8),
    ]
)
_FOR, _AGAINST = "card", "other"
_VERDICT = {_FOR: 1, _AGAINST: -1, "": 0}
_FEWEST, _MOST = 12, 19
_LONGEST_RUN = 44
"""Digits in one run of groups up to which every way to cut it is tried; longer ones must be grouped as on a card."""

_SHORTEST_GROUP = 4
"""Digits of the first group of a usual grouping."""

_RUN = re.compile(r"[0-9](?:[ \t\r\n.\-_/,\x1a]{0,3}[0-9]){11,}")
_GROUP = re.compile(r"[0-9]+")
_EXPIRY_THEN_CODE = re.compile(
    r"[^0-9]{1,24}(?:0?[1-9]|1[0-2])\s?[/\-. ]\s?(?:20)?[0-9]{2}(?![0-9])[^0-9]{1,30}([0-9]{3,4})(?![0-9]|[.,/\-][0-9])"
)
_CODE_NEARBY = re.compile(
    r"(?:cod(?:igo|e)?\b|code|kod|\bback\b|atras|detras|reverso|dorso|verso|ruckseite|hinten|prufz|segur|security|sicherheit|\bcv\w{0,3})"
    r"[^0-9\n?]{1,40}([0-9]{3,4})(?![0-9]|[.,/\-:][0-9]|\s?(?:digit|zeich|stell|cifra|numer|eur|usd|€|%))"
)
_EXPIRY = re.compile(
    r"[^0-9a-z]{1,8}(?:[a-z.]{1,12}[^0-9a-z]{1,3}){0,2}(?:0?[1-9]|1[0-2])\s?[/\-]\s?(?:20)?[2-4][0-9](?![0-9/\-])"
)
"""A month and a year just behind a number say what it is."""
_BARE_CODE = re.compile(r"[ ,/|;]{1,3}([0-9]{3})(?![0-9]|[.,/\-:][0-9])")
_NOT_A_CODE = re.compile(r"order|pedido|error|ref|bestell|fehler|erro\b|ticket|amount|importe|total|eur|usd")


class CardDetector:
    """Finds card numbers in any usual writing, and a code that stands with one."""

    name = "cards"
    types = frozenset({CARD, CVV})
    trigger = r"[0-9](?:[ \t\r\n.\-_/,\x1a]{0,3}[0-9]){11}"

    @cached_property
    def _context(self) -> Context:
        numbers = lexicon().numbers
        return Context({_FOR: numbers["card"], _AGAINST: numbers["not_card"]})

    def find(self, text: PlainText) -> Iterator[Candidate]:
        first = last = None
        for run in _RUN.finditer(text.folded):
            groups = [group.span() for group in _GROUP.finditer(run[0])]
            for start, end in self._cards(text, run.start(), groups):
                confidence = self._confidence(text, start, end)
                if confidence:
                    yield Candidate(CARD, start, end, confidence, shown=4)
                    first, last = first or start, end
                    yield from _code_after(text, end)
        if first is not None and last is not None:
            yield from _codes_nearby(text, first, last)

    def _cards(self, text: PlainText, offset: int, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Card numbers as whole groups of a run of digits, from left to right."""
        any_grouping = sum(end - start for start, end in groups) <= _LONGEST_RUN
        at = 0
        while at < len(groups):
            if not any_grouping and groups[at][1] - groups[at][0] < _SHORTEST_GROUP:
                at += 1
                continue
            taken = 0
            best = None
            lengths: tuple[int, ...] = ()
            digits = ""
            for upto in range(at, min(at + _MOST, len(groups))):
                start, end = groups[upto]
                digits += text.folded[offset + start : offset + end]
                lengths += (end - start,)
                if len(digits) > _MOST:
                    break
                usual = len(lengths) == 1 or lengths in _GROUPINGS
                if len(digits) < _FEWEST or not (usual or any_grouping) or not _issued(digits):
                    continue
                if luhn.is_valid(digits) and len(set(digits)) > 1:
                    rank = (usual, len(digits) == 16, len(digits))
                    if best is None or rank > best:
                        best, taken = rank, upto - at + 1
            if taken:
                yield offset + groups[at][0], offset + groups[at + taken - 1][1]
                at += taken
            else:
                at += 1

    def _confidence(self, text: PlainText, start: int, end: int) -> float:
        folded = text.folded
        digits = re.sub("[^0-9]", "", folded[start:end])
        common = _in(_ISSUERS, digits)
        usual = _grouping(folded[start:end])
        word = _glued_before(folded, start)
        verdict = _VERDICT[self._context.before(text, start, 64)]
        if word and word not in (
            "n",
            "no",
            "nr",
            "num",
            "card",
            "visa",
            "cc",
            "pan",
            "tarjeta",
            "mc",
            "amex",
            "mastercard",
        ):
            return 0.0  # part of a longer code: a tracking number, a hash, a licence
        if folded[start - 1 : start] in ("#", "=", "/", "_", "-", "@", "+") and start and verdict <= 0:
            return 0.0
        if folded[end : end + 1].isalpha() and not folded.startswith(("cv", "exp", "cad", "ven"), end) and verdict <= 0:
            return 0.0
        if folded[end : end + 1] in ("_", "@") or (
            start >= 2 and folded[start - 1] == "." and folded[start - 2].isdigit()
        ):
            return 0.0
        if _EXPIRY.match(folded, end):
            verdict = 1
        if verdict < 0:
            return 0.0
        if verdict == 0:
            verdict = _VERDICT[self._context.after(text, end, 40)]
            if verdict < 0 and not re.match(r"[\s,]{0,3}(?:is|was|es|era|ist|war|e)\s", folded[end : end + 8]):
                return 0.6 if common else 0.0
        if verdict > 0:
            return 0.98 if common else 0.88
        if verdict < 0 or not common:
            return 0.0
        return 0.88 if usual else 0.6


def _issued(digits: str) -> bool:
    return _in(_ISSUERS, digits) or _in(_RARE_ISSUERS, digits)


def _in(issuers: tuple[tuple[int, int, int, frozenset[int]], ...], digits: str) -> bool:
    return any(
        first <= int(digits[:length]) <= last and len(digits) in lengths for first, last, length, lengths in issuers
    )


def _grouping(written: str) -> bool:
    """Whether the digits are grouped as they are on a card, or not at all."""
    lengths = tuple(len(group) for group in _GROUP.findall(written))
    separators = {part for part in re.split("[0-9]+", written) if part}
    return len(lengths) == 1 or (lengths in _GROUPINGS and len(separators) == 1)


def _glued_before(folded: str, start: int) -> str:
    """The letters and digits that touch the number on its left."""
    begin = start
    while begin > 0 and start - begin < 12 and (folded[begin - 1].isalnum() or folded[begin - 1] == "\xba"):
        begin -= 1
    return folded[begin:start]


def _code_after(text: PlainText, end: int) -> Iterator[Candidate]:
    """Number, expiry and code in a row, as a form or a person in a hurry writes them."""
    for pattern, confidence in ((_EXPIRY_THEN_CODE, 0.9), (_BARE_CODE, 0.6)):
        if (code := pattern.match(text.folded, end)) and not _NOT_A_CODE.search(code[0]):
            yield Candidate(CVV, code.start(1), code.end(1), confidence)
            return


def _codes_nearby(text: PlainText, start: int, end: int) -> Iterator[Candidate]:
    """With a card in the message, a "code" of three or four digits is its own."""
    begin = max(0, start - 200)
    for code in _CODE_NEARBY.finditer(text.folded, begin, min(len(text), end + 300)):
        if not _NOT_A_CODE.search(code[0]):
            yield Candidate(CVV, code.start(1), code.end(1), 0.85)
