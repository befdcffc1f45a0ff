"""Webhooks: their registry, what is sent and how it is signed."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.invocations import signature

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)
EVERYTHING = (
    "created",
    "comment_added",
    "priority_changed",
    "status_changed",
    "custom_field_changed",
    "tags_changed",
    "type_changed",
    "subject_changed",
    "group_assignment_changed",
    "agent_assignment_changed",
    "soft_deleted",
)
STATIC_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="


def signed(secret: str, text: bytes) -> str:
    """HMAC-SHA256 from its definition (RFC 2104), in Base64."""
    key = secret.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + text).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()
    return base64.b64encode(outer).decode()


# --- signature ---


@pytest.mark.parametrize(
    ("secret", "timestamp", "body", "expected"),
    [
        pytest.param(
            STATIC_SECRET,
            "2026-11-22T00:00:00Z",
            b"",
            "zlbMyZz2TZm8X+9waVt3sb2qCATxhHp4goPb+YdJXms=",
            id="no body",
        ),
        pytest.param(
            STATIC_SECRET,
            "2026-11-22T10:00:00Z",
            '{"ticket_id":"5158","note":"café"}\n'.encode(),
            "BJcci2Kpuew+DZRy2zPJpyuIzII8U1ThEYV6cAGbCpQ=",
            id="UTF-8",
        ),
        pytest.param(
            "HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=",
            "2021-07-25T10:00:00Z",
            b'{"say": "hello"}',
            "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=",
            id="vendor's example",
        ),
    ],
)
def test_signatures(secret: str, timestamp: str, body: bytes, expected: str) -> None:
    """A signature covers the timestamp and then the bytes of the body; the key is the secret's own text."""
    assert signature(secret, timestamp, body) == expected == signed(secret, timestamp.encode() + body)


def test_the_body_does_not_come_first() -> None:
    """The order of body and timestamp that a page of the vendor once showed is not the one that is signed."""
    secret, timestamp, body = (
        "HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=",
        "2021-07-25T10:00:00Z",
        b'{"say": "hello"}',
    )
    wrong = "tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw="
    assert signed(secret, body + timestamp.encode()) == wrong
    assert signature(secret, timestamp, body) != wrong


# --- registry ---


def test_a_webhook_is_kept_without_its_secrets(api: Api, sandbox: ZendeskSandbox) -> None:
    """It is listed and shown with what it was made of, but neither secret nor the data of its login."""
    assert "webhook_secrets" not in sandbox.secrets()
    login = {"type": "api_key", "add_position": "header", "data": {"name": "X-Sla-Key", "value": "hidden"}}
    webhook_id = api.new_webhook("http://127.0.0.1:9/x", "created", authentication=login)
    shown = api.get(f"/api/v2/webhooks/{webhook_id}")["webhook"]
    assert len(webhook_id) == 26
    assert (shown["name"], shown["endpoint"], shown["status"]) == ("SLA plugin", "http://127.0.0.1:9/x", "active")
    assert shown["subscriptions"] == ["zen:event-type:ticket.created"]
    assert shown["authentication"] == {"type": "api_key", "add_position": "header"}
    assert api.get("/api/v2/webhooks", filter_name_contains="sla")["webhooks"] == [shown]
    assert api.get("/api/v2/webhooks", filter_name_contains="other")["webhooks"] == []
    secret = api.get(f"/api/v2/webhooks/{webhook_id}/signing_secret")["signing_secret"]
    assert secret["algorithm"] == "SHA256"
    assert secret["secret"] not in json.dumps(shown)
    assert sandbox.secrets() == {"client_secret": "sandbox-secret", "webhook_secrets": secret["secret"]}


