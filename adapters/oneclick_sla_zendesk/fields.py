"""Our ticket fields on an account: found, read and written by the ids they have there.

A field is ours by the marker in the description that only agents see, else by its
title. A dropdown ("tagger") stores one of its options, and the option is a tag of
the ticket at the same time: setting the field sets the tag and takes the field's
other tags away. https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oneclick_sla_plugin.domain.field_labels import FIELD_LABELS
from oneclick_sla_plugin.domain.model import TAG_FIELDS, Field, tag_of
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request
from oneclick_sla_zendesk.exchanges import PAGE_SIZE, entries, pages
from oneclick_sla_zendesk.limits import unexpected_body

FIELDS_PATH = "/api/v2/ticket_fields"

DROPDOWN = "tagger"
DATE = "date"
_LOAN = re.compile(r" ?\[oneclick-sla lent: ([^\]]*)\]")
_ACTIVATED = "active"
_TEXT_TYPES = frozenset({"text", "textarea", "regexp"})


@dataclass(frozen=True, slots=True)
class TicketField:
    """One of our fields as it stands on the account. ``options``: the tags of a dropdown."""

    id: int
    name: Field
    type: str
    options: frozenset[str] = frozenset()

    @property
    def is_dropdown(self) -> bool:
        return self.type == DROPDOWN

    def accepts(self, value: str | None) -> bool:
        """Whether the field can hold this bare value: any text, or an option that exists."""
        if self.is_dropdown:
            return value is None or self.stored(value) in self.options
        return self.type in _TEXT_TYPES

    def stored(self, value: str) -> str:
        """What Zendesk stores for a bare value: a dropdown's option is the tag."""
        return tag_of(self.name, value) if self.is_dropdown and self.name in TAG_FIELDS else value

    def bare(self, stored: str) -> str:
        """The neutral value of what Zendesk stores."""
        return stored.removeprefix(TAG_FIELDS[self.name]) if self.is_dropdown and self.name in TAG_FIELDS else stored


class FieldCatalogue:
    """Our fields on one account, by name; never changed after it was made."""

    def __init__(self, fields: Iterable[TicketField] = ()) -> None:
        self._by_name = {field.name: field for field in fields}
        self._by_id = {field.id: field for field in self._by_name.values()}

    def get(self, name: Field) -> TicketField | None:
        return self._by_name.get(name)

    def writable(self, values: Mapping[Field, str | None]) -> Mapping[TicketField, str | None]:
        """Those of the values whose field exists here and can hold them."""
        return {
            field: value
            for name, value in values.items()
            if (field := self._by_name.get(name)) is not None and field.accepts(value)
        }

    def read(self, custom_fields: Iterable[Mapping[str, Any]]) -> dict[Field, str]:
        """Our fields among a ticket's ``custom_fields``, as neutral values; empty ones are absent."""
        found = {}
        for entry in custom_fields:
            field, value = self._by_id.get(entry["id"]), entry.get("value")
            if field is not None and value not in (None, "", False):
                found[field.name] = field.bare(str(value))
        return found


def marker(name: Field) -> str:
    """The text in a field's agent description by which it is found again under any title."""
    return f"[oneclick-sla:{name.value}]"


def definitions(base_url: str) -> Exchange[Sequence[Mapping[str, Any]]]:
    """All ticket fields of the account, inactive ones too. Raises ``PermanentPlatformError`` for another shape."""
    request = Request("GET", FIELDS_PATH, "read ticket fields", query=(PAGE_SIZE,))
    found = entries((yield from pages(request, base_url)), "ticket_fields", request.operation)
    if not all(_is_definition(definition) for definition in found):
        raise unexpected_body(request.operation)
    return found


def _is_definition(found: Mapping[str, Any]) -> bool:
    options = found.get("custom_field_options") or []
    return (
        isinstance(found["id"], int)
        and isinstance(options, list)
        and all(isinstance(option, dict) and isinstance(option.get("value"), str) for option in options)
    )


def catalogue(found: Iterable[Mapping[str, Any]]) -> FieldCatalogue:
    """Our fields among the active ones of an account."""
    active = [definition for definition in found if definition.get("active", True)]
    return FieldCatalogue(
        TicketField(definition["id"], name, str(definition.get("type")), frozenset(option_values(definition)))
        for name in Field
        if (definition := identify(name, active)) is not None
    )


def identify(name: Field, found: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The definition of one of our fields: by its marker, else by its exact title."""
    found = list(found)
    for definition in found:
        if marker(name) in (definition.get("agent_description") or ""):
            return definition
    return next((definition for definition in found if definition.get("title") == FIELD_LABELS[name]), None)


def is_ours(name: Field, definition: Mapping[str, Any]) -> bool:
    """Whether the installation made this field: it then carries the marker."""
    return marker(name) in (definition.get("agent_description") or "")


@dataclass(frozen=True, slots=True)
class Loan:
    """What the installation changed on a field that the account had before, as its description notes it.

    ``options``: tags of the options that were added; ``activated``: the field was inactive.
    """

    options: tuple[str, ...] = ()
    activated: bool = False

    def __bool__(self) -> bool:
        return bool(self.options) or self.activated

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Loan:
        words = " ".join(_LOAN.findall(definition.get("agent_description") or "")).split()
        return cls(tuple(word for word in words if word != _ACTIVATED), _ACTIVATED in words)

    def grown(self, options: Iterable[str], *, activated: bool) -> Loan:
        return Loan((*self.options, *options), self.activated or activated)

    def noted_in(self, definition: Mapping[str, Any]) -> str:
        """The description of the field with this loan in it."""
        words = [*([_ACTIVATED] if self.activated else []), *self.options]
        return f"{self.plain_description(definition) or ''} [oneclick-sla lent: {' '.join(words)}]".lstrip()

    @staticmethod
    def plain_description(definition: Mapping[str, Any]) -> str | None:
        """The description of the field as its owner wrote it."""
        return _LOAN.sub("", definition.get("agent_description") or "") or None


def option_values(definition: Mapping[str, Any]) -> Iterator[str]:
    """The options of a dropdown's definition, which are tags."""
    for option in definition.get("custom_field_options") or ():
        yield str(option.get("value"))
