"""What adapters have in common: driving exchanges, what answers amount to, what is remembered."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest

from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.exchanges import Answers, Exchange, Remembered, json_request, number, run, wait
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT

TICKET = Request("GET", "/tickets/7", "read ticket")
HOOK = Request("PUT", "/hook", "create webhook")


class PaperAnswers(Answers):
    platform = "paper"
    tickets_path = "/tickets/"


ANSWERS = PaperAnswers()


@pytest.mark.parametrize(
    ("request_", "status", "headers", "kind", "reason", "asked"),
    [
        (TICKET, 408, {}, TemporaryPlatformError, "unavailable", None),
        (TICKET, 429, {"retry-after": "7"}, TemporaryPlatformError, "rate_limit", timedelta(seconds=7)),
        (TICKET, 502, {"retry-after": "soon"}, TemporaryPlatformError, "unavailable", None),
        (TICKET, 401, {}, Unauthorised, "credentials", None),
        (TICKET, 403, {}, Unauthorised, "scope", None),
        (TICKET, 404, {}, TicketGone, "", None),
        (HOOK, 404, {}, PermanentPlatformError, "not_found", None),
        (TICKET, 409, {}, TicketChanged, "conflict", None),
        (HOOK, 409, {}, TemporaryPlatformError, "conflict", None),
        (TICKET, 301, {}, PermanentPlatformError, "redirected", None),
        (TICKET, 422, {}, PermanentPlatformError, "rejected", None),
    ],
)
def test_what_a_status_amounts_to(
    request_: Request,
    status: int,
    headers: dict[str, str],
    kind: type[PlatformError],
    reason: str,
    asked: timedelta | None,
) -> None:
    """Where a helpdesk says nothing else, of the ticket or of anything besides; the body stays out."""
    response = Response(status, {"x-request-id": "r-1", **headers}, b"secret text")
    with pytest.raises(PlatformError) as raised:
        ANSWERS.json_object(request_, response)
    error = raised.value
    assert type(error) is kind
    assert (error.platform, error.operation, error.status) == ("paper", request_.operation, status)
    assert (error.reason, error.request_id) == (reason, "r-1")
    assert getattr(error, "retry_after", None) == asked
    assert "secret" not in f"{error!r} {vars(error)}"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b" ", {}),
        (b"<html>", "not_json"),
        (b"[" * 99_999, "not_json"),
        (b"[1]", "unexpected_body"),
    ],
)
def test_what_a_success_holds(body: bytes, value: object) -> None:
    """An object, nothing, or an error that does not carry the body."""
    try:
        found: object = ANSWERS.json_object(TICKET, Response(200, {}, body))
    except PlatformError as error:
        found = error.reason
        assert error.__context__ is None  # noqa: PT017 - both ways are in the table
    assert found == value


@pytest.mark.parametrize(
    ("text", "found"),
    [("700", 700.0), (" 12.5 ", 12.5), ("", None), ("-1", None), ("1e3", None), ("٣", None), ("9" * 10, None)],
)
def test_numbers_of_headers(text: str, found: float | None) -> None:
    assert number(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("90", timedelta(seconds=90)), ("0", timedelta(0)), ("999999", timedelta(hours=1)), ("tomorrow", None)],
)
def test_a_wait_is_an_hour_at_most(text: str, found: timedelta | None) -> None:
    assert wait(text) == found


def test_the_bytes_are_the_same_for_the_same_values() -> None:
    """On demand: a helpdesk that knows repetitions by them needs it."""
    one, two = (json_request("POST", "/x", "x", body, sort_keys=True) for body in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert one == two
    assert one.body == b'{"a":1,"b":2}'


def test_a_failure_to_send_is_raised_where_it_was_asked() -> None:
    """So an exchange can look what became of a request whose answer was lost."""

    def exchange() -> Exchange[str]:
        try:
            yield HOOK
        except TemporaryPlatformError:
            answer = yield TICKET
            return answer.body.decode()
        return "no failure"

    def send(request: Request) -> Response:
        if request is HOOK:
            raise TemporaryPlatformError(platform="paper", operation=request.operation, reason="timeout")
        return Response(200, {}, b"found")

    assert run(exchange(), send) == "found"


def test_what_is_remembered_is_asked_once_until_it_is_old_or_forgotten() -> None:
    clock, asked = ManualClock(RECEIVED_AT), count(1)
    remembered = Remembered(lambda: next(asked), clock, timedelta(minutes=10))
    assert remembered.known() is None
    assert (remembered(), remembered(), remembered.known()) == (1, 1, 1)
    clock.advance(timedelta(minutes=10))
    assert (remembered(), remembered()) == (2, 2)
    remembered.forget()
    assert (remembered.known(), remembered()) == (None, 3)


def test_what_could_not_be_asked_is_asked_again() -> None:
    """What is remembered without an end is kept from the first time that it was answered."""
    clock = ManualClock(RECEIVED_AT)
    answers: list[int] = []

    def ask() -> int:
        if answers:
            return answers.pop()
        raise LookupError

    remembered = Remembered(ask, clock)
    with pytest.raises(LookupError):
        remembered()
    answers.append(7)
    assert remembered() == 7
    clock.advance(timedelta(days=400))
    assert remembered() == 7
