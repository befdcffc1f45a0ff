"""The one place that opens outgoing connections: where it sends, what it keeps, what its errors say."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from oneclick_sla_plugin import transport as transport_module
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError, TemporaryPlatformError
from oneclick_sla_plugin.ports import Request
from oneclick_sla_plugin.transport import HttpTransport, Timeouts

BASE = "https://acme.example.com"
LOGIN = {"Authorization": "Bearer MARKER-token"}
SHORT = Timeouts(connect=timedelta(milliseconds=300), read=timedelta(milliseconds=300))


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def get(path: str = "/x", **facts: Any) -> Request:
    return Request("GET", path, "read ticket", **facts)


@pytest.fixture
def client() -> Iterator[HttpTransport]:
    with HttpTransport(BASE, platform="zendesk") as client:
        yield client


# --- requests and answers ---------------------------------------------------------------------


@responses.activate
@pytest.mark.parametrize("status", [200, 301, 404, 422, 429, 500, 503])
def test_any_status_is_an_answer(client: HttpTransport, status: int) -> None:
    responses.add("GET", f"{BASE}/x", status=status, body=b'{"a":1}', headers={"X-Request-ID": "r1"})
    answer = client.send(get())
    assert (answer.status, answer.body, answer.headers["x-request-id"]) == (status, b'{"a":1}', "r1")


@responses.activate
def test_a_request_is_sent_as_it_stands(client: HttpTransport) -> None:
    responses.add("PUT", f"{BASE}/api/v2/tickets/42.json")
    body = '{"ticket":{"tags":["ñ"]}}'.encode()
    client.send(Request("PUT", "/api/v2/tickets/42.json", "update ticket", headers=LOGIN, body=body))
    sent = responses.calls[0].request
    assert (sent.body, sent.headers["Authorization"]) == (body, LOGIN["Authorization"])


@responses.activate
@pytest.mark.parametrize("base", [f"{BASE}/helpdesk", f"{BASE}/helpdesk/"])
def test_a_base_address_may_have_a_path(base: str) -> None:
    responses.add("GET", f"{BASE}/helpdesk/x")
    with HttpTransport(base) as client:
        assert client.send(get()).status == 200


@responses.activate
@pytest.mark.parametrize(
    "query",
    [(), (("page", "2"),), (("tag", "a"), ("tag", "b")), (("q", "a&b=c d+e/ñ?#%"), ("", "")), (("q", "é\n"),)],
)
def test_a_query_arrives_as_it_was_meant(client: HttpTransport, query: tuple[tuple[str, str], ...]) -> None:
    responses.add("GET", f"{BASE}/x")
    client.send(get(query=query))
    _, _, text = (responses.calls[0].request.url or "").partition("?")
    assert parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)) == list(query)


# --- where it sends ---------------------------------------------------------------------------


@responses.activate
@pytest.mark.parametrize("path", ["//evil.example.com/x", "https://evil.example.com/x", "@evil.example.com/x", "x", ""])
def test_a_path_that_could_name_another_host_is_refused(client: HttpTransport, path: str) -> None:
    with pytest.raises(ValueError, match="slash"):
        client.send(get(path, headers=LOGIN))
    assert len(responses.calls) == 0


@responses.activate
@pytest.mark.parametrize("path", ["/\\evil.example.com", "/@evil.example.com", "/%2F%2Fevil.example.com", "/x//evil"])
def test_whatever_follows_the_slash_the_host_stays(client: HttpTransport, path: str) -> None:
    responses.add("GET", re.compile(".*"))
    client.send(get(path))
    assert (responses.calls[0].request.url or "").startswith(f"{BASE}/")


@responses.activate
@pytest.mark.parametrize("target", ["https://evil.example.com/x", "/y", "//evil.example.com"])
def test_a_redirect_is_an_answer_and_not_followed(client: HttpTransport, target: str) -> None:
    responses.add("GET", f"{BASE}/x", status=302, headers={"Location": target})
    assert client.send(get(headers=LOGIN)).headers["location"] == target
    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    "base",
    [
        *("", "acme.example.com", "ftp://acme.example.com", "file:///etc/passwd", "https://", "https:///x"),
        *("https://user:pw@acme.example.com", "https://acme.example.com?x=1", "https://acme.example.com#x"),
        *("https://acme.example.com:port", "https://acme.example.com:70000", "http://["),
    ],
)
def test_a_base_address_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        HttpTransport(base)
    assert "pw" not in str(caught.value)


# --- what it must not take from elsewhere -----------------------------------------------------


@responses.activate
def test_the_login_is_the_accounts_and_never_from_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine acme.example.com login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.utils.get_netrc_auth(BASE) == ("somebody", "else")  # there it is
    responses.add("GET", f"{BASE}/x")
    with HttpTransport(BASE) as client:
        client.send(get(headers=LOGIN))
        client.send(get())
    assert responses.calls[0].request.headers["Authorization"] == LOGIN["Authorization"]
    assert "Authorization" not in responses.calls[1].request.headers


# --- over a socket ----------------------------------------------------------------------------


class Loopback:
    """An HTTP server on this machine that counts its connections and keeps the headers it was sent."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.connections = 0
        self.seen: list[dict[str, str]] = []
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                loopback.connections += 1
                super().setup()

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                loopback.seen.append({name.lower(): value for name, value in self.headers.items()})
                answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Loopback]:
    loopback = Loopback(answer)
    try:
        yield loopback
    finally:
        loopback.close()


