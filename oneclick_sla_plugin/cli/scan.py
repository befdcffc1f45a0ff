"""``oneclick-sla scan``: where sensitive data stands in files or in an account's tickets; never the data itself."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from oneclick_sla_plugin.analysing import Analyst, detector_settings
from oneclick_sla_plugin.bootstrap import build
from oneclick_sla_plugin.cli.options import account_of, config_option, json_option
from oneclick_sla_plugin.cli.screen import error_screen, printable, screen
from oneclick_sla_plugin.cli.simulate import Item, size_of, tickets_of_account, tickets_of_file
from oneclick_sla_plugin.cli.text_stream import findings_of, pieces_of
from oneclick_sla_plugin.config import Config, SensitiveConfig, load_config
from oneclick_sla_plugin.detectors.scanner import DetectorFailure, Scanner
from oneclick_sla_plugin.domain.sensitive import Finding, Level
from oneclick_sla_plugin.observability import configure_logging
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ticket_json import finding_document

_STDIN = "-"
_SOURCES = ("files", "tickets")
_MOST_TOLD = 20
"""So many things that could not be read are described; the others are counted."""

Moved = Callable[[int], None]
"""Hears how far the source is read, in the unit of the progress bar."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--account", metavar="ACCOUNT", help="Scan this account's unsolved tickets; with FILES, its settings hold."
)
@click.option("--jsonl", is_flag=True, help="FILES hold one ticket a line, as `decide` reads them.")
@config_option
@json_option
@click.pass_context
def scan(
    ctx: click.Context, files: Sequence[Path], account: str | None, jsonl: bool, config_path: Path | None, as_json: bool
) -> None:
    """Show where card numbers, passwords, keys and the like stand in FILES; - is standard input.

    With --account and no FILES, in the account's unsolved tickets. Values are shown masked only.
    The exit status is 1 when something is sure enough to be a warning, 2 when something could not be read.
    """
    if not files and account is None:
        raise click.UsageError("name files, or - for standard input, or --account")
    if jsonl and not files:
        raise click.UsageError("--jsonl belongs to FILES")
    config = load_config(config_path, secrets_may_be_missing=bool(files)) if account or config_path else None
    sensitive = SensitiveConfig()
    if config is not None and account is not None:
        sensitive = account_of(config, account).sensitive
    configure_logging("error")
    report = JsonReport(sys.stdout.buffer.write) if as_json else ScreenReport(screen())
    if files:
        plugins = Plugins.load(blocked=config.blocked_plugins if config else ())
        run = Run(plugins, sensitive, report)
        for file in files:
            run.file(file, jsonl=jsonl)
    elif config is not None and account is not None:
        run = _scanned_account(config, account, sensitive, report)
    report.end(run.totals())
    sys.stdout.flush()
    ctx.exit(1 if run.levels[Level.WARN] else 2 if run.unreadable else 0)


def _scanned_account(config: Config, name: str, sensitive: SensitiveConfig, report: Report) -> Run:
    with build(config) as program:
        run = Run(program.plugins, sensitive, report)
        run.tickets(tickets_of_account(program.accounts[name].connection, None), f"account {name}", None)
        return run


class Report(Protocol):
    """Where findings go as they are found: no list of them is kept. ``beside_a_bar``: one may be shown meanwhile."""

    beside_a_bar: bool

    def tell(self, place: Mapping[str, str], finding: Finding) -> None:
        """``place``: the file, or the ticket and the message."""
        ...

    def end(self, totals: Mapping[str, Any]) -> None: ...


