"""The PHP half: its own tests, and what it does behind PHP-FPM while a receiver answers, fails or hangs."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import re
import shutil
import socket
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent
PHP_TESTS = HERE / "php"
PLUGIN = HERE.parents[2] / "adapters" / "oneclick_sla_osticket" / "osticket-plugin"
SOURCES = sorted([*PLUGIN.rglob("*.php"), *PHP_TESTS.rglob("*.php")])
SAMPLES = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / "samples").glob("*.json"))}
KEY = base64.b64decode("c2FtcGxlcy1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0ISE=")
WAIT = 20.0
"""Seconds after which something that should have happened has not."""


@pytest.fixture(scope="session")
def php(service_missing: Callable[[str], NoReturn]) -> str:
    """PHP on the command line, with SQLite for the doubles of osTicket's database."""
    found = shutil.which("php")
    if found is None:
        service_missing("no php (Debian: php-cli)")
    modules = subprocess.run([found, "-m"], capture_output=True, text=True, check=True).stdout.split()
    if "pdo_sqlite" not in modules or "mbstring" not in modules:
        service_missing("php lacks pdo_sqlite or mbstring (Debian: php-sqlite3, php-mbstring)")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_every_file_is_valid_php(php: str, path: Path) -> None:
    checked = subprocess.run([php, "-l", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", [path.name.removesuffix("_test.php") for path in sorted(PHP_TESTS.glob("*_test.php"))])
def test_the_php_tests_pass(php: str, name: str) -> None:
    run = subprocess.run([php, str(PHP_TESTS / "run.php"), name], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "ok - " in run.stdout


# --- The description of the protocol ----------------------------------------------------------

PROTOCOL = (PLUGIN.parent / "PROTOCOL.md").read_text(encoding="utf-8")
API = (PLUGIN / "lib" / "OneclickSla" / "Api.php").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_named_in_the_protocol(name: str) -> None:
    assert re.search(rf"\b{name}\b", PROTOCOL)


@pytest.mark.parametrize(
    "word",
    sorted(
        {word for path in PLUGIN.rglob("*.php") for word in re.findall(r"new Refusal\(\d+, '(\w+)'", path.read_text())}
    ),
)
def test_every_error_is_described(word: str) -> None:
    assert f"`{word}`" in PROTOCOL


@pytest.mark.parametrize(("method", "path"), re.findall(r"\['(GET|POST)', '#\^(/sla/[a-z]+)", API))
def test_every_route_is_described(method: str, path: str) -> None:
    assert f"{method} {path}" in PROTOCOL


# --- Behind PHP-FPM ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Site:
    """The small osTicket behind PHP-FPM, asked over FastCGI as a web server would."""

    address: Path
    database: Path
    webhook_url: str = ""

    def ask(
        self, method: str, path: str, query: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; returns when PHP has finished the response, whatever it still does afterwards."""
        parameters = {
            "SCRIPT_FILENAME": str(PHP_TESTS / "page.php"),
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "DOUBLE_DATABASE": str(self.database),
            "WEBHOOK_URL": self.webhook_url,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in (headers or {}).items()},
        }
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(WAIT)
            connection.connect(str(self.address))
            connection.sendall(
                _record(1, struct.pack("!HB5x", 1, 0))
                + _record(4, b"".join(_pair(name, value) for name, value in parameters.items()))
                + _record(4, b"")
                + b"".join(_record(5, body[at : at + 32768]) for at in range(0, len(body), 32768))
                + _record(5, b"")
            )
            return _answer(connection.makefile("rb"))

    def signed(
        self, method: str, target: str, body: bytes = b"", *, at: int | None = None, mount: str = "/tickets"
    ) -> Answer:
        stamp = str(int(time.time()) if at is None else at)
        digest = hmac.new(KEY, f"{method}\n{target}\n{stamp}\n".encode() + body, hashlib.sha256).digest()
        headers = {"Oneclick-Sla-Timestamp": stamp, "Oneclick-Sla-Signature": "v1," + base64.b64encode(digest).decode()}
        path, _, query = target.partition("?")
        return self.ask(method, mount + path, query, body, headers)

    def click(self) -> Answer:
        return self.ask("POST", "/click")

    def outbox(self) -> list[tuple[str, int, bool, str | None]]:
        """Type, attempts, whether it was delivered, and the last error of each event."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=WAIT)) as connection:
            rows = connection.execute(
                "SELECT type, attempts, done_at IS NOT NULL, last_error FROM ost_oneclick_sla_outbox ORDER BY id"
            )
            return [(row[0], row[1], bool(row[2]), row[3]) for row in rows]

    def wait_for(self, expected: list[tuple[str, int, bool, str | None]]) -> None:
        """Wait for what happens after the response."""
        give_up_at = time.monotonic() + WAIT
        while self.outbox() != expected and time.monotonic() < give_up_at:
            time.sleep(0.02)
        assert self.outbox() == expected


def _record(kind: int, content: bytes) -> bytes:
    """https://fastcgi-archives.github.io/FastCGI_Specification.html, section 3.3."""
    return struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content


def _pair(name: str, value: str) -> bytes:
    return (
        b"".join(struct.pack("!I", len(part.encode()) | 0x80000000) for part in (name, value))
        + name.encode()
        + value.encode()
    )


def _answer(stream: Any) -> Answer:
    output = b""
    while True:
        _, kind, _, length, padding = struct.unpack("!BBHHBx", stream.read(8))
        content = stream.read(length)
        stream.read(padding)
        if kind == 3:
            break
        if kind == 6:
            output += content
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)


@pytest.fixture(scope="session")
def fpm(php: str, service_missing: Callable[[str], NoReturn]) -> Iterator[Path]:
    """A PHP-FPM of our own; the address of its socket."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    version = subprocess.run(
        [php, "-r", "echo PHP_MAJOR_VERSION.'.'.PHP_MINOR_VERSION;"], capture_output=True, text=True, check=True
    )
    binary = shutil.which(f"php-fpm{version.stdout}", path=search) or shutil.which("php-fpm", path=search)
    if binary is None:
        service_missing("no php-fpm (Debian: php-fpm)")
    with tempfile.TemporaryDirectory(prefix="sla-fpm-") as folder:  # a socket's path has to be short
        address = Path(folder) / "fpm.sock"
        settings = Path(folder) / "fpm.conf"
        identity = "user = root\ngroup = root\n" if os.getuid() == 0 else ""
        settings.write_text(
            f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\n"
            f"[tests]\n{identity}listen = {address}\npm = static\npm.max_children = 3\n"
            f"php_admin_value[error_log] = {folder}/php.log\nphp_admin_flag[log_errors] = on\nphp_admin_flag[display_errors] = off\n"
        )
        process = subprocess.Popen([binary, "--fpm-config", str(settings), "--nodaemonize", "--allow-to-run-as-root"])
        try:
            give_up_at = time.monotonic() + WAIT
            while not address.exists():
                assert process.poll() is None, (Path(folder) / "fpm.log").read_text()
                assert time.monotonic() < give_up_at, "php-fpm did not start"
                time.sleep(0.02)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=WAIT)


@pytest.fixture
def site(fpm: Path, tmp_path: Path) -> Site:
    return Site(fpm, tmp_path / "osticket.db")


@dataclass
class Receiver:
    """A webhook receiver that answers when it is told to, with the status it is told."""

    status: int = 202
    answers: threading.Event = field(default_factory=threading.Event)
    called: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            told.called.set()
            told.answers.wait(WAIT)
            self.send_response(told.status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the plugin hung up on a receiver that hangs
                super().handle()

        def log_message(self, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}/webhooks/acme?x=1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            told.answers.set()
            server.shutdown()
            thread.join()


def test_an_agents_page_is_complete_while_the_receiver_still_hangs(site: Site, receiver: Receiver) -> None:
    site.webhook_url = receiver.url
    assert site.click().body == b"the note was saved"
    # Nobody has answered the plugin yet, and nobody does before the page is here.
    assert receiver.called.wait(WAIT)
    assert site.outbox() == [("note.created", 0, False, None)]
    receiver.answers.set()
    site.wait_for([("note.created", 1, True, None)])


def test_a_receiver_that_does_not_answer_is_left(site: Site, receiver: Receiver) -> None:
    site.webhook_url = receiver.url
    site.click()
    site.wait_for([("note.created", 1, False, "timeout")])


def test_an_event_is_signed_as_standard_webhooks_says_and_holds_ids_only(site: Site, receiver: Receiver) -> None:
    site.webhook_url = receiver.url
    receiver.answers.set()
    site.click()
    site.wait_for([("note.created", 1, True, None)])
    [(path, headers, body)] = receiver.requests
    assert path == "/webhooks/acme?x=1"
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    event = json.loads(body)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "type": "note.created",
        "data": {"ticket_id": 1, "actor": "agent", "changes": [], "entry_ids": [2]},
    }


@pytest.mark.parametrize("status", [302, 401, 410, 500])
def test_every_status_but_2xx_is_a_failure_and_redirects_are_not_followed(
    site: Site, receiver: Receiver, status: int
) -> None:
    site.webhook_url = receiver.url
    receiver.status = status
    receiver.answers.set()
    site.click()
    site.wait_for([("note.created", 1, False, f"http_{status}")])
    assert [path for path, _, _ in receiver.requests] == ["/webhooks/acme?x=1"]


def test_nobody_at_the_address_is_a_failure_like_others(site: Site) -> None:
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        site.webhook_url = f"http://127.0.0.1:{unused.getsockname()[1]}/hook"
        assert site.click().body == b"the note was saved"
        site.wait_for([("note.created", 1, False, "connect")])


def test_without_delivery_events_wait_for_being_fetched(site: Site) -> None:
    site.click()
    assert site.outbox() == [("note.created", 0, False, None)]


@pytest.mark.parametrize("mount", ["/tickets", ""])
def test_the_api_answers_under_both_addresses(site: Site, mount: str) -> None:
    answer = site.signed("GET", "/sla/health", mount=mount)
    assert (answer.status, answer.headers["content-type"], answer.headers["cache-control"]) == (
        200,
        "application/json",
        "no-store",
    )
    assert answer.json()["delivery"]["after_response"] is True


def test_changes_are_written_and_read_back_over_http(site: Site) -> None:
    version = site.signed("GET", "/sla/tickets/1").json()["version"]
    order = json.dumps(
        {"key": "k", "version": version, "priority": "high", "fields": {"sla_state": "at_risk"}}
    ).encode()
    answer = site.signed("POST", "/sla/tickets/1/changes", order)
    assert (answer.status, answer.json()["changed"]) == (200, ["priority", "fields.sla_state"])
    ticket = site.signed("GET", "/sla/tickets/1").json()
    assert (ticket["priority"]["name"], ticket["fields"], ticket["version"]) == (
        "high",
        {"sla_state": "at_risk"},
        answer.json()["version"],
    )
    stale = site.signed("POST", "/sla/tickets/1/changes", order.replace(b'"k"', b'"other"'))
    assert (stale.status, stale.json()["error"]) == (409, "ticket_changed")


@pytest.mark.parametrize(
    "name", ["error_json", "error_method", "error_no_route", "error_no_ticket", "error_query", "install_invalid"]
)
def test_errors_are_those_that_a_real_osticket_answered(site: Site, name: str) -> None:
    request, response = SAMPLES[name]["request"], SAMPLES[name]["response"]
    answer = site.signed(
        request["method"],
        request["target"].replace("/sla/tickets/4/", "/sla/tickets/1/"),
        (request["body"] or "").encode(),
    )
    assert (answer.status, answer.json()) == (response["status"], response["body"])


def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    answer = site.signed("POST", "/sla/tickets/1/changes", b" " * 262145)
    assert (answer.status, answer.json()) == (413, SAMPLES["error_size"]["response"]["body"])


def test_requests_without_a_signature_or_out_of_time_are_refused(site: Site) -> None:
    unsigned = site.ask("GET", "/tickets/sla/health")
    assert (unsigned.status, unsigned.json()) == (401, SAMPLES["error_unsigned"]["response"]["body"])
    stale = site.signed("GET", "/sla/health", at=int(time.time()) - 3600)
    assert (stale.status, stale.json()["error"]) == (401, "stale")
    assert stale.json().keys() == {"error", "time"}


def test_a_signed_request_cannot_be_used_for_another_path(site: Site) -> None:
    stamp = str(int(time.time()))
    digest = hmac.new(KEY, f"GET\n/sla/health\n{stamp}\n".encode(), hashlib.sha256).digest()
    headers = {"Oneclick-Sla-Timestamp": stamp, "Oneclick-Sla-Signature": "v1," + base64.b64encode(digest).decode()}
    assert site.ask("GET", "/tickets/sla/health", headers=headers).status == 200
    assert site.ask("GET", "/tickets/sla/meta", headers=headers).status == 401
    assert site.ask("GET", "/tickets/sla/health", "x=1", headers=headers).status == 401


def test_an_address_is_enough_for_sending_when_the_settings_ask_for_it(site: Site) -> None:
    installed = site.signed(
        "POST", "/sla/installation", b'{"webhook_url": "https://sla.example.com/webhooks/acme"}'
    ).json()
    assert (installed["webhook_url"], installed["delivery"]) == ("https://sla.example.com/webhooks/acme", True)
    removed = site.signed(
        "POST", "/sla/installation", b'{"webhook_url": "", "delivery": false, "objects": false}'
    ).json()
    assert (removed["webhook_url"], removed["delivery"]) == ("", False)
    standing = {found["name"] for found in removed["objects"] if found["stands"]}
    assert standing == {found["name"] for found in removed["objects"] if found["name"].startswith("field:")} | {
        "banner"
    }


def test_a_ping_tells_whether_the_receiver_was_reached(site: Site, receiver: Receiver) -> None:
    receiver.answers.set()
    site.webhook_url = receiver.url
    assert site.signed("POST", "/sla/ping").json() == {"delivered": True, "error": None}
    receiver.status = 401
    assert site.signed("POST", "/sla/ping").json() == {"delivered": False, "error": "http_401"}
