"""Reading over REST: shapes, pages and refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Request
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api


def test_a_ticket_of_a_customer(api: Api, sandbox: ZendeskSandbox) -> None:
    """REST shows integers for ids, lower-case words and instants cut to seconds."""
    ticket_id = sandbox.open_ticket(
        channel=Channel.EMAIL, subject="Invoice", text="It is wrong.", recipient="help@example.com", tags=["VIP", "b"]
    )
    ticket = api.ticket(ticket_id)
    expected = {
        "id": 1,
        "subject": "Invoice",
        "description": "It is wrong.",
        "status": "new",
        "priority": None,
        "tags": ["b", "vip"],
        "recipient": "help@example.com",
        "created_at": "2026-11-23T09:15:45Z",
        "updated_at": "2026-11-23T09:15:45Z",
        "is_public": True,
        "assignee_id": None,
    }
    assert {key: ticket[key] for key in expected} == expected
    assert ticket["via"]["channel"] == "email"
    assert ticket["submitter_id"] == ticket["requester_id"]
    assert ticket["fields"] == ticket["custom_fields"]
    assert api.get(f"/api/v2/users/{ticket['requester_id']}")["user"]["role"] == "end-user"


@pytest.mark.parametrize(
    ("channel", "via", "rel", "comment_type"),
    [
        (Channel.EMAIL, "email", None, "Comment"),
        (Channel.WEB_FORM, "web", None, "Comment"),
        (Channel.CHAT, "chat", None, "Comment"),
        (Channel.WHATSAPP, "whatsapp", None, "Comment"),
        (Channel.SOCIAL, "twitter", None, "Comment"),
        (Channel.PHONE, "voice", "inbound", "VoiceComment"),
        (Channel.VOICEMAIL, "voice", "voicemail", "VoiceComment"),
        (Channel.API, "api", None, "Comment"),
        (Channel.OTHER, "any_channel", None, "Comment"),
    ],
)
def test_channels(
    api: Api, sandbox: ZendeskSandbox, channel: Channel, via: str, rel: str | None, comment_type: str
) -> None:
    """Each neutral channel opens a ticket with Zendesk's own word for it; calls begin with a voice comment."""
    ticket_id = sandbox.open_ticket(channel=channel, subject="Hello", text="Good morning")
    shown = api.ticket(ticket_id)["via"]
    assert (shown["channel"], shown["source"]["rel"]) == (via, rel)
    assert [comment["type"] for comment in api.comments(ticket_id)] == [comment_type]


def test_every_path_may_end_in_json(api: Api, ticket_id: str) -> None:
    """The suffix changes nothing, not even the counted operation."""
    plain, suffixed = api.get("/api/v2/tickets/1"), api.get("/api/v2/tickets/1.json")
    assert plain == suffixed


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/api/v2/tickets/99", 404, "RecordNotFound"),
        ("PUT", "/api/v2/tickets/99", 404, "RecordNotFound"),
        ("GET", "/api/v2/tickets/99/comments", 404, "RecordNotFound"),
        ("GET", "/api/v2/users/99", 404, "RecordNotFound"),
        ("GET", "/api/v2/ticket_fields/99", 404, "RecordNotFound"),
        ("GET", "/api/v2/webhooks/99", 404, "RecordNotFound"),
        ("GET", "/api/v2/nothing", 404, "InvalidEndpoint"),
        ("PATCH", "/api/v2/tickets/1", 405, "MethodNotAllowed"),
    ],
)
def test_refusals_are_json(api: Api, method: str, path: str, status: int, error: str) -> None:
    """What is not there is 404 and what is not allowed is 405, in the vendor's words."""
    response = api.call(method, path)
    assert response.status == status
    assert response.json()["error"] == error


