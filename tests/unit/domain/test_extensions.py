"""Later dates for a complaint's answer: each needs a reason, a message of its own in time, and room before the limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.changes import Note, compose
from oneclick_sla_plugin.domain.clocks import Thread
from oneclick_sla_plugin.domain.complaint import CaseEvent, Entry, Happened, Stage, Suspicion
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.model import (
    TAG_IS_COMPLAINT,
    Author,
    Field,
    Kind,
    Message,
    Status,
    StatusChange,
    Ticket,
)
from oneclick_sla_plugin.domain.notes import Outgoing, Practice
from oneclick_sla_plugin.domain.procedure import Procedure, follow
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording

POLICY = find_policy("en-linea-365", Plugins.load().policies)
LIMA = ZoneInfo("America/Lima")
SENDING = Practice(send=frozenset({Outgoing.COMPLAINT_EXTENSION}))
REASON = "the supplier's report is late"

# Received on Tuesday 17 November 2026 at 10:00 in Lima: to be answered by Thursday at 10:00.
POLICY_DUE_AT = RECEIVED_AT + timedelta(hours=48)
FRIDAY = datetime(2026, 11, 20, 18, tzinfo=LIMA)
TUESDAY = datetime(2026, 11, 24, 18, tzinfo=LIMA)

EXTENDED_TO_FRIDAY = CaseEvent(
    Happened.EXTENDED,
    RECEIVED_AT + timedelta(hours=20),
    "agent",
    "20",
    facts={"old_due_at": "2026-11-19T15:00:00Z", "new_due_at": "2026-11-20T23:00:00Z"},
)
KNOWN = Entry("2026-000001", Stage.ACKNOWLEDGED, RECEIVED_AT, RECEIVED_AT, (EXTENDED_TO_FRIDAY,))


def a_complaint(
    *replied_after: float, promised: str | None, reason: str | None = REASON, sent: str | None = None
) -> Ticket:
    """Acknowledged after an hour, then replies of an agent, hours after receipt; ``sent`` is a marker of ours."""
    replies = [
        Message(str(hours), RECEIVED_AT + timedelta(hours=hours), Author.AGENT, True, "…")
        for hours in (1, *replied_after)
    ]
    if sent is not None:
        replies.append(Message("us", RECEIVED_AT + timedelta(hours=2), Author.US, True, compose([Note(sent, "")])))
    fields = {Field.PROMISED_AT: promised, Field.EXTENSION_REASON: reason}
    return a_ticket(
        [a_message(id="0"), *replies],
        fields={name: value for name, value in fields.items() if value is not None},
        tags=frozenset({TAG_IS_COMPLAINT}),
    )


def followed(ticket: Ticket, after: float, entry: Entry | None = None) -> Procedure:
    facts = replace(POLICY.facts(ticket), kind=Kind.COMPLAINT)
    now = RECEIVED_AT + timedelta(hours=after)
    procedure = follow(ticket, Thread.of(ticket), POLICY, facts, Suspicion(certain=True), now, entry)
    assert procedure is not None
    return procedure


def decided(ticket: Ticket, after: float, practice: Practice) -> Decision:
    now = RECEIVED_AT + timedelta(hours=after)
    return decide(ticket, POLICY, now, load_wording("en", LIMA), practice, entry=replace(KNOWN, extensions=()))


@pytest.mark.parametrize(
    ("ticket", "entry", "due_at", "refused"),
    [
        pytest.param(a_complaint(20, promised="2026-11-20"), None, FRIDAY, [], id="the first one"),
        pytest.param(a_complaint(20, promised="2026-11-20"), KNOWN, FRIDAY, [], id="the first one, seen before"),
        pytest.param(a_complaint(20, promised=None, reason=None), KNOWN, FRIDAY, [], id="its fields were emptied"),
        pytest.param(
            a_complaint(20, promised="2026-11-24"), KNOWN, FRIDAY, ["extension_not_told"], id="the second one, not told"
        ),
        pytest.param(a_complaint(20, 70, promised="2026-11-24"), KNOWN, TUESDAY, [], id="the second one, told"),
        pytest.param(
            a_complaint(20, 82, promised="2026-11-24"),
            KNOWN,
            FRIDAY,
            ["extension_not_told"],
            id="the second one, told when the first date had passed",
        ),
        pytest.param(
            a_complaint(20, 70, promised="2027-01-15"),
            KNOWN,
            FRIDAY,
            ["extension_past_legal_limit"],
            id="the second one, past the legal limit",
        ),
        pytest.param(
            a_complaint(20, 70, promised="2026-11-24", reason=None),
            KNOWN,
            FRIDAY,
            ["extension_without_reason"],
            id="the second one, without a reason",
        ),
    ],
)
def test_each_extension_is_told_to_the_customer_before_the_date_that_it_moves(
    ticket: Ticket, entry: Entry | None, due_at: datetime, refused: list[str]
) -> None:
    procedure = followed(ticket, after=90, entry=entry)
    assert procedure.round.response_due_at == due_at
    assert [refusal.reason for refusal in procedure.refusals] == refused


def test_all_extensions_stand_in_the_case() -> None:
    """The register gets the second one beside the first."""
    events = followed(a_complaint(20, 70, promised="2026-11-24"), after=90, entry=KNOWN).case.events
    extended = [event for event in events if event.what is Happened.EXTENDED]
    assert [event.message for event in extended] == ["20", "70"]
    assert extended[1].facts == {"old_due_at": "2026-11-20T23:00:00Z", "new_due_at": "2026-11-24T23:00:00Z"}


def test_of_merged_complaints_the_clocks_count_from_the_earliest_receipt() -> None:
    """A duplicate that came two days before makes this one as old."""
    earlier = RECEIVED_AT - timedelta(days=2)
    procedure = followed(
        a_complaint(promised=None, reason=None), after=2, entry=replace(KNOWN, received_at=earlier, extensions=())
    )
    assert procedure.case.received_at == earlier
    assert procedure.case.message == "0"


def test_an_account_may_let_the_program_announce_the_later_date() -> None:
    """The agent gives reason and date; the message goes out once, and with it the extension is valid."""
    ticket = a_complaint(promised="2026-11-20")
    decision = decided(ticket, 2, SENDING)
    reply = decision.desired.reply
    assert reply is not None
    assert REASON in reply.text
    assert "Fri 20 Nov 2026, 18:00" in reply.text
    assert not [note.key for note in decision.desired.notes if "extension" in note.key]
    told = a_complaint(promised="2026-11-20", sent=reply.key)
    assert decided(told, 3, SENDING).desired.reply is None
    assert followed(told, 3).round.response_due_at == FRIDAY


@pytest.mark.parametrize(
    ("practice", "after"),
    [pytest.param(Practice(), 2, id="not allowed"), pytest.param(SENDING, 49, id="too late")],
)
def test_otherwise_the_agent_gets_a_draft(practice: Practice, after: float) -> None:
    """Without the account's leave, and when the date has passed, nothing is sent."""
    decision = decided(a_complaint(promised="2026-11-20"), after, practice)
    assert decision.desired.reply is None
    (note,) = [note for note in decision.desired.notes if "extension" in note.key]
    assert REASON in note.text


