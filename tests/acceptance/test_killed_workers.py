"""Complaints that come in while processes of the program are killed: each gets one number and one note.

``ONECLICK_SLA_KILLED_COMPLAINTS`` sets how many complaints come in (200).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_records import number_of
from oneclick_sla_zendesk.simulator import ZendeskSandbox

COMPLAINTS = int(os.environ.get("ONECLICK_SLA_KILLED_COMPLAINTS", "200"))
PROCESSES = 4
KILLS = 6
PUT = "PUT /api/v2/tickets/{ticket_id}"
UNDER_WAY = timedelta(milliseconds=300)
"""How long each write is held, so that every kill hits some."""
PATIENCE = timedelta(seconds=60)
COMPLAINT = "Es la tercera vez que reclamo el mismo cobro indebido."
PROGRAM = Path(__file__).with_name("killed_worker.py")


@pytest.fixture
def sandbox() -> Iterator[ZendeskSandbox]:
    with ZendeskSandbox(clock=system_clock) as sandbox:
        sandbox.webhooks.pause()
        yield sandbox


@pytest.fixture
def config(sandbox: ZendeskSandbox, database_url: str, tmp_path: Path) -> Path:
    """An installation on the sandbox that keeps its data in the test's database."""
    path = write_sandbox_config(tmp_path / "etc", "zendesk", sandbox)
    lines = path.read_text(encoding="utf-8").splitlines()
    given = [f"database = {json.dumps(database_url)}" if line.startswith("database = ") else line for line in lines]
    # A killed worker's tickets come back soon.
    path.write_text("\n".join([*given, "", "[engine]", "lease_seconds = 4", ""]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "oneclick_sla_plugin.cli", "install", "sandbox", "--config", str(path)],
        capture_output=True,
        timeout=PATIENCE.total_seconds(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return path


@contextmanager
def process(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the program; gone at the end, whatever happens."""
    with (config.parent / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(config)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=PATIENCE.total_seconds())


def working(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """The process, once it works."""
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def until(what: str, holds: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + PATIENCE.total_seconds()
    while not holds():
        assert time.monotonic() < give_up_at, f"waited in vain until {what}"
        time.sleep(0.02)


def test_complaints_of_workers_that_are_killed_have_one_number_and_one_note_each(
    sandbox: ZendeskSandbox, config: Path, database: Database, ledger: SqlLedger
) -> None:
    """Each kill hits writes that are under way: some take effect after it, some did before and were never answered."""
    chance = random.Random(365)  # noqa: S311 - a sample, not a secret
    keys = [
        TicketKey("sandbox", sandbox.open_ticket(channel=Channel.EMAIL, subject=f"Cobro {n}", text=COMPLAINT))
        for n in range(COMPLAINTS)
    ]
    ledger.mark(keys, system_clock())
    with ExitStack() as stack:
        started = [stack.enter_context(process(config)) for _ in range(PROCESSES)]
        workers = [working(process) for process in started]
        for kill in range(KILLS):
            sandbox.delay_writes(UNDER_WAY, before_effect=kill % 2 == 0)
            writes = COMPLAINTS * kill // (KILLS + 1)
            until("more is written", lambda writes=writes: sandbox.requests[PUT] > writes)
            victim = workers.pop(chance.randrange(PROCESSES))
            victim.send_signal(signal.SIGKILL)
            assert victim.wait(PATIENCE.total_seconds()) == -signal.SIGKILL
            ledger.mark(chance.sample(keys, COMPLAINTS // 4), system_clock())  # customers go on writing meanwhile
            workers.append(working(stack.enter_context(process(config))))
        sandbox.delay_writes(timedelta(0), before_effect=True)
        until("every mark was dealt with", lambda: ledger.count_unsettled() == 0)
        assert all(worker.poll() is None for worker in workers)

    assert ledger.dead() == []
    complaints = SqlRegister(database).complaints()
    assert sorted(one.key for one in complaints) == sorted(keys)
    year = complaints[0].received_at.astimezone(ZoneInfo("America/Lima")).year
    assert {one.number for one in complaints} == {number_of("", year, n) for n in range(1, COMPLAINTS + 1)}
    for one in complaints:
        view = sandbox.view(one.key.id)
        assert view.fields["SLA complaint number"] == one.number
        assert [note.count("complaint-registered") for note in view.notes] == [1]
        assert str(one.number) in view.notes[0]
    verified = CliRunner().invoke(cli, ["complaints", "verify", "--json", "--config", str(config)])
    assert verified.exit_code == 0
    found = json.loads(verified.stdout)
    assert (found["intact"], found["complaints"], found["faults"]) == (True, COMPLAINTS, [])
