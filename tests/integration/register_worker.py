"""A process to be killed. Run by path: ``register_worker.py DATABASE SEED COUNT [POINT]``.

Registers the tickets 0 to COUNT - 1, in an order that SEED shuffles, and prints the
number of each as a helpdesk would be told it. With POINT it prints that and hangs:

* ``committing``: everything is written, the first transaction that registers is not committed yet;
* ``registered``: it is committed, and the helpdesk has not been told.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from oneclick_sla_plugin.domain.complaint import Happened, Stage
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.testing.complaints import a_case, an_event

CASE = a_case([an_event(), an_event(Happened.ACKNOWLEDGED, timedelta(hours=1))], stage=Stage.ACKNOWLEDGED)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def hang(point: str) -> None:
    say(point)
    while True:
        time.sleep(60)  # until killed


class HangingDatabase(Database):
    """Reaches the end of a writing transaction and not its commit."""

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with super().writing() as connection:
            yield connection
            hang("committing")


def main(url: str, seed: str, count: str, point: str = "") -> None:
    database = open_database(url)
    if point == "committing":
        database = HangingDatabase(database._engine)
    register = SqlRegister(database)
    tickets = list(range(int(count)))
    random.Random(seed).shuffle(tickets)  # noqa: S311 - an order, not a secret
    for ticket in tickets:
        entry = register.record(TicketKey("acme", str(ticket)), CASE, "p@1", datetime.now(UTC))
        if point == "registered":
            hang(point)
        say(f"{ticket} {entry.number}")
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
