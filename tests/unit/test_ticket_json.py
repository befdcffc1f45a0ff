"""The neutral ticket and the decision as JSON: what is accepted, refused and printed."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.changes import diff
from oneclick_sla_plugin.domain.decision import decide
from oneclick_sla_plugin.domain.model import Author, Channel, Context, Field, Kind, Priority, Status, Ticket, Written
from oneclick_sla_plugin.errors import InputError
from oneclick_sla_plugin.policy_files import load_policy
from oneclick_sla_plugin.texts import load_wording
from oneclick_sla_plugin.ticket_json import decision_document, parse_ticket

FULL: dict[str, Any] = {
    "platform": "zendesk",
    "account": "acme",
    "id": "42",
    "number": "577318",
    "created_at": "2026-11-17T10:00:00-05:00",
    "updated_at": "2026-11-17T15:30:00Z",
    "channel": "email",
    "recipient": "soporte@example.com",
    "subject": "MARKER subject",
    "status": "open",
    "priority": "high",
    "tags": ["vip", "sla_on_track"],
    "fields": {"promised_at": "2026-11-20", "extension_reason": None, "complaint_stage": None},
    "requester": {"id": "7", "known": True, "tier": "gold"},
    "created_by": "customer",
    "messages_visible": True,
    "brand": "b",
    "group": "g",
    "assignee": "a",
    "form": "f",
    "merged_into": "41",
    "satisfaction": {"score": "good", "at": "2026-11-17T16:00:00Z"},
    "written": {"priority": "high", "tags": ["sla_on_track"], "fields": {"sla_state": "on_track"}},
    "messages": [
        {
            "id": "1",
            "at": "2026-11-17T10:00:00.25-05:00",
            "author": "customer",
            "public": True,
            "voice": False,
            "text": "MARKER text",
        }
    ],
    "status_history": [{"at": "2026-11-17T15:00:00Z", "status": "new"}],
    "context": {"peak": True, "kind": "incident"},
}
Path = tuple[str | int, ...]


def parsed(document: Any) -> Ticket:
    return parse_ticket(json.dumps(document))


def changed(path: Path, value: Any) -> dict[str, Any]:
    """The full ticket with one value replaced."""
    document = copy.deepcopy(FULL)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return document


def without(path: Path) -> dict[str, Any]:
    """The full ticket with one key left out."""
    document = copy.deepcopy(FULL)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return document


def problems(line: str | bytes) -> dict[str, str]:
    with pytest.raises(InputError) as caught:
        parse_ticket(line)
    assert "MARKER" not in str(caught.value)
    assert caught.value.__cause__ is None
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_every_fact_of_a_ticket_is_read() -> None:
    ticket = parsed(FULL)
    assert ticket.created_at == datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
    assert ticket.created_at.tzinfo is UTC
    assert ticket.updated_at == datetime(2026, 11, 17, 15, 30, tzinfo=UTC)
    assert (ticket.id, ticket.number) == ("42", "577318")
    assert (ticket.channel, ticket.status, ticket.priority) == (Channel.EMAIL, Status.OPEN, Priority.HIGH)
    assert ticket.tags == {"vip", "sla_on_track"}
    assert ticket.fields == {Field.PROMISED_AT: "2026-11-20"}
    assert (ticket.requester.id, ticket.requester.known, ticket.requester.tier) == ("7", True, "gold")
    assert (ticket.created_by, ticket.messages_visible) == (Author.CUSTOMER, True)
    assert (ticket.brand, ticket.group, ticket.assignee, ticket.form, ticket.merged_into) == ("b", "g", "a", "f", "41")
    assert ticket.satisfaction is not None
    assert ticket.satisfaction.score == "good"
    assert ticket.written == Written(Priority.HIGH, frozenset({"sla_on_track"}), {Field.SLA_STATE: "on_track"})
    (message,) = ticket.messages
    assert message.at == datetime(2026, 11, 17, 15, 0, 0, 250_000, tzinfo=UTC)
    assert (message.author, message.public, message.voice, message.text) == (
        Author.CUSTOMER,
        True,
        False,
        "MARKER text",
    )
    assert [change.status for change in ticket.status_history] == [Status.NEW]
    assert ticket.context == Context(peak=True, kind=Kind.INCIDENT)


REQUIRED: list[Path] = [
    *((key,) for key in ("platform", "account", "id", "created_at", "updated_at", "channel", "subject", "status")),
    *((key,) for key in ("tags", "fields", "requester", "messages", "status_history")),
    ("requester", "id"),
    ("requester", "known"),
    *(("messages", 0, key) for key in ("id", "at", "author", "public", "text")),
    *(("status_history", 0, key) for key in ("at", "status")),
    *(("satisfaction", key) for key in ("score", "at")),
    *(("written", key) for key in ("tags", "fields")),
]
NULL_OR_ABSENT: list[Path] = [
    *(
        (key,)
        for key in ("number", "recipient", "priority", "created_by", "messages_visible", "brand", "group", "assignee")
    ),
    *((key,) for key in ("form", "merged_into", "satisfaction", "written")),
    *(("fields", key) for key in ("promised_at", "extension_reason", "complaint_stage")),
    ("requester", "tier"),
    ("messages", 0, "voice"),
    ("written", "priority"),
]


def spelled(path: Path) -> str:
    """As a problem names it: ``messages[0].at``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


