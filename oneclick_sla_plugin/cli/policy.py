"""``oneclick-sla policy``: what a policy promises, whether its file is right, what another one would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli.options import json_option, read_instant
from oneclick_sla_plugin.cli.policy_comparison import comparison_document, print_comparison
from oneclick_sla_plugin.cli.policy_sheet import policy_document, print_policy
from oneclick_sla_plugin.cli.screen import heading, instant, print_json, printable, screen
from oneclick_sla_plugin.domain.calendar import resolve_wall
from oneclick_sla_plugin.domain.explanation import Reading, readings_of
from oneclick_sla_plugin.domain.model import rfc3339
from oneclick_sla_plugin.domain.policy import Policy, Target
from oneclick_sla_plugin.errors import ConfigError
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy, load_policy
from oneclick_sla_plugin.policy_files.comparison import read_tables
from oneclick_sla_plugin.policy_files.schema import policy_schema

_THURSDAY = 3
_EXAMPLE_TIME = time(15)

_now_option = click.option(
    "--now", callback=read_instant, metavar="INSTANT", help="Look at it as of this instant; the present by default."
)


@click.group()
def policy() -> None:
    """Show, check and compare policies. A policy is named by its id or by the path of its .toml file."""


@policy.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the policies that ship or that plugins bring, with their dates."""
    found: list[Policy] = []
    broken: list[ConfigError] = []
    sources = Plugins.load().policies
    for name in sorted(sources):
        try:
            found.append(load_policy(sources[name]))
        except ConfigError as error:
            broken.append(error)
    if as_json:
        print_json(
            [
                {
                    "id": listed.id,
                    "version": listed.version,
                    "title": listed.title,
                    "effective_from": _date(listed.effective_from),
                    "review_by": _date(listed.review_by),
                }
                for listed in found
            ]
        )
    else:
        console = screen()
        for listed in found:
            console.print(heading(printable(str(listed))))
            dates = f"in force {f'from {listed.effective_from}' if listed.effective_from else 'always'}"
            if listed.review_by is not None:
                dates += f", to be reviewed by {listed.review_by}"
            console.print(Text(f"  {printable(listed.title)}\n  {dates}"))
    for problems in broken:
        click.echo(str(problems), err=True)
    ctx.exit(2 if broken else 0)


@policy.command()
@click.argument("name", metavar="ID_OR_FILE")
@_now_option
@json_option
def show(name: str, now: datetime | None, as_json: bool) -> None:
    """Print the clauses of a policy with their figures and what the program does for each."""
    now = now or system_clock()
    sources = Plugins.load().policies
    shown = find_policy(name, sources)
    tables = read_tables(_source(name, sources))
    if as_json:
        print_json(policy_document(shown, tables, now))
    else:
        print_policy(screen(), shown, tables, now)


@policy.command()
@click.argument("names", metavar="FILE...", nargs=-1, required=True)
@_now_option
@json_option
@click.pass_context
def validate(ctx: click.Context, names: Sequence[str], now: datetime | None, as_json: bool) -> None:
    """Check policy files: every problem with its key path and what to do; exit status 2 if there is one.

    Also lists readings of ambiguous words to confirm, and review dates that have passed.
    """
    now = now or system_clock()
    sources = Plugins.load().policies
    checked = [_check(name, sources, now) for name in names]
    if as_json:
        print_json([result.document() for result in checked])
    else:
        for result in checked:
            result.print()
    ctx.exit(2 if any(isinstance(result, _Refused) for result in checked) else 0)


@policy.command()
def schema() -> None:
    """Print the format of policy files as JSON Schema, for editors and other programs."""
    print_json(policy_schema())


@policy.command("diff")
@click.argument("old_name", metavar="OLD")
@click.argument("new_name", metavar="NEW")
@_now_option
@json_option
def diff_(old_name: str, new_name: str, now: datetime | None, as_json: bool) -> None:
    """Show what differs between two policies by key path, with examples of due instants that differ."""
    now = now or system_clock()
    sources = Plugins.load().policies
    old, new = find_policy(old_name, sources), find_policy(new_name, sources)
    tables = (read_tables(_source(old_name, sources)), read_tables(_source(new_name, sources)))
    if as_json:
        print_json(comparison_document((old, new), tables, now))
    else:
        print_comparison(screen(), (old, new), tables, now)


def _source(name: str, sources: Mapping[str, Path | Traversable]) -> Path | Traversable:
    return sources[name] if name in sources else Path(name)


def _date(day: date | None) -> str | None:
    return day.isoformat() if day else None


# --- checking ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Refused:
    """A file that cannot be used."""

    name: str
    error: ConfigError

    def print(self) -> None:
        click.echo(str(self.error))

    def document(self) -> dict[str, Any]:
        problems = [
            {"path": problem.path, "problem": problem.message, "hint": problem.hint} for problem in self.error.problems
        ]
        return {"file": self.name, "policy": None, "problems": problems, "review_passed": None, "to_confirm": []}


@dataclass(frozen=True, slots=True)
class _Checked:
    """A file that can be used, with what a person should look at: readings of something received at an instant."""

    name: str
    policy: Policy
    review_passed: bool
    received_at: datetime
    to_confirm: tuple[tuple[Target, tuple[Reading, ...]], ...]

    def print(self) -> None:
        zone = self.policy.time_zone
        click.echo(f"{self.name}: {printable(str(self.policy))} can be used")
        if self.review_passed:
            click.echo(f"  warning: its review date has passed ({self.policy.review_by})")
        if self.to_confirm:
            click.echo("  to confirm, since the words can be read in two ways; for something received")
            click.echo(f"  {instant(self.received_at, zone)}:")
        for target, readings in self.to_confirm:
            click.echo(f"    targets.{target.name} ({target.clause})")
            for reading in readings:
                mark = "  as the file has it" if reading.chosen else ""
                click.echo(f"      due {instant(reading.due_at, zone)} as {reading.amount}{mark}")

    def document(self) -> dict[str, Any]:
        return {
            "file": self.name,
            "policy": str(self.policy),
            "problems": [],
            "review_passed": self.review_passed,
            "to_confirm": [
                {
                    "target": target.name,
                    "clause": target.clause,
                    "received_at": rfc3339(self.received_at),
                    "readings": [
                        {"within": str(reading.amount), "due_at": rfc3339(reading.due_at), "chosen": reading.chosen}
                        for reading in readings
                    ],
                }
                for target, readings in self.to_confirm
            ],
        }


def _check(name: str, sources: Mapping[str, Path | Traversable], now: datetime) -> _Checked | _Refused:
    try:
        checked = load_policy(_source(name, sources))
    except ConfigError as error:
        return _Refused(name, error)
    received_at = _example_receipt(checked, now)
    readings = ((target, readings_of(target, received_at)) for target in checked.targets)
    return _Checked(
        name,
        checked,
        review_passed=checked.review_by is not None and now.astimezone(checked.time_zone).date() > checked.review_by,
        received_at=received_at,
        to_confirm=tuple((target, found) for target, found in readings if found),
    )


def _example_receipt(checked: Policy, now: datetime) -> datetime:
    """The next Thursday afternoon: far enough in the week for the readings to lie days apart."""
    today = now.astimezone(checked.time_zone).date()
    thursday = today + timedelta(days=(_THURSDAY - today.weekday()) % 7)
    return resolve_wall(datetime.combine(thursday, _EXAMPLE_TIME), checked.time_zone)
