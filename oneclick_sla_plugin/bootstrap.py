"""Putting the program together: each part is made here and handed to those that need it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from oneclick_sla_plugin.config import AccountConfig, Config
from oneclick_sla_plugin.delivery.inbox import Inbox
from oneclick_sla_plugin.delivery.reconcile import Account, Reconciler
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.engines.local import LocalEngine
from oneclick_sla_plugin.errors import ConfigError, Problem
from oneclick_sla_plugin.observability import Metrics
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.ports import Clock, Connection, HttpClient, Services
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.texts import load_wording
from oneclick_sla_plugin.transport import HttpTransport


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
    engine: LocalEngine
    inbox: Inbox
    metrics: Metrics
    clock: Clock
    transports: tuple[HttpTransport, ...]

    def start(self) -> None:
        """Start the workers. Call it in the process that shall work: threads do not survive a fork."""
        self.engine.start()

    def close(self) -> None:
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


def connect(config: Config, plugins: Plugins, clock: Clock) -> tuple[dict[str, Connection], list[HttpTransport]]:
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
        services = Services(open_http=_opener(account.platform, transports), clock=clock)
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
    deciders, problems = _deciders(config, plugins)
    if problems:
        raise ConfigError(problems, str(config.path))
    connections, transports = connect(config, plugins, clock)
    accounts = {
        name: Account(name=name, connection=connection, decide=deciders[name], observe=config.accounts[name].observe)
        for name, connection in connections.items()
    }
    database = open_database(config.database)
    database.migrate()
    ledger = SqlLedger(database, lease=config.lease)
    metrics = Metrics()
    reconciler = Reconciler(
        accounts,
        ledger,
        clock,
        adjust=plugins.adjust_decision,
        announce=plugins.on_decision,
        events=metrics,
        wait=_wait,
    )
    engine = LocalEngine(ledger, reconciler, clock, workers=config.workers, heartbeat=config.lease / 3)
    return Program(
        config=config,
        plugins=plugins,
        accounts=accounts,
        database=database,
        ledger=ledger,
        engine=engine,
        inbox=Inbox(ledger, engine.ring, clock),
        metrics=metrics,
        clock=clock,
        transports=tuple(transports),
    )


def _deciders(
    config: Config, plugins: Plugins
) -> tuple[dict[str, Callable[[Ticket, datetime], Decision]], list[Problem]]:
    found: dict[str, Callable[[Ticket, datetime], Decision]] = {}
    problems: list[Problem] = []
    for account in config.accounts.values():
        try:
            found[account.name] = _decider(account, plugins)
        except ConfigError as error:
            problems += _under(f"accounts.{account.name}", error)
    return found, problems


def _decider(account: AccountConfig, plugins: Plugins) -> Callable[[Ticket, datetime], Decision]:
    policy = find_policy(account.policy, plugins.policies)
    wording = load_wording(account.language or policy.language, account.time_zone or policy.time_zone)
    return lambda ticket, now: decide(ticket, policy, now, wording)


def _under(path: str, error: ConfigError) -> list[Problem]:
    """The problems of a part, with the part's path; a policy file is named in the message."""
    prefix = f"{error.source}: " if error.source else ""
    return [
        Problem(
            f"{path}.{problem.path}" if problem.path and not prefix else path,
            prefix + (f"{problem.path}: " if prefix and problem.path else "") + problem.message,
            problem.hint,
        )
        for problem in error.problems
    ]


def _opener(platform: str, transports: list[HttpTransport]) -> Callable[[str], HttpClient]:
    def open_http(base_url: str) -> HttpClient:
        transport = HttpTransport(base_url, platform=platform)
        transports.append(transport)
        return transport

    return open_http


def _wait(pause: timedelta) -> None:
    time.sleep(pause.total_seconds())
