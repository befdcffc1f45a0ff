"""The neutral ticket that Zendesk's three answers amount to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from oneclick_sla_plugin.domain.changes import note_keys
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Field,
    Message,
    Priority,
    Requester,
    Status,
    StatusChange,
    Ticket,
    Written,
)
from oneclick_sla_plugin.errors import TicketGone
from oneclick_sla_zendesk.channels import channel_of
from oneclick_sla_zendesk.settings import KnownRequester
from oneclick_sla_zendesk.tickets import Account, build_ticket

Bend = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], None]
Read = Callable[..., Ticket]


def at(clock_time: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-20T{clock_time}").replace(tzinfo=UTC)


@pytest.fixture
def read(sample: Callable[[str], Any], account: Account) -> Read:
    """Builds the ticket of the samples, bent by a function of (ticket, comments, audits)."""

    def read(bend: Bend | None = None, account: Account = account) -> Ticket:
        ticket, comments, audits = sample("ticket.json"), sample("comments.json"), sample("audits.json")
        if bend is not None:
            bend(ticket, comments, audits)
        return build_ticket(ticket, [comments], [audits], account)

    return read


def test_a_ticket_is_read_whole(read: Read) -> None:
    """Everything Zendesk shows arrives in the neutral vocabulary, and nothing else."""
    assert read() == Ticket(
        platform="zendesk",
        account="acme",
        id="42",
        created_at=at("14:00:00"),
        updated_at=at("15:30:00"),
        channel=Channel.EMAIL,
        subject="Invoice is wrong",
        status=Status.ON_HOLD,
        priority=Priority.HIGH,
        recipient="help@acme.example",
        tags=frozenset({"billing", "sla_on_track", "sla_priority_high"}),
        requester=Requester("7"),
        created_by=Author.CUSTOMER,
        brand="1",
        group="4",
        assignee="9",
        form="3",
        fields={
            Field.SLA_PRIORITY: "high",
            Field.SLA_STATE: "on_track",
            Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z",
        },
        messages=(
            Message("501", at("14:00:00"), Author.CUSTOMER, True, "The invoice of October shows two charges."),
            Message(
                "502",
                at("14:10:00"),
                Author.US,
                False,
                "First reply due on Monday.\n\n[oneclick-sla: first_reply.at_risk]",
            ),
            Message("503", at("15:00:00"), Author.AGENT, True, "We are looking into it."),
            Message("504", at("15:00:01"), Author.SYSTEM, False, "Assigned by a rule."),
            Message("505", at("15:00:02"), Author.SYSTEM, False, "Request #41 was merged into this request."),
            Message("506", at("15:30:00"), Author.AGENT, False, "Call to +51 1 555 0100", voice=True),
        ),
        status_history=(
            StatusChange(at("14:00:00"), Status.NEW),
            StatusChange(at("15:00:00"), Status.OPEN),
            StatusChange(at("15:30:00"), Status.ON_HOLD),
        ),
        written=Written(
            priority=Priority.HIGH,
            tags=frozenset({"sla_on_track", "sla_priority_high"}),
            fields={
                Field.SLA_PRIORITY: "high",
                Field.SLA_STATE: "on_track",
                Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z",
            },
        ),
        version="2026-11-20T15:30:00Z",
    )


CHANNELS = [
    ("email", None, Channel.EMAIL),
    ("mail", None, Channel.EMAIL),
    ("web", None, Channel.WEB_FORM),
    ("web_form", None, Channel.WEB_FORM),
    ("web_widget", None, Channel.WEB_FORM),
    ("helpcenter", None, Channel.WEB_FORM),
    ("closed_ticket", None, Channel.WEB_FORM),
    ("mobile", None, Channel.WEB_FORM),
    ("chat", None, Channel.CHAT),
    ("native_messaging", None, Channel.CHAT),
    ("whatsapp", None, Channel.WHATSAPP),
    ("twitter", "direct_message", Channel.SOCIAL),
    ("facebook", "post", Channel.SOCIAL),
    ("voice", "inbound", Channel.PHONE),
    ("phone_call_inbound", None, Channel.PHONE),
    ("voice", "voicemail", Channel.VOICEMAIL),
    ("voicemail", None, Channel.VOICEMAIL),
    ("api", None, Channel.API),
    ("web_service", None, Channel.API),
    ("WEB_FORM", None, Channel.WEB_FORM),
    ("sms", None, Channel.OTHER),
    ("any_channel", None, Channel.OTHER),
    ("side_conversation", None, Channel.OTHER),
    ("merge", None, Channel.OTHER),
    ("carrier_pigeon", None, Channel.OTHER),
]


@pytest.mark.parametrize(("name", "rel", "channel"), CHANNELS)
def test_both_channel_vocabularies_are_one(name: str, rel: str | None, channel: Channel) -> None:
    """The words of the API and those of the events mean the same channels; others are ``other``."""
    assert channel_of({"channel": name, "source": {"rel": rel}}) is channel


@pytest.mark.parametrize("via", [{}, {"channel": None}, {"channel": 34}, {"channel": "voice", "source": None}])
def test_an_odd_via_is_no_failure(via: dict[str, Any]) -> None:
    """A ``via`` without a source, or with the old numbers, still gives a channel."""
    assert channel_of(via) in (Channel.OTHER, Channel.PHONE)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("new", Status.NEW),
        ("open", Status.OPEN),
        ("pending", Status.PENDING),
        ("hold", Status.ON_HOLD),
        ("solved", Status.SOLVED),
        ("closed", Status.CLOSED),
    ],
)
def test_the_status_is_the_category(read: Read, word: str, status: Status) -> None:
    """With or without custom statuses, ``status`` holds one of six words."""
    assert read(lambda ticket, _c, _a: ticket["ticket"].update(status=word)).status is status


@pytest.mark.parametrize("word", ["deleted", "scrubbed"])
def test_a_deleted_ticket_is_gone(read: Read, word: str) -> None:
    """A ticket in the trash is shown by the API, but there is nothing left to do for it."""
    with pytest.raises(TicketGone):
        read(lambda ticket, _c, _a: ticket["ticket"].update(status=word))


@pytest.mark.parametrize(
    ("submitter", "author"),
    [(7, Author.CUSTOMER), (9, Author.AGENT), (100, Author.SYSTEM), (-1, Author.SYSTEM), (77, None), (None, None)],
)
def test_who_created_the_ticket(read: Read, submitter: int | None, author: Author | None) -> None:
    """The submitter's role says who opened it; a stranger leaves it to the first message."""
    assert read(lambda ticket, _c, _a: ticket["ticket"].update(submitter_id=submitter)).created_by is author


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        (None, None),
        (KnownRequester(), None),
        (KnownRequester(organization=True), True),
        (KnownRequester(tag="gold"), True),
        (KnownRequester(tag="silver"), False),
        (KnownRequester(organization=True, tag="silver"), True),
    ],
)
def test_a_known_requester_meets_the_accounts_rule(
    read: Read, account: Account, rule: KnownRequester | None, known: bool | None
) -> None:
    """Either half of the rule is enough; without a rule it is not known."""
    assert read(account=replace(account, known_requester=rule)).requester.known is known


