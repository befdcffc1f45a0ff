"""Tokens: how one is asked for, how long it is used, and who asks when several threads need one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from oneclick_sla_plugin.errors import TemporaryPlatformError, Unauthorised
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_zendesk.plugin import ZendeskConnection

TICKET = "/api/v2/tickets/42.json"
COMMENTS = "/api/v2/tickets/42/comments.json"
AUDITS = "/api/v2/tickets/42/audits.json"


class Fake(Protocol):
    requests: list[Request]
    tokens: int
    answers: dict[tuple[str, str], Response | Callable[[Request], Response]]

    def sent(self, method: str, path: str = "") -> list[Any]: ...


class Clock(Protocol):
    def __call__(self) -> datetime: ...
    def advance(self, amount: timedelta) -> datetime: ...


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


def bearer(request: Request) -> str:
    return request.headers["authorization"]


def reads(zendesk: Fake) -> list[str]:
    return [request.path for request in zendesk.requests if request.path.startswith("/api/v2/tickets/")]


def test_the_token_is_asked_for_by_client_credentials(connection: ZendeskConnection, zendesk: Fake) -> None:
    """The scope is one string, and no more than running needs."""
    connection.read("42")
    assert zendesk.sent("POST", "/oauth/tokens") == [
        {
            "grant_type": "client_credentials",
            "client_id": "oneclick_sla",
            "client_secret": "made-up-client-secret",
            "scope": "read tickets:write",
            "expires_in": 3600,
        }
    ]
    assert {bearer(request) for request in zendesk.requests[1:]} == {"Bearer token-1"}


@pytest.mark.parametrize(("pause", "tokens"), [(58, 1), (59, 2), (600, 2)])
def test_the_token_is_renewed_before_it_expires(
    connection: ZendeskConnection, zendesk: Fake, clock: Clock, pause: int, tokens: int
) -> None:
    """A minute before its hour is over another one is asked for."""
    connection.read("42")
    clock.advance(timedelta(minutes=pause))
    connection.read("42")
    assert zendesk.tokens == tokens


@pytest.mark.parametrize(
    ("expires_in", "pause", "tokens"), [(600, 9, 2), (600, 8, 1), (3_600_000, 59, 2), (None, 59, 2)]
)
def test_a_lifetime_is_believed_up_to_what_we_asked_for(
    connection: ZendeskConnection, zendesk: Fake, clock: Clock, expires_in: object, pause: int, tokens: int
) -> None:
    """A shorter one counts; one in another unit, or none, is taken for the hour."""
    asked = 0

    def token(request: Request) -> Response:
        nonlocal asked
        asked += 1
        return answer({"access_token": f"token-{asked}", "expires_in": expires_in}, 201)

    zendesk.answers["POST", "/oauth/tokens"] = token
    connection.read("42")
    clock.advance(timedelta(minutes=pause))
    connection.read("42")
    assert asked == tokens


def test_a_refused_token_is_renewed_once(
    connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any]
) -> None:
    """A revoked token costs one more request, and the caller hears nothing of it."""

    def only_the_second(request: Request) -> Response:
        return answer({}, 401) if bearer(request) == "Bearer token-1" else answer(sample("ticket.json"))

    zendesk.answers["GET", TICKET] = only_the_second
    assert connection.read("42").id == "42"
    assert zendesk.tokens == 2
    assert reads(zendesk) == [TICKET, TICKET, COMMENTS, AUDITS]


def test_a_token_that_is_refused_again_is_an_error(connection: ZendeskConnection, zendesk: Fake) -> None:
    """Renewing once is enough to know that it is not the token's age."""
    zendesk.answers["GET", TICKET] = answer({}, 401)
    with pytest.raises(Unauthorised) as raised:
        connection.read("42")
    assert (raised.value.reason, zendesk.tokens, len(reads(zendesk))) == ("credentials", 2, 2)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_client_is_unauthorised(connection: ZendeskConnection, zendesk: Fake, status: int) -> None:
    """Whatever status OAuth has for it, the admin has to look at the client."""
    zendesk.answers["POST", "/oauth/tokens"] = answer({"error": "invalid_client"}, status)
    with pytest.raises(Unauthorised) as raised:
        connection.read("42")
    assert (raised.value.reason, raised.value.status) == ("login", status)


def test_a_login_that_is_busy_may_succeed_later(connection: ZendeskConnection, zendesk: Fake) -> None:
    """A rate limit of the login is no refusal of the client."""
    zendesk.answers["POST", "/oauth/tokens"] = answer({}, 429, {"retry-after": "9"})
    with pytest.raises(TemporaryPlatformError) as raised:
        connection.read("42")
    assert raised.value.retry_after == timedelta(seconds=9)


def test_threads_share_one_token(connection: ZendeskConnection, zendesk: Fake) -> None:
    """Threads that begin together wait for the one that logs in; each fact is asked for once."""
    begin = threading.Barrier(4)

    def read() -> str:
        begin.wait()
        return connection.read("42").id

    with ThreadPoolExecutor(4) as pool:
        ids = [future.result() for future in [pool.submit(read) for _ in range(4)]]
    assert ids == ["42"] * 4
    assert zendesk.tokens == 1
    assert len(zendesk.sent("GET", "/api/v2/users/me.json")) == 1
    assert len(zendesk.sent("GET", "/api/v2/ticket_fields")) == 1


def test_threads_with_the_same_refused_token_renew_it_once(
    connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any]
) -> None:
    """A token that was revoked under several threads is replaced by one new token."""
    connection.read("42")
    refused_together = threading.Barrier(2)

    def only_the_second(request: Request) -> Response:
        if bearer(request) == "Bearer token-1":
            refused_together.wait(timeout=10)
            return answer({}, 401)
        return answer(sample("ticket.json"))

    zendesk.answers["GET", TICKET] = only_the_second
    with ThreadPoolExecutor(2) as pool:
        ids = [future.result().id for future in [pool.submit(connection.read, "42") for _ in range(2)]]
    assert (ids, zendesk.tokens) == (["42", "42"], 2)


@pytest.mark.parametrize(
    ("granted", "reads"),
    [
        ("read tickets:write", True),
        ("write read", True),
        ("tickets:write read webhooks:read", True),
        (None, True),
        ("", True),
        ("read", False),
        ("tickets:read tickets:write", False),
        ("ready tickets:write", False),
    ],
)
def test_a_token_must_open_what_was_asked_for(
    connection: ZendeskConnection, zendesk: Fake, granted: str | None, reads: bool
) -> None:
    """Zendesk may give less than was asked for without an error; a token without a scope is taken as it is."""
    zendesk.answers["POST", "/oauth/tokens"] = answer({"access_token": "x", "scope": granted, "expires_in": 3600}, 201)
    if reads:
        assert connection.read("42").id == "42"
    else:
        with pytest.raises(Unauthorised) as raised:
            connection.read("42")
        assert raised.value.reason == "scope"
