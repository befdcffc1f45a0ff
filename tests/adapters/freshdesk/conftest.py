"""A simulated Freshdesk account, connections to it, and a receiver of what it sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Response, request
from pydantic import SecretStr

from oneclick_sla_freshdesk.plugin import FreshdeskConnection, FreshdeskPlatform
from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Services
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.transport import HttpTransport

NOWHERE = "http://127.0.0.1:9/webhooks/acme"
"""Nobody listens on the discard port; for tests that are not about delivery."""


@dataclass
class Receiver:
    """Takes webhooks at ``url`` and keeps headers (in lower case) and bytes."""

    server: LoopbackServer = field(default_factory=lambda: LoopbackServer("receiver"))
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.server.app.add_url_rule("/webhooks/acme", view_func=self.receive, methods=["POST"])
        self.server.start()

    @property
    def url(self) -> str:
        return f"{self.server.base_url}/webhooks/acme"

    def receive(self) -> Response:
        with self.lock:
            self.received.append(({key.lower(): value for key, value in request.headers.items()}, request.get_data()))
        return Response(status=200)


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))


@pytest.fixture
def sandbox(manual_clock: ManualClock) -> Iterator[FreshdeskSandbox]:
    with FreshdeskSandbox(clock=manual_clock) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.close()


@pytest.fixture
def connect(sandbox: FreshdeskSandbox, manual_clock: ManualClock) -> Iterator[Callable[..., FreshdeskConnection]]:
    """Connects to the simulated account as ``acme``, with the sandbox's settings and those that are given."""
    with ExitStack() as transports:

        def connect(**settings: Any) -> FreshdeskConnection:
            http = transports.enter_context(HttpTransport(sandbox.base_url))
            secrets = {name: SecretStr(value) for name, value in sandbox.secrets().items()}
            given = {**sandbox.settings(), **secrets, **settings}
            opened = FreshdeskPlatform().connect("acme", given, Services(lambda _base_url: http, manual_clock))
            assert isinstance(opened, FreshdeskConnection)
            return opened

        yield connect


@pytest.fixture
def connection(connect: Callable[..., FreshdeskConnection]) -> FreshdeskConnection:
    """Connected to an account on which everything is installed."""
    opened = connect()
    apply(opened)
    return opened


@pytest.fixture
def install() -> Callable[..., list[str]]:
    return apply


@pytest.fixture
def ticket_id(sandbox: FreshdeskSandbox) -> str:
    """A ticket that a customer opened by e-mail."""
    return sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.", tags=["vip"])


@pytest.fixture
def delivered(sandbox: FreshdeskSandbox) -> Callable[[], None]:
    """Waits until no webhook is on its way."""

    def wait() -> None:
        assert sandbox.wait_delivered(timedelta(seconds=30))

    return wait


def apply(connection: FreshdeskConnection, url: str = NOWHERE) -> list[str]:
    """Do what an installation would do; the actions of its steps."""
    steps = connection.installation(url).steps
    for step in steps:
        if step.action != "keep":
            step.apply()
    return [step.action for step in steps]
