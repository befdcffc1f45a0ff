"""Ticket fields, and how their values and the ticket's tags move together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.fields import TagsAndValues, TicketField, tags_of

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api


def value_of(ticket: dict[str, Any], field_id: int) -> Any:
    return {item["id"]: item["value"] for item in ticket["custom_fields"]}[field_id]


def test_a_field_is_kept_as_it_was_made(api: Api) -> None:
    """Title, both descriptions and the options come back, from the one and from the list."""
    options = [{"name": "Stage 1", "value": "stage_1"}, {"name": "Stage 2", "value": "stage_2"}]
    field_id = api.new_field(
        "tagger",
        "Complaint stage",
        description="For customers",
        agent_description="sla: complaint_stage",
        custom_field_options=options,
    )
    shown = api.get(f"/api/v2/ticket_fields/{field_id}")["ticket_field"]
    assert (shown["type"], shown["title"], shown["description"], shown["agent_description"]) == (
        "tagger",
        "Complaint stage",
        "For customers",
        "sla: complaint_stage",
    )
    assert [{key: option[key] for key in ("name", "value")} for option in shown["custom_field_options"]] == options
    assert shown in api.get("/api/v2/ticket_fields")["ticket_fields"]


def test_an_account_has_fields_of_its_own(api: Api) -> None:
    """The list also shows the fields that every account has; those are not removable."""
    api.new_field("text", "Next due")
    shown = {field["title"]: field["removable"] for field in api.get("/api/v2/ticket_fields")["ticket_fields"]}
    assert (shown["Priority"], shown["Next due"]) == (False, True)


def test_a_field_can_be_changed(api: Api) -> None:
    """Options are replaced as a whole, those that stay keep their id; what is not named stays."""
    field_id = api.new_dropdown("Stage", "one", "two")
    before = api.get(f"/api/v2/ticket_fields/{field_id}")["ticket_field"]
    body = {
        "ticket_field": {"custom_field_options": [{"name": "Two", "value": "two"}, {"name": "Three", "value": "three"}]}
    }
    response = api.call("PUT", f"/api/v2/ticket_fields/{field_id}", body)
    after = api.get(f"/api/v2/ticket_fields/{field_id}")["ticket_field"]
    assert response.status == 200
    assert [option["value"] for option in after["custom_field_options"]] == ["two", "three"]
    assert after["custom_field_options"][0]["id"] == before["custom_field_options"][1]["id"]
    assert after["title"] == "Stage"


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(
            {"type": "tagger", "title": "B", "custom_field_options": [{"name": "x", "value": "taken"}]},
            id="an option's value is taken by another field",
        ),
        pytest.param(
            {
                "type": "tagger",
                "title": "B",
                "custom_field_options": [{"name": "x", "value": "same"}, {"name": "y", "value": "same"}],
            },
            id="two options share a value",
        ),
        pytest.param({"type": "checkbox", "title": "B", "tag": "taken"}, id="a checkbox wants a taken tag"),
        pytest.param({"type": "tagger", "title": "B", "custom_field_options": [{"name": "x"}]}, id="no value"),
        pytest.param({"type": "rainbow", "title": "B"}, id="no such type"),
        pytest.param({"type": "text"}, id="no title"),
    ],
)
def test_fields_that_are_refused(api: Api, field: dict[str, Any]) -> None:
    """Values of options are tags and unique in the whole account; a field that breaks a rule is 422 and not made."""
    api.new_dropdown("A", "taken")
    before = api.get("/api/v2/ticket_fields")["count"]
    response = api.call("POST", "/api/v2/ticket_fields", {"ticket_field": field})
    assert (response.status, response.json()["error"]) == (422, "RecordInvalid")
    assert response.json()["details"]
    assert api.get("/api/v2/ticket_fields")["count"] == before


@pytest.mark.parametrize(
    ("type_", "given_", "kept"),
    [
        ("text", "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"),
        ("date", "2026-11-23", "2026-11-23"),
        ("integer", 7, 7),
        ("integer", "7", 7),
        ("decimal", "1.50", "1.50"),
        ("regexp", "2026-000017", "2026-000017"),
        ("checkbox", True, True),
        ("text", "", None),
        ("checkbox", None, False),
    ],
)
def test_values_that_fit(api: Api, ticket_id: str, type_: str, given_: Any, kept: Any) -> None:
    """A value of the field's type is kept; an empty one empties the field."""
    field_id = api.new_field(type_, "Field", regexp_for_validation=r"^\d{4}-\d{6}$")
    assert api.put(ticket_id, custom_fields=[{"id": field_id, "value": given_}]).status == 200
    assert value_of(api.ticket(ticket_id), field_id) == kept


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("date", "23/11/2026"),
        ("date", "2026-02-30"),
        ("integer", "seven"),
        ("decimal", "1,5"),
        ("regexp", "17"),
        ("tagger", "no_such_option"),
        ("checkbox", "perhaps"),
        ("text", ["a"]),
    ],
)
def test_values_that_do_not_fit(api: Api, ticket_id: str, type_: str, value: Any) -> None:
    """A value that the field's type does not allow is 422."""
    field_id = api.new_field(type_, "Field", regexp_for_validation=r"^\d{4}-\d{6}$")
    response = api.put(ticket_id, custom_fields=[{"id": field_id, "value": value}])
    assert (response.status, response.json()["error"]) == (422, "RecordInvalid")


