"""The adapter over HTTP against the simulated osTicket: what it writes is what it reads back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from oneclick_sla_osticket.checks import Examination
from oneclick_sla_osticket.plugin import OsTicketConnection, OsTicketPlatform
from oneclick_sla_osticket.settings import load_settings
from oneclick_sla_osticket.simulator import OsTicketSandbox
from oneclick_sla_plugin.domain.changes import Changes, Desired, Note, diff, note_keys, written_after
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Priority, Status
from oneclick_sla_plugin.errors import ConfigError, TemporaryPlatformError, TicketChanged, TicketGone, Unauthorised
from oneclick_sla_plugin.ports import Connection, Directory, Packaged, Platform, Sandbox, Services
from oneclick_sla_plugin.testing.clock import ManualClock

WEBHOOK_URL = "http://127.0.0.1:9/webhooks/acme"
"""Nobody listens on the discard port; these tests are not about delivery."""

CHANGE = "POST /api/tickets/sla/tickets/{ticket_id}/changes"
Connect = Callable[..., OsTicketConnection]

DESIRED = Desired(
    priority=Priority.URGENT,
    tags=frozenset({"sla_priority_urgent", "sla_on_track", "sla_kind_question"}),
    fields={Field.SLA_PRIORITY: "urgent", Field.SLA_STATE: "on_track", Field.NEXT_DUE_AT: "2026-11-24T09:00:00Z"},
    notes=(Note("first_reply.due", "Reply by 24 Nov.\nWhy: §4."),),
    reply=Note("acknowledgement", "We have your message."),
)


def install(connection: Connection) -> list[str]:
    steps = connection.installation(WEBHOOK_URL).steps
    for step in steps:
        if step.action != "keep":
            step.apply()
    return [step.action for step in steps]


def open_ticket(sandbox: OsTicketSandbox, channel: Channel = Channel.EMAIL) -> str:
    return sandbox.open_ticket(channel=channel, subject="Invoice", text="It is wrong.", tags=["billing"])


def test_platform_connection_and_sandbox_are_what_the_host_expects(connect: Connect, sandbox: OsTicketSandbox) -> None:
    platform: Platform = OsTicketPlatform()
    connection: Connection = connect()
    box: Sandbox = sandbox
    assert isinstance(connection, Directory)
    assert isinstance(platform, Packaged)
    assert (platform.name, connection.retry_status, connection.closed_is_final) == ("osticket", 503, False)
    assert set(box.secrets()) == {"secrets"}


def test_a_second_installation_keeps_everything_and_removal_leaves_the_fields(connect: Connect) -> None:
    connection = connect()
    assert install(connection) == ["create"] * 16
    assert install(connection) == ["keep"] * 16
    for step in connection.removal():
        step.apply()
    assert connection.removal() == ()
    assert install(connection) == ["keep"] * 11 + ["create"] * 3 + ["keep", "create"]


@pytest.mark.parametrize("installed", [True, False], ids=["with fields", "without fields"])
def test_after_a_write_nothing_is_left_to_write(connect: Connect, sandbox: OsTicketSandbox, installed: bool) -> None:
    """Priority, tags, fields, note and reply stand on the ticket and are recognised, so the loop ends."""
    connection = connect()
    if installed:
        install(connection)
    ticket = connection.read(open_ticket(sandbox))
    connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
    after = connection.read(ticket.id)
    left = diff(after, DESIRED)
    assert left == (Changes() if installed else Changes(add_tags=DESIRED.tags, fields=DESIRED.fields))
    assert note_keys(after) == {"first_reply.due", "acknowledgement"}
    assert (after.tags == DESIRED.tags | {"billing"}) is installed
    connection.write(after, left, written_after(after, DESIRED))
    assert sandbox.view(ticket.id).writes == 1


def test_agents_see_it(connect: Connect, sandbox: OsTicketSandbox) -> None:
    connection = connect()
    install(connection)
    ticket = connection.read(open_ticket(sandbox))
    connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
    view = sandbox.view(ticket.id)
    assert (view.priority, view.status, view.notes) == ("Emergency", "Open", ["Reply by 24 Nov.\nWhy: §4."])
    assert view.fields["SLA next due"] == "2026-11-24T09:00:00Z"


@pytest.mark.parametrize("channel", list(Channel))
def test_every_channel_of_the_sandbox_is_read_as_itself(
    connect: Connect, sandbox: OsTicketSandbox, channel: Channel
) -> None:
    assert connect().read(open_ticket(sandbox, channel)).channel is channel


def test_people_move_a_ticket(connect: Connect, sandbox: OsTicketSandbox, clock: ManualClock) -> None:
    """A reply, a solution, a customer who writes again, and an end."""
    connection, ticket_id = connect(), open_ticket(sandbox)
    sandbox.agent_replies(ticket_id, "On it.")
    clock.advance(timedelta(minutes=1))
    sandbox.agent_solves(ticket_id)
    assert connection.read(ticket_id).status is Status.SOLVED
    clock.advance(timedelta(minutes=1))
    sandbox.customer_replies(ticket_id, "Still wrong.")
    ticket = connection.read(ticket_id)
    assert [change.status for change in ticket.status_history] == [Status.OPEN, Status.SOLVED, Status.OPEN]
    assert [message.author for message in ticket.messages] == [Author.CUSTOMER, Author.AGENT, Author.CUSTOMER]
    sandbox.agent_deletes(ticket_id)
    with pytest.raises(TicketGone):
        connection.read(ticket_id)


def test_a_ticket_that_moved_is_not_written(connect: Connect, sandbox: OsTicketSandbox) -> None:
    connection = connect()
    ticket = connection.read(open_ticket(sandbox))
    sandbox.agent_replies(ticket.id, "On it.")
    with pytest.raises(TicketChanged):
        connection.write(ticket, Changes(priority=Priority.URGENT), written_after(ticket, DESIRED))
    assert sandbox.view(ticket.id).priority == "Normal"


@pytest.mark.parametrize(("word", "requests"), [("busy", 1), ("interrupted", 1)])
def test_a_ticket_in_other_hands_is_read_again(
    connect: Connect, sandbox: OsTicketSandbox, word: str, requests: int
) -> None:
    connection = connect()
    ticket = connection.read(open_ticket(sandbox))
    sandbox.answer_next(1, 503, operation=CHANGE, body=f'{{"error":"{word}"}}'.encode())
    with pytest.raises(TicketChanged):
        connection.write(ticket, Changes(priority=Priority.HIGH), written_after(ticket, DESIRED))
    assert sandbox.requests[CHANGE] == requests
    connection.write(ticket, Changes(priority=Priority.HIGH), written_after(ticket, DESIRED))
    assert sandbox.view(ticket.id).priority == "High"


def test_an_error_inside_osticket_is_answered_with_the_same_request_once(
    connect: Connect, sandbox: OsTicketSandbox
) -> None:
    """The write may have happened; the key makes repeating it safe."""
    connection = connect()
    ticket = connection.read(open_ticket(sandbox))
    sandbox.answer_next(1, 500, operation=CHANGE, body=b'{"error":"internal"}')
    connection.write(ticket, Changes(notes=(Note("a", "A."),)), written_after(ticket, DESIRED))
    assert sandbox.requests[CHANGE] == 2
    assert sandbox.view(ticket.id).notes == ["A."]
    sandbox.answer_next(2, 500, operation=CHANGE, body=b'{"error":"internal"}')
    with pytest.raises(TemporaryPlatformError, match="internal"):
        connection.write(ticket, Changes(priority=Priority.LOW), written_after(ticket, DESIRED))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b"URL not supported"),
        (404, b"<html>"),
        (422, b'{"error":"a_word_that_is_not_the_protocols"}'),
        (502, b"<html>"),
    ],
)
def test_an_answer_that_is_not_the_plugins_gives_no_ticket_up(
    connect: Connect, sandbox: OsTicketSandbox, status: int, body: bytes
) -> None:
    """The plugin is disabled, or the server does not lead to it: it is the same for all tickets."""
    connection, ticket_id = connect(), open_ticket(sandbox)
    connection.read(ticket_id)
    sandbox.answer_next(1, status, body=body)
    with pytest.raises(TemporaryPlatformError) as caught:
        connection.read(ticket_id)
    assert caught.value.reason in ("no_plugin", "unavailable")


@pytest.mark.parametrize("delivery", ["webhook", "fetch"])
def test_what_changed_is_found(connect: Connect, sandbox: OsTicketSandbox, clock: ManualClock, delivery: str) -> None:
    """By the list or by the events, in either way from an instant on, and again from a cursor."""
    connection = connect(delivery=delivery)
    old = open_ticket(sandbox)
    clock.advance(timedelta(hours=1))
    since, new = clock(), open_ticket(sandbox)
    clock.advance(timedelta(seconds=5))
    page = connection.changed(since, None)
    assert (page.ticket_ids, page.more) == ((new,), False)
    sandbox.agent_changes(old, priority="high")
    clock.advance(timedelta(seconds=5))
    assert connection.changed(since, page.cursor).ticket_ids == (old,)
    assert set(connection.changed(since, None).ticket_ids) == {old, new}
    assert set(connection.changed(since - timedelta(hours=2), None).ticket_ids) == {old, new}


def test_events_too_old_to_be_kept_are_found_by_the_list(
    connect: Connect, sandbox: OsTicketSandbox, clock: ManualClock
) -> None:
    connection, ticket_id = connect(delivery="fetch"), open_ticket(sandbox)
    since = clock() - timedelta(hours=1)
    clock.advance(timedelta(days=20))
    assert connection.changed(since, None).ticket_ids == (ticket_id,)
    assert sandbox.requests["GET /api/tickets/sla/events"] == 0


def test_unsolved_tickets_are_listed(connect: Connect, sandbox: OsTicketSandbox) -> None:
    first, second = open_ticket(sandbox), open_ticket(sandbox)
    sandbox.agent_solves(first)
    assert connect().unsolved(None).ticket_ids == (second,)


def test_check_says_what_is_wrong(connect: Connect, sandbox: OsTicketSandbox, clock: ManualClock) -> None:
    """Before the installation much is missing; after it only the receiver, which nobody started."""
    connection = connect()
    before = {each.name for each in connection.check(WEBHOOK_URL) if not each.good}
    assert {"delivery", "webhook address", "field:sla_state", "field for tags"} <= before
    install(connection)
    after = connection.check(WEBHOOK_URL)
    assert [(each.name, each.found) for each in after if not each.good] == [
        ("round trip", "a signed event was not taken: connect")
    ]
    assert all(each.remedy for each in after if not each.good)
    sandbox.clock_skew = timedelta(hours=1)
    (clocks,) = connection.check(WEBHOOK_URL)
    assert (clocks.name, clocks.good, clocks.found) == ("clock", False, "3600 s behind osTicket")


def test_check_names_priorities_that_do_not_exist(connect: Connect) -> None:
    found = {each.name: each for each in connect(priorities={"high": "Dringend"}).check(WEBHOOK_URL)}
    assert found["priorities"].found == "osTicket has none named Dringend"


@pytest.mark.parametrize(
    ("alerts", "on", "found"),
    [(True, False, ["osTicket's alert for new notes is off"]), (True, True, []), (False, False, [])],
)
def test_check_says_when_alerts_reach_nobody(
    sample: Callable[[str], Any], recorded_with: str, clock: ManualClock, alerts: bool, on: bool, found: list[str]
) -> None:
    """A new osTicket has them off."""
    settings = load_settings({"base_url": "https://x.example", "secrets": recorded_with, "alerts": alerts})
    health = {**sample("health")["response"]["body"], "note_alerts": on}
    told = Examination(settings, WEBHOOK_URL).health(health, clock())
    assert [each.found for each in told if each.name == "alerts"] == found


@pytest.mark.parametrize("wrong", ["whsec_YW5vdGhlciBzZWNyZXQgb2YgMjQgYnl0ZXMhISEhISE="])
def test_a_wrong_secret_is_told_as_such(connect: Connect, sandbox: OsTicketSandbox, wrong: str) -> None:
    connection = connect(secrets=SecretStr(wrong))
    with pytest.raises(Unauthorised, match="credentials"):
        connection.read(open_ticket(sandbox))
    (login,) = connection.check(WEBHOOK_URL)
    assert (login.name, login.good) == ("login", False)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"secrets": "x"}, "secrets"),
        ({"base_url": "http://help.example.com"}, "base_url"),
        ({"base_url": "https://help.example.com/scp"}, "base_url"),
        ({"priorities": {"blazing": "x"}}, "priorities.blazing"),
        ({"delivry": "fetch"}, "delivry"),
    ],
)
def test_wrong_settings_are_named_by_their_path(settings: dict[str, object], path: str, clock: ManualClock) -> None:
    good = {"base_url": "https://help.example.com", "secrets": "whsec_c2FuZGJveC1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0ISE="}
    with pytest.raises(ConfigError) as refused:
        OsTicketPlatform().connect("acme", {**good, **settings}, Services(_no_http, clock))
    assert [problem.path for problem in refused.value.problems] == [path]


def _no_http(base_url: str) -> None:
    raise AssertionError("nothing is connected with wrong settings")


def test_a_requester_is_found_by_the_id_that_the_ticket_gives(connect: Connect, sandbox: OsTicketSandbox) -> None:
    connection = connect()
    person = connection.person(connection.read(open_ticket(sandbox)).requester.id)
    assert (person.name, person.email) == ("Customer 1", "customer1@example.com")


def test_a_merge_is_seen_on_both_tickets(connect: Connect, sandbox: OsTicketSandbox) -> None:
    """What was told of the merged one stands in the other one's thread, and counts as told of neither."""
    connection = connect()
    install(connection)
    merged, other = open_ticket(sandbox), open_ticket(sandbox)
    ticket = connection.read(merged)
    connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
    sandbox.agent_merges(merged, other)
    gone, standing = connection.read(merged), connection.read(other)
    assert (gone.merged_into, gone.status, gone.messages) == (other, Status.SOLVED, ())
    assert [each.author for each in standing.messages] == [Author.CUSTOMER, Author.CUSTOMER, Author.US, Author.US]
    assert note_keys(standing) == set()
