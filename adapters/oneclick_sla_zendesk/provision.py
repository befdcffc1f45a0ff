"""What an account needs for this program, compared with what stands there.

Everything is looked up before it is made, fields by marker or title and the
webhook by its name, so a second installation finds nothing to do.
https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/ ,
https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from oneclick_sla_plugin.domain.model import Field, Priority, SlaState, tag_of
from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.ports import InstallStep, Request
from oneclick_sla_zendesk.exchanges import PAGE_SIZE, Exchange, entries, fetch, json_request, pages
from oneclick_sla_zendesk.fields import DROPDOWN, FIELDS_PATH, TITLES, definitions, identify, marker, option_values
from oneclick_sla_zendesk.limits import PLATFORM, unexpected_body
from oneclick_sla_zendesk.webhook import SUBSCRIPTIONS

T = TypeVar("T")

WEBHOOKS_PATH = "/api/v2/webhooks"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A ticket field as we make it. ``options``: for a dropdown, each bare value with what agents read."""

    name: Field
    type: str
    options: Mapping[str, str]

    def option_list(self) -> list[dict[str, str]]:
        return [{"name": label, "value": tag_of(self.name, value)} for value, label in self.options.items()]


FIELD_SPECS = (
    FieldSpec(Field.SLA_PRIORITY, DROPDOWN, {value.value: value.value.capitalize() for value in Priority}),
    FieldSpec(
        Field.SLA_STATE,
        DROPDOWN,
        {
            SlaState.ON_TRACK.value: "On track",
            SlaState.AT_RISK.value: "At risk",
            SlaState.BREACHED.value: "Breached",
        },
    ),
    FieldSpec(Field.NEXT_DUE_AT, "text", {}),
    FieldSpec(Field.FIRST_REPLY_DUE_AT, "text", {}),
)


class Runner(Protocol):
    """Runs an exchange against the account, with a login that may change its configuration."""

    def __call__(self, exchange: Exchange[T], /) -> T: ...


class ZendeskInstallation:
    """The steps of an installation. Looks the account up when it is made; changes it when steps are applied."""

    steps: Sequence[InstallStep]

    def __init__(self, *, account: str, webhook_url: str, base_url: str, run: Runner) -> None:
        self._name = webhook_name(account)
        self._base_url = base_url
        self._run = run
        found = run(definitions(base_url))
        webhook = run(find_webhook(self._name, base_url))
        self.steps = (
            *(self._field_step(spec, identify(spec.name, found)) for spec in FIELD_SPECS),
            self._webhook_step(webhook, webhook_url),
        )

    def secrets(self) -> Mapping[str, str]:
        """The secret that Zendesk signs with. Raises ``PermanentPlatformError`` when there is no webhook yet."""
        return {"webhook_secrets": self._run(signing_secret(self._name, self._base_url))}

    def _field_step(self, spec: FieldSpec, found: Mapping[str, Any] | None) -> InstallStep:
        what = f'ticket field "{TITLES[spec.name]}"'
        request = field_creation(spec) if found is None else field_correction(spec, found)
        return self._step(what, found, request)

    def _webhook_step(self, found: Mapping[str, Any] | None, webhook_url: str) -> InstallStep:
        what = f'webhook "{self._name}"'
        if found is None:
            return self._step(what, found, webhook_creation(self._name, webhook_url))
        return self._step(what, found, webhook_correction(found, webhook_url))

    def _step(self, what: str, found: object, request: Request | None) -> InstallStep:
        if request is None:
            return InstallStep(what, "keep", lambda: None)
        return InstallStep(what, "create" if found is None else "update", lambda: self._apply(request))

    def _apply(self, request: Request) -> None:
        self._run(fetch(request))


def webhook_name(account: str) -> str:
    """The name by which an account's webhook is found again."""
    return f"oneclick-sla: {account}"


# --- Ticket fields ----------------------------------------------------------------------------


def field_creation(spec: FieldSpec) -> Request:
    """Make a field, with the marker by which it is known even under another title."""
    definition: dict[str, Any] = {
        "type": spec.type,
        "title": TITLES[spec.name],
        "agent_description": f"Kept up to date by oneclick-sla. {marker(spec.name)}",
    }
    if spec.options:
        definition["custom_field_options"] = spec.option_list()
    return json_request("POST", FIELDS_PATH, "create ticket field", {"ticket_field": definition})


def field_correction(spec: FieldSpec, found: Mapping[str, Any]) -> Request | None:
    """What an existing field lacks: to be active and, for a dropdown, our options; ``None`` when nothing.

    The list of options is replaced as a whole, so those that stand are sent along.
    """
    wanted: dict[str, Any] = {}
    if not found.get("active", True):
        wanted["active"] = True
    if spec.options and found.get("type") == DROPDOWN:
        standing = set(option_values(found))
        lacking = [option for option in spec.option_list() if option["value"] not in standing]
        if lacking:
            kept = [_option(option) for option in found.get("custom_field_options") or ()]
            wanted["custom_field_options"] = [*kept, *lacking]
    if not wanted:
        return None
    path = f"{FIELDS_PATH}/{quote(str(found['id']), safe='')}"
    return json_request("PUT", path, "update ticket field", {"ticket_field": wanted})


def _option(option: Mapping[str, Any]) -> dict[str, Any]:
    return {key: option[key] for key in ("id", "name", "value") if key in option}


# --- The webhook ------------------------------------------------------------------------------


def find_webhook(name: str, base_url: str) -> Exchange[Mapping[str, Any] | None]:
    """The account's webhook with exactly this name."""
    request = Request("GET", WEBHOOKS_PATH, "read webhooks", query=(("filter[name_contains]", name), PAGE_SIZE))
    found = yield from pages(request, base_url)
    return _named(name, entries(found, "webhooks", request.operation))


def _named(name: str, found: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((webhook for webhook in found if webhook.get("name") == name), None)


def webhook_creation(name: str, webhook_url: str) -> Request:
    """Make the webhook, subscribed to the events that can change a decision."""
    webhook = {
        "name": name,
        "endpoint": webhook_url,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": list(SUBSCRIPTIONS),
    }
    return json_request("POST", WEBHOOKS_PATH, "create webhook", {"webhook": webhook})


def webhook_correction(found: Mapping[str, Any], webhook_url: str) -> Request | None:
    """What differs on an existing webhook; ``None`` when nothing does."""
    wanted: dict[str, Any] = {}
    if found.get("endpoint") != webhook_url:
        wanted["endpoint"] = webhook_url
    if found.get("status") != "active":
        wanted["status"] = "active"
    if set(found.get("subscriptions") or ()) != set(SUBSCRIPTIONS):
        wanted["subscriptions"] = list(SUBSCRIPTIONS)
    if not wanted:
        return None
    return json_request("PATCH", _webhook_path(found), "update webhook", {"webhook": wanted})


def signing_secret(name: str, base_url: str) -> Exchange[str]:
    """The secret that Zendesk made for the webhook; creating one does not tell it."""
    webhook = yield from find_webhook(name, base_url)
    operation = "read signing secret"
    if webhook is None:
        raise PermanentPlatformError(platform=PLATFORM, operation=operation, reason="webhook_missing")
    body = yield from fetch(Request("GET", f"{_webhook_path(webhook)}/signing_secret", operation))
    found = body.get("signing_secret")
    secret = found.get("secret") if isinstance(found, dict) else None
    if not isinstance(secret, str) or not secret:
        raise unexpected_body(operation)
    return secret


def _webhook_path(webhook: Mapping[str, Any]) -> str:
    return f"{WEBHOOKS_PATH}/{quote(str(webhook['id']), safe='')}"
