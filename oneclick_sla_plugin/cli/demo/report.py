"""The demo on a screen: the helpdesks side by side, notes as agents read them, a deadline, a complaint, the register."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.cli.complaint_screen import print_complaints, print_totals, print_verification
from oneclick_sla_plugin.cli.demo.results import Chapter, Helpdesk, Outcome, Performance, Result, first_reply
from oneclick_sla_plugin.cli.demo.sheet_text import plain_sheet
from oneclick_sla_plugin.cli.explanation import print_explanation
from oneclick_sla_plugin.cli.screen import day, instant, listed, printable, printable_lines, short_instant

_UTC = ZoneInfo("UTC")
_MARKS = "¹²³⁴⁵⁶⁷⁸⁹"


class Footnotes:
    """What helpdesks cannot do, numbered; the same shortcoming of two has one number."""

    def __init__(self, helpdesks: Iterable[Helpdesk]) -> None:
        self._owners: dict[str, list[str]] = {}
        for helpdesk in helpdesks:
            for text in helpdesk.shortcomings():
                self._owners.setdefault(text, []).append(helpdesk.name)

    def marks(self, texts: Iterable[str]) -> str:
        numbers = [list(self._owners).index(text) for text in texts]
        return " ".join(_MARKS[n] if n < len(_MARKS) else f"({n + 1})" for n in numbers)

    def lines(self) -> Iterator[tuple[str, str]]:
        for text, owners in self._owners.items():
            yield self.marks([text]), f"{listed(owners, 'and')}: {text}"


def print_report(console: Console, performance: Performance) -> None:
    """Everything that the demo shows, and the verdict."""
    results = performance.results
    _introduce(console, performance)
    print_comparison(console, results)
    print_heading(console, "What agents read: private notes, with drafts to the customer")
    for result in results:
        if result.script.show:
            print_notes(console, result)
    for result in results:
        if result.explanation is not None:
            print_heading(console, f"Why “{result.script.subject}” was due when it was")
            print_explanation(console, result.explanation, (), result.account.zone)
    for result in results:
        if result.chapters:
            print_heading(console, f"One complaint, from message to closing: “{result.script.subject}”")
            print_chapters(console, result.chapters, result.account.zone)
            console.print()
            print_notes(console, result)
    print_register(console, performance)
    _conclude(console, performance)


def _introduce(console: Console, performance: Performance) -> None:
    names = listed((helpdesk.name for helpdesk in performance.helpdesks), "and")
    console.print(
        f"The same {counted(len(performance.results), 'message')} on {names}: simulated here, over HTTP, with signed "
        f"webhooks and updates through each one's API. The demo owns the time: {day(performance.began, _UTC)} to "
        f"{day(performance.ended, _UTC)}. ✓: all that was decided stands on the ticket.\n"
    )


def print_comparison(console: Console, results: Sequence[Result]) -> None:
    """All messages, what was decided on each, and what stands on the ticket of each helpdesk, in its own words."""
    helpdesks = [outcome.helpdesk for outcome in results[0].outcomes]
    footnotes = Footnotes(helpdesks)
    table = Table(box=None, padding=(0, 1, 1, 0), pad_edge=False, header_style="bold")
    table.add_column("message", ratio=3, overflow="fold")
    table.add_column("decided on each", ratio=5, overflow="fold")
    for helpdesk in helpdesks:
        table.add_column(printable(helpdesk.name), no_wrap=True)
    for result in results:
        cells = [_cell(result, outcome, footnotes) for outcome in result.outcomes]
        table.add_row(_message(result), _decided(result), *cells)
    cannot = [footnotes.marks(helpdesk.shortcomings()) or "–" for helpdesk in helpdesks]
    table.add_row(Text("what it cannot do", style="bold"), "", *cannot)
    console.print(table)
    notes = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    for mark, text in footnotes.lines():
        notes.add_row(mark, printable(text))
    console.print(notes)


def _message(result: Result) -> Text:
    script = result.script
    when = short_instant(script.at, result.account.zone)
    return Text.assemble(
        (script.subject, "bold"), "\n", script.channel.replace("_", " "), f", {when}\n", (result.account.policy, "dim")
    )


def _decided(result: Result) -> Text:
    decision = result.decision
    text = Text(f"{decision.priority.value} priority, {', '.join(decision.priority.because)}")
    clock = first_reply(decision)
    if clock is not None:
        due = short_instant(clock.due_at, result.account.zone)
        style = "red" if clock.state == "breached" else "green" if clock.state == "met" else ""
        text.append(f"\nfirst reply {due}, ")
        text.append(clock.state.replace("_", " "), style)
        text.append(f"\n{clock.because}", "dim")
    for finding in decision.findings:
        text.append(f"\n{finding.type.replace('_', ' ')} {finding.masked}", "magenta")
    if decision.complaint is not None:
        text.append(f"\ncomplaint, {decision.complaint.case.stage.replace('_', ' ')}", "magenta")
    return text


def _cell(result: Result, outcome: Outcome, footnotes: Footnotes) -> Text:
    view = outcome.view
    good = not outcome.wrong
    text = Text.assemble(("✓ " if good else "✗ ", "green" if good else "bold red"), str(view.priority))
    if not outcome.helpdesk.tells(result.script.channel):
        mark = footnotes.marks([outcome.helpdesk.mistaken_channels()])
        text.append(f"\nas {outcome.decision.channel.replace('_', ' ')} {mark}")
    text.append(f"\n{view.status}\n{counted(len(view.notes), 'note')}", "dim")
    return text


def print_notes(console: Console, result: Result) -> None:
    """The private notes on a message's ticket, drafts to the customer included, as agents of one helpdesk see them."""
    outcome = result.outcomes[0]
    notes: list[RenderableType] = []
    for note in outcome.view.notes:
        notes += [Text(printable_lines(note)), Rule(style="dim")]
    title = Text(printable(f"{result.script.subject}: private notes, as agents on {outcome.helpdesk.name} see them"))
    console.print(Panel(Group(*notes[:-1]), title=title, title_align="left", border_style="dim"))


