"""Sensitive data in messages: what a finding is, how it is masked, which of two wins.

A finding says type, place, a masked value and how sure it is; it never holds the
value. Detectors look at a :class:`~oneclick_sla_plugin.domain.plain_text.PlainText`
and hand out :class:`Candidate`; the value is masked here, by one rule for all.
Masks follow PCI DSS 3.4.1 (no more of a card number than is needed: the last four)
and 3.3.1 (no digit of a verification code); of passwords not even the length is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from oneclick_sla_plugin.domain.plain_text import PlainText

CARD = "card"
CVV = "cvv"
PASSWORD = "password"  # noqa: S105 - the name of a type
PIN = "pin"
SECRET = "secret"  # noqa: S105 - the name of a type
IBAN = "iban"
NATIONAL_ID = "national_id"
SCAN_CUT = "scan_cut"
"""Not a value: from here on the message was not scanned, or more was found than is listed."""

SUBJECT = "subject"
"""Stands for the message's id in a finding that is in the ticket's subject."""

TYPES = (CARD, CVV, PASSWORD, PIN, SECRET, IBAN, NATIONAL_ID)
"""The types that ship. A detector of an admin or a plugin may name others."""

WARN_FROM = 0.8
POSSIBLE_FROM = 0.5

DOTS = "••••"
_MOST_SHOWN = 4
_LONGEST_PREFIX = 16


class Level(StrEnum):
    """``WARN``: an agent has to act. ``POSSIBLE``: worth a look."""

    WARN = "warn"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a detector believes to have found at ``[start, end)`` of the plain text.

    ``confidence`` is 0 to 1; below :data:`POSSIBLE_FROM` it is dropped. ``prefix`` is the
    public beginning that a vendor gives all its tokens, or a country code; ``shown`` is how
    many of the last letters and digits the mask may show (four at most).
    """

    type: str
    start: int
    end: int
    confidence: float
    prefix: str = ""
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A sensitive value in a message: ``[start, end)`` in characters of the original text."""

    type: str
    message: str
    start: int
    end: int
    masked: str
    confidence: float

    @property
    def level(self) -> Level:
        return Level.WARN if self.confidence >= WARN_FROM and self.type != SCAN_CUT else Level.POSSIBLE


class Detector(Protocol):
    """Finds values of some types in a text.

    ``trigger`` is a pattern in RE2 syntax over the folded text (ASCII, lower case):
    ``find`` is called only where it matches somewhere, and always when it is empty.
    ``find`` may raise anything: that costs its own candidates only. Its work must grow
    no faster than the text.
    """

    @property
    def name(self) -> str: ...

    @property
    def types(self) -> frozenset[str]: ...

    @property
    def trigger(self) -> str: ...

    def find(self, text: PlainText) -> Iterable[Candidate]: ...


def mask(value: str, prefix: str = "", shown: int = 0) -> str:
    """The value in a form that may be seen: public prefix, dots, at most four of its last characters.

    What is shown is never more than half of the value, whatever the caller asks for.
    """
    kept = [character for character in value if character.isalnum()]
    shown = max(0, min(shown, _MOST_SHOWN, len(kept) // 2))
    if len(prefix) > _LONGEST_PREFIX or not value.startswith(prefix) or 2 * len(prefix) > len(value):
        prefix = ""
    gap = " " if prefix.isalpha() and shown else ""
    return f"{prefix}{gap}{DOTS}" + (" " + "".join(kept[-shown:]) if shown else "")


def resolve(candidates: Iterable[Candidate], most: int) -> tuple[list[Candidate], int | None]:
    """Of overlapping candidates the surest stays, among equals the longest; in the order of the text.

    At most ``most`` are kept; the second value is where the first one stands that was left
    out for that reason, or ``None``. One sort and one pass.
    """
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda each: (each.start, each.end)):
        if candidate.confidence < POSSIBLE_FROM or candidate.end <= candidate.start:
            continue
        if kept and candidate.start < kept[-1].end:
            if _rank(candidate) > _rank(kept[-1]):
                kept[-1] = candidate
            continue
        if len(kept) == most:
            return kept, candidate.start
        kept.append(candidate)
    return kept, None


def findings(candidates: Sequence[Candidate], text: PlainText, message: str) -> list[Finding]:
    """Mask each candidate and lead its place back to the original text."""
    found = []
    for each in candidates:
        start, end = text.original(each.start, each.end)
        masked = mask(text.text[each.start : each.end], each.prefix, each.shown)
        found.append(Finding(each.type, message, start, end, masked, round(min(each.confidence, 1.0), 2)))
    return found


def cut_finding(message: str, start: int, end: int) -> Finding:
    """Says that ``[start, end)`` was not scanned, or that findings in it are not listed."""
    return Finding(SCAN_CUT, message, start, end, DOTS, POSSIBLE_FROM)


def _rank(candidate: Candidate) -> tuple[float, int]:
    return candidate.confidence, candidate.end - candidate.start
