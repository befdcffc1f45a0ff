"""The complaint register on a screen: what ``oneclick-sla complaints`` prints, and the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from oneclick_sla_plugin.cli.screen import printable
from oneclick_sla_plugin.domain.stages import OPEN
from oneclick_sla_plugin.storage.register_check import Verification
from oneclick_sla_plugin.storage.register_records import Complaint
from oneclick_sla_plugin.storage.register_totals import Timeliness, Totals


def print_complaints(console: Console, complaints: Sequence[Complaint], zone: ZoneInfo) -> None:
    """A row for each in the order given, and how many there are."""
    if complaints:
        table = Table(box=None, padding=(0, 1, 0, 0))
        for heading in ("number", "ticket", "stage", "type", "received", "answer due"):
            table.add_column(heading, overflow="fold", no_wrap=heading == "number")
        for one in complaints:
            due = one.response_due_at if one.stage in OPEN else None
            table.add_row(
                one.number or "-",
                printable(str(one.key)),
                one.stage.value,
                one.type.value if one.type else "-",
                str(one.received_at.astimezone(zone).date()),
                short(due, zone) if due else "-",
            )
        console.print(table)
    registered = sum(one.number is not None for one in complaints)
    opened = sum(one.open for one in complaints)
    console.print(f"{registered} registered, {opened} of them open; {len(complaints) - registered} suspicions")


def print_verification(console: Console, found: Verification) -> None:
    """What is broken, the ends of the chains, and the verdict."""
    for fault in found.faults:
        console.print(f"{printable(fault.where)}: {fault.what}")
    for head in found.heads:
        console.print(f"series {head.series or '(no name)'}: {head.position} links, the last is\n  {head.hash}")
    verdict = "intact" if found.intact else "NOT intact"
    console.print(f"{found.complaints} complaints and suspicions, {found.events} events: {verdict}")


def print_totals(console: Console, found: Totals, zone: ZoneInfo) -> None:
    """The counts of a period of whole days in ``zone``."""
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = [
        ("received", found.received),
        ("  by type", _listed(found.by_type)),
        ("  by channel", _listed(found.by_channel)),
        ("acknowledged in time", _in_time(found.acknowledged)),
        ("answered in time", _in_time(found.answered)),
        ("extended", found.extended),
        ("reopened", found.reopened),
        ("duplicates", found.duplicates),
        ("rejected", found.rejected),
        ("withdrawn", found.withdrawn),
        ("open at the beginning", found.open_at_begin),
        ("open at the end", found.open_at_end),
        ("suspicions rejected", found.suspects_rejected),
        ("suspicions waiting", found.suspects_waiting),
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    first, last = found.since.astimezone(zone).date(), (found.until.astimezone(zone) - timedelta(days=1)).date()
    console.print(f"{first} to {last}, {zone}")
    console.print(table)


def short(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"


def _in_time(found: Timeliness) -> str:
    share = f" ({found.share:.1%})" if found.share is not None else ""
    parts = [f"{found.in_time} of {found.in_time + found.late}{share}"]
    parts += [f"{found.waiting} still wait"] if found.waiting else []
    parts += [f"{found.undated} without a deadline"] if found.undated else []
    return ", ".join(parts)
