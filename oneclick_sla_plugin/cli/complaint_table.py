"""The complaint register as documents: JSON for programs, CSV and XLSX for spreadsheets.

A spreadsheet takes a cell for a formula that begins with one of a few signs, and a
formula can send the sheet away. So a CSV cell that begins so gets an apostrophe
before it (https://owasp.org/www-community/attacks/CSV_Injection), and every cell of
an XLSX is written as text, where signs mean nothing. The CSV begins with a byte order
mark, without which Excel does not take it for UTF-8.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import xlsxwriter

from oneclick_sla_plugin.domain.complaint import Happened
from oneclick_sla_plugin.storage.register_records import Complaint, RecordedEvent
from oneclick_sla_plugin.storage.register_totals import Timeliness, Totals

COMPLAINT_COLUMNS = (
    "number",
    "account",
    "ticket",
    "stage",
    "open",
    "type",
    "channel",
    "received_at",
    "registered_at",
    "acknowledged_at",
    "acknowledged_by",
    "extensions",
    "response_due_at",
    "responded_at",
    "followed_up_at",
    "closed_at",
    "level",
    "duplicate_of",
    "policy",
    "rules",
    "message",
    "keep_until",
)
"""Of an export with a row for each complaint."""

EVENT_COLUMNS = (
    "series",
    "position",
    "number",
    "account",
    "ticket",
    "what",
    "at",
    "actor",
    "message",
    "level",
    "facts",
    "standing",
    "recorded_at",
    "hash",
)
"""Of an export with a row for each event."""

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")

Row = Sequence[str]


def complaint_rows(complaints: Iterable[Complaint], zone: tzinfo) -> Iterator[Row]:
    """A row of texts for each complaint, in the order of :data:`COMPLAINT_COLUMNS`; instants with their offset."""
    for one in complaints:
        document = complaint_document(one, zone)
        document["rules"] = " ".join(f"{rule}:{weight:g}" for rule, weight in one.rules)
        yield [_text(document[name]) for name in COMPLAINT_COLUMNS]


def event_rows(complaints: Iterable[Complaint], zone: tzinfo) -> Iterator[Row]:
    """A row of texts for each event, in the order of :data:`EVENT_COLUMNS` and of the chains."""
    events = ((one, event) for one in complaints for event in one.events)
    for one, event in sorted(events, key=lambda pair: (pair[0].series, pair[1].position)):
        document = event_document(event, zone)
        document |= {"series": one.series, "number": one.number, "account": one.key.account, "ticket": one.key.id}
        document["facts"] = " ".join(f"{name}={value}" for name, value in sorted(event.facts.items()))
        yield [_text(document[name]) for name in EVENT_COLUMNS]


def write_csv(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    """UTF-8 with a byte order mark, every cell in quotes. Raises ``OSError``."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(columns)
        writer.writerows([harmless(cell) for cell in row] for row in rows)


def harmless(cell: str) -> str:
    """The cell as it can stand in a CSV file without being a formula, behind blanks neither."""
    return f"'{cell}" if _FORMULA.match(cell.lstrip(" \N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}")) else cell


def write_xlsx(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    """One worksheet of text cells, its first row the headings. Raises ``OSError``."""
    with path.open("wb") as file, xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("complaints")
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name, bold)
        for number, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)


def complaint_document(one: Complaint, zone: tzinfo) -> dict[str, Any]:
    """A complaint as JSON, without its events."""
    acknowledged = one.first(Happened.ACKNOWLEDGED)
    return {
        "number": one.number,
        "account": one.key.account,
        "ticket": one.key.id,
        "stage": one.stage.value,
        "open": one.open,
        "type": one.type.value if one.type else None,
        "channel": one.channel.value,
        "received_at": _instant(one.received_at, zone),
        "registered_at": _instant(one.registered_at, zone),
        "acknowledged_at": _of_event(acknowledged, zone),
        "acknowledged_by": acknowledged.actor if acknowledged else None,
        "extensions": one.count(Happened.EXTENDED),
        "response_due_at": _instant(one.response_due_at, zone),
        "responded_at": _of_event(one.last(Happened.RESPONDED), zone),
        "followed_up_at": _of_event(one.last(Happened.FOLLOWED_UP), zone),
        "closed_at": _of_event(one.last(Happened.CLOSED), zone),
        "level": one.level,
        "duplicate_of": one.duplicate_of,
        "policy": one.policy,
        "rules": [{"rule": rule, "weight": weight} for rule, weight in one.rules],
        "message": one.message,
        "keep_until": _instant(one.keep_until, zone),
    }


def event_document(event: RecordedEvent, zone: tzinfo) -> dict[str, Any]:
    """An event as JSON."""
    return {
        "position": event.position,
        "what": event.what,
        "at": _instant(event.at, zone),
        "actor": event.actor,
        "message": event.message,
        "level": event.level,
        "facts": dict(event.facts),
        "standing": event.standing,
        "recorded_at": _instant(event.recorded_at, zone),
        "hash": event.hash,
    }


def totals_document(found: Totals, zone: tzinfo) -> dict[str, Any]:
    """Totals as JSON, the shares beside the counts."""
    document: dict[str, Any] = asdict(found)
    document["since"], document["until"] = _instant(found.since, zone), _instant(found.until, zone)
    for name in ("acknowledged", "answered"):
        timeliness: Timeliness = getattr(found, name)
        document[name]["share"] = timeliness.share
    return document


def _of_event(event: RecordedEvent | None, zone: tzinfo) -> str | None:
    return None if event is None else _instant(event.at, zone)


def _instant(at: datetime | None, zone: tzinfo) -> str | None:
    return None if at is None else at.astimezone(zone).isoformat(timespec="seconds")


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return " ".join(f"{name}={value[name]}" for name in sorted(value))
        case _:
            return str(value)
