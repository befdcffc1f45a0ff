"""The adapter over HTTP against the simulated account: what it writes is what it reads back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from oneclick_sla_freshdesk.exchanges import authorised
from oneclick_sla_freshdesk.plugin import FreshdeskConnection, FreshdeskPlatform
from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.changes import Changes, Desired, Note, diff, note_keys, written_after
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Priority, Status, Ticket, tag_of
from oneclick_sla_plugin.errors import TemporaryPlatformError, TicketChanged, TicketGone, WebhookRejected
from oneclick_sla_plugin.ports import Request, Response, Services
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport, Timeouts

READ = "GET /api/v2/tickets/{ticket_id}"
PUT = "PUT /api/v2/tickets/{ticket_id}"
NOTE = "POST /api/v2/tickets/{ticket_id}/notes"

DESIRED = Desired(
    priority=Priority.HIGH,
    tags=frozenset({tag_of(Field.SLA_PRIORITY, "high"), tag_of(Field.SLA_STATE, "on_track"), "sla_kind_question"}),
    fields={
        Field.SLA_PRIORITY: "high",
        Field.SLA_STATE: "at_risk",
        Field.NEXT_DUE_AT: "2026-11-24T09:00:00Z",
        Field.FIRST_REPLY_DUE_AT: "2026-11-24T09:00:00Z",
        Field.RESOLUTION_DUE_AT: "2026-11-26T09:00:00Z",
    },
    notes=(Note("first-reply-due", "Reply by <b>24 Nov</b> — {{ticket.title}} stays as it is.", "Ana"),),
    reply=Note("acknowledgement", "We have your message.\n\n  Thank you & {{name}}"),
)


def bring_about(connection: FreshdeskConnection, ticket: Ticket, desired: Desired) -> None:
    connection.write(ticket, diff(ticket, desired), written_after(ticket, desired))


def test_from_the_webhook_to_the_ticket_and_back(
    connect: Callable[..., FreshdeskConnection],
    sandbox: FreshdeskSandbox,
    receiver: Any,
    manual_clock: ManualClock,
    install: Callable[..., list[str]],
    delivered: Callable[[], None],
) -> None:
    """What the rule sends is believed with the secret that the installation made, and nothing is left to write after."""
    first = connect()
    install(first, receiver.url)
    secrets = first.installation(receiver.url).secrets()
    connection = connect(**{name: SecretStr(value) for name, value in secrets.items()})
    ticket_id = sandbox.open_ticket(channel=Channel.WHATSAPP, subject='A "quoted" subject', text="Help.\nPlease.")
    delivered()

    headers, body = receiver.received[0]
    bell = connection.receive(headers, body, manual_clock())
    assert (bell.ticket_ids, bell.event, bell.dropped) == ((ticket_id,), "ticket_action", "")

    ticket = connection.read(ticket_id)
    assert (ticket.channel, ticket.status, ticket.written) == (Channel.WHATSAPP, Status.OPEN, None)
    bring_about(connection, ticket, DESIRED)
    after = connection.read(ticket_id)
    assert after.priority is Priority.HIGH
    assert after.fields == DESIRED.fields
    assert not diff(after, DESIRED)

    delivered()
    bells = [connection.receive(named, raw, manual_clock()) for named, raw in receiver.received]
    assert {bell.ticket_ids for bell in bells} == {(ticket_id,)}
    with pytest.raises(WebhookRejected):
        connection.receive({**headers, "x-webhook-secret": "guessed"}, body, manual_clock())


@pytest.mark.parametrize("installed", [True, False], ids=["with fields", "without fields"])
@pytest.mark.parametrize("suffixed", [True, False], ids=["keys with the number", "keys without"])
def test_after_a_write_nothing_is_left_to_write(
    connect: Callable[..., FreshdeskConnection],
    sandbox: FreshdeskSandbox,
    ticket_id: str,
    install: Callable[..., list[str]],
    installed: bool,
    suffixed: bool,
) -> None:
    """Priority, tags, fields, note and reply stand on the ticket and are recognised, so the loop ends."""
    sandbox.behaviour.suffixed_keys = suffixed
    connection = connect()
    if installed:
        install(connection)
    desired = DESIRED if installed else replace(DESIRED, fields={})
    bring_about(connection, connection.read(ticket_id), desired)
    after = connection.read(ticket_id)
    assert not diff(after, desired)
    assert after.written is not None
    assert (after.written.priority, after.written.tags) == (Priority.HIGH, desired.tags)
    assert note_keys(after) == {"first-reply-due", "acknowledgement"}
    assert sandbox.view(ticket_id).writes == 1
    assert {"vip"} < after.tags


def test_an_agents_priority_stays(connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """The record tells a person's change from ours, and is kept when other things are written."""
    bring_about(connection, connection.read(ticket_id), DESIRED)
    sandbox.agent_changes(ticket_id, priority="Low", remove_tags=["sla_kind_question"])
    assert not diff(connection.read(ticket_id), DESIRED)
    moved = replace(DESIRED, fields={**DESIRED.fields, Field.SLA_STATE: "breached"})
    bring_about(connection, connection.read(ticket_id), moved)
    after = connection.read(ticket_id)
    assert (after.priority, after.fields[Field.SLA_STATE]) == (Priority.LOW, "breached")
    assert "sla_kind_question" not in after.tags


