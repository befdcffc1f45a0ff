"""A process to be killed. Run by path: ``crash_worker.py DATABASE HELPDESK ROLE [POINT]``.

HELPDESK is a file of JSON lines, one a note that stands on a ticket. Roles:

* ``web``: mark ticket after ticket, and print each one's id once it is acknowledged;
* ``worker``: work on what is due, print ``POINT`` when that point of a look is reached and hang there;
* ``heir``: work, a minute later, until nothing is due, then end;
* ``migrate``: wait for a line on standard input, then bring the schema up to date.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from oneclick_sla_plugin.delivery.health import Health
from oneclick_sla_plugin.delivery.inbox import Inbox
from oneclick_sla_plugin.delivery.reconcile import Account, Reconciler
from oneclick_sla_plugin.domain.changes import Changes, Desired, Note, compose
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Kind,
    Message,
    Priority,
    Requester,
    Status,
    Ticket,
    Written,
)
from oneclick_sla_plugin.domain.priority import PriorityVerdict
from oneclick_sla_plugin.engines.local import LocalEngine
from oneclick_sla_plugin.ports import Connection
from oneclick_sla_plugin.storage.accounts import SqlAccountStates
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger

CREATED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class FileHelpdesk:
    """What a look uses of a connection; tickets that consist of notes, in a file that outlives the process."""

    closed_is_final = True

    def __init__(self, path: Path, hang_at: str) -> None:
        self._path = path
        self._hang_at = hang_at

    def read(self, ticket_id: str) -> Ticket:
        self._reach("reading")
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        notes = [note["text"] for note in map(json.loads, lines) if note["ticket"] == ticket_id]
        return Ticket(
            platform="file",
            account="acme",
            id=ticket_id,
            created_at=CREATED,
            updated_at=CREATED,
            channel=Channel.EMAIL,
            subject="",
            status=Status.OPEN,
            tags=frozenset(),
            requester=Requester("7"),
            messages=tuple(
                Message(str(number), CREATED, Author.US, public=False, text=text) for number, text in enumerate(notes)
            ),
            status_history=(),
        )

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        self._reach("writing")
        line = json.dumps({"ticket": ticket.id, "text": compose(changes.notes)}) + "\n"
        with self._path.open("a") as file:
            file.write(line)
        self._reach("written")

    def _reach(self, point: str) -> None:
        if point == self._hang_at:
            say(point)
            while True:
                time.sleep(60)  # until killed


class Uncounted:
    def count(self, name: str, **labels: str) -> None:
        pass


def decide(ticket: Ticket, now: datetime) -> Decision:
    return Decision(
        ticket=f"file/{ticket.key}",
        policy="test@1",
        channel=ticket.channel,
        kind=Kind.QUESTION,
        priority=PriorityVerdict(Priority.NORMAL, ()),
        clocks=(),
        state=None,
        desired=Desired(notes=(Note("at-risk", "Answer soon."), Note("owner", "Yours."))),
        next_look_at=None,
    )


def main(url: str, helpdesk: str, role: str, hang_at: str = "") -> None:
    database = open_database(url)
    if role == "migrate":
        say("ready")
        sys.stdin.readline()
        database.migrate()
        return
    ledger = SqlLedger(database)
    late = timedelta(minutes=1) if role == "heir" else timedelta(0)

    def clock() -> datetime:
        return datetime.now(UTC) + late

    if role == "web":
        inbox = Inbox(ledger, lambda: None, clock)
        number = 0
        while True:
            inbox.accept("acme", [str(number)])
            say(str(number))
            number += 1

    ignored: Any = lambda *_: None
    reconcile = Reconciler(
        {"acme": Account("acme", cast("Connection", FileHelpdesk(Path(helpdesk), hang_at)), decide)},
        ledger,
        clock,
        health=Health(SqlAccountStates(database), clock, Uncounted()),
        adjust=lambda _, decision: decision,
        announce=ignored,
        events=Uncounted(),
        wait=lambda pause: time.sleep(pause.total_seconds()),
    )
    engine = LocalEngine(ledger, reconcile, clock, workers=2)
    engine.start()
    settled = engine.wait_idle(timedelta(seconds=60))
    engine.stop()
    ledger.close()
    database.close()
    sys.exit(os.EX_OK if settled else os.EX_TEMPFAIL)


if __name__ == "__main__":
    main(*sys.argv[1:])
