"""The JSON Schema of policy files says the same as the code that reads them."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.errors import ConfigError
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import parse_policy, sections
from oneclick_sla_plugin.policy_files.schema import policy_schema

SCHEMA = policy_schema()


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value fits the part of JSON Schema that the format uses; any other keyword is an error."""
    known = {
        "$ref", "$schema", "$defs", "title", "description", "default", "type", "enum", "const", "format", "pattern",
        "minLength", "minItems", "items", "properties", "required", "additionalProperties", "patternProperties",
        "propertyNames", "dependentRequired", "anyOf",
    }  # fmt: skip
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        return fits(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    types = {"string": str | date, "array": list, "object": dict, "boolean": bool}
    if "type" in schema and not isinstance(value, types[schema["type"]]):
        return False
    if isinstance(value, date) != (schema.get("format") == "date"):
        return False
    return (
        ("enum" not in schema or value in schema["enum"])
        and ("const" not in schema or value == schema["const"])
        and ("anyOf" not in schema or any(fits(value, choice) for choice in schema["anyOf"]))
        and (not isinstance(value, str) or _string_fits(value, schema))
        and (not isinstance(value, list) or _list_fits(value, schema))
        and (not isinstance(value, dict) or _table_fits(value, schema))
    )


def _string_fits(value: str, schema: dict[str, Any]) -> bool:
    return len(value) >= schema.get("minLength", 0) and bool(re.search(schema.get("pattern", ""), value))


def _list_fits(value: list[Any], schema: dict[str, Any]) -> bool:
    return len(value) >= schema.get("minItems", 0) and all(fits(item, schema.get("items", {})) for item in value)


def _table_fits(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    for key, item in value.items():
        patterns = [part for pattern, part in schema.get("patternProperties", {}).items() if re.search(pattern, key)]
        named = schema.get("properties", {}).get(key)
        parts = patterns if named is None else [named, *patterns]
        if not parts:
            rest = schema.get("additionalProperties", True)
            if rest is False:
                return False
            parts = [] if rest is True else [rest]
        name = schema.get("propertyNames", {})
        if not fits(date.fromisoformat(key) if name.get("format") == "date" else key, name):
            return False
        if not all(fits(item, part) for part in parts):
            return False
    needed = [*schema.get("required", ())]
    needed += [other for key, others in schema.get("dependentRequired", {}).items() if key in value for other in others]
    return all(key in value for key in needed)


VALID = """
id = "p"
version = "1"
title = "P"
language = "en"
time_zone = "America/Lima"
channels = ["email"]
default_channel = "email"

[calendars.office]
hours = { mon-fri = ["09:00-18:00"] }
holidays = { country = "PE", added = [{ date = 2026-01-05, name = "Day" }] }
exceptions = { 2026-12-31 = ["09:00-24:00"] }

[[targets]]
name = "mail"
metric = "first_reply"
title = "mail"
clause = "§1"
within = "2 open hours"
calendar = "office"
when = { weekdays = ["mon-sun"] }
"""


def read(text: str) -> bool:
    try:
        parse_policy(text)
    except ConfigError:
        return False
    return True


def test_every_key_of_the_format_is_in_it() -> None:
    tables = {"PolicyTable": SCHEMA, **SCHEMA["$defs"]}
    models = [
        model for model in vars(sections).values() if isinstance(model, type) and issubclass(model, sections.Section)
    ]
    for model in models:
        if model is not sections.Section:
            assert set(tables[model.__name__]["properties"]) == set(model.model_fields), model.__name__


@pytest.mark.parametrize("name", sorted(Plugins.load().policies))
def test_the_shipped_policies_fit(name: str) -> None:
    assert fits(tomllib.loads(Plugins.load().policies[name].read_text(encoding="utf-8")), SCHEMA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "P"', ""),
        ('title = "P"', 'titel = "P"'),
        ('title = "P"', 'title = ""'),
        ('title = "P"', 'title = "P"\nreview_by = "soon"'),
        ('id = "p"', 'id = "P p"'),
        ('"America/Lima"', "5"),
        ('channels = ["email"]', "channels = []"),
        ('channels = ["email"]', 'channels = ["pigeon"]'),
        ("calendars.office", 'calendars."OFFICE x"'),
        ("mon-fri", "fri-mon"),
        ("mon-fri", "monday"),
        ("09:00-18:00", "9-18"),
        ("09:00-18:00", "09:00-25:00"),
        ('country = "PE",', 'subdivision = "LIM",'),
        ('country = "PE",', 'county = "PE",'),
        ("2026-12-31 =", '"eve" ='),
        ('"first_reply"', '"first_answer"'),
        ('"2 open hours"', '"2 hours"'),
        ('"2 open hours"', '"0 open hours"'),
        ('"2 open hours"', "2"),
        ('["mon-sun"]', '["sun-mon"]'),
        ('["mon-sun"]', "[]"),
        ("when = {", "when = { channels = [],"),
        ("when = {", "when = { colour = 1,"),
        ('calendar = "office"\n', 'calendar = "office"\nbegins = "later"\n'),
        ('calendar = "office"\n', 'calendar = "office"\npauses = ["solved"]\n'),
        ("[[targets]]", '[[escalations]]\nname = "x"\nat = "110 %"\n[[targets]]'),
        ("[[targets]]", '[[escalations]]\nname = "x"\nat = "50 %"\nmetrics = []\n[[targets]]'),
        ("[[targets]]", '[[priority_rules]]\npriority = "top"\nclause = "§1"\n[[targets]]'),
        ("[[targets]]", '[[kind_rules]]\nkind = "feedback"\nclause = "§1"\n[[targets]]'),
        ("[[targets]]", '[estimate]\nclause = "§1"\n[[targets]]'),
    ],
)
def test_what_the_program_refuses_the_schema_refuses(old: str, new: str) -> None:
    assert read(VALID)
    assert fits(tomllib.loads(VALID), SCHEMA)
    text = VALID.replace(old, new, 1)
    assert text != VALID
    assert not read(text)
    try:
        assert not fits(tomllib.loads(text), SCHEMA)
    except ValueError:  # the key of a date that is none
        assert "eve" in text


PIECES = [
    "0",
    "1",
    "24",
    "007",
    "1234567",
    "open",
    "elapsed",
    "business-day",
    "business",
    "day",
    "days",
    "hour",
    "hours",
]
PIECES += ["minutes", "second", "immediate", "close", "of", "75", "%", "before", "after", "75%", "100", "-1"]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).flatmap(
    lambda words: st.sampled_from([" ", "  ", "\t"]).map(lambda blank: blank.join(words))
)


