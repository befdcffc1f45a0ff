"""What agents and customers are told: each fact once, with the clause, in their language, quoting nobody."""

from __future__ import annotations

import string
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.changes import Note, compose, diff
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.model import (
    TAG_IS_COMPLAINT,
    Author,
    Channel,
    Field,
    Status,
    StatusChange,
    Ticket,
)
from oneclick_sla_plugin.domain.notes import Outgoing, Practice
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import LANGUAGES, load_wording

EN_LINEA = find_policy("en-linea-365", Plugins.load().policies)
LIMA = ZoneInfo("America/Lima")
WARNED = timedelta(hours=23)  # Wednesday at 9:00, an hour before a mail is due
OVERDUE = timedelta(hours=24, seconds=1)
SENDING = Practice(send=frozenset({Outgoing.DELAY_NOTICE}))
MARKER = "MARKER-of-a-customer"


def decided(
    ticket: Ticket,
    after: timedelta,
    *,
    practice: Practice = Practice(),  # noqa: B008 - frozen
    language: str = "en",
    policy: Policy = EN_LINEA,
) -> Decision:
    return decide(ticket, policy, RECEIVED_AT + after, load_wording(language, LIMA), practice)


def keys(decision: Decision) -> list[str]:
    return [note.key for note in decision.desired.notes]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), ["first-reply-due"]),
        (WARNED, ["first-reply-at-risk", "first-reply-delay-draft"]),
        (OVERDUE, ["first-reply-breached", "first-reply-delay-draft"]),
    ],
)
def test_the_notes_of_a_mail_as_time_passes(after: timedelta, expected: list[str]) -> None:
    assert keys(decided(a_ticket(), after)) == expected


def test_a_note_names_due_instant_clause_amount_and_owner() -> None:
    practice = Practice(owners={Channel.EMAIL: "Soporte"})
    note = decided(a_ticket(), WARNED, practice=practice).desired.notes[0]
    assert note.owner == "Soporte"
    assert note.text == (
        "First reply at risk: due by Wed 18 Nov 2026, 10:00 (America/Lima).\n"
        "Why: §4 of the policy, e-mail: 24 hours of business days.\n"
        "What to do: see to it now; if you cannot, tell the customer an estimated date.\n"
        "Owner of the channel: Soporte."
    )


def test_midnight_is_told_as_the_end_of_the_day() -> None:
    saturday = RECEIVED_AT + timedelta(days=4)
    ticket = a_ticket([a_message(timedelta(days=4))], created_at=saturday)
    assert "Mon 23 Nov 2026, 24:00" in decided(ticket, timedelta(days=4)).desired.notes[0].text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_the_customer_is_in_any_note(language: str) -> None:
    ticket = a_ticket([a_message(text=MARKER)], subject=MARKER)
    for after in (timedelta(0), WARNED, OVERDUE):
        decision = decided(ticket, after, language=language)
        assert decision.desired.notes
        assert MARKER not in repr(decision)


def test_the_draft_of_a_delay_notice_has_a_blank_until_a_date_is_promised() -> None:
    blank = decided(a_ticket(), WARNED).desired.notes[1].text
    assert "____" in blank
    assert "request no. 42" in blank
    assert "request no. 577318." in decided(a_ticket(number="577318"), WARNED).desired.notes[1].text
    promised = a_ticket(fields={Field.PROMISED_AT: "2026-11-20"})
    assert "Fri 20 Nov 2026, 18:00" in decided(promised, WARNED).desired.notes[1].text


def test_a_promise_that_has_passed_is_a_blank_again_in_the_draft() -> None:
    stale = a_ticket(fields={Field.PROMISED_AT: "2026-11-17"})
    assert "____" in decided(stale, OVERDUE).desired.notes[1].text


