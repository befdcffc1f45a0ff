"""The adapter against the simulated account, trait by trait of the real one: what is odd there must not hurt here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from pydantic import SecretStr

from oneclick_sla_plugin.domain.changes import Changes, Desired, Note, diff, note_keys, written_after
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Priority, Satisfaction, Status, Written, tag_of
from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.simulator import Fault, Faults, ZendeskSandbox

Connect = Callable[..., ZendeskConnection]
NOWHERE = "http://127.0.0.1:9/webhooks/acme"
UPDATE = "PUT /api/v2/tickets/{ticket_id}"

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


def apply(connection: ZendeskConnection, url: str = NOWHERE) -> None:
    for step in connection.installation(url).steps:
        if step.action != "keep":
            step.apply()


def open_ticket(sandbox: ZendeskSandbox, **facts: Any) -> str:
    return sandbox.open_ticket(**{"channel": Channel.EMAIL, "subject": "Invoice", "text": "It is wrong.", **facts})


def write(connection: ZendeskConnection, ticket_id: str, desired: Desired = DESIRED) -> None:
    ticket = connection.read(ticket_id)
    connection.write(ticket, diff(ticket, desired), written_after(ticket, desired))


class TestReading:
    def test_three_reads_and_no_write_for_a_ticket_of_a_hundred_comments(
        self, account_there: ZendeskSandbox, connect: Connect
    ) -> None:
        """From the account's own counters; the hundred-and-first comment is on a further page."""
        ticket_id = open_ticket(account_there)
        for number in range(99):
            account_there.agent_replies(ticket_id, f"Reply {number}.", public=False)
        connection = connect()
        connection.read(ticket_id)
        before = account_there.requests
        assert len(connection.read(ticket_id).messages) == 100
        assert (account_there.requests - before).total() == 3
        account_there.agent_replies(ticket_id, "One more.")
        before = account_there.requests
        assert len(connection.read(ticket_id).messages) == 101
        assert (account_there.requests - before).total() == 5

    def test_a_merged_ticket_says_where_it_went(self, account_there: ZendeskSandbox, connect: Connect) -> None:
        """The source names the target; the target is a ticket like any other."""
        source, target = open_ticket(account_there), open_ticket(account_there)
        account_there.agent_merges(source, into=target)
        merged, kept = connect().read(source), connect().read(target)
        assert (merged.status, merged.merged_into) == (Status.CLOSED, target)
        assert (kept.status, kept.merged_into) == (Status.NEW, None)

    def test_a_follow_up_is_a_ticket_of_its_own(self, account_there: ZendeskSandbox, connect: Connect) -> None:
        """It begins with the customer's new message, in the channel it came by."""
        ticket_id = open_ticket(account_there)
        account_there.agent_changes(ticket_id, status="closed")
        follow_up = connect().read(account_there.customer_follows_up(ticket_id, "It is wrong again."))
        assert (follow_up.channel, follow_up.status, follow_up.opened_by) == (
            Channel.EMAIL,
            Status.NEW,
            Author.CUSTOMER,
        )
        assert [message.text for message in follow_up.messages] == ["It is wrong again."]

    @pytest.mark.parametrize("spam", [False, True], ids=["deleted", "spam"])
    def test_a_deleted_ticket_is_gone(self, account_there: ZendeskSandbox, connect: Connect, spam: bool) -> None:
        """Nothing is left to do for it, whatever rang."""
        ticket_id = open_ticket(account_there)
        account_there.agent_deletes(ticket_id, spam=spam)
        with pytest.raises(TicketGone):
            connect().read(ticket_id)

    def test_a_rating_is_read_with_its_instant(
        self, account_there: ZendeskSandbox, connect: Connect, clock: Clock
    ) -> None:
        """Good or bad, and when; three reads all the same."""
        ticket_id = open_ticket(account_there)
        rated_at = clock.advance(timedelta(hours=1))
        account_there.customer_rates(ticket_id, "bad")
        assert connect().read(ticket_id).satisfaction == Satisfaction("bad", rated_at)

    def test_who_the_requester_is_follows_the_accounts_rules(
        self, account_there: ZendeskSandbox, connect: Connect
    ) -> None:
        """Known by a user tag, the tier by a tag of the organisation, with no further request."""
        ticket_id = open_ticket(account_there)
        rules = {"known_requester": {"tag": "customer"}, "tiers": {"vip": "gold"}}
        assert connect(**rules).read(ticket_id).requester.known is False
        account_there.change_requester(ticket_id, tags=["customer"], organization_tags=["vip"])
        requester = connect(**rules).read(ticket_id).requester
        assert (requester.known, requester.tier) == (True, "gold")


