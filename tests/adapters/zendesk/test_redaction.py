"""Card numbers are made unreadable in the comment that was read, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oneclick_sla_plugin.bootstrap import build
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.config import REDACTION_CONFIRMED, load_config
from oneclick_sla_plugin.delivery.health import Health
from oneclick_sla_plugin.delivery.reconcile import Outcome, Reconciler
from oneclick_sla_plugin.domain.changes import note_keys
from oneclick_sla_plugin.domain.model import Author, Channel, TicketKey
from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.exchanges import json_request
from oneclick_sla_zendesk import redaction
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from tests.adapters.zendesk.conftest import FakeZendesk, answer

CARD = "4111 1111 1111 1111"
ONE = redaction.Outcome(redacted=1)
NONE = redaction.Outcome(left=1)


def spans_of(value: str, text: str) -> list[tuple[int, int]]:
    starts = [at for at in range(len(text)) if text.startswith(value, at)]
    return [(at, at + len(value)) for at in starts]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<p>Card {CARD}.</p>", f"<p>Card <redact>{CARD}</redact>.</p>"),
        (
            "<p>Card 4111&nbsp;1111&#160;1111 1111.</p>",
            "<p>Card <redact>4111&nbsp;1111&#160;1111 1111</redact>.</p>",
        ),
        (
            "<p><b>Card 4111</b> 1111 1111 1111.</p>",
            "<p><b>Card <redact>4111</redact></b> <redact>1111 1111 1111</redact>.</p>",
        ),
        (
            "<p title='a > b'>Card 4111\u200b 1111 1111 111&#49;.</p>",
            "<p title='a > b'>Card <redact>4111\u200b 1111 1111 111&#49;</redact>.</p>",
        ),
        (f"<p>Fish &amp; chips &lt; Card {CARD}</p>", f"<p>Fish &amp; chips &lt; Card <redact>{CARD}</redact></p>"),
    ],
    ids=["plain", "entities", "across a tag", "invisible characters", "other entities"],
)
def test_the_number_is_marked_wherever_tags_and_entities_stand(body: str, expected: str) -> None:
    text = f"Card {CARD}."
    assert redaction.mark(body, text, spans_of(CARD, text)) == (expected, ONE)


@pytest.mark.parametrize(
    "body",
    [
        "<p>Card ▇▇▇▇ ▇▇▇▇ ▇▇▇▇ ▇▇▇▇.</p>",
        f"<p>Card {CARD}.</p><p>{CARD}</p>",
        f'<p>Card <a href="tel:4111111111111111">{CARD}</a>.</p>',
    ],
    ids=["not there", "more often than in the text", "in an address too"],
)
def test_a_number_whose_place_is_not_certain_stays(body: str) -> None:
    text = f"Card {CARD}."
    assert redaction.mark(body, text, spans_of(CARD, text)) == (body, NONE)


def test_of_two_equal_numbers_the_one_that_was_found_is_marked() -> None:
    text = f"Card {CARD}, again {CARD}"
    second = spans_of(CARD, text)[1:]
    marked, outcome = redaction.mark(f"<p>{text}</p>", text, second)
    assert (marked, outcome) == (f"<p>Card {CARD}, again <redact>{CARD}</redact></p>", ONE)


def test_both_of_two_equal_numbers_are_marked() -> None:
    text = f"Card {CARD}, again {CARD}"
    marked, outcome = redaction.mark(f"<p>{text}</p>", text, spans_of(CARD, text))
    assert marked == f"<p>Card <redact>{CARD}</redact>, again <redact>{CARD}</redact></p>"
    assert outcome == redaction.Outcome(redacted=2)


def a_comment(sample: Callable[[str], Any], text: str) -> tuple[Any, str]:
    """The comments of the sample ticket, the first of which says ``text``; and its id."""
    comments = sample("comments.json")
    comments["comments"][0].update(plain_body=text, body=text, html_body=f"<p>{text}</p>")
    return comments, str(comments["comments"][0]["id"])


COMMENTS = ("GET", "/api/v2/tickets/42/comments.json")


def test_the_comment_goes_back_with_marks(
    connection: ZendeskConnection, zendesk: FakeZendesk, sample: Callable[[str], Any]
) -> None:
    comments, comment_id = a_comment(sample, f"Card {CARD}")
    path = f"/api/v2/comment_redactions/{comment_id}"
    zendesk.answers[COMMENTS] = answer(comments)
    zendesk.answers["PUT", path] = answer({"comment": {}})
    assert connection.redact(connection.read("42"), comment_id, [(5, 24)])
    assert zendesk.sent("PUT") == [{"ticket_id": 42, "html_body": f"<p>Card <redact>{CARD}</redact></p>"}]


def test_a_comment_that_reads_otherwise_by_now_is_left_alone(
    connection: ZendeskConnection, zendesk: FakeZendesk, sample: Callable[[str], Any]
) -> None:
    comments, comment_id = a_comment(sample, f"Card {CARD}")
    zendesk.answers[COMMENTS] = answer(comments)
    ticket = connection.read("42")
    zendesk.answers[COMMENTS] = answer(a_comment(sample, f"My card {CARD}")[0])
    assert not connection.redact(ticket, comment_id, [(5, 24)])
    assert zendesk.sent("PUT") == []


def test_a_refusal_is_told_without_the_number(
    connection: ZendeskConnection, zendesk: FakeZendesk, sample: Callable[[str], Any]
) -> None:
    comments, comment_id = a_comment(sample, f"Card {CARD}")
    zendesk.answers[COMMENTS] = answer(comments)
    path = f"/api/v2/comment_redactions/{comment_id}"
    zendesk.answers["PUT", path] = answer({"error": "RecordInvalid", "description": CARD}, 422)
    ticket = connection.read("42")
    with pytest.raises(PermanentPlatformError) as caught:
        connection.redact(ticket, comment_id, [(5, 24)])
    assert "1111" not in f"{caught.value!s}{caught.value!r}"


@pytest.mark.parametrize("wrong", ["ticket", "comment", "unmarked", "other text"])
def test_the_simulated_account_refuses_what_does_not_fit(
    connect: Callable[..., ZendeskConnection], account_there: ZendeskSandbox, wrong: str
) -> None:
    """404 for ids that do not belong together, 422 for HTML that is not the comment's with marks."""
    connection = connect()
    ticket = connection.read(account_there.open_ticket(channel=Channel.EMAIL, subject="Pay", text=CARD))
    other = account_there.open_ticket(channel=Channel.EMAIL, subject="Pay", text=CARD)
    good = f'<div class="zd-comment" dir="auto"><p dir="auto"><redact>{CARD}</redact></p></div>'
    bodies = {"unmarked": good.replace("redact>", "b>"), "other text": f"<redact>{CARD}</redact>"}
    comment_id = "1" if wrong == "comment" else ticket.messages[0].id
    given = {
        "ticket_id": int(other if wrong == "ticket" else ticket.id),
        "html_body": bodies.get(wrong, good),
    }
    request = json_request("PUT", f"/api/v2/comment_redactions/{comment_id}", "redact comment", given)
    response = connection._redacting.send(request)
    assert response.status == (404 if wrong in ("ticket", "comment") else 422)
    assert connection.read(ticket.id) == ticket


