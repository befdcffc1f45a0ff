"""Webhooks of the simulated account, from its triggers and events to the ticket that a connection finds in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from flask import Response, request
from pydantic import SecretStr

from oneclick_sla_plugin.domain.changes import Desired, Note, diff, written_after
from oneclick_sla_plugin.domain.model import Channel, Field, Priority, Status, tag_of
from oneclick_sla_plugin.errors import WebhookRejected
from oneclick_sla_plugin.ports import Doorbell, Request
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.simulator import ZendeskSandbox

Connect = Callable[..., ZendeskConnection]
PATIENCE = timedelta(seconds=30)

DESIRED = Desired(
    priority=Priority.HIGH,
    tags=frozenset({tag_of(Field.SLA_PRIORITY, "high"), "sla_kind_question"}),
    fields={Field.SLA_PRIORITY: "high", Field.NEXT_DUE_AT: "2026-11-24T09:00:00Z"},
    notes=(Note("first-reply-due", "Reply by Tuesday."),),
    reply=Note("acknowledgement", "We have your message."),
)


class Clock(Protocol):
    def __call__(self) -> datetime: ...
    def advance(self, amount: timedelta) -> datetime: ...


class Program:
    """The webhook end of the program: believes what the connection believes, and keeps the doorbells."""

    def __init__(self, clock: Clock) -> None:
        self.connection: ZendeskConnection | None = None
        self.rang: list[Doorbell] = []
        self.refused: list[str] = []
        self.store_failures = 0
        self.broken = False
        self._clock = clock
        self.server = LoopbackServer("program")
        self.server.app.add_url_rule("/webhooks/acme", view_func=self._receive, methods=["POST"])
        self.server.start()
        self.url = f"{self.server.base_url}/webhooks/acme"

    def _receive(self) -> Response:
        assert self.connection is not None
        if self.broken:
            return Response(status=500)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            doorbell = self.connection.receive(headers, request.get_data(), self._clock())
        except WebhookRejected as refusal:
            self.refused.append(refusal.reason)
            return Response(status=refusal.status)
        if self.store_failures:
            self.store_failures -= 1
            return Response(status=self.connection.retry_status)
        self.rang.append(doorbell)
        return Response(status=202)

    @property
    def tickets(self) -> set[str]:
        return {ticket_id for doorbell in self.rang for ticket_id in doorbell.ticket_ids}


@pytest.fixture
def program(clock: Clock) -> Iterator[Program]:
    program = Program(clock)
    yield program
    program.server.close()


def apply(connection: ZendeskConnection, url: str) -> None:
    for step in connection.installation(url).steps:
        if step.action != "keep":
            step.apply()


def open_ticket(sandbox: ZendeskSandbox, **facts: Any) -> str:
    return sandbox.open_ticket(**{"channel": Channel.EMAIL, "subject": "Invoice", "text": "It is wrong.", **facts})


def call(sandbox: ZendeskSandbox, method: str, path: str, body: object = None) -> Any:
    """A request of the account's agent, who may configure it."""
    with HttpTransport(sandbox.base_url) as http:
        headers = {"authorization": f"Bearer {sandbox.agent_token}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        response = http.send(Request(method, f"/api/v2/{path}", "configure", headers=headers, body=content))
    assert response.status < 300
    return response.json() if response.body else None


class TestWebhooks:
    @pytest.mark.parametrize("kind", ["events", "triggers"])
    def test_both_kinds_ring_for_what_people_do(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program, kind: str
    ) -> None:
        """Installed, the account's webhook is believed and names the ticket at its creation and at each change."""
        apply(connect(webhook=kind), program.url)
        program.connection = connect(webhook=kind)
        ticket_id = open_ticket(account_there)
        assert account_there.wait_delivered(PATIENCE)
        created = len(program.rang)
        account_there.agent_changes(ticket_id, priority="low")
        assert account_there.wait_delivered(PATIENCE)
        assert program.tickets == {ticket_id}
        assert len(program.rang) > created > 0
        assert program.refused == []

    @pytest.mark.parametrize("kind", ["events", "triggers"])
    def test_our_own_writes_do_not_ring(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program, kind: str
    ) -> None:
        """Events name our user as the actor, triggers have a condition on it: no write wakes us again."""
        apply(connect(webhook=kind), program.url)
        connection = program.connection = connect(webhook=kind)
        ticket_id = open_ticket(account_there)
        ticket = connection.read(ticket_id)
        assert account_there.wait_delivered(PATIENCE)
        program.rang.clear()
        connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
        assert account_there.wait_delivered(PATIENCE)
        assert program.tickets == set()
        assert {doorbell.dropped for doorbell in program.rang} <= {"own_change"}
        assert bool(program.rang) is (kind == "events")

    def test_duplicates_and_another_order_name_the_same_tickets(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program
    ) -> None:
        """Each delivery twice, shuffled, several events for one change: the same ticket, told more often."""
        apply(connect(), program.url)
        program.connection = connect()
        account_there.webhooks.duplicate_deliveries = 1
        account_there.webhooks.shuffle = True
        ids = {open_ticket(account_there) for _ in range(3)}
        assert account_there.wait_delivered(PATIENCE)
        assert (program.tickets, program.refused) == (ids, [])

    def test_a_template_that_a_subject_breaks_still_names_its_ticket(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program
    ) -> None:
        """An admin's own template with the subject in it: Zendesk does not escape, so the JSON breaks, the id stays."""
        apply(connect(webhook="triggers"), program.url)
        program.connection = connect(webhook="triggers")
        [hook] = call(account_there, "GET", "webhooks")["webhooks"]
        template = '{"title": "{{ticket.title}}", "assignee": {{ticket.assignee.id}}, "ticket_id": "{{ticket.id}}"}'
        trigger = {
            "title": "Theirs",
            "conditions": {"all": [{"field": "update_type", "operator": "is", "value": "Create"}]},
            "actions": [{"field": "notification_webhook", "value": [hook["id"], template]}],
        }
        for standing in call(account_there, "GET", "triggers")["triggers"]:
            call(account_there, "DELETE", f"triggers/{standing['id']}")
        call(account_there, "POST", "triggers", {"trigger": trigger})
        ticket_id = open_ticket(account_there, subject='He said "no"\nand left')
        assert account_there.wait_delivered(PATIENCE)
        assert program.rang == [Doorbell((ticket_id,), "trigger")]

    def test_while_a_secret_is_changed_both_are_believed(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program
    ) -> None:
        """The old secret and the new one, side by side: no webhook is lost in between."""
        apply(connect(), program.url)
        old = account_there.secrets()["webhook_secrets"]
        [hook] = call(account_there, "GET", "webhooks")["webhooks"]
        call(account_there, "POST", f"webhooks/{hook['id']}/signing_secret")
        new = account_there.secrets()["webhook_secrets"]
        program.connection = connect(webhook_secrets=SecretStr(f"{old} {new}"))
        ticket_id = open_ticket(account_there)
        assert account_there.wait_delivered(PATIENCE)
        program.connection = connect(webhook_secrets=SecretStr(old))
        account_there.agent_changes(ticket_id, priority="low")
        assert account_there.wait_delivered(PATIENCE)
        assert (program.tickets, program.refused) == ({ticket_id}, ["signature"])

    def test_a_merge_a_deletion_and_spam_ring(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program
    ) -> None:
        """What ends a ticket is worth a look too."""
        apply(connect(), program.url)
        program.connection = connect()
        ids = [open_ticket(account_there) for _ in range(4)]
        assert account_there.wait_delivered(PATIENCE)
        program.rang.clear()
        account_there.agent_merges(ids[0], into=ids[3])
        account_there.agent_deletes(ids[1])
        account_there.agent_deletes(ids[2], spam=True)
        assert account_there.wait_delivered(PATIENCE)
        assert program.tickets == set(ids)
        assert {"ticket.merged", "ticket.soft_deleted"} <= {doorbell.event for doorbell in program.rang}

    def test_ids_and_words_are_the_same_from_events_and_from_the_api(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program
    ) -> None:
        """Text and upper case in events, numbers and lower case in the API: one ticket id, neutral words."""
        apply(connect(), program.url)
        connection = program.connection = connect()
        ticket_id = open_ticket(account_there)
        account_there.agent_changes(ticket_id, priority="urgent", status="hold")
        assert account_there.wait_delivered(PATIENCE)
        assert program.tickets == {ticket_id}
        ticket = connection.read(ticket_id)
        assert (ticket.id, ticket.priority, ticket.status) == (ticket_id, Priority.URGENT, Status.ON_HOLD)
        assert ticket.group is None


class TestLostWebhooks:
    @pytest.mark.parametrize(("failures", "heard"), [(3, True), (4, False)])
    def test_what_could_not_be_kept_comes_again_three_times(
        self,
        account_there: ZendeskSandbox,
        connect: Connect,
        program: Program,
        clock: Clock,
        failures: int,
        heard: bool,
    ) -> None:
        """Zendesk repeats what is answered 409, signed anew; after the third time the export still names the ticket."""
        apply(connect(), program.url)
        program.connection = connect()
        ticket_id = open_ticket(account_there)
        assert account_there.wait_delivered(PATIENCE)
        program.rang.clear()
        clock.advance(timedelta(minutes=1))
        since = clock()
        program.store_failures = failures
        account_there.agent_changes(ticket_id, status="pending")
        assert account_there.wait_delivered(PATIENCE)
        assert (program.tickets, program.refused) == ({ticket_id} if heard else set(), [])
        clock.advance(timedelta(minutes=2))
        assert program.connection.changed(since, None).ticket_ids == (ticket_id,)

    def test_a_delivery_that_is_lost_is_found_by_the_export(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program, clock: Clock
    ) -> None:
        """Creation and first comment are told of apart, and both may be lost."""
        apply(connect(), program.url)
        program.connection = connect()
        since = clock()
        account_there.webhooks.drop_deliveries = 2
        lost = open_ticket(account_there)
        told = open_ticket(account_there)
        assert account_there.wait_delivered(PATIENCE)
        assert program.tickets == {told}
        clock.advance(timedelta(minutes=2))
        assert program.connection.changed(since, None).ticket_ids == (lost, told)

    def test_what_an_open_circuit_breaker_swallows_is_told_by_the_check_and_found_by_the_export(
        self, account_there: ZendeskSandbox, connect: Connect, program: Program, clock: Clock
    ) -> None:
        """Zendesk stops sending to a program that fails too often; those events are lost for good."""
        apply(connect(), program.url)
        connection = program.connection = connect()
        program.broken = True
        for _ in range(50):  # a creation and a comment each
            open_ticket(account_there)
        assert account_there.wait_delivered(PATIENCE)
        program.broken = False
        clock.advance(timedelta(seconds=1))
        since = clock()
        lost = open_ticket(account_there)
        assert account_there.wait_delivered(PATIENCE)
        assert program.tickets == set()
        [deliveries] = [check for check in connection.check(program.url) if check.name == "deliveries"]
        assert (deliveries.good, "the last one circuit broken" in deliveries.found) == (False, True)
        clock.advance(timedelta(seconds=5))
        told = open_ticket(account_there)
        assert account_there.wait_delivered(PATIENCE)
        assert program.tickets == {told}
        clock.advance(timedelta(minutes=2))
        assert connection.changed(since, None).ticket_ids == (lost, told)
