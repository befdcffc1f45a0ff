"""How our ticket fields are found on an account and what their values mean."""

from __future__ import annotations

from typing import Any

import pytest

from oneclick_sla_plugin.domain.field_labels import FIELD_LABELS
from oneclick_sla_plugin.domain.model import Field
from oneclick_sla_zendesk.fields import FieldCatalogue, catalogue, identify, marker


def definition(field_id: int, **values: Any) -> dict[str, Any]:
    return {"id": field_id, "type": "text", "title": "Anything", "agent_description": None, "active": True, **values}


@pytest.mark.parametrize(
    ("found", "field_id"),
    [
        pytest.param(
            [definition(1, agent_description=f"Ours. {marker(Field.NEXT_DUE_AT)}")], 1, id="marker, any title"
        ),
        pytest.param([definition(1, title="SLA next due")], 1, id="title"),
        pytest.param([definition(1, title="sla NEXT due")], None, id="another spelling"),
        pytest.param([definition(1, agent_description=marker(Field.RESOLUTION_DUE_AT))], None, id="another marker"),
        pytest.param(
            [definition(1, title="SLA next due"), definition(2, agent_description=marker(Field.NEXT_DUE_AT))],
            2,
            id="marker before title",
        ),
        pytest.param([], None, id="none"),
    ],
)
def test_a_field_is_known_by_its_marker_and_else_by_its_title(
    found: list[dict[str, Any]], field_id: int | None
) -> None:
    """An admin may rename a field that carries the marker, or make one by hand under our title."""
    known = identify(Field.NEXT_DUE_AT, found)
    assert (known["id"] if known else None) == field_id


def test_every_field_has_a_title_of_its_own() -> None:
    """No two of our fields can be taken for each other."""
    assert set(FIELD_LABELS) == set(Field)
    assert len(set(FIELD_LABELS.values())) == len(Field)


def test_an_inactive_field_is_not_used(our_fields: FieldCatalogue) -> None:
    """Zendesk takes no values for it."""
    assert our_fields.get(Field.NEXT_DUE_AT) is not None
    assert our_fields.get(Field.RESOLUTION_DUE_AT) is None


def test_values_are_read_as_bare_values(our_fields: FieldCatalogue) -> None:
    """A dropdown's option loses the prefix of its tag; empty fields and those of others are absent."""
    values: list[dict[str, Any]] = [
        {"id": 101, "value": "sla_priority_urgent"},
        {"id": 102, "value": ""},
        {"id": 103, "value": "2026-11-23T14:00:00Z"},
        {"id": 104, "value": None},
        {"id": 199, "value": "not ours"},
    ]
    assert our_fields.read(values) == {
        Field.SLA_PRIORITY: "urgent",
        Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z",
    }


@pytest.mark.parametrize("kind", ["text", "textarea", "regexp"])
def test_a_text_field_for_the_state_holds_the_bare_value(kind: str) -> None:
    """An account may keep the state as text; then nothing is prefixed."""
    field = catalogue([definition(1, type=kind, title="SLA state")]).get(Field.SLA_STATE)
    assert field is not None
    assert field.accepts("at_risk")
    assert field.bare(field.stored("at_risk")) == field.stored("at_risk") == "at_risk"


@pytest.mark.parametrize("kind", ["checkbox", "date", "integer", "multiselect"])
def test_a_field_of_another_type_is_read_but_not_written(kind: str) -> None:
    """A value that Zendesk would refuse would cost the whole update."""
    ours = catalogue([definition(1, type=kind, title="SLA promised date")])
    assert not ours.writable({Field.PROMISED_AT: "2026-11-23"})
    assert ours.read([{"id": 1, "value": "2026-11-23"}]) == {Field.PROMISED_AT: "2026-11-23"}
