"""The tags of a ticket as a resource of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api


@pytest.mark.parametrize(
    ("method", "tags", "status", "left"),
    [
        ("PUT", ["Late", "vip"], 200, ["late", "vip"]),
        ("PUT", "late again", 200, ["again", "late", "vip"]),
        ("POST", ["late"], 201, ["late"]),
        ("POST", [], 201, []),
        ("DELETE", ["vip", "late"], 200, []),
    ],
)
def test_put_adds_post_sets_and_delete_removes(
    api: Api, ticket_id: str, method: str, tags: object, status: int, left: list[str]
) -> None:
    """The answer and the ticket have the tags as they are then; it is one audit of the token's user."""
    path = f"/api/v2/tickets/{ticket_id}/tags"
    assert api.get(path) == {"tags": ["vip"]}
    response = api.call(method, path, {"tags": tags})
    assert (response.status, response.json()) == (status, {"tags": left})
    assert api.ticket(ticket_id)["tags"] == left
    assert [audit["author_id"] for audit in api.audits(ticket_id)][1:] == [9001]


def test_a_dropdown_follows(api: Api, ticket_id: str) -> None:
    """An option's tag fills its field, and taking it away empties it."""
    field_id = api.new_dropdown("State", "on_track", "late")
    path = f"/api/v2/tickets/{ticket_id}/tags"
    api.call("PUT", path, {"tags": ["late"]})
    assert {"id": field_id, "value": "late"} in api.ticket(ticket_id)["custom_fields"]
    api.call("DELETE", path, {"tags": ["late"]})
    assert {"id": field_id, "value": None} in api.ticket(ticket_id)["custom_fields"]


def test_tags_can_be_changed_safely(api: Api, ticket_id: str, manual_clock: ManualClock) -> None:
    """On the same terms as a ticket: the presence of ``safe_update`` counts, and an old stamp is a conflict."""
    stamp = api.ticket(ticket_id)["updated_at"]
    manual_clock.advance(timedelta(seconds=1))
    api.put(ticket_id, priority="high")
    guarded = {"tags": ["late"], "updated_stamp": stamp, "safe_update": "false"}
    assert api.call("PUT", f"/api/v2/tickets/{ticket_id}/tags", guarded).status == 409
    assert api.ticket(ticket_id)["tags"] == ["vip"]


def test_a_closed_ticket_keeps_its_tags(api: Api, ticket_id: str) -> None:
    """422, as for every update of it."""
    api.put(ticket_id, status="closed")
    assert api.call("POST", f"/api/v2/tickets/{ticket_id}/tags", {"tags": []}).status == 422
