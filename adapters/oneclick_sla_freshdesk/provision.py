"""Installing and taking back: what an account needs, compared with what stands there.

Ticket fields, and automation rules that ring the webhook. Everything we make carries a
mark by which it is found again: fields a label for customers, whom they are not shown to,
rules their name. What an account had before is not changed: a field with one of our labels
is used as it is. Rules are made inactive, read back, and activated only when they read as
they were written. Where the plan or the rights forbid rules, the steps say field by field
what an administrator has to make by hand.
https://developers.freshdesk.com/api/#create_ticket_field ,
https://developers.freshdesk.com/api/#automations
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from oneclick_sla_freshdesk import limits
from oneclick_sla_freshdesk.exchanges import pages
from oneclick_sla_freshdesk.fields import (
    ADMIN_FIELDS_PATH,
    DROPDOWN,
    FIELD_SPECS,
    Definition,
    FieldSpec,
    admin_definitions,
    choice_values,
    identify,
    is_ours,
)
from oneclick_sla_freshdesk.limits import fetch
from oneclick_sla_freshdesk.settings import FreshdeskSettings
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError, Unauthorised
from oneclick_sla_plugin.exchanges import Exchange, json_request
from oneclick_sla_plugin.ports import InstallStep, Request

T = TypeVar("T")

CREATION, UPDATES = 1, 4
"""Types of rules: when a ticket is created, and when one is updated."""

HEADER = "X-Webhook-Secret"


class Runner(Protocol):
    """Runs an exchange against the account, with a key that may change its configuration."""

    def __call__(self, exchange: Exchange[T], /) -> T: ...


# --- What is needed -----------------------------------------------------------------------------


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
            # Ids only: other placeholders may break the JSON.
            "content": {
                "v": "1",
                "rule": self.key,
                "ticket_id": "{{ticket.id}}",
                "triggered_event": "{{triggered_event}}",
            },
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

    def by_hand(self, webhook_url: str) -> str:
        """What an administrator has to enter, field by field; the secret is named, not told."""
        when = "a ticket is created" if self.type == CREATION else f"{_PERFORMERS[self.performer or 1]} does one of"
        events = ", ".join(name for name, _ in self.events)
        return (
            f'rule to be made by hand: "{self.name}"; runs when {when}{f" {events}" if events else ""}; '
            f"action Trigger webhook; request type POST; URL {webhook_url}; "
            f"custom header {HEADER} with the first of webhook_secrets; encoding JSON; content advanced: "
            '{"ticket_id":"{{ticket.id}}","triggered_event":"{{triggered_event}}"}'
        )


_PERFORMERS = {1: "an agent", 2: "the requester"}


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
    """The secret that a rule sends, as far as Freshdesk shows it."""
    headers = webhook_of(rule).get("custom_headers")
    value = headers.get(HEADER) if isinstance(headers, dict) else None
    return value if isinstance(value, str) and value else None


def reads_as(rule: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a rule that was read does what was written: numbers may come back as texts, and more keys."""
    action, ours = webhook_of(rule), wanted["actions"][0]
    if any(_plain(action.get(key)) != _plain(value) for key, value in ours.items()):
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


# --- Installing ---------------------------------------------------------------------------------


