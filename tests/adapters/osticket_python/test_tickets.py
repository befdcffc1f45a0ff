"""From the recorded tickets to the neutral one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from oneclick_sla_osticket import catalogue, people, tickets
from oneclick_sla_osticket.settings import DEFAULT_PRIORITIES, KnownRequester
from oneclick_sla_plugin.domain.changes import note_keys
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Priority, Status, Ticket, Written
from oneclick_sla_plugin.errors import PermanentPlatformError, TicketGone
from oneclick_sla_plugin.ports import Person

Sample = Callable[[str], Any]


def account(sample: Sample, **facts: Any) -> tickets.Account:
    names = {**DEFAULT_PRIORITIES, **facts.pop("priorities", {})}
    words = catalogue.catalogue(sample("meta")["response"]["body"], names, facts.pop("statuses", {}))
    return tickets.Account("acme", words, **facts)


def read(sample: Sample, name: str, changed: dict[str, Any] | None = None, **facts: Any) -> Ticket:
    return tickets.ticket({**sample(name)["response"]["body"], **(changed or {})}, account(sample, **facts))


def at(minute: int, second: int) -> datetime:
    return datetime(2026, 11, 22, 3, minute, second, tzinfo=UTC)


def test_a_ticket_in_work_is_understood_whole(sample: Sample) -> None:
    """Fields, tags, what we wrote, who wrote which message, and how it was closed and opened again."""
    ticket = read(sample, "ticket")
    assert (ticket.id, ticket.status, ticket.priority, ticket.channel) == (
        "4",
        Status.OPEN,
        Priority.HIGH,
        Channel.API,
    )
    assert ticket.number == sample("ticket")["response"]["body"]["number"] != ticket.id
    assert ticket.tags == {"sla_priority_urgent", "sla_at_risk", "sla_complaint_registered"}
    assert ticket.fields == {
        Field.SLA_STATE: "at_risk",
        Field.SLA_PRIORITY: "urgent",
        Field.NEXT_DUE_AT: "2027-03-01T15:00:00Z",
        Field.COMPLAINT_STAGE: "registered",
        Field.COMPLAINT_NUMBER: "2026-000017",
        Field.COMPLAINT_RESPONSE_DUE_AT: "2027-03-03T15:00:00Z",
    }
    assert ticket.written == Written(Priority.URGENT, ticket.tags, {Field.SLA_STATE: "at_risk"})
    assert [(each.author, each.public) for each in ticket.messages] == [
        (Author.CUSTOMER, True),
        (Author.US, False),
        (Author.US, True),
        (Author.AGENT, True),
        (Author.AGENT, False),
        (Author.CUSTOMER, True),
    ]
    assert note_keys(ticket) == {"first-reply-due", "acknowledgement"}
    assert [(each.at, each.status) for each in ticket.status_history] == [
        (at(41, 7), Status.OPEN),
        (at(41, 11), Status.SOLVED),
        (at(41, 12), Status.OPEN),
    ]
    assert (ticket.created_by, ticket.assignee, ticket.group, ticket.form) == (Author.CUSTOMER, "1", "1", "1")
    assert ticket.version == "da1f0f13cddc961a120d10de7156a25d"


def test_a_new_and_a_solved_ticket(sample: Sample) -> None:
    new, solved = read(sample, "ticket_new"), read(sample, "ticket_solved")
    assert (new.written, new.fields, new.tags, new.priority) == (None, {}, frozenset(), Priority.NORMAL)
    assert solved.status is Status.SOLVED
    assert solved.status_history[-1].status is Status.SOLVED


@pytest.mark.parametrize(
    ("source", "topic", "expected"),
    [
        ("Email", "General Inquiry", Channel.EMAIL),
        ("Web", "General Inquiry", Channel.WEB_FORM),
        ("Phone", "General Inquiry", Channel.PHONE),
        ("Other", "General Inquiry", Channel.OTHER),
        ("Something", None, Channel.OTHER),
        ("Email", "Chat", Channel.CHAT),
    ],
)
def test_the_channel_is_the_source_unless_the_topic_says_more(
    sample: Sample, source: str, topic: str | None, expected: Channel
) -> None:
    named = None if topic is None else {"id": 9, "name": topic}
    ticket = read(sample, "ticket_new", {"source": source, "topic": named}, channels={"Chat": Channel.CHAT})
    assert ticket.channel is expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"name": "emergency", "label": "Emergency"}, Priority.URGENT),
        ({"name": "prio1", "label": "Kritisch"}, Priority.HIGH),
        ({"name": "other", "label": "Other"}, None),
        (None, None),
    ],
)
def test_priorities_go_by_name_and_renamed_ones_by_the_settings(
    sample: Sample, shown: dict[str, Any] | None, expected: Priority | None
) -> None:
    assert read(sample, "ticket", {"priority": shown}, priorities={Priority.HIGH: "KRITISCH"}).priority is expected


def test_statuses_of_the_team_are_named_by_the_settings(sample: Sample) -> None:
    """osTicket knows open and closed only; a team's "Waiting" is open to it."""
    changed = {"status": {"id": 9, "name": "Waiting", "state": "open"}}
    ticket = read(sample, "ticket_new", changed, statuses={"waiting": Status.PENDING})
    assert ticket.status is Status.PENDING
    assert ticket.status_history[-1].status is Status.PENDING


