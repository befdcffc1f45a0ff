"""The outcome of a simulation on the screen, as JSON and as a sheet; ids and instants, nothing that was written."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.cli.explanation import METRICS
from oneclick_sla_plugin.cli.screen import heading, instant, printable
from oneclick_sla_plugin.domain.clocks import Clock, ClockState
from oneclick_sla_plugin.domain.model import Priority, Ticket, rfc3339
from oneclick_sla_plugin.domain.simulation import Comparison, Difference, Simulation, Tally

_MOST_PROBLEMS = 20
"""Lines that are no tickets are all counted; only the first of them are described."""


@dataclass(frozen=True, slots=True)
class ChangedTicket:
    """What is kept of a ticket that comes out otherwise."""

    key: str
    clocks: tuple[Difference, ...]
    priorities: tuple[Priority, Priority]


class Outcome:
    """A simulation, with the first tickets that change and the first lines that were no tickets."""

    def __init__(self, simulation: Simulation, most_changed: int) -> None:
        self.simulation = simulation
        self.changed: list[ChangedTicket] = []
        self.problems: list[tuple[str, str]] = []
        self.refused = 0
        self._most_changed = most_changed

    def note(self, ticket: Ticket, comparison: Comparison) -> None:
        if comparison.changed and len(self.changed) < self._most_changed:
            clocks = tuple(clock for clock in comparison.clocks if clock.changed)
            priorities = (comparison.old.priority.value, comparison.new.priority.value)
            self.changed.append(ChangedTicket(str(ticket.key), clocks, priorities))

    def refuse(self, where: str, problem: str) -> None:
        self.refused += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append((where, problem))


# --- on the screen -----------------------------------------------------------------------------


def print_outcome(console: Console, outcome: Outcome) -> None:
    simulation = outcome.simulation
    console.print(Text(f"OLD  {printable(str(simulation.old))}\nNEW  {printable(str(simulation.new))}"))
    refused = f", {outcome.refused:,} lines that are no tickets" if outcome.refused else ""
    priorities = f" ({simulation.priorities_changed:,} in priority)" if simulation.priorities_changed else ""
    console.print(Text(f"{simulation.tickets:,} tickets, {simulation.changed:,} change under NEW{priorities}{refused}"))
    if simulation.tickets:
        console.print()
        console.print(_shares(simulation))
    if outcome.changed:
        console.print()
        first = f", the first {len(outcome.changed):,}" if simulation.changed > len(outcome.changed) else ""
        console.print(heading(f"Tickets that change{first}"))
        console.print(_changes(outcome.changed, simulation.new.time_zone))


def _shares(simulation: Simulation) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("channel", no_wrap=True)
    table.add_column("metric")
    for name in ("met OLD", "met NEW", "change", "breached"):
        table.add_column(name, justify="right", no_wrap=True)
    channel = None
    for share in simulation.shares():
        old, new = share.old.met_share, share.new.met_share
        known = old is not None and new is not None
        points = (new - old) * 100 if old is not None and new is not None else 0.0
        before, after = share.old.states[ClockState.BREACHED], share.new.states[ClockState.BREACHED]
        table.add_row(
            str(share.channel) if share.channel is not channel else "",
            METRICS[share.metric],
            _percent(old),
            _percent(new),
            Text(f"{points:+.1f}" if known else "–", style="green" if points > 0 else "red" if points < 0 else ""),
            f"{before:,} → {after:,}",
        )
        channel = share.channel
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _changes(changed: Sequence[ChangedTicket], zone: ZoneInfo) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("ticket", overflow="fold")
    table.add_column("metric")
    table.add_column(f"OLD due ({zone.key})", overflow="fold")
    table.add_column("NEW due", overflow="fold")
    for ticket in changed:
        key = printable(ticket.key)
        for clock in ticket.clocks:
            table.add_row(key, METRICS[clock.metric], _standing(clock.old, zone), _standing(clock.new, zone))
            key = ""
        old, new = ticket.priorities
        if old is not new:
            table.add_row(key, "Priority", str(old), str(new))
    return table


def _standing(clock: Clock | None, zone: ZoneInfo) -> str:
    return "–" if clock is None else f"{instant(clock.due_at, zone)}\n{clock.state.replace('_', ' ')}"


# --- as data -----------------------------------------------------------------------------------


def simulation_document(outcome: Outcome) -> dict[str, Any]:
    """The same as data; shares from 0 to 1, null where nothing was decided."""
    simulation = outcome.simulation
    return {
        "old": str(simulation.old),
        "new": str(simulation.new),
        "tickets": simulation.tickets,
        "changed": simulation.changed,
        "priorities_changed": simulation.priorities_changed,
        "refused": outcome.refused,
        "shares": [
            {
                "channel": share.channel,
                "metric": share.metric,
                "old": _tally_document(share.old),
                "new": _tally_document(share.new),
            }
            for share in simulation.shares()
        ],
        "changed_tickets": [
            {
                "ticket": ticket.key,
                "priority": {"old": ticket.priorities[0], "new": ticket.priorities[1]},
                "clocks": [
                    {
                        "metric": clock.metric,
                        "old": _clock_document(clock.old),
                        "new": _clock_document(clock.new),
                    }
                    for clock in ticket.clocks
                ],
            }
            for ticket in outcome.changed
        ],
        "problems": [{"where": where, "problem": problem} for where, problem in outcome.problems],
    }


def _tally_document(tally: Tally) -> dict[str, Any]:
    return {"met_share": tally.met_share, **{state: tally.states[state] for state in ClockState}}


def _clock_document(clock: Clock | None) -> dict[str, Any] | None:
    return None if clock is None else {"due_at": rfc3339(clock.due_at), "state": clock.state}


class ClockSheet:
    """A CSV file with a row for every clock of every ticket, written as the tickets come."""

    COLUMNS = (
        "ticket",
        "metric",
        "changed",
        "old_channel",
        "old_due_at",
        "old_state",
        "new_channel",
        "new_due_at",
        "new_state",
        "old_priority",
        "new_priority",
    )

    def __init__(self, file: TextIO) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(self.COLUMNS)

    def write(self, ticket: Ticket, comparison: Comparison) -> None:
        old, new = comparison.old, comparison.new
        for clock in comparison.clocks:
            self._rows.writerow(
                (
                    _cell(str(ticket.key)),
                    clock.metric,
                    "yes" if clock.changed else "no",
                    old.facts.channel,
                    *_columns(clock.old),
                    new.facts.channel,
                    *_columns(clock.new),
                    old.priority.value,
                    new.priority.value,
                )
            )


def _columns(clock: Clock | None) -> tuple[str, str]:
    return ("", "") if clock is None else (rfc3339(clock.due_at), str(clock.state))


def _cell(text: str) -> str:
    """A name from outside, which a spreadsheet must not take for a formula: https://owasp.org/www-community/attacks/CSV_Injection"""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