@given(TEXTS)
def test_the_form_of_an_amount_is_the_one_that_is_read(text: str) -> None:
    form = SCHEMA["$defs"]["TargetTable"]["properties"]["within"]
    try:
        sections._amount(text)
    except ValueError:
        assert not fits(text, form)
    else:
        assert fits(text, form)


@given(TEXTS)
def test_the_form_of_a_moment_is_the_one_that_is_read(text: str) -> None:
    form = SCHEMA["$defs"]["EscalationTable"]["properties"]["at"]
    try:
        sections._moment(text)
    except ValueError:
        assert not fits(text, form)
    else:
        assert fits(text, form)


@given(st.from_regex(r"\A ?[0-2]?[0-9]:[0-6][0-9]-[0-2]?[0-9]:[0-6]?[0-9] ?\Z", alphabet="0123456789:- "))
def test_the_form_of_opening_hours_is_the_one_that_is_read(text: str) -> None:
    form = SCHEMA["$defs"]["CalendarTable"]["properties"]["hours"]["additionalProperties"]["items"]
    try:
        sections._window(text)
    except ValueError:
        assert not fits(text, form)
    else:
        assert fits(text, form)


def test_defaults_are_told_in_the_words_of_a_file() -> None:
    assert SCHEMA["properties"]["immediate"]["default"] == "60 elapsed seconds"
    assert "default" not in SCHEMA["properties"]["review_by"]
