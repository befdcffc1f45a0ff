"""The automation rules that ring the webhook: as they are wanted, and as they stand on an account.

What is read of a rule cannot be written back, may have numbers as texts, and perhaps
lacks its headers. https://developers.freshdesk.com/api/#automations
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oneclick_sla_freshdesk import limits
from oneclick_sla_freshdesk.exchanges import pages
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request

CREATION, UPDATES = 1, 4
"""Types of rules: when a ticket is created, and when one is updated."""

HEADER = "X-Webhook-Secret"

_MASK = re.compile(r"[*•xX]+")
"""What may stand in the place of a secret that is not shown."""


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """An automation rule that rings the webhook. ``performer``: 1 an agent, 2 the customer."""

    name: str
    type: int
    key: str
    performer: int | None = None
    events: tuple[tuple[str, str], ...] = ()

    def definition(self, webhook_url: str, secret: str) -> dict[str, Any]:
        """As it is sent; a rule that lacks one of the webhook's keys is answered by a 500."""
        made: dict[str, Any] = {"name": self.name, "actions": [self._action(webhook_url, secret)]}
        if self.type == CREATION:
            # Of the rules of this type only the first that fits may run: ours comes first and changes nothing.
            made["position"] = 1
            made["conditions"] = [
                {
                    "name": "condition_set_1",
                    "match_type": "all",
                    "properties": [
                        {"resource_type": "ticket", "field_name": "priority", "operator": "in", "value": [1, 2, 3, 4]}
                    ],
                }
            ]
        else:
            made["performer"] = {"type": self.performer}
            made["events"] = [self._event(name, value) for name, value in self.events]
        return made

    def _action(self, webhook_url: str, secret: str) -> dict[str, Any]:
        return {
            "field_name": "trigger_webhook",
            "request_type": "POST",
            "content_type": "JSON",
            "content_layout": "2",
            "url": webhook_url,
            "custom_headers": {HEADER: secret},
            "content": self._content(),
        }

    def _content(self) -> dict[str, str]:
        """Ids only: other placeholders may break the JSON."""
        return {
            "v": "1",
            "rule": self.key,
            "ticket_id": "{{ticket.id}}",
            "triggered_event": "{{triggered_event}}",
        }

    @staticmethod
    def _event(name: str, value: str) -> dict[str, str]:
        match value:
            case "any":
                return {"field_name": name, "from": "--", "to": "--"}
            case "":
                return {"field_name": name}
            case _:
                return {"field_name": name, "value": value}

    def by_hand(self, webhook_url: str) -> tuple[str, ...]:
        """What an administrator has to enter, field by field, in the words of Freshdesk's page; no secret is told."""
        tab = "Ticket creation" if self.type == CREATION else "Ticket updates"
        if self.type == CREATION:
            when = ["Position: first", "Condition: if the ticket's priority is Low, Medium, High or Urgent"]
        else:
            when = [
                f"When an action performed by: {_PERFORMERS[self.performer or 1]}",
                *(f"Involves any of these events: {_EVENTS[event]}" for event in self.events),
            ]
        return (
            f"Admin > Workflows > Automations > {tab} > New rule",
            f"Name: {self.name}",
            *when,
            "Action: Trigger webhook",
            "Request type: POST",
            f"URL: {webhook_url}",
            f"Custom headers: {HEADER}: (the first secret of webhook_secrets)",
            "Encoding: JSON",
            "Content: Advanced",
            json.dumps(self._content()),
        )


_PERFORMERS = {1: "Agent", 2: "Requester"}
_EVENTS = {
    **{
        (name, "any"): f"{label} is changed, from any to any"
        for name, label in {
            "status": "Status",
            "priority": "Priority",
            "ticket_type": "Type",
            "group_id": "Group",
            "responder_id": "Agent",
        }.items()
    },
    ("reply_sent", ""): "Reply is sent",
    ("note_type", "public"): "Note is added, public",
}
"""The events of our rules as administrators read them."""


def rule_specs(account: str) -> tuple[RuleSpec, ...]:
    """The rules of one account.

    Narrow events, so that our own writes ring seldom: nothing for tags, due dates and
    private notes, and what customers do is told apart from what agents do.
    """
    name = object_name(account)
    changes = tuple((event, "any") for event in ("status", "priority", "ticket_type", "group_id", "responder_id"))
    return (
        RuleSpec(f"{name}: ticket created", CREATION, "created"),
        RuleSpec(
            f"{name}: agent acted",
            UPDATES,
            "agent",
            performer=1,
            events=(*changes, ("reply_sent", ""), ("note_type", "public")),
        ),
        RuleSpec(
            f"{name}: requester acted",
            UPDATES,
            "requester",
            performer=2,
            events=(("reply_sent", ""), ("status", "any"), ("note_type", "public")),
        ),
    )


def object_name(account: str) -> str:
    """How the names of an account's rules begin."""
    return f"oneclick-sla {account}"


def rules_path(rule_type: int, rule_id: object = None) -> str:
    path = f"{limits.API}/automations/{rule_type}/rules"
    return path if rule_id is None else f"{path}/{rule_id}"


def read_rules(rule_type: int) -> Exchange[list[Mapping[str, Any]]]:
    """All rules of a type."""
    return (yield from pages(Request("GET", rules_path(rule_type), "read automation rules")))


def find_rules(account: str) -> Exchange[dict[str, Mapping[str, Any]]]:
    """Our rules on the account, by name."""
    names = {spec.name for spec in rule_specs(account)}
    found: dict[str, Mapping[str, Any]] = {}
    for rule_type in (CREATION, UPDATES):
        for rule in (yield from read_rules(rule_type)):
            if rule.get("name") in names:
                found[str(rule["name"])] = {**rule, "type": rule_type}
    return found


def webhook_of(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """The action of a rule that calls the webhook; empty when it has none."""
    actions = rule.get("actions")
    for action in actions if isinstance(actions, list) else ():
        if isinstance(action, dict) and action.get("field_name") == "trigger_webhook":
            return action
    return {}


def secret_of(rule: Mapping[str, Any]) -> str | None:
    """The secret that a rule sends; ``None`` when it sends none, or when Freshdesk hides it."""
    headers = webhook_of(rule).get("custom_headers")
    value = headers.get(HEADER) if isinstance(headers, dict) else None
    return value if isinstance(value, str) and value and not _MASK.fullmatch(value) else None


def reads_as(rule: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a rule that was read does what was written: numbers may come back as texts, and more keys.

    Headers that Freshdesk does not show are believed to be there.
    """
    action, ours = webhook_of(rule), wanted["actions"][0]
    hidden = {"custom_headers"} if secret_of(rule) is None else set()
    if any(_plain(action.get(key)) != _plain(value) for key, value in ours.items() if key not in hidden):
        return False
    if "events" not in wanted:
        return True
    events, performer = rule.get("events"), rule.get("performer")
    standing = [_plain(event) for event in events] if isinstance(events, list) else []
    named = performer.get("type") if isinstance(performer, dict) else performer
    return str(named) == str(wanted["performer"]["type"]) and all(_plain(each) in standing for each in wanted["events"])


def _plain(value: object) -> object:
    """Numbers as texts, nothing as an empty text, so that values compare as they are meant."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return "" if value is None else str(value)
