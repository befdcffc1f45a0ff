"""What stands on an account of the things this program needs or once made there.

https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_fields/ ,
https://developer.zendesk.com/api-reference/ticketing/business-rules/views/ ,
https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/ ,
https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request
from oneclick_sla_zendesk.blueprint import (
    TriggerSpec,
    ViewSpec,
    WebhookSpec,
    object_name,
    trigger_mark,
    webhook_specs,
)
from oneclick_sla_zendesk.exchanges import PAGE_SIZE, entries, pages
from oneclick_sla_zendesk.fields import definitions
from oneclick_sla_zendesk.limits import PLATFORM, fetch, unexpected_body

WEBHOOKS_PATH = "/api/v2/webhooks"
VIEWS_PATH = "/api/v2/views"
TRIGGERS_PATH = "/api/v2/triggers"
CATEGORIES_PATH = "/api/v2/trigger_categories"

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects of one account, each list as Zendesk gives it."""

    account: str
    fields: Sequence[Found]
    views: Sequence[Found]
    webhooks: Sequence[Found]
    categories: Sequence[Found]
    triggers: Sequence[Found]

    def view(self, spec: ViewSpec) -> Found | None:
        return _marked(self.views, spec.mark)

    def webhook(self, spec: WebhookSpec) -> Found | None:
        return next((hook for hook in self.webhooks if hook.get("name") == spec.name), None)

    def category(self) -> Found | None:
        name = object_name(self.account)
        return next((category for category in self.categories if category.get("name") == name), None)

    def trigger(self, spec: TriggerSpec) -> Found | None:
        return _marked(self.triggers, spec.mark)

    def our_triggers(self) -> list[Found]:
        """All that carry this account's mark, whatever the settings ask for now."""
        mark = trigger_mark(self.account)
        return [trigger for trigger in self.triggers if mark in (trigger.get("description") or "")]

    def our_webhooks(self) -> list[Found]:
        names = {spec.name for spec in webhook_specs(self.account).values()}
        return [hook for hook in self.webhooks if hook.get("name") in names]


def _marked(found: Sequence[Found], mark: str) -> Found | None:
    return next((entry for entry in found if mark in (entry.get("description") or "")), None)


def take_inventory(account: str, base_url: str) -> Exchange[Inventory]:
    """Read everything that an installation is compared with."""
    fields = yield from definitions(base_url)
    views = yield from _all(VIEWS_PATH, "views", base_url)
    webhooks = yield from find_webhooks(account, base_url)
    categories = yield from _all(CATEGORIES_PATH, "trigger_categories", base_url)
    triggers = yield from _all(TRIGGERS_PATH, "triggers", base_url)
    return Inventory(account, fields, views, webhooks, categories, triggers)


def _all(path: str, key: str, base_url: str) -> Exchange[Sequence[Found]]:
    request = Request("GET", path, f"read {key.replace('_', ' ')}", query=(PAGE_SIZE,))
    found = yield from pages(request, base_url)
    return entries(found, key, request.operation)


def find_webhooks(account: str, base_url: str) -> Exchange[Sequence[Found]]:
    """The webhooks whose name contains the account's; which one is meant, its whole name says."""
    query = (("filter[name_contains]", object_name(account)), PAGE_SIZE)
    request = Request("GET", WEBHOOKS_PATH, "read webhooks", query=query)
    found = yield from pages(request, base_url)
    return entries(found, "webhooks", request.operation)


def find_webhook(account: str, spec: WebhookSpec, base_url: str) -> Exchange[Found | None]:
    """The account's webhook of one kind."""
    found = yield from find_webhooks(account, base_url)
    return next((hook for hook in found if hook.get("name") == spec.name), None)


def subscriptions_of(webhook: Found) -> frozenset[str]:
    """The events that a webhook is told of, or the one subscription of one that triggers call."""
    listed = webhook.get("subscriptions")
    return frozenset(str(event) for event in listed) if isinstance(listed, list) else frozenset()


def signing_secret(webhook: Found | None) -> Exchange[str]:
    """The secret that Zendesk made for a webhook; creating one does not tell it."""
    operation = "read signing secret"
    if webhook is None:
        raise PermanentPlatformError(platform=PLATFORM, operation=operation, reason="webhook_missing")
    body = yield from fetch(Request("GET", f"{path_of(WEBHOOKS_PATH, webhook)}/signing_secret", operation))
    found = body.get("signing_secret")
    secret = found.get("secret") if isinstance(found, dict) else None
    if not isinstance(secret, str) or not secret:
        raise unexpected_body(operation)
    return secret


def path_of(collection: str, found: Found) -> str:
    """The path of one object of a collection."""
    return f"{collection}/{quote(str(found['id']), safe='')}"
