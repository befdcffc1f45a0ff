"""The database: opening it, its transactions, its schema.

SQLite is set up for durability among threads and processes of one machine, and
the settings belong to each connection:

* write-ahead log and ``synchronous=FULL``: a commit survives a power cut, and
  readers do not wait for the writer. https://www.sqlite.org/wal.html
  What :meth:`Database.write_ahead` writes is flushed by a step of its own.
* ``BEGIN IMMEDIATE`` for every transaction that writes. A read that turns into a
  write cannot wait for another writer, it fails; so Python's driver, which
  begins lazily, is relieved of its transaction control.
  https://www.sqlite.org/lang_transaction.html
* one writer at a time in a process, by a lock: SQLite's own waiting sleeps and
  tries again, which serves nobody in turn.
* a long busy time-out: among processes waiting is all there is.

PostgreSQL needs none of this.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Any, cast

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from oneclick_sla_plugin.errors import ConfigError, Problem, StoreError
from oneclick_sla_plugin.storage.write_ahead import WriteAhead

BUSY_TIMEOUT = timedelta(seconds=30)
"""How long SQLite waits for another writer before it gives up."""

MIGRATION_LOCK = 0x6F6E65636C69636B
"""The number of the advisory lock that a migration holds on PostgreSQL; ours by being improbable."""

_RETRY_WAL = timedelta(milliseconds=20)
_READ_ONLY = "oneclick_sla_read_only"


class Database:
    """A pool of connections that opens lazily. Every error of the driver leaves it as ``StoreError``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writers = Lock() if engine.dialect.name == "sqlite" else None
        self._ahead: WriteAhead | None = None

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; on SQLite it does not wait for a writer."""
        with _store_errors("read"), self._engine.connect() as connection:
            connection = connection.execution_options(**{_READ_ONLY: True})
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; committed at the end of the block, rolled back on an exception."""
        with self._turn(), _store_errors("written"), self._engine.begin() as connection:
            yield connection

    def write_ahead(self, statement: str, parameters: Mapping[str, object]) -> None:
        """Run one statement of SQLite, which is its own transaction and durable after :meth:`flush`.

        For the statement that each webhook waits for: the shortest way to the driver, without SQLAlchemy's bookkeeping.
        """
        with self._turn(), _store_errors("written"):
            if self._ahead is None:
                self._ahead = self._open_ahead()
            self._ahead.execute(statement, parameters)

    def flush(self) -> None:
        """Make durable what :meth:`write_ahead` wrote before the call. Several threads may be here at once."""
        ahead = self._ahead
        if ahead is None:
            raise StoreError("the database is closed")
        with _store_errors("written"):
            ahead.flush()

    def _open_ahead(self) -> WriteAhead:
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        connection = cast("sqlite3.Connection", self._engine.dialect.connect(*arguments, **options))
        try:
            _set_up_sqlite(connection, None)
            return WriteAhead(connection)
        except BaseException:
            connection.close()
            raise

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._writers is None:
            yield
            return
        if not self._writers.acquire(timeout=BUSY_TIMEOUT.total_seconds()):
            raise StoreError("the database cannot be written (another writer of this process holds it)")
        try:
            yield
        finally:
            self._writers.release()

    def migrate(self) -> None:
        """Bring the schema to the newest revision; processes that start together take turns.

        Raises ``StoreError``, also when the schema is of a newer program than this one.
        """
        try:
            with self.writing() as connection:  # on SQLite this already is the lock
                if self.dialect == "postgresql":
                    connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                command.upgrade(_alembic(connection), "head")
        except CommandError as error:
            raise StoreError("the database's schema is not one that this version of the program knows") from error
        finally:
            # A process that forks after this (a preloading web server) must not hand its connections on.
            self.close()

    def close(self) -> None:
        """Close all connections that are not in use; the next use opens new ones.

        Not while :meth:`flush` runs in another thread: who writes ahead ends that first.
        """
        with self._turn():
            if self._ahead is not None:
                self._ahead.close()
                self._ahead = None
        self._engine.dispose()


def open_database(url: str) -> Database:
    """The database at ``url``: ``sqlite:///FILE`` or ``postgresql://…``; connects when first used.

    Raises ``ConfigError`` when the address cannot be used.
    """
    address = _address(url)
    try:
        # Errors of the driver end in logs: they must not carry the values of a statement.
        engine = create_engine(address, hide_parameters=True, pool_pre_ping=address.drivername != "sqlite")
    except ImportError as error:
        hint = "install oneclick-sla-plugin[postgresql]"
        raise ConfigError([Problem("", f"the driver for {address.drivername} is not installed", hint)]) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return Database(engine)


def _address(url: str) -> URL:
    expected = "sqlite:///FILE or postgresql://USER@HOST/NAME"
    try:
        address = make_url(url)
    except ArgumentError:
        # Without the cause: it would show the address, and with it a password.
        raise ConfigError([Problem("", "not a database address", expected)]) from None
    match address.drivername:
        case "sqlite" if address.database and address.database != ":memory:" and "mode" not in address.query:
            return address
        case "sqlite":
            raise ConfigError([Problem("", "a database in memory forgets what it acknowledged", expected)])
        case "postgresql" | "postgresql+psycopg":
            return address.set(drivername="postgresql+psycopg")
        case other:
            raise ConfigError([Problem("", f"databases of the kind {other!r} are not supported", expected)])


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself any more
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT // timedelta(milliseconds=1)}")
    connection.execute("PRAGMA foreign_keys = ON")
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Several processes that open a new file at once collide here, and the busy time-out does not cover it."""
    give_up_at = time.monotonic() + BUSY_TIMEOUT.total_seconds()
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(_RETRY_WAL.total_seconds())
        else:
            if mode != "wal":
                raise StoreError(f"SQLite cannot keep a write-ahead log here (journal mode {mode})")
            return


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def _store_errors(verb: str) -> Iterator[None]:
    """The one place where an error of SQLAlchemy or of a driver becomes ours."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreError(f"the database cannot be {verb} ({_words(error)})") from error


def _words(error: SQLAlchemyError | sqlite3.Error | OSError) -> str:
    """The error's class and code. Not its message, in which drivers quote values."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return ", ".join(part for part in (type(cause).__name__, code) if part)


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
