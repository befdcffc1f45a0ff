"""Options that several commands share, and what they all do first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from dateutil.parser import isoparse

from oneclick_sla_plugin.config import DEFAULT_PATH, PATH_VARIABLE, AccountConfig, Config
from oneclick_sla_plugin.errors import ConfigError, Problem
from oneclick_sla_plugin.storage.database import Database, open_database

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=f"The configuration file; ${PATH_VARIABLE} or ./{DEFAULT_PATH} by default.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def account_of(config: Config, name: str) -> AccountConfig:
    """The account that a command names. Raises ``ConfigError`` when there is none."""
    if name not in config.accounts:
        known = ", ".join(sorted(config.accounts))
        raise ConfigError([Problem("accounts", f'there is no account "{name}"', f"known: {known}")], str(config.path))
    return config.accounts[name]


@contextmanager
def opened_database(config: Config) -> Iterator[Database]:
    """The configured database with the newest schema, closed in the end. Raises ``StoreError``."""
    database = open_database(config.database)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def read_instant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """An RFC 3339 instant with its offset, typed by a person; the callback of an option."""
    if value is None:
        return None
    try:
        at = isoparse(value)
        if at.tzinfo is None:
            raise click.BadParameter(f"{value!r} has no offset; add one, for instance Z or -05:00")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no instant; write for instance 2026-11-22T09:00:00-05:00") from None
