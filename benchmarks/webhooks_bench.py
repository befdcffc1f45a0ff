"""Durable acknowledgements, against a bare Flask app under the same gunicorn settings.

The rival does one SQLite insert with synchronous=FULL behind one connection and a
lock; ours is ``oneclick-sla serve`` with signed webhooks for five thousand tickets,
its helpdesk away, so that only acknowledging is measured. One process, eight
threads, both; ours keeps to one processor, as ``serve`` does, the rival runs as
gunicorn leaves it. Rounds alternate, and the middle one of each counts. A second table
adds two milliseconds to every flush, as on a disk that is no NVMe.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from rich.table import Table

from benchmarks.load import Load, run

_HERE = Path(__file__).parent
_SECRET = "benchmark-secret"  # noqa: S105 - it protects nothing
_TICKETS = 5000
_ROUNDS = 3
_DURATION = timedelta(seconds=3)
_WARM_UP = timedelta(seconds=1)
_PATIENCE = timedelta(seconds=30)
_FLUSH = timedelta(milliseconds=2)


@dataclass(frozen=True)
class Server:
    """A way to start a server that acknowledges webhooks: its command and what it needs to know."""

    name: str
    command: Callable[[Path, int], Sequence[str]]
    environment: Callable[[Path], Mapping[str, str]]


def tables() -> Iterator[Table]:
    """Both servers on the disk as it is, then with slow flushes."""
    with tempfile.TemporaryDirectory(prefix="oneclick-sla-bench-") as folder:
        root = Path(folder)
        yield _comparison(root, "Durable acknowledgements, 8 connections", connections=8, preload={})
        library = _build_slow_flush(root)
        if library is None:
            return
        preload = {
            "LD_PRELOAD": str(library),
            "SLOW_FLUSH_MICROSECONDS": str(_FLUSH // timedelta(microseconds=1)),
        }
        yield _comparison(
            root, "The same with 2 ms added to each flush, 32 connections", connections=32, preload=preload
        )


def _comparison(root: Path, title: str, *, connections: int, preload: Mapping[str, str]) -> Table:
    ours, bare = _measure(root, [_OURS, _BARE], connections, preload)
    table = Table(title=title)
    table.add_column("server", no_wrap=True)
    for heading in ("answers/s", "p50 ms", "p99 ms", "rate", "p99"):
        table.add_column(heading, justify="right")
    for server, load in ((_OURS, ours), (_BARE, bare)):
        table.add_row(
            server.name,
            f"{load.rate:,.0f}",
            f"{load.p50 / timedelta(milliseconds=1):,.1f}",
            f"{load.p99 / timedelta(milliseconds=1):,.1f}",
            f"{load.rate / bare.rate:,.2f}x",
            f"{load.p99 / bare.p99:,.2f}x",
        )
    return table


def _measure(root: Path, servers: Sequence[Server], connections: int, preload: Mapping[str, str]) -> list[Load]:
    rounds: dict[str, list[Load]] = {server.name: [] for server in servers}
    for _ in range(_ROUNDS):
        for server in servers:
            with tempfile.TemporaryDirectory(dir=root) as folder, _serving(server, Path(folder), preload) as port:
                requests = _requests()
                run(port, requests, connections=connections, duration=_WARM_UP, expect=202)
                found = run(port, requests, connections=connections, duration=_DURATION, expect=202)
                rounds[server.name].append(found)
    return [_middle(loads) for loads in rounds.values()]


def _middle(loads: Sequence[Load]) -> Load:
    """Each figure's median over the rounds."""
    p50s, p99s = sorted(load.p50 for load in loads), sorted(load.p99 for load in loads)
    return Load(median(load.rate for load in loads), p50s[len(loads) // 2], p99s[len(loads) // 2])


def _requests() -> Iterator[bytes]:
    """Signed webhooks as Zendesk sends them, for tickets chosen by a fixed seed."""
    generator = random.Random(365)  # noqa: S311 - a sample, not a secret
    timestamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = [_request(ticket, timestamp) for ticket in range(1, _TICKETS + 1)]
    while True:
        yield generator.choice(ready)


def _request(ticket: int, timestamp: str) -> bytes:
    detail = {"id": str(ticket), "actor_id": "77", "status": "OPEN", "description": "x" * 500}
    event = {
        "type": "zen:event-type:ticket.comment_added",
        "id": f"event-{ticket}",
        "subject": f"zen:ticket:{ticket}",
        "time": timestamp,
        "detail": detail,
    }
    body = json.dumps(event).encode()
    signature = base64.b64encode(
        hmac.new(_SECRET.encode(), timestamp.encode() + body, hashlib.sha256).digest()
    ).decode()
    head = [
        "POST /webhooks/bench HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json; charset=utf-8",
        "User-Agent: Zendesk Webhook",
        f"X-Zendesk-Webhook-Signature: {signature}",
        f"X-Zendesk-Webhook-Signature-Timestamp: {timestamp}",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


# --- servers ----------------------------------------------------------------------------------


def _ours(folder: Path, port: int) -> Sequence[str]:
    (folder / "webhook-secret").write_text(_SECRET)
    (folder / "client-secret").write_text("none")
    config = folder / "oneclick-sla.toml"
    config.write_text(
        f"""
[server]
database = "sqlite:///{folder / "ledger.db"}"
listen = "127.0.0.1:{port}"

[accounts.bench]
platform = "zendesk"
policy = "en-linea-365"

[accounts.bench.zendesk]
base_url = "http://127.0.0.1:9"
client_id = "bench"
client_secret = {{ file = "client-secret" }}
webhook_secrets = [{{ file = "webhook-secret" }}]
"""
    )
    return [sys.executable, "-m", "oneclick_sla_plugin.cli", "serve", "--config", str(config)]


def _bare(folder: Path, port: int) -> Sequence[str]:
    del folder
    settings = ["--workers", "1", "--threads", "8", "--worker-class", "gthread", "--keep-alive", "15"]
    return [sys.executable, "-m", "gunicorn", *settings, "--bind", f"127.0.0.1:{port}", "benchmarks.bare_app:app"]


_OURS = Server("oneclick-sla serve", _ours, lambda _: {})
_BARE = Server("bare Flask app", _bare, lambda folder: {"BARE_DATABASE": str(folder / "bare.db")})


@contextmanager
def _serving(server: Server, folder: Path, preload: Mapping[str, str]) -> Iterator[int]:
    port = free_port()
    environment = {**os.environ, **server.environment(folder), **preload}
    command = server.command(folder, port)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=_HERE.parent, stdout=log, stderr=log)  # noqa: S603
        try:
            wait_until_open(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(_PATIENCE.total_seconds())


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until ``process`` listens at ``port``."""
    give_up_at = time.monotonic() + _PATIENCE.total_seconds()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < give_up_at, "the server does not answer"
            time.sleep(0.05)
        else:
            return


def _build_slow_flush(folder: Path) -> Path | None:
    """The library to preload; ``None`` where there is no compiler for it."""
    library = folder / "slow_flush.so"
    command = ["gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_HERE / "slow_flush.c"), "-ldl"]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return library
