"""Which requests are believed, and which ticket is found in them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from oneclick_sla_freshdesk import webhook
from oneclick_sla_plugin.errors import WebhookRejected
from oneclick_sla_plugin.ports import Doorbell

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECRETS = (SecretStr("the-new-one"), SecretStr("the-old-one"))
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def basic(user: str, password: str) -> Mapping[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-webhook-secret": "the-new-one"},
        {"x-webhook-secret": "the-old-one"},
        basic("freshdesk", "the-new-one"),
        basic("the-old-one", "X"),
        {"x-webhook-secret": "wrong", **basic("freshdesk", "the-new-one")},
    ],
    ids=["header", "header, old secret", "password", "box for an API key", "either place"],
)
def test_a_request_with_a_secret_is_believed(headers: Mapping[str, str]) -> None:
    assert webhook.receive(headers, b'{"ticket_id":"42"}', NOW, SECRETS).ticket_ids == ("42",)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "unsigned"),
        ({"x-webhook-secret": ""}, "unsigned"),
        ({"authorization": "Bearer the-new-one"}, "unsigned"),
        ({"authorization": "Basic not/base64!"}, "unsigned"),
        ({"authorization": "Basic ñ"}, "unsigned"),
        (basic("", ""), "unsigned"),
        ({"x-webhook-secret": "the-new-on"}, "secret"),
        ({"x-webhook-secret": "the-new-one the-old-one"}, "secret"),
        ({"x-webhook-secret": "ñ\udcff"}, "secret"),
        (basic("freshdesk", "the-new-one:the-old-one"), "secret"),
    ],
)
def test_any_other_is_refused(headers: Mapping[str, str], reason: str) -> None:
    with pytest.raises(WebhookRejected) as caught:
        webhook.receive(headers, b'{"ticket_id":"42"}', NOW, SECRETS if reason == "unsigned" else SECRETS[:1])
    assert (caught.value.status, caught.value.reason) == (401, reason)


def test_without_a_configured_secret_nothing_is_believed() -> None:
    with pytest.raises(WebhookRejected):
        webhook.receive({"x-webhook-secret": "any"}, b"{}", NOW, ())


@pytest.mark.parametrize(
    ("media_type", "body", "ticket_id", "event"),
    [
        (JSON, b'{"ticket_id":"42","triggered_event":"{ticket_action:created}"}', "42", "ticket_action"),
        (JSON, b'{"ticket_id":42,"triggered_event":"{status:{from:2,to:6}}"}', "42", "status"),
        (
            JSON,
            b'{"freshdesk_webhook":{"ticket_id":"42","triggered_event":"{priority:{from:1,to:4}}"}}',
            "42",
            "priority",
        ),
        (JSON, b'{"freshdesk_webhook":{"ticket_url":"http://a.freshdesk.com/helpdesk/tickets/42"}}', "42", "unknown"),
        (JSON, b'{"ticket":{"id":42}}', "42", "unknown"),
        (JSON, b'{"id":" #42 "}', "42", "unknown"),
        (
            JSON,
            b'{"ticket_id":"42","subject":"a "quoted" one","triggered_event":"{note_type:public}"}',
            "42",
            "note_type",
        ),
        (JSON, b'{"text":"two\nlines","ticket_url":"http://a.freshdesk.com/a/tickets/42"}', "42", "unknown"),
        (FORM, b"ticket_id=42&triggered_event=%7Breply_sent%3Asent%7D", "42", "reply_sent"),
        (FORM, b"freshdesk_webhook%5Bticket_id%5D=42&freshdesk_webhook%5Bticket_subject%5D=%22", "42", "unknown"),
        ("text/plain", b"freshdesk_webhook%5Bticket_id%5D=42", "42", "unknown"),
        ("application/xml", b"<freshdesk_webhook><ticket_id>42</ticket_id></freshdesk_webhook>", "42", "unknown"),
        ("", b'{"ticket_id":"42","triggered_event":"{made_up:1}"}', "42", "unknown"),
        (JSON, b'{"ticket_id":"","triggered_event":"{ticket_action:created}"}', None, "ticket_action"),
        (JSON, b'{"ticket_id":"../7"}', None, "unknown"),
        (JSON, b'{"ticket_id":true}', None, "unknown"),
        (JSON, b"[]", None, "unknown"),
        (JSON, b"", None, "unknown"),
        (JSON, b"[" * 100_000, None, "unknown"),
    ],
)
def test_the_ticket_is_found_in_whatever_is_sent(
    media_type: str, body: bytes, ticket_id: str | None, event: str
) -> None:
    """Simple and advanced layouts, three encodings, broken JSON; the event is a hint of a known word or ``unknown``."""
    headers = {"content-type": media_type, "x-webhook-secret": "the-new-one"}
    expected = Doorbell((ticket_id,), event) if ticket_id else Doorbell((), event, "no_ticket")
    assert webhook.receive(headers, body, NOW, SECRETS) == expected


@given(body=st.binary(max_size=300), media_type=st.sampled_from([JSON, FORM, "application/xml", ""]))
def test_a_believed_body_never_fails(body: bytes, media_type: str) -> None:
    """No retry heals what cannot be read: it is answered and dropped."""
    bell = webhook.find_ticket(media_type, body)
    assert bool(bell.ticket_ids) != bool(bell.dropped)
