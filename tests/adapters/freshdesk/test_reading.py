"""What is made of answers that are unlike the simulator's: bent, legacy, in other languages."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from oneclick_sla_freshdesk.exchanges import pages
from oneclick_sla_freshdesk.fields import FIELD_SPECS, Catalogue, catalogue
from oneclick_sla_freshdesk.history import merged_into
from oneclick_sla_freshdesk.people import read_person
from oneclick_sla_freshdesk.tickets import Account, build_ticket, read_ticket
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Status
from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.exchanges import run
from oneclick_sla_plugin.ports import Person, Request, Response

ACCOUNT = Account("acme", 100, Catalogue())
TICKET: Mapping[str, Any] = {
    "id": 42,
    "subject": "private words",
    "description_text": "private words",
    "status": 2,
    "priority": 2,
    "source": 1,
    "requester_id": 7,
    "responder_id": None,
    "group_id": 5,
    "company_id": 3,
    "product_id": None,
    "form_id": 298,
    "to_emails": ["help@example.com"],
    "tags": ["vip"],
    "custom_fields": {},
    "created_at": "2026-11-20T09:43:49Z",
    "updated_at": "2026-11-20T09:43:50Z",
    "conversations": [],
}
CONVERSATION: Mapping[str, Any] = {
    "id": 1,
    "body": "<div>Thank&nbsp;you</div>",
    "body_text": "Thank you",
    "incoming": False,
    "private": False,
    "user_id": 8,
    "source": 0,
    "created_at": "2026-11-20T10:00:00Z",
}


def answered(body: object) -> Response:
    return Response(200, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    "bend",
    [
        {"created_at": "private words"},
        {"created_at": "2026-11-20T09:43:49"},
        {"updated_at": None},
        {"tags": 5},
        {"stats": ["private words"]},
        {"conversations": [{"id": 1, "created_at": "private words", "incoming": True}]},
    ],
)
def test_an_answer_of_another_shape_is_an_error_without_its_text(bend: Mapping[str, Any]) -> None:
    with pytest.raises(PermanentPlatformError) as caught:
        run(read_ticket("42", ACCOUNT), lambda _request: answered({**TICKET, **bend}))
    assert caught.value.reason == "unexpected_body"
    assert caught.value.__context__ is None


def test_attributes_and_unknown_numbers() -> None:
    """Numbers that nobody knows do no harm: another channel, an open status, no priority."""
    ticket = build_ticket({**TICKET, "source": 99, "status": 77, "priority": 9, "stats": None}, (), ACCOUNT)
    assert (ticket.channel, ticket.status, ticket.priority) == (Channel.OTHER, Status.OPEN, None)
    assert (ticket.group, ticket.form, ticket.brand, ticket.recipient) == ("5", "298", None, "help@example.com")
    assert ticket.requester.known is None
    assert build_ticket(TICKET, (), Account("acme", 100, Catalogue(), known_requester="company")).requester.known


@pytest.mark.parametrize(
    ("bend", "author", "public"),
    [
        ({}, Author.AGENT, True),
        ({"user_id": 100}, Author.US, True),
        ({"user_id": 100, "incoming": True}, Author.CUSTOMER, True),
        ({"incoming": True, "user_id": 7}, Author.CUSTOMER, True),
        ({"user_id": None}, Author.SYSTEM, True),
        ({"user_id": 9}, Author.CUSTOMER, True),
        ({"source": 6, "incoming": True}, Author.SYSTEM, True),
        ({"source": 8}, Author.AGENT, False),
        ({"private": True, "source": 2}, Author.AGENT, False),
        ({"source": 12345}, Author.AGENT, True),
    ],
)
def test_who_is_taken_for_the_author(bend: Mapping[str, Any], author: Author, public: bool) -> None:
    """User 9 is a contact who was copied; a survey's answer waits for no reply; a forward is not for the customer."""
    account = Account("acme", 100, Catalogue(), roles={9: Author.CUSTOMER})
    message = build_ticket(TICKET, [{**CONVERSATION, **bend}], account).messages[1]
    assert (message.author, message.public) == (author, public)


