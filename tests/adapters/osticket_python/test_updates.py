"""What is written, and the key that makes a repetition safe."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_osticket.catalogue import FIELD_NAMES, Catalogue
from oneclick_sla_osticket.settings import DEFAULT_PRIORITIES
from oneclick_sla_osticket.updates import TicketUpdate, fitting, ticket_update
from oneclick_sla_plugin.domain.changes import Changes, Note
from oneclick_sla_plugin.domain.model import Field, Priority, Status, Ticket, Written
from oneclick_sla_plugin.testing.tickets import a_ticket

WORDS = Catalogue(
    priority_names=DEFAULT_PRIORITIES,
    priorities=(("low", "Low"), ("normal", "Normal"), ("high", "High"), ("emergency", "Emergency")),
    statuses={},
    fields=frozenset({*FIELD_NAMES.values(), "sla_tags"}),
)
BARE = replace(WORDS, fields=frozenset(), priorities=(("low", "Low"),))
CHANGES = Changes(
    priority=Priority.URGENT,
    add_tags=frozenset({"sla_at_risk"}),
    remove_tags=frozenset({"sla_on_track"}),
    fields={Field.NEXT_DUE_AT: "2027-03-01T15:00:00Z", Field.EXTENSION_REASON: None},
    notes=(Note("due", "Due soon."), Note("kind", "A complaint.", owner="Support")),
    reply=Note("ack", "We have it."),
)
WRITTEN = Written(Priority.URGENT, frozenset({"sla_at_risk"}), {Field.NEXT_DUE_AT: "2027-03-01T15:00:00Z"})


def update(ticket: Ticket, changes: Changes = CHANGES, words: Catalogue = WORDS, **how: bool) -> TicketUpdate:
    return ticket_update(ticket, changes, WRITTEN, words, **how)


def body_of(ticket: Ticket, made: TicketUpdate) -> Any:
    return json.loads(made.request(ticket).body or b"")


def test_everything_goes_in_one_request() -> None:
    ticket = a_ticket(id="4", version="abc")
    body = body_of(ticket, update(ticket))
    assert len(body.pop("key")) == 64
    assert body == {
        "version": "abc",
        "priority": "emergency",
        "due_at": "2027-03-01T15:00:00Z",
        "fields": {"sla_next_due_at": "2027-03-01T15:00:00Z", "sla_extension_reason": None},
        "add_tags": ["sla_at_risk"],
        "remove_tags": ["sla_on_track"],
        "note": {"title": "SLA", "text": "Due soon.\n\nA complaint.", "keys": ["due", "kind"], "alert": True},
        "reply": {"text": "We have it.", "keys": ["ack"]},
        "record": {
            "priority": "urgent",
            "tags": ["sla_at_risk"],
            "fields": {"next_due_at": "2027-03-01T15:00:00Z"},
        },
    }


def test_what_the_helpdesk_has_no_place_for_is_left_out_and_not_remembered_as_written() -> None:
    """It is written once the field or the priority exists."""
    changes = replace(CHANGES, notes=(), reply=None)
    made = update(a_ticket(), changes, BARE, due_date=False)
    assert not made
    assert made.missing == {"priority", "sla_next_due_at", "sla_extension_reason", "sla_tags"}
    assert made.record == {"priority": None, "tags": [], "fields": {}}


@pytest.mark.parametrize(
    ("status", "due_at", "expected"),
    [
        (Status.OPEN, "2027-03-01T15:00:00Z", {"due_at": "2027-03-01T15:00:00Z"}),
        (Status.SOLVED, "2027-03-01T15:00:00Z", {}),
        (Status.SOLVED, None, {"due_at": None}),
    ],
)
def test_a_solved_ticket_gets_no_due_date(status: Status, due_at: str | None, expected: dict[str, Any]) -> None:
    """osTicket refuses one, and with it all the rest."""
    values = update(a_ticket(status=status), Changes(fields={Field.NEXT_DUE_AT: due_at})).values
    assert {name: value for name, value in values.items() if name == "due_at"} == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({Field.NEXT_DUE_AT: None, Field.SLA_STATE: "breached"}, {}),
        ({Field.NEXT_DUE_AT: "2027-03-02T15:00:00Z", Field.SLA_STATE: "breached"}, {"due_at": "2027-03-02T15:00:00Z"}),
        ({Field.NEXT_DUE_AT: None}, {"due_at": None}),
        ({Field.NEXT_DUE_AT: None, Field.SLA_STATE: "on_track"}, {"due_at": None}),
    ],
)
def test_a_due_date_that_was_missed_stays(fields: dict[Field, str | None], expected: dict[str, Any]) -> None:
    """Without it the ticket had until its SLA plan's date, and osTicket would not count it as overdue."""
    values = update(a_ticket(), Changes(fields=fields)).values
    assert {name: value for name, value in values.items() if name == "due_at"} == expected


@pytest.mark.parametrize(
    ("alerts", "owner", "alert"), [(True, "Support", True), (True, None, False), (False, "S", False)]
)
def test_the_owner_of_a_channel_is_told_by_osticket(alerts: bool, owner: str | None, alert: bool) -> None:
    values = update(a_ticket(), Changes(notes=(Note("late", "Late.", owner),)), alerts=alerts).values
    assert values["note"]["alert"] is alert


def test_a_repetition_has_the_same_bytes() -> None:
    ticket = a_ticket(version="abc")
    assert update(ticket).request(ticket) == update(ticket).request(ticket)


@pytest.mark.parametrize(
    "other",
    [
        a_ticket(version="abd"),
        a_ticket(version="abc", id="43"),
        a_ticket(version="abc", account="other"),
        a_ticket(version="abc", written=Written()),
    ],
    ids=["moved", "another ticket", "another account", "another record"],
)
def test_whatever_differs_has_another_key(other: Ticket) -> None:
    ticket = a_ticket(version="abc")
    assert body_of(ticket, update(ticket))["key"] != body_of(other, update(other))["key"]
    undone = json.loads(update(ticket).request(ticket, attempt=1).body or b"")
    assert undone["key"] != body_of(ticket, update(ticket))["key"]


@given(st.text(alphabet="a<&\"'é\n€", max_size=120), st.integers(min_value=3, max_value=400))
def test_a_text_fits_and_loses_nothing_but_its_end(text: str, limit: int) -> None:
    cut = fitting(text, limit)
    assert len(html.escape(cut).replace("\n", "<br />\n").encode()) <= limit
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