class TestWriting:
    def test_within_one_second_two_writes_differ_only_by_their_effect(
        self, account_there: ZendeskSandbox, connect: Connect, clock: Clock
    ) -> None:
        """Stamps are whole seconds: a change a second later is refused, and the writer reads again."""
        connection = connect()
        ticket = connection.read(open_ticket(account_there))
        clock.advance(timedelta(seconds=1))
        account_there.agent_changes(ticket.id, priority="low")
        with pytest.raises(TicketChanged):
            connection.write(ticket, Changes(priority=Priority.URGENT), Written())

    @pytest.mark.parametrize("error", ["UpdateConflict", "DatabaseConflict"])
    def test_either_conflict_means_read_again(
        self, account_there: ZendeskSandbox, connect: Connect, error: Any
    ) -> None:
        """Nothing was written; the next try, on what was read anew, goes through."""
        connection = connect()
        ticket = connection.read(open_ticket(account_there))
        account_there.conflict_next(1, error)
        with pytest.raises(TicketChanged):
            connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
        assert account_there.view(ticket.id).writes == 0
        write(connection, ticket.id)
        assert account_there.view(ticket.id).priority == "high"

    def test_no_update_of_ours_has_a_key_that_zendesk_drops(
        self, account_there: ZendeskSandbox, connect: Connect
    ) -> None:
        """Connected strictly, a dropped key is an error: everything we can write is written without one."""
        connection = connect()
        apply(connection)
        ticket_id = open_ticket(account_there)
        fields = {
            Field.SLA_PRIORITY: "high",
            Field.SLA_STATE: "breached",
            Field.NEXT_DUE_AT: "2026-11-24T09:00:00Z",
            Field.FIRST_REPLY_DUE_AT: "2026-11-24T09:00:00Z",
            Field.RESOLUTION_DUE_AT: "2026-11-26T09:00:00Z",
            Field.COMPLAINT_STAGE: "follow_up",
            Field.COMPLAINT_NUMBER: "2026-000017",
            Field.COMPLAINT_RESPONSE_DUE_AT: "2026-11-25T09:00:00Z",
        }
        tags = frozenset({"sla_priority_high", "sla_breached", "sla_complaint_follow_up", "sla_kind_complaint"})
        desired = Desired(priority=Priority.HIGH, tags=tags, fields=fields, notes=DESIRED.notes, reply=DESIRED.reply)
        write(connection, ticket_id, desired)
        ticket = connection.read(ticket_id)
        assert (dict(ticket.fields), ticket.tags) == (fields, tags)
        assert not diff(ticket, desired)

    def test_a_dropped_key_is_an_error_when_connected_strictly(
        self, account_there: ZendeskSandbox, connect: Connect
    ) -> None:
        """Answered 200, named in a header only: tests must not pass over it."""
        connection = connect()
        ticket = connection.read(open_ticket(account_there))
        warning = {"X-Zendesk-API-Warn": 'Removed restricted keys ["mood"] from parameters'}
        account_there.answer_next(1, 200, operation=UPDATE, headers=warning, body=b'{"ticket": {"updated_at": "x"}}')
        with pytest.raises(PermanentPlatformError, match="keys dropped: mood"):
            connection.write(ticket, Changes(priority=Priority.URGENT), Written())

    def test_a_ticket_that_is_closed_under_a_look_has_changed(
        self, account_there: ZendeskSandbox, connect: Connect
    ) -> None:
        """It takes nothing any more, which reading again shows: no case for the dead list."""
        connection = connect()
        ticket = connection.read(open_ticket(account_there))
        account_there.agent_changes(ticket.id, status="closed")
        with pytest.raises(TicketChanged) as raised:
            connection.write(ticket, Changes(priority=Priority.URGENT), Written())
        assert (raised.value.status, raised.value.reason) == (422, "closed")
        assert (connection.read(ticket.id).status, connection.closed_is_final) == (Status.CLOSED, True)

    def test_a_refusal_names_codes_and_no_values(self, account_there: ZendeskSandbox, connect: Connect) -> None:
        """Why it was refused, in Zendesk's codes; the descriptions beside them may quote the ticket."""
        connection = connect()
        ticket = connection.read(open_ticket(account_there))
        details = b'{"details": {"base": [{"description": "Secret: is wrong", "error": "InvalidValue"}]}}'
        account_there.answer_next(1, 422, operation=UPDATE, body=details)
        with pytest.raises(PermanentPlatformError) as raised:
            connection.write(ticket, Changes(priority=Priority.URGENT), Written())
        assert raised.value.reason == "rejected: InvalidValue"
        assert "Secret" not in str(raised.value)

    @pytest.mark.parametrize("fault", [Fault.LOST_ANSWER, Fault.TRUNCATED])
    def test_after_a_lost_answer_nothing_is_said_twice(
        self, account_there: ZendeskSandbox, connect: Connect, clock: Clock, fault: Fault
    ) -> None:
        """The update took effect though no answer came: reading again shows it, note and reply included."""
        connection = connect()
        ticket = connection.read(open_ticket(account_there))
        for _ in range(2):  # first the note's update loses its answer, then the reply's
            account_there.faults = Faults(rate=1, kinds=(fault,), webhooks=False)
            with pytest.raises(TemporaryPlatformError):
                connection.write(ticket, diff(ticket, DESIRED), written_after(ticket, DESIRED))
            account_there.faults = None
            clock.advance(timedelta(seconds=2))
            ticket = connection.read(ticket.id)
        assert note_keys(ticket) == {"first-reply-due", "acknowledgement"}
        connection.write(ticket, Changes(reply=DESIRED.reply), Written())
        ours = [message.public for message in connection.read(ticket.id).messages if message.author is Author.US]
        assert sorted(ours) == [False, True]

    def test_an_update_that_takes_effect_too_late_is_refused(
        self, account_there: ZendeskSandbox, connect: Connect, clock: Clock
    ) -> None:
        """It carries the stamp of its time: what was decided anew meanwhile stays."""
        connection = connect()
        late = connection.read(open_ticket(account_there))
        clock.advance(timedelta(seconds=2))
        write(connection, late.id)
        clock.advance(timedelta(seconds=2))
        with pytest.raises(TicketChanged):
            connection.write(late, Changes(reply=DESIRED.reply), Written())
        ticket = connection.read(late.id)
        assert sum(message.public for message in ticket.messages if message.author is Author.US) == 1

    def test_a_long_note_with_placeholders_arrives_whole_or_cut_by_us(
        self, account_there: ZendeskSandbox, connect: Connect
    ) -> None:
        """Zendesk cuts at 64 kB without a word, and expands braces: the marker survives both."""
        connection = connect()
        ticket_id = open_ticket(account_there)
        text = "{{ticket.title}} <b>& " + "ñ" * 70_000
        write(connection, ticket_id, Desired(notes=(Note("long", text),)))
        ticket = connection.read(ticket_id)
        assert note_keys(ticket) == {"long"}
        assert ticket.messages[-1].text.startswith("{{ticket.title}} <b>& ññ")


