"""What Zendesk's answers amount to."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_zendesk.limits import ANSWERS, dropped_keys, json_object

TICKET = Request("PUT", "/api/v2/tickets/42.json", "write ticket")
FIELD = Request("PUT", "/api/v2/ticket_fields/1", "update ticket field")
CLOSED = {"error": "RecordInvalid", "details": {"status": [{"description": "Status: closed prevents ticket update"}]}}
REQUIRED = {"error": "RecordInvalid", "details": {"base": [{"description": "Order: needed to close the ticket"}]}}


@pytest.mark.parametrize(
    ("request_", "status", "body", "kind", "reason"),
    [
        (TICKET, 401, {}, Unauthorised, "credentials"),
        (TICKET, 403, {}, Unauthorised, "scope"),
        (TICKET, 404, {"error": "RecordNotFound"}, TicketGone, ""),
        (FIELD, 404, {"error": "RecordNotFound"}, PermanentPlatformError, "not_found"),
        (TICKET, 409, {"error": "UpdateConflict"}, TicketChanged, "conflict"),
        (TICKET, 409, {"error": "DatabaseConflict"}, TicketChanged, "conflict"),
        (FIELD, 409, {"error": "DatabaseConflict"}, TemporaryPlatformError, "conflict"),
        (TICKET, 400, {"error": "TooManyValues"}, PermanentPlatformError, "rejected"),
        (TICKET, 422, CLOSED, TicketChanged, "closed"),
        (TICKET, 422, REQUIRED, PermanentPlatformError, "rejected"),
        (TICKET, 422, None, PermanentPlatformError, "rejected"),
        (TICKET, 429, {"error": "APIRateLimitExceeded"}, TemporaryPlatformError, "rate_limit"),
        (TICKET, 500, None, TemporaryPlatformError, "unavailable"),
        (TICKET, 503, None, TemporaryPlatformError, "unavailable"),
        (TICKET, 302, None, PermanentPlatformError, "redirected"),
    ],
)
def test_a_status_becomes_one_of_our_errors(
    request_: Request, status: int, body: object, kind: type[PlatformError], reason: str
) -> None:
    """Each status is one error, with the facts as attributes."""
    content = b"<html>no JSON</html>" if body is None else json.dumps(body).encode()
    with pytest.raises(PlatformError) as raised:
        json_object(request_, Response(status, {"x-request-id": "req-1"}, content))
    error = raised.value
    assert type(error) is kind
    assert (error.platform, error.operation) == ("zendesk", request_.operation)
    assert (error.status, error.request_id, error.reason) == (status, "req-1", reason)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [(b"<html>", TemporaryPlatformError, "not_json"), (b"[1]", PermanentPlatformError, "unexpected_body")],
)
def test_a_success_without_an_object_is_an_error(body: bytes, kind: type[PlatformError], reason: str) -> None:
    """A page of a proxy is worth another try, JSON of another shape is not."""
    with pytest.raises(kind) as raised:
        json_object(TICKET, Response(200, {}, body))
    assert raised.value.reason == reason


def test_an_answer_without_a_body_is_empty() -> None:
    """Updating a webhook is answered 204."""
    assert json_object(FIELD, Response(204)) == {}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "93"}, timedelta(seconds=93)),
        ({"retry-after": "0"}, timedelta(0)),
        ({"retry-after": "999999"}, timedelta(hours=1)),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, None),
        (
            {"retry-after": "Mon, 23 Nov 2026 09:01:30 GMT", "date": "Mon, 23 Nov 2026 09:00:00 GMT"},
            timedelta(seconds=90),
        ),
        ({"retry-after": "Mon, 23 Nov 2026 08:00:00 GMT", "date": "Mon, 23 Nov 2026 09:00:00 GMT"}, timedelta(0)),
        ({"retry-after": "Mon, 23 Nov 2026 09:01:30 GMT"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 09:01:30", "date": "Mon, 23 Nov 2026 09:00:00 GMT"}, None),
        ({}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "41"}, timedelta(seconds=41)),
        ({"rate-limit-remaining": "0", "rate-limit-reset": "42"}, timedelta(seconds=42)),
        ({"ratelimit-remaining": "12", "ratelimit-reset": "41"}, None),
        ({"zendesk-ratelimit-tickets-update": "total=100; remaining=0; resets=59"}, timedelta(seconds=59)),
        ({"zendesk-rate-limit-tickets-update": "total=100; remaining=0; resets=58"}, timedelta(seconds=58)),
        ({"zendesk-ratelimit-tickets-update": "total=100; remaining=3; resets=59"}, None),
        ({"retry-after": "7", "ratelimit-remaining": "0", "ratelimit-reset": "41"}, timedelta(seconds=7)),
    ],
)
def test_the_wait_is_what_zendesk_asks_for(headers: dict[str, str], wait: timedelta | None) -> None:
    """``Retry-After`` decides, then the reset of an exhausted limit in each of its spellings; an hour at most."""
    assert ANSWERS.retry_after(Response(429, headers)) == wait


def test_a_rate_limit_carries_its_wait() -> None:
    """The error of a 429 says when the next try makes sense."""
    with pytest.raises(TemporaryPlatformError) as raised:
        json_object(TICKET, Response(429, {"retry-after": "30"}, b"too fast"))
    assert raised.value.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("warning", "names"),
    [
        ('Removed restricted keys ["priorty", "sla"] from parameters', ("priorty", "sla")),
        ("unpermitted_keys: [:priorty]", ("priorty",)),
        ("Deprecated", ()),
        ("", ()),
    ],
)
def test_dropped_keys_are_known_by_name(warning: str, names: tuple[str, ...]) -> None:
    """Only what stands in brackets and looks like a key is a name."""
    assert dropped_keys({"x-zendesk-api-warn": warning}) == names


def refused(*entries: object, attribute: str = "base") -> Response:
    return Response(422, {}, json.dumps({"error": "RecordInvalid", "details": {attribute: list(entries)}}).encode())


@pytest.mark.parametrize(
    ("response", "codes"),
    [
        (refused({"description": "Order: cannot be blank", "error": "BlankValue"}), ("BlankValue",)),
        (
            refused({"error": "BlankValue"}, {"error": "InvalidValue"}, {"error": "BlankValue"}),
            ("BlankValue", "InvalidValue"),
        ),
        (refused({"error": "my order 42 is late"}), ()),
        (refused({"error": 7}, "text", None), ()),
        (refused(*({"error": f"Code{number}"} for number in range(9))), ("Code0", "Code1", "Code2", "Code3", "Code4")),
        (Response(422, {}, b"<html>"), ()),
        (Response(422, {}, b'{"details": ["x"]}'), ()),
        (Response(422, {}, b'{"details": {"base": 7}}'), ()),
    ],
)
def test_a_refusal_is_explained_by_its_codes_alone(response: Response, codes: tuple[str, ...]) -> None:
    """Zendesk's descriptions quote what was sent, so only its words for kinds of faults are kept."""
    assert ANSWERS.refusal_codes(response) == codes
    error = ANSWERS.failure(TICKET, response)
    assert error is not None
    assert error.reason == ("rejected: " + ", ".join(codes) if codes else "rejected")
