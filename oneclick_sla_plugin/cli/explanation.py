"""An explanation on the screen, as a timeline a person can read, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.cli.screen import (
    days,
    heading,
    hours,
    instant,
    listed,
    printable,
    printable_lines,
    short_instant,
)
from oneclick_sla_plugin.domain.changes import Note
from oneclick_sla_plugin.domain.clocks import Clock, ClockState
from oneclick_sla_plugin.domain.explanation import (
    Candidate,
    ClockExplanation,
    Event,
    EventKind,
    Explanation,
    Requirement,
)
from oneclick_sla_plugin.domain.model import Metric, rfc3339
from oneclick_sla_plugin.domain.policy import Target
from oneclick_sla_plugin.domain.timeline import Reason, Segment

METRICS = {
    Metric.FIRST_REPLY: "First reply",
    Metric.NEXT_REPLY: "Next reply",
    Metric.UPDATE: "Update",
    Metric.RESOLUTION: "Resolution",
    Metric.COMPLAINT_ACK: "Complaint, acknowledgement",
    Metric.COMPLAINT_RESPONSE: "Complaint, answer",
    Metric.COMPLAINT_LEGAL: "Complaint, legal limit",
    Metric.COMPLAINT_FOLLOW_UP: "Complaint, follow-up",
}

_REASONS = {
    Reason.ELAPSED: "time elapses",
    Reason.OPEN: "open",
    Reason.BUSINESS_DAY: "business day",
    Reason.CLOSED: "closed",
    Reason.BREAK: "break",
    Reason.NO_BUSINESS_DAY: "no business day",
    Reason.HOLIDAY: "holiday",
    Reason.PAUSED: "paused",
}
_EVENTS = {
    EventKind.CREATED: "the ticket is created",
    EventKind.CUSTOMER_MESSAGE: "the customer writes",
    EventKind.AGENT_REPLY: "an agent answers",
    EventKind.AGENT_NOTE: "an agent's private note",
    EventKind.AGENT_CALL: "an agent calls",
    EventKind.OWN_MESSAGE: "a message of this program to the customer",
    EventKind.OWN_NOTE: "a note of this program",
    EventKind.SYSTEM_MESSAGE: "an automatic message",
    EventKind.STATUS: "status",
}
_STYLES = {
    ClockState.MET: "green",
    ClockState.BREACHED: "red",
    ClockState.RUNNING: "cyan",
    ClockState.PAUSED: "yellow",
    ClockState.DROPPED: "dim",
    ClockState.NOT_MEASURED: "dim",
}
_MOST_EVENTS = 20
"""More are shown as the first few and the last ones; all of them are in the JSON."""
_FIRST_EVENTS = 5
_MOST_ROWS = 40
"""The same for the rows of a timeline."""


def print_explanation(console: Console, told: Explanation, notes: Sequence[Note], zone: ZoneInfo) -> None:
    """Print everything but what is in messages; instants in ``zone``. ``notes``: those that would be written."""
    console.print(_head(told, zone))
    for clock in told.clocks:
        console.print()
        console.print(_clock(clock, told, zone))
    if not told.clocks:
        console.print()
        console.print(Text("No clock runs: no customer waits for an answer, or the policy promises none."))
    console.print()
    console.print(heading("What happened"))
    console.print(_indented(_events(told.events, zone)))
    console.print()
    console.print(heading("Notes that would be written"))
    for note in notes:
        console.print(_indented(Text(printable_lines(note.text))))
    if not notes:
        console.print(_indented(Text("none")))


def _head(told: Explanation, zone: ZoneInfo) -> Text:
    ticket, judged = told.ticket, told.judged
    text = heading(f"Ticket {printable(str(ticket.key))}")
    text.append(f" ({printable(ticket.platform)}, {judged.facts.channel}, {ticket.status})\n", style="not bold")
    text.append(
        f"Policy   {printable(str(told.policy))} as of {instant(told.now, zone)}, {zone.key}\n", style="not bold"
    )
    text.append(f"Kind     {judged.facts.kind}{', in a peak' if judged.facts.peak else ''}\n", style="not bold")
    because = printable("; ".join(judged.priority.because))
    text.append(f"Priority {judged.priority.value}: {because}", style="not bold")
    return text


def _indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, 2), expand=False)


# --- one clock ---------------------------------------------------------------------------------


def _clock(explained: ClockExplanation, told: Explanation, zone: ZoneInfo) -> Group:
    clock = explained.clock
    title = heading(METRICS[clock.metric])
    title.append(": ")
    title.append(_state(clock, told.now, zone), style=_STYLES[clock.state])
    parts: list[RenderableType] = [
        title,
        _indented(Text(f"due {instant(clock.due_at, zone)}\n{printable(clock.because)}")),
    ]
    own_zone = clock.promise.calendar.time_zone
    if own_zone.key != zone.key:
        parts.append(_indented(Text(f"The calendar's own zone is {own_zone.key}.")))
    parts += [_indented(Text(line)) for line in _beside(explained, zone)]
    parts += [Text(), _indented(_timeline(explained, told, zone))]
    if explained.candidates:
        parts += [Text(), _indented(_targets(explained.candidates, told))]
    return Group(*parts)


def _state(clock: Clock, now: datetime, zone: ZoneInfo) -> str:
    match clock.state:
        case ClockState.MET:
            how = " by an automatic acknowledgement" if clock.automatic else ""
            return f"met{how}, {instant(clock.met_at, zone)}" if clock.met_at else f"met{how}"
        case ClockState.BREACHED if clock.met_at:
            return f"breached, {days(clock.met_at - clock.due_at)} late"
        case ClockState.BREACHED:
            return f"breached, {days(now - clock.due_at)} ago"
        case ClockState.PAUSED:
            return "paused; the due instant moves on until it runs again"
        case ClockState.DROPPED:
            return "dropped: nobody waits any more"
        case ClockState.NOT_MEASURED:
            return "not measured: the platform does not show the messages"
    return f"running, {days(clock.due_at - now)} left"


def _beside(explained: ClockExplanation, zone: ZoneInfo) -> Iterator[str]:
    """What a reader must know beside the timeline: other readings, holidays, changes of the clock."""
    if len(explained.readings) > 1:
        yield "The words can be read in two ways:"
        for reading in explained.readings:
            mark = "as judged here" if reading.chosen else "the other reading"
            yield f"  {instant(reading.due_at, zone)}  as {reading.amount} ({mark})"
    if explained.extended_from is not None:
        yield f"Extended from {instant(explained.extended_from, zone)}"
    if explained.holidays:
        named = (f"{date.isoformat()} {printable(name)}".rstrip() for date, name in explained.holidays)
        yield f"Holidays: {'; '.join(named)}"
    for change in explained.clock_changes:
        way = "forward" if change.shift > timedelta(0) else "back"
        yield f"The clock goes {way} by {hours(abs(change.shift))}: {instant(change.at, zone)}"


def _timeline(explained: ClockExplanation, told: Explanation, zone: ZoneInfo) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    rows = sorted(_rows(explained, told, zone), key=lambda item: item[:2])
    if len(rows) > _MOST_ROWS:
        left_out = len(rows) - _MOST_ROWS
        gap = (rows[0][0], 0, (Text(""), Text(f"… {left_out} rows; --json has them all", style="dim"), "", ""))
        rows = [*rows[: _MOST_ROWS // 2], gap, *rows[-_MOST_ROWS // 2 :]]
    table.add_row(Text("from", style="dim"), "", Text("counts", style="dim"), Text("total", style="dim"))
    for _, _, row in rows:
        table.add_row(*row)
    return table


_Row = tuple[RenderableType, RenderableType, str, str]


def _rows(explained: ClockExplanation, told: Explanation, zone: ZoneInfo) -> Iterator[tuple[datetime, int, _Row]]:
    """The rows of the timeline with what orders them; at one instant what ends stands before what begins."""
    clock = explained.clock

    def point(at: datetime, text: str, style: str = "") -> tuple[datetime, int, _Row]:
        return at, 1, (Text(short_instant(at, zone), style=style), Text(f"● {text}", style=style), "", "")

    yield clock.started_at, 0, (Text(short_instant(clock.started_at, zone)), Text("● the clock starts"), "", "")
    for segment in explained.segments:
        yield segment.begins, 2, _segment(segment, zone)
    for step in clock.steps:
        yield point(step.at, f"{'warning' if step.before_due else 'escalation'} “{step.name}”", "yellow")
    yield point(clock.due_at, "due", "bold")
    if clock.met_at is not None:
        yield point(clock.met_at, "what was promised happens", "green" if clock.met_at <= clock.due_at else "red")
    yield point(told.now, "as of now", "dim")


def _segment(segment: Segment, zone: ZoneInfo) -> _Row:
    counts = segment.counted > timedelta(0)
    what = _REASONS[segment.reason] + (f" {printable(segment.name)}" if segment.name else "")
    if not counts:
        what += f", {days(segment.ends - segment.begins)}"
    style = "" if counts else "dim"
    when = Text(short_instant(segment.begins, zone), style=style)
    row = (when, Text(f"│ {what}", style=style))
    return (*row, hours(segment.counted), hours(segment.total)) if counts else (*row, "–", "")


def _targets(found: Iterable[Candidate], told: Explanation) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    found = tuple(found)
    for candidate in found:
        if not candidate.asked:
            continue
        table.add_row("✓" if candidate.chosen else "✗", Text(f"{candidate.target.name}: {candidate.target.within}"))
        wanted = candidate.requirements if candidate.chosen else [r for r in candidate.requirements if not r.holds]
        for requirement in wanted:
            table.add_row("", Text(f"  {_requirement(requirement, told)}", style="" if requirement.holds else "red"))
        if candidate.chosen and not wanted:
            table.add_row("", Text("  asks nothing of the ticket"))
    rest = ", ".join(candidate.target.name for candidate in found if not candidate.asked)
    if rest:
        table.add_row("", Text(f"not asked, since the first match wins: {rest}", style="dim"))
    return table


def _requirement(requirement: Requirement, told: Explanation) -> str:
    found = ", ".join(printable(word) for word in requirement.found) or "none"
    channel = told.judged.facts.channel
    if requirement.name == "channels" and channel not in told.policy.channels:
        found += f" (which {channel} follows)"
    return f"{requirement.name.replace('_', ' ')}: {listed(requirement.asks)} wanted, {found} found"


def _events(events: Sequence[Event], zone: ZoneInfo) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    shown: Sequence[Event | None] = events
    if len(events) > _MOST_EVENTS:
        shown = [*events[:_FIRST_EVENTS], None, *events[_FIRST_EVENTS - _MOST_EVENTS :]]
    for event in shown:
        if event is None:
            table.add_row("", Text(f"… {len(events) - _MOST_EVENTS} more; --json has them all", style="dim"))
        else:
            status = f" {event.status}" if event.status else ""
            table.add_row(Text(instant(event.at, zone)), Text(_EVENTS[event.kind] + status))
    return table


# --- as data -----------------------------------------------------------------------------------


def explanation_document(told: Explanation, notes: Iterable[Note]) -> dict[str, Any]:
    """The same as data; instants in UTC, durations in seconds."""
    ticket, judged = told.ticket, told.judged
    return {
        "ticket": f"{ticket.platform}/{ticket.account}/{ticket.id}",
        "policy": str(told.policy),
        "now": rfc3339(told.now),
        "channel": judged.facts.channel,
        "kind": judged.facts.kind,
        "peak": judged.facts.peak,
        "status": ticket.status,
        "state": judged.state,
        "priority": {"value": judged.priority.value, "because": list(judged.priority.because)},
        "clocks": [_clock_document(clock) for clock in told.clocks],
        "events": [
            {"at": rfc3339(event.at), "kind": event.kind, **({"status": event.status} if event.status else {})}
            for event in told.events
        ],
        "notes": [{"key": note.key, "text": note.text} for note in notes],
    }


def _clock_document(explained: ClockExplanation) -> dict[str, Any]:
    clock, promise = explained.clock, explained.clock.promise
    return {
        "metric": clock.metric,
        "state": clock.state,
        "started_at": rfc3339(clock.started_at),
        "warn_at": rfc3339(clock.warn_at) if clock.warn_at else None,
        "due_at": rfc3339(clock.due_at),
        "met_at": rfc3339(clock.met_at) if clock.met_at else None,
        "automatic": clock.automatic,
        "clause": promise.clause,
        "target": promise.name if isinstance(promise, Target) else None,
        "within": str(promise.within) if isinstance(promise, Target) else None,
        "calendar": promise.calendar_name,
        "time_zone": promise.calendar.time_zone.key,
        "because": clock.because,
        "extended_from": rfc3339(explained.extended_from) if explained.extended_from else None,
        "readings": [
            {"within": str(reading.amount), "due_at": rfc3339(reading.due_at), "chosen": reading.chosen}
            for reading in explained.readings
        ],
        "targets": [_candidate_document(candidate) for candidate in explained.candidates],
        "segments": [
            {
                "from": rfc3339(segment.begins),
                "to": rfc3339(segment.ends),
                "counted_seconds": segment.counted.total_seconds(),
                "total_seconds": segment.total.total_seconds(),
                "reason": segment.reason,
                "name": segment.name or None,
            }
            for segment in explained.segments
        ],
        "pauses": [
            {"from": rfc3339(pause.begins), "to": rfc3339(pause.ends), "status": pause.status} for pause in clock.pauses
        ],
        "steps": [{"name": step.name, "at": rfc3339(step.at), "before_due": step.before_due} for step in clock.steps],
        "holidays": [{"date": date.isoformat(), "name": name} for date, name in explained.holidays],
        "clock_changes": [
            {"at": rfc3339(change.at), "shift_seconds": change.shift.total_seconds()}
            for change in explained.clock_changes
        ],
    }


def _candidate_document(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.target.name,
        "clause": candidate.target.clause,
        "within": str(candidate.target.within),
        "chosen": candidate.chosen,
        "asked": candidate.asked,
        "requirements": [
            {
                "name": requirement.name,
                "asks": list(requirement.asks),
                "found": list(requirement.found),
                "holds": requirement.holds,
            }
            for requirement in candidate.requirements
        ],
    }
