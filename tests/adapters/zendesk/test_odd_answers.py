"""Answers of which a part is something else than documented: a ticket or one of our errors, never a fault."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError
from oneclick_sla_plugin.exchanges import run
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_zendesk.fields import catalogue, definitions
from oneclick_sla_zendesk.inventory import take_inventory
from oneclick_sla_zendesk.plugin import ZendeskConnection

ODD = st.sampled_from(
    [None, True, 0, -1, 10**40, 1.5, "", "x", [], ["x"], [None], {}, {"a": 1}, "0001-01-01T00:00:00+14:00"]
)
LISTS = {
    "/api/v2/ticket_fields": {"ticket_fields": [{"id": 1, "title": "SLA state", "type": "tagger", "active": True}]},
    "/api/v2/views": {"views": [{"id": 1, "title": "x", "description": "[oneclick-sla:view:at_risk]"}]},
    "/api/v2/webhooks": {"webhooks": [{"id": "A", "name": "oneclick-sla: acme", "subscriptions": ["a"]}]},
    "/api/v2/trigger_categories": {"trigger_categories": [{"id": "1", "name": "oneclick-sla: acme"}]},
    "/api/v2/triggers": {"triggers": [{"id": 1, "title": "t", "description": "[oneclick-sla:trigger:acme:x]"}]},
}


class Fake(Protocol):
    answers: dict[tuple[str, str], Response | Callable[[Request], Response]]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


def bent(body: Any, data: st.DataObject) -> Any:
    """The body with another value in one place, or with nothing there."""
    body = copy.deepcopy(body)
    *way, last = data.draw(st.sampled_from(list(places(body))))
    parent = body
    for key in way:
        parent = parent[key]
    if isinstance(parent, dict) and data.draw(st.booleans()):
        del parent[last]
    else:
        parent[last] = data.draw(ODD)
    return body


def answer(body: object) -> Response:
    return Response(200, {}, json.dumps(body).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.data())
def test_reading_a_ticket(
    connection: ZendeskConnection, zendesk: Fake, sample: Callable[[str], Any], data: st.DataObject
) -> None:
    """Ticket, comments or audits: at worst the ticket is on the dead list, with a reason."""
    name = data.draw(st.sampled_from(["ticket", "comments", "audits"]))
    path = "/api/v2/tickets/42.json" if name == "ticket" else f"/api/v2/tickets/42/{name}.json"
    zendesk.answers["GET", path] = answer(bent(sample(f"{name}.json"), data))
    with suppress(PlatformError):
        connection.read("42")
    zendesk.answers["GET", path] = answer(sample(f"{name}.json"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_reading_the_ticket_fields(sample: Callable[[str], Any], data: st.DataObject) -> None:
    """They are read before any ticket."""
    body = bent(sample("ticket_fields.json"), data)
    with suppress(PermanentPlatformError):
        catalogue(run(definitions("https://acme.zendesk.com"), lambda _: answer(body)))


@settings(deadline=None)
@given(st.data())
def test_looking_at_what_is_installed(data: st.DataObject) -> None:
    """Fields, views, webhooks, triggers: what an installation and a removal begin with."""
    path = data.draw(st.sampled_from(sorted(LISTS)))
    found = {**LISTS, path: bent(LISTS[path], data)}
    with suppress(PermanentPlatformError):
        inventory = run(take_inventory("acme", "https://acme.zendesk.com"), lambda request: answer(found[request.path]))
        inventory.our_webhooks()
        inventory.our_triggers()
        inventory.category()
