"""The format of policy files as JSON Schema, made from the models that read them.

What pydantic cannot know, the textual forms that the readers of single values take,
stands here beside their names; a reader without its form is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from oneclick_sla_plugin.domain.amounts import Elapsed
from oneclick_sla_plugin.policy_files import sections

_COUNT = r"(?=0*[1-9])[0-9]{1,6}"
_DURATION = rf"{_COUNT}\s+(?:(?:elapsed|open|business-day)\s+(?:second|minute|hour)s?|business\s+days?)"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY_KEYS = [*_WEEKDAYS, *(f"{a}-{b}" for n, a in enumerate(_WEEKDAYS) for b in _WEEKDAYS[n:])]

_FORMS: Mapping[Callable[..., object], JsonSchemaValue] = {
    sections._amount: {
        "type": "string",
        "description": f"An amount of time with its unit: {sections.AMOUNT_FORMS}.",
        "pattern": rf"^\s*(?:immediate|close\s+of\s+business\s+day|{_DURATION})\s*$",
    },
    sections._own_amount: {
        "type": "string",
        "description": f"An amount of time with its unit: {sections.AMOUNT_FORMS}; not immediate itself.",
        "pattern": rf"^\s*(?:close\s+of\s+business\s+day|{_DURATION})\s*$",
    },
    sections._moment: {
        "type": "string",
        "description": 'A moment: "75 %" of the time, "2 open hours before" or "1 business days after" the due instant.',
        "pattern": rf"^\s*(?:[1-9][0-9]?\s*%|{_DURATION}\s+(?:before|after))\s*$",
    },
    sections._zone: {
        "type": "string",
        "description": 'A time zone by its IANA name, for instance "America/Lima".',
        "minLength": 1,
    },
    sections._window: {
        "type": "string",
        "description": 'Opening hours, for instance "09:00-18:00"; the end of the day is "24:00".',
        "pattern": r"^\s*(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)\s*$",
    },
}
_PASSED_ON = frozenset({sections._recipients})
"""Readers that change a value but not its form."""

_LISTS: Mapping[str, type[BaseModel]] = {
    "targets": sections.TargetTable,
    "escalations": sections.EscalationTable,
    "channel_rules": sections.ChannelRuleTable,
    "kind_rules": sections.KindRuleTable,
    "priority_rules": sections.PriorityRuleTable,
}
"""Lists of a policy whose entries are read one by one, so that all of their problems are seen at once."""


class _Schema(GenerateJsonSchema):
    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        reader = schema["function"]["function"]
        if reader in _PASSED_ON:
            return self.generate_inner(schema["schema"])
        return dict(_FORMS[reader])

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Elapsed) else super().encode_default(dft)


def policy_schema() -> dict[str, Any]:
    """The whole format as JSON Schema (2020-12). TOML's dates are strings of the format ``date`` in it."""
    models: list[type[BaseModel]] = [sections.PolicyTable, sections.CalendarTable, sections.EstimateTable]
    inputs: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (model, "validation") for model in (*models, *_LISTS.values())
    ]
    _, schema = models_json_schema(inputs, schema_generator=_Schema)
    tables: dict[str, Any] = _without_null(schema["$defs"])
    policy = tables.pop("PolicyTable")
    properties = policy["properties"]
    for name, model in _LISTS.items():
        properties[name]["items"] = _reference(model)
    properties["estimate"] = _reference(sections.EstimateTable)
    (name_pattern,) = properties["calendars"]["patternProperties"]
    properties["calendars"] |= {
        "patternProperties": {name_pattern: _reference(sections.CalendarTable)},
        "additionalProperties": False,
    }
    tables["CalendarTable"]["properties"]["hours"]["propertyNames"] = {"enum": _WEEKDAY_KEYS}
    tables["HolidaysTable"]["dependentRequired"] = {"subdivision": ["country"]}
    for table in ("ConditionTable", "TargetConditionTable"):
        for asked in tables[table]["properties"].values():
            if asked.get("type") == "array":
                asked["minItems"] = 1
    tables["TargetConditionTable"]["properties"]["weekdays"]["items"] = {"enum": _WEEKDAY_KEYS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **policy,
        "title": "Policy file of oneclick-sla",
        "$defs": tables,
    }


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/$defs/{model.__name__}"}


def _without_null(value: Any) -> Any:
    """The same schema for a format that has no null: a key that is not wanted is left out."""
    if isinstance(value, list):
        return [_without_null(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_null(item) for key, item in value.items() if not (key == "default" and item is None)}
    if isinstance(kept.get("default"), dict):
        kept["default"] = {key: item for key, item in kept["default"].items() if item is not None}
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept = {**choices[0], **{key: item for key, item in kept.items() if key != "anyOf"}}
    return kept
