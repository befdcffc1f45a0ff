"""A simulated account, a client of its API and a receiver of its webhooks."""

from __future__ import annotations

import base64
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

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.transport import HttpTransport

START = datetime(2026, 11, 23, 9, 15, 45, 789012, tzinfo=UTC)
PATIENCE = timedelta(seconds=30)


class Api:
    """Requests with one API key, JSON in and out, paths below ``/api/v2``."""

    def __init__(self, client: HttpTransport, key: str = "sandbox-key") -> None:
        self.client = client
        self.key = key

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Response:
        key = self.key if key is None else key
        sent = {"Authorization": f"Basic {base64.b64encode(f'{key}:X'.encode()).decode()}"} if key else {}
        if body is not None or raw is not None:
            sent["Content-Type"] = "application/json"
        content = raw if body is None else json.dumps(body).encode()
        return self.client.send(
            Request(
                method,
                f"/api/v2{path}",
                "test",
                query=tuple((query or {}).items()),
                headers={**sent, **(headers or {})},
                body=content,
            )
        )

    def fetch(self, path: str, **query: str) -> Response:
        return self.call("GET", path, query=query)

    def get(self, path: str, **query: str) -> Any:
        response = self.fetch(path, **query)
        assert response.status == 200, response.body
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        response = self.call("POST", path, body)
        assert response.status == 201, response.body
        return response.json()

    def put(self, ticket_id: str, **attributes: Any) -> Response:
        return self.call("PUT", f"/tickets/{ticket_id}", attributes)

    def ticket(self, ticket_id: str, include: str = "") -> dict[str, Any]:
        ticket: dict[str, Any] = self.get(f"/tickets/{ticket_id}", **({"include": include} if include else {}))
        return ticket

    def conversations(self, ticket_id: str) -> list[dict[str, Any]]:
        conversations: list[dict[str, Any]] = self.get(f"/tickets/{ticket_id}/conversations", per_page="100")
        return conversations

    def new_field(self, type_: str, label: str, **more: Any) -> str:
        """Make a custom field; its name."""
        given = {"type": type_, "label": label, "label_for_customers": label, **more}
        name: str = self.post("/admin/ticket_fields", given)["name"]
        return name

    def new_dropdown(self, label: str, *values: str) -> str:
        choices = [{"value": value, "position": place} for place, value in enumerate(values, 1)]
        return self.new_field("custom_dropdown", label, choices=choices)

    def new_rule(self, rule_type: int, url: str, name: str = "SLA plugin", **more: Any) -> dict[str, Any]:
        """An active rule with a webhook of the advanced layout."""
        given: dict[str, Any] = {"name": name, "active": True, "actions": [webhook(url)], **more}
        if rule_type == 4:
            given.setdefault("performer", {"type": 1})
        rule: dict[str, Any] = self.post(f"/automations/{rule_type}/rules", given)
        return rule


def webhook(url: str, **more: Any) -> dict[str, Any]:
    """The action of a rule that sends a webhook."""
    return {
        "field_name": "trigger_webhook",
        "request_type": "POST",
        "content_type": "JSON",
        "content_layout": "2",
        "url": url,
        "custom_headers": {"X-Webhook-Secret": "s3cret"},
        "content": {"ticket_id": "{{ticket.id}}", "triggered_event": "{{triggered_event}}", "rule": "updated"},
        **more,
    }


@dataclass
class Receiver:
    """Takes webhooks at ``url``, keeps headers and bytes, and answers with ``status``."""

    server: LoopbackServer = field(default_factory=lambda: LoopbackServer("receiver"))
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.server.app.add_url_rule("/webhooks/acme", view_func=self.receive, methods=["POST", "PUT"])
        self.server.start()

    @property
    def url(self) -> str:
        return f"{self.server.base_url}/webhooks/acme"

    def receive(self) -> FlaskResponse:
        with self.lock:
            self.received.append(({key.lower(): value for key, value in request.headers.items()}, request.get_data()))
        return FlaskResponse(status=self.status)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]

    @property
    def events(self) -> list[str]:
        return [payload["triggered_event"] for payload in self.payloads]


@pytest.fixture
def manual_clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def sandbox(manual_clock: ManualClock) -> Iterator[FreshdeskSandbox]:
    with FreshdeskSandbox(clock=manual_clock) as sandbox:
        yield sandbox


@pytest.fixture
def connect() -> Iterator[Callable[[FreshdeskSandbox], Api]]:
    """Makes clients with the integration's key."""
    with ExitStack() as clients:
        yield lambda sandbox: Api(clients.enter_context(HttpTransport(sandbox.base_url)))


@pytest.fixture
def api(connect: Callable[[FreshdeskSandbox], Api], sandbox: FreshdeskSandbox) -> Api:
    return connect(sandbox)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.close()


@pytest.fixture
def ticket_id(sandbox: FreshdeskSandbox) -> str:
    """A ticket that a customer opened by e-mail."""
    return sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.", tags=["vip"])


@pytest.fixture
def problems() -> Callable[[Response], dict[str, str]]:
    """Reads a refusal with a list: codes by field."""

    def read(response: Response) -> dict[str, str]:
        refusal = response.json()
        assert refusal["description"] == "Validation failed"
        assert all(error.keys() == {"field", "message", "code"} for error in refusal["errors"])
        return {error["field"]: error["code"] for error in refusal["errors"]}

    return read


@pytest.fixture(name="webhook")
def webhook_action() -> Callable[..., dict[str, Any]]:
    return webhook
