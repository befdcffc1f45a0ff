"""``oneclick-sla simulate``: what another policy would have made of the same tickets."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO, TypeVar

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from oneclick_sla_plugin.bootstrap import Program, build, system_clock
from oneclick_sla_plugin.cli.options import account_of, config_option, json_option, read_instant
from oneclick_sla_plugin.cli.screen import error_screen, print_json, screen
from oneclick_sla_plugin.cli.simulation import ClockSheet, Outcome, print_outcome, simulation_document
from oneclick_sla_plugin.cli.ticket_lines import MAX_LINE_BYTES, lines_of
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.domain.calendar import OutOfOpenTime
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.domain.simulation import Simulation
from oneclick_sla_plugin.errors import InputError, TemporaryPlatformError, TicketGone
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.ports import Connection, TicketPage
from oneclick_sla_plugin.ticket_json import parse_ticket

_HISTORY = timedelta(days=30)
_REFRESH = 100
"""Tickets between two movements of the progress bar."""
_ATTEMPTS = 5
_PAUSE = timedelta(seconds=10)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a file, or one ticket of an account: ``where`` it stands, and the ticket or what is wrong."""

    where: str
    ticket: Ticket | None
    problem: str
    position: int
    """How far the source is read, in the unit of the progress bar."""


@click.command()
@click.option("--policy", "new_name", required=True, metavar="NEW", help="The policy to try: an id or a .toml file.")
@click.option("--against", "old_name", required=True, metavar="OLD", help="The policy to compare it with.")
@click.option("--account", metavar="ACCOUNT", help="Take the tickets of this account instead of FILE.")
@config_option
@click.option(
    "--since",
    callback=read_instant,
    metavar="INSTANT",
    help="With --account: tickets changed since then, and all unsolved ones; the last 30 days by default.",
)
@click.option(
    "--now",
    callback=read_instant,
    metavar="INSTANT",
    help="The instant to judge at; for each ticket its last update by default.",
)
@click.option(
    "--csv",
    "csv_file",
    type=click.File("w", encoding="utf-8"),
    metavar="FILE",
    help="Write every clock of every ticket under both policies into FILE.",
)
@click.option(
    "--changed",
    "most_changed",
    type=click.IntRange(0, 10_000),
    default=20,
    show_default=True,
    metavar="N",
    help="How many of the tickets that change are listed.",
)
@json_option
@click.argument("tickets", type=click.File("rb"), default="-", metavar="[FILE]")
@click.pass_context
def simulate(
    ctx: click.Context,
    new_name: str,
    old_name: str,
    account: str | None,
    config_path: Path | None,
    since: datetime | None,
    now: datetime | None,
    csv_file: TextIO | None,
    most_changed: int,
    as_json: bool,
    tickets: BinaryIO,
) -> None:
    """Compare policy NEW with policy OLD over tickets from FILE (JSON Lines), standard input or an account.

    Shows the share met per channel and metric under each, and the tickets that
    change. Tickets are read one by one, and nothing is written to a helpdesk. A
    line that is no ticket is counted and reported; the exit status is then 1.
    """
    if account is None and (since is not None or config_path is not None):
        raise click.UsageError("--since and --config belong to --account")
    if account is not None and tickets.name not in ("-", "<stdin>"):
        raise click.UsageError("tickets come from FILE or from --account, not from both")
    policies = Plugins.load().policies
    outcome = Outcome(Simulation(find_policy(old_name, policies), find_policy(new_name, policies)), most_changed)
    sheet = ClockSheet(csv_file) if csv_file is not None else None
    with _account(account, config_path) if account is not None else nullcontext() as program:
        if program is not None and account is not None:
            items = tickets_of_account(program.accounts[account].connection, since or system_clock() - _HISTORY)
            total = None
        else:
            items, total = tickets_of_file(tickets), size_of(tickets)
        for item in _shown(items, total):
            _take(item, outcome, now, sheet)
    for where, problem in outcome.problems:
        click.echo(f"{where}: {problem}", err=True)
    if outcome.refused > len(outcome.problems):
        click.echo(f"and {outcome.refused - len(outcome.problems):,} more that are no tickets", err=True)
    if as_json:
        print_json(simulation_document(outcome))
    else:
        print_outcome(screen(), outcome)
    ctx.exit(1 if outcome.refused else 0)


