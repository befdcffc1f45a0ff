"""``oneclick-sla demo``: simulated helpdesks, the program and a dozen tickets, over real HTTP.

What happens is in ``demo.toml``: who writes what, when, and what must stand on
the ticket at the end. Time is the demo's own, so a weekend passes in a second.
"""

from __future__ import annotations

import json
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import click
from flask import Flask
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from werkzeug.serving import WSGIRequestHandler, make_server

from oneclick_sla_plugin.bootstrap import build
from oneclick_sla_plugin.config import AccountConfig, Config
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import Channel, Ticket
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.observability import configure_logging
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import AgentView, Sandbox, Services
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_plugin.web.app import app_of

_STEP = timedelta(seconds=3)
"""Longer than the least time between two looks at one ticket."""
_PATIENCE = timedelta(seconds=20)
_WIDTH_OF_A_PIPE = 110


@dataclass(frozen=True, slots=True)
class _Expected:
    priority: str
    due: datetime
    state: str
    clause: str


@dataclass(frozen=True, slots=True)
class _Result:
    """One ticket at the end: what was decided last, what stands on it, and what is wrong."""

    account: str
    view: AgentView
    decision: Decision
    zone: ZoneInfo
    wrong: tuple[str, ...]


class _Recorder:
    """A plugin like any other: hears of every decision and keeps the last of each ticket."""

    def __init__(self) -> None:
        self.last: dict[str, Decision] = {}

    @hookimpl
    def on_decision(self, ticket: Ticket, decision: Decision, changes: Changes) -> None:
        del ticket, changes
        self.last[decision.ticket] = decision


@click.command()
@click.option("--once", is_flag=True, help="End after the table; status 0 only if every ticket came out as expected.")
@click.option("--json", "as_json", is_flag=True, help="Print the end state as JSON instead of the table.")
@click.pass_context
def demo(ctx: click.Context, once: bool, as_json: bool) -> None:
    """Show enriched tickets: a simulated helpdesk, signed webhooks, decisions, write-backs."""
    configure_logging("error")
    script = tomllib.loads(files("oneclick_sla_plugin.cli").joinpath("demo.toml").read_text(encoding="utf-8"))
    with _Stage(script["accounts"]) as stage:
        results = stage.play(script["tickets"])
        if as_json:
            click.echo(json.dumps([_document(result) for result in results], ensure_ascii=False, indent=2))
        else:
            _print_table(results)
        if not once:
            for account, running in stage.sandboxes.items():
                click.echo(f"{account}: the simulated helpdesk stays at {running.base_url}")
            click.echo("Stop with Ctrl-C.")
            _wait_for_interrupt()
    ctx.exit(1 if any(result.wrong for result in results) else 0)


