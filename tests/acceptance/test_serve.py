"""The installed program as an admin runs it: sandbox, install, serve, signed webhooks, kill -9."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_zendesk.simulator import ZendeskSandbox

PATIENCE = timedelta(seconds=40)
"""How long to wait for something that must happen; far more than it takes."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "oneclick_sla_plugin.cli", *arguments]


def until(what: str, holds: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + PATIENCE.total_seconds()
    while not holds():
        assert time.monotonic() < give_up_at, f"waited in vain until {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(config: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`oneclick-sla serve` in a process group of its own, ended with it."""
    with (config.parent / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            command("serve", "--config", str(config)), stdout=log, stderr=log, start_new_session=True
        )
        try:
            until("the server is ready", lambda: ready(port) or process.poll() is not None)
            assert process.poll() is None, (config.parent / "serve.log").read_text()
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(PATIENCE.total_seconds())


def ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False


def looks(port: int) -> float:
    """How many looks at tickets have ended."""
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    rows = [line for line in text.splitlines() if line.startswith("oneclick_sla_reconcile_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in rows)


def undone(installed: Installed) -> int:
    """How many tickets were marked after the last look at them began."""
    database = sqlite3.connect(installed.config.parent / "oneclick-sla.db")
    try:
        return int(database.execute("SELECT count(*) FROM ticket_ledger WHERE marked > done").fetchone()[0])
    finally:
        database.close()


class Installed:
    """A sandbox, a configuration for it, and the installation made on it."""

    def __init__(self, sandbox: ZendeskSandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.port = free_port()
        self.config = write_sandbox_config(folder, "zendesk", sandbox, listen=f"127.0.0.1:{self.port}")
        with self.config.open("a", encoding="utf-8") as file:
            file.write("\n[engine]\nlease_seconds = 2\n")  # a killed worker's tickets come back sooner

    def install(self, *options: str) -> str:
        done = subprocess.run(
            command("install", "sandbox", "--config", str(self.config), *options),
            capture_output=True,
            text=True,
            timeout=PATIENCE.total_seconds(),
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def post(self, ticket_id: str, *, secret: str | None = None) -> int:
        """Send an event in Zendesk's documented shape, signed as Zendesk signs."""
        event = {
            "account_id": 123,
            "id": "5f0c8a52-0000-4000-8000-000000000001",
            "type": "zen:event-type:ticket.priority_changed",
            "subject": f"zen:ticket:{ticket_id}",
            "time": "2026-11-22T09:15:45.789012345Z",
            "zendesk_event_version": "2022-11-06",
            "event": {"current": "URGENT", "previous": "NORMAL"},
            "detail": {"id": ticket_id, "status": "OPEN", "priority": "URGENT", "actor_id": "77", "tags": []},
        }
        body = (json.dumps(event, indent=2) + "\n").encode()
        key = secret or (self.config.parent / "sandbox-webhook-secret").read_text().strip()
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        signature = base64.b64encode(hmac.new(key.encode(), stamp.encode() + body, hashlib.sha256).digest()).decode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-Zendesk-Webhook-Signature": signature,
            "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        }
        url = f"http://127.0.0.1:{self.port}/webhooks/sandbox"
        return requests.post(url, data=body, headers=headers, timeout=10).status_code


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    with ZendeskSandbox(clock=system_clock) as sandbox:
        made = Installed(sandbox, tmp_path / "etc")
        made.install()
        yield made


def open_ticket(sandbox: ZendeskSandbox) -> str:
    return sandbox.open_ticket(
        channel=Channel.EMAIL, subject="Factura", text="MARKER-customer-text: ¿dónde está mi factura?"
    )


def test_a_dry_run_says_what_it_would_do_and_a_second_installation_does_nothing(tmp_path: Path) -> None:
    with ZendeskSandbox(clock=system_clock) as sandbox:
        made = Installed(sandbox, tmp_path / "etc")
        dry = made.install("--dry-run")
        assert dry.count("would create") == 14
        assert not any(operation.startswith(("PUT", "PATCH", "POST /api")) for operation in sandbox.requests)
        assert made.install().count("created") == 14
        again = made.install()
        assert again.count("stays as it is") == 14
        assert "created" not in again
        secret = tmp_path / "etc" / "sandbox-webhook-secret"
        assert secret.stat().st_mode & 0o777 == 0o600


def test_one_event_sent_five_times_at_once_changes_the_ticket_once(installed: Installed) -> None:
    sandbox = installed.sandbox
    sandbox.webhooks.pause()  # so that only the events posted here are seen
    ticket = open_ticket(sandbox)
    with serving(installed.config, installed.port):
        with ThreadPoolExecutor(5) as pool:
            assert list(pool.map(installed.post, [ticket] * 5)) == [202] * 5
        until("the ticket is enriched", lambda: sandbox.view(ticket).writes)
        until("all marks were dealt with", lambda: undone(installed) == 0)
        assert looks(installed.port) <= 2
    view = sandbox.view(ticket)
    assert view.writes == 1
    assert len(view.notes) == 1
    assert view.fields["SLA state"] == "On track"
    assert {"sla_priority_high", "sla_on_track"} <= set(view.tags)


def test_the_sandboxs_own_webhooks_reach_the_ticket(installed: Installed) -> None:
    with serving(installed.config, installed.port):
        ticket = open_ticket(installed.sandbox)
        until("the ticket is enriched", lambda: installed.sandbox.view(ticket).writes)
        assert installed.sandbox.wait_delivered(PATIENCE)
    assert installed.sandbox.view(ticket).writes == 1


def test_what_is_not_signed_by_us_is_refused(installed: Installed) -> None:
    with serving(installed.config, installed.port):
        assert installed.post("1", secret="somebody else's") == 401
        url = f"http://127.0.0.1:{installed.port}/webhooks/"
        assert requests.post(url + "sandbox", json={"detail": {"id": "1"}}, timeout=10).status_code == 401
        assert requests.post(url + "nobody", json={}, timeout=10).status_code == 404


@pytest.mark.parametrize("before_effect", [True, False], ids=["before the write took effect", "after it took effect"])
def test_kill_9_in_the_middle_of_a_write_loses_nothing_and_tells_nothing_twice(
    installed: Installed, *, before_effect: bool
) -> None:
    sandbox = installed.sandbox
    sandbox.webhooks.pause()
    ticket = open_ticket(sandbox)
    put = "PUT /api/v2/tickets/{ticket_id}"
    sandbox.delay_writes(timedelta(seconds=1), before_effect=before_effect)
    with serving(installed.config, installed.port) as process:
        assert installed.post(ticket) == 202
        until("the write is on its way", lambda: sandbox.requests[put])
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE.total_seconds())
    sandbox.delay_writes(timedelta(0), before_effect=before_effect)
    with serving(installed.config, installed.port):
        until("the ticket was looked at again", lambda: looks(installed.port))
        until("the ticket is enriched", lambda: sandbox.view(ticket).writes)
    view = sandbox.view(ticket)
    assert (view.writes, len(view.notes)) == (1, 1)


def test_no_text_of_a_customer_and_no_secret_is_left_on_disk(installed: Installed) -> None:
    sandbox = installed.sandbox
    with serving(installed.config, installed.port):
        ticket = open_ticket(sandbox)
        until("the ticket is enriched", lambda: sandbox.view(ticket).writes)
        installed.post(ticket, secret="MARKER-secret")
    secret = (installed.config.parent / "sandbox-webhook-secret").read_bytes().strip()
    for file in installed.config.parent.iterdir():
        if file.name != "sandbox-webhook-secret":
            content = file.read_bytes()
            assert b"MARKER" not in content, file
            assert b"Factura" not in content, file
            assert secret not in content, file
