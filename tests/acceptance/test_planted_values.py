"""Cards, passwords, keys and words of customers go through a whole run of the program and are left nowhere.

Every message of the run holds planted values, and so do the answers of a platform that
fails. Afterwards everything that the program kept, sent, logged, counted and printed is
searched for any six characters in a row of any of them.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from click.testing import CliRunner

from oneclick_sla_plugin.bootstrap import Program, build, system_clock
from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import Channel, Ticket
from oneclick_sla_plugin.domain.sensitive import Detector
from oneclick_sla_plugin.errors import OneclickSlaError
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Connection, HttpClient, Platform, Request, Response, Services
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.web.app import app_of
from oneclick_sla_zendesk.plugin import ZendeskPlatform
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from tests.acceptance.planted import Values, files_in

PATIENCE = timedelta(seconds=40)
READ = "GET /api/v2/tickets/{ticket_id}"
WRITE = "PUT /api/v2/tickets/{ticket_id}"


@dataclass
class Trap:
    """The Zendesk platform with two additions: everything sent is kept, and a marked ticket raises its own text."""

    platform: ZendeskPlatform = field(default_factory=ZendeskPlatform)
    sent: list[bytes] = field(default_factory=list)
    raising: set[str] = field(default_factory=set)

    @hookimpl
    def register_platforms(self, register: Callable[[Platform], None]) -> None:
        register(self)  # type: ignore[arg-type] # what is not here is the platform's own

    @hookimpl
    def register_detectors(self, register: Callable[[Detector], None]) -> None:
        register(_Faulty())

    @hookimpl
    def adjust_decision(self, ticket: Ticket, decision: Decision) -> NoReturn:
        raise ValueError(ticket.messages[0].text)

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> Connection:
        def opened(base_url: str) -> HttpClient:
            return _Recorded(services.open_http(base_url), self.sent)

        connection = self.platform.connect(account, settings, Services(opened, services.clock))
        return _Raising(connection, self.raising)  # type: ignore[return-value]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.platform, name)


class _Faulty:
    """A detector whose failure quotes what it was given."""

    name, types, trigger = "faulty", frozenset({"faulty"}), ""

    def find(self, text: Any) -> NoReturn:
        raise ValueError(text.text)


@dataclass
class _Recorded:
    http: HttpClient
    sent: list[bytes]

    def send(self, request: Request) -> Response:
        self.sent.append(
            f"{request.method} {request.path} {request.query} {request!r} ".encode() + (request.body or b"")
        )
        return self.http.send(request)


@dataclass
class _Raising:
    connection: Connection
    raising: set[str]

    def read(self, ticket_id: str) -> Ticket:
        ticket = self.connection.read(ticket_id)
        if ticket_id in self.raising:
            self.raising.discard(ticket_id)
            raise KeyError(ticket.messages[0].text, ticket)
        return ticket

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


class Run:
    """The program over the simulator, with its webhooks, on a time that jumps to whatever is due next."""

    def __init__(
        self, sandbox: ZendeskSandbox, program: Program, clock: ManualClock, trap: Trap, config: Path, lines: list[str]
    ) -> None:
        self.sandbox = sandbox
        self.program = program
        self.clock = clock
        self.trap = trap
        self.config = config
        self.lines = lines

    def settle(self) -> None:
        for _ in range(500):
            assert self.sandbox.wait_delivered(PATIENCE)
            self.program.engine.ring()
            assert self.program.engine.wait_idle(PATIENCE)
            due_at = self.program.ledger.next_due_at(self.clock())
            if not self.program.ledger.count_unsettled() and (
                due_at is None or due_at > self.clock() + timedelta(minutes=30)
            ):
                return
            assert due_at is not None
            self.clock.advance_to(max(due_at, self.clock() + timedelta(seconds=2)))
        raise AssertionError("it never settles")


def command(*arguments: str, given: str = "") -> bytes:
    """What a command prints on both streams, and what it ends with."""
    done = CliRunner().invoke(cli, arguments, input=given)
    ended = "".join(traceback.format_exception(done.exception)) if done.exception else ""
    return done.stdout_bytes + done.stderr_bytes + ended.encode()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    clock = ManualClock(system_clock().replace(microsecond=0))
    server = LoopbackServer("program")
    lines: list[str] = []

    def keep(_logger: object, _method: str, event: MutableMapping[str, Any]) -> NoReturn:
        lines.append(repr(event))
        raise structlog.DropEvent

    with ZendeskSandbox(clock=clock, retry_wait=timedelta(milliseconds=20)) as sandbox:
        server.start()
        listen = server.base_url.removeprefix("http://")
        config = write_sandbox_config(tmp_path / "etc", "zendesk", sandbox, listen=listen)
        assert b"created" in command("install", "sandbox", "--config", str(config))
        trap = Trap()
        structlog.configure(processors=[structlog.processors.format_exc_info, keep])
        plugins = Plugins.load(plugins=[("trap", trap)], blocked=("zendesk",))
        try:
            with build(load_config(config), clock=clock, plugins=plugins) as program:
                # Assigning this attribute is Flask's documented way to put another application there.
                server.app.wsgi_app = app_of(program).wsgi_app  # type: ignore[method-assign]
                program.engine.start()
                yield Run(sandbox, program, clock, trap, config, lines)
        finally:
            server.close()
            structlog.reset_defaults()


def told_by(error: BaseException) -> str:
    """What an error says of itself in every way it can be printed."""
    return f"{error} {error!r} {error.args} {vars(error)} {''.join(traceback.format_exception(error))}"


def neutral_ticket(text: str, subject: str) -> str:
    at = "2026-11-17T15:00:00Z"
    message = {"id": "1", "at": at, "author": "customer", "public": True, "text": text}
    return json.dumps(
        {
            "platform": "zendesk",
            "account": "acme",
            "id": "7",
            "created_at": at,
            "updated_at": at,
            "channel": "email",
            "subject": subject,
            "status": "open",
            "tags": [],
            "fields": {},
            "requester": {"id": "7", "known": None},
            "messages": [message],
            "status_history": [],
        }
    )


def test_what_is_planted_would_be_found() -> None:
    """The search itself: a run of six is found, a mask and a vendor's prefix are not."""
    values = Values(1)
    text = values.text()
    card = text.partition("tarjeta es ")[2][:19]
    assert values.found_in(card.replace(" ", "")[:6].encode())
    assert values.found_in(b"x" + card[3:9].encode() + b"x")
    assert values.found_in(text.upper().encode())
    assert not values.found_in(f"•••• {card[-4:]} ghp_•••• sk_live_•••• ES •••• 1234".encode())


