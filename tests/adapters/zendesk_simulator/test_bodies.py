"""Bodies that no client should send: refused, and nothing of them stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api

CONDITIONS = {"all": [{"field": "status", "operator": "is", "value": "open"}]}


@pytest.mark.parametrize(
    ("kind", "given", "status"),
    [
        ("ticket", {"comment": "text"}, 400),
        ("ticket", {"comment": {"body": "text", "author_id": [1]}}, 400),
        ("ticket", {"comment": {"body": "text"}, "priority": ["high"]}, 400),
        ("ticket", {"comment": {"body": "text"}, "assignee_id": {"id": 1}}, 400),
        ("ticket", {"comment": {"body": "text"}, "custom_fields": {"1": "x"}}, 400),
        ("ticket", {"comment": {"body": "text"}, "custom_fields": ["x"]}, 400),
        ("ticket", {"comment": {"body": "half a character \ud800"}}, 400),
        ("ticket_field", {"type": ["text"], "title": "Order"}, 400),
        ("ticket_field", {"type": "text", "title": 7}, 400),
        ("ticket_field", {"type": "tagger", "title": "Stage", "custom_field_options": ["one"]}, 422),
        ("ticket_field", {"type": "regexp", "title": "Order", "regexp_for_validation": "("}, 422),
        ("view", {"title": "Open", "all": 1.5}, 400),
        ("view", {"title": "Open", "all": [5]}, 422),
        ("view", {"title": "Open", "output": [], **CONDITIONS}, 400),
        ("trigger", {"title": "T", "conditions": {"all": "x"}, "actions": [{}]}, 400),
        ("trigger", {"title": "T", "conditions": CONDITIONS, "actions": [{"field": ["x"], "value": []}]}, 422),
        ("webhook", {"name": ["x"]}, 400),
        ("webhook", {"authentication": "token"}, 400),
        ("webhook", {"authentication": {"type": ["api_key"]}}, 400),
        ("user", {"name": "Ana", "email": 5}, 400),
    ],
)
def test_a_value_of_another_kind_is_refused(api: Api, kind: str, given: dict[str, Any], status: int) -> None:
    """400 for another kind of value, 422 for one that means nothing; the lists are as they were."""
    complete = {
        "name": "Hook",
        "endpoint": "http://127.0.0.1:9/x",
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["zen:event-type:ticket.created"],
    }
    path = f"/api/v2/{kind}s"
    before = api.get(path)
    assert api.call("POST", path, {kind: {**(complete if kind == "webhook" else {}), **given}}).status == status
    assert api.get(path) == before


@pytest.mark.parametrize("name", ["comment", "webhook", "anything"])
def test_metadata_may_hold_anything(api: Api, ticket_id: str, name: str) -> None:
    """It is the writer's own, also where its keys are words of the API."""
    answer = api.put(ticket_id, priority="high", metadata={name: {"name": 5, "body": ["x"]}})
    assert answer.json()["audit"]["metadata"]["custom"] == {name: {"name": 5, "body": ["x"]}}
