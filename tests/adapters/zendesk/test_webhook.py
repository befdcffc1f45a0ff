"""Which webhooks are believed, and which ticket they are about."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from oneclick_sla_plugin.errors import WebhookRejected
from oneclick_sla_plugin.ports import Doorbell
from oneclick_sla_zendesk.webhook import (
    PUBLIC_TEST_SECRET,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    SignatureRule,
    find_ticket,
    receive,
    sign,
    verify,
)

TOLERANCE = timedelta(minutes=15)
SECRET = "current-secret"
SIGNED_AT = "2026-11-22T10:00:00Z"
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
RULE = SignatureRule((SecretStr(SECRET),), TOLERANCE)
BODY = b'{"ticket_id": "42"}'
DOCUMENTED_SECRET = "HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA="


def signed(body: bytes = BODY, *, secret: str = SECRET, at: str = SIGNED_AT) -> dict[str, str]:
    return {
        "content-type": "application/json; charset=utf-8",
        SIGNATURE_HEADER: sign(secret, at, body),
        TIMESTAMP_HEADER: at,
    }


def reason_of_refusal(headers: dict[str, str], body: bytes = BODY, rule: SignatureRule = RULE) -> tuple[int, str]:
    with pytest.raises(WebhookRejected) as refusal:
        receive(headers, body, NOW, rule, None)
    return refusal.value.status, refusal.value.reason


VECTORS = {
    "empty body": (
        PUBLIC_TEST_SECRET,
        "2026-11-22T00:00:00Z",
        b"",
        "zlbMyZz2TZm8X+9waVt3sb2qCATxhHp4goPb+YdJXms=",
    ),
    "body beyond ASCII": (
        PUBLIC_TEST_SECRET,
        "2026-11-22T10:00:00Z",
        '{"ticket_id":"5158","note":"café"}\n'.encode(),
        "BJcci2Kpuew+DZRy2zPJpyuIzII8U1ThEYV6cAGbCpQ=",
    ),
    "Zendesk's own example": (
        DOCUMENTED_SECRET,
        "2021-07-25T10:00:00Z",
        b'{"say": "hello"}',
        "Rry/4TtIdFyawtXXp8QdI6tlAUUQ/5kL1OTp5qo/ZIk=",
    ),
}


@pytest.mark.parametrize(("secret", "timestamp", "body", "signature"), VECTORS.values(), ids=VECTORS)
def test_known_signatures_verify(secret: str, timestamp: str, body: bytes, signature: str) -> None:
    """Timestamp and raw body, keyed by the secret's text, give the signatures that Zendesk gives."""
    rule = SignatureRule((SecretStr(secret),), TOLERANCE, allow_test_secret=True)
    headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: timestamp}
    verify(headers, body, datetime.fromisoformat(timestamp), rule)


def test_a_signature_over_body_and_then_timestamp_fails() -> None:
    """Zendesk's manual once printed this one, computed the wrong way round."""
    headers = {
        SIGNATURE_HEADER: "tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw=",
        TIMESTAMP_HEADER: "2021-07-25T10:00:00Z",
    }
    rule = SignatureRule((SecretStr(DOCUMENTED_SECRET),), TOLERANCE)
    with pytest.raises(WebhookRejected, match="signature"):
        verify(headers, b'{"say": "hello"}', datetime(2021, 7, 25, 10, tzinfo=UTC), rule)


@pytest.mark.parametrize("secret", ["old-secret", "new-secret"])
def test_either_of_two_secrets_is_believed(secret: str) -> None:
    """While a secret is changed, requests signed with the old and with the new one are taken."""
    rule = SignatureRule((SecretStr("old-secret"), SecretStr("new-secret")), TOLERANCE)
    assert receive(signed(secret=secret), BODY, NOW, rule, None) == Doorbell(("42",), "trigger")


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        pytest.param({SIGNATURE_HEADER: ""}, (401, "unsigned"), id="no signature"),
        pytest.param({TIMESTAMP_HEADER: ""}, (401, "unsigned"), id="no timestamp"),
        pytest.param({SIGNATURE_HEADER: "AAAA"}, (401, "signature"), id="another signature"),
        pytest.param({SIGNATURE_HEADER: "ñ\udc80"}, (401, "signature"), id="a signature of odd characters"),
        pytest.param({TIMESTAMP_HEADER: "2026-11-22T10:00:01Z"}, (401, "signature"), id="another timestamp"),
        pytest.param({"content-type": "text/plain"}, (415, "media_type"), id="another media type"),
        pytest.param({"content-type": ""}, (415, "media_type"), id="no media type"),
    ],
)
def test_a_request_that_cannot_be_believed_is_refused(headers: dict[str, str], refusal: tuple[int, str]) -> None:
    """A header that is missing or wrong is a refusal, with the status and a word for it."""
    assert reason_of_refusal({**signed(), **headers}) == refusal


