"""Ticket fields: made-up names, choices with ids, built-in fields of other shapes, custom statuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.ports import Response
from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api

STAGE: dict[str, Any] = {
    "label": "Complaint stage",
    "label_for_customers": "Complaint stage",
    "type": "custom_dropdown",
    "displayed_to_customers": False,
    "customers_can_edit": False,
    "required_for_agents": False,
    "choices": [
        {"value": "None", "position": 1},
        {"value": "Acknowledged", "position": 2},
        {"value": "Final response", "position": 3},
    ],
}


def field(api: Api, name: str) -> dict[str, Any]:
    return next(item for item in api.get("/admin/ticket_fields") if item["name"] == name)


def test_a_field_is_made(api: Api, ticket_id: str) -> None:
    """Its name is made up from the label, with a suffix, and is the key in tickets; choices get ids."""
    made = api.post("/admin/ticket_fields", STAGE)
    assert (made["name"], made["type"]) == ("cf_complaint_stage_297457", "custom_dropdown")
    assert [(choice["value"], choice["position"]) for choice in made["choices"]] == [
        ("None", 1),
        ("Acknowledged", 2),
        ("Final response", 3),
    ]
    assert api.get(f"/admin/ticket_fields/{made['id']}") == made
    assert api.ticket(ticket_id)["custom_fields"] == {"cf_complaint_stage_297457": None}


def test_names_without_suffix(connect: Callable[[FreshdeskSandbox], Api], manual_clock: ManualClock) -> None:
    """Other accounts have none."""
    with FreshdeskSandbox(clock=manual_clock, field_suffix="") as sandbox:
        assert connect(sandbox).new_field("custom_text", "Next due (ours)") == "cf_next_due_ours"


def test_tickets_may_leave_the_suffix_out(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Whether tickets have the suffix is not documented: it can be switched."""
    sandbox.behaviour.suffixed_keys = False
    name = api.new_field("custom_text", "Next due")
    answer = api.put(ticket_id, custom_fields={"cf_next_due": "soon"})
    assert (name, answer.json()["custom_fields"]) == ("cf_next_due_297457", {"cf_next_due": "soon"})
    assert sandbox.view(ticket_id).fields == {"Next due": "soon"}


@pytest.mark.parametrize(
    ("change", "status", "codes"),
    [
        ({"label": None}, 400, {"label": "missing_field"}),
        ({"type": "nonsense"}, 400, {"type": "invalid_value"}),
        ({"choices": []}, 400, {"choices": "missing_field"}),
        ({"nonsense": 1}, 400, {"nonsense": "invalid_field"}),
        ({"choices": ["None"]}, 400, {"choices": "datatype_mismatch"}),
        ({}, 409, {"label": "duplicate_value"}),
    ],
)
def test_fields_that_are_not_made(
    api: Api,
    problems: Callable[[Response], dict[str, str]],
    change: dict[str, Any],
    status: int,
    codes: dict[str, str],
) -> None:
    """400 for what is missing or wrong, 409 for a label that is taken."""
    if not change:
        api.post("/admin/ticket_fields", STAGE)
    refused = api.call("POST", "/admin/ticket_fields", {**STAGE, **change})
    assert (refused.status, problems(refused)) == (status, codes)


def test_the_list_has_no_pages(api: Api) -> None:
    """It refuses the parameters of pages."""
    assert api.fetch("/admin/ticket_fields", page="1").status == 400
    assert api.fetch("/admin/ticket_fields", per_page="100").status == 400


def test_changing_choices(api: Api, problems: Callable[[Response], dict[str, str]]) -> None:
    """Choices that stand there need their id; those without one are new; those that are not named stay."""
    made = api.post("/admin/ticket_fields", STAGE)
    path = f"/admin/ticket_fields/{made['id']}"
    refused = api.call("PUT", path, {"choices": [{"value": "None", "position": 1}]})
    assert (refused.status, problems(refused)) == (409, {"choices": "duplicate_value"})
    first, second, _ = made["choices"]
    wanted = [
        {"id": first["id"], "value": "Nothing", "position": 1},
        {"id": second["id"], "value": "Acknowledged", "deleted": True},
        {"value": "Closed", "position": 4},
    ]
    changed = api.call("PUT", path, {"choices": wanted}).json()
    assert [choice["value"] for choice in changed["choices"]] == ["Nothing", "Final response", "Closed"]
    assert changed["choices"][0]["id"] == first["id"]


