"""What a word looks like: a password, a number, a key, a placeholder or plain language.

Judged by the kinds of its characters alone, never by a list of passwords.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple


class Look(IntEnum):
    """From "not a value at all" up to "nothing else looks like this"."""

    PLACEHOLDER = 0
    """Stands where a value would stand, and says that it was left out: ``****``, ``<password>``."""
    HARMLESS = 1
    """Something else that has a shape of its own: an address, a date, an order number."""
    WORD = 2
    NUMBER = 3
    PHRASE = 4
    """Words joined by hyphens, dots or underscores."""
    MIXED = 5
    """Letters and digits."""
    STRONG = 6
    """Letters, digits and more kinds of characters, or letters and digits interleaved."""


class Value(NamedTuple):
    """A possible value at ``[start, end)``; ``next`` is where reading goes on. ``quoted``: marked off by quotes."""

    start: int
    end: int
    next: int
    look: Look
    quoted: bool = False


LONGEST_VALUE = 512
_QUOTES = "\"'«»"
_CLOSING = {'"': '"', "'": "'", "«": "»", "»": "«", "(": ")", "[": "]"}
_RUN = re.compile(rf"\S{{1,{LONGEST_VALUE}}}")
_INNER_END = re.compile(r"[,;](?=[^\s]*)|(?<=.)[\"'»«](?=[,;:}\])\s]|$)|</")
_TRAILING = ".,;:)]}>\"'»«?\x1a"
_EMPHASIS = re.compile(r"([*_]{1,2})([^\s*_]\S{0,78}?)\1(?=[\s.,;:!?)]|\Z)")
_DIGITS = re.compile(r"[0-9]")
_LETTERS = re.compile(r"[^\W\d_]")
_MASKED = re.compile(
    r"[*.#_?\-\x1a]{3,}\Z|[xX]{3,}[-\d]*\Z|.{0,4}\*{2,}|.*\*{4,}|(?:[xX*#]{4}[-\s]?){2,}|(?:[.*]{2,}\s?)+"
)
_TEMPLATE = re.compile(
    r"[<{\[]|\$(?:[\w.]*\}|[A-Z_]+\Z|[A-Z]+_\w*\Z)|%[\w.\-]+%\Z|%[sd]\Z|.*(?:\{\{|\$\{|%\(|\$\()|(?:your|tu|su|my|mi|dein|ihr|sua|seu|minha|meu|insert|example)[_\-.<]",
    re.IGNORECASE,
)
_NOTHING = frozenset(
    {
        "null",
        "none",
        "nil",
        "undefined",
        "true",
        "false",
        "redacted",
        "hidden",
        "masked",
        "example",
        "placeholder",
        "xxx",
    }
    | {"n/a", "nan", "empty", "todo", "tbd", "oculto", "oculta", "censurado", "versteckt", "entfernt", "removed"}
    | {"deleted", "filtered", "string", "boolean"}
)
_ELSE = re.compile(
    r"[\w.+\-]+@[\w\-]+\.[\w.\-]+\Z"  # mail address
    r"|[a-z][a-z0-9+.\-]{1,9}://"
    r"|www\."
    r"|[\w\-]+(?:\.[\w\-]+)*\.(?:com|org|net|es|de|pe|pt|br|eu|io|html?|php|aspx?|pdf|png|jpe?g|gif|docx?|xlsx?|csv|txt|zip|json|xml|log|exe|app|dev|me|co|uk|info|local|lan|internal|example|test)(?:[/:?#].*)?\Z"
    r"|[0-9]{1,4}[/.\-][0-9]{1,2}[/.\-][0-9]{1,4}"  # date
    r"|[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2})?(?:h|hrs?|am|pm|uhr)?\Z"  # time of day
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9:]"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"  # UUID
    r"|v?[0-9]{1,4}(?:\.[0-9]{1,6}){1,4}(?:[a-z%].{0,8})?\Z"  # version, address, amount
    r"|[+(][0-9]"  # telephone
    r"|[$£€][0-9]|[0-9][0-9.,]*(?:€|%|eur|usd|pen|gb|mb|kb|tb|ghz|mhz|mm|cm|km|kg|px|ms|am|pm|h|hs|hrs|min|st|nd|rd|th|er|do|ra|ro|ta|to|a|o)\Z"
    r"|(?:0x[0-9a-f]+|err[_\-:].*|e[_\-]?[0-9]{2,5}|http[0-9]{3}|sqlstate.*)\Z"  # error codes
    r"|(?:iphone|ipad|ipod|galaxy|windows|win|android|ios|macos|mac|chrome|firefox|safari|edge|office|pixel|redmi|sha|md5|aes|utf|oauth|ipv|mp|h|tls|ssl|wpa|usb|type|usuario|user|room|form|modelo)-?[0-9]{1,4}(?:\.[0-9]{1,3})*[a-z]{0,4}\Z"
    r"|ssh-[a-z0-9]+\Z|pk_(?:live|test)_"  # public keys
    r"|[&@/\\]|#(?:[0-9]|[^\W\d]+[0-9]*\Z)",  # a handle, a path, a numbered case, a hashtag
)
_REFERENCE = re.compile(r"(?:[A-Z]{1,5}[-#/]){1,2}[0-9]{3,}(?:[-/][0-9]+)*\Z")  # order, invoice and ticket numbers
_CHANGES = re.compile(r"[a-z][0-9]|[0-9][a-z]|[0-9][A-Z]|[A-Z][0-9]")
_CASE_CHANGES = re.compile(r"[a-z][A-Z]")
_JOINED = re.compile(r"[^\W\d_]+(?:[-_.][^\W\d_]+)+\Z")


def read_value(text: str, start: int, line_end: int) -> Value | None:
    """The word at ``start`` (no blank there), without the quotes and the punctuation around it."""
    opening = text[start]
    if opening in _CLOSING and (end := text.find(_CLOSING[opening], start + 1, min(start + 80, line_end))) > start + 1:
        inner = text[start + 1 : end]
        if opening in _QUOTES:
            return Value(start + 1, end, end + 1, _look_quoted(inner), quoted=True)
        if opening == "(" and " " not in inner:
            return Value(start + 1, end, end + 1, look_of(inner), quoted=True)
    if opening in "*_" and (emphasis := _EMPHASIS.match(text, start, line_end)):
        return Value(*emphasis.span(2), emphasis.end(), look_of(emphasis[2]))
    run = _RUN.match(text, start, line_end)
    if run is None:
        return None
    end = after = run.end()
    first = start
    while first < end - 1 and text[first] in "\"'«»([¿¡":
        first += 1
    if cut := _INNER_END.search(text, first, end):
        end = cut.start()
        after = max(end, start + 1)
    while end > first and text[end - 1] in _TRAILING:
        end -= 1
    if end <= first:
        return Value(start, after, after, Look.PLACEHOLDER if _MASKED.match(text[start:after]) else Look.HARMLESS)
    look = look_of(text[start:end] if opening == "[" else text[first:end])
    if look <= Look.WORD and first < end - 1 and text[end - 1] == "!":
        bare = text[first:end].rstrip("!")
        if bare.isalpha():
            look = Look.WORD
    return Value(first, end, after, look)


def look_of(value: str) -> Look:
    """Judge a word without blanks."""
    lower = value.lower()
    if lower in _NOTHING or _MASKED.match(value) or _TEMPLATE.match(value):
        return Look.PLACEHOLDER
    if value.isalpha():
        changes = len(_CASE_CHANGES.findall(value))
        return Look.STRONG if len(value) >= 8 and changes >= 2 else Look.WORD
    if _ELSE.match(lower) or _REFERENCE.match(value):
        return Look.HARMLESS
    digits = len(_DIGITS.findall(value))
    letters = len(_LETTERS.findall(value))
    others = len(value) - digits - letters
    if letters == 0:
        if others == 0 or (digits >= 4 and others <= 2 and value[0].isdigit() and value[-1].isdigit()):
            return Look.NUMBER if others == 0 else Look.HARMLESS
        return Look.STRONG if digits >= 3 and others >= 2 and len(value) >= 7 else Look.HARMLESS
    if len(value) < 4:
        return Look.HARMLESS
    if digits == 0:
        if _JOINED.match(value):
            return Look.PHRASE
        stripped = value.rstrip("!")
        if stripped.isalpha() or "'" in value or "/" in value:
            return Look.WORD
        return Look.STRONG if len(value) >= 6 and others and not value.startswith("-") else Look.HARMLESS
    if others and (letters >= 2 or digits >= 3):
        # One stroke or hyphen joins names and numbers of all sorts.
        only_joints = others == value.count("-") + value.count("/") + value.count("_") + value.count(".")
        return Look.MIXED if only_joints else Look.STRONG
    upper = sum(map(str.isupper, value))
    if letters < 2:
        return Look.HARMLESS if len(value) < 6 else Look.MIXED
    if (
        len(_CHANGES.findall(value)) >= 2
        or (0 < upper < letters and not value[0].isupper())
        or (upper > 1 and upper < letters)
    ):
        return Look.STRONG
    return Look.MIXED


def looks_like_key(value: str) -> bool:
    """Long enough, and of mixed kinds of characters, as machines make them."""
    if not 16 <= len(value) <= LONGEST_VALUE or not _KEY.match(value):
        return False
    if is_licence_like(value):
        return False
    digits = len(_DIGITS.findall(value))
    return digits >= 2 and len(value) - digits >= 2 and len(set(value)) >= 8


def is_licence_like(value: str) -> bool:
    """Groups of capitals and digits, as software is licensed by."""
    return _LICENCE.match(value) is not None


def is_order_like(value: str) -> bool:
    """Letters in front of many digits, or behind them, as shops number orders."""
    return _ORDER_LIKE.match(value) is not None


_ORDER_LIKE = re.compile(r"[A-Z]{2,5}[0-9]{4,}\Z|[a-z]{1,3}[0-9]{6,}\Z|[0-9]{6,}[A-Z]{1,3}\Z")
_LICENCE = re.compile(r"[A-Z0-9]{3,8}(?:-[A-Z0-9]{3,8}){2,}\Z")  # of software, grouped for typing
_KEY = re.compile(r"[A-Za-z0-9_\-+/=.~:]+\Z")


def _look_quoted(inner: str) -> Look:
    if " " not in inner:
        return look_of(inner) if inner else Look.PLACEHOLDER
    words = inner.split()
    if len(words) > 6 or not inner.strip() or _MASKED.match(inner) or _TEMPLATE.match(inner):
        return Look.HARMLESS
    return Look.WORD
