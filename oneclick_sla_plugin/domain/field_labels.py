"""What agents read: the names of our ticket fields, and of the choices in those that have them.

The same on every helpdesk, unless an administrator renames a field there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from oneclick_sla_plugin.domain.complaint import Stage
from oneclick_sla_plugin.domain.model import Field, Priority, SlaState

FIELD_LABELS: Mapping[Field, str] = MappingProxyType(
    {
        Field.SLA_PRIORITY: "SLA priority",
        Field.SLA_STATE: "SLA state",
        Field.NEXT_DUE_AT: "SLA next due",
        Field.FIRST_REPLY_DUE_AT: "SLA first reply due",
        Field.RESOLUTION_DUE_AT: "SLA resolution due",
        Field.COMPLAINT_STAGE: "SLA complaint stage",
        Field.COMPLAINT_NUMBER: "SLA complaint number",
        Field.COMPLAINT_RESPONSE_DUE_AT: "SLA complaint response due",
        Field.PROMISED_AT: "SLA promised date",
        Field.EXTENSION_REASON: "SLA extension reason",
    }
)


def _choices(values: Iterable[str], blank: str) -> Mapping[str, str]:
    return MappingProxyType({str(value): value.replace("_", blank).capitalize() for value in values})


FIELD_CHOICES: Mapping[Field, Mapping[str, str]] = MappingProxyType(
    {
        Field.SLA_PRIORITY: _choices(Priority, " "),
        Field.SLA_STATE: _choices(SlaState, " "),
        Field.COMPLAINT_STAGE: _choices(Stage, "-"),
    }
)
"""The bare values of a field with choices, each with what agents read."""
