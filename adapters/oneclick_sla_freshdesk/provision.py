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
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from oneclick_sla_freshdesk import limits
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
from oneclick_sla_freshdesk.rules import RuleSpec, find_rules, read_rules, reads_as, rule_specs, rules_path, secret_of
from oneclick_sla_freshdesk.settings import FreshdeskSettings
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError, Unauthorised
from oneclick_sla_plugin.exchanges import Exchange, json_request
from oneclick_sla_plugin.ports import InstallStep, Request

T = TypeVar("T")


class Runner(Protocol):
    """Runs an exchange against the account, with a key that may change its configuration."""

    def __call__(self, exchange: Exchange[T], /) -> T: ...


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
                steps.append(InstallStep(_named(spec), "by_hand", _nothing, spec.by_hand(webhook_url)))
            else:
                steps.append(self._rule_step(spec, rules.get(spec.name)))
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

    def _rule_step(self, spec: RuleSpec, standing: Mapping[str, Any] | None) -> InstallStep:
        wanted = spec.definition(self._url, self._secret)
        if standing is not None and _is_in_order(standing, wanted, self._secret):
            return InstallStep(_named(spec), "keep", _nothing)
        if standing is None:
            request = json_request("POST", rules_path(spec.type), "create automation rule", {**wanted, "active": False})
        else:
            request = json_request("PUT", rules_path(spec.type, standing["id"]), "update automation rule", wanted)

        def exchange() -> Exchange[None]:
            yield from fetch(request)
            found = [rule for rule in (yield from read_rules(spec.type)) if rule.get("name") == spec.name]
            if not found or not reads_as(found[0], wanted):
                reason = "rule_reads_otherwise"
                raise PermanentPlatformError(platform=limits.PLATFORM, operation="activate rule", reason=reason)
            # Written whole: what is read of a rule cannot be written back.
            body = {**wanted, "active": True}
            yield from fetch(json_request("PUT", rules_path(spec.type, found[0]["id"]), "activate rule", body))

        action: Literal["create", "update"] = "create" if standing is None else "update"
        return InstallStep(_named(spec), action, lambda: self._run(exchange()), spec.by_hand(self._url))

    def _sending(self, request: Request) -> Callable[[], None]:
        def apply() -> None:
            self._run(fetch(request))

        return apply


def _named(spec: RuleSpec) -> str:
    return f'automation rule "{spec.name}"'


def _is_in_order(rule: Mapping[str, Any], wanted: Mapping[str, Any], secret: str) -> bool:
    """Whether a rule needs nothing; one whose secret is not shown is written anew, lest it have another."""
    active = bool(rule.get("active")) and not rule.get("outdated")
    return active and secret_of(rule) == secret and reads_as(rule, wanted)


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