@pytest.mark.parametrize(
    ("promised", "entry"),
    [("2026-11-20", None), (None, KNOWN)],
    ids=["on the ticket", "in the register"],
)
def test_an_answer_had_to_meet_the_extended_date(promised: str | None, entry: Entry | None) -> None:
    """The register judges by what the event says: in time, although later than first promised."""
    solved_at = RECEIVED_AT + timedelta(hours=60)
    ticket = replace(
        a_complaint(20, 60, promised=promised),
        status=Status.SOLVED,
        status_history=(StatusChange(RECEIVED_AT, Status.OPEN), StatusChange(solved_at, Status.SOLVED)),
    )
    events = followed(ticket, 61, entry).case.events
    (responded,) = [event for event in events if event.what is Happened.RESPONDED]
    assert (responded.at, responded.facts["due_at"]) == (solved_at, "2026-11-20T23:00:00Z")


def test_a_valid_extension_is_confirmed_to_the_agents_with_its_new_date() -> None:
    def told(ticket: Ticket) -> dict[str, str]:
        notes = decided(ticket, 21, Practice()).desired.notes
        return {note.key: note.text for note in notes if note.key.startswith("complaint-extended")}

    assert told(a_complaint(20, promised="2026-11-20")) == {
        "complaint-extended.20261120t230000": (
            "Extension of complaint no. 2026-000001: the answer is now due by Fri 20 Nov 2026, 18:00; "
            "the customer was told."
        )
    }
    assert told(a_complaint(promised="2026-11-20")) == {}
