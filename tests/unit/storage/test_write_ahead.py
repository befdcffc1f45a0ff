"""A commit and then a flush are as durable as a commit with ``synchronous=FULL``."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from oneclick_sla_plugin.errors import StoreError
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.write_ahead import WriteAhead

INSERT = "INSERT INTO marks VALUES (:name)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database in WAL mode with one table."""
    path = tmp_path / "marks.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE marks (name TEXT)")
    return path


def names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM marks ORDER BY rowid")]


class PowerCut:
    """A flush after which the power fails: what is in the files then is what a next start finds."""

    def __init__(self, path: Path, to: Path) -> None:
        self._path = path
        self._to = to
        self.flushed: list[str] = []

    def __call__(self, descriptor: int) -> None:
        log = Path(f"{self._path}-wal")
        assert os.path.samestat(os.fstat(descriptor), log.stat())
        self._to.mkdir(exist_ok=True)
        shutil.copy(self._path, self._to)
        shutil.copy(log, self._to)
        self.flushed = names(self._to / self._path.name)


def test_the_flush_covers_what_was_executed_before_it(path: Path, tmp_path: Path) -> None:
    """The file that is flushed is the log in which the rows stand, from the first one on."""
    power_cut = PowerCut(path, tmp_path / "found")
    ahead = WriteAhead(sqlite3.connect(path, isolation_level=None), power_cut)
    for name in ("first", "second"):
        ahead.execute(INSERT, {"name": name})
        ahead.flush()
        assert power_cut.flushed[-1] == name
    ahead.close()
    assert power_cut.flushed == ["first", "second"]


def test_the_log_stays_the_same_file_when_sqlite_begins_it_anew(path: Path, tmp_path: Path) -> None:
    """After a checkpoint, and after other connections came and went, the flush still meets the log."""
    power_cut = PowerCut(path, tmp_path / "found")
    ahead = WriteAhead(sqlite3.connect(path, isolation_level=None), power_cut)
    ahead.execute(INSERT, {"name": "before"})
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.execute(INSERT, {"name": "other"})
    ahead.execute(INSERT, {"name": "after"})
    ahead.flush()
    ahead.close()
    assert power_cut.flushed == ["before", "other", "after"]


def test_after_a_failed_flush_nothing_more_is_believed(path: Path) -> None:
    """The system tells of lost pages once; what would be written behind them could not be read after a power cut."""

    def failing(_: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    ahead = WriteAhead(sqlite3.connect(path, isolation_level=None), failing)
    ahead.execute(INSERT, {"name": "lost"})
    for step in (ahead.flush, ahead.flush, lambda: ahead.execute(INSERT, {"name": "later"})):
        with pytest.raises(OSError):  # noqa: PT011 - the kind is what counts
            step()
    ahead.close()
    assert names(path) == ["lost"]


def test_a_database_gives_its_marks_to_the_log_and_takes_them_up_again_after_closing(tmp_path: Path) -> None:
    """Closing lets go of log and connection; the next write opens them anew."""
    path = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE marks (name TEXT)")
    for name in ("first", "second"):
        database.write_ahead(INSERT, {"name": name})
        database.flush()
        database.close()
        assert not Path(f"{path}-wal").exists()  # SQLite removes it with the last connection
    assert names(path) == ["first", "second"]


def test_what_fails_is_a_store_error_without_the_values(tmp_path: Path) -> None:
    """The driver's message is not repeated, as with every other statement."""
    database = open_database(f"sqlite:///{tmp_path / 'ledger.db'}")
    with pytest.raises(StoreError, match=r"cannot be written \(OperationalError") as caught:
        database.write_ahead(INSERT, {"name": "Frau Muster"})
    database.close()
    assert "Muster" not in f"{caught.value} {caught.value.__cause__}"
