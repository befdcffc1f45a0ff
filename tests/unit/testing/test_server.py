"""The loopback server: what a simulator's HTTP side promises."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.ports import Request
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.transport import HttpTransport


def get(path: str) -> Request:
    return Request("GET", path, "read")


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    server = LoopbackServer("example")
    server.app.add_url_rule("/things/<int:thing_id>", view_func=lambda thing_id: {"id": thing_id})
    server.start()
    yield server
    server.close()


@pytest.fixture
def client(server: LoopbackServer) -> Iterator[HttpTransport]:
    with HttpTransport(server.base_url) as client:
        yield client


def test_it_serves_the_app_on_loopback(server: LoopbackServer, client: HttpTransport) -> None:
    """The base address names 127.0.0.1 and a port that answers."""
    assert server.base_url.startswith("http://127.0.0.1:")
    assert client.send(get("/things/7")).json() == {"id": 7}


def test_requests_are_counted_by_operation(server: LoopbackServer, client: HttpTransport) -> None:
    """Requests to one route count together, whatever the variable; unknown paths count as such."""
    for path in ("/things/1", "/things/2", "/nowhere"):
        client.send(get(path))
    assert server.requests == {"GET /things/{thing_id}": 2, "GET (no route)": 1}


def test_injected_answers_replace_the_next_ones(server: LoopbackServer, client: HttpTransport) -> None:
    """So many requests of the named operation get the injected answer, and then the app answers again."""
    server.answer_next(2, 429, operation="GET /things/{thing_id}", headers={"Retry-After": "7"}, body=b"slow down")
    assert client.send(get("/nowhere")).status == 404
    injected = [client.send(get("/things/1")) for _ in range(2)]
    assert [(answer.status, answer.headers["retry-after"], answer.body) for answer in injected] == [
        (429, "7", b"slow down")
    ] * 2
    assert client.send(get("/things/1")).status == 200


def test_deeds_come_before_the_next_requests_of_an_operation(server: LoopbackServer, client: HttpTransport) -> None:
    """Each is for one request, in the order in which they were given; an injected answer uses none up."""
    done: list[str] = []
    for deed in ("first", "second"):
        server.before_next("GET /things/{thing_id}", lambda deed=deed: done.append(deed))
    server.answer_next(1, 429)
    seen = []
    for path in ("/things/1", "/nowhere", "/things/1", "/things/2", "/things/3"):
        client.send(get(path))
        seen.append(tuple(done))
    assert seen == [(), (), ("first",), ("first", "second"), ("first", "second")]


def test_nothing_is_logged(client: HttpTransport, caplog: pytest.LogCaptureFixture) -> None:
    """A request leaves no line in the log of the server: its query may hold what a customer wrote."""
    with caplog.at_level(logging.DEBUG):
        client.send(Request("GET", "/things/1", "read", query=(("q", "private"),)))
    assert not [record for record in caplog.records if record.name.startswith("werkzeug")]
    assert not [record for record in caplog.records if record.threadName == "example-http"]


def test_a_closed_server_answers_nobody(server: LoopbackServer, client: HttpTransport) -> None:
    """After closing, a client that was connected is not served either; closing twice is no error."""
    assert client.send(get("/things/1")).status == 200
    server.close()
    server.close()
    with pytest.raises(TemporaryPlatformError):
        client.send(get("/things/1"))


def test_an_answer_has_one_date_which_may_be_the_applications(server: LoopbackServer, client: HttpTransport) -> None:
    """A simulator that owns its time tells that one; else it is this machine's."""
    other = "Mon, 23 Nov 2026 09:00:00 GMT"
    server.app.add_url_rule("/then", endpoint="then", view_func=lambda: ({}, 200, {"Date": other}))
    assert client.send(get("/then")).headers["date"] == other
    now = parsedate_to_datetime(client.send(get("/things/1")).headers["date"])
    assert now.tzinfo is not None
