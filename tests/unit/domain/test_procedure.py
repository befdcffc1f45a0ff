"""The complaint procedure, replayed from ticket histories: stages, clocks, refusals, in any order of delivery."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.changes import Note, compose
from oneclick_sla_plugin.domain.clocks import Thread
from oneclick_sla_plugin.domain.complaint import Happened, Stage, Suspicion
from oneclick_sla_plugin.domain.complaint_clocks import complaint_clocks
from oneclick_sla_plugin.domain.model import (
    Author,
    Field,
    Kind,
    Message,
    Metric,
    Satisfaction,
    Status,
    StatusChange,
    Ticket,
    Written,
)
from oneclick_sla_plugin.domain.procedure import TRANSITIONS, Procedure, follow
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket

POLICY = find_policy("en-linea-365", Plugins.load().policies)
CERTAIN = Suspicion(certain=True, rules=(("es.repetition.third_time", 1.5),))
HOUR = timedelta(hours=1)
# Received on Tuesday 17 November 2026 at 10:00 in Lima: acknowledged by Wednesday 10:00 (24),
# answered by Thursday 10:00 (48), legal limit 24:00 of Wednesday 9 December less two holidays, see below.
WEEK = 7 * 24.0
LATER = 3000.0

MESSAGES = {
    "c": (Author.CUSTOMER, True),
    "a": (Author.AGENT, True),
    "n": (Author.AGENT, False),
    "s": (Author.SYSTEM, True),
    "u": (Author.US, True),
}
STATUSES = {
    "open": Status.OPEN,
    "pending": Status.PENDING,
    "hold": Status.ON_HOLD,
    "solved": Status.SOLVED,
    "closed": Status.CLOSED,
}


def at(hours: float) -> datetime:
    return RECEIVED_AT + hours * HOUR


@dataclass(frozen=True)
class History:
    """``steps``: (hours after receipt, what); ``facts``: what else stands on the ticket."""

    steps: tuple[tuple[float, str], ...]
    facts: dict[str, Any] = field(default_factory=dict)
    now: float = LATER
    suspicion: Suspicion = CERTAIN

    def ticket(self) -> Ticket:
        messages = [a_message(id="0")]
        changes = [StatusChange(RECEIVED_AT, Status.OPEN)]
        for n, (hours, what) in enumerate(self.steps, start=1):
            if what in STATUSES:
                changes.append(StatusChange(at(hours), STATUSES[what]))
                continue
            author, public = MESSAGES[what[0]]
            text = compose([Note(what[2:], "")]) if ":" in what else "…"
            messages.append(Message(str(n), at(hours), author, public, text))
        last = max(changes, key=lambda change: change.at).status
        values: dict[str, Any] = {"status": last, "status_history": tuple(changes), "updated_at": at(self.now)}
        return a_ticket(messages, **{**values, **self.facts})


def play(history: History, ticket: Ticket | None = None) -> Procedure:
    ticket = ticket or history.ticket()
    facts = replace(POLICY.facts(ticket), kind=Kind.COMPLAINT)
    played = follow(ticket, Thread.of(ticket), POLICY, facts, history.suspicion, at(history.now))
    assert played is not None
    return played


def states(history: History) -> dict[Metric, str]:
    ticket = history.ticket()
    facts = replace(POLICY.facts(ticket), kind=Kind.COMPLAINT)
    clocks = complaint_clocks(ticket, play(history), POLICY, facts, at(history.now))
    return {clock.metric: clock.state.value for clock in clocks}


def extension(promised: str | None, reason: str | None = "supplier") -> dict[str, Any]:
    fields = {Field.PROMISED_AT: promised, Field.EXTENSION_REASON: reason}
    return {"fields": {name: value for name, value in fields.items() if value is not None}}


def stage_set(stage: str, ours: str = "registered") -> dict[str, Any]:
    return {
        "fields": {Field.COMPLAINT_STAGE: stage},
        "written": Written(fields={Field.COMPLAINT_STAGE: ours}),
    }


HISTORIES: list[tuple[str, History, Stage, int]] = [
    ("nothing happened", History((), now=1), Stage.REGISTERED, 1),
    ("only a suspicion", History(((1, "a"),), suspicion=Suspicion(certain=False)), Stage.SUSPECTED, 1),
    ("an agent's public reply acknowledges", History(((1, "a"),), now=2), Stage.ACKNOWLEDGED, 1),
    ("a late one too", History(((30, "a"),), now=31), Stage.ACKNOWLEDGED, 1),
    ("our acknowledgement does", History(((1, "u:complaint-acknowledgement"),), now=2), Stage.ACKNOWLEDGED, 1),
    ("another message of ours does not", History(((1, "u:delay-notice"),), now=2), Stage.REGISTERED, 1),
    ("a note does not", History(((1, "n"),), now=2), Stage.REGISTERED, 1),
    ("the system does not", History(((1, "s"),), now=2), Stage.REGISTERED, 1),
    ("the customer does not", History(((1, "c"),), now=2), Stage.REGISTERED, 1),
    ("what comes after now has not happened", History(((5, "a"),), now=2), Stage.REGISTERED, 1),
    ("a note after it: investigating", History(((1, "a"), (2, "n")), now=3), Stage.INVESTIGATING, 1),
    ("a note before it too", History(((1, "n"), (2, "a")), now=3), Stage.INVESTIGATING, 1),
    ("put on hold: investigating", History(((1, "a"), (2, "hold")), now=3), Stage.INVESTIGATING, 1),
    ("pending: investigating", History(((1, "a"), (2, "pending")), now=3), Stage.INVESTIGATING, 1),
    ("assigned: investigating", History(((1, "a"),), {"assignee": "9"}, now=3), Stage.INVESTIGATING, 1),
    ("assigned but not acknowledged", History((), {"assignee": "9"}, now=3), Stage.REGISTERED, 1),
    ("a second reply is no response", History(((1, "a"), (2, "n"), (9, "a")), now=10), Stage.INVESTIGATING, 1),
    ("solved after a reply: responded", History(((1, "a"), (9, "a"), (10, "solved")), now=11), Stage.RESPONDED, 1),
    ("one full answer does both", History(((1, "a"), (1, "solved")), now=11), Stage.RESPONDED, 1),
    ("the reply and the solution long after", History(((1, "a"), (40, "solved")), now=41), Stage.RESPONDED, 1),
    ("solved without any reply", History(((5, "solved"),), now=6), Stage.REGISTERED, 1),
    ("solved with a note only", History(((4, "n"), (5, "solved")), now=6), Stage.REGISTERED, 1),
    ("solved after our acknowledgement only", History(((1, "u"), (5, "solved")), now=6), Stage.ACKNOWLEDGED, 1),
    ("the customer had the last word", History(((1, "a"), (2, "c"), (3, "solved")), now=6), Stage.ACKNOWLEDGED, 1),
    ("arrived solved by its status only", History((), {"status": Status.SOLVED}, now=6), Stage.REGISTERED, 1),
    ("follow-up when its time has come", History(((1, "a"), (2, "solved")), now=WEEK), Stage.FOLLOW_UP, 1),
    ("asked by an agent: follow-up", History(((1, "a"), (2, "solved"), (30, "a")), now=31), Stage.FOLLOW_UP, 1),
    ("silent after that: closed", History(((1, "a"), (2, "solved"), (30, "a")), now=2 * WEEK), Stage.CLOSED, 1),
    (
        "not silent: in follow-up",
        History(((1, "a"), (2, "solved"), (30, "a"), (40, "c")), now=2 * WEEK),
        Stage.FOLLOW_UP,
        1,
    ),
    ("never asked: in follow-up for good", History(((1, "a"), (2, "solved"))), Stage.FOLLOW_UP, 1),
    ("closed by the helpdesk", History(((1, "a"), (2, "solved"), (98, "closed"))), Stage.CLOSED, 1),
    (
        "content by the survey",
        History(((1, "a"), (2, "solved")), {"satisfaction": Satisfaction("good", at(5))}, now=6),
        Stage.CLOSED,
        1,
    ),
    (
        "not content by the survey",
        History(((1, "a"), (2, "solved")), {"satisfaction": Satisfaction("bad", at(5))}, now=6),
        Stage.INVESTIGATING,
        2,
    ),
    ("reopened", History(((1, "a"), (2, "solved"), (8, "c"), (8, "open")), now=9), Stage.INVESTIGATING, 2),
    (
        "reopened and answered again",
        History(((1, "a"), (2, "solved"), (8, "c"), (8, "open"), (9, "a"), (9, "solved")), now=10),
        Stage.RESPONDED,
        2,
    ),
    (
        "reopened after it was closed",
        History(((1, "a"), (2, "solved"), (98, "closed"), (200, "open")), now=201),
        Stage.INVESTIGATING,
        2,
    ),
    ("reopened before any response is no new level", History(((2, "solved"), (8, "open")), now=9), Stage.REGISTERED, 1),
    (
        "an agent says it is none",
        History(((1, "a"),), suspicion=Suspicion(certain=True, by_agent=True, rejected=True)),
        Stage.REJECTED,
        1,
    ),
    ("withdrawn by the stage field", History((), stage_set("withdrawn"), now=2), Stage.WITHDRAWN, 1),
    ("a duplicate by the stage field", History((), stage_set("duplicate"), now=2), Stage.DUPLICATE, 1),
    ("responded by the stage field", History(((1, "a"),), stage_set("responded"), now=2), Stage.RESPONDED, 1),
    ("responded, but nobody replied", History((), stage_set("responded"), now=2), Stage.REGISTERED, 1),
    ("closed too early", History(((1, "a"),), stage_set("closed"), now=2), Stage.ACKNOWLEDGED, 1),
    ("a stage that does not exist", History((), stage_set("lost"), now=2), Stage.REGISTERED, 1),
    ("the field shows what we wrote", History((), stage_set("registered"), now=2), Stage.REGISTERED, 1),
    ("extended", History(((1, "a"), (20, "a")), extension("2026-11-24"), now=60), Stage.ACKNOWLEDGED, 1),
]


@pytest.mark.parametrize(("history", "stage", "level"), [pytest.param(*row[1:], id=row[0]) for row in HISTORIES])
def test_the_stage_that_a_history_leads_to(history: History, stage: Stage, level: int) -> None:
    case = play(history).case
    assert (case.stage, case.level) == (stage, level)


def test_there_are_enough_histories() -> None:
    assert len(HISTORIES) >= 40


@pytest.mark.parametrize(
    ("history", "reasons"),
    [
        pytest.param(History((), extension("2026-11-24", None), now=2), ["extension_without_reason"], id="no reason"),
        pytest.param(History((), extension(None), now=2), ["extension_without_date"], id="no date"),
        pytest.param(
            History((), extension("2026-11-24"), now=2), ["extension_not_told"], id="nobody told the customer"
        ),
        pytest.param(
            History(((1, "a"),), extension("2026-11-24"), now=2),
            ["extension_not_told"],
            id="the acknowledgement is no news",
        ),
        pytest.param(
            History(((1, "a"), (49, "a")), extension("2026-11-24"), now=50), ["extension_not_told"], id="told too late"
        ),
        pytest.param(
            History(((1, "a"), (20, "n")), extension("2026-11-24"), now=30), ["extension_not_told"], id="a note"
        ),
        pytest.param(
            History(((1, "a"), (20, "a")), extension("2026-12-20"), now=30),
            ["extension_past_legal_limit"],
            id="past the legal limit",
        ),
        pytest.param(History(((1, "a"), (20, "a")), extension("2026-11-24"), now=30), [], id="valid"),
        pytest.param(History((), extension("2026-11-18"), now=30), [], id="no later than it is due anyway"),
        pytest.param(
            History((), stage_set("responded"), now=2), ["stage_without_reply"], id="responded without a reply"
        ),
        pytest.param(History(((1, "a"),), stage_set("closed"), now=2), ["stage_not_allowed"], id="closed too early"),
        pytest.param(History((), stage_set("follow_up"), now=2), ["stage_not_allowed"], id="followed up too early"),
    ],
)
def test_what_the_table_does_not_allow_is_refused(history: History, reasons: list[str]) -> None:
    assert [refusal.reason for refusal in play(history).refusals] == reasons


def test_a_refusal_says_what_would_be_allowed() -> None:
    (refusal,) = play(History(((1, "a"),), stage_set("closed"), now=2)).refusals
    assert refusal.places["allowed"] == "duplicate, investigating, rejected, responded, withdrawn"


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param(
            History((), now=24),
            {"complaint_ack": "running", "complaint_response": "running", "complaint_legal": "running"},
            id="open",
        ),
        pytest.param(
            History((), now=24.01),
            {"complaint_ack": "breached", "complaint_response": "running", "complaint_legal": "running"},
            id="not acknowledged in time",
        ),
        pytest.param(
            History(((1, "a"),), now=48.01),
            {"complaint_ack": "met", "complaint_response": "breached", "complaint_legal": "running"},
            id="not answered in time",
        ),
        pytest.param(
            History(((1, "a"), (47, "a"), (60, "solved")), now=61),
            {
                "complaint_ack": "met",
                "complaint_response": "met",
                "complaint_legal": "met",
                "complaint_follow_up": "running",
            },
            id="the answer counts, not the solution",
        ),
        pytest.param(
            History(((5, "solved"),), now=900),
            {"complaint_ack": "breached", "complaint_response": "breached", "complaint_legal": "breached"},
            id="solved without a reply: the clocks go on",
        ),
        pytest.param(
            History(((1, "a"), (20, "a")), extension("2026-11-24"), now=60),
            {"complaint_ack": "met", "complaint_response": "running", "complaint_legal": "running"},
            id="extended",
        ),
        pytest.param(
            History((), stage_set("withdrawn"), now=60),
            {"complaint_ack": "dropped", "complaint_response": "dropped", "complaint_legal": "dropped"},
            id="withdrawn",
        ),
        pytest.param(History((), suspicion=Suspicion(certain=False)), {}, id="a suspicion has no clocks"),
    ],
)
def test_the_clocks_of_a_complaint(history: History, expected: dict[str, str]) -> None:
    assert states(history) == expected


def test_a_valid_extension_moves_the_response_and_not_the_legal_limit() -> None:
    history = History(((1, "a"), (20, "a")), extension("2026-11-24"), now=30)
    played = play(history)
    assert played.round.response_due_at == datetime.fromisoformat("2026-11-24T18:00:00-05:00")
    (extended,) = [event for event in played.case.events if event.what is Happened.EXTENDED]
    assert (extended.message, extended.facts["new_due_at"]) == ("2", "2026-11-24T23:00:00Z")


def test_a_reopened_complaint_has_a_new_response_deadline_and_the_same_legal_limit() -> None:
    history = History(((1, "a"), (2, "solved"), (8, "c"), (8, "open")), now=9)
    assert play(history).round.response_due_at == at(8 + 48)


def test_clocks_count_from_the_message_that_carries_the_complaint() -> None:
    later = Suspicion(certain=True, message="2")
    history = History(((1, "a"), (6, "c")), suspicion=later, now=7)
    played = play(history)
    assert (played.case.received_at, played.case.message, played.case.stage) == (at(6), "2", Stage.REGISTERED)


def test_solved_without_a_public_reply_is_a_warning() -> None:
    assert play(History(((5, "solved"),), now=6)).solved_unanswered
    assert not play(History(((1, "a"), (5, "solved")), now=6)).solved_unanswered


def test_every_event_leads_somewhere_and_final_stages_are_left_by_persons_only() -> None:
    assert TRANSITIONS.keys() == set(Happened)
    for final in (Stage.REJECTED, Stage.WITHDRAWN, Stage.DUPLICATE):
        leaving = {what for what, ways in TRANSITIONS.items() if ways.get(final, final) is not final}
        assert leaving <= {Happened.REJECTED, Happened.WITHDRAWN, Happened.DUPLICATED}


@pytest.mark.parametrize("history", [pytest.param(row[1], id=row[0]) for row in HISTORIES])
@given(data=st.data())
def test_any_order_of_delivery_and_any_repetition_end_in_the_same_state(history: History, data: st.DataObject) -> None:
    """What the platform lists in another order is the same history; looks in between change nothing."""
    ticket = history.ticket()
    shuffled = replace(
        ticket,
        messages=tuple(data.draw(st.permutations(ticket.messages))),
        status_history=tuple(data.draw(st.permutations(ticket.status_history))),
    )
    moments = {message.at for message in ticket.messages} | {change.at for change in ticket.status_history}
    if len(moments) < len(ticket.messages) + len(ticket.status_history) - 1:
        return  # two things at one instant: there the order of the list tells which came first
    assert play(history, shuffled) == play(history)


@given(
    row=st.sampled_from(HISTORIES),
    moments=st.lists(st.floats(0, LATER, allow_nan=False), max_size=6).map(sorted),
)
def test_events_once_seen_stay_as_they_were(row: tuple[str, History, Stage, int], moments: list[float]) -> None:
    """A look at any earlier instant has seen a beginning of what a later look sees: the register only grows.

    Commands are the exception: the platform does not tell when a person gave them.
    """
    history = row[1]
    if history.facts or history.suspicion.rejected:
        return
    ticket = history.ticket()

    def seen(now: float) -> list[tuple[str, datetime, str | None, int]]:
        shown = replace(
            ticket,
            messages=tuple(message for message in ticket.messages if message.at <= at(now)),
            status_history=tuple(change for change in ticket.status_history if change.at <= at(now)),
        )
        shown = replace(shown, status=shown.status_history[-1].status)
        played = play(replace(history, now=now), shown)
        return [(event.what, event.at, event.message, event.level) for event in played.case.events]

    for earlier, later in pairwise(moments):
        assert set(seen(earlier)) <= set(seen(later))