@pytest.mark.parametrize(("organization", "known", "tier"), [(12, True, "gold"), (None, False, None)])
def test_members_of_an_organisation_are_known(
    sample: Sample, organization: int | None, known: bool, tier: str | None
) -> None:
    changed = {"requester": {"id": 1, "organization_id": organization}}
    requester = read(
        sample, "ticket", changed, known_requester=KnownRequester(organization=True), tiers={"12": "gold"}
    ).requester
    assert (requester.known, requester.tier) == (known, tier)


@pytest.mark.parametrize(
    "record", [None, [], {"priority": "blazing"}, {"priority": None, "tags": 5, "fields": {}}, "x"]
)
def test_a_record_that_is_not_ours_counts_as_none(sample: Sample, record: Any) -> None:
    assert read(sample, "ticket", {"record": record}).written is None


def test_automatic_entries_are_nobodys_message(sample: Sample) -> None:
    entry = {**sample("ticket")["response"]["body"]["thread"][0], "user_id": None, "keys": None}
    assert read(sample, "ticket", {"thread": [entry]}).messages[0].author is Author.SYSTEM


def test_a_ticket_in_the_bin_is_gone_and_a_garbled_one_is_not_quoted(sample: Sample) -> None:
    with pytest.raises(TicketGone):
        read(sample, "ticket", {"status": {"id": 5, "name": "Deleted", "state": "deleted"}})
    with pytest.raises(PermanentPlatformError, match="unexpected_body") as refused:
        read(sample, "ticket", {"created_at": "the customer's secret"})
    assert refused.value.__context__ is None


@pytest.mark.parametrize(("name", "target"), [("4", "/sla/tickets/4"), ("#577318", "/sla/tickets/577318")])
def test_a_ticket_is_found_by_id_and_by_number(name: str, target: str) -> None:
    request = tickets.read_request(name)
    assert request.path == target
    assert request.query == ((("by", "number"),) if name.startswith("#") else ())


@pytest.mark.parametrize("name", ["", "0", "4/changes", "x", "#", "#a b", "4?by=number"])
def test_what_is_no_id_is_never_sent(name: str) -> None:
    with pytest.raises(TicketGone):
        tickets.read_request(name)


def test_who_a_requester_is(sample: Sample) -> None:
    body = sample("person")["response"]["body"]
    assert people.read_request("7").path == sample("person")["request"]["target"]
    assert people.person(body, "dni") == Person("Clara Campos", "clara@example.com", "15551234567", "12345678")
    assert people.person(body, None).document is None
    assert people.person({**body, "phone": None, "fields": {}}, "dni") == Person("Clara Campos", "clara@example.com")
    with pytest.raises(PermanentPlatformError, match="unexpected_body"):
        people.person({}, "dni")
    with pytest.raises(PermanentPlatformError, match="no_person"):
        people.read_request("7/../1")
