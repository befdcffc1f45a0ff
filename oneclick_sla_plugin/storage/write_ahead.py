"""A connection to SQLite whose commits do not wait for the disk, and the flush that they wait for instead.

SQLite with ``synchronous=FULL`` flushes the write-ahead log within each commit,
while it holds the lock of the one writer. Here the commit leaves the flush to
:meth:`WriteAhead.flush`, which does the same to the same file without the lock, so
that the next transaction is written meanwhile. A commit and then a flush are as
durable as a commit with FULL; a commit alone is not, so nobody may be told before.
After a flush that failed nothing is written any more: a system tells of lost pages
only once, and what were written behind them could not be read again.
With ``NORMAL`` SQLite itself still flushes the log before it copies it into the
database, and the database before it begins the log anew.
https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

_flush_file: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # as SQLite does


class WriteAhead:
    """Takes over ``connection``, which is in WAL mode and without transaction control of the driver's.

    ``execute`` is for one thread at a time, ``flush`` for several at once. All
    methods raise ``sqlite3.Error`` or ``OSError``. ``flush_file`` flushes a file descriptor.
    """

    def __init__(self, connection: sqlite3.Connection, flush_file: Callable[[int], None] = _flush_file) -> None:
        self._connection = connection
        self._flush_file = flush_file
        self._broken = False
        connection.execute("PRAGMA synchronous = NORMAL")
        ((_, _, path),) = connection.execute("PRAGMA database_list").fetchall()
        # The log is there from the first reading on, and stays while this connection is open.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self._log = os.open(Path(f"{path}-wal"), os.O_RDWR)

    def execute(self, statement: str, parameters: Mapping[str, object]) -> None:
        """Run one statement, which is its own transaction. It is durable after the next :meth:`flush`."""
        self._check()
        self._connection.execute(statement, parameters)

    def flush(self) -> None:
        """Returns when everything that was executed before the call is durable."""
        self._check()
        try:
            self._flush_file(self._log)
        except OSError:
            self._broken = True
            raise

    def _check(self) -> None:
        if self._broken:
            raise OSError(errno.EIO, "an earlier flush of the log failed")

    def close(self) -> None:
        """Close connection and log."""
        os.close(self._log)
        self._connection.close()
