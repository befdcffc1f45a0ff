"""The part of the simulated API that configures the account: fields, views, triggers, webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import request

from oneclick_sla_zendesk.simulator import shapes
from oneclick_sla_zendesk.simulator.account import Account
from oneclick_sla_zendesk.simulator.bodies import Answer, part
from oneclick_sla_zendesk.simulator.errors import record_not_found
from oneclick_sla_zendesk.simulator.paging import Json, page
from oneclick_sla_zendesk.simulator.records import Ticket
from oneclick_sla_zendesk.simulator.rules import BusinessRules
from oneclick_sla_zendesk.simulator.webhooks import Webhooks, webhook_json

_DAY = 24 * 60
OFFICE: Json = {
    "id": 1,
    "name": "Office",
    "time_zone": "Madrid",
    "intervals": [{"start_time": day * _DAY + 9 * 60, "end_time": day * _DAY + 18 * 60} for day in range(1, 6)],
}
"""The account's schedule: minutes since Sunday 00:00 of local time, in a zone that is no IANA name."""

HOLIDAYS: list[Json] = [
    {"id": 1, "name": "Navidad", "start_date": "2026-12-25", "end_date": "2026-12-25"},
    {"id": 2, "name": "Cierre", "start_date": "2026-12-31", "end_date": "2027-01-01"},
]
"""Both dates belong to the holiday. https://developer.zendesk.com/api-reference/ticketing/ticket-management/schedules/"""

Route = tuple[str, str, Callable[..., Answer]]