class FreshdeskInstallation:
    """The steps of an installation. Looks the account up when it is made; changes it when steps are applied."""

    steps: Sequence[InstallStep]

    def __init__(self, *, account: str, webhook_url: str, settings: FreshdeskSettings, run: Runner) -> None:
        self._run = run
        self._url = webhook_url
        fields = run(admin_definitions())
        try:
            rules = run(find_rules(account))
            forbidden = False
        except (Unauthorised, PermanentPlatformError) as error:
            if error.status not in (403, 404):
                raise
            rules, forbidden = {}, True
        self._secret = _first_secret(settings) or _standing_secret(rules) or secrets.token_urlsafe(32)
        steps = [step for spec in FIELD_SPECS if (step := self._field_step(spec, fields)) is not None]
        for spec in rule_specs(account):
            if forbidden:
                steps.append(InstallStep(spec.by_hand(webhook_url), "keep", _nothing))
            else:
                steps += self._rule_steps(spec, rules.get(spec.name))
        self.steps = tuple(steps)

    def secrets(self) -> Mapping[str, str]:
        """The secret that the rules send: the first that is configured, else one made here."""
        return {"webhook_secrets": self._secret}

    def _field_step(self, spec: FieldSpec, found: Sequence[Definition]) -> InstallStep:
        what = f'ticket field "{spec.label}"'
        standing = identify(spec, found)
        if standing is None:
            request = json_request("POST", ADMIN_FIELDS_PATH, "create ticket field", spec.definition())
            return InstallStep(what, "create", self._sending(request))
        lacking = [label for label in spec.options.values() if label not in choice_values(standing)]
        if not is_ours(spec, standing) or standing.get("type") != DROPDOWN or not lacking:
            return InstallStep(what, "keep", _nothing)
        # Choices that stand are named by their ids, else they count as doubles.
        choices: list[Mapping[str, Any]] = [
            {key: choice[key] for key in ("id", "value", "position") if key in choice}
            for choice in standing.get("choices") or ()
        ]
        choices += [{"value": label, "position": len(choices) + n} for n, label in enumerate(lacking, 1)]
        request = json_request(
            "PUT", f"{ADMIN_FIELDS_PATH}/{standing['id']}", "update ticket field", {"choices": choices}
        )
        return InstallStep(what, "update", self._sending(request))

    def _rule_steps(self, spec: RuleSpec, standing: Mapping[str, Any] | None) -> Iterator[InstallStep]:
        what = f'automation rule "{spec.name}"'
        wanted = spec.definition(self._url, self._secret)
        if standing is None:
            made = {**wanted, "active": False}
            request = json_request("POST", rules_path(spec.type), "create automation rule", made)
            yield InstallStep(f"{what}, inactive", "create", self._sending(request))
        elif not reads_as(standing, wanted):
            request = json_request("PUT", rules_path(spec.type, standing["id"]), "update automation rule", wanted)
            yield InstallStep(what, "update", self._sending(request))
        elif standing.get("active") and not standing.get("outdated"):
            yield InstallStep(what, "keep", _nothing)
            return
        yield InstallStep(f"{what}: compare with what was written, activate", "update", self._activation(spec, wanted))

    def _activation(self, spec: RuleSpec, wanted: Mapping[str, Any]) -> Callable[[], None]:
        def exchange() -> Exchange[None]:
            found = [rule for rule in (yield from read_rules(spec.type)) if rule.get("name") == spec.name]
            if not found or not reads_as(found[0], wanted):
                reason = "rule_reads_otherwise"
                raise PermanentPlatformError(platform=limits.PLATFORM, operation="activate rule", reason=reason)
            # Written whole: what is read of a rule cannot be written back.
            body = {**wanted, "active": True}
            yield from fetch(json_request("PUT", rules_path(spec.type, found[0]["id"]), "activate rule", body))

        def apply() -> None:
            self._run(exchange())

        return apply

    def _sending(self, request: Request) -> Callable[[], None]:
        def apply() -> None:
            self._run(fetch(request))

        return apply


def _first_secret(settings: FreshdeskSettings) -> str | None:
    return settings.webhook_secrets[0].get_secret_value() if settings.webhook_secrets else None


def _standing_secret(rules: Mapping[str, Mapping[str, Any]]) -> str | None:
    return next((secret for rule in rules.values() if (secret := secret_of(rule))), None)


def _nothing() -> None:
    """What is kept is not touched."""


# --- Taking back --------------------------------------------------------------------------------


def removal_steps(account: str, run: Runner) -> tuple[InstallStep, ...]:
    """Take an installation back; empty when nothing of it is left.

    Rules go before the fields. Deleting a ticket field deletes its values on all tickets,
    as Freshdesk warns; tags and notes stay.
    """
    fields = run(admin_definitions())
    try:
        rules = run(find_rules(account))
    except PlatformError as error:
        if error.status not in (403, 404):
            raise
        rules = {}
    steps = [
        _deletion(run, f'automation rule "{name}"', rules_path(int(rule["type"]), rule["id"]))
        for name, rule in rules.items()
    ]
    for spec in FIELD_SPECS:
        found = identify(spec, fields)
        if found is not None and is_ours(spec, found):
            steps.append(_deletion(run, f'ticket field "{found.get("label")}"', f"{ADMIN_FIELDS_PATH}/{found['id']}"))
    return tuple(steps)


def _deletion(run: Runner, what: str, path: str) -> InstallStep:
    request = Request("DELETE", path, "delete")

    def exchange() -> Exchange[None]:
        response = yield request
        if response.status != 404:  # somebody else was faster
            limits.json_value(request, response)

    def apply() -> None:
        run(exchange())

    return InstallStep(what, "delete", apply)