def test_a_field_that_does_not_exist_is_left_out(api: Api, ticket_id: str) -> None:
    """Writing to an unknown field is no error and no change."""
    response = api.put(ticket_id, custom_fields=[{"id": 5, "value": "x"}])
    assert (response.status, response.json()["audit"]) == (200, None)


def test_tags_replace_the_whole_list(api: Api, ticket_id: str) -> None:
    """A list of tags is the new list, in lower case, without repetition."""
    api.put(ticket_id, tags=["Later", "later", "two words"])
    assert api.ticket(ticket_id)["tags"] == ["later", "two_words"]


def test_a_dropdown_sets_and_clears_its_tag(api: Api, ticket_id: str) -> None:
    """An option's tag comes with the value, is exchanged with the next and goes with none; other tags stay."""
    field_id = api.new_dropdown("Stage", "stage_1", "stage_2")
    seen = []
    for value in ("stage_1", "stage_2", None):
        api.put(ticket_id, custom_fields=[{"id": field_id, "value": value}])
        seen.append(api.ticket(ticket_id)["tags"])
    assert seen == [["stage_1", "vip"], ["stage_2", "vip"], ["vip"]]


def test_a_checkbox_sets_and_clears_its_tag(api: Api, ticket_id: str) -> None:
    """A tick sets the tag; a list without the tag takes the tick away."""
    field_id = api.new_field("checkbox", "Peak", tag="peak")
    api.put(ticket_id, custom_fields=[{"id": field_id, "value": True}])
    assert api.ticket(ticket_id)["tags"] == ["peak", "vip"]
    api.put(ticket_id, tags=["vip"])
    assert value_of(api.ticket(ticket_id), field_id) is False


@pytest.mark.parametrize(
    ("tags", "value"),
    [
        pytest.param(["vip"], None, id="the option's tag is gone"),
        pytest.param(["vip", "stage_1"], "stage_1", id="the option's tag stays"),
        pytest.param(["stage_2"], "stage_2", id="another option's tag"),
        pytest.param(["stage_1", "stage_2"], "stage_2", id="another option's tag beside: the new one stays"),
    ],
)
def test_a_dropdown_follows_its_tags(api: Api, ticket_id: str, tags: list[str], value: str | None) -> None:
    """After the tags were replaced, the field has the option whose tag is there, and only that option's tag stands."""
    field_id = api.new_dropdown("Stage", "stage_1", "stage_2")
    api.put(ticket_id, custom_fields=[{"id": field_id, "value": "stage_1"}])
    api.put(ticket_id, tags=tags)
    ticket = api.ticket(ticket_id)
    assert value_of(ticket, field_id) == value
    assert {tag for tag in ticket["tags"] if tag.startswith("stage_")} == ({value} if value else set())