def test_nothing_planted_is_left_anywhere(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    values = Values(365)
    sandbox, program = run.sandbox, run.program

    # A quiet run: every channel, several messages, an agent's reply and note.
    opened = [
        sandbox.open_ticket(channel=channel, subject=values.word(), text=values.text())
        for channel in (Channel.EMAIL, Channel.CHAT, Channel.WEB_FORM, Channel.WHATSAPP, Channel.PHONE)
    ]
    complaint = sandbox.open_ticket(
        channel=Channel.EMAIL,
        subject=values.word(),
        text=f"Quiero presentar una queja formal, libro de reclamaciones.\n{values.text()}",
    )
    run.settle()
    sandbox.agent_replies(opened[0], values.text())
    sandbox.agent_replies(opened[1], values.text(), public=False)
    sandbox.customer_replies(opened[0], values.text())
    sandbox.customer_replies(complaint, values.text())
    run.settle()

    # A platform that fails, and quotes the customer while it does.
    page = f'{{"error": "{values.word()}", "description": {json.dumps(values.text())}}}'.encode()
    for status in (500, 503, 429):
        sandbox.answer_next(2, status, body=page, headers={"Retry-After": "1"})
        sandbox.customer_replies(opened[2], values.text())
        run.settle()
    sandbox.answer_next(1, 200, operation=READ, body=page[:-3])
    sandbox.customer_replies(opened[3], values.text())
    run.settle()

    # A ticket that dies, and one that meets a fault of the program whose exception holds its text.
    sandbox.answer_next(1, 422, operation=WRITE, body=page)
    dead = sandbox.open_ticket(channel=Channel.EMAIL, subject=values.word(), text=values.text())
    run.settle()
    run.trap.raising.add(opened[4])
    sandbox.customer_replies(opened[4], values.text())
    run.settle()

    # What errors say of themselves.
    connection = program.accounts["sandbox"].connection
    told = []
    for status in (200, 400, 401, 403, 404, 409, 422, 429, 500):
        sandbox.answer_next(2 if status in (401, 500) else 1, status, operation=READ, body=page[:-3])  # tried again
        with pytest.raises(OneclickSlaError) as caught:
            connection.read(opened[0])
        told.append(told_by(caught.value))
    # The commands live in this machine's time, in which the account would still sleep.
    program.states.change("sandbox", lambda state: replace(state, sleep=None))
    ticket = neutral_ticket(values.text(), values.word())
    lines = (
        f"{ticket}\n{{{values.text().replace(chr(10), ' ')}\n" + ticket.replace('"open"', f'"{values.word()}"') + "\n"
    )
    now = ("--now", "2026-11-17T16:00:00Z")
    configured = ("--config", str(run.config))
    printed = {
        "decide": command("decide", "--policy", "en-linea-365", *now, "--jsonl", given=lines),
        "explain": command("explain", "--json", "--json-ticket", "-", "--policy", "en-linea-365", *now, given=ticket),
        "explain of the account": command("explain", "--json", "sandbox", opened[0], *configured),
        "scan of tickets": command("scan", "--jsonl", "--json", "-", given=lines),
        "scan of a text": command("scan", "--json", "-", given=values.text()),
        "scan of the account": command("scan", "--json", "--account", "sandbox", *configured),
        "scan on a screen": command("scan", "--account", "sandbox", *configured),
        "the dead list": command("dead", "list", "--json", *configured),
        "the complaint register": command("complaints", "list", "--json", *configured),
    }

    # It was the run that it should be.
    views = {ticket_id: sandbox.view(ticket_id) for ticket_id in (*opened, complaint, dead)}
    assert all("sla_sensitive_data" in views[ticket_id].tags for ticket_id in (*opened, complaint))
    assert [row.key.id for row in program.ledger.dead()] == [dead]
    logged = "\n".join(run.lines)
    for event in ("webhook.accepted", "reconcile.written", "reconcile.fault", "reconcile.buried", "detector.failed"):
        assert event in logged, event
    for name in ("scan of tickets", "scan of a text", "scan of the account", "scan on a screen"):
        assert "••••".encode() in printed[name], name
    assert b'"findings"' in printed["decide"]
    assert caplog.text

    searched: dict[str, bytes] = {
        **dict(files_in(tmp_path)),
        "logs": logged.encode(),
        "logs of libraries": caplog.text.encode(),
        "metrics": program.metrics.render(),
        "errors": "\n".join(told).encode(),
        "dead list": repr(program.ledger.dead()).encode(),
        "sent to the helpdesk": b"\n".join(run.trap.sent),
        "tickets": "\n".join(
            f"{view.notes} {sorted(view.tags)} {dict(view.fields)}" for view in views.values()
        ).encode(),
        **printed,
    }
    assert any(name.endswith(".db") for name in searched)
    assert any(name.endswith(".db-wal") for name in searched)
    assert {name: found for name, content in searched.items() if (found := values.found_in(content))} == {}