def test_a_webhook_can_be_changed_and_deleted(api: Api) -> None:
    """PATCH changes what it names and answers 204; after DELETE it is 404."""
    webhook_id = api.new_webhook("http://127.0.0.1:9/x", "created")
    path = f"/api/v2/webhooks/{webhook_id}"
    changed = api.call("PATCH", path, {"webhook": {"endpoint": "http://127.0.0.1:9/y"}})
    assert (changed.status, changed.body) == (204, b"")
    shown = api.get(path)["webhook"]
    assert (shown["endpoint"], shown["name"]) == ("http://127.0.0.1:9/y", "SLA plugin")
    assert api.call("PUT", path, {"webhook": {"name": "Renamed"}}).status == 400  # PUT wants all of it
    whole = {name: shown[name] for name in ("endpoint", "http_method", "request_format", "status")}
    assert api.call("PUT", path, {"webhook": {**whole, "name": "Renamed"}}).status == 204
    assert api.get(path)["webhook"]["name"] == "Renamed"
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", path).status == 404


def test_a_new_signing_secret(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """A renewed secret replaces the old one, and deliveries are signed with it."""
    webhook_id = api.new_webhook(receiver.url, "priority_changed")
    path = f"/api/v2/webhooks/{webhook_id}/signing_secret"
    old = api.get(path)["signing_secret"]["secret"]
    renewed = api.call("POST", path)
    new = api.get(path)["signing_secret"]["secret"]
    assert renewed.status == 201
    assert renewed.json()["signing_secret"]["secret"] == new != old
    sandbox.agent_changes(ticket_id, priority="low")
    assert sandbox.wait_delivered(PATIENCE)
    headers, body = receiver.received[0]
    timestamp = headers["x-zendesk-webhook-signature-timestamp"]
    assert headers["x-zendesk-webhook-signature"] == signed(new, timestamp.encode() + body)


@pytest.mark.parametrize(
    "change",
    [
        {"subscriptions": []},
        {"subscriptions": ["conditional_ticket_events", "zen:event-type:ticket.created"]},
        {"subscriptions": ["ticket.created"]},
        {"http_method": "PUT"},
        {"endpoint": "no address"},
        {"status": "asleep"},
        {"name": ""},
        {"authentication": {"type": "api_key", "data": {"name": "X-Key"}}},
    ],
    ids=str,
)
def test_webhooks_that_are_refused(api: Api, change: dict[str, Any]) -> None:
    """What is no webhook, or would be of both kinds, is 400."""
    good = {
        "name": "SLA plugin",
        "endpoint": "http://127.0.0.1:9/x",
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["zen:event-type:ticket.created"],
    }
    assert api.call("POST", "/api/v2/webhooks", {"webhook": {**good, **change}}).status == 400
    assert api.get("/api/v2/webhooks")["webhooks"] == []


def test_a_webhook_keeps_its_kind(api: Api) -> None:
    """An event webhook cannot become one of triggers."""
    webhook_id = api.new_webhook("http://127.0.0.1:9/x", "created")
    change = {"webhook": {"subscriptions": ["conditional_ticket_events"]}}
    assert api.call("PATCH", f"/api/v2/webhooks/{webhook_id}", change).status == 400


# --- what is sent ---


def test_a_delivery_in_full(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, manual_clock: ManualClock) -> None:
    """The envelope has text ids, upper-case words, no custom fields; bytes are pretty-printed, with a newline."""
    api.new_field("text", "Note")
    webhook_id = api.new_webhook(receiver.url, "priority_changed")
    ticket_id = sandbox.open_ticket(channel=Channel.WEB_FORM, subject="Login", text="Niño", tags=["vip"])
    manual_clock.advance(timedelta(minutes=1))
    sandbox.agent_changes(ticket_id, priority="urgent")
    assert sandbox.wait_delivered(PATIENCE)
    [(headers, body)] = receiver.received
    event = json.loads(body)
    requester = str(api.ticket(ticket_id)["requester_id"])

    assert body.startswith(b'{\n  "account_id": 123,\n')
    assert body.endswith(b"\n}\n")
    assert "Niño".encode() in body
    assert {key: event[key] for key in ("account_id", "type", "subject", "time", "zendesk_event_version", "event")} == {
        "account_id": 123,
        "type": "zen:event-type:ticket.priority_changed",
        "subject": "zen:ticket:1",
        "time": "2026-11-23T09:16:45.789012000Z",
        "zendesk_event_version": "2022-11-06",
        "event": {"current": "URGENT", "previous": None},
    }
    assert event["detail"] == {
        "id": "1",
        "status": "NEW",
        "priority": "URGENT",
        "type": None,
        "subject": "Login",
        "description": "Niño",
        "tags": ["vip"],
        "actor_id": "9002",
        "assignee_id": "0",
        "brand_id": "1",
        "custom_status": "2",
        "external_id": None,
        "form_id": "3",
        "group_id": "",
        "is_public": True,
        "organization_id": None,
        "requester_id": requester,
        "submitter_id": requester,
        "via": {"channel": "web_form"},
        "created_at": "2026-11-23T09:15:45Z",
        "updated_at": "2026-11-23T09:16:45Z",
    }
    assert headers["x-zendesk-account-id"] == "123"
    assert headers["x-zendesk-webhook-id"] == webhook_id
    assert headers["x-zendesk-webhook-invocation-id"]
    assert headers["user-agent"] == "Zendesk Webhook"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-zendesk-webhook-signature-timestamp"] == "2026-11-23T09:16:45Z"
    secret = sandbox.secrets()["webhook_secrets"]
    assert headers["x-zendesk-webhook-signature"] == signed(secret, b"2026-11-23T09:16:45Z" + body)


@pytest.mark.parametrize(
    ("channel", "named"),
    [
        (Channel.EMAIL, "mail"),
        (Channel.WEB_FORM, "web_form"),
        (Channel.CHAT, "chat"),
        (Channel.WHATSAPP, "whatsapp"),
        (Channel.SOCIAL, "twitter"),
        (Channel.PHONE, "phone_call_inbound"),
        (Channel.VOICEMAIL, "voicemail"),
        (Channel.API, "web_service"),
        (Channel.OTHER, "any_channel"),
    ],
)
def test_channels_in_events(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, channel: Channel, named: str
) -> None:
    """Events name channels in a vocabulary of their own."""
    api.new_webhook(receiver.url, "created")
    sandbox.open_ticket(channel=channel, subject="Hello", text="Good morning")
    assert sandbox.wait_delivered(PATIENCE)
    assert [event["detail"]["via"]["channel"] for event in receiver.events] == [named]


def test_a_new_ticket_is_announced_with_its_comment(api: Api, sandbox: ZendeskSandbox, receiver: Receiver) -> None:
    """Opening a ticket gives one ``created`` and one ``comment_added``, by the requester."""
    api.new_webhook(receiver.url, *EVERYTHING)
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="Hello", text="Good morning", tags=["vip"])
    assert sandbox.wait_delivered(PATIENCE)
    requester = api.ticket(ticket_id)["requester_id"]
    assert receiver.types == ["created", "comment_added"]
    assert receiver.events[0]["event"] == {}
    assert {event["detail"]["actor_id"] for event in receiver.events} == {str(requester)}
    comment = receiver.events[1]["event"]["comment"]
    assert comment == {
        "id": str(api.comments(ticket_id)[0]["id"]),
        "body": "Good morning",
        "is_public": True,
        "author": {"id": str(requester), "is_staff": False, "name": "Customer 1"},
    }