def test_text_is_taken_from_the_markup_where_there_is_no_plain_one() -> None:
    bent = {key: value for key, value in CONVERSATION.items() if key != "body_text"}
    assert build_ticket(TICKET, [bent], ACCOUNT).messages[1].text.split() == ["Thank", "you"]


def test_an_outbound_ticket_is_the_teams() -> None:
    """No reply is owed on it until the customer writes."""
    ticket = build_ticket({**TICKET, "source": 10}, (), ACCOUNT)
    assert (ticket.opened_by, ticket.messages[0].author) == (Author.AGENT, Author.AGENT)


@pytest.mark.parametrize(
    ("status", "text", "target"),
    [
        (Status.CLOSED, "This ticket is closed and merged into ticket 17", "17"),
        (Status.CLOSED, "Este ticket está cerrado y fusionado con el ticket #17", "17"),
        (Status.CLOSED, "Dieses Ticket wurde geschlossen und zusammengeführt mit Ticket 17", "17"),
        (Status.CLOSED, "Este ticket está fechado e foi mesclado ao ticket 17", "17"),
        (Status.OPEN, "This ticket is closed and merged into ticket 17", None),
        (Status.CLOSED, "Merged from ticket 17: Invoice", None),
        (Status.CLOSED, "Fusionado desde el ticket 17", None),
        (Status.CLOSED, "Merged into ticket 42", None),
        (Status.CLOSED, "Call back at 17", None),
    ],
)
def test_how_a_merge_is_known(status: Status, text: str, target: str | None) -> None:
    note = {**CONVERSATION, "private": True, "source": 2, "body_text": text}
    assert merged_into(status, "42", [note]) == target


def test_a_field_with_one_of_our_labels_is_used_as_it_is() -> None:
    """A value that it cannot hold is left out; a marker goes before a label."""
    label = next(spec.label for spec in FIELD_SPECS if spec.name is Field.SLA_STATE)
    theirs = {"name": "cf_theirs", "label": label, "type": "custom_dropdown", "choices": ["At risk"]}
    found = catalogue([theirs])
    standing: dict[str, Any] = {"cf_theirs": None}
    assert found.writable({Field.SLA_STATE: "at_risk"}, standing) == {Field.SLA_STATE: ("cf_theirs", "At risk")}
    assert found.writable({Field.SLA_STATE: "breached"}, standing) == {}
    assert found.read({"cf_theirs": "At risk"}) == {Field.SLA_STATE: "at_risk"}
    ours = {
        **copy.deepcopy(theirs),
        "name": "cf_ours",
        "label": "Renamed",
        "label_for_customers": "oneclick-sla sla_state",
    }
    assert catalogue([theirs, ours]).fields[Field.SLA_STATE].key == "cf_ours"


def test_a_list_without_an_end_is_left() -> None:
    """Freshdesk serves three hundred pages at most; the link itself is never followed."""
    asked: list[Request] = []

    def send(request: Request) -> Response:
        asked.append(request)
        return Response(200, {"link": '<https://evil.example/?page=2>; rel="next"'}, b'[{"id": 1}]')

    with pytest.raises(PermanentPlatformError) as caught:
        run(pages(Request("GET", "/api/v2/x", "read x")), send)
    assert caught.value.reason == "endless_list"
    assert {request.path for request in asked} == {"/api/v2/x"}
    assert len(asked) == 300


def test_who_a_requester_is() -> None:
    contact = {
        "id": 7,
        "name": "Ana",
        "email": "ana@example.com",
        "phone": None,
        "mobile": "+51 1",
        "custom_fields": {"dni": 123},
    }
    found = run(read_person("7", "dni"), lambda _request: answered(contact))
    assert found == Person("Ana", "ana@example.com", "+51 1", "123")
