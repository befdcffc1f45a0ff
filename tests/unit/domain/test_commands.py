"""What agents command stands: the stage field and the tags, taken back only by an agent, ended with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.analysis import NO_ANALYSIS, Analysis
from oneclick_sla_plugin.domain.changes import Note, compose
from oneclick_sla_plugin.domain.complaint import Case, CaseEvent, Entry, Happened, Stage
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.message import Certainty, Reason, Verdict
from oneclick_sla_plugin.domain.model import (
    TAG_IS_COMPLAINT,
    TAG_NOT_COMPLAINT,
    Author,
    Context,
    Field,
    Kind,
    Message,
    Ticket,
    Written,
)
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording

POLICY = find_policy("en-linea-365", Plugins.load().policies)
ENGLISH = load_wording("en", ZoneInfo("America/Lima"))
HOUR = timedelta(hours=1)
KNOWN = Entry("2026-000001", Stage.REGISTERED, RECEIVED_AT, RECEIVED_AT)
ANSWER = a_message(HOUR, Author.AGENT, id="a")


def spoken(certainty: Certainty, message: str = "1") -> Analysis:
    return Analysis(verdicts={message: Verdict(Kind.COMPLAINT, certainty, because=(Reason("x", 3.0, 0, 1),))})


def a_note(after: float, *, id: str, ours: str | None = None) -> Message:  # noqa: A002 - the name of the field
    author, text = (Author.AGENT, "…") if ours is None else (Author.US, compose([Note(ours, "")]))
    return a_message(after * HOUR, author, id=id, public=False, text=text)


def staged(shown: str, ours: str | None, *messages: Message, **facts: Any) -> Ticket:
    """A complaint whose stage field shows one stage, where the program wrote another one, or the same."""
    fields = {Field.COMPLAINT_STAGE: shown}
    written = Written(fields={} if ours is None else {Field.COMPLAINT_STAGE: ours})
    return a_ticket([a_message(), *messages], fields=fields, written=written, **facts)


def decided(
    ticket: Ticket,
    after: float = 2,
    *,
    entry: Entry | None = KNOWN,
    analysis: Analysis = NO_ANALYSIS,
) -> Decision:
    return decide(ticket, POLICY, RECEIVED_AT + after * HOUR, ENGLISH, analysis=analysis, entry=entry)


def case_of(decision: Decision) -> Case:
    assert decision.complaint is not None
    return decision.complaint.case


def kept(case: Case, entry: Entry = KNOWN) -> Entry:
    """What the register has after this look."""
    return replace(entry, commands=tuple(event for event in case.events if "by" in event.facts))


def keys(decision: Decision) -> set[str]:
    return {note.key for note in decision.desired.notes}


@pytest.mark.parametrize(
    ("command", "messages"),
    [
        ("withdrawn", ()),
        ("duplicate", ()),
        ("rejected", ()),
        ("investigating", (ANSWER,)),
        ("responded", (ANSWER,)),
    ],
)
def test_a_stage_that_an_agent_set_stands_when_it_was_written_down(command: str, messages: Iterable[Message]) -> None:
    """After the first look the field shows what the program has noted itself; the register knows whose word it is."""
    first = case_of(decided(staged(command, "registered", *messages)))
    assert first.stage == command
    later = case_of(decided(staged(command, command, *messages), 5, entry=kept(first)))
    assert later.stage == command
    assert [event for event in first.events if event not in later.events] == []


def test_a_command_counts_from_when_it_was_first_seen() -> None:
    first = case_of(decided(staged("withdrawn", "registered"), 2))
    later = case_of(decided(staged("withdrawn", "withdrawn"), 9, entry=kept(first)))
    assert [event.at for event in later.events if event.what is Happened.WITHDRAWN] == [RECEIVED_AT + 2 * HOUR]


@pytest.mark.parametrize("entry", [None, KNOWN], ids=["no register", "a register that lost it"])
def test_withdrawn_stands_without_a_memory_of_the_command(entry: Entry | None) -> None:
    ticket = staged("withdrawn", "withdrawn", tags=frozenset({TAG_IS_COMPLAINT}))
    assert case_of(decided(ticket, entry=entry)).stage is Stage.WITHDRAWN


@pytest.mark.parametrize(
    ("back_to", "messages"), [("registered", ()), ("acknowledged", (ANSWER,)), ("investigating", (ANSWER,))]
)
def test_an_agent_may_take_a_command_back(back_to: str, messages: Iterable[Message]) -> None:
    first = case_of(decided(staged("withdrawn", "registered", *messages)))
    back = decided(staged(back_to, "withdrawn", *messages), 3, entry=kept(first))
    assert case_of(back).stage == back_to
    assert not [key for key in keys(back) if "not-allowed" in key]
    assert Happened.WITHDRAWN not in {event.what for event in case_of(back).events}


def test_a_refused_stage_leaves_an_earlier_command_in_force() -> None:
    first = case_of(decided(staged("withdrawn", "registered")))
    refused = decided(staged("closed", "withdrawn"), 3, entry=kept(first))
    assert case_of(refused).stage is Stage.WITHDRAWN
    assert "complaint-stage-not-allowed.1.closed" in keys(refused)


def test_each_stage_that_is_refused_is_told() -> None:
    ticket = staged("closed", "registered", a_note(1, id="us", ours="complaint-stage-not-allowed.1.follow_up"))
    assert "complaint-stage-not-allowed.1.closed" in keys(decided(ticket))


def test_set_back_to_registered_is_refused() -> None:
    assert "complaint-stage-not-allowed.1.registered" in keys(decided(staged("registered", "acknowledged", ANSWER)))


def test_followed_up_by_an_agent_meets_the_follow_up() -> None:
    first = case_of(decided(staged("responded", "acknowledged", ANSWER)))
    followed = decided(staged("follow_up", "responded", ANSWER), 5, entry=kept(first))
    assert case_of(followed).stage is Stage.FOLLOW_UP
    assert [clock.met_at for clock in followed.clocks if clock.metric == "complaint_follow_up"] == [
        RECEIVED_AT + 5 * HOUR
    ]


def test_who_writes_after_an_answer_on_an_open_ticket_takes_the_case_up_again() -> None:
    answered = case_of(decided(staged("responded", "acknowledged", ANSWER)))
    again = staged("responded", "responded", ANSWER, a_message(6 * HOUR, id="again"))
    case = case_of(decided(again, 7, entry=kept(answered)))
    assert (case.stage, case.level) == (Stage.INVESTIGATING, 2)
    (reopened,) = [event for event in case.events if event.what is Happened.REOPENED]
    assert (reopened.actor, reopened.message) == ("customer", "again")


# --- the reason of an end --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        pytest.param((), None, id="no note"),
        pytest.param((a_note(1, id="why"),), "why", id="a note"),
        pytest.param(
            (a_note(0.5, id="before"), a_note(1, id="us", ours="complaint-registered")), None, id="an old note"
        ),
        pytest.param((a_note(0.5, id="us", ours="complaint-registered"), a_note(1, id="why")), "why", id="a new note"),
        pytest.param(
            (a_note(1, id="why"), a_note(1.5, id="us", ours="complaint-withdrawn.1")), "why", id="told since then"
        ),
        pytest.param((a_message(HOUR, Author.AGENT, id="a"),), None, id="a public message"),
    ],
)
def test_the_reason_is_the_note_that_an_agent_wrote_since_we_told_the_stage_before(
    messages: Iterable[Message], reason: str | None
) -> None:
    decision = decided(staged("withdrawn", "registered", *messages))
    (event,) = [event for event in case_of(decision).events if event.what is Happened.WITHDRAWN]
    assert (event.actor, event.message) == ("agent", reason)
    assert ("complaint-reason-missing.1" in keys(decision)) is (reason is None)


def test_a_reason_may_come_later_and_is_kept() -> None:
    """The event without it does not stand any more; a later note about something else changes nothing."""
    first = case_of(decided(staged("withdrawn", "registered")))
    asked = a_note(2, id="us", ours="complaint-reason-missing.1")
    given = decided(staged("withdrawn", "withdrawn", asked, a_note(3, id="why")), 4, entry=kept(first))
    assert "complaint-reason-missing.1" not in keys(given)
    more = (asked, a_note(3, id="why"), a_note(8, id="other"))
    later = case_of(decided(staged("withdrawn", "withdrawn", *more), 9, entry=kept(case_of(given))))
    assert [event.message for event in later.events if event.what is Happened.WITHDRAWN] == ["why"]


def test_the_tag_that_rejects_a_complaint_needs_a_reason_and_one_that_dismisses_a_suspicion_does_not() -> None:
    tagged = {"tags": frozenset({TAG_NOT_COMPLAINT})}
    assert "complaint-reason-missing.1" in keys(decided(a_ticket(**tagged)))
    suspect = Entry(None, Stage.SUSPECTED, RECEIVED_AT, None)
    dismissed = decided(a_ticket(**tagged), entry=suspect, analysis=spoken(Certainty.SUGGESTED))
    assert case_of(dismissed).stage is Stage.REJECTED
    assert not [key for key in keys(dismissed) if key.startswith("complaint")]


def test_a_rejected_complaint_was_received_when_it_was() -> None:
    """The message that carries it stays the same."""
    messages = [a_message(), a_message(HOUR, id="2")]
    before = case_of(decided(a_ticket(messages), analysis=spoken(Certainty.AUTO, "2")))
    tagged = a_ticket(messages, tags=frozenset({TAG_NOT_COMPLAINT}))
    after = case_of(decided(tagged, analysis=spoken(Certainty.AUTO, "2")))
    assert (after.received_at, after.message, after.stage) == (before.received_at, "2", Stage.REJECTED)


# --- confirming and dismissing by the stage field ----------------------------------------------------


def test_the_stage_field_confirms_a_suspicion_for_good() -> None:
    suspect = Entry(None, Stage.SUSPECTED, RECEIVED_AT, None)
    guess = spoken(Certainty.SUGGESTED)
    first = case_of(decided(staged("registered", "suspected"), entry=suspect, analysis=guess))
    assert first.registered
    entry = kept(first)
    later = case_of(decided(staged("registered", "registered"), 5, entry=entry, analysis=guess))
    assert (later.events, later.rules) == (first.events, first.rules)


def test_the_stage_field_declares_a_complaint() -> None:
    """On a ticket that nothing else takes for one."""
    decision = decided(staged("registered", None), entry=None)
    assert decision.kind is Kind.COMPLAINT
    assert case_of(decision).registered


def test_the_stage_field_dismisses_a_suspicion_for_good() -> None:
    suspect = Entry(None, Stage.SUSPECTED, RECEIVED_AT, None)
    guess = spoken(Certainty.SUGGESTED)
    first = case_of(decided(staged("rejected", "suspected"), entry=suspect, analysis=guess))
    assert (first.stage, first.registered) == (Stage.REJECTED, False)
    later = case_of(decided(staged("rejected", "rejected"), 5, entry=kept(first, suspect), analysis=guess))
    assert later.events == first.events
    tagged = staged("rejected", "rejected", tags=frozenset({TAG_IS_COMPLAINT}))
    assert case_of(decided(tagged, 6, entry=kept(first, suspect), analysis=guess)).registered


def test_our_own_stage_is_no_command_where_the_record_of_writing_it_was_lost() -> None:
    assert decided(staged("suspected", None), entry=None).complaint is None


# --- what else makes a complaint -----------------------------------------------------------------------


def test_what_was_registered_stays_a_complaint_without_its_field() -> None:
    decision = decided(a_ticket())
    assert (decision.kind, case_of(decision).stage) == (Kind.COMPLAINT, Stage.REGISTERED)


def test_a_ticket_that_a_registered_complaint_was_merged_into_is_one() -> None:
    earlier = RECEIVED_AT - 24 * HOUR
    decision = decided(a_ticket(), entry=Entry(None, Stage.SUSPECTED, earlier, None, merged=True))
    assert (case_of(decision).stage, case_of(decision).received_at) == (Stage.REGISTERED, earlier)


def test_a_kind_that_the_context_names_stands_in_for_the_classifier() -> None:
    ticket = a_ticket(context=Context(kind=Kind.QUESTION))
    decision = decided(ticket, entry=None, analysis=spoken(Certainty.AUTO))
    assert (decision.kind, decision.complaint) == (Kind.QUESTION, None)


def test_a_message_of_the_future_is_looked_at_when_it_has_come() -> None:
    """The platform's clock goes before ours: no suspicion is told of what is a complaint in a moment."""
    early = decided(a_ticket(), -0.001, entry=None, analysis=spoken(Certainty.AUTO))
    assert early.complaint is None
    assert early.next_look_at == RECEIVED_AT
    assert case_of(decided(a_ticket(), 0, entry=None, analysis=spoken(Certainty.AUTO))).stage is Stage.REGISTERED


def test_a_commanded_event_says_how_it_was_commanded() -> None:
    events: dict[Happened, CaseEvent] = {
        event.what: event
        for event in case_of(decided(staged("withdrawn", None, tags=frozenset({TAG_IS_COMPLAINT})))).events
    }
    assert events[Happened.REGISTERED].facts["by"] == TAG_IS_COMPLAINT
    assert events[Happened.WITHDRAWN].facts["by"] == "stage field"
