"""Installing and taking back: what an account needs, compared with what stands there.

Everything is looked up before it is made, so a second installation finds nothing to
do. A removal deletes what carries our marks and gives back what was only lent: a field
of the account's own, known by its title alone, keeps its place, and the options that
the installation had to add to it are noted in its description and taken out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from oneclick_sla_plugin.domain.field_labels import FIELD_LABELS
from oneclick_sla_plugin.domain.model import Field
from oneclick_sla_plugin.exchanges import Exchange, json_request
from oneclick_sla_plugin.ports import Installation, InstallStep, Request
from oneclick_sla_zendesk import limits
from oneclick_sla_zendesk.blueprint import (
    FIELD_SPECS,
    VIEW_SPECS,
    FieldSpec,
    Ids,
    TriggerSpec,
    ViewSpec,
    object_name,
    options_of,
    trigger_specs,
    webhook_specs,
)
from oneclick_sla_zendesk.fields import DROPDOWN, FIELDS_PATH, Loan, identify, is_ours, marker, option_values
from oneclick_sla_zendesk.inventory import (
    CATEGORIES_PATH,
    TRIGGERS_PATH,
    VIEWS_PATH,
    WEBHOOKS_PATH,
    Found,
    Inventory,
    find_webhook,
    path_of,
    signing_secret,
    subscriptions_of,
    take_inventory,
)
from oneclick_sla_zendesk.limits import fetch
from oneclick_sla_zendesk.settings import ZendeskSettings
from oneclick_sla_zendesk.tickets import read_own_id

T = TypeVar("T")


class Runner(Protocol):
    """Runs an exchange against the account, with a login that may change its configuration."""

    def __call__(self, exchange: Exchange[T], /) -> T: ...


class ZendeskInstallation:
    """The steps of an installation. Looks the account up when it is made; changes it when steps are applied."""

    steps: Sequence[InstallStep]

    def __init__(self, *, account: str, webhook_url: str, settings: ZendeskSettings, run: Runner) -> None:
        self._account = account
        self._settings = settings
        self._run = run
        self._webhook = webhook_specs(account)[settings.webhook]
        self._triggers = tuple(trigger_specs(account, settings.webhook, settings.owners))
        inventory = run(take_inventory(account, settings.base_url))
        # The webhook of the other kind goes last: until then the account is never without one.
        self.steps = (
            *(self._field_step(spec, inventory) for spec in FIELD_SPECS),
            *(self._view_step(spec, inventory) for spec in VIEW_SPECS),
            self._webhook_step(inventory, webhook_url),
            *self._trigger_steps(inventory),
            *self._leftover_steps(inventory),
        )

    def secrets(self) -> Mapping[str, str]:
        """The secret that Zendesk signs with. Raises ``PermanentPlatformError`` when there is no webhook yet."""
        webhook = self._run(find_webhook(self._account, self._webhook, self._settings.base_url))
        return {"webhook_secrets": self._run(signing_secret(webhook))}

    def _field_step(self, spec: FieldSpec, inventory: Inventory) -> InstallStep:
        found = identify(spec.name, inventory.fields)
        request = field_creation(spec) if found is None else field_correction(spec, found)
        return self._step(f'ticket field "{FIELD_LABELS[spec.name]}"', found, request)

    def _view_step(self, spec: ViewSpec, inventory: Inventory) -> InstallStep:
        found = inventory.view(spec)
        what = f'view "{spec.title}"'
        if found is None:
            return self._step(what, found, json_request("POST", VIEWS_PATH, "create view", {"view": spec.definition()}))
        if found.get("active", True) and _same_conditions(found.get("conditions"), spec.conditions()):
            return self._step(what, found, None)
        wanted = {"active": True, **spec.conditions()}
        return self._step(what, found, json_request("PUT", path_of(VIEWS_PATH, found), "update view", {"view": wanted}))

    def _webhook_step(self, inventory: Inventory, webhook_url: str) -> InstallStep:
        found = inventory.webhook(self._webhook)
        wanted = self._webhook.definition(webhook_url)
        request = webhook_creation(wanted) if found is None else webhook_correction(found, wanted)
        return self._step(f'webhook "{self._webhook.name}"', found, request)

    def _trigger_steps(self, inventory: Inventory) -> Iterator[InstallStep]:
        if not self._triggers:
            return
        name, found = object_name(self._account), inventory.category()
        creation = json_request(
            "POST", CATEGORIES_PATH, "create trigger category", {"trigger_category": {"name": name}}
        )
        yield self._step(f'trigger category "{name}"', found, creation if found is None else None)
        known = self._known_ids(inventory)
        for spec in self._triggers:
            what, standing = f'trigger "{spec.title}"', inventory.trigger(spec)
            if standing is not None and known is not None and _same_trigger(standing, spec.definition(known)):
                yield self._step(what, standing, None)
            else:
                yield InstallStep(what, "update" if standing else "create", self._application(spec, standing))

    def _known_ids(self, inventory: Inventory) -> Ids | None:
        """What triggers refer to, once all of it stands on the account."""
        state = identify(Field.SLA_STATE, inventory.fields)
        webhook, category = inventory.webhook(self._webhook), inventory.category()
        if state is None or webhook is None or category is None:
            return None
        return Ids(self._run(read_own_id()), str(webhook["id"]), str(category["id"]), str(state["id"]))

    def _application(self, spec: TriggerSpec, standing: Found | None) -> Callable[[], None]:
        def apply() -> None:
            # What a trigger refers to was made by the steps before it: its ids are asked for now.
            inventory = self._run(take_inventory(self._account, self._settings.base_url))
            ids = self._known_ids(inventory)
            if ids is None:
                raise limits.unexpected_body("create trigger")
            body = {"trigger": spec.definition(ids)}
            if standing is None:
                self._run(fetch(json_request("POST", TRIGGERS_PATH, "create trigger", body)))
            else:
                self._run(fetch(json_request("PUT", path_of(TRIGGERS_PATH, standing), "update trigger", body)))

        return apply

    def _leftover_steps(self, inventory: Inventory) -> Iterator[InstallStep]:
        """Triggers and the webhook that other settings asked for once."""
        wanted = {found["id"] for spec in self._triggers if (found := inventory.trigger(spec)) is not None}
        unwanted = [trigger for trigger in inventory.our_triggers() if trigger["id"] not in wanted]
        yield from _deletions(self._run, "trigger", TRIGGERS_PATH, unwanted, "title")
        category = inventory.category()
        if category is not None and not self._triggers:
            yield from _category_removal(self._run, inventory, category)
        others = [hook for hook in inventory.our_webhooks() if hook["name"] != self._webhook.name]
        yield from _deletions(self._run, "webhook", WEBHOOKS_PATH, others, "name")

    def _step(self, what: str, found: object, request: Request | None) -> InstallStep:
        if request is None:
            return InstallStep(what, "keep", lambda: None)
        return InstallStep(what, "create" if found is None else "update", _sending(self._run, request))


def installation(*, account: str, webhook_url: str, settings: ZendeskSettings, run: Runner) -> Installation:
    """The steps that bring an account to what the settings ask for."""
    return ZendeskInstallation(account=account, webhook_url=webhook_url, settings=settings, run=run)


def removal_steps(account: str, base_url: str, run: Runner) -> Sequence[InstallStep]:
    """Take an installation back; empty when nothing of it is left.

    What refers to other objects goes before them. Deleting a ticket field deletes its
    values, as Zendesk warns; tags that dropdowns set stay on the tickets.
    """
    inventory = run(take_inventory(account, base_url))
    steps = [*_deletions(run, "trigger", TRIGGERS_PATH, inventory.our_triggers(), "title")]
    category = inventory.category()
    if category is not None:
        steps += _category_removal(run, inventory, category)
    views = [found for spec in VIEW_SPECS if (found := inventory.view(spec)) is not None]
    steps += _deletions(run, "view", VIEWS_PATH, views, "title")
    steps += _deletions(run, "webhook", WEBHOOKS_PATH, inventory.our_webhooks(), "name")
    for spec in FIELD_SPECS:
        found = identify(spec.name, inventory.fields)
        if found is not None and is_ours(spec.name, found):
            steps += _deletions(run, "ticket field", FIELDS_PATH, [found], "title")
        elif found is not None and (request := loan_return(found)) is not None:
            steps.append(InstallStep(f'ticket field "{found.get("title")}"', "update", _sending(run, request)))
    return tuple(steps)


def _category_removal(run: Runner, inventory: Inventory, category: Found) -> Iterator[InstallStep]:
    """The category goes unless somebody keeps triggers of their own in it."""
    ours = {trigger["id"] for trigger in inventory.our_triggers()}
    inside = [each for each in inventory.triggers if str(each.get("category_id")) == str(category["id"])]
    if all(trigger["id"] in ours for trigger in inside):
        yield from _deletions(run, "trigger category", CATEGORIES_PATH, [category], "name")
    else:
        yield InstallStep(f'trigger category "{category["name"]}"', "keep", lambda: None)


def _deletions(run: Runner, kind: str, collection: str, found: Iterable[Found], name_key: str) -> Iterator[InstallStep]:
    for each in found:
        request = Request("DELETE", path_of(collection, each), f"delete {kind}")
        yield InstallStep(f'{kind} "{each.get(name_key)}"', "delete", _deleting(run, request))


def _sending(run: Runner, request: Request) -> Callable[[], None]:
    def apply() -> None:
        run(fetch(request))

    return apply


def _deleting(run: Runner, request: Request) -> Callable[[], None]:
    def exchange() -> Exchange[None]:
        response = yield request
        if response.status != 404:  # somebody else was faster
            limits.json_object(request, response)

    def apply() -> None:
        run(exchange())

    return apply


# --- Ticket fields ------------------------------------------------------------------------------


def field_creation(spec: FieldSpec) -> Request:
    """Make a field, with the marker by which it is known even under another title."""
    definition: dict[str, Any] = {
        "type": spec.type,
        "title": FIELD_LABELS[spec.name],
        "agent_description": f"{spec.description} {marker(spec.name)}",
    }
    if spec.options:
        definition["custom_field_options"] = spec.option_list()
    return json_request("POST", FIELDS_PATH, "create ticket field", {"ticket_field": definition})


def field_correction(spec: FieldSpec, found: Found) -> Request | None:
    """What an existing field lacks: to be active and, for a dropdown, our options; ``None`` when nothing.

    The list of options is replaced as a whole, so those that stand are sent along. On
    a field that is not ours the change is noted, to be undone by a removal.
    """
    wanted: dict[str, Any] = {}
    added: list[str] = []
    if not found.get("active", True):
        wanted["active"] = True
    if found.get("type") == DROPDOWN:
        lacking = options_of(spec) - set(option_values(found))
        if lacking:
            new = [option for option in spec.option_list() if option["value"] in lacking]
            added = [option["value"] for option in new]
            wanted["custom_field_options"] = [*_standing_options(found), *new]
    if not wanted:
        return None
    if not is_ours(spec.name, found):
        loan = Loan.of(found).grown(added, activated="active" in wanted)
        wanted["agent_description"] = loan.noted_in(found)
    return json_request("PUT", path_of(FIELDS_PATH, found), "update ticket field", {"ticket_field": wanted})


def loan_return(found: Found) -> Request | None:
    """Undo what :func:`field_correction` did to a field that is not ours; ``None`` when it did nothing."""
    loan = Loan.of(found)
    if not loan:
        return None
    wanted: dict[str, Any] = {"agent_description": loan.plain_description(found)}
    if loan.options:
        wanted["custom_field_options"] = [
            option for option in _standing_options(found) if option["value"] not in loan.options
        ]
    if loan.activated:
        wanted["active"] = False
    return json_request("PUT", path_of(FIELDS_PATH, found), "update ticket field", {"ticket_field": wanted})


def _standing_options(found: Found) -> list[dict[str, Any]]:
    return [
        {key: option[key] for key in ("id", "name", "value") if key in option}
        for option in found.get("custom_field_options") or ()
    ]


# --- Webhook, views, triggers -------------------------------------------------------------------


def webhook_creation(wanted: Mapping[str, Any]) -> Request:
    return json_request("POST", WEBHOOKS_PATH, "create webhook", {"webhook": wanted})


def webhook_correction(found: Found, wanted: Mapping[str, Any]) -> Request | None:
    """What differs on an existing webhook; ``None`` when nothing does. The order of events is no difference."""
    differing = {key: wanted[key] for key in ("endpoint", "status") if found.get(key) != wanted[key]}
    if subscriptions_of(found) != set(wanted["subscriptions"]):
        differing["subscriptions"] = wanted["subscriptions"]
    if not differing:
        return None
    return json_request("PATCH", path_of(WEBHOOKS_PATH, found), "update webhook", {"webhook": differing})


def _same_trigger(found: Found, wanted: Mapping[str, Any]) -> bool:
    return (
        bool(found.get("active", True))
        and _same_conditions(found.get("conditions"), wanted["conditions"])
        and _comparable(found.get("actions")) == _comparable(wanted["actions"])
    )


def _same_conditions(found: object, wanted: Mapping[str, Any]) -> bool:
    standing = found if isinstance(found, dict) else {}
    return all(_comparable(standing.get(part)) == _comparable(wanted[part]) for part in ("all", "any"))


def _comparable(entries: object) -> list[tuple[str, str, object]]:
    """Conditions or actions as values: numbers as text, an empty value as an empty text."""
    listed = entries if isinstance(entries, list) else []
    return [
        (str(entry.get("field")), str(entry.get("operator")), _text(entry.get("value")))
        for entry in listed
        if isinstance(entry, dict)
    ]


def _text(value: object) -> object:
    if isinstance(value, list):
        return tuple(_text(part) for part in value)
    return "" if value is None else str(value)