def answering(body: bytes = b"{}", status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_connection_is_used_again() -> None:
    with serving(answering()) as server, HttpTransport(server.url) as client:
        for _ in range(5):
            assert client.send(get()).body == b"{}"
        assert server.connections == 1


def test_a_connection_is_used_again_after_an_error_with_a_body() -> None:
    with serving(answering(b"x" * 200_000, status=422)) as server, HttpTransport(server.url) as client:
        assert [client.send(get()).status for _ in range(3)] == [422] * 3
        assert server.connections == 1


def test_cookies_are_not_kept() -> None:
    with serving(answering(Set_Cookie="session=1; Path=/")) as server, HttpTransport(server.url) as client:
        assert "session=1" in client.send(get()).headers["set-cookie"]
        client.send(get())
        assert [sorted(seen.keys() & {"cookie"}) for seen in server.seen] == [[], []]


def failure(client: HttpTransport, **facts: Any) -> PlatformError:
    """The error of a request that holds a login and a body; neither may be anywhere in it."""
    facts.setdefault("headers", LOGIN)
    with pytest.raises(PlatformError) as caught:
        client.send(get(body=b"MARKER body", query=(("email", "MARKER@example.com"),), **facts))
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "MARKER" not in repr(seen) + str(seen) + repr(vars(seen))
        assert not isinstance(seen, requests.RequestException)
        seen = seen.__cause__ or seen.__context__
    assert caught.value.operation == "read ticket"
    return caught.value


def test_an_answer_that_does_not_begin_in_time_is_a_time_out() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        HttpTransport(f"http://127.0.0.1:{silent.getsockname()[1]}", platform="p", timeouts=SHORT) as client,
    ):
        error = failure(client)
    assert isinstance(error, TemporaryPlatformError)
    assert (error.platform, error.reason, error.status) == ("p", "timeout", None)


def test_an_answer_that_stops_in_the_middle_is_a_temporary_error() -> None:
    stopped = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.wfile.flush()
        stopped.wait(30)
        handler.close_connection = True

    with serving(answer) as server, HttpTransport(server.url, timeouts=SHORT) as client:
        error = failure(client)
        stopped.set()
    assert isinstance(error, TemporaryPlatformError)
    assert error.reason in ("timeout", "unreachable")


def test_an_answer_that_is_cut_off_is_a_temporary_error_and_no_short_answer() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{}")
        handler.close_connection = True

    with serving(answer) as server, HttpTransport(server.url) as client:
        assert isinstance(failure(client), TemporaryPlatformError)


def test_what_is_no_http_is_a_temporary_error() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 mail.example.com ESMTP\r\n\r\n")
        handler.close_connection = True

    with serving(answer) as server, HttpTransport(server.url) as client:
        assert isinstance(failure(client), TemporaryPlatformError)


def test_nobody_there_is_a_temporary_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
    with HttpTransport(address, timeouts=SHORT) as client:
        error = failure(client)
    assert isinstance(error, TemporaryPlatformError)
    assert error.reason == "unreachable"


@pytest.mark.parametrize("size", [999, 1000])
def test_an_answer_may_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(transport_module, "MAX_RESPONSE_BYTES", 1000)
    with serving(answering(b"x" * size)) as server, HttpTransport(server.url) as client:
        assert len(client.send(get()).body) == size


def test_a_longer_answer_is_refused_and_the_client_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "MAX_RESPONSE_BYTES", 1000)
    sizes = iter([1001, 10])
    with (
        serving(lambda handler: answering(b"x" * next(sizes))(handler)) as server,
        HttpTransport(server.url) as client,
    ):
        error = failure(client)
        assert isinstance(error, TemporaryPlatformError)
        assert error.reason == "answer too long"
        assert len(client.send(get()).body) == 10


@pytest.mark.parametrize("value", ["MARKER\r\nX-Injected: 1", "MARKER €", "\nMARKER"])
def test_a_login_that_cannot_be_sent_is_a_permanent_error(value: str) -> None:
    """A line break or a letter outside Latin-1, as after pasting a token."""
    with serving(answering()) as server, HttpTransport(server.url) as client:
        error = failure(client, headers={"Authorization": value})
        assert server.seen == []
    assert isinstance(error, PermanentPlatformError)


def test_several_threads_may_send_at_once() -> None:
    with serving(answering(b"x" * 10_000)) as server, HttpTransport(server.url, connections=4) as client:
        sizes: list[int] = []
        threads = [
            threading.Thread(target=lambda: sizes.extend(len(client.send(get()).body) for _ in range(10)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sizes == [10_000] * 40
        assert server.connections <= 4
