"""The whole program on simulated helpdesks: webhooks, ledger, looks and writes over real HTTP, on a time of its own.

For the conformance suite, for tests and for the demo. Time stands still until it is
moved, so what takes days takes moments, and comes out the same each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from oneclick_sla_plugin.bootstrap import Program, build
from oneclick_sla_plugin.config import AccountConfig, ComplaintsConfig, Config
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Clock, Platform, Sandbox, Services
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_plugin.web.app import app_of

MONDAY = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)
"""10:00 in Lima and 16:00 in Madrid, far from holidays and clock changes."""

_PATIENCE = timedelta(seconds=30)
_MOST_ROUNDS = 60
_SPACING = timedelta(seconds=2)
"""The least time between two looks at one ticket."""


@dataclass(frozen=True, slots=True)
class Part:
    """One account of a rehearsal."""

    platform: str
    policy: str = "en-linea-365"
    language: str | None = None
    send: tuple[str, ...] = ()


class Rehearsal:
    """A context: everything runs inside it. ``parts`` by the account's name; ``folder`` takes the database.

    ``clock``, ``sandboxes`` (by account) and ``program`` are there once it was entered.
    """

    clock: ManualClock
    sandboxes: Mapping[str, Sandbox]
    program: Program

    def __init__(
        self,
        parts: Mapping[str, Part],
        folder: Path,
        *,
        plugins: Plugins | None = None,
        begins: datetime = MONDAY,
        complaints: ComplaintsConfig | None = None,
    ) -> None:
        self._parts = parts
        self._complaints = complaints or ComplaintsConfig()
        self.folder = folder
        self._plugins = plugins or Plugins.load()
        self.clock = ManualClock(begins)
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._set_up(stack)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def _set_up(self, stack: ExitStack) -> None:
        door = LoopbackServer("oneclick-sla")
        stack.callback(door.close)
        sandboxes, accounts = {}, {}
        for name, part in self._parts.items():
            platform = self._plugins.platforms[part.platform]
            sandbox = sandboxes[name] = platform.sandbox(port=0, clock=self.clock)
            stack.callback(sandbox.close)
            accounts[name] = AccountConfig(
                name=name,
                platform=part.platform,
                policy=(part.policy,),
                language=part.language,
                time_zone=None,
                observe=False,
                send=part.send,
                settings=installed(platform, name, sandbox, f"{door.base_url}/webhooks/{name}", self.clock),
            )
        config = Config(
            path=self.folder / "rehearsal",
            database=f"sqlite:///{self.folder / 'rehearsal.db'}",
            listen="127.0.0.1:0",
            public_url=door.base_url,
            processes=1,
            threads=1,
            workers=4,
            lease=timedelta(days=30),  # days pass while a worker works
            blocked_plugins=(),
            accounts=accounts,
            complaints=self._complaints,
        )
        self.sandboxes = sandboxes
        self.program = stack.enter_context(build(config, clock=self.clock, plugins=self._plugins))
        # Assigning this attribute is Flask's documented way to put another application there.
        door.app.wsgi_app = app_of(self.program).wsgi_app  # type: ignore[method-assign]
        door.start()
        self.program.engine.start()
        for sandbox in sandboxes.values():
            stack.callback(sandbox.close)  # before the program: a webhook that comes later would meet a closed database

    def settle(self) -> None:
        """Let webhooks arrive and be dealt with; time moves on as far as that takes. ``TimeoutError`` if it never ends."""
        for _ in range(_MOST_ROUNDS):
            self.work()
            if not self.program.ledger.count_unsettled():
                return
            now = self.clock()
            self.clock.advance_to(max(self.program.ledger.next_due_at(now) or now, now + _SPACING))
        raise TimeoutError("what was marked is not dealt with")

    def work(self) -> None:
        """Let webhooks arrive and what is due be done, while the time stands still. ``TimeoutError`` as for settling."""
        for _ in range(_MOST_ROUNDS):
            if self._quiet():
                return
        raise TimeoutError("each look is the cause of the next")

    def _quiet(self) -> bool:
        """Let all that is due be done; false when something began meanwhile. ``TimeoutError`` if it takes too long."""
        engine = self.program.engine
        engine.ring()
        done = engine.wait_idle(_PATIENCE)
        asked = self._asked()
        if not (done and all(sandbox.wait_delivered(_PATIENCE) for sandbox in self.sandboxes.values())):
            raise TimeoutError("a webhook or a look does not end")
        # Each look asks its helpdesk something, and may be the cause of webhooks that are on their way by now.
        return engine.idle() and self._asked() == asked

    def _asked(self) -> int:
        return sum(sandbox.requests.total() for sandbox in self.sandboxes.values())

    def read(self, account: str, ticket_id: str) -> Ticket:
        """A ticket as the program would read it now. Raises the platform errors."""
        return self.program.accounts[account].connection.read(ticket_id)


def installed(platform: Platform, account: str, sandbox: Sandbox, webhook_url: str, clock: Clock) -> dict[str, Any]:
    """Install on a sandbox what ``oneclick-sla install`` would; returns the account's settings, secrets in place."""
    settings = {**sandbox.settings(), **{name: SecretStr(value) for name, value in sandbox.secrets().items()}}
    with HttpTransport(sandbox.base_url, platform=platform.name) as http:
        connection = platform.connect(account, settings, Services(open_http=lambda _: http, clock=clock))
        installation = connection.installation(webhook_url)
        for step in installation.steps:
            if step.action != "keep":
                step.apply()
        return settings | {name: SecretStr(value) for name, value in installation.secrets().items()}
