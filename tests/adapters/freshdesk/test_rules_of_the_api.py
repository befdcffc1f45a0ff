"""Settings, answers, limits, history, records: tables of what comes in and what it amounts to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from oneclick_sla_freshdesk import history, limits, quotas, records, updates
from oneclick_sla_freshdesk.channels import channel_of
from oneclick_sla_freshdesk.fields import Catalogue
from oneclick_sla_freshdesk.records import Record
from oneclick_sla_freshdesk.settings import load_settings
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Channel, Field, Priority, Status, StatusChange, Written
from oneclick_sla_plugin.errors import (
    ConfigError,
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.exchanges import json_request
from oneclick_sla_plugin.ports import Quota, Request, Response

TICKET = Request("GET", "/api/v2/tickets/42", "read ticket")
RULE = Request("POST", "/api/v2/automations/1/rules", "create automation rule")
MINUTE = timedelta(minutes=1)


# --- Settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["https://acme.freshdesk.com", "https://acme.freshdesk.com/", "http://127.0.0.1:80"]
)
def test_the_key_goes_to_freshdesk_or_to_this_machine(address: str) -> None:
    settings = load_settings({"base_url": address, "api_key": SecretStr("k"), "webhook_secrets": SecretStr("a b")})
    assert settings.base_url == address.rstrip("/")
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == ["a", "b"]


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.freshdesk.com",
        "https://support.acme.com",
        "https://acme.freshdesk.com.evil.example",
        "https://evil.example/acme.freshdesk.com",
        "https://user@acme.freshdesk.com",
        "https://acme.freshdesk.com:8443",
        "https://acme.freshdesk.com/path",
        "https://10.0.0.1",
        "acme.freshdesk.com",
    ],
)
def test_and_nowhere_else(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"base_url": address, "api_key": SecretStr("made-up-key"), "colour": "red"})
    assert [problem.path for problem in caught.value.problems] == ["base_url", "colour"]
    assert "made-up-key" not in str(caught.value)


# --- Answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status", "body", "kind", "reason"),
    [
        (TICKET, 401, b'{"code":"invalid_credentials","message":"secret text"}', Unauthorised, "credentials"),
        (TICKET, 403, b'{"code":"access_denied","message":"secret text"}', Unauthorised, "scope"),
        (TICKET, 404, b"", TicketGone, ""),
        (RULE, 404, b"", PermanentPlatformError, "not_found"),
        (RULE, 405, b'{"code":"method_not_allowed"}', PermanentPlatformError, "rejected: method_not_allowed"),
        (RULE, 500, b"<html>secret text</html>", PermanentPlatformError, "rejected: internal_error"),
        (TICKET, 500, b"<html>secret text</html>", TemporaryPlatformError, "unavailable"),
        (TICKET, 503, b"", TemporaryPlatformError, "unavailable"),
        (TICKET, 409, b"", TicketChanged, "conflict"),
        (TICKET, 302, b"", PermanentPlatformError, "redirected"),
        (
            TICKET,
            400,
            b'{"description":"secret text","errors":[{"field":"type","message":"secret text","code":"invalid_value"}]}',
            PermanentPlatformError,
            "rejected: invalid_value type",
        ),
        (TICKET, 400, b'{"errors":[{"field":"secret text","code":{}}]}', PermanentPlatformError, "rejected"),
    ],
)
def test_what_a_refusal_amounts_to(
    request_: Request, status: int, body: bytes, kind: type[PlatformError], reason: str
) -> None:
    """Codes and names of fields are told, texts never."""
    error = limits.ANSWERS.failure(request_, Response(status, {"x-request-id": "r-1"}, body))
    assert type(error) is kind
    assert (error.reason, error.status, error.request_id) == (reason, status, "r-1")
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, timedelta(seconds=7)),
        ({}, MINUTE),
        ({"retry-after": "soon"}, MINUTE),
        ({"retry-after": "86400"}, timedelta(hours=1)),
    ],
)
def test_how_long_a_429_makes_us_wait(headers: Mapping[str, str], wait: timedelta) -> None:
    error = limits.ANSWERS.failure(TICKET, Response(429, headers))
    assert isinstance(error, TemporaryPlatformError)
    assert error.retry_after == wait


def test_a_page_instead_of_json_is_no_answer() -> None:
    with pytest.raises(TemporaryPlatformError) as caught:
        limits.json_object(TICKET, Response(200, {}, b"<html>maintenance</html>"))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("operation", "headers", "expected"),
    [
        ("read ticket", {"x-ratelimit-total": "700.0", "x-ratelimit-remaining": "699.0"}, ("account", 700, 699, set())),
        (
            "write ticket",
            {"x-ratelimit-total": "280", "x-ratelimit-remaining": "0"},
            ("tickets-update", 280, 0, {"write ticket"}),
        ),
        ("read ticket", {"x-ratelimit-total": "700"}, None),
        ("read ticket", {"x-ratelimit-total": "many", "x-ratelimit-remaining": "1"}, None),
    ],
)
def test_quotas(
    operation: str, headers: Mapping[str, str], expected: tuple[str, float, float, set[str]] | None
) -> None:
    found = quotas.quotas(Request("GET", "/", operation), Response(200, headers))
    if expected is None:
        assert found == ()
    else:
        name, limit, remaining, operations = expected
        assert found == (Quota(name, limit, remaining, MINUTE, frozenset(operations)),)


@pytest.mark.parametrize(
    ("source", "channel"),
    [
        *[(1, Channel.EMAIL), (2, Channel.WEB_FORM), (3, Channel.PHONE), (5, Channel.SOCIAL), (6, Channel.SOCIAL)],
        *[(7, Channel.CHAT), (9, Channel.WEB_FORM), (10, Channel.EMAIL), (13, Channel.WHATSAPP)],
        *[(11, Channel.OTHER), (12, Channel.OTHER), (999, Channel.OTHER), (None, Channel.OTHER), ("1", Channel.OTHER)],
    ],
)
def test_sources(source: object, channel: Channel) -> None:
    assert channel_of(source) is channel


# --- History ------------------------------------------------------------------------------------


def at(hour: int) -> datetime:
    return datetime(2026, 11, 23, hour, tzinfo=UTC)


def stamps(**hours: int) -> dict[str, Any]:
    return {name: at(hour).strftime("%Y-%m-%dT%H:%M:%SZ") for name, hour in hours.items()}


@pytest.mark.parametrize(
    ("stats", "now", "expected"),
    [
        ({}, Status.OPEN, [(8, Status.OPEN)]),
        ({}, Status.SOLVED, [(8, Status.OPEN), (20, Status.SOLVED)]),
        (stamps(resolved_at=10), Status.SOLVED, [(8, Status.OPEN), (10, Status.SOLVED)]),
        (
            stamps(pending_since=9, status_updated_at=9),
            Status.PENDING,
            [(8, Status.OPEN), (9, Status.PENDING)],
        ),
        (
            stamps(resolved_at=10, closed_at=12, status_updated_at=12),
            Status.CLOSED,
            [(8, Status.OPEN), (10, Status.SOLVED), (12, Status.CLOSED)],
        ),
        (
            stamps(resolved_at=10, reopened_at=11, status_updated_at=13),
            Status.PENDING,
            [(8, Status.OPEN), (10, Status.SOLVED), (11, Status.OPEN), (13, Status.PENDING)],
        ),
        (stamps(status_updated_at=8), Status.PENDING, [(8, Status.PENDING)]),
        ({"resolved_at": None, "status_updated_at": None}, Status.OPEN, [(8, Status.OPEN)]),
    ],
)
def test_what_can_be_told_of_the_status(
    stats: Mapping[str, Any], now: Status, expected: list[tuple[int, Status]]
) -> None:
    """Created at 8, updated at 20: the history ends with the status that the ticket has."""
    found = history.status_history(stats, at(8), at(20), now)
    assert found == tuple(StatusChange(at(hour), status) for hour, status in expected)


# --- Records ------------------------------------------------------------------------------------

tags = st.frozensets(st.text("abcdefghij_", min_size=1, max_size=12), max_size=4)
values = st.dictionaries(st.sampled_from(Field), st.text(max_size=20), max_size=4)


@given(st.sampled_from([None, *Priority]), tags, values, st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_a_record_is_read_as_it_was_written(
    priority: Priority | None, tags: frozenset[str], fields: dict[Field, str], replies: dict[str, str]
) -> None:
    """In a field, and as a line among others in a note."""
    record = Record(Written(priority, tags, fields), replies)
    assert records.decode(record.encoded()) == record
    assert records.in_note(f"A fact.\n{record.line()}\nmore") == record


@pytest.mark.parametrize("text", [None, "", "by hand", "e30=", "bnVsbA==", "W10=", "{}"])
def test_what_is_no_record_is_ignored(text: str | None) -> None:
    assert records.decode(text) is None


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("We have your message.\n\nThank you.", True),
        ("We have  your message.\nThank you. ", True),
        ("We have your message. Thank you.\n--\nAcme Ltd.", True),
        ("We have your message.", False),
        ("We have your letter. Thank you.", False),
        ("", False),
    ],
)
def test_a_reply_is_known_again(shown: str, same: bool) -> None:
    """Whatever the server does to blanks, and whatever it adds below."""
    assert records.is_reply(shown, records.fingerprint("We have your message.\n\nThank you.")) is same


# --- Updates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "add", "remove", "expected"),
    [
        (["vip"], {"sla_a"}, set(), ["vip", "sla_a"]),
        (["b", "sla_old", "a"], {"sla_new"}, {"sla_old"}, ["b", "a", "sla_new"]),
        (["vip", "sla_a"], {"sla_a"}, {"sla_gone"}, None),
        ([], set(), set(), None),
    ],
)
def test_tags_are_merged_with_those_that_stand(
    standing: list[str], add: set[str], remove: set[str], expected: list[str] | None
) -> None:
    changes = Changes(add_tags=frozenset(add), remove_tags=frozenset(remove))
    assert updates.merged_tags({"tags": standing}, changes) == expected


@given(st.text("{}%<&\nab", max_size=30))
def test_no_placeholder_and_no_markup_leaves_us(text: str) -> None:
    shown = updates.note_html(text)
    assert "{{" not in shown
    assert "{%" not in shown
    assert set(_elements(shown)) <= {"<div>", "</div>", "<br>"}


def _elements(markup: str) -> list[str]:
    return [f"<{part.partition('>')[0]}>" for part in markup.split("<")[1:]]


def test_requests_are_json() -> None:
    request = json_request("PUT", "/x", "test", {"a": "ñ"})
    assert json.loads(request.body or b"") == {"a": "ñ"}


@pytest.mark.parametrize(
    ("status", "first", "due", "standing", "sent"),
    [
        (2, 11, 15, {}, True),
        (2, 11, 15, {"fr_due_by": "2026-11-23T11:00:00Z", "due_by": "2026-11-23T15:00:00Z"}, False),
        (2, 11, 15, {"fr_due_by": "2026-11-23T11:00:00Z", "due_by": "2026-11-23T16:00:00Z"}, True),
        (3, 11, 15, {}, False),
        (4, 11, 15, {}, False),
        (2, 9, 15, {}, False),
        (2, 15, 15, {}, False),
        (2, 16, 15, {}, False),
        (2, None, 15, {}, False),
        (2, 11, None, {}, False),
    ],
)
def test_when_due_dates_are_sent(
    status: int, first: int | None, due: int | None, standing: dict[str, str], sent: bool
) -> None:
    """At 10: both or none, while the timer runs, the reply before the resolution, none in the past, none again."""
    known = {Field.FIRST_REPLY_DUE_AT: first, Field.RESOLUTION_DUE_AT: due}
    fields = {name: f"2026-11-23T{hour:02}:00:00Z" for name, hour in known.items() if hour is not None}
    catalogue = Catalogue(statuses={2: Status.OPEN, 3: Status.PENDING, 4: Status.SOLVED})
    update = updates.ticket_update(
        {"status": status, **standing}, Changes(), Written(fields=fields), catalogue, now=at(10), due_dates=True
    )
    expected = {"fr_due_by": "2026-11-23T11:00:00Z", "due_by": "2026-11-23T15:00:00Z"} if sent else {}
    assert update.values == expected
