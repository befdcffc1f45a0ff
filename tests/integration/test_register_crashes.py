"""Processes that register at once and are killed: numbers without a gap, an intact chain, each complaint once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_records import number_of
from oneclick_sla_plugin.testing.complaints import a_case

PROGRAM = Path(__file__).with_name("register_worker.py")


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process of the program above; gone at the end, whatever happens."""
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def kill(child: subprocess.Popen[str]) -> list[str]:
    """Returns the whole lines that nobody had read yet."""
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate(timeout=30)
    assert child.returncode == -signal.SIGKILL
    return [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]


def test_complaints_of_processes_that_are_killed_have_gapless_numbers(database: Database, database_url: str) -> None:
    """Four processes register the same two hundred complaints, three of them are killed on the way and replaced.

    What a process had told before it was killed is still so afterwards.
    """
    told: dict[str, str] = {}
    count = 200
    with ExitStack() as stack:
        children = [stack.enter_context(process(database_url, seed, count)) for seed in range(4)]
        for seed, child in enumerate(children[:3], start=4):
            for line in [line_of(child) for _ in range(15)] + kill(child):
                ticket, number = line.split()
                assert told.setdefault(ticket, number) == number
            children.append(stack.enter_context(process(database_url, seed, count)))
        for child in children[3:]:
            output, _ = child.communicate(timeout=120)
            assert child.returncode == 0
            for line in output.splitlines():
                ticket, number = line.split()
                assert told.setdefault(ticket, number) == number
    register = SqlRegister(database)
    assert {one.key.id: one.number for one in register.complaints()} == told
    assert sorted(told.values()) == [number_of("", 2026, n) for n in range(1, count + 1)]
    verification = register.verify()
    assert (verification.faults, verification.complaints, verification.events) == ((), count, 2 * count)


@pytest.mark.parametrize(("point", "number"), [("committing", None), ("registered", "2026-000001")])
def test_a_process_that_is_killed_while_it_registers(
    database: Database, database_url: str, point: str, number: str | None
) -> None:
    """Before the commit it has taken no number; after it the number is found again, and told by whoever looks next."""
    key = TicketKey("acme", "0")
    register = SqlRegister(database)
    with process(database_url, 0, 1, point) as child:
        assert line_of(child) == point
        kill(child)
    entry = register.entry(key)
    assert (entry and entry.number) == number
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert register.record(key, a_case(), "p@1", now).number == "2026-000001"
    assert register.record(TicketKey("acme", "1"), a_case(), "p@1", now).number == "2026-000002"
    assert register.verify().faults == ()
