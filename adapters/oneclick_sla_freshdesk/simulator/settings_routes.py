"""The API of the account's settings: ticket fields, automation rules, SLA policies, business hours, groups, products."""

from __future__ import annotations

from typing import Any

from flask import request

from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.api import Answer, Api, Route, body
from oneclick_sla_freshdesk.simulator.errors import invalid, not_found
from oneclick_sla_freshdesk.simulator.fields import TicketField, admin_json, public_json
from oneclick_sla_freshdesk.simulator.queries import query_keys
from oneclick_sla_freshdesk.simulator.records import instant
from oneclick_sla_freshdesk.simulator.rules import Rule, Rules, rule_json

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


class SettingsRoutes:
    """Views over an account's settings and its rules."""

    def __init__(self, api: Api, account: Account, rules: Rules) -> None:
        self._api, self._account, self._rules = api, account, rules
        self._hours_id, self._created_at = account.new_id(), account.now()
        api.add(self._routes())

    def _routes(self) -> list[Route]:
        return [
            ("GET", "/account", self._show_account),
            ("GET", "/settings/helpdesk", self._show_helpdesk),
            ("GET", "/ticket_fields", self._list_public_fields),
            ("GET", "/admin/ticket_fields", self._list_fields),
            ("POST", "/admin/ticket_fields", self._create_field),
            ("GET", "/admin/ticket_fields/<int:field_id>", self._show_field),
            ("PUT", "/admin/ticket_fields/<int:field_id>", self._update_field),
            ("DELETE", "/admin/ticket_fields/<int:field_id>", self._delete_field),
            ("GET", "/automations/<int:rule_type>/rules", self._list_rules),
            ("POST", "/automations/<int:rule_type>/rules", self._create_rule),
            ("GET", "/automations/<int:rule_type>/rules/<int:rule_id>", self._show_rule),
            ("PUT", "/automations/<int:rule_type>/rules/<int:rule_id>", self._update_rule),
            ("DELETE", "/automations/<int:rule_type>/rules/<int:rule_id>", self._delete_rule),
            ("GET", "/sla_policies", self._list_policies),
            ("POST", "/sla_policies", self._create_policy),
            ("PUT", "/sla_policies/<int:policy_id>", self._update_policy),
            ("GET", "/business_hours", self._list_hours),
            ("GET", "/business_hours/<int:hours_id>", self._show_hours),
            ("GET", "/groups", self._list_groups),
            ("GET", "/groups/<int:group_id>", self._show_group),
            ("GET", "/products", self._list_products),
            ("GET", "/products/<int:product_id>", self._show_product),
        ]

    def _show_account(self) -> Answer:
        agents = {"license_type": "paid", "agents": {"full_time": len(self._account.people(agents=True))}}
        return {
            "account_id": 1,
            "account_name": "Example",
            "account_domain": "example.freshdesk.com",
            "tier_type": "Pro",
            "timezone": "Lima",
            "data_center": "EUC",
            "total_agents": agents,
        }, 200

    def _show_helpdesk(self) -> Answer:
        return {"primary_language": "en", "supported_languages": [], "portal_languages": []}, 200

    # --- fields ---

    def _list_public_fields(self) -> Answer:
        with self._account.lock:
            return [public_json(item, *self._names()) for item in self._account.fields.all()], 200

    def _list_fields(self) -> Answer:
        query_keys(request.args, ("include",))
        with self._account.lock:
            return [self._field_json(item) for item in self._account.fields.all()], 200

    def _create_field(self) -> Answer:
        with self._account.lock:
            return self._field_json(self._account.fields.create(body())), 201

    def _show_field(self, field_id: int) -> Answer:
        return self._field_json(self._field(field_id)), 200

    def _update_field(self, field_id: int) -> Answer:
        with self._account.lock:
            return self._field_json(self._account.fields.update(self._field(field_id), body())), 200

    def _delete_field(self, field_id: int) -> Answer:
        """The values go with the field, and the rules that name it are outdated."""
        with self._account.lock:
            gone = self._field(field_id)
            if gone.default:
                raise invalid("id", "Default fields cannot be deleted", "invalid_action")
            self._account.delete_field(gone)
            self._rules.outdate(gone.name)
        return None, 204

    def _field(self, field_id: int) -> TicketField:
        item = self._account.fields.get(field_id)
        if item is None:
            raise not_found()
        return item

    def _field_json(self, item: TicketField) -> dict[str, Any]:
        return admin_json(item, *self._names())

    def _names(self) -> tuple[dict[str, int], dict[str, int]]:
        groups = {name: group_id for group_id, name in self._account.groups.items()}
        return groups, {person.name: person.id for person in self._account.people(agents=True)}

    # --- rules ---

    def _shown(self, rule: Rule) -> dict[str, Any]:
        return rule_json(rule, self._account.behaviour.headers_of_rules)

    def _list_rules(self, rule_type: int) -> Answer:
        with self._account.lock:
            return self._api.page([self._shown(rule) for rule in self._rules.of(rule_type)])

    def _create_rule(self, rule_type: int) -> Answer:
        with self._account.lock:
            return self._shown(self._rules.create(rule_type, body())), 201

    def _show_rule(self, rule_type: int, rule_id: int) -> Answer:
        with self._account.lock:
            return self._shown(self._rules.get(rule_type, rule_id)), 200

    def _update_rule(self, rule_type: int, rule_id: int) -> Answer:
        with self._account.lock:
            return self._shown(self._rules.update(self._rules.get(rule_type, rule_id), body())), 200

    def _delete_rule(self, rule_type: int, rule_id: int) -> Answer:
        with self._account.lock:
            self._rules.delete(self._rules.get(rule_type, rule_id))
        return None, 204

    # --- SLA policies and business hours ---

    def _list_policies(self) -> Answer:
        with self._account.lock:
            return self._api.page(self._account.policies.all())

    def _create_policy(self) -> Answer:
        with self._account.lock:
            return self._account.policies.create(self._account.new_id(), body()), 201

    def _update_policy(self, policy_id: int) -> Answer:
        with self._account.lock:
            return self._account.policies.update(policy_id, body()), 200

    def _list_hours(self) -> Answer:
        return [self._hours()], 200

    def _show_hours(self, hours_id: int) -> Answer:
        if hours_id != self._hours_id:
            raise not_found()
        return self._hours(), 200

    def _hours(self) -> dict[str, Any]:
        return {
            "id": str(self._hours_id),  # the real one quotes it
            "name": "Default Business Calendar",
            "description": "",
            "is_default": True,
            "time_zone": "Lima",
            "business_hours": {day: {"start_time": "9:00 am", "end_time": "6:00 pm"} for day in _WEEK},
            "created_at": instant(self._created_at),
            "updated_at": instant(self._created_at),
        }

    # --- groups and products ---

    def _list_groups(self) -> Answer:
        return self._api.page([self._named(*item) for item in self._account.groups.items()])

    def _show_group(self, group_id: int) -> Answer:
        if group_id not in self._account.groups:
            raise not_found()
        return self._named(group_id, self._account.groups[group_id]), 200

    def _list_products(self) -> Answer:
        return self._api.page([self._named(*item) for item in self._account.products.items()])

    def _show_product(self, product_id: int) -> Answer:
        if product_id not in self._account.products:
            raise not_found()
        return self._named(product_id, self._account.products[product_id]), 200

    def _named(self, item_id: int, name: str) -> dict[str, Any]:
        stamp = instant(self._created_at)
        return {"id": item_id, "name": name, "description": None, "created_at": stamp, "updated_at": stamp}
