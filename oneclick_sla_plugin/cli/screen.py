"""What the commands that show things share: a console, and how instants and spans of time look on it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.text import Text

WIDEST = 100
"""Lines longer than this are hard to read, however wide the terminal is."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOURS = ((timedelta(hours=1), "h"), (timedelta(minutes=1), "min"), (timedelta(seconds=1), "s"))
_DAYS_AND_HOURS = ((timedelta(days=1), "d"), *_HOURS)


def screen() -> Console:
    """Standard output: as wide as the terminal, 80 columns where there is none."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = min(console.width, WIDEST)
    return console


def error_screen() -> Console:
    """Standard error, for what must not mix with the answer."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def print_json(document: Any) -> None:
    """Print JSON as UTF-8, whatever the locale."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def printable(text: str) -> str:
    """A name from outside as it may go to a terminal: nothing in it can move the cursor or set colours."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def printable_lines(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(printable(line) for line in text.splitlines())


def day(at: datetime, zone: ZoneInfo) -> str:
    """For instance ``Wed 18 Nov 2026``."""
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"


def instant(at: datetime, zone: ZoneInfo) -> str:
    """For instance ``Wed 18 Nov 2026 10:00``; midnight is 24:00 of the day before, seconds where there are any."""
    local = at.astimezone(zone)
    clock = _clock(local)
    if clock == "00:00" and not local.microsecond:
        return f"{day(at - timedelta(seconds=1), zone)} 24:00"
    return f"{day(at, zone)} {clock}"


def short_instant(at: datetime, zone: ZoneInfo) -> str:
    """The same without the year, and with midnight as 00:00: for rows in the order of time."""
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {local.day:2} {_MONTHS[local.month - 1]} {_clock(local)}"


def _clock(local: datetime) -> str:
    return local.strftime("%H:%M:%S" if local.second else "%H:%M")


def hours(duration: timedelta) -> str:
    """Time that is counted, for instance ``24 h``, ``1 h 30 min``, ``45 s``; the largest two units, rounded down."""
    return _spelled(duration, _HOURS)


def days(duration: timedelta) -> str:
    """Time that passes on the wall, for instance ``2 d 16 h``; rounded down likewise."""
    return _spelled(duration, _DAYS_AND_HOURS)


def _spelled(duration: timedelta, units: Iterable[tuple[timedelta, str]]) -> str:
    parts = []
    for size, name in units:
        count, duration = divmod(duration, size)
        if count:
            parts.append(f"{count:,} {name}")
    return " ".join(parts[:2]) or "0 s"


def heading(text: str) -> Text:
    return Text(text, style="bold")


def listed(words: Iterable[str], joint: str = "or") -> str:
    """``a, b or c``."""
    *head, last = list(words) or [""]
    return f"{', '.join(head)} {joint} {last}" if head else last
