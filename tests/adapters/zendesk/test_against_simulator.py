"""The adapter over HTTP against the simulated account: what it writes is what it reads back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from pydantic import SecretStr

from oneclick_sla_plugin.domain.changes import Changes, Desired, Note, diff, note_keys, written_after
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Priority, tag_of
from oneclick_sla_plugin.errors import PermanentPlatformError, TicketChanged
from oneclick_sla_plugin.ports import Connection, Request, Sandbox, Services
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.plugin import ZendeskPlatform

WEBHOOK_URL = "http://127.0.0.1:9/webhooks/acme"
"""Nobody listens on the discard port; these tests are not about delivery."""

DESIRED = Desired(
    priority=Priority.HIGH,
    tags=frozenset({tag_of(Field.SLA_PRIORITY, "high"), tag_of(Field.SLA_STATE, "on_track"), "sla_kind_question"}),
    fields={
        Field.SLA_PRIORITY: "high",
        Field.SLA_STATE: "on_track",
        Field.NEXT_DUE_AT: "2026-11-24T09:00:00Z",
        Field.FIRST_REPLY_DUE_AT: "2026-11-24T09:00:00Z",
    },
    notes=(Note("first_reply.due", "Reply by <b>24 Nov</b> — {{ticket.title}} stays as it is."),),
    reply=Note("acknowledgement", "We have your message."),
)


class MovableClock(Protocol):
    def __call__(self) -> datetime: ...
    def advance(self, amount: timedelta) -> datetime: ...


@pytest.fixture
def sandbox(clock: Callable[[], datetime]) -> Iterator[Sandbox]:
    running = ZendeskPlatform().sandbox(port=0, clock=clock)
    yield running
    running.close()


@pytest.fixture
def connection(sandbox: Sandbox, clock: Callable[[], datetime]) -> Iterator[Connection]:
    secrets = {name: SecretStr(value) for name, value in sandbox.secrets().items()}
    with HttpTransport(sandbox.base_url) as http:
        yield ZendeskPlatform().connect(
            "acme", {**sandbox.settings(), **secrets}, Services(lambda _base_url: http, clock)
        )


def install(connection: Connection) -> list[str]:
    steps = connection.installation(WEBHOOK_URL).steps
    for step in steps:
        if step.action != "keep":
            step.apply()
    return [step.action for step in steps]


def make_field(sandbox: Sandbox, field: dict[str, Any]) -> None:
    """By the account's admin."""
    headers = {"authorization": f"Bearer {sandbox.agent_token}", "content-type": "application/json"}
    body = json.dumps({"ticket_field": field}).encode()
    with HttpTransport(sandbox.base_url) as http:
        assert (
            http.send(Request("POST", "/api/v2/ticket_fields", "make field", headers=headers, body=body)).status == 201
        )


def open_ticket(sandbox: Sandbox) -> str:
    return sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.", tags=["billing"])


def test_a_second_installation_keeps_everything(connection: Connection) -> None:
    """The simulated account holds what the first installation made."""
    assert install(connection) == ["create"] * 14
    assert install(connection) == ["keep"] * 14
    assert set(connection.installation(WEBHOOK_URL).secrets()) == {"webhook_secrets"}


@pytest.mark.parametrize("installed", [True, False], ids=["with fields", "without fields"])
def test_after_a_write_nothing_is_left_to_write(connection: Connection, sandbox: Sandbox, installed: bool) -> None:
    """Priority, tags, fields, note and reply stand on the ticket and are recognised, so the loop ends."""
    if installed:
        install(connection)
    ticket = connection.read(open_ticket(sandbox))
    connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
    after = connection.read(ticket.id)
    left = diff(after, DESIRED)
    assert left == (Changes() if installed else Changes(fields=DESIRED.fields))
    assert after.tags == DESIRED.tags | {"billing"}
    assert after.written is not None
    assert note_keys(after) == {"first_reply.due", "acknowledgement"}
    ours = {message.public: message.text for message in after.messages if message.author is Author.US}
    assert ours[False].startswith("Reply by <b>24 Nov</b> — {{ticket.title}} stays as it is.")
    connection.write(after, left, written_after(after, DESIRED))
    assert connection.read(ticket.id).version == after.version


