"""``oneclick-sla dead``: the tickets that wait for a person, because looking at them failed for good."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli.options import config_option, json_option, opened_database
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.ledger import SqlLedger

_AT_ONCE = 1000

all_option = click.option("--all", "everything", is_flag=True, help="All of ACCOUNT, or of every account.")


@click.group()
def dead() -> None:
    """List the tickets that wait for a person, and take them back to work or forget them."""


@dead.command(name="list")
@click.argument("account", required=False)
@config_option
@json_option
def list_(account: str | None, config_path: Path | None, as_json: bool) -> None:
    """Show what waits, of ACCOUNT or of every account, the latest first."""
    with _ledger(config_path) as ledger:
        waiting = ledger.dead(limit=_AT_ONCE, account=account)
        count = ledger.count_dead(account)
    if as_json:
        rows = [
            {
                "account": ticket.key.account,
                "ticket": ticket.key.id,
                "dead_at": ticket.dead_at.isoformat(),
                "attempts": ticket.attempts,
                "reason": ticket.reason,
            }
            for ticket in waiting
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if waiting:
        table = Table(box=None)
        for heading in ("account", "ticket", "since", "attempts", "reason"):
            table.add_column(heading, overflow="fold")
        for ticket in waiting:
            since = ticket.dead_at.isoformat(timespec="seconds")
            table.add_row(ticket.key.account, ticket.key.id, since, str(ticket.attempts), ticket.reason)
        Console().print(table)
    shown = f" (the latest {len(waiting)} are shown)" if count > len(waiting) else ""
    click.echo(f"{count} {'ticket waits' if count == 1 else 'tickets wait'} for a person{shown}")


@dead.command()
@click.argument("account", required=False)
@click.argument("tickets", nargs=-1)
@all_option
@config_option
def retry(account: str | None, tickets: Sequence[str], everything: bool, config_path: Path | None) -> None:
    """Look again at TICKETS of ACCOUNT, at once and with attempts counted anew."""
    with _ledger(config_path) as ledger:
        number = _each(ledger, account, tickets, everything, lambda keys: ledger.retry(keys, system_clock()))
    click.echo(f"{number} back to work")


@dead.command()
@click.argument("account", required=False)
@click.argument("tickets", nargs=-1)
@all_option
@config_option
def drop(account: str | None, tickets: Sequence[str], everything: bool, config_path: Path | None) -> None:
    """Forget TICKETS of ACCOUNT, until their next webhook."""
    with _ledger(config_path) as ledger:
        number = _each(ledger, account, tickets, everything, ledger.drop)
    click.echo(f"{number} forgotten")


def _each(
    ledger: SqlLedger,
    account: str | None,
    tickets: Sequence[str],
    everything: bool,
    act: Callable[[list[TicketKey]], int],
) -> int:
    if everything == bool(tickets) or (tickets and account is None):
        raise click.UsageError("name an account and tickets, or --all")
    if account is not None and tickets:
        number = act([TicketKey(account, ticket) for ticket in tickets])
        if number < len(set(tickets)):
            raise click.ClickException(f"{len(set(tickets)) - number} of these are not on the dead list; {number} done")
        return number
    number = 0
    while keys := [ticket.key for ticket in ledger.dead(limit=_AT_ONCE, account=account)]:
        number += act(keys)
    return number


@contextmanager
def _ledger(config_path: Path | None) -> Iterator[SqlLedger]:
    with opened_database(load_config(config_path, secrets_may_be_missing=True)) as database:
        ledger = SqlLedger(database)
        try:
            yield ledger
        finally:
            ledger.close()
