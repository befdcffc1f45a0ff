"""The pages on which a person sees tickets as an agent would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api


def page(api: Api, path: str) -> str:
    response = api.call("GET", path, token="")
    assert (response.status, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return response.body.decode()


def test_the_list_shows_every_ticket_and_links_to_it(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Subject, status, priority and tags, the newest first; deleted tickets are gone."""
    assert "No tickets yet" not in page(api, "/")
    sandbox.agent_changes(ticket_id, priority="urgent")
    other = sandbox.open_ticket(channel=Channel.VOICEMAIL, subject="Call me", text="Text")
    shown = page(api, "/")
    assert shown.index(f'href="/agent/tickets/{other}"') < shown.index(f'href="/agent/tickets/{ticket_id}"')
    for words in (
        "Invoice",
        "Call me",
        "voicemail",
        '<span class="badge urgent">urgent</span>',
        '<span class="tag">vip',
    ):
        assert words in shown
    sandbox.agent_deletes(other)
    assert "Call me" not in page(api, "/")


def test_a_ticket_shows_fields_tags_and_thread_with_private_notes_marked(
    api: Api, sandbox: ZendeskSandbox, ticket_id: str
) -> None:
    """A dropdown by its option's name, a note of ours as what it is."""
    field = api.call(
        "POST",
        "/api/v2/ticket_fields",
        {
            "ticket_field": {
                "type": "tagger",
                "title": "SLA state",
                "custom_field_options": [{"name": "At risk", "value": "sla_at_risk"}],
            }
        },
    ).json()["ticket_field"]["id"]
    assert "private note" not in page(api, f"/agent/tickets/{ticket_id}")
    api.put(
        ticket_id,
        custom_fields=[{"id": field, "value": "sla_at_risk"}],
        comment={"body": "Reply by Tuesday.", "public": False},
    )
    shown = page(api, f"/agent/tickets/{ticket_id}")
    assert "<dt>SLA state</dt><dd>At risk</dd>" in shown
    assert '<span class="tag ours">sla_at_risk</span>' in shown
    assert shown.count('<span class="mark">private note</span>') == 1
    assert shown.index("It is wrong.") < shown.index("Reply by Tuesday.")


def test_what_people_write_is_shown_as_they_wrote_it(api: Api, sandbox: ZendeskSandbox) -> None:
    """Markup and placeholders are text."""
    ticket_id = sandbox.open_ticket(
        channel=Channel.EMAIL, subject="<b>Bold</b>", text="<script>alert(1)</script> {{ticket.id}} {% raw %}"
    )
    shown = page(api, "/") + page(api, f"/agent/tickets/{ticket_id}")
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ticket.id}} {% raw %}" in shown


def test_a_ticket_that_is_not_there_has_no_page(api: Api) -> None:
    """404, as in the API."""
    assert api.call("GET", "/agent/tickets/999", token="").status == 404
