"""From webhook to change, and what a look costs the helpdesk, on a sandbox over real HTTP.

The sandbox, ``oneclick-sla serve`` and the one that counts are three processes on an
idle machine. Calls come from the simulator's own counters; the time is from the
customer's message to the moment at which an agent would see the change.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.table import Table

from benchmarks.load import percentile
from benchmarks.webhooks_bench import free_port, wait_until_open
from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_zendesk.simulator import ZendeskSandbox

_EVENTS = 60
_BURST = 50
_BETWEEN = timedelta(milliseconds=100)
_PATIENCE = timedelta(seconds=30)
_SPACING = timedelta(seconds=3)
"""Longer than the least time between two looks at one ticket."""
_TICK = timedelta(milliseconds=1)
_NOT_A_READ_OF_THE_TICKET = ("incremental", "oauth", "users/me", "ticket_fields", "ticket_forms", "webhooks")


def tables() -> Iterator[Table]:
    """The time from webhook to change, then calls by event."""
    with (
        tempfile.TemporaryDirectory(prefix="oneclick-sla-bench-") as folder,
        ZendeskSandbox(clock=system_clock) as box,
        _serving(box, Path(folder)),
    ):
        first = _open(box)
        _until(lambda: box.view(first).writes, box)  # logs in and learns the fields
        yield _latency(box)
        yield _calls(box)


def _latency(box: ZendeskSandbox) -> Table:
    seconds = []
    for _ in range(_EVENTS):
        time.sleep(_BETWEEN.total_seconds())
        began = time.perf_counter()
        ticket = _open(box)
        _until(lambda ticket=ticket: box.view(ticket).writes, box)  # type: ignore[misc]
        seconds.append(time.perf_counter() - began)
    seconds.sort()
    table = Table(title="From a customer's message to the change")
    table.add_column("on an idle system")
    for heading in ("p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    table.add_row(
        f"{_EVENTS} tickets, one after the other",
        *(f"{percentile(seconds, share) / timedelta(milliseconds=1):,.1f}" for share in (0.5, 0.99)),
    )
    return table


def _calls(box: ZendeskSandbox) -> Table:
    table = Table(title="Calls, from the simulator's counters")
    table.add_column("what happens")
    for heading in ("reads", "writes"):
        table.add_column(heading, justify="right")
    ticket = ""
    time.sleep(_SPACING.total_seconds())  # until what happened before is dealt with

    def opens() -> None:
        nonlocal ticket
        ticket = _open(box)

    def changes_nothing() -> None:
        box.agent_replies(ticket, "Noted.", public=False)

    def writes_often() -> None:
        for n in range(_BURST):
            box.customer_replies(ticket, f"And {n}.")

    for what, happens in (
        ("a ticket is opened", opens),
        ("a private note, nothing to write", changes_nothing),
        (f"{_BURST} messages in a burst", writes_often),
    ):
        before = box.requests
        happens()
        box.wait_delivered(_PATIENCE)
        time.sleep(_SPACING.total_seconds())
        made = Counter({name: count for name, count in (box.requests - before).items() if _about_a_ticket(name)})
        writes = sum(count for name, count in made.items() if not name.startswith("GET"))
        table.add_row(what, str(made.total() - writes), str(writes))
    return table


def _about_a_ticket(operation: str) -> bool:
    return not any(word in operation for word in _NOT_A_READ_OF_THE_TICKET)


def _open(box: ZendeskSandbox) -> str:
    return box.open_ticket(channel=Channel.EMAIL, subject="Factura", text="¿Dónde veo mi factura?")


def _until(holds: Callable[[], object], box: ZendeskSandbox) -> None:
    give_up_at = time.monotonic() + _PATIENCE.total_seconds()
    while not holds():
        assert time.monotonic() < give_up_at, f"nothing happens: {box.requests}"
        time.sleep(_TICK.total_seconds())


@contextmanager
def _serving(box: ZendeskSandbox, folder: Path) -> Iterator[None]:
    port = free_port()
    config = write_sandbox_config(folder, "zendesk", box, listen=f"127.0.0.1:{port}")
    command = [sys.executable, "-m", "oneclick_sla_plugin.cli"]
    subprocess.run([*command, "install", "sandbox", "--config", str(config)], check=True, capture_output=True)  # noqa: S603
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "serve", "--config", str(config)], stdout=log, stderr=log)  # noqa: S603
        try:
            wait_until_open(port, process)
            yield
        finally:
            process.terminate()
            process.wait(_PATIENCE.total_seconds())