@pytest.mark.parametrize("path", REQUIRED, ids=spelled)
def test_a_required_key_may_not_be_absent(path: Path) -> None:
    assert list(problems(json.dumps(without(path)))) == [spelled(path)]


@pytest.mark.parametrize("path", [path for path in REQUIRED if path != ("requester", "known")], ids=spelled)
def test_a_required_key_may_not_be_null(path: Path) -> None:
    assert spelled(path) in problems(json.dumps(changed(path, None)))


@pytest.mark.parametrize("path", NULL_OR_ABSENT, ids=spelled)
def test_an_optional_key_means_the_same_absent_or_null(path: Path) -> None:
    assert parsed(without(path)) == parsed(changed(path, None))


def test_what_is_assumed_where_nothing_is_said() -> None:
    """Messages are visible, a message is no call, nobody knows whether the requester is a customer."""
    ticket = parsed(without(("messages_visible",)))
    assert ticket.messages_visible
    assert not parsed(without(("messages", 0, "voice"))).messages[0].voice
    assert parsed(changed(("requester", "known"), None)).requester.known is None
    assert parsed(without(("context",))).context == Context()
    assert parsed(changed(("context",), {"peak": False})).context == Context(peak=False)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        (("priorty",), 'did you mean "priority"?'),
        (("requester", "knwon"), 'did you mean "known"?'),
        (("messages", 0, "autor"), 'did you mean "author"?'),
        (("fields", "promissed_at"), 'did you mean "promised_at"?'),
        (("context", "peek"), 'did you mean "peak"?'),
        (("written", "tag"), 'did you mean "tags"?'),
        (("satisfaction", "scores"), 'did you mean "score"?'),
        (("qqq",), "unknown key"),
    ],
    ids=lambda value: spelled(value) if isinstance(value, tuple) else "",
)
def test_an_unknown_key_is_an_error_with_a_hint(path: Path, hint: str) -> None:
    found = problems(json.dumps(changed(path, None)))
    assert list(found) == [spelled(path)]
    assert "unknown key" in found[spelled(path)]
    assert hint in found[spelled(path)]


