"""What a decision says should stand on a ticket, and when to look again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.changes import Changes, compose, diff, written_after
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Context,
    Field,
    Kind,
    Message,
    Priority,
    SlaState,
    Status,
    Ticket,
    Written,
)
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.policy_files import load_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording
from oneclick_sla_plugin.ticket_json import decision_document

SHIPPED = files("oneclick_sla_plugin.policies")
EN_LINEA = load_policy(SHIPPED.joinpath("en-linea-365.toml"))
ONE_CLICK = load_policy(SHIPPED.joinpath("one-click-actions.toml"))
ENGLISH = load_wording("en", ZoneInfo("America/Lima"))

SECOND = timedelta(seconds=1)
WARNING = timedelta(hours=3)  # three quarters of the four open hours of social networks
DUE = timedelta(hours=4)


def a_post(messages: Iterable[Message] | None = None, **facts: Any) -> Ticket:
    """A message on a social network on a Tuesday at 10:00 in Lima, due at 14:00."""
    return a_ticket(messages, **{"channel": Channel.SOCIAL, **facts})


def judged(ticket: Ticket | None = None, after: timedelta = timedelta(0)) -> Decision:
    return decide(ticket or a_post(), EN_LINEA, RECEIVED_AT + after, ENGLISH)


ANSWERED = a_post([a_message(), a_message(timedelta(hours=1), Author.AGENT, id="2")])
ANSWERED_LATE = a_post([a_message(), a_message(DUE + SECOND, Author.AGENT, id="2")])


@pytest.mark.parametrize(
    ("ticket", "after", "state", "next_look"),
    [
        pytest.param(a_post(), timedelta(0), SlaState.ON_TRACK, WARNING, id="just received: until the warning"),
        pytest.param(a_post(), WARNING - SECOND, SlaState.ON_TRACK, WARNING, id="a second before the warning"),
        pytest.param(a_post(), WARNING, SlaState.AT_RISK, DUE + SECOND, id="at the warning: until it is missed"),
        pytest.param(a_post(), DUE, SlaState.AT_RISK, DUE + SECOND, id="at the due instant"),
        pytest.param(a_post(), DUE + SECOND, SlaState.BREACHED, None, id="past the due instant"),
        pytest.param(ANSWERED, timedelta(hours=2), SlaState.ON_TRACK, None, id="answered"),
        pytest.param(ANSWERED, timedelta(days=90), SlaState.ON_TRACK, None, id="answered long ago"),
        pytest.param(ANSWERED_LATE, timedelta(days=2), SlaState.BREACHED, None, id="answered late: stays breached"),
        pytest.param(a_post(status=Status.SOLVED), DUE * 2, None, None, id="solved without a reply"),
        pytest.param(a_post([], messages_visible=False), DUE * 2, None, None, id="messages not shown"),
        pytest.param(a_post([], created_by=Author.AGENT), DUE * 2, None, None, id="no clock at all"),
        pytest.param(a_post(channel=Channel.PHONE), timedelta(0), SlaState.ON_TRACK, timedelta(seconds=61), id="call"),
        pytest.param(
            a_post(channel=Channel.PHONE), timedelta(seconds=60), SlaState.ON_TRACK, timedelta(seconds=61), id="short"
        ),
    ],
)
def test_the_state_of_a_ticket_and_when_time_alone_changes_it(
    ticket: Ticket, after: timedelta, state: SlaState | None, next_look: timedelta | None
) -> None:
    """At risk from three quarters of the time on, breached past the due instant; under 15 minutes nobody is warned."""
    decision = judged(ticket, after)
    assert decision.state is state
    assert decision.next_look_at == (None if next_look is None else RECEIVED_AT + next_look)


@given(st.integers(0, 80 * 3600).map(lambda n: timedelta(seconds=n)))
def test_until_the_next_look_nothing_changes(after: timedelta) -> None:
    """A timer that is set to ``next_look_at`` misses nothing in between, to the second."""
    decision = judged(after=after)
    until = decision.next_look_at or RECEIVED_AT + timedelta(days=400)
    assert until > RECEIVED_AT + after
    at_the_end = decide(a_post(), EN_LINEA, until - SECOND, ENGLISH)
    assert (at_the_end.desired, at_the_end.state) == (decision.desired, decision.state)


@pytest.mark.parametrize(
    ("ticket", "after", "tags"),
    [
        (a_post(), timedelta(0), {"sla_priority_normal", "sla_on_track"}),
        (a_post(), WARNING, {"sla_priority_normal", "sla_at_risk"}),
        (a_post(), DUE + SECOND, {"sla_priority_normal", "sla_breached"}),
        (
            a_post(context=Context(kind=Kind.COMPLAINT)),
            timedelta(0),
            {"sla_priority_urgent", "sla_on_track", "sla_kind_complaint", "sla_complaint_registered"},
        ),
        (
            a_post(context=Context(kind=Kind.INFO_REQUEST), tags=frozenset({"vip"})),
            timedelta(0),
            {"sla_priority_high", "sla_on_track", "sla_kind_info_request"},
        ),
        (a_post(status=Status.CLOSED), DUE * 2, {"sla_priority_normal"}),
    ],
)
def test_the_tags_that_should_stand_on_a_post(ticket: Ticket, after: timedelta, tags: set[str]) -> None:
    assert judged(ticket, after).desired.tags == tags


@pytest.mark.parametrize(
    ("ticket", "after", "fields"),
    [
        pytest.param(
            a_post(),
            timedelta(0),
            {
                Field.SLA_PRIORITY: "normal",
                Field.SLA_STATE: "on_track",
                Field.NEXT_DUE_AT: "2026-11-17T19:00:00Z",
                Field.FIRST_REPLY_DUE_AT: "2026-11-17T19:00:00Z",
            },
            id="running",
        ),
        pytest.param(
            ANSWERED,
            timedelta(hours=2),
            {
                Field.SLA_PRIORITY: "normal",
                Field.SLA_STATE: "on_track",
                Field.FIRST_REPLY_DUE_AT: "2026-11-17T19:00:00Z",
            },
            id="answered: nothing is due next",
        ),
        pytest.param(
            a_post(),
            DUE + SECOND,
            {
                Field.SLA_PRIORITY: "normal",
                Field.SLA_STATE: "breached",
                Field.FIRST_REPLY_DUE_AT: "2026-11-17T19:00:00Z",
            },
            id="breached",
        ),
        pytest.param(a_post([], created_by=Author.AGENT), DUE, {Field.SLA_PRIORITY: "normal"}, id="no clock"),
    ],
)
def test_the_fields_that_should_stand_on_a_post(ticket: Ticket, after: timedelta, fields: dict[Field, str]) -> None:
    assert judged(ticket, after).desired.fields == fields


@pytest.mark.parametrize(
    ("ticket", "after", "keys"),
    [
        pytest.param(a_post(), timedelta(0), ["first-reply-due"], id="running"),
        pytest.param(a_post(), DUE + SECOND, ["first-reply-breached", "first-reply-delay-draft"], id="missed"),
        pytest.param(a_post(), WARNING, ["first-reply-at-risk", "first-reply-delay-draft"], id="at risk: §8"),
        pytest.param(ANSWERED, timedelta(hours=2), [], id="answered"),
        pytest.param(ANSWERED_LATE, timedelta(days=2), [], id="answered late: nothing left to do"),
        pytest.param(a_post(status=Status.SOLVED), DUE, [], id="solved"),
        pytest.param(a_post(channel=Channel.PHONE), timedelta(0), [], id="a minute: the note would come too late"),
        pytest.param(a_post(channel=Channel.PHONE), DUE, ["first-reply-breached"], id="a minute that was missed"),
    ],
)
def test_which_notes_agents_get(ticket: Ticket, after: timedelta, keys: list[str]) -> None:
    assert [note.key for note in judged(ticket, after).desired.notes] == keys


@pytest.mark.parametrize(
    ("language", "zone", "parts"),
    [
        ("en", "America/Lima", ["Wed 18 Nov 2026, 10:00", "America/Lima", "§4", "e-mail", "24 hours of business days"]),
        ("es", "Europe/Madrid", ["mié 18 nov 2026, 16:00", "Europe/Madrid", "§4", "24 horas de días hábiles"]),
    ],
)
def test_a_note_says_when_and_why_in_the_readers_language_and_zone(language: str, zone: str, parts: list[str]) -> None:
    decision = decide(a_ticket(), EN_LINEA, RECEIVED_AT, load_wording(language, ZoneInfo(zone)))
    (note,) = decision.desired.notes
    assert [part for part in parts if part not in note.text] == []


def test_midnight_is_told_as_the_end_of_the_day() -> None:
    """A Saturday's mail is due on Monday at 24:00, not "Tuesday, 00:00"."""
    saturday = datetime.fromisoformat("2026-11-21T09:00:00-05:00")
    ticket = a_ticket([replace(a_message(), at=saturday)])
    (note,) = decide(ticket, EN_LINEA, saturday, ENGLISH).desired.notes
    assert "Mon 23 Nov 2026, 24:00" in note.text