@pytest.mark.parametrize("confirmed", [True, False])
def test_from_the_first_look_to_the_last(
    account_there: ZendeskSandbox,
    connect: Callable[..., ZendeskConnection],
    tmp_path: Path,
    clock: Any,
    confirmed: bool,
) -> None:
    """The number goes, the note stands, the next look corrects it once, and then there is nothing left to do."""
    for step in connect().installation("http://127.0.0.1:9/webhooks/sandbox").steps:
        step.apply()
    config = write_sandbox_config(tmp_path, "zendesk", account_there)
    (tmp_path / "sandbox-webhook-secret").write_text("kept-by-the-admin")
    if confirmed:
        with config.open("a") as file:
            file.write(f"[accounts.sandbox.sensitive]\nredact_cards = {json.dumps(REDACTION_CONFIRMED)}\n")
    with build(load_config(config), clock=clock) as program:
        reconciler = Reconciler(
            program.accounts,
            program.ledger,
            clock,
            health=Health(program.states, clock, program.metrics),
            adjust=program.plugins.adjust_decision,
            announce=program.plugins.on_decision,
            events=program.metrics,
            wait=lambda _: None,
        )
        connection = program.accounts["sandbox"].connection
        ticket_id = account_there.open_ticket(
            channel=Channel.EMAIL, subject="Factura", text=f"Mi tarjeta es {CARD}, gracias."
        )
        looks = []
        for _ in range(3):
            clock.advance(timedelta(seconds=30))
            program.ledger.mark([TicketKey("sandbox", ticket_id)], clock())
            (claim,) = program.ledger.claim_due(1, clock())
            outcome = reconciler(claim)
            ticket = connection.read(ticket_id)
            looks.append((outcome, "sla_sensitive_data" in ticket.tags))
    (text,) = [message.text for message in ticket.messages if message.author is Author.CUSTOMER]
    keys = [key.partition(".")[0] for key in note_keys(ticket)]
    assert keys.count("sensitive") == 1
    redactions = account_there.requests["PUT /api/v2/comment_redactions/{comment_id}"]
    if confirmed:
        assert looks == [(Outcome.WRITTEN, True), (Outcome.WRITTEN, False), (Outcome.UNCHANGED, False)]
        assert text == "Mi tarjeta es ▇▇▇▇ ▇▇▇▇ ▇▇▇▇ ▇▇▇▇, gracias."
        assert "redacted_content" in ticket.tags
        assert keys.count("sensitive-cleared") == 1
        assert redactions == 1
    else:
        assert looks == [(Outcome.WRITTEN, True), (Outcome.UNCHANGED, True), (Outcome.UNCHANGED, True)]
        assert CARD in text
        assert redactions == 0
