"""What a look never does: write in a loop, or send a public reply twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from oneclick_sla_plugin.delivery.reconcile import FUSE_WRITES, REPLY_SETTLES, Outcome
from oneclick_sla_plugin.domain.changes import Changes, Desired, Note, compose
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import Author, Message, Priority, Ticket, Written
from oneclick_sla_plugin.errors import AccountPaused, TemporaryPlatformError, TicketChanged
from oneclick_sla_plugin.ports import Claim, ReplyIntent
from oneclick_sla_plugin.storage.tables import microseconds
from tests.unit.delivery.desk import KEY, NEXT_LOOK, START, Desk, FakeHelpdesk, decide, error

MINUTE = timedelta(minutes=1)
REPLY = Note("acknowledgement", "We have your message.")


# --- the fuse ---------------------------------------------------------------------------------


class Quarrel(FakeHelpdesk):
    """A helpdesk where another program takes back, as a fresh fact, whatever is written."""

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        super().write(ticket, changes, written)
        self.ticket = replace(self.ticket, tags=frozenset(), priority=None, written=None)


@pytest.fixture
def quarrel(desk: Desk) -> Desk:
    desk.helpdesk = Quarrel()
    return desk


def test_two_programs_that_undo_each_other_stop_at_the_fuse(quarrel: Desk) -> None:
    """Ten writes within ten minutes, then the ticket is left alone; a log line and a counter say so."""
    outcomes = []
    with capture_logs() as logs:
        for _ in range(FUSE_WRITES + 1):
            outcomes.append(quarrel.look())
            quarrel.clock.advance(MINUTE / 2)
    assert outcomes == [Outcome.WRITTEN] * FUSE_WRITES + [Outcome.FUSED]
    assert ("reconcile_fuse", {"account": "acme"}) in quarrel.counted
    (entry,) = [entry for entry in logs if entry["event"] == "reconcile.fuse"]
    assert (entry["log_level"], entry["key"]) == ("error", "acme/42")


def test_a_fused_ticket_rests_whatever_is_marked_and_is_looked_at_after_the_window(quarrel: Desk) -> None:
    """The window ends ten minutes after its first write; the attempt is not held against the ticket."""
    for _ in range(FUSE_WRITES + 1):
        quarrel.look()
        quarrel.clock.advance(MINUTE / 2)
    quarrel.ledger.mark([KEY], quarrel.clock())
    assert quarrel.ledger.next_due_at(quarrel.clock()) == START + 10 * MINUTE
    quarrel.clock.now = START + 10 * MINUTE
    (claim,) = quarrel.ledger.claim_due(1, quarrel.clock())
    assert claim.attempts == 1
    assert quarrel.reconciler()(claim) is Outcome.WRITTEN


def test_writes_far_apart_blow_no_fuse(quarrel: Desk) -> None:
    """A busy ticket is not a loop."""
    for _ in range(3 * FUSE_WRITES):
        assert quarrel.look() is Outcome.WRITTEN
        quarrel.clock.advance(MINUTE * 1.1)


# --- replies ----------------------------------------------------------------------------------


@dataclass
class Postbox(FakeHelpdesk):
    """A helpdesk that keeps what customers get. ``appears``: whether a reply is seen on the ticket at once."""

    appears: bool = True
    sent: list[str] = field(default_factory=list)
    known_before: list[object] = field(default_factory=list)
    desk: Desk | None = None

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        self.seen.append("write")
        if changes.reply is not None:
            assert self.desk is not None
            self.known_before.append(self.desk.row()["replies"])
            self.sent.append(changes.reply.key)
            if self.appears:
                self.show(changes.reply)
        self._play(self.writes)

    def show(self, reply: Note) -> None:
        message = Message("9", START, Author.US, public=True, text=compose([reply]))
        self.ticket = replace(self.ticket, messages=(*self.ticket.messages, message))


def replying(ticket: Ticket, now: datetime) -> Decision:
    return replace(decide(ticket, now), desired=Desired(reply=REPLY))


@pytest.fixture
def postbox(desk: Desk) -> Postbox:
    postbox = Postbox()
    postbox.desk = desk
    desk.helpdesk = postbox
    desk.decide = replying
    return postbox


def test_the_ledger_knows_of_a_reply_before_the_customer_does(desk: Desk, postbox: Postbox) -> None:
    """And knows afterwards that it was sent, so that it need not show on the ticket at once, or ever."""
    postbox.appears = False
    assert desk.look() is Outcome.WRITTEN
    assert postbox.known_before == [[["acknowledgement", microseconds(START), False]]]
    for _ in range(3):
        desk.clock.advance(REPLY_SETTLES)
        assert desk.look() is Outcome.UNCHANGED
    assert postbox.sent == ["acknowledgement"]
    assert desk.row()["due_at"] == NEXT_LOOK


def test_a_ticket_is_looked_at_again_once_a_reply_was_sent(desk: Desk, postbox: Postbox) -> None:
    """An acknowledgement meets a clock and moves a complaint on, and no webhook tells of our own writes."""
    assert desk.look() is Outcome.WRITTEN
    assert desk.row()["due_at"] == START
    desk.clock.advance(MINUTE)
    assert desk.look() is Outcome.UNCHANGED
    assert desk.row()["due_at"] == NEXT_LOOK


def crash_after_sending(desk: Desk) -> Claim:
    """A worker sends the reply and dies before it settles its claim; another one takes the ticket over."""
    desk.helpdesk.writes = [KeyboardInterrupt()]  # type: ignore[list-item]
    with pytest.raises(KeyboardInterrupt):
        desk.look()
    (heir,) = desk.ledger.claim_due(1, desk.clock.advance(MINUTE))
    assert heir.replies == (ReplyIntent("acknowledgement", START),)
    return heir


def test_a_reply_that_stands_on_the_ticket_is_not_sent_again(desk: Desk, postbox: Postbox) -> None:
    """Its marker is found by the look after the crash."""
    heir = crash_after_sending(desk)
    assert desk.reconciler()(heir) is Outcome.UNCHANGED
    assert postbox.sent == ["acknowledgement"]


def test_a_reply_that_is_not_seen_yet_is_waited_for(desk: Desk, postbox: Postbox) -> None:
    """It may be on its way: within two minutes nothing is sent, and then it has appeared."""
    postbox.appears = False
    heir = crash_after_sending(desk)
    assert desk.reconciler()(heir) is Outcome.UNCHANGED
    assert desk.row()["due_at"] == START + REPLY_SETTLES
    postbox.show(REPLY)
    desk.clock.now = START + REPLY_SETTLES
    assert desk.look() is Outcome.UNCHANGED
    assert postbox.sent == ["acknowledgement"]


def test_a_reply_that_never_arrived_is_sent_in_the_end(desk: Desk, postbox: Postbox) -> None:
    """After two minutes no request can be under way any more."""
    postbox.appears = False
    desk.reconciler()(crash_after_sending(desk))
    desk.clock.now = START + REPLY_SETTLES
    assert desk.look() is Outcome.WRITTEN
    assert postbox.sent == ["acknowledgement"] * 2


@pytest.mark.parametrize("status", [None, 502])
def test_a_reply_without_an_answer_is_looked_for_first(desk: Desk, postbox: Postbox, status: int | None) -> None:
    """A time-out may come after the reply went out."""
    postbox.writes = [error(TemporaryPlatformError, status=status)]
    assert desk.look() is Outcome.FAILED
    desk.clock.advance(MINUTE)
    assert desk.look() is Outcome.UNCHANGED
    assert postbox.sent == ["acknowledgement"]


@pytest.mark.parametrize("refusal", [error(TicketChanged, status=409), error(AccountPaused, retry_after=MINUTE / 60)])
def test_a_reply_that_was_refused_may_be_sent_at_once(desk: Desk, postbox: Postbox, refusal: Exception) -> None:
    """Nobody got it, so nothing is waited for."""
    postbox.appears = False
    postbox.writes = [refusal]
    desk.look()
    desk.clock.advance(MINUTE / 6)
    desk.look()
    assert postbox.sent == ["acknowledgement"] * 2


def test_nothing_is_sent_by_a_worker_that_lost_its_ticket(desk: Desk, postbox: Postbox) -> None:
    """What cannot be taken back needs the lease."""
    slow = desk.claim()
    desk.ledger.claim_due(1, desk.clock.advance(MINUTE))
    assert desk.reconciler()(slow) is Outcome.FAILED
    assert postbox.sent == []
    assert ("reconcile_lease_lost", {"account": "acme"}) in desk.counted


def test_the_rest_is_written_while_a_reply_is_waited_for(desk: Desk, postbox: Postbox) -> None:
    """Only the reply is held back, and its intent is kept."""
    postbox.appears = False
    heir = crash_after_sending(desk)
    desk.decide = lambda ticket, now: replace(decide(ticket, now), desired=Desired(priority=Priority.HIGH, reply=REPLY))
    assert desk.reconciler()(heir) is Outcome.WRITTEN
    assert postbox.sent == ["acknowledgement"]
    desk.clock.now = START + REPLY_SETTLES
    assert desk.look() is Outcome.WRITTEN
    assert postbox.sent == ["acknowledgement"] * 2
