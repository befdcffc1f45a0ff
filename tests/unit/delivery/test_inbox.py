"""The doorbell: first durable, then loud."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from oneclick_sla_plugin.delivery.inbox import Inbox
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.errors import StoreError
from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger


def test_a_ticket_is_due_when_the_bell_rings(ledger: SqlLedger, clock: Callable[[], datetime]) -> None:
    """Whoever the bell wakes finds the tickets in the ledger."""
    found: list[TicketKey] = []
    inbox = Inbox(ledger, lambda: found.extend(claim.key for claim in ledger.claim_due(9, clock())), clock)
    inbox.accept("acme", ["1", "2"])
    assert found == [TicketKey("acme", "1"), TicketKey("acme", "2")]


def test_a_webhook_without_tickets_wakes_nobody(ledger: SqlLedger, clock: Callable[[], datetime]) -> None:
    """Our own change comes back as a webhook with nothing to look at."""
    rings: list[None] = []
    Inbox(ledger, lambda: rings.append(None), clock).accept("acme", [])
    assert rings == []


def test_nothing_is_accepted_that_cannot_be_kept(sqlite_url: str, clock: Callable[[], datetime]) -> None:
    """The caller hears of it and asks the platform to send again; the bell stays silent."""
    database = open_database(sqlite_url)  # without its schema
    ledger = SqlLedger(database)
    rings: list[None] = []
    with pytest.raises(StoreError):
        Inbox(ledger, lambda: rings.append(None), clock).accept("acme", ["1"])
    assert rings == []
    ledger.close()
    database.close()
