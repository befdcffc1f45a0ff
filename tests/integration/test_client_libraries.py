"""Client libraries for the real APIs work against the simulators, with only their base address redirected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from freshdesk.v2 import api as freshdesk_api
from freshdesk.v2.errors import FreshdeskBadRequest, FreshdeskNotFound, FreshdeskUnauthorized
from zdesk import Zendesk as ZendeskLibrary
from zdesk import ZendeskError

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox

NOW = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)


def freshdesk_library(sandbox: FreshdeskSandbox, key: str) -> freshdesk_api.API:
    """It refuses any address that is not at freshdesk.com, so it is made with one and then sent elsewhere."""
    library = freshdesk_api.API("acme.freshdesk.com", key)
    library._api_prefix = f"{sandbox.base_url}/api/v2/"
    return library


@pytest.fixture
def freshdesk_sandbox() -> Iterator[FreshdeskSandbox]:
    with FreshdeskSandbox(clock=ManualClock(NOW)) as running:
        yield running


@pytest.fixture
def freshdesk(freshdesk_sandbox: FreshdeskSandbox) -> freshdesk_api.API:
    return freshdesk_library(freshdesk_sandbox, freshdesk_sandbox.agent_token)


@pytest.fixture
def zendesk() -> Iterator[ZendeskLibrary]:
    with ZendeskSandbox(clock=ManualClock(NOW)) as running:
        yield ZendeskLibrary(running.base_url, zdesk_oauth=running.agent_token)


def test_freshdesks_library_works_on_tickets(freshdesk: freshdesk_api.API) -> None:
    """Creating, reading with what belongs to it, changing, noting, replying, listing, searching, deleting."""
    made = freshdesk.tickets.create_ticket(
        "Factura", email="ana@example.com", description="<p>Hola</p>", tags=["vip"], priority=1, status=2, source=1
    )
    assert (made.subject, made.tags, made.priority, made.status) == ("Factura", ["vip"], "low", "open")
    assert made.created_at == NOW
    changed = freshdesk.tickets.update_ticket(made.id, priority=4, tags=["vip", "sla_on_track"])
    assert (changed.priority, changed.tags) == ("urgent", ["vip", "sla_on_track"])
    assert freshdesk.comments.create_note(made.id, "Una nota").private
    assert freshdesk.comments.create_reply(made.id, "Hola Ana").body_text == "Hola Ana"
    assert [comment.body_text for comment in freshdesk.comments.list_comments(made.id)] == ["Una nota", "Hola Ana"]
    read = freshdesk.tickets.get_ticket(made.id, "conversations", "stats")
    assert [len(read.conversations), read.stats["agent_responded_at"]] == [2, "2026-11-16T15:00:00Z"]
    listed = freshdesk.tickets.list_tickets(filter_name=None, updated_since="2026-11-01T00:00:00Z")
    assert [ticket.id for ticket in listed] == [made.id]
    assert [ticket.id for ticket in freshdesk.tickets.filter_tickets("priority:4")] == [made.id]
    freshdesk.tickets.delete_ticket(made.id)
    assert freshdesk.tickets.get_ticket(made.id).deleted


def test_freshdesks_library_knows_people_and_fields(freshdesk: freshdesk_api.API) -> None:
    made = freshdesk.tickets.create_ticket("Factura", email="ana@example.com", description="Hola")
    assert freshdesk.contacts.get_contact(made.requester_id).email == "ana@example.com"
    assert freshdesk.agents.currently_authenticated_agent().contact["name"] == "Alex Agent"
    assert {"subject", "priority", "status"} <= {field.name for field in freshdesk.ticket_fields.list_ticket_fields()}


def test_freshdesks_library_knows_the_refusals(
    freshdesk: freshdesk_api.API, freshdesk_sandbox: FreshdeskSandbox
) -> None:
    made = freshdesk.tickets.create_ticket("Factura", email="ana@example.com", description="Hola")
    with pytest.raises(FreshdeskNotFound):
        freshdesk.tickets.get_ticket(99)
    with pytest.raises(FreshdeskBadRequest, match="invalid_value"):
        freshdesk.tickets.update_ticket(made.id, priority=9)
    with pytest.raises(FreshdeskUnauthorized):
        freshdesk_library(freshdesk_sandbox, "guessed").tickets.get_ticket(made.id)


def test_zendesks_library_works_on_tickets(zendesk: ZendeskLibrary) -> None:
    """Creating, changing with a private comment, reading what belongs to it, listing."""
    given = {"subject": "Factura", "comment": {"body": "Hola"}, "requester": {"name": "Ana", "email": "a@example.com"}}
    made = zendesk.ticket_create({"ticket": {**given, "tags": ["vip"]}})["ticket"]
    assert (made["subject"], made["status"], made["priority"], made["tags"]) == ("Factura", "new", None, ["vip"])
    comment = {"body": "Una nota", "public": False}
    changed = zendesk.ticket_update(made["id"], {"ticket": {"priority": "high", "comment": comment}})["ticket"]
    assert changed["priority"] == "high"
    read = zendesk.ticket_show(made["id"])["ticket"]
    assert (read["priority"], read["tags"]) == ("high", ["vip"])
    comments = zendesk.ticket_comments(made["id"])["comments"]
    assert [(each["body"], each["public"]) for each in comments] == [("Hola", True), ("Una nota", False)]
    assert len(zendesk.ticket_audits(made["id"])["audits"]) == 2
    assert [ticket["id"] for ticket in zendesk.tickets_list()["tickets"]] == [made["id"]]
    assert {"subject", "status"} <= {field["type"] for field in zendesk.ticket_fields_list()["ticket_fields"]}


def test_zendesks_library_knows_the_refusals(zendesk: ZendeskLibrary) -> None:
    with pytest.raises(ZendeskError) as refused:
        zendesk.ticket_show(99)
    assert refused.value.error_code == 404