def test_nothing_that_a_customer_wrote_is_in_a_decision() -> None:
    ticket = a_post(
        [a_message(text="MARKER body {clause} {{ticket.title}}"), a_message(text="MARKER again")],
        subject="MARKER subject",
    )
    for after in (timedelta(0), WARNING, DUE + SECOND):
        decision = judged(ticket, after)
        document = decision_document(decision, diff(ticket, decision.desired))
        assert "MARKER" not in json.dumps(document) + repr(decision) + repr(ticket)


@pytest.mark.parametrize(
    ("standing", "written", "value"),
    [
        pytest.param(Priority.LOW, Written(priority=Priority.URGENT), Priority.LOW, id="changed by an agent after us"),
        pytest.param(Priority.URGENT, Written(priority=Priority.URGENT), Priority.URGENT, id="as we wrote it"),
        pytest.param(Priority.LOW, None, Priority.URGENT, id="set before we ever looked"),
        pytest.param(Priority.LOW, Written(), Priority.URGENT, id="set while we had asserted none"),
        pytest.param(
            None, Written(priority=Priority.NORMAL), Priority.URGENT, id="emptied: the rules decide what it is"
        ),
    ],
)
def test_a_priority_that_an_agent_chose_is_final(
    standing: Priority | None, written: Written | None, value: Priority
) -> None:
    ticket = a_ticket(priority=standing, written=written, context=Context(kind=Kind.COMPLAINT))
    decision = judged(ticket)
    assert decision.priority.value is value
    assert f"sla_priority_{value}" in decision.desired.tags
    assert (decision.priority.because == ("set by an agent",)) is (value is Priority.LOW)


