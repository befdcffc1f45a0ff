"""Lists of tickets, and the search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Response
from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api


@pytest.fixture
def three(sandbox: FreshdeskSandbox, manual_clock: ManualClock) -> list[str]:
    """Tickets 1, 2 and 3, a minute between them; then the first one is changed."""
    ids = []
    for number in range(3):
        ids.append(sandbox.open_ticket(channel=Channel.EMAIL, subject=f"Ticket {number}", text="Hello"))
        manual_clock.advance(timedelta(minutes=1))
    sandbox.agent_changes(ids[0], priority="High")
    return ids


def ids_of(response: Response) -> list[int]:
    assert response.status == 200, response.body
    return [ticket["id"] for ticket in response.json()]


def test_a_list_leaves_the_texts_out(api: Api, three: list[str]) -> None:
    """The newest first; a description, the statistics and the requester only when included."""
    tickets = api.get("/tickets")
    assert [ticket["id"] for ticket in tickets] == [3, 2, 1]
    assert {"description", "description_text", "stats", "requester"}.isdisjoint(tickets[0])
    included = api.get("/tickets", include="description,stats,requester")[0]
    assert {"description", "description_text", "stats", "requester"} <= included.keys()
    assert api.fetch("/tickets", include="conversations").status == 400


def test_what_changed_since(api: Api, three: list[str]) -> None:
    """``updated_since`` counts the instant itself; by order of change the oldest first, as a poll wants them."""
    poll = {"order_by": "updated_at", "order_type": "asc", "per_page": "100"}
    assert ids_of(api.fetch("/tickets", updated_since="2026-11-23T09:16:45Z", **poll)) == [2, 3, 1]
    assert ids_of(api.fetch("/tickets", updated_since="2026-11-23T09:18:45Z", **poll)) == [1]
    assert ids_of(api.fetch("/tickets", updated_since="2026-11-23T09:18:46Z", **poll)) == []


def test_pages_are_linked(api: Api, sandbox: FreshdeskSandbox, three: list[str]) -> None:
    """The next page has the same query; the last page has no link."""
    query = {"updated_since": "2026-01-01T00:00:00Z", "order_by": "created_at", "order_type": "asc", "per_page": "2"}
    first = api.fetch("/tickets", **query)
    assert ids_of(first) == [1, 2]
    address = first.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
    assert address.startswith(f"{sandbox.base_url}/api/v2/tickets?updated_since=2026-01-01T00%3A00%3A00Z&")
    assert "page=2&" in f"{address}&"
    last = api.fetch("/tickets", **query, page="2")
    assert ids_of(last) == [3]
    assert "link" not in last.headers


def test_thirty_days_without_since(api: Api, ticket_id: str, manual_clock: ManualClock) -> None:
    """Older tickets are only found when ``updated_since`` reaches back to them."""
    manual_clock.advance(timedelta(days=31))
    assert api.get("/tickets") == []
    assert len(api.get("/tickets", updated_since="2026-11-01T00:00:00Z")) == 1


def test_trash_and_spam_have_lists_of_their_own(api: Api, sandbox: FreshdeskSandbox, three: list[str]) -> None:
    """The plain list has neither."""
    sandbox.agent_deletes(three[0])
    sandbox.agent_deletes(three[1], spam=True)
    assert ids_of(api.fetch("/tickets")) == [3]
    assert ids_of(api.fetch("/tickets", filter="deleted")) == [1]
    assert ids_of(api.fetch("/tickets", filter="spam")) == [2]


def test_other_filters(api: Api, sandbox: FreshdeskSandbox, three: list[str]) -> None:
    """Open tickets of the key's agent and of nobody; tickets of one requester."""
    sandbox.agent_changes(three[1], status="Pending")
    sandbox.agent_changes(three[2], responder_id=9002)
    assert ids_of(api.fetch("/tickets", filter="new_and_my_open")) == [1]
    requester = str(api.ticket(three[1])["requester_id"])
    assert ids_of(api.fetch("/tickets", requester_id=requester)) == [2]


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({"page": "301"}, "page", "invalid_value"),
        ({"page": "0"}, "page", "invalid_value"),
        ({"per_page": "101"}, "per_page", "invalid_value"),
        ({"order_by": "priority"}, "order_by", "invalid_value"),
        ({"order_type": "up"}, "order_type", "invalid_value"),
        ({"updated_since": "yesterday"}, "updated_since", "invalid_date"),
        ({"filter": "nonsense"}, "filter", "invalid_value"),
        ({"nonsense": "1"}, "nonsense", "invalid_field"),
    ],
)
def test_queries_that_are_refused(
    api: Api, problems: Callable[[Response], dict[str, str]], query: dict[str, str], field: str, code: str
) -> None:
    """400 names the parameter."""
    refused = api.fetch("/tickets", **query)
    assert (refused.status, problems(refused)) == (400, {field: code})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("priority:3", [1]),
        ("priority:3 OR priority:1", [3, 2, 1]),
        ("priority:1 AND status:3", [2]),
        ("(priority:3 OR status:3) AND status:2", [1]),
        ("tag:'VIP'", [2]),
        ("type:'Complaint'", [2]),
        ("agent_id:null", [3, 2, 1]),
        ("created_at:'2026-11-23'", [3, 2, 1]),
        ("created_at:>'2026-11-24'", []),
        ("updated_at:<'2026-11-23'", [3, 2, 1]),
        ("cf_stage_297457:'Acknowledged'", [2]),
    ],
)
def test_searches(api: Api, three: list[str], query: str, found: list[int]) -> None:
    """Terms by whole days and exact values, joined by AND and OR, the newest ticket first."""
    stage = api.new_field("custom_text", "Stage")
    changed = api.put(three[1], status=3, tags=["vip"], type="Complaint", custom_fields={stage: "Acknowledged"})
    assert changed.status == 200
    answer = api.get("/search/tickets", query=f'"{query}"')
    assert [ticket["id"] for ticket in answer["results"]] == found
    assert answer["total"] == len(found)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("priority:3", id="no quotes"),
        pytest.param('"nonsense:3"', id="unknown field"),
        pytest.param('"priority:3 status:2"', id="not joined"),
        pytest.param('"(priority:3"', id="parenthesis"),
        pytest.param("\"created_at:>'today'\"", id="no date"),
        pytest.param(f'"{"priority:3 OR " * 40}priority:3"', id="too long"),
    ],
)
def test_searches_that_are_refused(api: Api, query: str) -> None:
    """400 for a query that cannot be read."""
    assert api.fetch("/search/tickets", query=query).status == 400


