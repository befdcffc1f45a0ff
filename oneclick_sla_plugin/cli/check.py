"""``oneclick-sla check``: everything that can be wrong with an account, each with its remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from oneclick_sla_plugin.bootstrap import connect, system_clock
from oneclick_sla_plugin.cli.options import account_of, config_option, json_option
from oneclick_sla_plugin.config import AccountConfig, Config, load_config
from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.errors import ConfigError, StoreError
from oneclick_sla_plugin.judging import Judge
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import AccountState, Check
from oneclick_sla_plugin.storage.accounts import SqlAccountStates
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger

_YEAR = timedelta(days=365)
_LATE_SWEEPS = 3
"""So many times the interval without a sweep is too long."""


@click.command()
@click.argument("account")
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, account: str, config_path: Path | None, as_json: bool) -> None:
    """Look at ACCOUNT's login, rights, fields, webhook, limits, policy, ledger and sweep, and say what to do."""
    config = load_config(config_path)
    settings = account_of(config, account)
    plugins = Plugins.load(blocked=config.blocked_plugins)
    found = [*_of_host(config, settings, plugins), *_of_platform(config, account, plugins)]
    if as_json:
        click.echo(json.dumps([asdict(item) for item in found], ensure_ascii=False, indent=2))
    else:
        for item in found:
            click.echo(f"  {'ok' if item.good else '!!'}  {item.name}: {item.found}")
            if not item.good:
                click.echo(f"        {item.remedy}")
    wrong = sum(not item.good for item in found)
    if wrong and not as_json:
        click.echo(f"{wrong} of {len(found)} need attention")
    ctx.exit(1 if wrong else 0)


def _of_platform(config: Config, account: str, plugins: Plugins) -> list[Check]:
    connections, transports = connect(config, plugins, system_clock)
    try:
        base = config.public_url or f"http://{config.listen}"
        return list(connections[account].check(f"{base}/webhooks/{account}"))
    finally:
        for transport in transports:
            transport.close()


def _of_host(config: Config, account: AccountConfig, plugins: Plugins) -> Iterator[Check]:
    if config.public_url:
        yield Check("public address", True, config.public_url)
    else:
        yield Check("public address", False, "is not set", "set server.public_url: helpdesks send webhooks there")
    database = open_database(config.database)
    ledger = SqlLedger(database)
    try:
        yield from _of_ledger(ledger, database, account, system_clock())
        yield from _of_policies(account, plugins, ledger, system_clock())
    finally:
        ledger.close()
        database.close()


def _of_ledger(ledger: SqlLedger, database: Database, account: AccountConfig, now: datetime) -> Iterator[Check]:
    try:
        database.migrate()
        ledger.check()
        dead = ledger.count_dead(account.name)
        state = SqlAccountStates(database).get(account.name)
    except StoreError as error:
        yield Check("database", False, str(error), "make server.database writable for this user; see its log")
        return
    yield Check("database", True, "can be written")
    remedy = f"oneclick-sla dead list {account.name}, then dead retry or dead drop"
    yield Check("dead list", dead == 0, f"{dead} waiting for a person", "" if dead == 0 else remedy)
    sleep = state.asleep(now)
    if sleep is None:
        yield Check("account", True, "is awake")
    else:
        until = sleep.until.isoformat(timespec="seconds")
        yield Check(
            "account",
            False,
            f"sleeps until {until} ({sleep.because})",
            "it goes on by itself; if it is the login, mend that, if it is a limit, see quota_share",
        )
    yield _of_sweep(account, state, now)


def _of_sweep(account: AccountConfig, state: AccountState, now: datetime) -> Check:
    ended_at = state.sweep.ended_at
    if account.sweep_every is None:
        return Check("sweep", True, "is switched off")
    if ended_at is None:
        return Check("sweep", True, "none yet; oneclick-sla serve begins with one")
    good = now - ended_at <= account.sweep_every * _LATE_SWEEPS
    remedy = "" if good else "see that oneclick-sla serve runs, and its log for sweep.failed"
    return Check("sweep", good, f"last one ended at {ended_at.isoformat(timespec='seconds')}", remedy)


def _of_policies(account: AccountConfig, plugins: Plugins, ledger: SqlLedger, now: datetime) -> Iterator[Check]:
    try:
        judge = Judge(account, plugins, lambda since, until: ledger.arrivals(account.name, since, until))
    except ConfigError as error:
        for problem in error.problems:
            yield Check("policy", False, str(problem), "mend it in the configuration or the policy's file")
        return
    for policy in judge.policies():
        yield Check("policy", True, str(policy))
        yield _of_review(policy, now)
        today = now.astimezone(policy.time_zone).date()
        for name, calendar in policy.calendars.items():
            named = "; ".join(f"{day.isoformat()} {title}" for day, title in _holidays(calendar, today))
            yield Check(f"holidays of {policy.id}, calendar {name}", True, named or "none in the next twelve months")


def _of_review(policy: Policy, now: datetime) -> Check:
    if policy.review_by is None:
        return Check(f"review of {policy.id}", True, "no date is set")
    good = now.astimezone(policy.time_zone).date() <= policy.review_by
    remedy = "" if good else "review the policy, then set its next review_by"
    return Check(f"review of {policy.id}", good, f"due by {policy.review_by.isoformat()}", remedy)


def _holidays(calendar: BusinessCalendar, today: date) -> Iterator[tuple[date, str]]:
    for days in range(_YEAR.days):
        day = today + timedelta(days=days)
        title = calendar.holiday_name(day)
        if title is not None:
            yield day, title