def test_an_unknown_key_that_is_a_text_is_not_repeated() -> None:
    found = problems(json.dumps(changed(("MARKER: my password is hunter2",), 1)))
    assert list(found) == ["?"]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-17T10:00:00", "2026-11-17", "2026-11-17T10:00Z", "2026-11-17T10:00:00+0500", "1794909600", ""),
        *("2026-02-29T10:00:00Z", "2026-11-17T24:00:01Z", "2026-11-17T10:00:60Z", "2026-11-17T10:00:00+25:00"),
        *("0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "٢٠٢٦-11-17T10:00:00Z", "2026-11-17T10:00:00Z "),
        *(1794909600, 1794909600.5, True, ["2026-11-17T10:00:00Z"]),
    ],
)
@pytest.mark.parametrize("path", [("created_at",), ("messages", 0, "at"), ("satisfaction", "at")], ids=spelled)
def test_an_instant_is_rfc_3339_with_its_offset(path: Path, text: object) -> None:
    assert list(problems(json.dumps(changed(path, text)))) == [spelled(path)]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-17T10:00:00-05:00", "2026-11-17t15:00:00z", "2026-11-17 15:00:00.000+00:00"),
        *("2026-11-18T00:30:00+09:30", "2026-11-17T15:00:00.0000000000Z"),
    ],
)
def test_the_same_instant_may_be_written_in_several_ways(text: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc3339#section-5.6"""
    assert parsed(changed(("created_at",), text)).created_at == datetime(2026, 11, 17, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *((("channel",), value) for value in ("fax", "EMAIL", "", 1, ["email"])),
        *((("status",), value) for value in ("resolved", "Open", True)),
        *((("priority",), value) for value in ("medium", 3)),
        (("created_by",), "us"),
        (("messages", 0, "author"), "bot"),
        (("satisfaction", "score"), "great"),
        (("context", "kind"), "rant"),
        (("context", "peak"), "true"),
        (("messages", 0, "public"), 1),
        (("requester", "known"), "yes"),
        (("requester", "id"), 7),
        (("id",), 42),
        (("id",), ""),
        (("account",), ""),
        (("tags",), "vip"),
        (("tags",), [1]),
        (("subject",), ["MARKER"]),
        (("messages",), {}),
        (("messages", 0), "MARKER"),
        (("messages", 0, "text"), {"html": "MARKER"}),
        (("fields",), []),
    ],
)
def test_a_value_of_another_type_or_vocabulary_is_an_error(path: Path, value: object) -> None:
    assert [where for where in problems(json.dumps(changed(path, value))) if where.startswith(spelled(path))]


def test_all_problems_of_a_ticket_are_told_at_once() -> None:
    document = changed(("channel",), "fax")
    document["messages"][0].update(at="yesterday", extra="MARKER")
    del document["tags"]
    assert sorted(problems(json.dumps(document))) == ["channel", "messages[0].at", "messages[0].extra", "tags"]


FULL_LINE = json.dumps(FULL).encode()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(FULL_LINE[:-1], id="cut off"),
        pytest.param(FULL_LINE + FULL_LINE, id="two on a line"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"MARKER"', id="a string"),
        pytest.param(FULL_LINE.replace(b"MARKER text", b"MARKER \xff\xfe"), id="not UTF-8"),
        pytest.param(FULL_LINE.replace(b"MARKER text", b"MARKER \\ud800"), id="half a surrogate pair, escaped"),
        pytest.param(FULL_LINE.replace(b"MARKER text", b"MARKER \xed\xa0\x80"), id="half a surrogate pair, raw"),
        pytest.param(FULL_LINE.replace(b"MARKER text", b"MARKER \x00"), id="a raw control character"),
        pytest.param(FULL_LINE.replace(b'"42"', b"9" * 5000), id="a number of 5000 digits"),
        pytest.param(FULL_LINE.replace(b'"42"', b"1e99999999"), id="a number beyond all floats"),
        pytest.param(FULL_LINE.replace(b'"42"', b"NaN"), id="not a number"),
        pytest.param(b"[" * 200_000, id="deep, never closed"),
        pytest.param(FULL_LINE.replace(b'"42"', b"[" * 5000 + b"]" * 5000), id="deep"),
        pytest.param(b'{"a":' * 100_000, id="deep in objects"),
    ],
)
def test_what_is_no_ticket_is_an_error_and_nothing_of_it_is_repeated(line: bytes) -> None:
    assert problems(line)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_the_bytes_are_they_are_a_ticket_or_an_error(line: bytes) -> None:
    with pytest.raises(InputError):
        parse_ticket(line)


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from([*REQUIRED, *NULL_OR_ABSENT, ("context",)]), JSON_VALUE)
def test_whatever_stands_in_a_place_it_is_a_ticket_or_an_error(path: Path, value: object) -> None:
    try:
        ticket = parse_ticket(json.dumps(changed(path, value)))
    except InputError as error:
        assert all(problem.message for problem in error.problems)  # noqa: PT017 - either way is right
    else:
        assert isinstance(ticket, Ticket)


def test_a_text_of_ten_megabytes_is_read() -> None:
    text = "ñ" * 5_000_000
    assert parsed(changed(("messages", 0, "text"), text)).messages[0].text == text


