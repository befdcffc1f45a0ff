"""Putting the program together: each part is made here and handed to those that need it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Self

from oneclick_sla_plugin.config import AccountConfig, Config
from oneclick_sla_plugin.delivery.health import Health
from oneclick_sla_plugin.delivery.inbox import Inbox
from oneclick_sla_plugin.delivery.pacing import PacedHttp
from oneclick_sla_plugin.delivery.reconcile import Account, Reconciler
from oneclick_sla_plugin.delivery.sweep import Sweep
from oneclick_sla_plugin.engines.chores import Chore, Chores
from oneclick_sla_plugin.engines.local import LocalEngine
from oneclick_sla_plugin.errors import ConfigError, Problem
from oneclick_sla_plugin.judging import Judge
from oneclick_sla_plugin.observability import Metrics
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Clock, Connection, HttpClient, Platform, Services
from oneclick_sla_plugin.storage.accounts import SqlAccountStates
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.transport import HttpTransport

_PRUNE_EVERY = timedelta(hours=1)
_PRUNE_GENTLY = timedelta(seconds=1)
"""Between two pieces of pruning: each is a transaction, and webhooks wait for none of them for long."""

Pace = Callable[[AccountConfig, Platform, HttpClient], HttpClient]
"""Puts an account's pacing around its HTTP client."""


def system_clock() -> datetime:
    """The present, as the operating system has it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Program:
    """A whole program: what the web application, the worker and the commands use.

    Nothing runs until :meth:`start`; :meth:`close` stops the workers and lets go of everything.
    """

    config: Config
    plugins: Plugins
    accounts: Mapping[str, Account]
    database: Database
    ledger: SqlLedger
    states: SqlAccountStates
    engine: LocalEngine
    chores: Chores
    inbox: Inbox
    metrics: Metrics
    clock: Clock
    transports: tuple[HttpTransport, ...]

    def start(self) -> None:
        """Start the workers. Call it in the process that shall work: threads do not survive a fork."""
        self.engine.start()
        self.chores.start()

    def close(self) -> None:
        self.chores.stop()
        self.engine.stop()
        self.ledger.close()
        self.database.close()
        for transport in self.transports:
            transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(
    config: Config, plugins: Plugins, clock: Clock, pace: Pace = lambda _account, _platform, http: http
) -> tuple[dict[str, Connection], list[HttpTransport]]:
    """The connections of all accounts; touches no network. Raises ``ConfigError`` with the problems of all."""
    transports: list[HttpTransport] = []
    connections: dict[str, Connection] = {}
    problems: list[Problem] = []
    for account in config.accounts.values():
        platform = plugins.platforms.get(account.platform)
        if platform is None:
            known = ", ".join(sorted(plugins.platforms)) or "none"
            problems.append(
                Problem(
                    f"accounts.{account.name}.platform", f'there is no platform "{account.platform}"', f"known: {known}"
                )
            )
            continue
        services = Services(open_http=_opener(partial(pace, account, platform), platform, transports), clock=clock)
        try:
            connections[account.name] = platform.connect(account.name, account.settings, services)
        except ConfigError as error:
            problems += _under(f"accounts.{account.name}.{account.platform}", error)
    if problems:
        for transport in transports:
            transport.close()
        raise ConfigError(problems, str(config.path))
    return connections, transports


def build(config: Config, *, clock: Clock = system_clock, plugins: Plugins | None = None) -> Program:
    """Make a program from its configuration and bring its database up to date.

    Raises ``ConfigError`` with every problem of the accounts and their policies,
    ``PluginError`` and ``StoreError``.
    """
    plugins = plugins or Plugins.load(blocked=config.blocked_plugins)
    database = open_database(config.database)  # touches no file yet
    ledger = SqlLedger(database, lease=config.lease)
    judges = judges_of(config, plugins, ledger.arrivals)
    zones = {name: config.accounts[name].time_zone or judge.policies()[-1].time_zone for name, judge in judges.items()}
    register = SqlRegister(database, config.complaints.series, zones=zones, keep=config.complaints.keep)
    metrics = Metrics()
    states = SqlAccountStates(database)
    health = Health(states, clock, metrics)
    connections, transports = connect(config, plugins, clock, pace=_pacing(health, clock))
    entering = {
        name: judge
        if config.accounts[name].observe
        else judge.entering(register, lambda key: ledger.mark([key], clock()))
        for name, judge in judges.items()
    }
    accounts = {
        name: Account(
            name=name,
            connection=connection,
            decide=entering[name],
            gone=entering[name].gone,
            observe=config.accounts[name].observe,
            redact_cards=config.accounts[name].sensitive.redact_cards,
        )
        for name, connection in connections.items()
    }
    database.migrate()
    reconciler = Reconciler(
        accounts,
        ledger,
        clock,
        health=health,
        adjust=plugins.adjust_decision,
        announce=plugins.on_decision,
        events=metrics,
        wait=_wait,
    )
    engine = LocalEngine(ledger, reconciler, clock, workers=config.workers, heartbeat=config.lease / 3)
    inbox = Inbox(ledger, engine.ring, clock)
    chores: dict[str, Chore] = {
        f"sweep {name}": Sweep(name, connections[name], states, inbox, clock, metrics, every=account.sweep_every)
        for name, account in config.accounts.items()
        if account.sweep_every is not None
    }
    chores["prune"] = _pruning(ledger, clock, config.keep)
    return Program(
        config=config,
        plugins=plugins,
        accounts=accounts,
        database=database,
        ledger=ledger,
        states=states,
        engine=engine,
        chores=Chores(chores),
        inbox=inbox,
        metrics=metrics,
        clock=clock,
        transports=tuple(transports),
    )


def judges_of(
    config: Config,
    plugins: Plugins,
    arrivals: Callable[[str, datetime, datetime], int],
) -> dict[str, Judge]:
    """What decides on the tickets of each account. Raises ``ConfigError`` with the problems of all."""
    found: dict[str, Judge] = {}
    problems: list[Problem] = []
    for account in config.accounts.values():
        try:
            found[account.name] = Judge(account, plugins, partial(arrivals, account.name))
        except ConfigError as error:
            problems += _under(f"accounts.{account.name}", error)
    if problems:
        raise ConfigError(problems, str(config.path))
    return found


def _under(path: str, error: ConfigError) -> list[Problem]:
    """The problems of a part, each under the part's path."""
    return [replace(problem, path=f"{path}.{problem.path}" if problem.path else path) for problem in error.problems]


def _opener(
    pace: Callable[[HttpClient], HttpClient], platform: Platform, transports: list[HttpTransport]
) -> Callable[[str], HttpClient]:
    def open_http(base_url: str) -> HttpClient:
        transport = HttpTransport(base_url, platform=platform.name)
        transports.append(transport)
        return pace(transport)

    return open_http


def _pacing(health: Health, clock: Clock) -> Pace:
    def pace(account: AccountConfig, platform: Platform, http: HttpClient) -> HttpClient:
        return PacedHttp(
            http,
            platform=platform.name,
            share=account.quota_share,
            quotas=platform.quotas,
            asleep=partial(health.asleep, account.name),
            clock=clock,
        )

    return pace


def _pruning(ledger: SqlLedger, clock: Clock, keep: timedelta) -> Chore:
    def prune() -> timedelta:
        return _PRUNE_GENTLY if ledger.prune(clock() - keep) else _PRUNE_EVERY

    return prune


def _wait(pause: timedelta) -> None:
    time.sleep(pause.total_seconds())
