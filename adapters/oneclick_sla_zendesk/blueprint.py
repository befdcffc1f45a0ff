"""What this program needs on an account: ticket fields, views, the webhook, triggers.

Said once, as the bodies that Zendesk is sent; ``inventory`` says what stands there and
``provision`` brings the two together. Everything we make carries a mark by which it is
found again: fields a marker in the description for agents, views and triggers one in
their description, the webhook and the trigger category their name.
https://developer.zendesk.com/documentation/ticketing/reference-guides/conditions-reference/ ,
https://developer.zendesk.com/documentation/ticketing/reference-guides/actions-reference/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from oneclick_sla_plugin.domain.field_labels import FIELD_CHOICES
from oneclick_sla_plugin.domain.model import (
    TAG_FIELDS,
    TAG_IS_COMPLAINT,
    Channel,
    Field,
    Kind,
    SlaState,
    tag_of,
)
from oneclick_sla_zendesk.channels import VIA_IDS
from oneclick_sla_zendesk.fields import DATE, DROPDOWN
from oneclick_sla_zendesk.settings import OwnedChannel, Owner
from oneclick_sla_zendesk.webhook import CONDITIONAL, SUBSCRIPTIONS

Condition = dict[str, str | None]


# --- Ticket fields ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A ticket field as we make it."""

    name: Field
    type: str
    filled_by_agents: bool = False

    @property
    def options(self) -> Mapping[str, str]:
        """For a dropdown, each bare value with what agents read."""
        return FIELD_CHOICES[self.name] if self.type == DROPDOWN else {}

    def option_list(self) -> list[dict[str, str]]:
        return [{"name": label, "value": tag_of(self.name, value)} for value, label in self.options.items()]

    @property
    def description(self) -> str:
        return "Filled by agents for oneclick-sla." if self.filled_by_agents else "Kept up to date by oneclick-sla."


FIELD_SPECS = (
    FieldSpec(Field.SLA_PRIORITY, DROPDOWN),
    FieldSpec(Field.SLA_STATE, DROPDOWN),
    FieldSpec(Field.NEXT_DUE_AT, "text"),
    FieldSpec(Field.FIRST_REPLY_DUE_AT, "text"),
    FieldSpec(Field.RESOLUTION_DUE_AT, "text"),
    FieldSpec(Field.COMPLAINT_STAGE, DROPDOWN),
    FieldSpec(Field.COMPLAINT_NUMBER, "text"),
    FieldSpec(Field.COMPLAINT_RESPONSE_DUE_AT, "text"),
    FieldSpec(Field.PROMISED_AT, DATE, filled_by_agents=True),
    FieldSpec(Field.EXTENSION_REASON, "text", filled_by_agents=True),
)


# --- Views --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """A list of tickets for agents: those with one of ``tags`` that are not yet at ``until``."""

    key: str
    title: str
    tags: tuple[str, ...]
    until: Literal["solved", "closed"]

    @property
    def mark(self) -> str:
        return f"[oneclick-sla:view:{self.key}]"

    def conditions(self) -> dict[str, list[Condition]]:
        return {
            "all": [_condition("status", "less_than", self.until), _condition("current_tags", "includes", *self.tags)],
            "any": [],
        }

    def definition(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "description": f"Made by oneclick-sla. {self.mark}",
            "active": True,
            **self.conditions(),
            "output": {"columns": ["status", "subject", "requester", "priority", "assignee", "created"]},
        }


VIEW_SPECS = (
    ViewSpec(
        "at_risk",
        "SLA at risk",
        (tag_of(Field.SLA_STATE, SlaState.AT_RISK), tag_of(Field.SLA_STATE, SlaState.BREACHED)),
        "solved",
    ),
    ViewSpec("complaints", "Complaints", (f"sla_kind_{Kind.COMPLAINT}", TAG_IS_COMPLAINT), "closed"),
    ViewSpec("sensitive_data", "Sensitive data", ("sla_sensitive_data",), "closed"),
)


# --- The webhook --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """The account's webhook. Zendesk knows two kinds that cannot become each other, so each has a name of its own."""

    name: str
    subscriptions: tuple[str, ...]

    def definition(self, endpoint: str) -> dict[str, Any]:
        return {
            "name": self.name,
            "endpoint": endpoint,
            "http_method": "POST",
            "request_format": "json",
            "status": "active",
            "subscriptions": list(self.subscriptions),
        }


def object_name(account: str) -> str:
    """The name by which an account's webhook and trigger category are found again."""
    return f"oneclick-sla: {account}"


