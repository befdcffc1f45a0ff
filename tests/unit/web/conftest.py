"""A whole program over a fake helpdesk, on SQLite, and a client of its web application."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from oneclick_sla_plugin.bootstrap import Program, build
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Ticket, Written
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Clock, Doorbell, Installation, Sandbox, Services
from oneclick_sla_plugin.storage.tables import ticket_ledger
from oneclick_sla_plugin.testing.tickets import a_ticket
from oneclick_sla_plugin.web.app import app_of


class FakeConnection:
    """An account whose verdict on a webhook a test sets: a doorbell, or an exception to raise."""

    retry_status = 409
    closed_is_final = True

    def __init__(self) -> None:
        self.verdict: Doorbell | Exception = Doorbell(("42",), "ticket.updated")
        self.received: list[tuple[Mapping[str, str], bytes]] = []

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        self.received.append((headers, body))
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    def read(self, ticket_id: str) -> Ticket:
        return a_ticket(platform="fake", account="acme", id=ticket_id)

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        """Nothing is kept."""

    def installation(self, webhook_url: str) -> Installation:
        raise NotImplementedError


class FakePlatform:
    name = "fake"

    def __init__(self, connection: FakeConnection) -> None:
        self._connection = connection

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> FakeConnection:
        return self._connection

    def sandbox(self, *, port: int, clock: Clock) -> Sandbox:
        raise NotImplementedError


@pytest.fixture
def connection() -> FakeConnection:
    return FakeConnection()


@pytest.fixture
def program(connection: FakeConnection, clock: Clock, tmp_path: Path, sqlite_url: str) -> Iterator[Program]:
    """Built and not started: marks stay where a test can see them."""

    def register_platforms(register: Callable[[Any], None]) -> None:
        register(FakePlatform(connection))

    path = tmp_path / "oneclick-sla.toml"
    path.write_text(
        f"""
        [server]
        database = "{sqlite_url}"
        [accounts.acme]
        platform = "fake"
        policy = "en-linea-365"
        [accounts.acme.fake]
        """,
        encoding="utf-8",
    )
    plugin = SimpleNamespace(register_platforms=hookimpl(register_platforms))
    with build(load_config(path), clock=clock, plugins=Plugins.load(plugins=[("fake", plugin)])) as program:
        yield program


@pytest.fixture
def client(program: Program) -> FlaskClient:
    return app_of(program).test_client()


@pytest.fixture
def break_ledger(program: Program) -> Callable[[], None]:
    """Take the tables away, as a database that was restored wrongly or never migrated."""

    def break_it() -> None:
        with program.database.writing() as connection:
            ticket_ledger.drop(connection)

    return break_it