# --- the decision -----------------------------------------------------------------------------

POLICY = load_policy(files("oneclick_sla_plugin.policies").joinpath("en-linea-365.toml"))


DECIDED = {**FULL, "channel": "social", "merged_into": None, "fields": {}, "context": {"kind": "incident"}}
"""Received at 10:00 and 250 ms in Lima, on a Tuesday: four open hours."""


def document_of(ticket: Ticket, after: timedelta = timedelta(hours=1)) -> dict[str, Any]:
    wording = load_wording("en", ZoneInfo("America/Lima"))
    decision = decide(ticket, POLICY, ticket.created_at + after, wording)
    return decision_document(decision, diff(ticket, decision.desired))


def test_a_decision_has_exactly_the_keys_of_its_format() -> None:
    document = document_of(parsed(DECIDED))
    assert {key: sorted(value) if isinstance(value, dict) else None for key, value in document.items()} == {
        "ticket": None,
        "policy": None,
        "channel": None,
        "kind": None,
        "priority": ["because", "value"],
        "complaint": ["because", "number", "stage", "type", "verdict"],
        "clocks": None,
        "findings": None,
        "flags": ["abusive", "info_missing", "threat", "urgent"],
        "desired": ["fields", "notes", "priority", "reply", "tags"],
        "changes": ["add_tags", "fields", "notes", "priority", "remove_tags", "reply"],
        "next_look_at": None,
    }
    (clock,) = document["clocks"]
    assert list(clock) == ["metric", "started_at", "due_at", "warn_at", "state", "met_at", "because"]
    (note,) = document["desired"]["notes"]
    assert list(note) == ["key", "text"]


def test_a_decision_in_full() -> None:
    document = document_of(parsed(DECIDED))
    assert document["ticket"] == "zendesk/acme/42"
    assert document["policy"] == "en-linea-365@2023-08-16"
    assert (document["channel"], document["kind"]) == ("social", "incident")
    assert document["priority"] == {"value": "high", "because": ["§5 kind incident"]}
    assert document["clocks"] == [
        {
            "metric": "first_reply",
            "started_at": "2026-11-17T15:00:00.250000Z",
            "due_at": "2026-11-17T19:00:00.250000Z",
            "warn_at": "2026-11-17T18:00:00.250000Z",
            "state": "running",
            "met_at": None,
            "because": "§4 social networks, received in opening hours: 4 open hours, calendar office",
        }
    ]
    assert document["next_look_at"] == "2026-11-17T18:00:00.250000Z"
    assert document["changes"]["priority"] is None
    assert document["changes"]["add_tags"] == ["sla_kind_incident", "sla_priority_high"]
    assert document["changes"]["remove_tags"] == []


@pytest.mark.parametrize(
    ("tags", "context", "verdict", "rules"),
    [
        ([], {"kind": "complaint"}, "auto", ["context.kind"]),
        (["sla_is_complaint"], {}, "auto", ["agent.sla_is_complaint"]),
        (["sla_not_complaint"], {"kind": "complaint"}, "no", []),
        ([], {}, "no", []),
    ],
)
def test_the_complaint_in_a_decision_names_what_says_so(
    tags: list[str], context: dict[str, str], verdict: str, rules: list[str]
) -> None:
    complaint = document_of(parsed({**DECIDED, "tags": tags, "context": context}))["complaint"]
    assert complaint["verdict"] == verdict
    assert [because["rule"] for because in complaint["because"]] == rules


@pytest.mark.parametrize("after", [timedelta(0), timedelta(hours=3, minutes=30), timedelta(days=3)])
def test_a_decision_is_json_without_the_customers_text(after: timedelta) -> None:
    document = document_of(parsed(DECIDED), after)
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document
    assert "MARKER" not in text


def test_what_a_decision_desires_can_stand_on_the_next_ticket() -> None:
    """Tags, fields and priority go back in the same form, and nothing is left to change but the note."""
    desired = document_of(parsed(DECIDED))["desired"]
    standing = {key: desired[key] for key in ("priority", "tags", "fields")}
    changes = document_of(parsed({**DECIDED, **standing, "written": standing}))["changes"]
    assert (changes["priority"], changes["add_tags"], changes["remove_tags"], changes["fields"]) == (None, [], [], {})