class _Stage:
    """The simulated helpdesks, the program and its web application, set up and taken down together."""

    def __init__(self, accounts: Iterable[Mapping[str, str]], platform: str = "zendesk") -> None:
        self._accounts = list(accounts)
        self._platform = platform
        self._cleanup = ExitStack()
        self.sandboxes: dict[str, Sandbox] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._set_up(stack)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def _set_up(self, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oneclick-sla-demo-")))
        self._clock = ManualClock(datetime(2026, 12, 4, 14, 0, tzinfo=UTC))
        self._recorder = _Recorder()
        plugins = Plugins.load(plugins=[("demo", self._recorder)])
        platform = plugins.platforms[self._platform]
        door = _Door()
        base_url = stack.enter_context(_serving(door))
        accounts = {}
        for account in self._accounts:
            name = account["name"]
            sandbox = platform.sandbox(port=0, clock=self._clock)
            stack.callback(sandbox.close)
            self.sandboxes[name] = sandbox
            secrets = _install(platform, name, sandbox, f"{base_url}/webhooks/{name}", self._clock)
            accounts[name] = AccountConfig(
                name=name,
                platform=self._platform,
                policy=account["policy"],
                language=account["language"],
                time_zone=None,
                observe=False,
                settings={**sandbox.settings(), **secrets},
            )
        config = Config(
            path=folder / "demo",
            database=f"sqlite:///{folder / 'demo.db'}",
            listen="127.0.0.1:0",
            public_url=base_url,
            processes=1,
            threads=8,
            workers=4,
            lease=timedelta(seconds=15),
            blocked_plugins=(),
            accounts=accounts,
        )
        self._program = stack.enter_context(build(config, clock=self._clock, plugins=plugins))
        self._program.start()
        door.app = app_of(self._program)

    def play(self, tickets: list[dict[str, Any]]) -> list[_Result]:
        """Let everything happen in the order of time and judge the end."""
        ids: dict[int, str] = {}
        events: list[tuple[datetime, Callable[[], None]]] = []
        for n, ticket in enumerate(tickets):
            events.append((ticket["at"], _opening(self.sandboxes[ticket["account"]], ticket, ids, n)))
            events += [
                (reply["at"], _reply(self.sandboxes[ticket["account"]], reply["text"], ids, n))
                for reply in ticket.get("replies", ())
            ]
        for at, happen in sorted(events, key=lambda event: event[0]):
            if at.astimezone(UTC) > self._clock():
                self._clock.advance_to(at)
            happen()
            self._settle()
        return [self._result(ticket, ids[n]) for n, ticket in enumerate(tickets)]

    def _settle(self) -> None:
        """Let webhooks arrive and due tickets be looked at, with the demo's time moving on as needed."""
        for sandbox in self.sandboxes.values():
            sandbox.wait_delivered(_PATIENCE)
        for _ in range(10):
            self._program.engine.ring()
            self._program.engine.wait_idle(_PATIENCE)
            if self._program.engine.idle(within=_STEP):
                return
            self._clock.advance(_STEP)

    def _result(self, ticket: Mapping[str, Any], ticket_id: str) -> _Result:
        account = ticket["account"]
        view = self.sandboxes[account].view(ticket_id)
        decision = self._recorder.last[f"{self._platform}/{account}/{ticket_id}"]
        expected = _Expected(**ticket["expect"])
        return _Result(account, view, decision, _zone(ticket["at"], account), _compare(expected, view, decision))


class _Door:
    """The address of the web application, known before the application is: a WSGI callable that hands on."""

    app: Flask | None = None

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        assert self.app is not None, "no webhook is sent before the program is up"  # noqa: S101
        return self.app(environ, start_response)


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the demo's output is its table."""


@contextmanager
def _serving(app: Callable[..., Iterable[bytes]]) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _install(platform: Any, account: str, sandbox: Sandbox, webhook_url: str, clock: ManualClock) -> dict[str, Any]:
    """What ``oneclick-sla install`` does, against the sandbox; returns the account's secrets."""
    login = {name: SecretStr(value) for name, value in sandbox.secrets().items() if name != "webhook_secrets"}
    with HttpTransport(sandbox.base_url, platform=platform.name) as http:
        services = Services(open_http=lambda _: http, clock=clock)
        connection = platform.connect(account, {**sandbox.settings(), **login}, services)
        installation = connection.installation(webhook_url)
        for step in installation.steps:
            if step.action != "keep":
                step.apply()
        return {**login, **{name: [SecretStr(value)] for name, value in installation.secrets().items()}}


def _opening(sandbox: Sandbox, ticket: Mapping[str, Any], ids: dict[int, str], n: int) -> Callable[[], None]:
    def happen() -> None:
        ids[n] = sandbox.open_ticket(
            channel=Channel(ticket["channel"]),
            subject=ticket["subject"],
            text=ticket["text"],
            recipient=ticket.get("recipient"),
            tags=ticket.get("tags", ()),
        )

    return happen


def _reply(sandbox: Sandbox, text: str, ids: dict[int, str], n: int) -> Callable[[], None]:
    return lambda: sandbox.agent_replies(ids[n], text)


def _zone(at: datetime, account: str) -> ZoneInfo:
    del at
    return ZoneInfo("America/Lima" if account == "en-linea" else "Europe/Madrid")


def _compare(expected: _Expected, view: AgentView, decision: Decision) -> tuple[str, ...]:
    clock = decision.clocks[0] if decision.clocks else None
    found = {
        "priority": (view.priority, expected.priority),
        "due": (view.fields.get("SLA first reply due"), expected.due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        "state": (clock.state.value if clock else None, expected.state),
        "tag": (f"sla_priority_{expected.priority}" in view.tags, True),
        "clause": (any(text.startswith(expected.clause) for text in _reasons(decision)), True),
    }
    return tuple(f"{what}: {is_} instead of {should}" for what, (is_, should) in found.items() if is_ != should)


def _reasons(decision: Decision) -> list[str]:
    return [*decision.priority.because, *(clock.because for clock in decision.clocks)]


def _print_table(results: list[_Result]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_OF_A_PIPE)
    table = Table(title="What stands on the tickets", title_justify="left", show_lines=True, expand=False)
    for heading in ("Ticket", "Decided", "Why", "Written"):
        table.add_column(heading, overflow="fold")
    for result in results:
        table.add_row(
            f"[bold]{result.account} {result.view.id}[/bold]\n{result.decision.channel}\n{result.view.subject}",
            _decided(result),
            "\n".join(_reasons(result.decision)),
            _written(result) if not result.wrong else "[red]" + "\n".join(result.wrong) + "[/red]",
        )
    console.print(table)
    good = sum(not result.wrong for result in results)
    console.print(f"{good} of {len(results)} tickets came out as expected.")


def _decided(result: _Result) -> str:
    lines = [f"priority {result.decision.priority.value}"]
    for clock in result.decision.clocks:
        due = clock.due_at.astimezone(result.zone).strftime("%a %d %b %H:%M")
        lines += [f"{clock.metric.replace('_', ' ')} by {due}", f"{clock.state.replace('_', ' ')}"]
    return "\n".join(lines)


def _written(result: _Result) -> str:
    view = result.view
    tags = "\n".join(sorted(tag for tag in view.tags if tag.startswith("sla_")))
    notes = f"{len(view.notes)} {'note' if len(view.notes) == 1 else 'notes'}"
    return f"{tags}\n{len(view.fields)} fields, {notes}, {view.writes} {'write' if view.writes == 1 else 'writes'}"


def _document(result: _Result) -> dict[str, Any]:
    view = result.view
    return {
        "account": result.account,
        "id": view.id,
        "channel": result.decision.channel,
        "subject": view.subject,
        "status": view.status,
        "priority": view.priority,
        "tags": sorted(view.tags),
        "fields": dict(view.fields),
        "notes": list(view.notes),
        "writes": view.writes,
        "because": _reasons(result.decision),
        "as_expected": not result.wrong,
        "wrong": list(result.wrong),
    }


def _wait_for_interrupt() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("")
