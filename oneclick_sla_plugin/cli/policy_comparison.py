"""What differs between two policies, on the screen and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.cli.explanation import METRICS
from oneclick_sla_plugin.cli.screen import heading, instant, printable
from oneclick_sla_plugin.domain.model import Channel, rfc3339
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.domain.simulation import Example, examples
from oneclick_sla_plugin.policy_files.comparison import Change, changes_between

Pair = tuple[Policy, Policy]
"""The old policy and the new one."""
Tables = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The tables of their files."""


def print_comparison(console: Console, pair: Pair, tables: Tables, now: datetime) -> None:
    """Print the changes by key path, then examples of due instants after ``now`` that differ."""
    old, new = pair
    changes = changes_between(*tables)
    console.print(Text(f"OLD  {printable(str(old))}\nNEW  {printable(str(new))}"))
    console.print()
    if not changes:
        console.print(Text("The files say the same."))
    console.print(_changes(changes))
    console.print()
    console.print(heading("Examples of what is due otherwise"))
    grouped = list(_grouped(old, new, now))
    if not grouped:
        console.print(Text("none in the next two weeks"))
    for example, channels in grouped:
        console.print(_example(example, channels, old))


def _changes(changes: Iterable[Change]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for change in changes:
        old, new = printable(change.old or ""), printable(change.new or "")
        if change.old is None:
            table.add_row("+", Text(f"{change.path}: {new}", style="green"))
        elif change.new is None:
            table.add_row("-", Text(f"{change.path}: {old}", style="red"))
        else:
            table.add_row("~", Text(f"{change.path}: {old} → {new}"))
    return table


def _grouped(old: Policy, new: Policy, now: datetime) -> Iterator[tuple[Example, list[Channel]]]:
    """The same example of several channels once, with all of them."""
    groups: dict[tuple[object, ...], tuple[Example, list[Channel]]] = {}
    for example in examples(old, new, now):
        key = (example.metric, example.peak, example.received_at, example.old, example.new)
        groups.setdefault(key, (example, []))[1].append(example.channel)
    yield from groups.values()


def _example(example: Example, channels: list[Channel], old: Policy) -> Group:
    zone = old.time_zone
    peak = " in a peak" if example.peak else ""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    title = f"{METRICS[example.metric]}{peak}: {', '.join(channels)}"
    table.add_row(Text("received"), Text(f"{instant(example.received_at, zone)} ({zone.key})"))
    for name, due_at in (("OLD", example.old), ("NEW", example.new)):
        table.add_row(Text(f"{name} due"), Text("no promise" if due_at is None else instant(due_at, zone)))
    return Group(Text(title), Padding(table, (0, 0, 0, 2), expand=False))


def comparison_document(pair: Pair, tables: Tables, now: datetime) -> dict[str, Any]:
    """The same as data; null where one side has nothing."""
    old, new = pair
    return {
        "old": str(old),
        "new": str(new),
        "changes": [{"path": change.path, "old": change.old, "new": change.new} for change in changes_between(*tables)],
        "examples": [
            {
                "metric": example.metric,
                "channels": list(channels),
                "peak": example.peak,
                "received_at": rfc3339(example.received_at),
                "old_due_at": rfc3339(example.old) if example.old else None,
                "new_due_at": rfc3339(example.new) if example.new else None,
            }
            for example, channels in _grouped(old, new, now)
        ],
    }
