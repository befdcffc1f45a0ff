"""Ticket fields of the simulated account, and how dropdowns and checkboxes are tied to tags.

The values of a dropdown's options are tags: setting the field sets the tag,
taking the tag away empties the field, and no two options of an account share
one. A checkbox has one such tag.
https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from oneclick_sla_zendesk.simulator.errors import record_invalid, record_not_found

FieldValue = str | int | bool | None

CUSTOM_TYPES = frozenset({"text", "textarea", "date", "integer", "decimal", "regexp", "tagger", "checkbox"})

_SYSTEM_FIELDS = (
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("tickettype", "Type"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("assignee", "Assignee"),
)


@dataclass(frozen=True, slots=True)
class Option:
    id: int
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class TicketField:
    """A custom field, or (``system``) one of those that every account has."""

    id: int
    type: str
    title: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    agent_description: str | None = None
    active: bool = True
    options: tuple[Option, ...] = ()
    tag: str | None = None
    regexp: str | None = None
    system: bool = False

    @property
    def tags(self) -> frozenset[str]:
        """The tags this field sets and clears."""
        return frozenset([option.value for option in self.options] + ([self.tag] if self.tag else []))

    @property
    def empty(self) -> FieldValue:
        return False if self.type == "checkbox" else None

    def tag_for(self, value: FieldValue) -> frozenset[str]:
        """The tag that stands on a ticket while the field has ``value``."""
        if self.type == "tagger" and isinstance(value, str):
            return frozenset({value})
        return frozenset({self.tag}) if self.type == "checkbox" and value and self.tag else frozenset()

    def accepted(self, value: Any) -> FieldValue:
        """``value`` as it is stored. ``RefusalError`` (422) when the field's type does not allow it."""
        if value is None or value == "":
            return self.empty
        if _fits(self, value):
            if self.type == "integer":
                return int(value)
            return value if isinstance(value, bool) else str(value)
        raise record_invalid("base", f"{self.title}: is invalid")

    def shown(self, value: FieldValue) -> str:
        """A value as an agent sees it: options by name, nothing for an empty field."""
        names = {option.value: option.name for option in self.options}
        if value is None or value is False:
            return ""
        return names.get(str(value), "yes" if value is True else str(value))


def _fits(field: TicketField, value: Any) -> bool:
    if field.type == "checkbox":
        return isinstance(value, bool)
    if isinstance(value, (bool, dict, list)):
        return False
    text = str(value)
    match field.type:
        case "tagger":
            return text in field.tags
        case "date":
            return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None and _is_date(text)
        case "integer":
            return re.fullmatch(r"-?\d+", text) is not None
        case "decimal":
            return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
        case "regexp":
            return re.search(field.regexp or "", text) is not None
    return True


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class TagsAndValues:
    """The tags of a ticket and the values of its custom fields (only non-empty ones), which move together."""

    tags: frozenset[str]
    values: Mapping[int, FieldValue]

    def with_values(self, given: Mapping[int, Any], fields: Iterable[TicketField]) -> TagsAndValues:
        """After ``custom_fields`` were written: each field changes its own tag; unknown fields are left out."""
        tags, values = self.tags, dict(self.values)
        for field in fields:
            if field.id in given:
                value = field.accepted(given[field.id])
                tags = (tags - field.tags) | field.tag_for(value)
                values[field.id] = value
        return TagsAndValues(tags, {key: value for key, value in values.items() if value not in (None, False)})

    def with_tags(self, tags: frozenset[str], before: frozenset[str], fields: Iterable[TicketField]) -> TagsAndValues:
        """After ``tags`` replaced all tags: a field follows its tag.

        Of several options of one dropdown, the one that was not on the ticket
        ``before`` the update stays, and the other tags go.
        """
        values = dict(self.values)
        for field in fields:
            standing = tags & field.tags
            if field.type == "checkbox":
                values[field.id] = bool(standing)
            elif field.type == "tagger":
                current = values.get(field.id)
                value = min(standing - before, default=current if current in standing else min(standing, default=None))
                values[field.id] = value
                tags = (tags - field.tags) | field.tag_for(value)
        return TagsAndValues(tags, {key: value for key, value in values.items() if value not in (None, False)})


class FieldRegistry:
    """The ticket fields of the account, under the account's lock."""

    def __init__(self, new_id: Callable[[], int], now: Callable[[], datetime]) -> None:
        self._new_id = new_id
        self._now = now
        self._fields: dict[int, TicketField] = {}
        for kind, title in _SYSTEM_FIELDS:
            self._keep(TicketField(new_id(), kind, title, now(), now(), system=True))

    def all(self) -> list[TicketField]:
        return list(self._fields.values())

    def get(self, field_id: int) -> TicketField:
        """``RefusalError`` (404) when there is none."""
        if field_id not in self._fields:
            raise record_not_found()
        return self._fields[field_id]

    def create(self, given: Mapping[str, Any]) -> TicketField:
        """``RefusalError`` (422) for an unknown type, no title, or an option whose tag is taken."""
        if given.get("type") not in CUSTOM_TYPES:
            raise record_invalid("type", "Type: is invalid")
        if not given.get("title"):
            raise record_invalid("title", "Title: cannot be blank")
        blank = TicketField(self._new_id(), str(given["type"]), "", self._now(), self._now())
        return self._keep(self._with_attributes(blank, given))

    def update(self, field_id: int, given: Mapping[str, Any]) -> TicketField:
        """Options are replaced as a whole. ``RefusalError`` as for creating one, or 404."""
        return self._keep(self._with_attributes(self.get(field_id), given))

    def delete(self, field_id: int) -> None:
        """``RefusalError``: 404, or 422 for a system field."""
        if self.get(field_id).system:
            raise record_invalid("base", "A system field cannot be deleted")
        del self._fields[field_id]

    def _with_attributes(self, field: TicketField, given: Mapping[str, Any]) -> TicketField:
        options = field.options
        if "custom_field_options" in given:
            known = {option.value: option.id for option in field.options}
            options = tuple(
                Option(known.get(value) or self._new_id(), name, value)
                for name, value in _options(given["custom_field_options"])
            )
        changed = replace(
            field,
            title=given.get("title", field.title),
            description=given.get("description", field.description),
            agent_description=given.get("agent_description", field.agent_description),
            active=given.get("active", field.active),
            tag=given.get("tag", field.tag),
            regexp=given.get("regexp_for_validation", field.regexp),
            options=options,
            updated_at=self._now(),
        )
        if not _is_pattern(changed.regexp or ""):
            raise record_invalid("regexp_for_validation", "Regexp: is invalid")
        values = [option.value for option in options]
        taken = frozenset[str]().union(*(other.tags for other in self._fields.values() if other.id != field.id))
        for value in [*values, *([changed.tag] if changed.tag else [])]:
            if value in taken or values.count(value) > 1:
                raise record_invalid("custom_field_options", "Tag: is already in use by another option or field")
        return changed

    def _keep(self, field: TicketField) -> TicketField:
        self._fields[field.id] = field
        return field


def _options(given: Any) -> list[tuple[str, str]]:
    try:
        return [(str(item["name"]), str(item["value"])) for item in given]
    except (KeyError, TypeError):
        raise record_invalid("custom_field_options", "Options: need a name and a value") from None


def tags_of(value: Any) -> frozenset[str]:
    """Tags as Zendesk keeps them: lower case, no blanks. Takes a list, or a string with blanks between the tags."""
    items = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    return frozenset(re.sub(r"\s+", "_", str(item).strip()).lower() for item in items if str(item).strip())