class Run:
    """One scan over all that was named. ``levels`` and ``types`` count findings, ``unreadable`` what was left out."""

    def __init__(self, plugins: Plugins, sensitive: SensitiveConfig, report: Report) -> None:
        """Raises ``ConfigError`` for own patterns that cannot be used."""
        settings = detector_settings(sensitive)
        self._scanner = Scanner(plugins.detectors.values(), settings)
        self._analyst = Analyst(plugins.detectors.values(), (), settings)
        self._report = report
        self._failed: set[str] = set()
        self.levels: Counter[Level] = Counter()
        self.types: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.unreadable = 0

    def file(self, path: Path, *, jsonl: bool) -> None:
        """Scan a file, or standard input for ``-``; one that cannot be read is reported and counted."""
        name = str(path)
        try:
            with ExitStack() as stack:
                is_stdin = name == _STDIN
                file: BinaryIO = sys.stdin.buffer if is_stdin else stack.enter_context(path.open("rb"))
                if jsonl:
                    self.tickets(tickets_of_file(file), name, size_of(file))
                else:
                    self._text(file, name)
        except OSError as error:
            self._leave_out(f"{printable(name)}: {error.strerror or 'cannot be read'}")

    def tickets(self, items: Iterable[Item], name: str, total: int | None) -> None:
        """Scan the messages of tickets that a running program would scan: customers', and agents' public ones."""
        with _bar(printable(name), total, wanted=self._report.beside_a_bar) as moved:
            for item in items:
                if item.ticket is None:
                    self._leave_out(f"{printable(name)}: {item.where}: {item.problem}")
                else:
                    self.sources["tickets"] += 1
                    ticket = item.ticket
                    key = f"{ticket.platform}/{ticket.account}/{ticket.id}"
                    for finding in self._analyst(ticket).findings:
                        self._found({"ticket": key, "message": finding.message}, finding)
                moved(item.position)

    def totals(self) -> dict[str, Any]:
        return {
            **self.sources,
            "unreadable": self.unreadable,
            "findings": {level.value: self.levels[level] for level in Level},
            "types": dict(sorted(self.types.items())),
        }

    def _text(self, file: BinaryIO, name: str) -> None:
        self.sources["files"] += 1
        with _bar(printable(name), size_of(file), wanted=self._report.beside_a_bar) as moved:

            def texts() -> Iterator[str]:
                for text, read in pieces_of(file):
                    yield text
                    moved(read)

            for finding in findings_of(texts(), self._scanner, self._tell_failure):
                self._found({"file": name}, finding)

    def _found(self, place: Mapping[str, str], finding: Finding) -> None:
        self.levels[finding.level] += 1
        self.types[finding.type] += 1
        self._report.tell(place, finding)

    def _leave_out(self, why: str) -> None:
        self.unreadable += 1
        if self.unreadable <= _MOST_TOLD:
            click.echo(why, err=True)

    def _tell_failure(self, failure: DetectorFailure) -> None:
        if failure.detector not in self._failed:
            self._failed.add(failure.detector)
            click.echo(f'the detector "{failure.detector}" failed ({failure.error}); the others were asked', err=True)


class ScreenReport:
    """Lines for a person: a heading for each file or message, a line for each finding, totals."""

    def __init__(self, console: Console) -> None:
        self.beside_a_bar = True
        self._console = console
        self._place: Mapping[str, str] = {}

    def tell(self, place: Mapping[str, str], finding: Finding) -> None:
        if place != self._place:
            self._place = place
            self._print(Text(", ".join(_named(what, name) for what, name in place.items()), style="bold"))
        # Characters are counted from 1 here, as in the notes on tickets.
        where = f"{finding.start + 1}-{finding.end}"
        style = "bold red" if finding.level is Level.WARN else ""
        self._print(
            Text.assemble(
                f"  {where:<19} ",
                (f"{finding.level:<8}", style),
                f" {finding.type:<12} {finding.confidence:.2f}  {printable(finding.masked)}",
            )
        )

    def end(self, totals: Mapping[str, Any]) -> None:
        sources = [
            f"{totals[what]:,} {what if totals[what] != 1 else what[:-1]}" for what in _SOURCES if what in totals
        ]
        unread = f", {totals['unreadable']:,} not read" if totals["unreadable"] else ""
        levels = ", ".join(f"{count:,} {level}" for level, count in totals["findings"].items())
        self._print(Text(f"{' and '.join(sources) or 'nothing'} scanned{unread}: {levels}", style="bold"))
        for name, count in totals["types"].items():
            self._print(Text(f"  {name:<20} {count:>7,}"))

    def _print(self, line: Text) -> None:
        self._console.print(line, overflow="fold")


def _named(what: str, name: str) -> str:
    if what == "file":
        return "standard input" if name == _STDIN else printable(name)
    return f"{what} {printable(name)}"


class JsonReport:
    """One JSON document, written as it grows, so that memory does not grow with the findings."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.beside_a_bar = not sys.stdout.isatty()  # its bytes do not go through the console
        self._write = write
        self._separator = '{"findings": ['

    def tell(self, place: Mapping[str, str], finding: Finding) -> None:
        document = {**finding_document(finding), **place}
        if "message" not in place:
            del document["message"]
        self._put(f"{self._separator}\n{json.dumps(document, ensure_ascii=False)}")
        self._separator = ","

    def end(self, totals: Mapping[str, Any]) -> None:
        begun = "" if self._separator == "," else self._separator
        self._put(f'{begun}\n], "summary": {json.dumps(totals)}}}\n')

    def _put(self, text: str) -> None:
        self._write(text.encode("utf-8", "replace"))


@contextmanager
def _bar(name: str, total: int | None, *, wanted: bool) -> Iterator[Moved]:
    """A bar on standard error while a person watches; the findings are printed above it."""
    console = error_screen()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    # Only what goes to the same terminal is led through the bar; a pipe gets its bytes.
    with Progress(
        *columns,
        console=console,
        disable=not (wanted and console.is_terminal),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as progress:
        task = progress.add_task(name, total=total)
        yield lambda position: progress.update(task, completed=position)