def test_a_follow_up_that_is_due_announces_no_delay() -> None:
    """The customer has the answer and waits for nothing."""
    answered_at = timedelta(hours=2)
    ticket = a_ticket(
        [a_message(), a_message(answered_at, Author.AGENT, id="2")],
        tags=frozenset({TAG_IS_COMPLAINT}),
        status=Status.SOLVED,
        status_history=(
            StatusChange(RECEIVED_AT, Status.OPEN),
            StatusChange(RECEIVED_AT + answered_at, Status.SOLVED),
        ),
    )
    found = keys(decided(ticket, timedelta(days=6)))
    assert "complaint-follow-up-breached" in found
    assert not [key for key in found if "delay" in key]


def test_a_delay_notice_is_sent_only_where_the_account_says_so_and_only_with_a_date() -> None:
    promised = a_ticket(fields={Field.PROMISED_AT: "2026-11-20"})
    assert decided(promised, WARNED).desired.reply is None
    assert decided(a_ticket(), WARNED, practice=SENDING).desired.reply is None
    sent = decided(promised, WARNED, practice=SENDING)
    assert sent.desired.reply is not None
    assert "Fri 20 Nov 2026, 18:00" in sent.desired.reply.text
    assert "first-reply-delay-draft" not in keys(sent)


def test_a_promise_that_has_passed_is_not_announced() -> None:
    stale = a_ticket(fields={Field.PROMISED_AT: "2026-11-17"})
    assert decided(stale, OVERDUE, practice=SENDING).desired.reply is None


def test_a_sent_delay_notice_is_not_sent_again_nor_drafted() -> None:
    sent = a_message(WARNED, Author.US, text=compose([Note("first-reply-delay-notice", "It takes longer.")]), id="2")
    ticket = a_ticket([a_message(), sent], fields={Field.PROMISED_AT: "2026-11-20"})
    decision = decided(ticket, OVERDUE, practice=SENDING)
    assert diff(ticket, decision.desired).reply is None
    assert keys(decision) == ["first-reply-breached"]


def test_the_delay_notice_does_not_answer_the_customer() -> None:
    sent = a_message(WARNED, Author.US, text=compose([Note("first-reply-delay-notice", "It takes longer.")]), id="2")
    assert decided(a_ticket([a_message(), sent]), OVERDUE).clocks[0].state == "breached"


def test_each_round_of_the_next_reply_has_notes_of_its_own(next_reply_policy: Policy) -> None:
    def asked_again_after(hours: int) -> Ticket:
        messages = [a_message(), a_message(timedelta(minutes=5), Author.AGENT), a_message(timedelta(hours=hours))]
        return a_ticket(messages)

    first = keys(decided(asked_again_after(1), timedelta(days=9), policy=next_reply_policy))
    second = keys(decided(asked_again_after(2), timedelta(days=9), policy=next_reply_policy))
    assert first == ["next-reply-breached.20261117t160000"]
    assert second == ["next-reply-breached.20261117t170000"]


@pytest.fixture
def next_reply_policy() -> Policy:
    from oneclick_sla_plugin.policy_files import parse_policy

    return parse_policy(
        """
        id = "test"
        version = "1"
        title = "Test"
        language = "en"
        time_zone = "America/Lima"
        channels = ["email"]
        default_channel = "email"

        [calendars.office]
        hours = { mon-fri = ["09:00-18:00"] }

        [[targets]]
        name = "first"
        metric = "first_reply"
        title = "first"
        clause = "§1"
        within = "4 open hours"
        calendar = "office"

        [[targets]]
        name = "next"
        metric = "next_reply"
        title = "next"
        clause = "§2"
        within = "4 open hours"
        calendar = "office"
        """
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_with_the_same_places(language: str) -> None:
    def places(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    texts = load_wording(language, LIMA).texts
    others = load_wording("en", LIMA).texts
    assert texts.keys() == others.keys()
    assert {key: places(text) for key, text in texts.items()} == {key: places(text) for key, text in others.items()}


def test_instants_are_told_in_the_readers_zone() -> None:
    at = datetime.fromisoformat("2026-03-01T23:30:15+00:00")
    assert load_wording("es", ZoneInfo("Europe/Madrid")).instant(at) == "lun 2 mar 2026, 00:30:15"
