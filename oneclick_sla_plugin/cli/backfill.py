"""``oneclick-sla backfill``: tickets that were there before the program enter, at a polite pace."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from oneclick_sla_plugin.bootstrap import Program, build
from oneclick_sla_plugin.cli.options import account_of, config_option
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.observability import configure_logging
from oneclick_sla_plugin.ports import TicketPage

_TRIES = 5
_PAUSE = timedelta(seconds=10)

Wait = Callable[[timedelta], None]


@click.command()
@click.argument("account")
@click.option("--open", "open_only", is_flag=True, required=True, help="All tickets that are not solved or closed.")
@click.option("--rate", type=click.IntRange(1, 6000), default=60, show_default=True, help="Tickets a minute, at most.")
@click.option("--restart", is_flag=True, help="Begin anew instead of where the last backfill was interrupted.")
@config_option
@click.pass_context
def backfill(
    ctx: click.Context, account: str, open_only: bool, rate: int, restart: bool, config_path: Path | None
) -> None:
    """Mark ACCOUNT's existing tickets, so that the running program looks at them.

    Stop it with Ctrl-C at any time; the same command goes on at the page it was at. Marking a ticket twice does no harm.
    """
    del open_only  # the only choice there is; named so that others can be added
    configure_logging("error")
    config = load_config(config_path)
    account_of(config, account)
    with build(config) as program:
        if restart:
            program.states.change(account, lambda state: replace(state, backfill=None))
        run = Backfill(program, account, rate=rate)
        with _bar() as tell:
            try:
                run(tell)
            except KeyboardInterrupt:
                click.echo(f"stopped after {run.marked} tickets; the same command goes on at this page", err=True)
                ctx.exit(1)
    click.echo(f"{run.marked} tickets marked")


class Backfill:
    """Marks the unsolved tickets of an account page by page; the cursor in the store is that of the next page."""

    def __init__(self, program: Program, account: str, *, rate: int, wait: Wait | None = None) -> None:
        """``rate``: tickets a minute."""
        self._program = program
        self._account = account
        self._pause = timedelta(minutes=1) / rate
        self._wait = wait or (lambda pause: time.sleep(pause.total_seconds()))
        self.marked = 0

    def __call__(self, tell: Callable[[int, int | None], None]) -> None:
        """``tell`` hears how many are marked, and of how many once that is known.

        Raises the platform's errors after some patience, and ``StoreError``.
        """
        while True:
            page = self._page(self._program.states.get(self._account).backfill)
            for ticket_id in page.ticket_ids:
                self._program.ledger.mark([TicketKey(self._account, ticket_id)], self._program.clock(), backlog=True)
                self.marked += 1
                tell(self.marked, None)
                self._wait(self._pause)
            self._remember(page.cursor if page.more else None)
            if not page.more:
                tell(self.marked, self.marked)
                return

    def _remember(self, cursor: str | None) -> None:
        self._program.states.change(self._account, lambda state: replace(state, backfill=cursor))

    def _page(self, cursor: str | None) -> TicketPage:
        connection = self._program.accounts[self._account].connection
        for tried in range(1, _TRIES + 1):
            try:
                return connection.unsolved(cursor)
            except TemporaryPlatformError as error:
                if tried == _TRIES:
                    raise
                self._wait(error.retry_after or _PAUSE * tried)
        raise AssertionError("the last try returns or raises")


@contextmanager
def _bar() -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal; silence elsewhere."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("marked"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("marked", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)
