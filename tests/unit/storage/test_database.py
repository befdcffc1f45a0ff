"""Opening a database, its transactions, its schema."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text

from oneclick_sla_plugin.errors import ConfigError, StoreError
from oneclick_sla_plugin.storage.database import BUSY_TIMEOUT, MIGRATION_LOCK, Database, open_database
from oneclick_sla_plugin.storage.tables import metadata, ticket_ledger

NOON = datetime(2026, 11, 23, 12, 0, 0, 123457, tzinfo=UTC)
ROW = {"account": "acme", "ticket": "1", "marked": 1, "done": 0, "attempts": 0, "not_before": NOON}


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("not an address", "not a database address"),
        ("mysql://root@127.0.0.1/test", "not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///file:x?mode=memory&uri=true", "in memory"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_problem_of_the_configuration(url: str, word: str) -> None:
    """The admin is told what is wrong and what is expected."""
    with pytest.raises(ConfigError, match=word) as caught:
        open_database(url)
    assert "sqlite:///FILE" in caught.value.problems[0].hint


def test_a_broken_address_is_not_quoted() -> None:
    """An address that cannot be read may hold a password, so the error does not show it."""
    with pytest.raises(ConfigError) as caught:
        open_database("postgresql//user:hunter2@db/name")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_postgresql_is_accepted_with_and_without_its_driver(postgresql_url: str, scheme: str) -> None:
    """``postgresql://`` is enough; the driver is ours to choose."""
    database = open_database(postgresql_url.replace("postgresql", scheme, 1))
    with database.reading() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("busy_timeout", BUSY_TIMEOUT // timedelta(milliseconds=1)),
    ],
)
def test_every_sqlite_connection_is_durable(sqlite_url: str, pragma: str, value: object) -> None:
    """The settings belong to a connection, so each one of the pool has them: here two that are open at once."""
    database = open_database(sqlite_url)
    with database.reading() as one, database.reading() as other:
        found = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() for connection in (one, other)]
    database.close()
    assert found == [value, value]


def test_a_writing_transaction_of_sqlite_holds_the_lock_from_its_first_line(sqlite_url: str, tmp_path: Path) -> None:
    """A second writer has to wait before it has read anything; a reader has not."""
    database = open_database(sqlite_url)
    other = sqlite3.connect(tmp_path / "ledger.db", timeout=0, isolation_level=None)
    with database.writing():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with database.reading() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one() == 0
    other.execute("BEGIN IMMEDIATE")
    other.close()
    database.close()


def test_a_reading_transaction_of_sqlite_leaves_the_lock_to_others(sqlite_url: str, tmp_path: Path) -> None:
    """Whoever only looks does not keep a webhook waiting."""
    database = open_database(sqlite_url)
    other = sqlite3.connect(tmp_path / "ledger.db", timeout=0, isolation_level=None)
    with database.reading() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        other.execute("BEGIN IMMEDIATE")
        assert other.in_transaction
    other.close()
    database.close()


def test_the_writers_of_one_process_wait_for_each_other(sqlite_url: str) -> None:
    """Read, then write, in several threads at once: nobody fails and nothing is lost."""
    database = open_database(sqlite_url)
    database.migrate()
    with database.writing() as connection:
        connection.execute(insert(ticket_ledger), ROW)
    start = threading.Barrier(4)

    def count_up() -> None:
        start.wait()
        for _ in range(10):
            with database.writing() as connection:
                marked = connection.execute(select(ticket_ledger.c.marked)).scalar_one()
                connection.execute(ticket_ledger.update().values(marked=marked + 1))

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        assert connection.execute(select(ticket_ledger.c.marked)).scalar_one() == 41
    database.close()


def test_an_exception_undoes_a_transaction(database: Database) -> None:
    """Half a transaction is none."""

    def write_and_stumble() -> None:
        with database.writing() as connection:
            connection.execute(insert(ticket_ledger), ROW)
            raise KeyError

    with pytest.raises(KeyError):
        write_and_stumble()
    with database.reading() as connection:
        assert connection.execute(select(ticket_ledger.c.ticket)).all() == []


def test_the_migrations_lead_to_the_tables(database: Database) -> None:
    """What the program believes about the schema is what the revisions make."""
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    """Every start migrates; what is stored stays."""
    with database.writing() as connection:
        connection.execute(insert(ticket_ledger), ROW)
    database.migrate()
    with database.reading() as connection:
        assert connection.execute(select(ticket_ledger.c.ticket)).scalars().all() == ["1"]


def test_migrations_of_postgresql_take_turns(postgresql_url: str, wait_for_lock: Callable[[Connection], None]) -> None:
    """While one process migrates another one waits, and then finds the work done."""
    first, second = open_database(postgresql_url), open_database(postgresql_url)
    with ThreadPoolExecutor(1) as pool:
        with first.writing() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            migrating = pool.submit(second.migrate)
            wait_for_lock(connection)
        migrating.result()
    with first.reading() as connection:
        assert connection.execute(select(ticket_ledger.c.ticket)).all() == []
    first.close()
    second.close()


def test_a_schema_of_a_newer_program_is_refused(database: Database) -> None:
    """An older program does not work on a schema that it does not know."""
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))
    with pytest.raises(StoreError, match="schema"):
        database.migrate()


@pytest.mark.parametrize(
    "at",
    [
        NOON,
        NOON.astimezone(timezone(timedelta(hours=-5))),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
    ],
)
def test_an_instant_is_kept_to_the_microsecond(database: Database, at: datetime) -> None:
    """What is stored comes back as the same instant, in UTC."""
    with database.writing() as connection:
        connection.execute(insert(ticket_ledger), {**ROW, "not_before": at})
    with database.reading() as connection:
        kept = connection.execute(select(ticket_ledger.c.not_before)).scalar_one()
    assert kept == at
    assert kept.tzinfo is UTC


def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    """A naive datetime is a mistake, not UTC."""
    with pytest.raises(StoreError), database.writing() as connection:
        connection.execute(insert(ticket_ledger), {**ROW, "not_before": NOON.replace(tzinfo=None)})


def test_errors_of_the_driver_become_ours_without_the_values(database: Database) -> None:
    """The error names class and code; what the statement carried is in no part of it."""

    def write() -> None:
        with database.writing() as connection:
            connection.execute(insert(ticket_ledger), {**ROW, "last_reason": "Frau Muster"})

    write()
    with pytest.raises(StoreError, match=r"cannot be written \((IntegrityError|UniqueViolation), ") as caught:
        write()
    assert "Muster" not in f"{caught.value} {caught.value.__cause__}"


def test_a_place_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    """A missing folder shows when the database is first used, as the error that everybody expects."""
    database = open_database(f"sqlite:///{tmp_path}/missing/ledger.db")
    with pytest.raises(StoreError, match="SQLITE_CANTOPEN"):
        database.migrate()


def test_nothing_is_connected_before_the_first_use(sqlite_url: str, tmp_path: Path) -> None:
    """Opening a database touches nothing, so a process may fork between opening and using."""
    database = open_database(sqlite_url)
    assert list(tmp_path.iterdir()) == []
    database.close()