def test_a_requester_without_organisation_is_not_known(read: Read, account: Account) -> None:
    """The rule answers no, and not "unknown", for a user that Zendesk shows."""
    rule = replace(account, known_requester=KnownRequester(organization=True))

    def bend(ticket: dict[str, Any], comments: dict[str, Any], _audits: object) -> None:
        for users in (ticket["users"], comments["users"]):
            users[0]["organization_id"] = None

    assert read(bend, account=rule).requester.known is False


@pytest.mark.parametrize(
    ("given", "recipient"),
    [({"recipient": "a@acme.example"}, "a@acme.example"), ({"recipient": None}, "help@acme.example")],
)
def test_the_recipient_is_the_address_written_to(read: Read, given: dict[str, Any], recipient: str) -> None:
    """The ticket's ``recipient``, else the address in ``via``."""
    assert read(lambda ticket, _c, _a: ticket["ticket"].update(given)).recipient == recipient


class TestLiveConversations:
    """Messages of a chat stand outside the comments, so the comments must not be taken for them."""

    @pytest.mark.parametrize("channel", ["chat", "native_messaging", "whatsapp"])
    def test_with_comments_of_people_only_the_messages_are_visible(self, read: Read, channel: str) -> None:
        """Comments of the customer and of agents are the conversation."""
        assert read(lambda ticket, _c, _a: ticket["ticket"].update(via={"channel": channel})).messages_visible

    @pytest.mark.parametrize("kind", ["ChatStartedEvent", "ChatEndedEvent"])
    def test_a_chat_in_the_audits_hides_them(self, read: Read, kind: str) -> None:
        """Where an audit names a chat, its messages are there, whatever placeholder or transcript is a comment."""

        def bend(ticket: dict[str, Any], _comments: object, audits: dict[str, Any]) -> None:
            ticket["ticket"]["via"] = {"channel": "native_messaging"}
            audits["audits"][0]["events"].append({"id": 1, "type": kind, "value": {}})

        assert not read(bend).messages_visible

    def test_comments_of_nobody_are_no_conversation(self, read: Read) -> None:
        """A placeholder by the system is not a message."""

        def bend(ticket: dict[str, Any], comments: dict[str, Any], _audits: object) -> None:
            ticket["ticket"]["via"] = {"channel": "chat"}
            comments["comments"] = [c for c in comments["comments"] if c["author_id"] == -1]

        assert not read(bend).messages_visible

    def test_an_email_ticket_shows_its_messages_even_without_any(self, read: Read) -> None:
        """The doubt concerns live conversations only."""
        assert read(lambda _t, comments, _a: comments.update(comments=[])).messages_visible