def test_a_ticket_that_moved_since_it_was_read_is_not_written(
    connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str, manual_clock: ManualClock
) -> None:
    ticket = connection.read(ticket_id)
    manual_clock.advance(timedelta(seconds=2))
    sandbox.customer_replies(ticket_id, "One thing more.")
    with pytest.raises(TicketChanged):
        bring_about(connection, ticket, DESIRED)
    assert sandbox.view(ticket_id).writes == 0


def test_tags_that_another_program_takes_away_right_after_our_write_are_put_back(
    connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str
) -> None:
    """The check after the write sees it; what the other program set stands as well."""

    def overwrite() -> None:
        sandbox.agent_changes(ticket_id, tags=["other"])

    ticket = connection.read(ticket_id)
    # The answer of our PUT is sent, then a list that somebody read before is written, then we look again.
    opened = _Interrupted(connection, after=PUT.split()[0], deed=overwrite)
    opened.write(ticket, DESIRED)
    after = connection.read(ticket_id)
    assert after.tags == DESIRED.tags | {"other"}


def test_the_window_that_remains(connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """A tag that an agent adds between our last look and our update is lost: Freshdesk replaces the list, unlocked."""
    ticket = connection.read(ticket_id)
    sandbox.before_next_write(lambda: sandbox.agent_changes(ticket_id, add_tags=["lost"]))
    bring_about(connection, ticket, DESIRED)
    assert connection.read(ticket_id).tags == DESIRED.tags | {"vip"}


def test_a_note_whose_answer_is_lost_is_not_posted_again(
    sandbox: FreshdeskSandbox, connection: FreshdeskConnection, ticket_id: str, manual_clock: ManualClock
) -> None:
    """Its marker is looked for before the loss is told: it stands, so all is well."""
    with HttpTransport(sandbox.base_url, timeouts=Timeouts(read=timedelta(seconds=0.5))) as hasty:
        secrets = {name: SecretStr(value) for name, value in sandbox.secrets().items()}
        given = {**sandbox.settings(), **secrets}
        impatient = FreshdeskPlatform().connect("acme", given, Services(lambda _base_url: hasty, manual_clock))
        ticket = impatient.read(ticket_id)
        # Without tags and fields that change, the record's update is the only write besides the note.
        impatient.write(ticket, Changes(priority=Priority.HIGH), written_after(ticket, Desired(priority=Priority.HIGH)))
        ticket = impatient.read(ticket_id)
        sandbox.delay_writes(timedelta(seconds=1.5), before_effect=False)
        only_a_note = Desired(priority=Priority.HIGH, notes=(Note("fact", "A fact."),))
        impatient.write(ticket, diff(ticket, only_a_note), written_after(ticket, only_a_note))
        sandbox.delay_writes(timedelta(0), before_effect=False)
    assert [note for note in sandbox.view(ticket_id).notes if "fact" in note] == ["A fact.\n\n[oneclick-sla: fact]"]
    assert sandbox.requests[NOTE] == 1


def test_a_failed_note_is_told(connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    sandbox.answer_next(1, 503, operation=NOTE)
    with pytest.raises(TemporaryPlatformError) as caught:
        bring_about(connection, connection.read(ticket_id), DESIRED)
    assert caught.value.status == 503
    left = diff(connection.read(ticket_id), DESIRED)
    assert left == Changes(notes=DESIRED.notes, reply=DESIRED.reply)


def test_calls_of_an_event(connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Read, look again, write, note; the check after a write of tags comes on top."""
    connection.read(ticket_id)  # who we are and which fields there are is learnt once
    before = sandbox.requests
    bring_about(connection, connection.read(ticket_id), replace(DESIRED, reply=None))
    assert sandbox.requests - before == {READ: 3, PUT: 1, NOTE: 1}


@pytest.mark.parametrize("conversations", [0, 9, 10, 11, 101])
def test_the_whole_thread_is_read(
    connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str, conversations: int
) -> None:
    """``include`` brings ten conversations, a page a hundred; the ticket itself is the first message."""
    for number in range(conversations):
        sandbox.customer_replies(ticket_id, f"Message {number}")
    messages = connection.read(ticket_id).messages
    assert [message.text for message in messages] == ["It is wrong.", *(f"Message {n}" for n in range(conversations))]


def test_who_wrote_what(connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    sandbox.agent_replies(ticket_id, "Reply")
    sandbox.agent_replies(ticket_id, "Note", public=False)
    sandbox.customer_replies(ticket_id, "Thanks")
    sandbox.call_comment(ticket_id, "Call")
    bring_about(connection, connection.read(ticket_id), replace(DESIRED, reply=None))
    found = [(each.author, each.public, each.voice) for each in connection.read(ticket_id).messages]
    assert found == [
        (Author.CUSTOMER, True, False),
        (Author.AGENT, True, False),
        (Author.AGENT, False, False),
        (Author.CUSTOMER, True, False),
        (Author.AGENT, True, True),
        (Author.US, False, False),
    ]


@pytest.mark.parametrize("gone", [{}, {"spam": True}, {"forever": True}], ids=["trash", "spam", "forever"])
def test_deleted_tickets_are_gone(
    connection: FreshdeskConnection, sandbox: FreshdeskSandbox, ticket_id: str, gone: dict[str, bool]
) -> None:
    sandbox.agent_deletes(ticket_id, **gone)
    with pytest.raises(TicketGone):
        connection.read(ticket_id)


def test_a_merged_ticket_names_its_target(connection: FreshdeskConnection, sandbox: FreshdeskSandbox) -> None:
    one, two = (sandbox.open_ticket(channel=Channel.EMAIL, subject="Twice", text="The same.") for _ in range(2))
    sandbox.agent_merges(one, into=two)
    assert connection.read(one).merged_into == two
    assert connection.read(two).merged_into is None


def test_custom_statuses(
    connect: Callable[..., FreshdeskConnection], sandbox: FreshdeskSandbox, ticket_id: str
) -> None:
    """Pending when it stops Freshdesk's timer, else open, unless the settings say otherwise."""
    stopping = sandbox.add_status("Waiting for goods", stop_sla_timer=True)
    running = sandbox.add_status("In the workshop")
    sandbox.agent_changes(ticket_id, status=stopping)
    assert connect().read(ticket_id).status is Status.PENDING
    sandbox.agent_changes(ticket_id, status=running)
    assert connect().read(ticket_id).status is Status.OPEN
    assert connect(statuses={running: "on_hold"}).read(ticket_id).status is Status.ON_HOLD


def test_due_dates_are_written_only_on_demand(
    connect: Callable[..., FreshdeskConnection],
    sandbox: FreshdeskSandbox,
    ticket_id: str,
    install: Callable[..., list[str]],
) -> None:
    """Both together, in the PUT with everything else."""
    written = []
    for settings in ({}, {"write_due_dates": True}):
        connection = connect(**settings)
        install(connection)
        desired = replace(DESIRED, tags=DESIRED.tags | {f"sla_x{len(settings)}"}, notes=(), reply=None)
        bring_about(connection, connection.read(ticket_id), desired)
        raw = connection._http.send(_authorised(connection, ticket_id)).json()
        written.append((raw["fr_due_by"], raw["due_by"]))
    assert written[0] != ("2026-11-24T09:00:00Z", "2026-11-26T09:00:00Z")
    assert written[1] == ("2026-11-24T09:00:00Z", "2026-11-26T09:00:00Z")


def test_an_owner_is_told_by_the_note(
    connect: Callable[..., FreshdeskConnection],
    sandbox: FreshdeskSandbox,
    ticket_id: str,
    install: Callable[..., list[str]],
) -> None:
    """The addresses of a note's owner are those that Freshdesk notifies."""
    connection = connect(notify_emails={"Ana": ["ana@example.com"], "Bob": ["bob@example.com"]})
    install(connection)
    bring_about(connection, connection.read(ticket_id), replace(DESIRED, reply=None))
    raw = connection._http.send(_authorised(connection, ticket_id, "/conversations")).json()
    assert [each["to_emails"] for each in raw] == [["ana@example.com"]]


def test_an_ordinary_agents_key_suffices_to_run(
    connect: Callable[..., FreshdeskConnection],
    connection: FreshdeskConnection,
    sandbox: FreshdeskSandbox,
    ticket_id: str,
) -> None:
    ordinary = connect(api_key=SecretStr(sandbox.ordinary_token), install_api_key=SecretStr("sandbox-key"))
    bring_about(ordinary, ordinary.read(ticket_id), DESIRED)
    assert not diff(ordinary.read(ticket_id), DESIRED)


def _authorised(connection: FreshdeskConnection, ticket_id: str, rest: str = "") -> Request:
    return authorised(Request("GET", f"/api/v2/tickets/{ticket_id}{rest}", "test"), connection._settings.api_key)


class _Interrupted:
    """A connection whose next request of a method is followed by a deed of somebody else."""

    def __init__(self, connection: FreshdeskConnection, after: str, deed: Callable[[], None]) -> None:
        self._connection, self._http = connection, connection._http
        self._after, self._deed = after, [deed]
        connection._http = self

    def send(self, request: Request) -> Response:
        response = self._http.send(request)
        if request.method == self._after and self._deed:
            self._deed.pop()()
        return response

    def write(self, ticket: Ticket, desired: Desired) -> None:
        bring_about(self._connection, ticket, desired)