def test_a_deleted_ticket_is_not_found(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """A ticket that an agent deleted is 404."""
    sandbox.agent_deletes(ticket_id)
    response = api.call("GET", f"/api/v2/tickets/{ticket_id}")
    assert (response.status, response.json()) == (404, {"error": "RecordNotFound", "description": "Not found"})


def test_a_body_that_is_not_json(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Broken JSON is 400, and changes nothing."""
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    response = api.client.send(
        Request("PUT", f"/api/v2/tickets/{ticket_id}", "test", headers=headers, body=b'{"ticket":')
    )
    assert response.status == 400
    assert sandbox.view(ticket_id).writes == 0


def follow(api: Api, first: dict[str, Any], name: str) -> list[list[Any]]:
    """All pages of a list, from its first one on."""
    pages = [first[name]]
    page = first
    while page["meta"]["has_more"]:
        link = urlsplit(page["links"]["next"])
        page = api.call("GET", link.path, query={key: value[0] for key, value in parse_qs(link.query).items()}).json()
        pages.append(page[name])
    assert page["links"]["next"] is None
    return pages


def test_pages_of_comments(api: Api, sandbox: ZendeskSandbox, ticket_id: str, manual_clock: ManualClock) -> None:
    """Cursor pages hold everything once, the newest first if asked, with the authors beside."""
    for number in range(4):
        manual_clock.advance(timedelta(minutes=1))
        sandbox.agent_replies(ticket_id, f"reply {number}")
    query = {"page[size]": "2", "sort": "-created_at", "include": "users"}
    first = api.call("GET", f"/api/v2/tickets/{ticket_id}/comments.json", query=query).json()
    pages = follow(api, first, "comments")
    assert [[comment["plain_body"] for comment in page] for page in pages] == [
        ["reply 3", "reply 2"],
        ["reply 1", "reply 0"],
        ["It is wrong."],
    ]
    assert [user["id"] for user in first["users"]] == [9002]


def test_a_comment_between_two_pages_does_not_shift_them(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """A cursor points after a comment, not at a number: what is added at the front is not seen twice."""
    sandbox.agent_replies(ticket_id, "one")
    query = {"page[size]": "1", "sort": "-created_at"}
    first = api.call("GET", f"/api/v2/tickets/{ticket_id}/comments", query=query).json()
    sandbox.agent_replies(ticket_id, "two")
    assert [page[0]["plain_body"] for page in follow(api, first, "comments")] == ["one", "It is wrong."]


@pytest.mark.parametrize("size", ["0", "101", "many"])
def test_page_sizes(api: Api, ticket_id: str, size: str) -> None:
    """A page holds 1 to 100."""
    response = api.call("GET", f"/api/v2/tickets/{ticket_id}/audits", query={"page[size]": size})
    assert response.status == 400


def test_lists_without_pages(api: Api, ticket_id: str) -> None:
    """Without a page size a list has the older form, with a count."""
    shown = api.get("/api/v2/tickets")
    assert [ticket["id"] for ticket in shown["tickets"]] == [1]
    assert (shown["count"], shown["next_page"]) == (1, None)


def test_numbered_pages(api: Api, sandbox: ZendeskSandbox) -> None:
    """Each names the next and the one before, by addresses that can be called as they are; ten thousand items at most."""
    for _ in range(5):
        sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.")
    seen: list[list[int]] = []
    query: dict[str, str] = {"per_page": "2"}
    while query:
        shown = api.call("GET", "/api/v2/tickets.json", query=query).json()
        seen.append([ticket["id"] for ticket in shown["tickets"]])
        link = urlsplit(shown["next_page"] or "")
        assert not link.path or f"{link.scheme}://{link.netloc}{link.path}" == f"{sandbox.base_url}/api/v2/tickets.json"
        query = dict(parse_qsl(link.query))
    assert seen == [[1, 2], [3, 4], [5]]
    assert dict(parse_qsl(urlsplit(shown["previous_page"]).query)) == {"per_page": "2", "page": "2"}
    assert api.call("GET", "/api/v2/tickets", query={"page": "100"}).status == 200
    assert api.call("GET", "/api/v2/tickets", query={"page": "101"}).status == 400


def test_several_tickets_at_once(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Those that exist, up to a hundred."""
    other = sandbox.open_ticket(channel=Channel.EMAIL, subject="Order", text="Where is it?")
    found = api.call("GET", "/api/v2/tickets/show_many", query={"ids": f"{other},99,{ticket_id}"}).json()
    assert [str(ticket["id"]) for ticket in found["tickets"]] == [ticket_id, other]
    many = ",".join(str(number) for number in range(101))
    refused = api.call("GET", "/api/v2/tickets/show_many", query={"ids": many})
    assert (refused.status, refused.json()["error"]) == (400, "TooManyValues")


def test_a_ticket_can_be_deleted(api: Api, ticket_id: str) -> None:
    """204, and 404 from then on."""
    assert api.call("DELETE", f"/api/v2/tickets/{ticket_id}").status == 204
    assert api.call("GET", f"/api/v2/tickets/{ticket_id}").status == 404


def test_pages_of_audits(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """The history comes in pages, the oldest first unless asked otherwise."""
    sandbox.agent_changes(ticket_id, priority="low")
    sandbox.agent_changes(ticket_id, priority="high")
    path = f"/api/v2/tickets/{ticket_id}/audits"
    oldest = follow(api, api.call("GET", path, query={"page[size]": "2"}).json(), "audits")
    newest = follow(api, api.call("GET", path, query={"page[size]": "2", "sort": "-created_at"}).json(), "audits")
    assert [len(page) for page in oldest] == [2, 1]
    ids = [audit["id"] for page in oldest for audit in page]
    assert ids == sorted(ids)
    assert [audit["id"] for page in newest for audit in page] == ids[::-1]


def test_several_users_at_once(api: Api, ticket_id: str) -> None:
    """Those that exist are shown."""
    shown = api.call("GET", "/api/v2/users/show_many.json", query={"ids": "9001,9002,5"}).json()
    assert [user["id"] for user in shown["users"]] == [9001, 9002]
