"""Shared fixtures: the time, the services that tests may need, databases."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger

pytest.register_assert_rewrite("oneclick_sla_plugin.testing.contract")

# No test is timed: a busy machine must not fail one.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

POSTGRESQL = os.environ.get("ONECLICK_SLA_TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432/test")
"""A database in whose server tests may create databases of their own."""


class SetClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, amount: timedelta) -> datetime:
        self.now += amount
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def service_missing() -> Callable[[str], NoReturn]:
    """Skips a test for a service that is not there; fails it where services are required."""

    def missing(reason: str) -> NoReturn:
        if os.environ.get("ONECLICK_SLA_REQUIRE_SERVICES") == "1":
            pytest.fail(f"{reason}, and ONECLICK_SLA_REQUIRE_SERVICES=1", pytrace=False)
        pytest.skip(reason)

    return missing


@pytest.fixture(scope="session")
def postgresql_server(service_missing: Callable[[str], NoReturn]) -> URL:
    """The address of a reachable server, with the name of the database to connect to for creating others."""
    address = make_url(POSTGRESQL).set(drivername="postgresql+psycopg")
    engine = create_engine(address, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            return address
    except OperationalError:
        service_missing(f"no PostgreSQL at {address.host}:{address.port} (set ONECLICK_SLA_TEST_POSTGRESQL)")
    finally:
        engine.dispose()


@pytest.fixture
def postgresql_url(postgresql_server: URL) -> Iterator[str]:
    """The address of a database of this test's own, empty; dropped afterwards."""
    name = f"oneclick_sla_test_{uuid.uuid4().hex}"
    engine = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield postgresql_server.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def wait_for_lock() -> Callable[[Connection], None]:
    """Waits until somebody in the connection's database, on PostgreSQL, is waiting for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def wait(connection: Connection) -> None:
        give_up_at = time.monotonic() + 20
        while not connection.execute(waiting).scalar_one():
            assert time.monotonic() < give_up_at, "nobody waits for a lock"
            connection.execute(text("SELECT pg_stat_clear_snapshot()"))  # else a transaction sees no news
            time.sleep(0.01)

    return wait


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, once of each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the newest schema, once of each kind."""
    database = open_database(database_url)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def ledger(database: Database) -> Iterator[SqlLedger]:
    """A ledger with its default lease (15 s) and spacing (2 s), once on each kind of database."""
    ledger = SqlLedger(database)
    yield ledger
    ledger.close()
