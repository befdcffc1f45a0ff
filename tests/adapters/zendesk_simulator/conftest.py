"""A simulated account, a client of its API and a receiver of its webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Response as FlaskResponse
from flask import request

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.fields import Option, TicketField

START = datetime(2026, 11, 23, 9, 15, 45, 789012, tzinfo=UTC)
PATIENCE = timedelta(seconds=30)


class Api:
    """Requests with one token, JSON in and out."""

    def __init__(self, client: HttpTransport) -> None:
        self.client = client
        self.token = ""

    def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, token: str | None = None
    ) -> Response:
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return self.client.send(
            Request(
                method,
                path,
                "test",
                query=tuple((query or {}).items()),
                headers=headers,
                body=None if body is None else json.dumps(body).encode(),
            )
        )

    def get(self, path: str, **query: str) -> Any:
        response = self.call("GET", path, query={key.replace("_", "[", 1) + "]": value for key, value in query.items()})
        assert response.status == 200
        return response.json()

    def new_token(self, **wanted: Any) -> Response:
        body = {
            "grant_type": "client_credentials",
            "client_id": "sandbox",
            "client_secret": "sandbox-secret",
            "scope": "read write",
            **wanted,
        }
        return self.call("POST", "/oauth/tokens", body, token="")

    def put(self, ticket_id: str, **attributes: Any) -> Response:
        return self.call("PUT", f"/api/v2/tickets/{ticket_id}", {"ticket": attributes})

    def ticket(self, ticket_id: str) -> dict[str, Any]:
        ticket: dict[str, Any] = self.get(f"/api/v2/tickets/{ticket_id}")["ticket"]
        return ticket

    def comments(self, ticket_id: str) -> list[dict[str, Any]]:
        comments: list[dict[str, Any]] = self.get(f"/api/v2/tickets/{ticket_id}/comments")["comments"]
        return comments

    def audits(self, ticket_id: str) -> list[dict[str, Any]]:
        audits: list[dict[str, Any]] = self.get(f"/api/v2/tickets/{ticket_id}/audits")["audits"]
        return audits

    def new_field(self, type_: str, title: str, **more: Any) -> int:
        response = self.call("POST", "/api/v2/ticket_fields", {"ticket_field": {"type": type_, "title": title, **more}})
        assert response.status == 201
        field_id: int = response.json()["ticket_field"]["id"]
        return field_id

    def new_dropdown(self, title: str, *values: str) -> int:
        options = [{"name": value.replace("_", " ").capitalize(), "value": value} for value in values]
        return self.new_field("tagger", title, custom_field_options=options)

    def new_webhook(self, endpoint: str, *events: str, **more: Any) -> str:
        response = self.call(
            "POST",
            "/api/v2/webhooks",
            {
                "webhook": {
                    "name": "SLA plugin",
                    "endpoint": endpoint,
                    "http_method": "POST",
                    "request_format": "json",
                    "status": "active",
                    "subscriptions": [f"zen:event-type:ticket.{event}" for event in events],
                    **more,
                }
            },
        )
        assert response.status == 201
        webhook_id: str = response.json()["webhook"]["id"]
        return webhook_id


@dataclass
class Receiver:
    """Takes webhooks at ``url``, keeps headers and bytes, and answers with ``answer``."""

    server: LoopbackServer = field(default_factory=lambda: LoopbackServer("receiver"))
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[], FlaskResponse] = lambda: FlaskResponse(status=200)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.server.app.add_url_rule("/webhooks/acme", view_func=self.receive, methods=["POST"])
        self.server.start()

    @property
    def url(self) -> str:
        return f"{self.server.base_url}/webhooks/acme"

    def receive(self) -> FlaskResponse:
        with self.lock:
            self.received.append(({key.lower(): value for key, value in request.headers.items()}, request.get_data()))
        return self.answer()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]

    @property
    def types(self) -> list[str]:
        return [event["type"].removeprefix("zen:event-type:ticket.") for event in self.events]


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def sandbox(manual_clock: ManualClock) -> Iterator[ZendeskSandbox]:
    with ZendeskSandbox(
        clock=manual_clock, retry_wait=timedelta(milliseconds=1), webhook_timeout=timedelta(seconds=20)
    ) as sandbox:
        yield sandbox


@pytest.fixture
def connect() -> Iterator[Callable[[ZendeskSandbox], Api]]:
    """Makes clients, each with a token of its own that may read and write."""
    with ExitStack() as clients:

        def connect(sandbox: ZendeskSandbox) -> Api:
            api = Api(clients.enter_context(HttpTransport(sandbox.base_url)))
            api.token = api.new_token().json()["access_token"]
            return api

        yield connect


@pytest.fixture
def api(connect: Callable[[ZendeskSandbox], Api], sandbox: ZendeskSandbox) -> Api:
    return connect(sandbox)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.close()


@pytest.fixture
def ticket_id(sandbox: ZendeskSandbox) -> str:
    """A ticket that a customer opened by e-mail."""
    return sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.", tags=["vip"])


@pytest.fixture(scope="session")
def dropdowns() -> list[TicketField]:
    """Two dropdowns: field 1 with the options a1 and a2, field 2 with b1 and b2."""
    return [
        TicketField(
            number,
            "tagger",
            letter,
            START,
            START,
            options=tuple(Option(10 * number + place, f"{letter}{place}", f"{letter}{place}") for place in (1, 2)),
        )
        for number, letter in ((1, "a"), (2, "b"))
    ]
