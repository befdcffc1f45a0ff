"""The simulator answers the recorded requests as the real plugin did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oneclick_sla_osticket.signing import key_of, request_headers
from oneclick_sla_osticket.simulator import OsTicketSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport

Sample = Callable[[str], Any]
RECORDED_AT = datetime.fromtimestamp(1795318877, UTC)
"""When the errors were recorded."""


class Desk:
    """A simulated osTicket like the recorded one: ticket 4 is there, entry 23 is its first."""

    def __init__(self, sandbox: OsTicketSandbox, http: HttpTransport, secret: str) -> None:
        self.sandbox, self._http, self._key = sandbox, http, key_of(secret)

    def replay(self, recorded: Any) -> Response:
        """Send a recorded request with its recorded signature."""
        return self._send(recorded, recorded["headers"])

    def resend(self, recorded: Any, **changed: Any) -> Response:
        """Send a recorded request with changes in its body, signed anew."""
        body = json.dumps({**json.loads(recorded["body"]), **changed}) if changed else recorded["body"]
        recorded = {**recorded, "body": body}
        return self._send(recorded, request_headers((self._key,), _request(recorded), RECORDED_AT))

    def _send(self, recorded: Any, headers: Any) -> Response:
        request = _request(recorded)
        path = "/api/tickets" + request.path
        return self._http.send(
            Request(request.method, path, "x", query=request.query, headers=headers, body=request.body)
        )


def _request(recorded: Any) -> Request:
    parts = urlsplit(recorded["target"])
    body = recorded["body"].encode() if recorded["body"] is not None else None
    return Request(recorded["method"], parts.path, "x", query=tuple(parse_qsl(parts.query)), body=body)


@pytest.fixture
def desk(recorded_with: str) -> Iterator[Desk]:
    clock = ManualClock(RECORDED_AT)
    with (
        OsTicketSandbox(clock=clock, secret=recorded_with, first_ticket_id=4, first_entry_id=23) as sandbox,
        HttpTransport(sandbox.base_url) as http,
    ):
        made = Desk(sandbox, http, recorded_with)
        sandbox.open_ticket(channel=Channel.API, subject="Third time the export fails", text="It fails.")
        yield made


@pytest.mark.parametrize(
    "name",
    [
        "error_json",
        "error_unsigned",
        "error_signature",
        "error_stale",
        "error_no_route",
        "error_no_ticket",
        "error_method",
        "error_query",
        "install_invalid",
        "changes_invalid_shape",
    ],
)
def test_refusals_are_the_recorded_ones(desk: Desk, sample: Sample, name: str) -> None:
    """Status, content type and every word, for the recorded bytes under the recorded signature."""
    recorded = sample(name)
    answer = desk.replay(recorded["request"])
    assert (answer.status, answer.json()) == (recorded["response"]["status"], recorded["response"]["body"])
    assert {name: answer.headers[name] for name in recorded["response"]["headers"]} == recorded["response"]["headers"]


def test_installing_and_fields_are_the_recorded_ones(desk: Desk, sample: Sample) -> None:
    """The same objects in the same order, the same fields with the same choices, the same words."""
    for name in ("install", "installation"):
        recorded = sample(name)
        assert desk.resend(recorded["request"]).json() == recorded["response"]["body"]
    meta, recorded_meta = desk.resend(sample("meta")["request"]).json(), sample("meta")["response"]["body"]
    assert meta.keys() == recorded_meta.keys()
    assert (meta["priorities"], meta["statuses"]) == (recorded_meta["priorities"], recorded_meta["statuses"])
    ours = [[{**each, "id": 0} for each in body["fields"] if each["ours"]] for body in (meta, recorded_meta)]
    assert ours[0] == ours[1]
    health, recorded_health = (body["body"] for body in (_answer(desk, sample("health")), sample("health")["response"]))
    assert {key: type(value) for key, value in health.items()} == {k: type(v) for k, v in recorded_health.items()}
    assert all(health[part].keys() == recorded_health[part].keys() for part in ("delivery", "outbox", "cron", "clock"))


def _answer(desk: Desk, recorded: Any) -> Any:
    return {"body": desk.resend(recorded["request"]).json()}


def test_changes_are_answered_as_recorded(desk: Desk, sample: Sample) -> None:
    """First, repeated, nothing left, invalid, key used again, moved, closed: all in the recorded order."""
    desk.resend(sample("install")["request"])
    first = sample("changes")
    now = desk.resend({"method": "GET", "target": "/sla/tickets/4", "body": None}).json()["version"]
    answers = {
        "changes": desk.resend(first["request"], version=now),
        "changes_repeated": desk.resend(first["request"], version=now),
        "changes_key_reused": desk.resend(sample("changes_key_reused")["request"]),
        "changes_invalid": desk.resend(sample("changes_invalid")["request"]),
        "changes_nothing": desk.resend(sample("changes_nothing")["request"]),
        "changes_reply": desk.resend(sample("changes_reply")["request"]),
        "changes_ticket_changed": desk.resend(sample("changes_ticket_changed")["request"]),
    }
    desk.sandbox.agent_solves("4")
    answers["changes_closed"] = desk.resend(sample("changes_closed")["request"])
    for name, answer in answers.items():
        expected = sample(name)["response"]
        assert (name, answer.status) == (name, expected["status"])
        assert _without_version(answer.json()) == _without_version(expected["body"])
    assert answers["changes"].json()["version"] != now


def test_a_ticket_is_shown_as_recorded(desk: Desk, sample: Sample) -> None:
    """The same names with the same kinds of values, in ticket, entry and history."""
    desk.resend(sample("install")["request"])
    shown = desk.resend({"method": "GET", "target": "/sla/tickets/4", "body": None}).json()
    recorded = sample("ticket_new")["response"]["body"]
    assert shown.keys() == recorded.keys()
    assert shown["thread"][0].keys() == recorded["thread"][0].keys()
    assert shown["history"][0] == {**recorded["history"][0], "at": "2026-11-22T03:41:17Z"}
    alike = (
        "id",
        "subject",
        "source",
        "recipient",
        "status",
        "priority",
        "topic",
        "assignee",
        "fields",
        "tags",
        "record",
    )
    assert {key: shown[key] for key in alike} == {key: recorded[key] for key in alike}
    by_number = {"method": "GET", "target": f"/sla/tickets/{shown['number']}?by=number", "body": None}
    assert desk.resend(by_number).json() == shown


def test_a_requester_is_shown_as_recorded(desk: Desk, sample: Sample) -> None:
    user_id = desk.resend({"method": "GET", "target": "/sla/tickets/4", "body": None}).json()["requester"]["id"]
    person = desk.resend({"method": "GET", "target": f"/sla/people/{user_id}", "body": None})
    assert person.json().keys() == sample("person")["response"]["body"].keys()
    recorded = sample("error_no_person")
    answer = desk.resend(recorded["request"])
    assert (answer.status, answer.json()) == (recorded["response"]["status"], recorded["response"]["body"])


def _without_version(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "version": "masked"} if "version" in body else body


def test_events_are_handed_out_two_seconds_late(recorded_with: str, sample: Sample) -> None:
    """So that none with a lower id comes later; their names are the recorded ones."""
    clock = ManualClock(RECORDED_AT)
    with OsTicketSandbox(clock=clock, secret=recorded_with) as sandbox, HttpTransport(sandbox.base_url) as http:
        desk = Desk(sandbox, http, recorded_with)
        sandbox.open_ticket(channel=Channel.EMAIL, subject="A", text="B")
        fetch = {"method": "GET", "target": "/sla/events?after=0", "body": None}
        assert desk.resend(fetch).json() == {"events": [], "next_after": 0, "more": False, "gap": False}
        clock.advance(timedelta(seconds=2))
        page, recorded = desk.resend(fetch).json(), sample("events")["response"]["body"]
        assert page.keys() == recorded.keys()
        assert page["events"][0].keys() == recorded["events"][0].keys()
        assert page["events"][0]["data"].keys() == recorded["events"][0]["data"].keys()