class Configuration:
    """Routes over the account's configuration; ``shown`` gives a ticket as the API does."""

    def __init__(
        self,
        *,
        account: Account,
        webhooks: Webhooks,
        rules: BusinessRules,
        base_url: str,
        shown: Callable[[Ticket], Json],
    ) -> None:
        self._account = account
        self._webhooks = webhooks
        self._rules = rules
        self._base_url = base_url
        self._shown = shown

    def routes(self) -> Iterable[Route]:
        return (
            ("GET", "/api/v2/ticket_fields", self._list_fields),
            ("POST", "/api/v2/ticket_fields", self._create_field),
            ("GET", "/api/v2/ticket_fields/<int:field_id>", self._show_field),
            ("PUT", "/api/v2/ticket_fields/<int:field_id>", self._update_field),
            ("DELETE", "/api/v2/ticket_fields/<int:field_id>", self._delete_field),
            ("GET", "/api/v2/views", self._list_views),
            ("POST", "/api/v2/views", self._create_view),
            ("GET", "/api/v2/views/<int:view_id>", self._show_view),
            ("PUT", "/api/v2/views/<int:view_id>", self._update_view),
            ("DELETE", "/api/v2/views/<int:view_id>", self._delete_view),
            ("GET", "/api/v2/views/<int:view_id>/tickets", self._list_view_tickets),
            ("GET", "/api/v2/trigger_categories", self._list_categories),
            ("POST", "/api/v2/trigger_categories", self._create_category),
            ("DELETE", "/api/v2/trigger_categories/<category_id>", self._delete_category),
            ("GET", "/api/v2/triggers", self._list_triggers),
            ("POST", "/api/v2/triggers", self._create_trigger),
            ("GET", "/api/v2/triggers/<int:trigger_id>", self._show_trigger),
            ("PUT", "/api/v2/triggers/<int:trigger_id>", self._update_trigger),
            ("DELETE", "/api/v2/triggers/<int:trigger_id>", self._delete_trigger),
            ("GET", "/api/v2/business_hours/schedules", self._list_schedules),
            ("GET", "/api/v2/business_hours/schedules/<int:schedule_id>/holidays", self._list_holidays),
            ("GET", "/api/v2/webhooks", self._list_webhooks),
            ("POST", "/api/v2/webhooks", self._create_webhook),
            ("POST", "/api/v2/webhooks/test", self._test_webhook),
            ("GET", "/api/v2/webhooks/<webhook_id>", self._show_webhook),
            ("PUT", "/api/v2/webhooks/<webhook_id>", self._replace_webhook),
            ("PATCH", "/api/v2/webhooks/<webhook_id>", self._update_webhook),
            ("DELETE", "/api/v2/webhooks/<webhook_id>", self._delete_webhook),
            ("GET", "/api/v2/webhooks/<webhook_id>/signing_secret", self._show_secret),
            ("POST", "/api/v2/webhooks/<webhook_id>/signing_secret", self._renew_secret),
            ("GET", "/api/v2/webhooks/<webhook_id>/invocations", self._list_invocations),
            ("GET", "/api/v2/webhooks/<webhook_id>/invocations/<invocation_id>/attempts", self._list_attempts),
        )

    # --- ticket fields ---

    def _list_fields(self) -> Answer:
        found = [shapes.field_json(item, self._base_url) for item in self._account.fields()]
        return page("ticket_fields", found, self._base_url), 200

    def _create_field(self) -> Answer:
        with self._account.lock:
            field = self._account.ticket_fields.create(part("ticket_field"))
        return {"ticket_field": shapes.field_json(field, self._base_url)}, 201

    def _show_field(self, field_id: int) -> Answer:
        with self._account.lock:
            field = self._account.ticket_fields.get(field_id)
        return {"ticket_field": shapes.field_json(field, self._base_url)}, 200

    def _update_field(self, field_id: int) -> Answer:
        with self._account.lock:
            field = self._account.ticket_fields.update(field_id, part("ticket_field"))
        return {"ticket_field": shapes.field_json(field, self._base_url)}, 200

    def _delete_field(self, field_id: int) -> Answer:
        with self._account.lock:
            self._account.ticket_fields.delete(field_id)
        return "", 204

    # --- views ---

    def _list_views(self) -> Answer:
        with self._account.lock:
            found = [view.as_json() for view in self._rules.views()]
        return page("views", found, self._base_url), 200

    def _create_view(self) -> Answer:
        with self._account.lock:
            return {"view": self._rules.keep_view(None, part("view")).as_json()}, 201

    def _show_view(self, view_id: int) -> Answer:
        with self._account.lock:
            return {"view": self._rules.view(view_id).as_json()}, 200

    def _update_view(self, view_id: int) -> Answer:
        with self._account.lock:
            return {"view": self._rules.keep_view(view_id, part("view")).as_json()}, 200

    def _delete_view(self, view_id: int) -> Answer:
        with self._account.lock:
            self._rules.delete_view(view_id)
        return "", 204

    def _list_view_tickets(self, view_id: int) -> Answer:
        with self._account.lock:
            found = [self._shown(ticket) for ticket in self._rules.tickets_of(view_id)]
        return page("tickets", found, self._base_url), 200

    # --- triggers ---

    def _list_categories(self) -> Answer:
        with self._account.lock:
            found = self._rules.categories()
        return page("trigger_categories", found, self._base_url), 200

    def _create_category(self) -> Answer:
        with self._account.lock:
            return {"trigger_category": self._rules.create_category(part("trigger_category"))}, 201

    def _delete_category(self, category_id: str) -> Answer:
        with self._account.lock:
            self._rules.delete_category(category_id)
        return "", 204

    def _list_triggers(self) -> Answer:
        with self._account.lock:
            found = [trigger.as_json() for trigger in self._rules.triggers()]
        return page("triggers", found, self._base_url), 200

    def _create_trigger(self) -> Answer:
        with self._account.lock:
            return {"trigger": self._rules.keep_trigger(None, part("trigger")).as_json()}, 201

    def _show_trigger(self, trigger_id: int) -> Answer:
        with self._account.lock:
            return {"trigger": self._rules.trigger(trigger_id).as_json()}, 200

    def _update_trigger(self, trigger_id: int) -> Answer:
        with self._account.lock:
            return {"trigger": self._rules.keep_trigger(trigger_id, part("trigger")).as_json()}, 200

    def _delete_trigger(self, trigger_id: int) -> Answer:
        with self._account.lock:
            self._rules.delete_trigger(trigger_id)
        return "", 204

    # --- business hours ---

    def _list_schedules(self) -> Answer:
        return {"schedules": [OFFICE]}, 200

    def _list_holidays(self, schedule_id: int) -> Answer:
        if schedule_id != OFFICE["id"]:
            raise record_not_found()
        return {"holidays": HOLIDAYS}, 200

    # --- webhooks ---

    def _list_webhooks(self) -> Answer:
        wanted = request.args.get("filter[name_contains]", "").lower()
        with self._account.lock:
            found = [webhook_json(item) for item in self._webhooks.all() if wanted in item.name.lower()]
        return page("webhooks", found, self._base_url), 200

    def _create_webhook(self) -> Answer:
        with self._account.lock:
            return {"webhook": webhook_json(self._webhooks.create(part("webhook")))}, 201

    def _show_webhook(self, webhook_id: str) -> Answer:
        with self._account.lock:
            return {"webhook": webhook_json(self._webhooks.get(webhook_id))}, 200

    def _replace_webhook(self, webhook_id: str) -> Answer:
        with self._account.lock:
            self._webhooks.replace(webhook_id, part("webhook"))
        return "", 204

    def _update_webhook(self, webhook_id: str) -> Answer:
        with self._account.lock:
            self._webhooks.update(webhook_id, part("webhook"))
        return "", 204

    def _delete_webhook(self, webhook_id: str) -> Answer:
        with self._account.lock:
            self._webhooks.delete(webhook_id)
        return "", 204

    def _test_webhook(self) -> Answer:
        with self._account.lock:
            webhook = self._webhooks.get(request.args.get("webhook_id", ""))
        status = self._webhooks.test(webhook)
        return {"response": {"status": status, "headers": [], "payload": ""}}, 201

    def _show_secret(self, webhook_id: str) -> Answer:
        with self._account.lock:
            secret = self._webhooks.get(webhook_id).signing_secret
        return {"signing_secret": {"secret": secret, "algorithm": "SHA256"}}, 200

    def _renew_secret(self, webhook_id: str) -> Answer:
        with self._account.lock:
            secret = self._webhooks.renew_secret(webhook_id).signing_secret
        return {"signing_secret": {"secret": secret, "algorithm": "SHA256"}}, 201

    def _list_invocations(self, webhook_id: str) -> Answer:
        with self._account.lock:
            found = [item.as_json() for item in self._webhooks.invocations(webhook_id)]
        return page("invocations", found, self._base_url), 200

    def _list_attempts(self, webhook_id: str, invocation_id: str) -> Answer:
        with self._account.lock:
            found = self._webhooks.invocation(webhook_id, invocation_id).attempts_json()
        return {"attempts": found}, 200
