"""``oneclick-sla complaints``: the complaint register, read, checked, exported and printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.table import Table

from oneclick_sla_plugin.bootstrap import connect, system_clock
from oneclick_sla_plugin.cli.complaint_screen import print_complaints, print_totals, print_verification, short
from oneclick_sla_plugin.cli.complaint_sheet import sheet as sheet_of
from oneclick_sla_plugin.cli.complaint_table import (
    COMPLAINT_COLUMNS,
    EVENT_COLUMNS,
    complaint_document,
    complaint_rows,
    event_document,
    event_rows,
    totals_document,
    write_csv,
    write_xlsx,
)
from oneclick_sla_plugin.cli.options import account_of, config_option, json_option, opened_database
from oneclick_sla_plugin.cli.screen import print_json, printable, screen
from oneclick_sla_plugin.config import Config, load_config
from oneclick_sla_plugin.domain.complaint import Stage
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.ports import Directory, Person
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_records import OWN_EVENTS, Complaint
from oneclick_sla_plugin.storage.register_totals import totals as totals_of

_UTC = ZoneInfo("UTC")
_DAY = timedelta(days=1)


def _read_day(_ctx: click.Context, _param: click.Parameter, value: str | None) -> date | None:
    try:
        day = None if value is None else date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no date; write for instance 2026-11-30") from None
    if day == date.max:  # no day comes after it, where the period would end
        raise click.BadParameter("lies too far away")
    return day


account_argument = click.argument("account", required=False)
stage_option = click.option(
    "--stage", "stages", multiple=True, type=click.Choice([str(one) for one in Stage]), help="Only in this stage."
)
open_option = click.option("--open", "only_open", is_flag=True, help="Only those of which something is still owed.")
from_option = click.option("--from", "first", callback=_read_day, metavar="DATE", help="The first day of receipt.")
to_option = click.option("--to", "last", callback=_read_day, metavar="DATE", help="The last day of receipt.")


def selection(command: Callable[..., None]) -> Callable[..., None]:
    """The argument and the options that say which complaints are meant."""
    for option in (config_option, to_option, from_option, open_option, stage_option, account_argument):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class _Selected:
    complaints: Sequence[Complaint]
    zone: ZoneInfo


@click.group()
def complaints() -> None:
    """The complaint register: list, export, check and print what is in it.

    Days and printed times are those of the accounts' time zone; of UTC where several differ.
    """


@complaints.command(name="list")
@selection
@json_option
def list_(as_json: bool, **chosen: Any) -> None:
    """Show the complaints of ACCOUNT or of every account, in the order of receipt; suspicions have no number."""
    found = _selected(**chosen)
    if as_json:
        print_json([complaint_document(one, found.zone) for one in found.complaints])
        return
    print_complaints(screen(), found.complaints, found.zone)


@complaints.command()
@click.argument("number_or_ticket")
@config_option
@json_option
def show(number_or_ticket: str, config_path: Path | None, as_json: bool) -> None:
    """Show one complaint, by its number or its ticket (ACCOUNT/ID), with all events and their evidence."""
    config = load_config(config_path, secrets_may_be_missing=True)
    one = _found(config, number_or_ticket)
    zone = _zone(config, one.key.account)
    if as_json:
        events = [event_document(event, zone) for event in one.events]
        print_json({**complaint_document(one, zone), "events": events})
        return
    console = screen()
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, value in complaint_document(one, zone).items():
        if name == "rules":
            value = ", ".join(f"{rule} ({weight:g})" for rule, weight in one.rules)
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        if value not in (None, ""):
            facts.add_row(name.replace("_", " "), printable(str(value)))
    console.print(facts)
    console.print()
    table = Table(box=None, pad_edge=False)
    for heading in ("link", "at", "what", "by", "evidence"):
        table.add_column(heading, overflow="fold")
    for event in one.events:
        evidence = [f"message {event.message}"] if event.message else []
        evidence += [f"{name} {value}" for name, value in sorted(event.facts.items())]
        what = event.what if event.level == 1 else f"{event.what} (level {event.level})"
        table.add_row(
            str(event.position),
            short(event.at, zone),
            what if event.standing or event.what in OWN_EVENTS else f"{what}, not shown any more",
            event.actor,
            printable(", ".join(evidence)),
        )
    console.print(table)


@complaints.command()
@selection
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Where to; FILE ends in .csv or .xlsx.",
)
@click.option("--events", is_flag=True, help="A row for each event with its hash, instead of one for each complaint.")
def export(path: Path, events: bool, **chosen: Any) -> None:
    """Write the complaints of ACCOUNT or of every account as a table for a spreadsheet."""
    writers = {".csv": write_csv, ".xlsx": write_xlsx}
    if path.suffix.lower() not in writers:
        raise click.BadParameter("FILE ends in .csv or .xlsx", param_hint="-o")
    found = _selected(**chosen)
    columns = EVENT_COLUMNS if events else COMPLAINT_COLUMNS
    rows = list((event_rows if events else complaint_rows)(found.complaints, found.zone))
    try:
        writers[path.suffix.lower()](path, columns, rows)
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be written") from None
    click.echo(f"{path}: {len(rows)} rows")


@complaints.command()
@config_option
@json_option
def verify(config_path: Path | None, as_json: bool) -> None:
    """Check that nothing was changed, left out or put in: chains, numbers, rows. Exit status 1 when something was.

    The last hash of each series, noted down elsewhere, tells later whether a whole chain was written anew.
    """
    with _register(load_config(config_path, secrets_may_be_missing=True)) as register:
        found = register.verify()
    if as_json:
        print_json(
            {
                "intact": found.intact,
                "complaints": found.complaints,
                "events": found.events,
                "series": [
                    {"series": head.series, "position": head.position, "hash": head.hash} for head in found.heads
                ],
                "faults": [{"where": fault.where, "what": fault.what} for fault in found.faults],
            }
        )
    else:
        print_verification(screen(), found)
    if not found.intact:
        sys.exit(1)


@complaints.command()
@account_argument
@from_option
@to_option
@config_option
@json_option
def totals(account: str | None, first: date | None, last: date | None, config_path: Path | None, as_json: bool) -> None:
    """Count the complaints of ACCOUNT or of every account that were received in a period.

    Without --from and --to: in this month so far.
    """
    config = load_config(config_path, secrets_may_be_missing=True)
    zone = _zone(config, account)
    now = system_clock()
    today = now.astimezone(zone).date()
    last = last or today
    since, until = _midnight(first or last.replace(day=1), zone), _midnight(last + _DAY, zone)
    if until <= since:
        raise click.UsageError("the period ends before it begins")
    found = totals_of(_all(config, account), since, until, now)
    if as_json:
        print_json(totals_document(found, zone))
        return
    print_totals(screen(), found, zone)


@complaints.command()
@click.argument("number_or_ticket")
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="The HTML file to write; only you can read it.",
)
@config_option
def sheet(number_or_ticket: str, path: Path, config_path: Path | None) -> None:
    """Print one complaint in the shape of the sheet of Peru's Libro de Reclamaciones, as HTML.

    Who complained and in which words is read from the helpdesk now and stands in FILE only.
    """
    config = load_config(config_path, secrets_may_be_missing=True)
    one = _found(config, number_or_ticket)
    account_of(config, one.key.account)
    plugins = Plugins.load(blocked=config.blocked_plugins)
    connections, transports = connect(config, plugins, system_clock)
    try:
        connection = connections[one.key.account]
        ticket = connection.read(one.key.id)
        person = connection.person(ticket.requester.id) if isinstance(connection, Directory) else Person()
    finally:
        for transport in transports:
            transport.close()
    document = sheet_of(one, ticket, person, config.complaints, _zone(config, one.key.account))
    try:
        _write_private(path, document)
    except OSError as error:
        raise click.FileError(str(path), error.strerror or "cannot be written") from None
    click.echo(f"{path}: {one.number or 'a suspicion, without a number'}; it holds personal data")


# --- what the commands share ------------------------------------------------------------------


def _selected(
    account: str | None,
    stages: Sequence[str],
    only_open: bool,
    first: date | None,
    last: date | None,
    config_path: Path | None,
) -> _Selected:
    config = load_config(config_path, secrets_may_be_missing=True)
    zone = _zone(config, account)
    found = _all(config, account)
    return _Selected(
        [
            one
            for one in found
            if (not stages or one.stage in stages)
            and (not only_open or one.open)
            and (first is None or one.received_at >= _midnight(first, zone))
            and (last is None or one.received_at < _midnight(last + _DAY, zone))
        ],
        zone,
    )


def _all(config: Config, account: str | None) -> list[Complaint]:
    """An account that was taken out of the configuration still has its complaints."""
    with _register(config) as register:
        found = register.complaints(account)
    if account is not None and not found:
        account_of(config, account)
    return found


def _found(config: Config, name: str) -> Complaint:
    if "/" not in name and len(config.accounts) == 1 and name.isdigit():
        name = str(TicketKey(next(iter(config.accounts)), name))
    with _register(config) as register:
        one = register.find(name)
    if one is None:
        raise click.ClickException(f"there is no {printable(name)} in the register; name a number or ACCOUNT/TICKET")
    return one


@contextmanager
def _register(config: Config) -> Iterator[SqlRegister]:
    with opened_database(config) as database:
        yield SqlRegister(database, config.complaints.series, keep=config.complaints.keep)


def _zone(config: Config, account: str | None) -> ZoneInfo:
    """The zone of an account, or of all where they have one in common; else UTC."""
    policies = Plugins.load(blocked=config.blocked_plugins).policies
    zones = {
        one.time_zone or find_policy(one.policy[-1], policies).time_zone
        for one in config.accounts.values()
        if account in (None, one.name)
    }
    return zones.pop() if len(zones) == 1 else _UTC


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _write_private(path: Path, text: str) -> None:
    """Readable by the owner alone from the first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
