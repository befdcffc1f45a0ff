"""Users over REST: lists, search, and what client libraries ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api

STAFF = [9001, 9002]


def ids(users: list[dict[str, Any]]) -> list[int]:
    return [user["id"] for user in users]


def test_everybody_is_listed(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """In both forms of pages; each user names the address of its resource."""
    requester = api.ticket(ticket_id)["requester_id"]
    assert ids(api.get("/api/v2/users")["users"]) == [*STAFF, requester]
    assert ids(api.get("/api/v2/users", page_size="2")["users"]) == STAFF
    assert api.get("/api/v2/users")["users"][0]["url"] == f"{sandbox.base_url}/api/v2/users/9001.json"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("alex", [9002]),
        ("EXAMPLE.COM", STAFF),
        ("email:alex@example.com", [9002]),
        ("email:alex", []),
        ("nobody", []),
    ],
)
def test_search(api: Api, query: str, found: list[int]) -> None:
    """By a part of the name or the address, or by the whole address."""
    response = api.call("GET", "/api/v2/users/search", query={"query": query})
    assert ids(response.json()["users"]) == found


def test_tickets_of_a_requester(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Theirs and no other's."""
    requester = api.ticket(ticket_id)["requester_id"]
    found = api.get(f"/api/v2/users/{requester}/tickets/requested")["tickets"]
    assert [str(ticket["id"]) for ticket in found] == [ticket_id]
    assert api.get("/api/v2/users/9002/tickets/requested")["tickets"] == []


def test_a_user_is_made_once(api: Api) -> None:
    """Known by the address: a second one is refused, or renames the first, as was asked."""
    ana = {"user": {"name": "Ana", "email": "ana@example.com"}}
    made = api.call("POST", "/api/v2/users", ana)
    assert (made.status, made.json()["user"]["role"]) == (201, "end-user")
    assert api.call("POST", "/api/v2/users", ana).status == 422
    renamed = api.call("POST", "/api/v2/users/create_or_update", {"user": {**ana["user"], "name": "Ana B"}})
    assert (renamed.status, renamed.json()["user"]["name"]) == (200, "Ana B")
    assert renamed.json()["user"]["id"] == made.json()["user"]["id"]
    assert api.call("POST", "/api/v2/users/create_or_update", {"user": {"name": "X"}}).status == 422


def test_the_export_of_users_withholds_the_last_minute(
    api: Api, sandbox: ZendeskSandbox, manual_clock: ManualClock
) -> None:
    """By the instant of their last change, which a new tag is; from a cursor it goes on."""
    start = str(int((manual_clock() - timedelta(hours=1)).timestamp()))
    path = "/api/v2/incremental/users/cursor"
    page = api.call("GET", path, query={"start_time": start}).json()
    assert (page["users"], page["end_of_stream"]) == ([], True)
    manual_clock.advance(timedelta(minutes=2))
    page = api.call("GET", path, query={"start_time": start}).json()
    assert ids(page["users"]) == STAFF
    sandbox.change_user(9002, tags=frozenset({"vip"}))
    manual_clock.advance(timedelta(minutes=2))
    later = api.call("GET", path, query={"cursor": page["after_cursor"]}).json()
    assert [(user["id"], user["tags"]) for user in later["users"]] == [(9002, ["vip"])]
