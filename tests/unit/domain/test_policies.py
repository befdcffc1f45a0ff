"""The two policies that ship, clause by clause: when the first reply is due, and what goes first.

Instants are written with the offset of the policy's place, so that a row can be
checked against a wall calendar. In 2026: 1 January is a Thursday, 17 November a Tuesday.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.clocks import Clock, ClockState
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Context,
    Kind,
    Message,
    Metric,
    Priority,
    Requester,
    Ticket,
)
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.policy_files import load_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording

SHIPPED = files("oneclick_sla_plugin.policies")
EN_LINEA = load_policy(SHIPPED.joinpath("en-linea-365.toml"))
ONE_CLICK = load_policy(SHIPPED.joinpath("one-click-actions.toml"))

LIKE_MAIL_IN_LIMA = [Channel.EMAIL, Channel.WEB_FORM, Channel.API, Channel.OTHER]
LIKE_CHAT_IN_LIMA = [Channel.CHAT, Channel.WHATSAPP]
LIKE_MAIL_IN_MADRID = [channel for channel in Channel if channel is not Channel.CHAT]


def judged(policy: Policy, ticket: Ticket) -> Decision:
    return decide(ticket, policy, ticket.created_at, load_wording("es", policy.time_zone))


def received(channel: Channel, at: str, **facts: Any) -> Ticket:
    instant = datetime.fromisoformat(at).astimezone(UTC)
    message = Message("1", instant, Author.CUSTOMER, public=True, text="Buenos días")
    return a_ticket([message], created_at=instant, updated_at=instant, channel=channel, **facts)


def first_reply_due(policy: Policy, ticket: Ticket) -> datetime:
    (clock,) = judged(policy, ticket).clocks
    assert clock.metric is Metric.FIRST_REPLY
    return clock.due_at


def lima(text: str) -> str:
    return f"{text}-05:00"


MAIL_IN_LIMA = [
    ("2026-11-17T10:00:00", "2026-11-18T10:00:00", "a Tuesday: the same time on Wednesday"),
    ("2026-11-17T09:00:00", "2026-11-18T09:00:00", "at the opening"),
    ("2026-11-17T18:00:00", "2026-11-18T18:00:00", "at the closing: hours of business days run at night too"),
    ("2026-11-17T03:00:00", "2026-11-18T03:00:00", "in the night"),
    ("2026-11-20T16:00:00", "2026-11-23T16:00:00", "a Friday: Monday"),
    ("2026-11-20T23:59:59", "2026-11-23T23:59:59", "the last second of a Friday"),
    ("2026-11-21T00:00:00", "2026-11-24T00:00:00", "the first second of a Saturday: Monday 24:00"),
    ("2026-11-22T23:59:59", "2026-11-24T00:00:00", "the last second of a Sunday: Monday 24:00"),
    ("2026-11-23T00:00:00", "2026-11-24T00:00:00", "Monday 0:00 fills Monday exactly"),
    ("2026-11-23T00:00:01", "2026-11-24T00:00:01", "a second later it does not"),
    ("2026-07-22T10:00:00", "2026-07-24T10:00:00", "Air Force day on Thursday, 23 July"),
    ("2026-07-27T15:00:00", "2026-07-30T15:00:00", "Fiestas Patrias on Tuesday and Wednesday"),
    ("2026-07-28T11:00:00", "2026-07-31T00:00:00", "on Fiestas Patrias: the whole Thursday after them"),
    ("2026-04-01T12:00:00", "2026-04-06T12:00:00", "Maundy Thursday, Good Friday and the weekend"),
    ("2026-06-26T12:00:00", "2026-06-30T12:00:00", "a weekend, then St Peter and St Paul on Monday"),
    ("2026-12-07T09:30:00", "2026-12-10T09:30:00", "two holidays in a row, 8 and 9 December"),
    ("2026-12-31T20:00:00", "2027-01-04T20:00:00", "New Year on a Friday"),
    ("2026-10-12T10:00:00", "2026-10-13T10:00:00", "a holiday of Spain is none in Peru"),
]
SOCIAL_IN_LIMA = [
    ("2026-11-17T10:00:00", "2026-11-17T14:00:00", "open: four open hours"),
    ("2026-11-17T09:00:00", "2026-11-17T13:00:00", "at the opening it is open"),
    ("2026-11-17T14:00:00", "2026-11-17T18:00:00", "filled exactly: due at the closing"),
    ("2026-11-17T14:00:01", "2026-11-18T09:00:01", "a second later: the next morning"),
    ("2026-11-20T17:59:59", "2026-11-23T12:59:59", "the last second of the week: the rest on Monday"),
    ("2026-11-17T18:00:00", "2026-11-18T18:00:00", "at the closing it is closed: by the next day's close"),
    ("2026-11-17T08:59:59", "2026-11-17T18:00:00", "before the opening: by the close of the same day"),
    ("2026-11-17T00:00:00", "2026-11-17T18:00:00", "at midnight: the day that begins"),
    ("2026-11-20T20:00:00", "2026-11-23T18:00:00", "Friday evening: Monday's close"),
    ("2026-11-22T12:00:00", "2026-11-23T18:00:00", "Sunday: Monday's close"),
    ("2026-07-28T11:00:00", "2026-07-30T18:00:00", "on a holiday"),
    ("2026-07-27T16:00:00", "2026-07-30T11:00:00", "open, with two holidays before the other two hours"),
    ("2026-12-31T18:30:00", "2027-01-04T18:00:00", "New Year's Eve after the close"),
]
PHONE_IN_LIMA = [
    ("2026-11-17T10:00:00", "2026-11-17T10:01:00", "open: at once"),
    ("2026-11-17T09:00:00", "2026-11-17T09:01:00", "at the opening: at once"),
    ("2026-11-17T17:59:59", "2026-11-17T18:00:59", "the last second: at once"),
    ("2026-11-17T18:00:00", "2026-11-18T13:00:00", "at the closing: call back within four open hours"),
    ("2026-11-17T08:59:59", "2026-11-17T13:00:00", "before the opening"),
    ("2026-11-21T10:00:00", "2026-11-23T13:00:00", "Saturday"),
    ("2026-12-08T10:00:00", "2026-12-10T13:00:00", "on a holiday before another"),
]
VOICE_MAIL_IN_LIMA = [
    ("2026-11-17T10:00:00", "2026-11-17T14:00:00", "open: four open hours too"),
    ("2026-11-17T15:00:00", "2026-11-18T10:00:00", "three hours today, one tomorrow"),
    ("2026-11-20T17:00:00", "2026-11-23T12:00:00", "one hour on Friday, three on Monday"),
    ("2026-11-22T23:59:59", "2026-11-23T13:00:00", "Sunday"),
]
CHAT_IN_LIMA = [
    ("2026-11-17T10:00:00", "2026-11-17T10:01:00", "open: at once"),
    ("2026-11-17T09:00:00", "2026-11-17T09:01:00", "at the opening"),
    ("2026-11-17T17:59:59", "2026-11-17T18:00:59", "the last second"),
    ("2026-11-17T18:00:00", "2026-11-18T09:01:00", "at the closing: from the next opening"),
    ("2026-11-17T08:59:59", "2026-11-17T09:01:00", "a second before the opening"),
    ("2026-11-21T10:00:00", "2026-11-23T09:01:00", "Saturday"),
    ("2026-12-08T10:00:00", "2026-12-10T09:01:00", "on a holiday before another"),
    ("2026-12-31T23:59:59", "2027-01-04T09:01:00", "over New Year"),
]


def in_lima(channels: list[Channel], table: list[tuple[str, str, str]]) -> list[Any]:
    return [
        pytest.param(channel, lima(at), lima(due), id=f"{channel}: {why}")
        for channel in channels
        for at, due, why in table
    ]


@pytest.mark.parametrize(
    ("channel", "at", "due"),
    [
        *in_lima(LIKE_MAIL_IN_LIMA, MAIL_IN_LIMA),
        *in_lima([Channel.SOCIAL], SOCIAL_IN_LIMA),
        *in_lima([Channel.PHONE], PHONE_IN_LIMA),
        *in_lima([Channel.VOICEMAIL], VOICE_MAIL_IN_LIMA),
        *in_lima(LIKE_CHAT_IN_LIMA, CHAT_IN_LIMA),
    ],
)
def test_first_reply_of_en_linea_365(channel: Channel, at: str, due: str) -> None:
    """§4: mail and forms 24 business-day hours, social 4 open hours, calls and chats at once while open."""
    assert first_reply_due(EN_LINEA, received(channel, at)) == datetime.fromisoformat(due)


MAIL_IN_MADRID = [
    ("2026-11-17T10:00:00+01:00", "2026-11-18T10:00:00+01:00", "a Tuesday: 24 hours"),
    ("2026-11-19T23:59:59+01:00", "2026-11-20T23:59:59+01:00", "the last second of a Thursday: still 24"),
    ("2026-11-20T00:00:00+01:00", "2026-11-21T00:00:00+01:00", "Friday 0:00: the 24 hours end as Saturday begins"),
    ("2026-11-20T00:00:01+01:00", "2026-11-22T00:00:01+01:00", "a second later they touch Saturday: 48"),
    ("2026-11-21T12:00:00+01:00", "2026-11-23T12:00:00+01:00", "Saturday: 48"),
    ("2026-11-22T23:59:59+01:00", "2026-11-24T23:59:59+01:00", "the last second of a Sunday: 48"),
    ("2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00", "Monday 0:00: 24"),
    ("2026-10-12T09:00:00+02:00", "2026-10-14T09:00:00+02:00", "on a holiday, Monday 12 October: 48"),
    ("2026-12-07T10:00:00+01:00", "2026-12-09T10:00:00+01:00", "touches the holiday on Tuesday, 8 December: 48"),
    ("2026-12-07T00:00:00+01:00", "2026-12-08T00:00:00+01:00", "ends as that holiday begins: 24"),
    ("2027-01-05T08:00:00+01:00", "2027-01-07T08:00:00+01:00", "the day before Epiphany: 48"),
    ("2026-12-30T23:59:59+01:00", "2026-12-31T23:59:59+01:00", "New Year's Eve is a working day: 24"),
    ("2026-12-31T00:00:00+01:00", "2027-01-01T00:00:00+01:00", "ends with the year: 24"),
    ("2026-12-31T00:00:01+01:00", "2027-01-02T00:00:01+01:00", "touches New Year's Day: 48"),
    ("2026-06-29T10:00:00+02:00", "2026-06-30T10:00:00+02:00", "a holiday of Peru is none in Spain"),
    ("2026-03-27T23:59:59+01:00", "2026-03-30T00:59:59+02:00", "48 hours elapse over the night of 23 hours"),
    ("2026-03-29T01:59:59+01:00", "2026-03-31T02:59:59+02:00", "the last second before the clock goes forward"),
    ("2026-10-24T12:00:00+02:00", "2026-10-26T11:00:00+01:00", "48 hours elapse over the night of 25 hours"),
    ("2026-10-25T02:30:00+02:00", "2026-10-27T01:30:00+01:00", "half past two, the first time"),
    ("2026-10-25T02:30:00+01:00", "2026-10-27T02:30:00+01:00", "half past two, the second time"),
    ("2026-10-26T00:00:00+01:00", "2026-10-27T00:00:00+01:00", "the Monday after the clock went back"),
]
CHAT_IN_MADRID = [
    ("2026-11-17T10:00:00+01:00", "2026-11-17T10:01:00+01:00", "a Tuesday"),
    ("2026-11-22T04:00:00+01:00", "2026-11-22T04:01:00+01:00", "a Sunday night: round the clock"),
    ("2026-12-25T12:00:00+01:00", "2026-12-25T12:01:00+01:00", "on a holiday"),
    ("2026-12-31T23:59:30+01:00", "2027-01-01T00:00:30+01:00", "over the end of the year"),
    ("2026-03-29T01:59:30+01:00", "2026-03-29T03:00:30+02:00", "as the clock goes forward"),
    ("2026-10-25T02:59:30+02:00", "2026-10-25T02:00:30+01:00", "as the clock goes back"),
]


@pytest.mark.parametrize(
    ("channel", "at", "due"),
    [
        *(
            pytest.param(channel, at, due, id=f"{channel}: {why}")
            for channel in LIKE_MAIL_IN_MADRID
            for at, due, why in MAIL_IN_MADRID
        ),
        *(pytest.param(Channel.CHAT, at, due, id=f"chat: {why}") for at, due, why in CHAT_IN_MADRID),
    ],
)
def test_first_reply_of_one_click_actions(channel: Channel, at: str, due: str) -> None:
    """§2: 24 hours on working days and 48 at weekends on every channel but chat, which is at once."""
    assert first_reply_due(ONE_CLICK, received(channel, at)) == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    "peak", [{"context": Context(peak=True)}, {"tags": frozenset({"sla_peak"})}], ids=["context", "tag"]
)
@pytest.mark.parametrize(
    ("channel", "at", "due"),
    [
        (Channel.EMAIL, "2026-11-17T10:00:00+01:00", "2026-11-19T10:00:00+01:00"),
        (Channel.OTHER, "2026-11-17T10:00:00+01:00", "2026-11-19T10:00:00+01:00"),
        (Channel.EMAIL, "2026-11-21T12:00:00+01:00", "2026-11-23T12:00:00+01:00"),
        (Channel.CHAT, "2026-11-17T10:00:00+01:00", "2026-11-17T10:05:00+01:00"),
        (Channel.CHAT, "2026-03-29T01:58:00+01:00", "2026-03-29T03:03:00+02:00"),
    ],
)
def test_a_peak_at_receipt_lengthens_the_times_of_one_click_actions(
    channel: Channel, at: str, due: str, peak: dict[str, Any]
) -> None:
    assert first_reply_due(ONE_CLICK, received(channel, at, **peak)) == datetime.fromisoformat(due)


@pytest.mark.parametrize("channel", list(Channel))
def test_a_peak_changes_nothing_at_en_linea_365(channel: Channel) -> None:
    """Its policy knows no peaks."""
    at = lima("2026-11-17T10:00:00")
    in_a_peak = received(channel, at, tags=frozenset({"sla_peak"}))
    assert first_reply_due(EN_LINEA, in_a_peak) == first_reply_due(EN_LINEA, received(channel, at))


@given(st.integers(0, 3 * 366 * 24 * 3600).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n)))
def test_a_mail_to_one_click_actions_is_due_after_24_or_48_hours_and_nothing_else(at: datetime) -> None:
    due = first_reply_due(ONE_CLICK, received(Channel.EMAIL, at.isoformat()))
    assert due - at in (timedelta(hours=24), timedelta(hours=48))


def clock_after(policy: Policy, channel: Channel, answer: Message) -> Clock:
    ticket = a_ticket([a_message(), answer], channel=channel)
    (clock,) = decide(ticket, policy, answer.at, load_wording("es", policy.time_zone)).clocks
    return clock


@pytest.mark.parametrize(
    ("policy", "channel", "accepted"),
    [
        (EN_LINEA, Channel.EMAIL, True),
        (EN_LINEA, Channel.WEB_FORM, True),
        (EN_LINEA, Channel.SOCIAL, True),
        (ONE_CLICK, Channel.EMAIL, False),
        (ONE_CLICK, Channel.CHAT, False),
    ],
)
def test_an_automatic_acknowledgement_ends_the_clock_at_en_linea_365_only(
    policy: Policy, channel: Channel, accepted: bool
) -> None:
    """§4 of En Linea 365 takes an acknowledgement of receipt for the initial reply."""
    clock = clock_after(policy, channel, a_message(timedelta(seconds=30), Author.US))
    assert clock.state is (ClockState.MET if accepted else ClockState.RUNNING)
    assert clock.automatic is accepted


@pytest.mark.parametrize("policy", [EN_LINEA, ONE_CLICK], ids=str)
@pytest.mark.parametrize("channel", list(Channel))
def test_a_public_reply_of_an_agent_in_time_meets_every_target(policy: Policy, channel: Channel) -> None:
    clock = clock_after(policy, channel, a_message(timedelta(seconds=30), Author.AGENT))
    assert (clock.state, clock.automatic) == (ClockState.MET, False)


CUSTOMER, STRANGER, NO_RULE = Requester("7", known=True), Requester("7", known=False), Requester("7")


@pytest.mark.parametrize(
    ("policy", "kind", "requester", "priority"),
    [
        (EN_LINEA, Kind.COMPLAINT, STRANGER, Priority.URGENT),
        (EN_LINEA, Kind.QUESTION, CUSTOMER, Priority.HIGH),
        (EN_LINEA, Kind.QUESTION, NO_RULE, Priority.HIGH),
        (EN_LINEA, Kind.QUESTION, STRANGER, Priority.NORMAL),
        (EN_LINEA, Kind.INCIDENT, CUSTOMER, Priority.HIGH),
        (EN_LINEA, Kind.INCIDENT, STRANGER, Priority.NORMAL),
        (EN_LINEA, Kind.INFO_REQUEST, STRANGER, Priority.HIGH),
        (EN_LINEA, Kind.FEEDBACK, STRANGER, Priority.HIGH),
        (EN_LINEA, Kind.PARTNERSHIP, STRANGER, Priority.HIGH),
        (EN_LINEA, Kind.SPAM_OTHER, CUSTOMER, Priority.LOW),
        (EN_LINEA, Kind.UNKNOWN, CUSTOMER, Priority.NORMAL),
        (EN_LINEA, None, CUSTOMER, Priority.NORMAL),
        (ONE_CLICK, Kind.COMPLAINT, STRANGER, Priority.HIGH),
        (ONE_CLICK, Kind.QUESTION, CUSTOMER, Priority.NORMAL),
        (ONE_CLICK, Kind.INCIDENT, CUSTOMER, Priority.NORMAL),
        (ONE_CLICK, Kind.INFO_REQUEST, STRANGER, Priority.NORMAL),
        (ONE_CLICK, Kind.PARTNERSHIP, STRANGER, Priority.NORMAL),
        (ONE_CLICK, Kind.FEEDBACK, CUSTOMER, Priority.LOW),
        (ONE_CLICK, Kind.SPAM_OTHER, STRANGER, Priority.LOW),
        (ONE_CLICK, None, CUSTOMER, Priority.NORMAL),
    ],
)
def test_what_goes_first(policy: Policy, kind: Kind | None, requester: Requester, priority: Priority) -> None:
    """En Linea 365 §5 and §7, One Click Actions §1.1; whoever is not known to be no customer counts as one."""
    decision = judged(policy, a_ticket(context=Context(kind=kind), requester=requester))
    assert decision.priority.value is priority
    assert decision.priority.because


FEEDBACK_BOX = "feedback@oneclickactions.com"


@pytest.mark.parametrize(
    ("recipient", "kind", "tags", "expected"),
    [
        pytest.param(FEEDBACK_BOX, None, set(), Kind.FEEDBACK, id="the mailbox"),
        pytest.param("Feedback@OneClickActions.COM", None, set(), Kind.FEEDBACK, id="in any case of letters"),
        pytest.param(FEEDBACK_BOX, Kind.QUESTION, set(), Kind.FEEDBACK, id="before what a text looks like"),
        pytest.param(FEEDBACK_BOX, Kind.COMPLAINT, set(), Kind.COMPLAINT, id="a complaint there is one"),
        pytest.param(FEEDBACK_BOX, None, {"sla_is_complaint"}, Kind.COMPLAINT, id="an agent says it is one"),
        pytest.param(FEEDBACK_BOX, Kind.COMPLAINT, {"sla_not_complaint"}, Kind.FEEDBACK, id="an agent says no"),
        pytest.param("support@oneclickactions.com", None, set(), Kind.UNKNOWN, id="another mailbox"),
        pytest.param("x" + FEEDBACK_BOX, None, set(), Kind.UNKNOWN, id="the whole address counts"),
        pytest.param(None, None, set(), Kind.UNKNOWN, id="no recipient"),
    ],
)
def test_the_feedback_mailbox_of_one_click_actions(
    recipient: str | None, kind: Kind | None, tags: set[str], expected: Kind
) -> None:
    """§5."""
    ticket = a_ticket(recipient=recipient, context=Context(kind=kind), tags=frozenset(tags))
    assert judged(ONE_CLICK, ticket).kind is expected


@pytest.mark.parametrize("policy", [EN_LINEA, ONE_CLICK], ids=str)
@pytest.mark.parametrize(
    ("kind", "tags", "expected"),
    [
        (Kind.COMPLAINT, set(), Kind.COMPLAINT),
        (Kind.COMPLAINT, {"sla_not_complaint"}, Kind.UNKNOWN),
        (Kind.INCIDENT, {"sla_not_complaint"}, Kind.INCIDENT),
        (Kind.INCIDENT, {"sla_is_complaint"}, Kind.COMPLAINT),
        (Kind.INCIDENT, {"SLA_IS_COMPLAINT_not_quite"}, Kind.INCIDENT),
        (None, {"sla_is_complaint"}, Kind.COMPLAINT),
        (None, set(), Kind.UNKNOWN),
    ],
)
def test_whether_something_is_a_complaint_is_the_agents_to_say(
    policy: Policy, kind: Kind | None, tags: set[str], expected: Kind
) -> None:
    ticket = a_ticket(context=Context(kind=kind), tags=frozenset(tags))
    assert judged(policy, ticket).kind is expected


@pytest.mark.parametrize("policy", [EN_LINEA, ONE_CLICK], ids=str)
def test_every_rule_names_the_section_it_comes_from(policy: Policy) -> None:
    rules: list[Any] = [*policy.targets, *policy.channel_rules, *policy.kind_rules, *policy.priority_rules]
    assert all(rule.clause.startswith("§") for rule in rules)


@pytest.mark.parametrize(
    ("policy", "channel", "because"),
    [
        (EN_LINEA, Channel.EMAIL, "§4 e-mail and contact form: 24 business-day hours, calendar office"),
        (EN_LINEA, Channel.CHAT, "§4 chat: 60 elapsed seconds, from the next opening, calendar office"),
        (ONE_CLICK, Channel.EMAIL, "§2 e-mail, on working days: 24 elapsed hours, calendar working-days"),
    ],
)
def test_a_clock_says_why_it_runs_as_it_does(policy: Policy, channel: Channel, because: str) -> None:
    (clock,) = judged(policy, a_ticket(channel=channel)).clocks
    assert clock.because == because
    assert clock.started_at == RECEIVED_AT