class TestLogin:
    def test_a_token_that_runs_out_is_renewed_unseen(
        self, account_there: ZendeskSandbox, connect: Connect, clock: Clock
    ) -> None:
        """An hour later, and after a revocation, reading goes on."""
        connection = connect()
        ticket_id = open_ticket(account_there)
        connection.read(ticket_id)
        clock.advance(timedelta(hours=3))
        connection.read(ticket_id)
        account_there.revoke_tokens()
        connection.read(ticket_id)
        assert account_there.requests["POST /oauth/tokens"] == 3

    def test_a_scope_that_is_missing_is_told_at_the_login(
        self, account_there: ZendeskSandbox, connect: Connect
    ) -> None:
        """Audits need the global right to read; without it nothing is half read."""
        account_there.allow_scopes("tickets:read", "tickets:write")
        with pytest.raises(Unauthorised) as raised:
            connect().read(open_ticket(account_there))
        assert raised.value.reason == "scope"

    def test_the_legacy_login_reads_writes_and_installs(self, account_there: ZendeskSandbox, connect: Connect) -> None:
        """With an API token no token is asked for; a revoked one is told as refused credentials."""
        email, token = account_there.new_api_token()
        connection = connect(client_id=None, client_secret=None, email=email, api_token=SecretStr(token))
        apply(connection)
        ticket_id = open_ticket(account_there)
        write(connection, ticket_id)
        assert account_there.view(ticket_id).priority == "high"
        assert account_there.requests["POST /oauth/tokens"] == 0
        account_there.revoke_tokens()
        with pytest.raises(Unauthorised) as raised:
            connection.read(ticket_id)
        assert raised.value.reason == "credentials"


