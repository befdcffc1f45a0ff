"""The demo's stage: simulated helpdesks, the program and its web application, set up and taken down together."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from flask import Flask
from pydantic import SecretStr
from werkzeug.serving import WSGIRequestHandler, make_server

from oneclick_sla_plugin.analysing import Analyst
from oneclick_sla_plugin.bootstrap import build
from oneclick_sla_plugin.cli.demo.results import Expected, Result, compare
from oneclick_sla_plugin.config import AccountConfig, Config
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.explanation import Explanation, explain
from oneclick_sla_plugin.domain.model import Channel, Ticket
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.ports import Platform, Sandbox, Services
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_records import Complaint
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_plugin.web.app import app_of

_BEGINS = datetime(2026, 12, 4, 14, 0, tzinfo=UTC)
_STEP = timedelta(seconds=3)
"""Longer than the least time between two looks at one ticket."""
_PATIENCE = timedelta(seconds=20)
_FEW = 10
"""Rounds after which a ticket that still asks for a look will be left alone."""


class _Recorder:
    """A plugin like any other: hears of every decision and keeps the last of each ticket."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[Ticket, Decision]] = {}

    @hookimpl
    def on_decision(self, ticket: Ticket, decision: Decision, changes: Changes) -> None:
        del changes
        self.last[decision.ticket] = (ticket, decision)


class Stage:
    """A context: everything runs inside it. ``accounts``: name, policy, language and time zone of each."""

    def __init__(self, accounts: Iterable[Mapping[str, str]], platform: str = "zendesk") -> None:
        self._accounts = {account["name"]: account for account in accounts}
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
        self._clock = ManualClock(_BEGINS)
        self._recorder = _Recorder()
        self._plugins = Plugins.load(plugins=[("demo", self._recorder)])
        platform = self._plugins.platforms[self._platform]
        door = _Door()
        base_url = stack.enter_context(_serving(door))
        accounts = {}
        for name, account in self._accounts.items():
            sandbox = platform.sandbox(port=0, clock=self._clock)
            stack.callback(sandbox.close)
            self.sandboxes[name] = sandbox
            secrets = _install(platform, name, sandbox, f"{base_url}/webhooks/{name}", self._clock)
            accounts[name] = AccountConfig(
                name=name,
                platform=self._platform,
                policy=(account["policy"],),
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
            lease=timedelta(days=30),  # the demo's days pass while a worker works
            blocked_plugins=(),
            accounts=accounts,
        )
        self._program = stack.enter_context(build(config, clock=self._clock, plugins=self._plugins))
        self._program.start()
        door.app = app_of(self._program)

    def play(self, tickets: Sequence[Mapping[str, Any]]) -> list[Result]:
        """Let everything happen in the order of time and judge the end."""
        ids: dict[int, str] = {}
        events: list[tuple[datetime, Callable[[], None]]] = []
        for n, ticket in enumerate(tickets):
            sandbox = self.sandboxes[ticket["account"]]
            events.append((ticket["at"], _opening(sandbox, ticket, ids, n)))
            events += [(step["at"], _step(sandbox, step, ids, n)) for step in ticket.get("steps", ())]
        for at, happen in sorted(events, key=lambda event: event[0]):
            if at.astimezone(UTC) > self._clock():
                self._clock.advance_to(at)
            happen()
            self._settle()
        return [self._result(ticket, ids[n]) for n, ticket in enumerate(tickets)]

    def complaints(self) -> list[Complaint]:
        """What stands in the complaint register."""
        return SqlRegister(self._program.database).complaints()

    def _settle(self) -> None:
        """Let webhooks arrive and due tickets be looked at, with the demo's time moving on as needed."""
        for sandbox in self.sandboxes.values():
            sandbox.wait_delivered(_PATIENCE)
        for _ in range(_FEW):
            self._program.engine.ring()
            self._program.engine.wait_idle(_PATIENCE)
            if self._program.engine.idle(within=_STEP):
                return
            self._clock.advance(_STEP)

    def _result(self, script: Mapping[str, Any], ticket_id: str) -> Result:
        account = script["account"]
        view = self.sandboxes[account].view(ticket_id)
        ticket, decision = self._recorder.last[f"{self._platform}/{account}/{ticket_id}"]
        return Result(
            account=account,
            view=view,
            decision=decision,
            zone=ZoneInfo(self._accounts[account]["time_zone"]),
            wrong=compare(Expected(**script["expect"]), view, decision),
            shown=script.get("show", False),
            explanation=self._explain(account, ticket) if script.get("explain") else None,
        )

    def _explain(self, account: str, ticket: Ticket) -> Explanation:
        policy = find_policy(self._accounts[account]["policy"], self._plugins.policies)
        analyst = Analyst(self._plugins.detectors.values(), self._plugins.classifiers.values())
        return explain(ticket, policy, self._clock(), analyst(ticket))


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


def _install(
    platform: Platform, account: str, sandbox: Sandbox, webhook_url: str, clock: ManualClock
) -> dict[str, Any]:
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


def _step(sandbox: Sandbox, step: Mapping[str, Any], ids: dict[int, str], n: int) -> Callable[[], None]:
    match step["do"]:
        case "reply":
            return lambda: sandbox.agent_replies(ids[n], step["text"])
        case "note":
            return lambda: sandbox.agent_replies(ids[n], step["text"], public=False)
        case "solve":
            return lambda: sandbox.agent_solves(ids[n])
    raise ValueError(f"the script knows no step {step['do']!r}")