def test_a_dropdown_changes_its_tag_and_leaves_the_others(connection: Connection, sandbox: Sandbox) -> None:
    """A new state needs no list of tags: the field takes its old tag away."""
    install(connection)
    ticket = connection.read(open_ticket(sandbox))
    connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
    ticket = connection.read(ticket.id)
    later = Desired(
        priority=Priority.HIGH,
        tags=(DESIRED.tags - {"sla_on_track"}) | {"sla_breached"},
        fields={**DESIRED.fields, Field.SLA_STATE: "breached"},
    )
    connection.write(ticket, diff(ticket, later), written_after(ticket, later))
    after = connection.read(ticket.id)
    assert after.tags == later.tags | {"billing"}
    assert after.fields == later.fields


def test_a_ticket_that_moved_is_not_written(connection: Connection, sandbox: Sandbox, clock: MovableClock) -> None:
    """An answer between our read and our write is never overwritten."""
    ticket = connection.read(open_ticket(sandbox))
    clock.advance(timedelta(seconds=1))
    sandbox.agent_replies(ticket.id, "On it.")
    with pytest.raises(TicketChanged):
        connection.write(ticket, Changes(priority=Priority.URGENT), written_after(ticket, DESIRED))
    assert sandbox.view(ticket.id).priority is None


def test_a_wrong_secret_is_told_as_such(sandbox: Sandbox, clock: Callable[[], datetime]) -> None:
    """An admin learns that it is the login, not the ticket."""
    settings = {**sandbox.settings(), "client_secret": SecretStr("wrong")}
    with HttpTransport(sandbox.base_url) as http:
        connection = ZendeskPlatform().connect("acme", settings, Services(lambda _base_url: http, clock))
        with pytest.raises(PermanentPlatformError, match="login"):
            connection.read(open_ticket(sandbox))


def test_fields_and_tags_of_the_accounts_own_stand_beside_ours(connection: Connection, sandbox: Sandbox) -> None:
    """The list of tags is replaced as a whole, and a checkbox or a dropdown follows its tag: none of theirs may go."""
    for field in (
        {"type": "checkbox", "title": "Callback", "tag": "callback"},
        {"type": "tagger", "title": "Area", "custom_field_options": [{"name": "Sales", "value": "sales"}]},
    ):
        make_field(sandbox, field)
    install(connection)
    ticket_id = open_ticket(sandbox)
    sandbox.agent_changes(ticket_id, fields={"Callback": True, "Area": "sales"})
    ticket = connection.read(ticket_id)
    connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
    view = sandbox.view(ticket_id)
    assert set(view.tags) == DESIRED.tags | {"billing", "callback", "sales"}
    assert (view.fields["Callback"], view.fields["Area"]) == ("yes", "Sales")


def test_a_note_is_private_and_a_reply_public_whatever_came_before(connection: Connection, sandbox: Sandbox) -> None:
    """On Zendesk the visibility of the last comment carries over, unless the update says which."""
    ticket = connection.read(open_ticket(sandbox))
    sandbox.agent_replies(ticket.id, "On it.", public=True)
    note = Desired(notes=(Note("first", "Reply by Tuesday."),))
    ticket = connection.read(ticket.id)
    connection.write(ticket, diff(ticket, note), written_after(ticket, note))
    reply = Desired(notes=note.notes, reply=Note("second", "We have your message."))
    ticket = connection.read(ticket.id)
    connection.write(ticket, diff(ticket, reply), written_after(ticket, reply))
    told = [(message.author, message.public) for message in connection.read(ticket.id).messages]
    assert told[1:] == [(Author.AGENT, True), (Author.US, False), (Author.US, True)]
