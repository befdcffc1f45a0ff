"""Events from the simulated osTicket over HTTP: signed so that they are believed, tried again until they are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Response, request

from oneclick_sla_osticket.plugin import OsTicketConnection
from oneclick_sla_osticket.simulator import OsTicketSandbox
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Channel, Priority, Written
from oneclick_sla_plugin.ports import Doorbell
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.server import LoopbackServer

PATIENCE = timedelta(seconds=20)


@pytest.fixture
def receiver() -> Iterator[LoopbackServer]:
    server = LoopbackServer("receiver")
    yield server
    server.close()


def test_events_are_believed_and_our_own_writes_make_none(
    sandbox: OsTicketSandbox,
    connect: Callable[..., OsTicketConnection],
    receiver: LoopbackServer,
    clock: ManualClock,
) -> None:
    """What people do rings; what the program writes does not; a refused event comes again; a ping is seen by check."""
    connection, bells = connect(), list[Doorbell]()

    def take() -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        bells.append(connection.receive(headers, request.get_data(), clock()))
        return Response(status=202)

    receiver.app.add_url_rule("/webhooks/acme", "take", take, methods=["POST"])
    receiver.start()
    url = f"{receiver.base_url}/webhooks/acme"
    for step in connection.installation(url).steps:
        step.apply()
    receiver.answer_next(1, 503)
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="A", text="B")
    assert sandbox.wait_delivered(PATIENCE)
    assert bells == [Doorbell((ticket_id,), "ticket.created")]
    ticket = connection.read(ticket_id)
    connection.write(ticket, Changes(priority=Priority.HIGH), Written(Priority.HIGH))
    sandbox.agent_replies(ticket_id, "On it.", public=False)
    assert sandbox.wait_delivered(PATIENCE)
    assert bells[1:] == [Doorbell((ticket_id,), "note.created")]
    assert all(each.good for each in connection.check(url) if each.name == "round trip")
    assert bells[2:] == [Doorbell((), "ping", "ping")]
