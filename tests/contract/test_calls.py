"""What a look costs a helpdesk, from its simulator's own counters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.rehearsal import Part, Rehearsal

COMPLAINT = "Quiero presentar una queja formal y el libro de reclamaciones."

FRESHDESK = "/api/v2/tickets/{ticket_id}"
ZENDESK = {"GET /api/v2/tickets/{ticket_id}": 1, "GET /api/v2/tickets/{ticket_id}/comments": 1}
ZENDESK_READS = ZENDESK | {"GET /api/v2/tickets/{ticket_id}/audits": 1}
OSTICKET_READ = {"GET /api/tickets/sla/tickets/{name}": 1}

CALLS = {
    # The ticket with its conversations, once more right before the update, and a check after a write of tags.
    "freshdesk": (
        {f"GET {FRESHDESK}": 3, f"PUT {FRESHDESK}": 1, f"POST {FRESHDESK}/notes": 1},
        {f"GET {FRESHDESK}": 1, f"GET {FRESHDESK}/conversations": 1},
    ),
    "osticket": (OSTICKET_READ | {"POST /api/tickets/sla/tickets/{ticket_id}/changes": 1}, OSTICKET_READ),
    "zendesk": (ZENDESK_READS | {"PUT /api/v2/tickets/{ticket_id}": 1}, ZENDESK_READS),
}
"""A look that writes everything, a note too; and one at a ticket with twelve messages that writes nothing."""


@pytest.mark.parametrize("platform", CALLS)
def test_calls_of_a_look(platform: str, tmp_path: Path) -> None:
    """At most three reads, the check after a write apart; one write, and one call for a note."""
    with Rehearsal({"acme": Part(platform)}, tmp_path) as rehearsal:
        box = rehearsal.sandboxes["acme"]
        box.webhooks.drop_deliveries = 1000  # each look is asked for

        def asked(ticket_id: str) -> Counter[str]:
            before = box.requests
            rehearsal.program.inbox.accept("acme", [ticket_id])
            rehearsal.settle()
            return box.requests - before

        first, ticket_id = (box.open_ticket(channel=Channel.EMAIL, subject="Factura", text=COMPLAINT) for _ in range(2))
        asked(first)  # the account is known from now on
        assert asked(ticket_id) == CALLS[platform][0]
        for n in range(10):
            box.customer_replies(ticket_id, f"Y otra cosa: {n}.")
        asked(ticket_id)
        assert asked(ticket_id) == CALLS[platform][1]