tickets = st.builds(
    a_ticket,
    st.lists(
        st.builds(
            a_message,
            st.integers(0, 100 * 3600).map(lambda n: timedelta(seconds=n)),
            st.sampled_from(Author),
            public=st.booleans(),
            voice=st.booleans(),
        ),
        max_size=4,
    ),
    channel=st.sampled_from(Channel),
    status=st.sampled_from(Status),
    priority=st.none() | st.sampled_from(Priority),
    context=st.builds(Context, peak=st.none() | st.booleans(), kind=st.none() | st.sampled_from(Kind)),
    tags=st.frozensets(
        st.sampled_from(["vip", "sla_peak", "sla_is_complaint", "sla_not_complaint", "sla_called_back"])
    ),
)
instants = st.integers(0, 120 * 3600).map(lambda n: RECEIVED_AT + timedelta(seconds=n))
policies = st.sampled_from([EN_LINEA, ONE_CLICK])


@given(tickets, policies, instants)
def test_the_same_ticket_policy_and_instant_give_the_same_decision(
    ticket: Ticket, policy: Policy, at: datetime
) -> None:
    assert decide(ticket, policy, at, ENGLISH) == decide(replace(ticket), policy, at, ENGLISH)


def after_writing(ticket: Ticket, changes: Changes, written: Written) -> Ticket:
    """The ticket as a helpdesk shows it once ``changes`` were written."""
    fields = {**ticket.fields, **{name: value for name, value in changes.fields.items() if value is not None}}
    for name, value in changes.fields.items():
        if value is None:
            fields.pop(name)
    notes = [Message("n", RECEIVED_AT, Author.US, public=False, text=compose(changes.notes))] if changes.notes else []
    return replace(
        ticket,
        priority=changes.priority or ticket.priority,
        tags=(ticket.tags | changes.add_tags) - changes.remove_tags,
        fields=fields,
        messages=(*ticket.messages, *notes),
        written=written,
    )


@given(tickets.filter(lambda ticket: bool(ticket.messages)), instants)
def test_once_a_decision_is_written_nothing_is_left_to_write(ticket: Ticket, at: datetime) -> None:
    """The end of every loop between our writes and the webhooks that they cause."""
    decision = decide(ticket, EN_LINEA, at, ENGLISH)
    written = after_writing(ticket, diff(ticket, decision.desired), written_after(ticket, decision.desired))
    again = decide(written, EN_LINEA, at, ENGLISH)
    assert not diff(written, again.desired)
