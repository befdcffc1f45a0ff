"""SLA policies, business hours, groups and products."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Response

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api

TARGET = {
    "respond_within": 900,
    "next_respond_within": 900,
    "resolve_within": 3600,
    "business_hours": False,
    "escalation_enabled": True,
}
POLICY: dict[str, Any] = {
    "name": "Complaints",
    "applicable_to": {"ticket_types": ["Complaint"]},
    "sla_target": {f"priority_{number}": TARGET for number in (1, 2, 3, 4)},
    "escalation": {"response": {"escalation_time": 0, "agent_ids": [9002]}},
}


def test_a_policy_is_made_and_applies(api: Api, sandbox: FreshdeskSandbox) -> None:
    """It is tried before the account's default, and times the tickets that it fits; its id is text."""
    made = api.post("/sla_policies", POLICY)
    assert {key: made[key] for key in POLICY} == POLICY
    assert isinstance(made["id"], str)
    assert [item["name"] for item in api.get("/sla_policies")] == ["Complaints", "Default SLA Policy"]
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")
    assert api.ticket(ticket_id)["due_by"] == "2026-11-26T09:15:45Z"
    ticket = api.put(ticket_id, type="Complaint").json()
    assert (ticket["fr_due_by"], ticket["due_by"]) == ("2026-11-23T09:30:45Z", "2026-11-23T10:15:45Z")
    assert api.call("PUT", f"/sla_policies/{made['id']}", {"active": False}).json()["active"] is False
    assert api.put(ticket_id, priority=2).json()["due_by"] == "2026-11-24T09:15:45Z"


def test_policies_cannot_be_deleted(api: Api) -> None:
    """They are only switched off."""
    made = api.post("/sla_policies", POLICY)
    assert api.call("DELETE", f"/sla_policies/{made['id']}").status == 405


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"sla_target": {"priority_4": TARGET}}, {"sla_target": "missing_field"}),
        ({"applicable_to": []}, {"applicable_to": "datatype_mismatch"}),
        ({"applicable_to": {"nonsense": [1]}}, {"applicable_to": "invalid_field"}),
        ({"nonsense": 1}, {"nonsense": "invalid_field"}),
    ],
)
def test_policies_that_are_refused(
    api: Api, problems: Callable[[Response], dict[str, str]], change: dict[str, Any], codes: dict[str, str]
) -> None:
    """All four priorities are needed, and only known keys."""
    refused = api.call("POST", "/sla_policies", {**POLICY, **change})
    assert (refused.status, problems(refused)) == (400, codes)


def test_what_a_policy_needs(api: Api, problems: Callable[[Response], dict[str, str]]) -> None:
    """400 names all that is missing."""
    refused = api.call("POST", "/sla_policies", {})
    assert problems(refused) == dict.fromkeys(("name", "applicable_to", "sla_target"), "missing_field")


def test_business_hours_are_only_read(api: Api) -> None:
    """The default calendar, its id as text, its days with start and end."""
    [calendar] = api.get("/business_hours")
    assert (calendar["is_default"], calendar["time_zone"], isinstance(calendar["id"], str)) == (True, "Lima", True)
    assert calendar["business_hours"]["monday"] == {"start_time": "9:00 am", "end_time": "6:00 pm"}
    assert api.get(f"/business_hours/{calendar['id']}") == calendar
    assert api.call("POST", "/business_hours", {}).status == 405


@pytest.mark.parametrize("path", ["/groups", "/products"])
def test_named_things(api: Api, path: str) -> None:
    """Lists, and each by its id."""
    for item in api.get(path):
        assert {"id", "name"} <= item.keys()
        assert api.get(f"{path}/{item['id']}") == item


def test_the_account(api: Api) -> None:
    """What an installation looks at first."""
    assert api.get("/account")["account_domain"] == "example.freshdesk.com"
    assert api.get("/settings/helpdesk")["primary_language"] == "en"