def test_one_event_for_each_changed_property(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str
) -> None:
    """One update through the API gives an event for each property it changed, all by the token's user."""
    field_id = api.new_dropdown("Stage", "stage_1")
    api.new_webhook(receiver.url, *EVERYTHING)
    api.put(
        ticket_id,
        priority="high",
        status="hold",
        group_id=77,
        custom_fields=[{"id": field_id, "value": "stage_1"}],
        comment={"body": "note", "public": False},
    )
    assert sandbox.wait_delivered(PATIENCE)
    payloads = dict(zip(receiver.types, (event["event"] for event in receiver.events), strict=True))
    comment = payloads.pop("comment_added")["comment"]
    assert payloads == {
        "priority_changed": {"current": "HIGH", "previous": None},
        "status_changed": {"current": "HOLD", "previous": "NEW"},
        "group_assignment_changed": {"current": "77", "previous": "0"},
        "custom_field_changed": {
            "custom_field": {"id": str(field_id), "title": "Stage", "type": "tagger"},
            "current": {"value": "stage_1"},
            "previous": {"value": None},
        },
        "tags_changed": {"tags_added": ["stage_1"], "tags_removed": []},
    }
    assert (comment["is_public"], comment["author"]["id"], comment["author"]["is_staff"]) == (False, "9001", True)
    assert {event["detail"]["actor_id"] for event in receiver.events} == {"9001"}
    assert len({event["id"] for event in receiver.events}) == 6