def test_the_type_stays(api: Api, problems: Callable[[Response], dict[str, str]]) -> None:
    """A PUT with a type is refused."""
    made = api.post("/admin/ticket_fields", STAGE)
    refused = api.call("PUT", f"/admin/ticket_fields/{made['id']}", {"type": "custom_text"})
    assert (refused.status, problems(refused)) == (400, {"type": "invalid_field"})
    assert api.call("PUT", f"/admin/ticket_fields/{made['id']}", {"label": "Stage"}).json()["label"] == "Stage"


def test_deleting_a_field_deletes_its_values(api: Api, ticket_id: str) -> None:
    """Made anew under the same label it is empty on every ticket."""
    made = api.post("/admin/ticket_fields", STAGE)
    api.put(ticket_id, custom_fields={made["name"]: "None"})
    assert api.call("DELETE", f"/admin/ticket_fields/{made['id']}").status == 204
    assert api.ticket(ticket_id)["custom_fields"] == {}
    api.post("/admin/ticket_fields", STAGE)
    assert api.ticket(ticket_id)["custom_fields"] == {made["name"]: None}


def test_built_in_fields_cannot_be_deleted(api: Api) -> None:
    """They belong to the account."""
    assert api.call("DELETE", f"/admin/ticket_fields/{field(api, 'status')['id']}").status == 400


def test_built_in_choices_have_other_shapes(api: Api) -> None:
    """Statuses say whether they stop the timer; the others are labels with numbers, or values with ids."""
    statuses = field(api, "status")["choices"]
    assert [(item["id"], item["value"], item["stop_sla_timer"]) for item in statuses] == [
        (2, "Open", False),
        (3, "Pending", True),
        (4, "Resolved", True),
        (5, "Closed", True),
        (6, "Waiting on Customer", True),
        (7, "Waiting on Third Party", False),
    ]
    assert field(api, "priority")["choices"][3] == {"label": "Urgent", "value": 4}
    assert field(api, "source")["choices"][12].items() >= {"label": "Whatsapp", "value": 13}.items()
    assert {"id", "value", "position"} <= field(api, "ticket_type")["choices"][0].keys()
    assert field(api, "agent")["choices"][0] == {"label": "SLA plugin", "value": 9001}
    assert "choices" not in field(api, "subject")


def test_the_public_list_has_yet_other_shapes(api: Api) -> None:
    """Objects by number or name, and plain lists of values."""
    api.post("/admin/ticket_fields", STAGE)
    fields = {item["name"]: item.get("choices") for item in api.get("/ticket_fields")}
    assert fields["status"]["6"] == ["Waiting on Customer", "Awaiting your Reply"]
    assert fields["priority"] == {"Low": 1, "Medium": 2, "High": 3, "Urgent": 4}
    assert fields["source"]["Email"] == 1
    assert fields["ticket_type"][0] == "Question"
    assert fields["cf_complaint_stage_297457"] == ["None", "Acknowledged", "Final response"]


def test_custom_statuses(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """A status is added by its choice alone, gets the next number, and tickets can have it."""
    path = f"/admin/ticket_fields/{field(api, 'status')['id']}"
    changed = api.call("PUT", path, {"choices": [{"value": "With the bank", "stop_sla_timer": True}]})
    added = changed.json()["choices"][-1]
    assert (added["id"], added["value"], added["stop_sla_timer"]) == (8, "With the bank", True)
    assert api.put(ticket_id, status=8).json()["status"] == 8
    assert sandbox.view(ticket_id).status == "With the bank"
    assert sandbox.add_status("With the courier") == 9


def test_custom_types(api: Api, ticket_id: str) -> None:
    """A ticket type is added in the same way."""
    path = f"/admin/ticket_fields/{field(api, 'ticket_type')['id']}"
    assert api.put(ticket_id, type="Reclamo").status == 400
    assert api.call("PUT", path, {"choices": [{"value": "Reclamo"}]}).status == 200
    assert api.put(ticket_id, type="Reclamo").status == 200
