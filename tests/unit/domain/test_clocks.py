"""When the first reply is due, and what ends its clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from oneclick_sla_plugin.domain.changes import Note, compose
from oneclick_sla_plugin.domain.clocks import Clock, ClockState, Thread, first_reply
from oneclick_sla_plugin.domain.model import Author, Channel, Status, Ticket, Written
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.policy_files import parse_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket

POLICY = parse_policy(
    """
    id = "test"
    version = "1"
    title = "Test"
    language = "en"
    time_zone = "America/Lima"
    channels = ["email", "phone", "voicemail"]
    default_channel = "email"

    [calendars.office]
    hours = { mon-fri = ["09:00-18:00"] }

    [[targets]]
    name = "mail"
    metric = "first_reply"
    title = "mail"
    clause = "§1"
    within = "2 elapsed hours"
    calendar = "office"
    when = { channels = ["email"] }
    acknowledgement = true

    [[targets]]
    name = "calls"
    metric = "first_reply"
    title = "calls"
    clause = "§2"
    within = "2 elapsed hours"
    calendar = "office"
    """
)
DUE = timedelta(hours=2)
SECOND = timedelta(seconds=1)
LATER = RECEIVED_AT + timedelta(days=3)


def clock_of(ticket: Ticket, now: datetime = LATER, policy: Policy = POLICY) -> Clock | None:
    return first_reply(ticket, Thread.of(ticket), policy, policy.facts(ticket), now)


def state_of(ticket: Ticket, now: datetime = LATER) -> ClockState | None:
    clock = clock_of(ticket, now)
    return clock.state if clock else None


@pytest.mark.parametrize(
    ("since_receipt", "expected"),
    [
        (timedelta(0), ClockState.RUNNING),
        (DUE, ClockState.RUNNING),
        (DUE + SECOND, ClockState.BREACHED),
        (timedelta(days=900), ClockState.BREACHED),
    ],
)
def test_an_unanswered_clock_is_breached_once_the_due_instant_has_passed(
    since_receipt: timedelta, expected: ClockState
) -> None:
    assert state_of(a_ticket(), RECEIVED_AT + since_receipt) is expected


@pytest.mark.parametrize(
    ("replied_after", "expected"),
    [(SECOND, ClockState.MET), (DUE, ClockState.MET), (DUE + SECOND, ClockState.BREACHED)],
)
def test_a_reply_at_the_due_instant_meets_it_and_a_late_one_leaves_it_breached(
    replied_after: timedelta, expected: ClockState
) -> None:
    clock = clock_of(a_ticket([a_message(), a_message(replied_after, Author.AGENT)]))
    assert clock is not None
    assert (clock.state, clock.met_at) == (expected, RECEIVED_AT + replied_after)


@pytest.mark.parametrize(
    ("answer", "counts"),
    [
        pytest.param(a_message(SECOND, Author.AGENT), True, id="public message of an agent"),
        pytest.param(a_message(SECOND, Author.AGENT, public=False), False, id="private note of an agent"),
        pytest.param(a_message(SECOND, Author.SYSTEM), False, id="public message of the system"),
        pytest.param(a_message(SECOND, Author.CUSTOMER), False, id="the customer again"),
        pytest.param(a_message(SECOND, Author.US, public=False), False, id="our note"),
        pytest.param(a_message(SECOND, Author.US), True, id="our acknowledgement, where the policy accepts one"),
        pytest.param(
            a_message(SECOND, Author.US, text=compose([Note("acknowledgement", "We got it.")])),
            True,
            id="our acknowledgement by its marker",
        ),
        pytest.param(
            a_message(SECOND, Author.US, text=compose([Note("delay-notice", "It takes longer.")])),
            False,
            id="another public message of ours",
        ),
        pytest.param(a_message(SECOND, Author.AGENT, public=False, voice=True), False, id="a call about a mail"),
        pytest.param(a_message(-SECOND, Author.AGENT), False, id="an agent's message before the customer's"),
    ],
)
def test_what_ends_the_clock_of_a_mail(answer: object, counts: bool) -> None:
    ticket = a_ticket([a_message(), answer])  # type: ignore[list-item]
    assert state_of(ticket) is (ClockState.MET if counts else ClockState.BREACHED)


def test_an_automatic_acknowledgement_is_told_as_such() -> None:
    clock = clock_of(a_ticket([a_message(), a_message(SECOND, Author.US)]))
    assert clock is not None
    assert clock.automatic
    assert clock.because.endswith("met by an automatic acknowledgement")


def test_an_acknowledgement_does_not_count_where_the_target_accepts_none() -> None:
    ticket = a_ticket([a_message(), a_message(SECOND, Author.US)], channel=Channel.VOICEMAIL)
    assert state_of(ticket) is ClockState.BREACHED


@pytest.mark.parametrize("channel", [Channel.PHONE, Channel.VOICEMAIL])
def test_a_call_back_ends_the_clock_of_a_call(channel: Channel) -> None:
    by_voice = a_message(SECOND, Author.AGENT, public=False, voice=True)
    assert state_of(a_ticket([a_message(voice=True), by_voice], channel=channel)) is ClockState.MET
    assert state_of(a_ticket(tags=frozenset({"sla_called_back"}), channel=channel)) is ClockState.MET


def test_a_call_back_that_was_seen_only_after_the_breach_leaves_it_breached() -> None:
    ticket = a_ticket(
        tags=frozenset({"sla_called_back", "sla_breached"}),
        channel=Channel.VOICEMAIL,
        written=Written(tags=frozenset({"sla_breached"})),
    )
    assert state_of(ticket) is ClockState.BREACHED


def test_the_call_back_tag_means_nothing_on_a_mail() -> None:
    assert state_of(a_ticket(tags=frozenset({"sla_called_back"}))) is ClockState.BREACHED


@pytest.mark.parametrize(
    ("ticket", "started_after"),
    [
        pytest.param(
            a_ticket([a_message(timedelta(hours=1)), a_message(timedelta(hours=3))]), 1, id="first customer message"
        ),
        pytest.param(
            a_ticket([a_message(timedelta(hours=3)), a_message(timedelta(hours=1))]), 1, id="in the order of time"
        ),
        pytest.param(
            a_ticket([a_message(author=Author.AGENT), a_message(timedelta(hours=5))], created_by=Author.AGENT),
            5,
            id="an agent opened it: when the customer writes",
        ),
        pytest.param(
            a_ticket([a_message(author=Author.SYSTEM), a_message(timedelta(hours=5))]), 5, id="after a system line"
        ),
        pytest.param(a_ticket([], created_by=Author.CUSTOMER), 0, id="no message, made by the customer: creation"),
        pytest.param(a_ticket([]), 0, id="no message, maker unknown: creation"),
        pytest.param(a_ticket([], created_by=Author.AGENT), None, id="no message, made by an agent"),
        pytest.param(a_ticket([a_message(author=Author.AGENT)]), None, id="an agent writes, the customer has not"),
    ],
)
def test_where_the_clock_starts(ticket: Ticket, started_after: int | None) -> None:
    clock = clock_of(ticket)
    started_at = None if started_after is None else RECEIVED_AT + timedelta(hours=started_after)
    assert (clock.started_at if clock else None) == started_at


@pytest.mark.parametrize("status", [Status.SOLVED, Status.CLOSED])
def test_solved_without_a_public_reply_drops_the_clock_and_with_one_does_not(status: Status) -> None:
    assert state_of(a_ticket(status=status)) is ClockState.DROPPED
    answered = a_ticket([a_message(), a_message(SECOND, Author.AGENT)], status=status)
    assert state_of(answered) is ClockState.MET


@pytest.mark.parametrize("status", [Status.PENDING, Status.ON_HOLD])
def test_a_reply_clock_does_not_pause_by_status(status: Status) -> None:
    assert state_of(a_ticket(status=status)) is ClockState.BREACHED


def test_hidden_messages_are_not_measured_and_never_breached() -> None:
    clock = clock_of(a_ticket([], messages_visible=False))
    assert clock is not None
    assert (clock.state, clock.due_at, clock.met_at) == (ClockState.NOT_MEASURED, RECEIVED_AT + DUE, None)


def test_messages_of_the_same_instant_keep_the_order_of_the_thread() -> None:
    """Platforms record whole seconds: a reply within the second of the question is one, the order says."""
    assert state_of(a_ticket([a_message(), a_message(author=Author.AGENT)])) is ClockState.MET
    assert state_of(a_ticket([a_message(author=Author.AGENT), a_message()], created_by=Author.CUSTOMER)) is (
        ClockState.BREACHED
    )