def test_only_what_is_subscribed_is_sent(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """An active webhook gets its own types; an inactive one and one of triggers get nothing."""
    api.new_webhook(receiver.url, "status_changed")
    api.new_webhook(receiver.url, "priority_changed", status="inactive")
    api.new_webhook(receiver.url, subscriptions=["conditional_ticket_events"])
    sandbox.agent_changes(ticket_id, priority="high", status="pending")
    sandbox.agent_deletes(ticket_id)
    assert sandbox.wait_delivered(PATIENCE)
    assert receiver.types == ["status_changed"]


def test_an_update_without_effect_is_not_announced(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str
) -> None:
    """No change, no event: this is what lets two programs come to rest."""
    api.new_webhook(receiver.url, *EVERYTHING)
    api.put(ticket_id, tags=["vip"])
    assert sandbox.wait_delivered(PATIENCE)
    assert receiver.types == []


def test_a_deletion_is_announced(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """A deleted ticket gives one event with an empty payload."""
    api.new_webhook(receiver.url, *EVERYTHING)
    sandbox.agent_deletes(ticket_id)
    assert sandbox.wait_delivered(PATIENCE)
    assert [(kind, event["event"]) for kind, event in zip(receiver.types, receiver.events, strict=True)] == [
        ("soft_deleted", {})
    ]


@pytest.mark.parametrize(
    ("authentication", "header", "value"),
    [
        ({"type": "api_key", "data": {"name": "X-Sla-Key", "value": "k"}}, "x-sla-key", "k"),
        ({"type": "bearer_token", "data": {"token": "t"}}, "authorization", "Bearer t"),
        ({"type": "basic_auth", "data": {"username": "u", "password": "p"}}, "authorization", "Basic dTpw"),
    ],
)
def test_a_webhook_logs_in_at_its_receiver(
    api: Api,
    sandbox: ZendeskSandbox,
    receiver: Receiver,
    ticket_id: str,
    authentication: dict[str, Any],
    header: str,
    value: str,
) -> None:
    """The login that a webhook was made with goes along with each delivery."""
    api.new_webhook(f"{receiver.url}?a=1", "priority_changed", authentication=authentication)
    sandbox.agent_changes(ticket_id, priority="low")
    assert sandbox.wait_delivered(PATIENCE)
    assert receiver.received[0][0][header] == value


def test_an_events_time_is_an_instant(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """The time of an event has nine digits of a second and is the clock's present."""
    api.new_webhook(receiver.url, "priority_changed")
    sandbox.agent_changes(ticket_id, priority="low")
    assert sandbox.wait_delivered(PATIENCE)
    stamp = receiver.events[0]["time"]
    assert len(stamp.partition(".")[2]) == len("789012345Z")
    assert datetime.fromisoformat(stamp) == datetime.fromisoformat("2026-11-23T09:15:45.789012+00:00")