def _take(item: Item, outcome: Outcome, now: datetime | None, sheet: ClockSheet | None) -> None:
    ticket = item.ticket
    if ticket is None:
        outcome.refuse(item.where, item.problem)
        return
    try:
        comparison = outcome.simulation.add(ticket, now or ticket.updated_at)
    except (OutOfOpenTime, OverflowError):
        outcome.refuse(item.where, "an instant lies further away than the calendars of the policies reach")
        return
    outcome.note(ticket, comparison)
    if sheet is not None:
        sheet.write(ticket, comparison)


def _shown(items: Iterable[Item], total: int | None) -> Iterator[Item]:
    """The same items, with a bar on standard error while a person watches."""
    console = error_screen()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("0 tickets", total=total)
        for number, item in enumerate(items, start=1):
            yield item
            if number % _REFRESH == 0:
                progress.update(task, completed=item.position, description=f"{number:,} tickets")


# --- from a file -------------------------------------------------------------------------------


def tickets_of_file(tickets: BinaryIO) -> Iterator[Item]:
    """Each line that is not blank, one at a time."""
    position = 0
    for number, line in enumerate(lines_of(tickets, MAX_LINE_BYTES), start=1):
        position += len(line)
        text = line.strip().removeprefix(_BOM)
        if not text:
            continue
        where = f"line {number}"
        if len(line) > MAX_LINE_BYTES:
            yield Item(where, None, f"is longer than {MAX_LINE_BYTES} bytes", position)
            continue
        try:
            yield Item(where, parse_ticket(text), "", position)
        except InputError as error:
            yield Item(where, None, "; ".join(str(problem) for problem in error.problems), position)


def size_of(tickets: BinaryIO) -> int | None:
    """How many bytes will be read; ``None`` for a pipe, which does not say."""
    try:
        found = os.fstat(tickets.fileno())
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


# --- from an account ---------------------------------------------------------------------------


def _wait(pause: timedelta) -> None:
    time.sleep(pause.total_seconds())


def _account(name: str, config_path: Path | None) -> Program:
    config = load_config(config_path)
    account_of(config, name)
    return build(config)


def tickets_of_account(
    connection: Connection, since: datetime | None, wait: Callable[[timedelta], None] = _wait
) -> Iterator[Item]:
    """Tickets changed since then (``None``: without those), and all that are unsolved, each once; ``wait`` lets a platform's pause pass.

    What is kept meanwhile are the ids, since a ticket may be on both lists.
    """
    seen: set[str] = set()

    def read(page: TicketPage) -> Iterator[Item]:
        for ticket_id in page.ticket_ids:
            if ticket_id in seen:
                continue
            seen.add(ticket_id)
            try:
                ticket = _patiently(partial(connection.read, ticket_id), wait)
            except TicketGone:  # deleted or merged away since it was listed
                continue
            yield Item(f"ticket {ticket_id}", ticket, "", len(seen))

    lists: list[Callable[[str | None], TicketPage]] = [connection.unsolved]
    if since is not None:
        lists.insert(0, partial(connection.changed, since))
    for ask in lists:
        cursor: str | None = None
        more = True
        while more:
            page = _patiently(partial(ask, cursor), wait)
            yield from read(page)
            cursor, more = page.cursor, page.more


_T = TypeVar("_T")


def _patiently(ask: Callable[[], _T], wait: Callable[[timedelta], None]) -> _T:
    """Ask again when the platform wants us to wait: reading a history may use up a quota more than once."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except TemporaryPlatformError as error:
            wait(error.retry_after or _PAUSE)
    return ask()