class TestStatusHistory:
    def test_without_any_event_it_begins_with_the_status_of_now(self, read: Read) -> None:
        """A ticket that never changed has had its status since its creation."""
        history = read(lambda _t, _c, audits: audits.update(audits=[])).status_history
        assert history == (StatusChange(at("14:00:00"), Status.ON_HOLD),)

    def test_without_a_create_event_it_begins_with_the_first_previous_status(self, read: Read) -> None:
        """An import has no Create events; the first change says what was before."""
        history = read(lambda _t, _c, audits: audits["audits"].pop(0)).status_history
        assert history[0] == StatusChange(at("14:00:00"), Status.NEW)

    def test_the_audits_may_come_in_any_order(self, read: Read) -> None:
        """Order is by time, then by id."""
        assert read(lambda _t, _c, audits: audits["audits"].reverse()) == read()

    def test_a_deleted_status_is_no_entry(self, read: Read) -> None:
        """A ticket that came back from the trash shows only statuses one can work in."""

        def bend(_ticket: object, _comments: object, audits: dict[str, Any]) -> None:
            audits["audits"][2]["events"][1]["value"] = "deleted"

        assert [change.status for change in read(bend).status_history] == [Status.NEW, Status.ON_HOLD]


class TestWhatWeWrote:
    def test_metadata_of_another_user_is_not_believed(self, read: Read) -> None:
        """Whoever may write tickets can put our key there; only our own user's record counts."""
        assert read(lambda _t, _c, audits: audits["audits"].pop(1)).written is None

    def test_the_latest_record_counts(self, read: Read) -> None:
        """Each of our updates carries the whole record, so the last one is the present one."""

        def bend(_ticket: object, _comments: object, audits: dict[str, Any]) -> None:
            audits["audits"][2]["author_id"] = 100

        assert read(bend).written == Written(priority=Priority.LOW)

    def test_what_another_version_wrote_is_left_out(self, read: Read) -> None:
        """A field or priority this version does not know breaks nothing."""

        def bend(_ticket: object, _comments: object, audits: dict[str, Any]) -> None:
            record = audits["audits"][1]["metadata"]["custom"]["oneclick_sla"]
            record.update(priority="extreme", fields={"mood": "sunny", "sla_state": "on_track"})

        written = read(bend).written
        assert written is not None
        assert (written.priority, written.fields) == (None, {Field.SLA_STATE: "on_track"})

    def test_a_reply_is_recognised_though_it_shows_no_marker(self, read: Read) -> None:
        """The key of a public reply stands in the audit, so customers see no marker and no reply is sent twice."""

        def bend(_ticket: object, comments: dict[str, Any], audits: dict[str, Any]) -> None:
            comments["comments"][1].update(public=True, plain_body="We received your message.")
            audits["audits"][1]["metadata"]["custom"]["oneclick_sla"]["replies"] = ["acknowledgement"]

        assert note_keys(read(bend)) == {"acknowledgement"}


def test_a_comment_without_plain_body_is_read_from_its_body(read: Read) -> None:
    """``plain_body`` is preferred, ``body`` is enough."""
    ticket = read(lambda _t, comments, _a: comments["comments"][0].update(plain_body="", body="Hello"))
    assert ticket.messages[0].text == "Hello"
