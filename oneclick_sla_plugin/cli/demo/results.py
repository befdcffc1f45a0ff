"""What came out of the demo, and showing it: a table, the notes as agents read them, one deadline explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.cli.explanation import print_explanation
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.explanation import Explanation
from oneclick_sla_plugin.domain.model import Metric
from oneclick_sla_plugin.ports import AgentView
from oneclick_sla_plugin.storage.register_records import Complaint

_WIDTH_OF_A_PIPE = 110


@dataclass(frozen=True, slots=True)
class Expected:
    """What must stand on a ticket at the end; ``due`` and ``state`` are the first reply's."""

    priority: str
    due: datetime
    state: str
    clause: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One ticket at the end: what was decided last, what stands on it, and what is wrong."""

    account: str
    view: AgentView
    decision: Decision
    zone: ZoneInfo
    wrong: tuple[str, ...]
    shown: bool
    explanation: Explanation | None


def compare(expected: Expected, view: AgentView, decision: Decision) -> tuple[str, ...]:
    """What is not as expected, in words."""
    clock = next((clock for clock in decision.clocks if clock.metric is Metric.FIRST_REPLY), None)
    found = {
        "priority": (view.priority, expected.priority),
        "due": (view.fields.get("SLA first reply due"), expected.due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        "state": (clock.state.value if clock else None, expected.state),
        "clause": (any(text.startswith(expected.clause) for text in reasons(decision)), True),
        **{tag: (tag in view.tags, True) for tag in (f"sla_priority_{expected.priority}", *expected.tags)},
    }
    return tuple(f"{what}: {is_} instead of {should}" for what, (is_, should) in found.items() if is_ != should)


def reasons(decision: Decision) -> list[str]:
    """Why: the clauses behind the priority and the clocks."""
    return [*decision.priority.because, *(clock.because for clock in decision.clocks)]


def print_results(results: Sequence[Result], complaints: Sequence[Complaint]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_PIPE)
    table = Table(title="What stands on the tickets", title_justify="left", show_lines=True)
    for heading in ("Ticket", "Decided", "Why", "Written"):
        table.add_column(heading, overflow="fold")
    for result in results:
        table.add_row(
            f"[bold]{result.account} {result.view.id}[/bold]\n{result.decision.channel}\n{result.view.subject}",
            _decided(result),
            "\n".join(reasons(result.decision)),
            _written(result) if not result.wrong else "[red]" + "\n".join(result.wrong) + "[/red]",
        )
    console.print(table)
    for result in results:
        if result.shown:
            _print_notes(console, result)
    for result in results:
        if result.explanation is not None:
            console.print(f"\n[bold]Why ticket {result.account} {result.view.id} was due when it was[/bold]\n")
            print_explanation(console, result.explanation, (), result.zone)
    _print_register(console, complaints)
    good = sum(not result.wrong for result in results)
    console.print(f"\n{good} of {len(results)} tickets came out as expected.")


def _decided(result: Result) -> str:
    lines = [f"priority {result.decision.priority.value}"]
    for clock in result.decision.clocks:
        due = clock.due_at.astimezone(result.zone).strftime("%a %d %b %H:%M")
        lines.append(f"{clock.metric.replace('_', ' ')}: {due}, {clock.state.replace('_', ' ')}")
    return "\n".join(lines)


def _written(result: Result) -> str:
    view = result.view
    tags = "\n".join(sorted(tag for tag in view.tags if tag.startswith("sla_")))
    notes = f"{len(view.notes)} {'note' if len(view.notes) == 1 else 'notes'}"
    return f"{tags}\n{len(view.fields)} fields, {notes}, {view.writes} {'write' if view.writes == 1 else 'writes'}"


def _print_notes(console: Console, result: Result) -> None:
    notes = Text("\n\n".join(result.view.notes))
    title = f"Private notes on ticket {result.account} {result.view.id}: {result.view.subject}"
    console.print(Panel(notes, title=title, title_align="left"))


def _print_register(console: Console, complaints: Sequence[Complaint]) -> None:
    table = Table(title="The complaint register", title_justify="left")
    for heading in ("Number", "Ticket", "Stage", "Received", "Events"):
        table.add_column(heading)
    for one in complaints:
        table.add_row(
            one.number or "(suspicion)",
            str(one.key),
            one.stage,
            one.received_at.strftime("%Y-%m-%d %H:%M UTC"),
            ", ".join(event.what for event in one.events),
        )
    console.print()
    console.print(table)


def document(result: Result) -> dict[str, Any]:
    """A result ready for JSON."""
    view = result.view
    return {
        "account": result.account,
        "id": view.id,
        "channel": result.decision.channel,
        "subject": view.subject,
        "status": view.status,
        "priority": view.priority,
        "tags": sorted(view.tags),
        "fields": dict(view.fields),
        "notes": list(view.notes),
        "writes": view.writes,
        "because": reasons(result.decision),
        "as_expected": not result.wrong,
        "wrong": list(result.wrong),
    }