def test_pages_of_a_search(api: Api, sandbox: FreshdeskSandbox) -> None:
    """Thirty a page, ten pages at most; the total counts all."""
    for number in range(31):
        sandbox.open_ticket(channel=Channel.EMAIL, subject=f"Ticket {number}", text="Hello")
    second = api.get("/search/tickets", query='"status:2"', page="2")
    assert (second["total"], [ticket["id"] for ticket in second["results"]]) == (31, [1])
    assert api.fetch("/search/tickets", query='"status:2"', page="11").status == 400
    assert api.fetch("/search/tickets", query='"status:2"', per_page="100").status == 400


def test_a_search_may_have_the_old_shape(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Some accounts answer with the names of the API's first version."""
    sandbox.behaviour.legacy_search = True
    [ticket] = api.get("/search/tickets", query='"status:2"')["results"]
    assert {"frDueBy", "isescalated", "ticket_type", "custom_field", "cc_email"} <= ticket.keys()
    assert {"fr_due_by", "is_escalated", "type", "custom_fields", "cc_emails"}.isdisjoint(ticket)
    assert ticket["cc_email"] == {"cc_emails": [], "fwd_emails": [], "reply_cc": []}


def test_the_index_lags(api: Api, sandbox: FreshdeskSandbox, ticket_id: str, manual_clock: ManualClock) -> None:
    """What changed just now is not found yet."""
    sandbox.behaviour.index_lag = timedelta(minutes=5)
    assert api.get("/search/tickets", query='"status:2"')["total"] == 0
    manual_clock.advance(timedelta(minutes=5))
    assert api.get("/search/tickets", query='"status:2"')["total"] == 1
