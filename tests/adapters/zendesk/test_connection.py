"""A connection to an account, over a function that answers as Zendesk does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from oneclick_sla_plugin.domain.changes import Changes, Note
from oneclick_sla_plugin.domain.model import Field, Priority, Status, Written
from oneclick_sla_plugin.errors import (
    ConfigError,
    OneclickSlaError,
    PermanentPlatformError,
    TicketChanged,
    TicketGone,
    WebhookRejected,
)
from oneclick_sla_plugin.ports import Platform, Request, Response, Services
from oneclick_sla_zendesk.plugin import (
    FIELDS_ARE_FRESH_FOR,
    ZendeskConnection,
    ZendeskPlatform,
    register_platforms,
)
from oneclick_sla_zendesk.webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

TICKET = "/api/v2/tickets/42.json"
COMMENTS = "/api/v2/tickets/42/comments.json"
AUDITS = "/api/v2/tickets/42/audits.json"
MARKER = "MARKER-never-shown"


class Fake(Protocol):
    requests: list[Request]
    answers: dict[tuple[str, str], Response | Callable[[Request], Response]]

    def send(self, request: Request) -> Response: ...
    def sent(self, method: str, path: str = "") -> list[Any]: ...


class Clock(Protocol):
    def __call__(self) -> datetime: ...
    def advance(self, amount: timedelta) -> datetime: ...


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


def reads(zendesk: Fake) -> list[str]:
    return [request.path for request in zendesk.requests if request.path.startswith("/api/v2/tickets/")]


def test_the_platform_registers_itself() -> None:
    """The host hears of Zendesk through the hook, like of any other platform."""
    registered: list[Platform] = []
    register_platforms(registered.append)
    assert [platform.name for platform in registered] == ["zendesk"]


def test_connecting_touches_no_network(connection: ZendeskConnection, zendesk: Fake) -> None:
    """A configuration can be checked without Zendesk."""
    assert zendesk.requests == []
    assert (connection.retry_status, connection.closed_is_final) == (409, True)


def test_wrong_settings_are_told_before_anything_is_opened(settings: dict[str, Any], clock: Clock) -> None:
    """Nothing is connected with settings that cannot work."""

    def no_http(base_url: str) -> Any:
        raise AssertionError("opened")

    with pytest.raises(ConfigError, match="base_url"):
        ZendeskPlatform().connect("acme", {**settings, "base_url": "http://acme.test"}, Services(no_http, clock))


class TestReading:
    def test_a_ticket_costs_three_reads(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """Token, own user and fields are asked for once; from then on a ticket is three requests."""
        first = connection.read("42")
        assert reads(zendesk) == [TICKET, COMMENTS, AUDITS]
        before = len(zendesk.requests)
        assert connection.read("42") == first
        assert len(zendesk.requests) - before == 3
        assert len(first.messages) == 6

    def test_further_pages_are_read(
        self, connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any]
    ) -> None:
        """A thread of more than a hundred comments is read to its end, each page by the link of the one before."""
        comments = sample("comments.json")

        def page(request: Request) -> Response:
            number = int(dict(request.query).get("page[after]", "0"))
            link = f"https://acme.zendesk.com{COMMENTS}?page%5Bafter%5D={number + 1}&page%5Bsize%5D=100"
            body = {**comments, "comments": comments["comments"][2 * number : 2 * number + 2]}
            body |= {"meta": {"has_more": number < 2}, "links": {"next": link}}
            return answer(body)

        whole = connection.read("42")
        zendesk.answers["GET", COMMENTS] = page
        zendesk.requests.clear()
        assert connection.read("42") == whole
        assert [request.query for request in zendesk.requests if request.path == COMMENTS] == [
            (("page[size]", "100"), ("include", "users")),
            (("page[after]", "1"), ("page[size]", "100")),
            (("page[after]", "2"), ("page[size]", "100")),
        ]

    @pytest.mark.parametrize(
        "link",
        [
            f"https://evil.example{COMMENTS}?page=2",
            f"https://acme.zendesk.com.evil.example{COMMENTS}",
            f"https://acme.zendesk.com@evil.example{COMMENTS}",
            f"http://acme.zendesk.com{COMMENTS}",
            f"//evil.example{COMMENTS}",
        ],
    )
    def test_a_link_to_another_host_is_not_followed(
        self, connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any], link: str
    ) -> None:
        """Our token stays on our account's host."""
        body = {**sample("comments.json"), "meta": {"has_more": True}, "links": {"next": link}}
        zendesk.answers["GET", COMMENTS] = answer(body)
        with pytest.raises(PermanentPlatformError) as raised:
            connection.read("42")
        assert raised.value.reason == "foreign_link"
        assert reads(zendesk) == [TICKET, COMMENTS]

    def test_a_list_that_leads_back_to_itself_ends(
        self, connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any]
    ) -> None:
        """A link that was followed before is not followed again."""
        link = f"https://acme.zendesk.com{COMMENTS}?page%5Bafter%5D=x"
        body = {**sample("comments.json"), "meta": {"has_more": True}, "links": {"next": link}}
        zendesk.answers["GET", COMMENTS] = answer(body)
        with pytest.raises(PermanentPlatformError) as raised:
            connection.read("42")
        assert raised.value.reason == "endless_list"

    def test_a_page_without_the_link_it_promises_is_an_error(
        self, connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any]
    ) -> None:
        """Half a thread is never taken for the whole."""
        zendesk.answers["GET", COMMENTS] = answer({**sample("comments.json"), "meta": {"has_more": True}})
        with pytest.raises(PermanentPlatformError) as raised:
            connection.read("42")
        assert raised.value.reason == "unexpected_body"

    def test_a_missing_ticket_is_gone(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """A ticket that Zendesk does not find needs nothing any more."""
        zendesk.answers["GET", TICKET] = answer({"error": "RecordNotFound"}, 404)
        with pytest.raises(TicketGone):
            connection.read("42")

    def test_an_id_cannot_leave_its_place_in_the_path(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """An id from outside names a ticket and nothing else."""
        zendesk.answers["GET", "/api/v2/tickets/..%2Fusers%3Fa%3D1.json"] = answer({}, 404)
        with pytest.raises(TicketGone):
            connection.read("../users?a=1")

    def test_an_answer_of_another_shape_is_an_error_that_quotes_nothing(
        self, connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any]
    ) -> None:
        """What cannot be understood is reported without a word of it."""
        body = sample("ticket.json")
        body["ticket"].update(created_at=MARKER, subject=MARKER)
        zendesk.answers["GET", TICKET] = answer(body)
        with pytest.raises(PermanentPlatformError) as raised:
            connection.read("42")
        assert raised.value.reason == "unexpected_body"
        assert raised.value.__context__ is None
        assert MARKER not in repr(raised.value)


class TestWriting:
    CHANGES = Changes(priority=Priority.URGENT, notes=(Note("key", "Text."),))

    def test_one_put_with_the_stamp_that_was_read(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """Everything goes in one update, which Zendesk refuses if the ticket has moved since."""
        connection.write(connection.read("42"), self.CHANGES, Written(priority=Priority.URGENT))
        assert zendesk.sent("PUT") == [
            {
                "ticket": {
                    "priority": "urgent",
                    "comment": {"html_body": "Text.<br><br>[oneclick-sla: key]", "public": False},
                    "metadata": {"oneclick_sla": {"priority": "urgent", "tags": [], "fields": {}}},
                    "safe_update": True,
                    "updated_stamp": "2026-11-20T15:30:00Z",
                }
            }
        ]

    def test_a_reply_follows_in_an_update_of_its_own(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """A ticket takes one comment an update; the second one is guarded by the stamp of the first."""
        changes = Changes(notes=(Note("key", "Text."),), reply=Note("acknowledgement", "We have it."))
        connection.write(connection.read("42"), changes, Written())
        bodies = [body["ticket"] for body in zendesk.sent("PUT")]
        assert [(body["comment"]["public"], body["updated_stamp"]) for body in bodies] == [
            (False, "2026-11-20T15:30:00Z"),
            (True, "2026-11-20T16:00:00Z"),
        ]

    def test_a_conflict_means_read_again_and_sends_no_reply(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """Somebody was faster: nothing was written, and the customer is told nothing."""
        ticket = connection.read("42")
        zendesk.answers["PUT", TICKET] = answer({"error": "UpdateConflict"}, 409)
        with pytest.raises(TicketChanged):
            connection.write(ticket, Changes(priority=Priority.LOW, reply=Note("a", "We have it.")), Written())
        assert len(zendesk.sent("PUT")) == 1

    def test_a_closed_ticket_says_so(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """It was closed after it was read, and the reason tells it from other conflicts."""
        ticket = connection.read("42")
        details = {"status": [{"description": "Status: closed prevents ticket update"}]}
        zendesk.answers["PUT", TICKET] = answer({"error": "RecordInvalid", "details": details}, 422)
        with pytest.raises(TicketChanged) as raised:
            connection.write(ticket, self.CHANGES, Written())
        assert raised.value.reason == "closed"

    def test_missing_fields_are_told_once_and_cost_no_request(
        self, connection: ZendeskConnection, zendesk: Fake
    ) -> None:
        """An account without our fields works; the log says what it lacks, once, by name."""
        zendesk.answers["GET", "/api/v2/ticket_fields"] = answer({"ticket_fields": []})
        ticket = connection.read("42")
        changes = Changes(fields={Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z"})
        with capture_logs() as logs:
            connection.write(ticket, changes, Written())
            connection.write(ticket, changes, Written())
        assert logs == [
            {"event": "zendesk.field_missing", "log_level": "warning", "account": "acme", "fields": ["next_due_at"]}
        ]
        assert zendesk.sent("PUT") == []

    def test_dropped_keys_are_told_by_name_and_the_fields_looked_up_again(
        self, connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any]
    ) -> None:
        """Zendesk answers 200 and leaves a key out: that must not stay unseen."""
        warning = 'Removed restricted keys ["mood"] from parameters'
        zendesk.answers["PUT", TICKET] = answer(sample("put_answer.json"), headers={"x-zendesk-api-warn": warning})
        ticket = connection.read("42")
        with capture_logs() as logs:
            connection.write(ticket, self.CHANGES, Written())
        assert logs == [{"event": "zendesk.keys_dropped", "log_level": "warning", "account": "acme", "keys": ("mood",)}]
        connection.read("42")
        assert len(zendesk.sent("GET", "/api/v2/ticket_fields")) == 2

    @pytest.mark.parametrize(("pause", "lookups"), [(timedelta(seconds=-1), 1), (timedelta(0), 2)])
    def test_fields_are_looked_up_again_after_a_while(
        self, connection: ZendeskConnection, zendesk: Fake, clock: Clock, pause: timedelta, lookups: int
    ) -> None:
        """A field that an admin adds is used ten minutes later at the latest."""
        connection.read("42")
        clock.advance(FIELDS_ARE_FRESH_FOR + pause)
        connection.read("42")
        assert len(zendesk.sent("GET", "/api/v2/ticket_fields")) == lookups


class TestReceiving:
    def ring(self, connection: ZendeskConnection, clock: Clock, body: bytes) -> Any:
        timestamp = clock().isoformat()
        headers = {
            "content-type": "application/json",
            SIGNATURE_HEADER: sign("kept-by-the-admin", timestamp, body),
            TIMESTAMP_HEADER: timestamp,
        }
        return connection.receive(headers, body, clock())

    def test_our_own_changes_are_dropped_once_we_know_who_we_are(
        self, connection: ZendeskConnection, zendesk: Fake, clock: Clock, sample: Callable[[str], Any]
    ) -> None:
        """Receiving asks nobody; what the first read learnt is enough to end the loop with our own writes."""
        event = copy.deepcopy(sample("event_priority_changed.json"))
        event["detail"]["actor_id"] = "100"
        body = json.dumps(event).encode()
        assert self.ring(connection, clock, body).ticket_ids == ("42",)
        assert zendesk.requests == []
        connection.read("42")
        asked = len(zendesk.requests)
        assert self.ring(connection, clock, body).dropped == "own_change"
        assert len(zendesk.requests) == asked

    def test_a_request_that_is_not_signed_is_refused(self, connection: ZendeskConnection, clock: Clock) -> None:
        """The secret is set, the signature is missing: that is a refusal."""
        with pytest.raises(WebhookRejected) as refusal:
            connection.receive({"content-type": "application/json"}, b'{"ticket_id": 42}', clock())
        assert (refusal.value.status, refusal.value.reason) == (401, "unsigned")


SECRET_PLACES = {
    "client secret and token": ("POST", "/oauth/tokens"),
    "ticket": ("GET", TICKET),
    "comments": ("GET", COMMENTS),
    "audits": ("GET", AUDITS),
    "update": ("PUT", TICKET),
}


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 422, 429, 500])
@pytest.mark.parametrize("place", SECRET_PLACES.values(), ids=SECRET_PLACES)
@pytest.mark.parametrize("shape", ["json", "text"])
def test_no_secret_and_no_text_leaves_through_errors_or_logs(
    zendesk: Fake,
    settings: dict[str, Any],
    clock: Clock,
    place: tuple[str, str],
    status: int,
    shape: str,
) -> None:
    """Whatever answer carries the words of a customer or a secret, no error, its causes or a log line repeats them."""
    secret = SecretStr(MARKER)
    connection = ZendeskPlatform().connect(
        "acme",
        {**settings, "client_secret": secret, "webhook_secrets": [secret]},
        Services(lambda _base_url: zendesk, clock),
    )
    content = json.dumps({"error": MARKER, "description": MARKER, "details": {"status": [MARKER]}}).encode()
    headers = {"x-zendesk-api-warn": f"unknown {MARKER} value", "retry-after": MARKER}
    zendesk.answers[place] = Response(status, headers, content if shape == "json" else MARKER.encode())
    changes = Changes(priority=Priority.LOW, notes=(Note("key", MARKER),))
    with capture_logs() as logs, pytest.raises(OneclickSlaError) as raised:
        connection.write(connection.read("42"), changes, Written())
    seen = [repr(connection), repr(logs), repr(vars(connection)), repr(zendesk.requests)]
    error: BaseException | None = raised.value
    while error is not None:
        seen += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    assert not [text for text in seen if MARKER in text]


def test_a_ticket_keeps_its_texts_out_of_its_representation(connection: ZendeskConnection) -> None:
    """A ticket may end in a log by accident."""
    ticket = connection.read("42")
    assert ticket.status is Status.ON_HOLD
    assert "invoice" not in repr(ticket).lower()
