"""An account of Zendesk as a function from request to response, and the samples it answers with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from oneclick_sla_plugin.ports import Request, Response, Services
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.fields import FieldCatalogue, catalogue
from oneclick_sla_zendesk.plugin import ZendeskConnection, ZendeskPlatform
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.tickets import Account

BASE_URL = "https://acme.zendesk.com"
WEBHOOK_SECRET = "kept-by-the-admin"

Answer = Callable[[Request], Response]


def load(name: str) -> Any:
    return json.loads((Path(__file__).parent / "samples" / name).read_text())


def answer(body: object, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps(body).encode())


class FakeZendesk:
    """Answers with the samples; keeps every request. Answers may be replaced by method and path."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.tokens = 0
        self.answers: dict[tuple[str, str], Response | Answer] = {
            ("POST", "/oauth/tokens"): self._token,
            ("GET", "/api/v2/users/me.json"): answer(load("me.json")),
            ("GET", "/api/v2/ticket_fields"): answer(load("ticket_fields.json")),
            ("GET", "/api/v2/tickets/42.json"): answer(load("ticket.json")),
            ("GET", "/api/v2/tickets/42/comments.json"): answer(load("comments.json")),
            ("GET", "/api/v2/tickets/42/audits.json"): answer(load("audits.json")),
            ("PUT", "/api/v2/tickets/42.json"): answer(load("put_answer.json")),
        }

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        found = self.answers[request.method, request.path]
        return found if isinstance(found, Response) else found(request)

    def sent(self, method: str, path: str = "") -> list[Any]:
        """The decoded bodies (``None`` without one) of the requests of a method, under a path."""
        return [
            json.loads(request.body) if request.body else None
            for request in self.requests
            if request.method == method and request.path.startswith(path)
        ]

    def _token(self, request: Request) -> Response:
        self.tokens += 1
        return answer({"access_token": f"token-{self.tokens}", "token_type": "bearer", "expires_in": 3600}, 201)


@pytest.fixture
def sample() -> Callable[[str], Any]:
    """Reads a sample anew, so that a test may bend it."""
    return load


@pytest.fixture
def zendesk() -> FakeZendesk:
    return FakeZendesk()


@pytest.fixture
def settings() -> dict[str, Any]:
    return {
        "base_url": BASE_URL,
        "client_id": "oneclick_sla",
        "client_secret": SecretStr("made-up-client-secret"),
        "webhook_secrets": [SecretStr(WEBHOOK_SECRET)],
    }


@pytest.fixture
def connection(zendesk: FakeZendesk, settings: Mapping[str, Any], clock: Callable[[], datetime]) -> ZendeskConnection:
    """The account ``acme``, over the fake."""
    opened = ZendeskPlatform().connect("acme", settings, Services(lambda _base_url: zendesk, clock))
    assert isinstance(opened, ZendeskConnection)
    return opened


@pytest.fixture
def our_fields() -> FieldCatalogue:
    """Dropdowns for priority and state, texts for the next and the first due instant."""
    return catalogue(load("ticket_fields.json")["ticket_fields"])


@pytest.fixture
def account(our_fields: FieldCatalogue) -> Account:
    return Account(name="acme", base_url=BASE_URL, own_id="100", fields=our_fields)


@pytest.fixture
def account_there(clock: Callable[[], datetime]) -> Iterator[ZendeskSandbox]:
    """A simulated account over HTTP."""
    with ZendeskSandbox(clock=clock) as running:
        yield running


@pytest.fixture
def connect(account_there: ZendeskSandbox, clock: Callable[[], datetime]) -> Iterator[Callable[..., ZendeskConnection]]:
    """Connects to the simulated account as ``acme``, strictly, with the sandbox's settings and those that are given."""
    with ExitStack() as transports:

        def connect(**settings: Any) -> ZendeskConnection:
            http = transports.enter_context(HttpTransport(account_there.base_url))
            secrets = {name: SecretStr(value) for name, value in account_there.secrets().items()}
            merged = {**account_there.settings(), **secrets, **settings}
            given = {name: value for name, value in merged.items() if value is not None}
            opened = ZendeskPlatform(strict=True).connect("acme", given, Services(lambda _base_url: http, clock))
            assert isinstance(opened, ZendeskConnection)
            return opened

        yield connect
