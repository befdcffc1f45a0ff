"""The recorded samples, a simulated osTicket, and a connection to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from oneclick_sla_osticket.plugin import OsTicketConnection, OsTicketPlatform
from oneclick_sla_osticket.simulator import OsTicketSandbox
from oneclick_sla_plugin.ports import Services
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport

SAMPLES = Path(__file__).parent.parent / "osticket" / "samples"
RECORDED_WITH = "whsec_c2FtcGxlcy1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0ISE="


@pytest.fixture
def sample() -> Callable[[str], Any]:
    """A recorded sample by its name."""
    return lambda name: json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.fixture
def recorded_with() -> str:
    """The secret that the samples were signed with; made up for them."""
    return RECORDED_WITH


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 17, 15, 0, tzinfo=UTC))


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[OsTicketSandbox]:
    with OsTicketSandbox(clock=clock) as running:
        yield running


@pytest.fixture
def connect(sandbox: OsTicketSandbox, clock: ManualClock) -> Iterator[Callable[..., OsTicketConnection]]:
    """Connects to the sandbox, with other settings on top of its own."""
    with HttpTransport(sandbox.base_url, platform="osticket") as http:

        def connected(**settings: Any) -> OsTicketConnection:
            secrets = {name: SecretStr(value) for name, value in sandbox.secrets().items()}
            given = {**sandbox.settings(), **secrets, **settings}
            connection = OsTicketPlatform().connect("acme", given, Services(lambda _base_url: http, clock))
            assert isinstance(connection, OsTicketConnection)
            return connection

        yield connected