def test_without_a_secret_nothing_is_believed() -> None:
    """An account that is not set up yet takes no webhook, not even one signed with an empty key."""
    assert reason_of_refusal(signed(secret=""), rule=SignatureRule((), TOLERANCE)) == (401, "signature")


@given(position=st.integers(0, len(BODY) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_breaks_the_signature(position: int, byte: int) -> None:
    """The signature holds for exactly the bytes that were signed."""
    changed = BODY[:position] + bytes([byte]) + BODY[position + 1 :]
    if changed == BODY:
        verify(signed(), changed, NOW, RULE)
    else:
        assert reason_of_refusal(signed(), changed) == (401, "signature")


@pytest.mark.parametrize("direction", [1, -1], ids=["late", "early"])
def test_the_tolerance_holds_both_ways(direction: int) -> None:
    """A request is believed up to the tolerance after and before its timestamp, and no further."""
    verify(signed(), BODY, NOW + direction * TOLERANCE, RULE)
    with pytest.raises(WebhookRejected, match="stale"):
        verify(signed(), BODY, NOW + direction * (TOLERANCE + timedelta(seconds=1)), RULE)


@pytest.mark.parametrize("at", ["yesterday", "2026-11-22T10:00:00"])
def test_a_signed_timestamp_that_is_no_instant_is_stale(at: str) -> None:
    """A timestamp that cannot be placed in time does not show that the request is recent."""
    assert reason_of_refusal(signed(at=at)) == (401, "stale")


@pytest.mark.parametrize("configured", [(), (SecretStr(PUBLIC_TEST_SECRET),)], ids=["unknown", "configured"])
def test_the_public_test_secret_is_refused_unless_allowed(configured: tuple[SecretStr, ...]) -> None:
    """Everybody knows that secret: writing it into the settings is not enough, the flag is needed."""
    headers = signed(secret=PUBLIC_TEST_SECRET)
    assert reason_of_refusal(headers, rule=SignatureRule(configured, TOLERANCE)) == (401, "test_secret")
    allowed = SignatureRule(configured, TOLERANCE, allow_test_secret=True)
    assert receive(headers, BODY, NOW, allowed, None).ticket_ids == ("42",)


def bent(sample: Callable[[str], Any], **changes: object) -> bytes:
    """The sample event with other values; ``detail`` is merged."""
    envelope = sample("event_priority_changed.json")
    detail = changes.pop("detail", {})
    envelope.update(changes)
    envelope["detail"] = {**envelope["detail"], **detail} if isinstance(detail, dict) else detail
    return (json.dumps(envelope, indent=2) + "\n").encode()


@pytest.mark.parametrize(
    ("changes", "doorbell"),
    [
        pytest.param({}, Doorbell(("42",), "ticket.priority_changed"), id="as documented"),
        pytest.param({"detail": {"id": "43"}}, Doorbell(("43",), "ticket.priority_changed"), id="detail decides"),
        *(
            pytest.param(
                {"detail": {"id": missing}}, Doorbell(("42",), "ticket.priority_changed"), id=f"id {missing!r}"
            )
            for missing in (None, "", "0", "x", True)
        ),
        pytest.param({"detail": None}, Doorbell(("42",), "ticket.priority_changed"), id="no detail"),
        pytest.param(
            {"detail": {"id": "0"}, "subject": "zen:user:42"},
            Doorbell((), "ticket.priority_changed", "no_ticket"),
            id="no ticket anywhere",
        ),
        pytest.param(
            {"detail": {"actor_id": "100"}}, Doorbell((), "ticket.priority_changed", "own_change"), id="our own change"
        ),
        pytest.param(
            {"type": "zen:event-type:ticket.updated"}, Doorbell((), "unknown", "unknown_event"), id="invented"
        ),
        pytest.param({"type": "zen:event-type:user.created"}, Doorbell((), "unknown", "unknown_event"), id="of a user"),
        pytest.param({"type": "zen:event-type:ticket.merged"}, Doorbell(("42",), "ticket.merged"), id="merged"),
    ],
)
def test_an_event_names_its_ticket(
    sample: Callable[[str], Any], changes: dict[str, object], doorbell: Doorbell
) -> None:
    """The id of ``detail`` decides, then the subject; own and unknown events are dropped with a word for it."""
    assert find_ticket(bent(sample, **changes), own_id="100") == doorbell


def test_before_we_know_who_we_are_no_event_is_dropped_as_our_own(sample: Callable[[str], Any]) -> None:
    """An actor is compared with a known id only."""
    assert find_ticket(bent(sample, detail={"actor_id": None}), own_id=None).ticket_ids == ("42",)


@pytest.mark.parametrize(
    ("body", "doorbell"),
    [
        (b'{"v":1,"kind":"ticket_created","ticket_id":"42","account":"acme"}', Doorbell(("42",), "trigger")),
        (b'{"ticket_id": 42}', Doorbell(("42",), "trigger")),
        (b'{"ticket_id": "42", "title": "he said "no""}', Doorbell(("42",), "trigger")),
        (b'{"assignee": , "ticket_id" : 42}', Doorbell(("42",), "trigger")),
        (b'{"ticket_id": "\xff42', Doorbell((), "trigger", "no_ticket")),
        (b'{"assignee": , "ticket_id": 9223372036854775807}', Doorbell(("9223372036854775807",), "trigger")),
        (b'{"assignee": , "ticket_id": ' + b"9" * 20 + b"}", Doorbell((), "trigger", "no_ticket")),
        (b'{"ticket_id": ' + b"9" * 20 + b"}", Doorbell((), "trigger", "no_ticket")),
        (b'{"ticket_id": ' + b"9" * 5000 + b"}", Doorbell((), "trigger", "no_ticket")),
        (b'{"ticket_id": ""}', Doorbell((), "trigger", "no_ticket")),
        (b'{"ticket_id": "0"}', Doorbell((), "trigger", "no_ticket")),
        (b'{"ticket_id": true}', Doorbell((), "trigger", "no_ticket")),
        (b'{"ticket_id": "../1"}', Doorbell((), "trigger", "no_ticket")),
        (b"{}", Doorbell((), "trigger", "no_ticket")),
        (b"[42]", Doorbell((), "unknown", "no_ticket")),
        (b"", Doorbell((), "trigger", "no_ticket")),
        (b"[" * 100_000, Doorbell((), "trigger", "no_ticket")),
    ],
)
def test_a_trigger_body_names_its_ticket_even_when_its_json_is_broken(body: bytes, doorbell: Doorbell) -> None:
    """Only the id is taken from an admin's template, by pattern when a placeholder broke the JSON."""
    assert find_ticket(body, own_id=None) == doorbell


@given(
    st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_body_makes_the_parser_fail(body: bytes) -> None:
    """Whatever a believed sender sends is a ticket or a reason."""
    doorbell = find_ticket(body, own_id="100")
    assert bool(doorbell.ticket_ids) != bool(doorbell.dropped)


@pytest.mark.parametrize(
    "at", ["2026-11-22T10:00:00.789012345Z", "2026-11-22T10:00:00+00:00", "2026-11-22T11:00:00+01:00"]
)
def test_a_timestamp_may_be_written_in_every_way_of_rfc_3339(at: str) -> None:
    """Nine digits of a second, an offset: the text is signed as it stands, and read as an instant."""
    assert receive(signed(at=at), BODY, NOW, RULE, None).ticket_ids == ("42",)


def test_the_id_headers_are_not_believed() -> None:
    """They are not signed: whatever they name, the body decides."""
    headers = {**signed(), "x-zendesk-account-id": "666", "x-zendesk-webhook-id": "x"}
    assert receive(headers, BODY, NOW, RULE, None) == Doorbell(("42",), "trigger")


def test_a_body_that_was_written_anew_is_not_believed(sample: Callable[[str], Any]) -> None:
    """Zendesk sends JSON in lines with a newline at its end; the same JSON in other bytes is another body."""
    pretty = bent(sample)
    assert receive(signed(pretty), pretty, NOW, RULE, None).ticket_ids == ("42",)
    compact = json.dumps(json.loads(pretty)).encode()
    assert reason_of_refusal(signed(pretty), compact) == (401, "signature")


@pytest.mark.parametrize("status", ["OPEN", "DELETED", "ARCHIVED", "SCRUBBED", "NOT_KNOWN_YET"])
def test_the_words_of_an_event_do_not_matter(sample: Callable[[str], Any], status: str) -> None:
    """Only the id is used: what the ticket looks like is asked of the API."""
    assert find_ticket(bent(sample, detail={"status": status, "group_id": "0"}), own_id="100").ticket_ids == ("42",)


def test_an_answer_of_test_webhook_names_no_ticket_and_is_dropped() -> None:
    """It is believed and answered like any other, and nothing is looked at."""
    assert find_ticket(b'{"type": "zen:event-type:test", "detail": {}}', own_id=None).dropped == "unknown_event"
