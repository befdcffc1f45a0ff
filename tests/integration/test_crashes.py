"""Processes that are killed with no chance to tidy up: nothing is lost and nothing is done twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.storage.tables import ticket_ledger

PROGRAM = Path(__file__).with_name("crash_worker.py")


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process of the program above; gone at the end, whatever happens."""
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def counters(database: Database) -> dict[str, tuple[int, int]]:
    with database.reading() as connection:
        rows = connection.execute(select(ticket_ledger.c.ticket, ticket_ledger.c.marked, ticket_ledger.c.done))
        return {row.ticket: (row.marked, row.done) for row in rows}


@pytest.mark.parametrize("point", ["reading", "writing", "written"])
def test_a_worker_that_is_killed_in_a_look_is_replaced(
    database: Database, database_url: str, tmp_path: Path, point: str
) -> None:
    """Before the read, before the write, after the write but before the ledger knows: each note stands once."""
    helpdesk = tmp_path / "helpdesk.jsonl"
    tickets = ["1", "2", "3", "4", "5"]
    ledger = SqlLedger(database)
    ledger.mark([TicketKey("acme", ticket) for ticket in tickets], datetime.now(UTC))
    with process(database_url, helpdesk, "worker", point) as worker:
        assert line_of(worker) == point
        ledger.mark([TicketKey("acme", "1")], datetime.now(UTC))  # the customers go on writing
        worker.send_signal(signal.SIGKILL)
        assert worker.wait(30) == -signal.SIGKILL
    ledger.close()
    assert any(marked != done for marked, done in counters(database).values())

    with process(database_url, helpdesk, "heir") as heir:
        assert heir.wait(90) == 0
    notes = Counter(note["ticket"] for note in map(json.loads, helpdesk.read_text().splitlines()))
    assert notes == dict.fromkeys(tickets, 1)
    assert counters(database) == {"1": (2, 2), **dict.fromkeys(tickets[1:], (1, 1))}


def test_what_was_acknowledged_survives_the_web_process(database: Database, database_url: str, tmp_path: Path) -> None:
    """Each ticket that the process had acknowledged when it was killed is in the ledger."""
    with process(database_url, tmp_path, "web") as web:
        acknowledged = [line_of(web) for _ in range(50)]
        web.send_signal(signal.SIGKILL)
        assert web.stdout is not None
        acknowledged += web.stdout.read().split()
    assert set(acknowledged) <= counters(database).keys()
    later = datetime.now(UTC) + timedelta(minutes=1)
    ledger = SqlLedger(database)
    assert len(ledger.claim_due(10_000, later)) == len(counters(database))
    ledger.close()


def test_processes_that_start_at_once_all_find_the_schema(database_url: str, tmp_path: Path) -> None:
    """Three processes migrate an empty database at the same instant: all succeed, and the schema is there."""
    with (
        process(database_url, tmp_path, "migrate") as one,
        process(database_url, tmp_path, "migrate") as two,
        process(database_url, tmp_path, "migrate") as three,
    ):
        together = (one, two, three)
        assert [line_of(child) for child in together] == ["ready"] * 3
        for child in together:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        assert [child.wait(60) for child in together] == [0, 0, 0]
    database = open_database(database_url)
    assert counters(database) == {}
    database.close()
