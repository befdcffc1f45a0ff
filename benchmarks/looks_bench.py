"""From webhook to change, and what an event costs each helpdesk, on sandboxes over real HTTP.

For the time, from the customer's message to the moment at which an agent would see the
change, the sandbox, ``oneclick-sla serve`` and the one that counts are three processes on
an idle machine. Calls come from the simulators' own counters, once the account is known
(login, fields); the goal is at most three reads a look, one write, and one call for a note.
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
from structlog.testing import capture_logs

from benchmarks.load import percentile
from benchmarks.webhooks_bench import free_port, wait_until_open
from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.rehearsal import Part, Rehearsal
from oneclick_sla_zendesk.simulator import ZendeskSandbox

_EVENTS = 60
_BURST = 50
_PLATFORMS = ("freshdesk", "osticket", "zendesk")
_BETWEEN = timedelta(milliseconds=100)
_PATIENCE = timedelta(seconds=30)
_TICK = timedelta(milliseconds=1)


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
    yield _calls()


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


def _calls() -> Table:
    table = Table(title="Calls by event, from the simulators' counters")
    for heading in ("helpdesk", "what happens"):
        table.add_column(heading)
    for heading in ("looks", "reads", "writes", "notes"):
        table.add_column(heading, justify="right")
    for platform in _PLATFORMS:
        with tempfile.TemporaryDirectory(prefix="oneclick-sla-bench-") as folder:
            for what, looks, made in _calls_by_event(platform, Path(folder)):
                notes = sum(count for name, count in made.items() if name.endswith("/notes"))
                reads = sum(count for name, count in made.items() if name.startswith("GET"))
                writes = made.total() - reads - notes
                table.add_row(platform, what, *(f"{count:.0f}" for count in (looks, reads, writes, notes)))
    table.caption = "Of Freshdesk's reads one comes right before a write, and one right after a write of tags."
    return table


def _calls_by_event(platform: str, folder: Path) -> Iterator[tuple[str, float, Counter[str]]]:
    """How often a ticket was looked at for each of some events, and what the simulator was asked, by its operations."""
    with capture_logs(), Rehearsal({"bench": Part(platform)}, folder) as rehearsal:
        box = rehearsal.sandboxes["bench"]

        def opened(text: str) -> str:
            ticket = box.open_ticket(channel=Channel.EMAIL, subject="Factura", text=text)
            rehearsal.settle()
            return ticket

        def looked_at_again() -> None:
            rehearsal.program.inbox.accept("bench", [first])
            rehearsal.settle()

        def written_often() -> None:
            box.webhooks.pause()
            for n in range(_BURST):
                box.customer_replies(first, f"Y otra cosa: {n}.")
            box.webhooks.resume()
            rehearsal.settle()

        first = opened("¿Dónde veo mi factura?")
        for what, happens in (
            ("a ticket is opened", lambda: opened("¿Dónde veo mi factura de octubre?")),
            (
                "a complaint, with a note",
                lambda: opened("Quiero presentar una queja formal y el libro de reclamaciones."),
            ),
            ("a look, nothing to write", looked_at_again),
            (f"{_BURST} messages in a burst", written_often),
        ):
            before, looks = box.requests, _looks(rehearsal)
            happens()
            yield what, _looks(rehearsal) - looks, box.requests - before


def _looks(rehearsal: Rehearsal) -> float:
    metrics = rehearsal.program.metrics
    return sum(metrics.value("reconcile", account="bench", outcome=outcome) for outcome in ("written", "unchanged"))


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