class TestTellingTheOwner:
    @pytest.mark.parametrize(
        ("channel", "to"), [(Channel.EMAIL, "360001"), (Channel.CHAT, "assignee_id"), (Channel.WHATSAPP, "assignee_id")]
    )
    def test_the_owner_hears_once_of_each_new_state(
        self, account_there: ZendeskSandbox, connect: Connect, clock: Clock, channel: Channel, to: str
    ) -> None:
        """At risk and breached, to the channel's owner; not of a ticket on track, nor again at each change."""
        connection = connect(owners={"default": "assignee", "email": 360001})
        apply(connection)
        ticket_id = open_ticket(account_there, channel=channel)
        heard = []
        for state in ("on_track", "at_risk", "at_risk", "breached"):
            tags = frozenset({tag_of(Field.SLA_STATE, state)})
            write(connection, ticket_id, Desired(tags=tags, fields={Field.SLA_STATE: state}))
            account_there.agent_replies(ticket_id, "Still on it.", public=False)
            clock.advance(timedelta(minutes=1))
            heard.append(len(account_there.notifications))
        assert heard == [0, 1, 1, 2]
        assert {notification.to for notification in account_there.notifications} == {to}
        assert all("Invoice" not in each.subject + each.text for each in account_there.notifications)

    def test_nobody_is_told_unless_owners_are_configured(self, account_there: ZendeskSandbox, connect: Connect) -> None:
        """Without owners there is no trigger, and so no e-mail."""
        connection = connect()
        apply(connection)
        ticket_id = open_ticket(account_there)
        tags = frozenset({tag_of(Field.SLA_STATE, "breached")})
        write(connection, ticket_id, Desired(tags=tags, fields={Field.SLA_STATE: "breached"}))
        assert account_there.notifications == ()


@pytest.mark.parametrize("seed", range(3))
def test_with_a_third_of_the_answers_faulty_every_ticket_ends_as_it_should(
    account_there: ZendeskSandbox, connect: Connect, clock: Clock, seed: int
) -> None:
    """Delays, errors, resets, lost and truncated answers: tried again until it stands, nothing is said twice."""
    connection = connect()
    apply(connection)
    ids = [open_ticket(account_there) for _ in range(20)]
    account_there.faults = Faults(rate=0.3, seed=seed)
    for ticket_id in ids:
        for _ in range(60):
            clock.advance(timedelta(seconds=1))
            try:
                ticket = connection.read(ticket_id)
                changes = diff(ticket, DESIRED)
                if not changes:
                    break
                connection.write(ticket, changes, written_after(ticket, DESIRED))
            except TemporaryPlatformError:
                continue
        else:
            pytest.fail("the ticket was never written")
    struck = account_there.struck
    account_there.faults = None
    assert set(struck) == {str(fault) for fault in Fault}
    for ticket_id in ids:
        ticket = connection.read(ticket_id)
        assert not diff(ticket, DESIRED)
        assert sorted(message.public for message in ticket.messages if message.author is Author.US) == [False, True]
