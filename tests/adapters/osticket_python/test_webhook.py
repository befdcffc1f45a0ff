"""Events of the plugin: who is believed, and which ticket they ring for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from oneclick_sla_osticket.signing import key_of
from oneclick_sla_osticket.webhook import SignatureRule, find_ticket, receive
from oneclick_sla_plugin.errors import WebhookRejected
from oneclick_sla_plugin.ports import Doorbell

Sample = Callable[[str], Any]


def rule(*secrets: str) -> SignatureRule:
    return SignatureRule(tuple(key_of(secret) for secret in secrets), timedelta(minutes=5))


def sent_at(recorded: Any) -> datetime:
    return datetime.fromtimestamp(int(recorded["headers"]["webhook-timestamp"]), UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("event_ticket_created", Doorbell(("4",), "ticket.created")),
        ("event_ticket_updated", Doorbell(("4",), "ticket.updated")),
        ("event_ticket_deleted", Doorbell(("3",), "ticket.deleted")),
        ("event_message_created", Doorbell(("4",), "message.created")),
        ("event_reply_created", Doorbell(("4",), "reply.created")),
        ("event_note_created", Doorbell(("4",), "note.created")),
        ("event_ping", Doorbell((), "ping", "ping")),
    ],
)
def test_a_recorded_event_is_believed_and_understood(
    sample: Sample, recorded_with: str, name: str, expected: Doorbell
) -> None:
    recorded = sample(name)
    assert receive(recorded["headers"], recorded["body"].encode(), sent_at(recorded), rule(recorded_with)) == expected


@pytest.mark.parametrize("late", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_an_old_or_future_event_is_refused(sample: Sample, recorded_with: str, late: timedelta) -> None:
    """A recorded request cannot be played again later."""
    recorded = sample("event_ping")
    with pytest.raises(WebhookRejected) as refused:
        receive(recorded["headers"], recorded["body"].encode(), sent_at(recorded) + late, rule(recorded_with))
    assert (refused.value.status, refused.value.reason) == (401, "stale")


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_signed_part_counts(sample: Sample, recorded_with: str, header: str) -> None:
    """A part that is changed breaks the signature, a part that is missing leaves none."""
    recorded = sample("event_ping")
    for value, reason in (("", "unsigned"), ("v1,AAAA", "signature")):
        headers = {**recorded["headers"], header: value}
        with pytest.raises(WebhookRejected) as refused:
            receive(headers, recorded["body"].encode(), sent_at(recorded), rule(recorded_with))
        assert (refused.value.status, refused.value.reason) == (401, reason)


def test_a_changed_body_and_another_type_of_it_are_refused(sample: Sample, recorded_with: str) -> None:
    recorded = sample("event_ticket_updated")
    body = recorded["body"].replace('"ticket_id":4', '"ticket_id":5').encode()
    headers = {**recorded["headers"], "content-type": "text/plain"}
    with pytest.raises(WebhookRejected, match="signature"):
        receive(recorded["headers"], body, sent_at(recorded), rule(recorded_with))
    with pytest.raises(WebhookRejected) as refused:
        receive(headers, recorded["body"].encode(), sent_at(recorded), rule(recorded_with))
    assert refused.value.status == 415


def test_both_secrets_are_believed_while_one_replaces_the_other(sample: Sample, recorded_with: str) -> None:
    """The new secret stands first, the old one still counts; and one good signature of two is enough."""
    recorded = sample("event_ping")
    newer = "whsec_" + "bmV3ZXIgc2VjcmV0IG9mIDI0IGJ5dGVzISEhISEhISEh"
    headers = {**recorded["headers"], "webhook-signature": "v1,bm9wZQ== " + recorded["headers"]["webhook-signature"]}
    bell = receive(headers, recorded["body"].encode(), sent_at(recorded), rule(newer, recorded_with))
    assert bell.event == "ping"


@pytest.mark.parametrize(
    ("body", "event", "dropped"),
    [
        (b"", "unknown", "unknown_event"),
        (b"[1]", "unknown", "unknown_event"),
        (b'{"type":"queue.created","data":{"ticket_id":1}}', "unknown", "unknown_event"),
        (b'{"type":"note.created","data":{}}', "note.created", "no_ticket"),
        (b'{"type":"note.created","data":{"ticket_id":"4; drop"}}', "note.created", "no_ticket"),
        (b'{"type":"note.created","data":{"ticket_id":true}}', "note.created", "no_ticket"),
    ],
)
def test_a_believed_body_without_a_ticket_is_dropped(body: bytes, event: str, dropped: str) -> None:
    assert find_ticket(body) == Doorbell((), event, dropped)
