"""What a helpdesk gets for a webhook, and what of it is kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from oneclick_sla_plugin.bootstrap import Program
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.errors import StoreError, WebhookRejected
from oneclick_sla_plugin.ports import Doorbell
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.web.webhooks import MAX_BODY_BYTES

if TYPE_CHECKING:
    from tests.unit.web.conftest import FakeConnection

URL = "/webhooks/acme"
BODY = b'{"ticket_id":"42","text":"MARKER body"}'
HEADERS = {"Content-Type": "application/json", "X-Signature": "MARKER-signature"}


def marked(program: Program) -> set[TicketKey]:
    """What a program that starts now on the same database finds to do."""
    database = open_database(program.config.database)
    ledger = SqlLedger(database)
    try:
        return {claim.key for claim in ledger.claim_due(100, program.clock())}
    finally:
        ledger.close()
        database.close()


def counted(program: Program, event: str, outcome: str, account: str = "acme") -> float:
    return program.metrics.value("webhook", account=account, event=event, outcome=outcome)


def test_an_accepted_webhook_is_answered_once_its_tickets_are_durably_marked(
    client: FlaskClient, program: Program, connection: FakeConnection
) -> None:
    connection.verdict = Doorbell(("42", "43"), "ticket.updated")
    answer = client.post(URL, data=BODY, headers=HEADERS)
    assert answer.status_code == 202
    assert answer.get_json() == {"status": "accepted"}
    assert marked(program) == {TicketKey("acme", "42"), TicketKey("acme", "43")}
    assert counted(program, "ticket.updated", "accepted") == 1


def test_the_connection_gets_the_body_byte_for_byte_and_headers_in_lower_case(
    client: FlaskClient, connection: FakeConnection
) -> None:
    """A signature is made over the bytes."""
    body = b' {"a":\r\n"\xc3\xb1\xff\x00"} '
    client.post(URL, data=body, headers=HEADERS)
    ((headers, received),) = connection.received
    assert received == body
    assert headers["x-signature"] == "MARKER-signature"
    assert all(name == name.lower() for name in headers)


def test_the_same_webhook_many_times_is_one_ticket_to_look_at(client: FlaskClient, program: Program) -> None:
    assert {client.post(URL, data=BODY, headers=HEADERS).status_code for _ in range(5)} == {202}
    assert marked(program) == {TicketKey("acme", "42")}


def test_a_webhook_without_a_ticket_is_dropped_and_counted(
    client: FlaskClient, program: Program, connection: FakeConnection
) -> None:
    """No retry would heal it, so it is answered as received."""
    connection.verdict = Doorbell((), "ticket.updated", dropped="own_change")
    answer = client.post(URL, data=BODY, headers=HEADERS)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "dropped"})
    assert marked(program) == set()
    assert counted(program, "ticket.updated", "own_change") == 1


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "signature"), (401, "unsigned"), (415, "media_type"), (413, "size")]
)
def test_what_the_platform_does_not_believe_is_refused_with_its_status(
    client: FlaskClient, program: Program, connection: FakeConnection, status: int, reason: str
) -> None:
    connection.verdict = WebhookRejected(status, reason)
    answer = client.post(URL, data=BODY, headers=HEADERS)
    assert (answer.status_code, answer.get_json()) == (status, {"error": reason})
    assert marked(program) == set()
    assert counted(program, "unknown", reason) == 1


def test_an_account_that_is_not_configured_is_not_found(
    client: FlaskClient, program: Program, connection: FakeConnection
) -> None:
    """A sender must not choose what is counted: the name is neither a label nor in the log."""
    with capture_logs() as logs:
        answer = client.post("/webhooks/MARKER", data=BODY, headers=HEADERS)
    assert (answer.status_code, answer.get_json()) == (404, {"error": "account"})
    assert connection.received == []
    assert counted(program, "unknown", "account", account="unknown") == 1
    assert "MARKER" not in repr(logs) + program.metrics.render().decode()


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/", "/webhooks/acme/42", "/admin"])
def test_other_addresses_are_not_found(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data=BODY, headers=HEADERS)
    assert (answer.status_code, answer.get_json()) == (404, {"error": "not found"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_another_method_is_not_allowed(client: FlaskClient, connection: FakeConnection, method: str) -> None:
    """With the header that RFC 9110, section 15.5.6, asks for."""
    answer = client.open(URL, method=method, data=BODY)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert connection.received == []


def post_in_chunks(client: FlaskClient, body: bytes) -> int:
    """As a server hands over a body without Content-Length whose end it knows."""
    return client.post(
        URL,
        input_stream=io.BytesIO(body),
        headers={**HEADERS, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    ).status_code


def post_at_once(client: FlaskClient, body: bytes) -> int:
    return client.post(URL, data=body, headers=HEADERS).status_code


@pytest.mark.parametrize("post", [post_at_once, post_in_chunks])
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 202), (MAX_BODY_BYTES + 1, 413)])
def test_a_body_of_more_than_a_mebibyte_is_refused_unread(
    client: FlaskClient,
    program: Program,
    connection: FakeConnection,
    post: Callable[[FlaskClient, bytes], int],
    size: int,
    status: int,
) -> None:
    assert MAX_BODY_BYTES == 1024 * 1024
    assert post(client, b"x" * size) == status
    assert [len(body) for _, body in connection.received] == ([size] if status == 202 else [])
    assert counted(program, "unknown", "size") == (1 if status == 413 else 0)


def test_if_the_marks_cannot_be_written_the_platform_is_made_to_try_again(
    client: FlaskClient, program: Program, break_ledger: Callable[[], None]
) -> None:
    break_ledger()
    answer = client.post(URL, data=BODY, headers=HEADERS)
    assert (answer.status_code, answer.get_json()) == (409, {"status": "try again"})
    assert counted(program, "ticket.updated", "store_error") == 1
    assert counted(program, "ticket.updated", "accepted") == 0


def test_a_program_that_is_closing_makes_the_platform_try_again(client: FlaskClient, program: Program) -> None:
    program.ledger.close()
    assert client.post(URL, data=BODY, headers=HEADERS).status_code == 409


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("MARKER of a fault"),
        ValueError(BODY),
        KeyError("MARKER"),
        UnicodeDecodeError("utf-8", b"MARKER \xff", 7, 8, "invalid start byte"),
        RecursionError("MARKER"),
        MemoryError(),
        StoreError("MARKER"),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_ours_is_never_a_500_and_tells_nothing(
    client: FlaskClient,
    program: Program,
    connection: FakeConnection,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    debug: bool,
) -> None:
    connection.verdict = failure
    client.application.debug = debug
    with capture_logs() as logs:
        answer = client.post(URL, data=BODY, headers=HEADERS)
    assert answer.status_code == 503
    assert "MARKER" not in answer.get_data(as_text=True) + repr(logs) + caplog.text
    assert [(entry["event"], entry["error"]) for entry in logs] == [("web.failed", type(failure).__name__)]


@pytest.mark.parametrize(
    "verdict",
    [
        Doorbell(("42",), "ticket.updated"),
        Doorbell((), "unknown", dropped="no_ticket"),
        WebhookRejected(401, "signature"),
    ],
    ids=["accepted", "dropped", "rejected"],
)
def test_neither_body_nor_secret_is_logged_counted_or_answered(
    client: FlaskClient,
    program: Program,
    connection: FakeConnection,
    caplog: pytest.LogCaptureFixture,
    verdict: Doorbell | WebhookRejected,
) -> None:
    connection.verdict = verdict
    caplog.set_level(0)
    with capture_logs() as logs:
        answer = client.post(f"{URL}?token=MARKER", data=BODY, headers=HEADERS)
    assert len(logs) == 1
    shown = repr(logs) + caplog.text + answer.get_data(as_text=True) + repr(answer.headers)
    assert "MARKER" not in shown + program.metrics.render().decode()


def test_what_was_marked_is_looked_at(client: FlaskClient, program: Program) -> None:
    """From the bell to the look, with the workers of this process."""
    program.start()
    assert client.post(URL, data=BODY, headers=HEADERS).status_code == 202
    assert program.engine.wait_idle(timedelta(seconds=30))
    assert program.metrics.value("reconcile", account="acme", outcome="written") == 1