def print_chapters(console: Console, chapters: Sequence[Chapter], zone: ZoneInfo) -> None:
    """How the complaint went on, with the next duty after each step."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("when", no_wrap=True)
    table.add_column("what happens", ratio=3)
    table.add_column("stage", no_wrap=True)
    table.add_column("next duty", ratio=3)
    for chapter in chapters:
        stage = Text(chapter.expected.replace("_", " "), "bold") if not chapter.wrong else Text("✗", "bold red")
        table.add_row(short_instant(chapter.at, zone), chapter.told, stage, _duty(chapter, zone))
    console.print(table)


def _duty(chapter: Chapter, zone: ZoneInfo) -> str:
    if chapter.duty is None:
        return "none"
    name = chapter.duty.metric.removeprefix("complaint_").replace("_", "-")
    return f"{name} by {instant(chapter.duty.due_at, zone)}"


def print_register(console: Console, performance: Performance) -> None:
    """The register as ``oneclick-sla complaints`` shows it, and the printed sheet."""
    register, zone = performance.register, performance.register.zone
    print_heading(console, "The complaint register: complaints list, verify, totals, sheet")
    print_complaints(console, register.complaints, zone)
    console.print()
    print_verification(console, register.verification)
    console.print()
    print_totals(console, register.totals, zone)
    console.print()
    with tempfile.NamedTemporaryFile(
        "w", prefix="oneclick-sla-demo-", suffix=".html", encoding="utf-8", delete=False
    ) as file:  # readable by the owner alone; it stays, to be opened with a browser and printed
        file.write(register.sheet)
    title = Text(f"The printed sheet: {file.name}")
    text = Text(printable_lines(plain_sheet(register.sheet)))
    console.print(Panel(text, title=title, title_align="left", border_style="dim"))


def _conclude(console: Console, performance: Performance) -> None:
    for what in performance.wrong:
        console.print(Text(f"✗ {printable(what)}", style="bold red"))
    count = len(performance.results)
    good = sum(not result.wrong for result in performance.results)
    names = listed((helpdesk.name for helpdesk in performance.helpdesks), "and")
    console.print(f"{good} of {counted(count, 'message')} came out as expected on {names}.")


def print_heading(console: Console, text: str) -> None:
    console.print()
    console.print(Rule(Text(text, style="bold"), align="left", style="dim"))
    console.print()


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
