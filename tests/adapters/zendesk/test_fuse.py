"""The fuse that ends a loop of writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Channel, Priority, Written
from oneclick_sla_plugin.errors import TemporaryPlatformError, TicketChanged
from oneclick_sla_zendesk import fuse
from oneclick_sla_zendesk.fuse import WriteFuse
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.simulator import ZendeskSandbox

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_it_blows_at_the_limit_and_says_when_it_holds_again() -> None:
    """Two writes are two; the third waits until the first is ten minutes old, and other tickets do not wait."""
    writes = WriteFuse(2)
    assert writes.admit("1", NOW) is None
    assert writes.admit("1", NOW + timedelta(minutes=4)) is None
    assert writes.admit("1", NOW + timedelta(minutes=5)) == timedelta(minutes=5)
    assert writes.admit("2", NOW + timedelta(minutes=5)) is None
    assert writes.admit("1", NOW + timedelta(minutes=10)) is None
    assert writes.admit("1", NOW + timedelta(minutes=10)) == timedelta(minutes=4)


def test_old_writes_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory holds the tickets of the last ten minutes, and no more."""
    monkeypatch.setattr(fuse, "_SWEEP_AT", 3)
    writes = WriteFuse(1)
    for ticket_id in ("1", "2", "3"):
        writes.admit(ticket_id, NOW)
    writes.admit("4", NOW + timedelta(minutes=11))
    assert list(writes._writes) == ["4"]


def test_a_write_that_had_no_effect_does_not_count() -> None:
    """A refused update is taken back; there is nothing to take back of a ticket that was never written."""
    writes = WriteFuse(1)
    writes.take_back("1")
    assert writes.admit("1", NOW) is None
    writes.take_back("1")
    assert writes.admit("1", NOW) is None
    assert writes.admit("1", NOW) == timedelta(minutes=10)


def test_conflicts_with_people_do_not_blow_it(
    account_there: ZendeskSandbox, connect: Callable[..., ZendeskConnection]
) -> None:
    """On a busy ticket many updates are refused; only those that took effect count."""
    connection = connect(writes_per_ticket=1)
    ticket = connection.read(account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong."))
    for _ in range(3):
        account_there.conflict_next(1)
        with pytest.raises(TicketChanged):
            connection.write(ticket, Changes(priority=Priority.HIGH), Written())
    connection.write(ticket, Changes(priority=Priority.HIGH), Written())
    assert account_there.view(ticket.id).priority == "high"


def test_a_program_that_undoes_our_work_is_not_fought_for_ever(
    account_there: ZendeskSandbox, connect: Callable[..., ZendeskConnection]
) -> None:
    """Each write is a real difference, so nothing else ends this loop; the alert names the ticket."""
    connection = connect(writes_per_ticket=3)
    ticket_id = account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.")
    for _ in range(3):
        connection.write(connection.read(ticket_id), Changes(priority=Priority.HIGH), Written())
        account_there.agent_changes(ticket_id, priority="low")
    with capture_logs() as logs, pytest.raises(TemporaryPlatformError) as raised:
        connection.write(connection.read(ticket_id), Changes(priority=Priority.HIGH), Written())
    assert (raised.value.reason, raised.value.retry_after) == ("fuse", timedelta(minutes=10))
    assert [(log["event"], log["ticket"]) for log in logs] == [("zendesk.fuse_blown", ticket_id)]
    assert account_there.view(ticket_id).priority == "low"