@pytest.mark.parametrize(
    ("tags", "with_tags_first", "with_fields_first"),
    [
        pytest.param(["vip"], ("stage_2", ["stage_2", "vip"]), (None, ["vip"]), id="tags without options"),
        pytest.param(
            ["stage_1", "vip"], ("stage_2", ["stage_2", "vip"]), ("stage_1", ["stage_1", "vip"]), id="the old tag"
        ),
        pytest.param(
            ["stage_2", "vip"], ("stage_2", ["stage_2", "vip"]), ("stage_2", ["stage_2", "vip"]), id="the new tag"
        ),
        pytest.param(None, ("stage_2", ["stage_2", "vip"]), ("stage_2", ["stage_2", "vip"]), id="no tags"),
    ],
)
def test_both_orders_of_tags_and_fields(
    api: Api,
    sandbox: ZendeskSandbox,
    ticket_id: str,
    tags: list[str] | None,
    with_tags_first: tuple[str | None, list[str]],
    with_fields_first: tuple[str | None, list[str]],
) -> None:
    """An update that sends tags and a dropdown ends differently by the order, unless its tags fit the new value."""
    field_id = api.new_dropdown("Stage", "stage_1", "stage_2")
    for tags_first, expected in ((True, with_tags_first), (False, with_fields_first)):
        api.put(ticket_id, custom_fields=[{"id": field_id, "value": "stage_1"}])
        sandbox.tags_first = tags_first
        attributes = {} if tags is None else {"tags": tags}
        api.put(ticket_id, custom_fields=[{"id": field_id, "value": "stage_2"}], **attributes)
        ticket = api.ticket(ticket_id)
        assert (value_of(ticket, field_id), ticket["tags"]) == expected


def test_field_changes_stand_in_the_audit(api: Api, ticket_id: str) -> None:
    """A custom field is named by its id in the history, and its tag is a change beside it."""
    field_id = api.new_dropdown("Stage", "stage_1")
    audit = api.put(ticket_id, custom_fields=[{"id": field_id, "value": "stage_1"}]).json()["audit"]
    changes = {event["field_name"]: (event["previous_value"], event["value"]) for event in audit["events"]}
    assert changes == {str(field_id): (None, "stage_1"), "tags": (["vip"], ["stage_1", "vip"])}


WORDS = st.sampled_from(["a1", "a2", "b1", "b2", "free", "vip"])


@given(
    start=st.frozensets(WORDS),
    steps=st.lists(
        st.one_of(
            st.frozensets(WORDS),
            st.dictionaries(st.sampled_from([1, 2]), st.sampled_from([None, "1", "2"]), min_size=1),
        )
    ),
)
def test_values_and_tags_never_part(
    start: frozenset[str], steps: list[frozenset[str] | dict[int, str | None]], dropdowns: list[TicketField]
) -> None:
    """Whatever is written in whatever order, a dropdown's value and its one tag stand together or not at all."""
    state = TagsAndValues(frozenset(), {}).with_tags(start, frozenset(), dropdowns)
    for step in steps:
        if isinstance(step, dict):
            values = {key: value and f"{'ab'[key - 1]}{value}" for key, value in step.items()}
            state = state.with_values(values, dropdowns)
        else:
            state = state.with_tags(step, state.tags, dropdowns)
            assert state.tags - {"a1", "a2", "b1", "b2"} == step - {"a1", "a2", "b1", "b2"}
        for dropdown in dropdowns:
            value = state.values.get(dropdown.id)
            assert state.tags & dropdown.tags == ({value} if value else frozenset())


@pytest.mark.parametrize(
    ("given_", "tags"),
    [
        (["A", "a", " b c "], {"a", "b_c"}),
        ("vip late", {"vip", "late"}),
        ([""], set()),
        (None, set()),
    ],
)
def test_what_tags_are_made_of(given_: Any, tags: set[str]) -> None:
    """Tags are in lower case and hold no blanks."""
    assert tags_of(given_) == tags