def webhook_specs(account: str) -> Mapping[str, WebhookSpec]:
    """The two kinds, by the setting that chooses one."""
    name = object_name(account)
    return {
        "events": WebhookSpec(name, SUBSCRIPTIONS),
        "triggers": WebhookSpec(f"{name} (triggers)", (CONDITIONAL,)),
    }


# --- Triggers -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ids:
    """What conditions and actions of triggers name by numbers that only the account knows."""

    own_user: str
    webhook: str
    category: str
    state_field: str


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """A trigger: ``rings`` calls the webhook at a ticket's creation or change, else it tells an owner."""

    account: str
    key: str
    title: str
    rings: Literal["Create", "Change"] | None = None
    owner: Owner | None = None
    channels: tuple[Channel, ...] = ()
    other_channels: bool = False

    @property
    def mark(self) -> str:
        return f"{trigger_mark(self.account)}{self.key}]"

    def conditions(self, ids: Ids) -> dict[str, list[Condition]]:
        if self.rings == "Create":
            return {"all": [_condition("update_type", "is", "Create")], "any": []}
        if self.rings == "Change":
            # Our own changes would only wake us for nothing.
            ours = _condition("role", "is_not", ids.own_user)
            return {"all": [_condition("update_type", "is", "Change"), ours], "any": []}
        late = [tag_of(Field.SLA_STATE, state) for state in (SlaState.AT_RISK, SlaState.BREACHED)]
        said_once: Condition = {"field": f"custom_fields_{ids.state_field}", "operator": "changed", "value": None}
        vias = [str(number) for channel in self.channels for number in VIA_IDS[channel]]
        everywhere = [said_once, _condition("current_tags", "includes", *late)]
        if self.other_channels:
            return {"all": [*everywhere, *(_condition("via_id", "is_not", via) for via in vias)], "any": []}
        return {"all": everywhere, "any": [_condition("via_id", "is", via) for via in vias]}

    def actions(self, ids: Ids) -> list[dict[str, Any]]:
        if self.rings is not None:
            return [{"field": "notification_webhook", "value": [ids.webhook, _template(self.rings)]}]
        message = [
            "Service level of ticket #{{ticket.id}}",
            "Ticket #{{ticket.id}} is at risk of missing its service level, or has missed it: {{ticket.link}}",
        ]
        if self.owner == "assignee":
            return [{"field": "notification_user", "value": ["assignee_id", *message]}]
        group = "group_id" if self.owner == "group" else str(self.owner)
        return [{"field": "notification_group", "value": [group, *message]}]

    def definition(self, ids: Ids) -> dict[str, Any]:
        return {
            "title": self.title,
            "description": f"Made by oneclick-sla. {self.mark}",
            "category_id": ids.category,
            "active": True,
            "conditions": self.conditions(ids),
            "actions": self.actions(ids),
        }


def trigger_mark(account: str) -> str:
    """How the marks of an account's triggers begin."""
    return f"[oneclick-sla:trigger:{account}:"


def trigger_specs(account: str, webhook: str, owners: Mapping[OwnedChannel, Owner]) -> Iterator[TriggerSpec]:
    """The triggers that the settings ask for; none for a webhook of events without owners."""
    name = object_name(account)
    if webhook == "triggers":
        yield TriggerSpec(account, "created", f"{name}: ticket created", rings="Create")
        yield TriggerSpec(account, "changed", f"{name}: ticket changed", rings="Change")
    single = {Channel(channel): owner for channel, owner in owners.items() if channel != "default"}
    for channel, owner in single.items():
        title = f"{name}: tell the owner of {channel.replace('_', ' ')}"
        yield TriggerSpec(account, f"owner:{channel}", title, owner=owner, channels=(channel,))
    if "default" in owners:
        yield TriggerSpec(
            account,
            "owner",
            f"{name}: tell the owner",
            owner=owners["default"],
            channels=tuple(single),
            other_channels=True,
        )


def _template(rings: str) -> str:
    """Ids only, as text: Zendesk does not escape what it fills in, and an empty placeholder leaves a hole."""
    kind = "ticket_created" if rings == "Create" else "ticket_changed"
    body = {"v": 1, "kind": kind, "ticket_id": "{{ticket.id}}", "account": "{{ticket.account}}"}
    return json.dumps(body, separators=(",", ":"))


def _condition(name: str, operator: str, *values: str) -> Condition:
    return {"field": name, "operator": operator, "value": " ".join(values)}


def options_of(spec: FieldSpec) -> frozenset[str]:
    """The tags that a dropdown of ours must offer."""
    return frozenset(option["value"] for option in spec.option_list()) if spec.name in TAG_FIELDS else frozenset()
