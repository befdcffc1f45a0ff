"""Why something is due when it is: segments, candidates, readings, events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.amounts import OpenTime
from oneclick_sla_plugin.domain.calendar import OutOfOpenTime
from oneclick_sla_plugin.domain.clocks import Clock, ClockState
from oneclick_sla_plugin.domain.explanation import (
    ClockExplanation,
    EventKind,
    asked_by,
    candidates,
    explain,
    requirements_of,
)
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Context,
    Field,
    Kind,
    Metric,
    Priority,
    Requester,
    Status,
    StatusChange,
    Ticket,
)
from oneclick_sla_plugin.domain.policy import Condition, Facts, Policy, Target, Timing
from oneclick_sla_plugin.domain.timeline import Reason, Segment, clock_changes
from oneclick_sla_plugin.policy_files import parse_policy
from oneclick_sla_plugin.testing.tickets import a_message, a_ticket

MADRID = ZoneInfo("Europe/Madrid")
HEAD = """
id = "test"
version = "1"
title = "Test"
language = "es"
time_zone = "Europe/Madrid"
channels = ["email", "chat"]
default_channel = "email"

[calendars.split]
hours = { mon-fri = ["09:00-13:00", "14:00-18:00"], sat = ["22:00-02:00"] }
holidays = { country = "ES" }
"""
EVERYTHING = """
when = { channels = ["email"], kinds = ["question"], recipients = ["a@example.com"], tags = ["x"], forms = ["f"], \
tiers = ["gold"], flags = ["urgent"], priorities = ["normal"], peak = false, customer = true, received = "open", \
weekdays = ["mon"], holiday = false, business_days_only = true }
"""


def target(name: str, within: str, more: str = "", metric: str = "first_reply") -> str:
    return f"""
[[targets]]
name = "{name}"
metric = "{metric}"
title = "{name}"
clause = "§1"
within = "{within}"
calendar = "split"
{more}
"""


def policy(*parts: str) -> Policy:
    return parse_policy(HEAD + "".join(parts))


def at(text: str) -> datetime:
    """The instant of a wall time in Madrid."""
    return datetime.fromisoformat(text).replace(tzinfo=MADRID).astimezone(UTC)


def asked(text: str, *changes: tuple[str, Status]) -> Ticket:
    """A ticket whose customer wrote at a wall time in Madrid, with its later statuses."""
    received = at(text)
    history = (StatusChange(received, Status.OPEN), *(StatusChange(at(when), status) for when, status in changes))
    message = a_message()
    return a_ticket(
        [type(message)(id="1", at=received, author=Author.CUSTOMER, public=True, text="x")],
        created_at=received,
        updated_at=history[-1].at,
        status=history[-1].status,
        status_history=history,
    )


def clock_of(ticket: Ticket, judged_by: Policy, now: str, metric: Metric = Metric.FIRST_REPLY) -> ClockExplanation:
    return next(clock for clock in explain(ticket, judged_by, at(now)).clocks if clock.clock.metric is metric)


def shown(segments: Sequence[Segment]) -> list[tuple[str, str, str, str, float]]:
    """From, to, reason, name and hours counted, in Madrid's wall time."""
    return [
        (
            f"{segment.begins.astimezone(MADRID):%d %H:%M}",
            f"{segment.ends.astimezone(MADRID):%d %H:%M}",
            str(segment.reason),
            segment.name,
            segment.counted / timedelta(hours=1),
        )
        for segment in segments
    ]


# --- segments ----------------------------------------------------------------------------------


def test_open_time_with_its_break_night_weekend_shift_and_holiday() -> None:
    clock = clock_of(asked("2026-12-07T12:00"), policy(target("mail", "9 open hours")), "2026-12-07T12:00")
    assert shown(clock.segments) == [
        ("07 12:00", "07 13:00", "open", "", 1),
        ("07 13:00", "07 14:00", "break", "", 0),
        ("07 14:00", "07 18:00", "open", "", 4),
        ("07 18:00", "08 00:00", "closed", "", 0),
        ("08 00:00", "09 00:00", "holiday", "Inmaculada Concepción", 0),
        ("09 00:00", "09 09:00", "closed", "", 0),
        # The warning at 75 %, which is 6 h 45 min, cuts what counts.
        ("09 09:00", "09 10:45", "open", "", 1.75),
        ("09 10:45", "09 13:00", "open", "", 2.25),
    ]
    assert clock.holidays == ((date(2026, 12, 8), "Inmaculada Concepción"),)


def test_business_day_hours_count_whole_days_and_no_day_between_them() -> None:
    clock = clock_of(asked("2026-11-21T20:00"), policy(target("mail", "10 business-day hours")), "2026-11-21T20:00")
    # Saturday opens, so it is a business day; the warning is told when its night shift ends.
    assert shown(clock.segments) == [
        ("21 20:00", "22 00:00", "business_day", "", 4),
        ("22 00:00", "22 02:00", "no_business_day", "", 0),
        ("22 02:00", "23 00:00", "no_business_day", "", 0),
        ("23 00:00", "23 06:00", "business_day", "", 6),
    ]


def test_waiting_for_the_opening_counts_nothing() -> None:
    judged_by = policy(target("chat", "30 elapsed minutes", 'begins = "opening"'))
    clock = clock_of(asked("2026-11-19T20:00"), judged_by, "2026-11-19T20:00")
    assert shown(clock.segments) == [
        ("19 20:00", "20 09:00", "closed", "", 0),
        ("20 09:00", "20 09:22", "elapsed", "", 22 / 60 + 30 / 3600),
        ("20 09:22", "20 09:30", "elapsed", "", 7 / 60 + 30 / 3600),
    ]


def test_a_pause_is_shown_with_its_status_and_moves_what_is_due() -> None:
    ticket = asked("2026-11-17T09:00", ("2026-11-17T10:00", Status.PENDING), ("2026-11-17T12:00", Status.OPEN))
    judged_by = policy(target("mail", "1 open hours"), target("solve", "2 open hours", metric="resolution"))
    clock = clock_of(ticket, judged_by, "2026-11-17T12:30", Metric.RESOLUTION)
    assert [(s.reason, s.name) for s in clock.segments if not s.counted] == [(Reason.PAUSED, "pending")]
    assert clock.clock.due_at == at("2026-11-17T13:00")


@pytest.mark.parametrize(
    ("received", "due", "shift"),
    [("2026-10-24T12:00", "2026-10-25T11:00", -1), ("2026-03-28T12:00", "2026-03-29T13:00", 1)],
)
def test_a_change_of_the_clock_is_told_and_hours_elapse_across_it(received: str, due: str, shift: int) -> None:
    clock = clock_of(asked(received), policy(target("mail", "24 elapsed hours")), received)
    assert clock.clock.due_at == at(due)
    (change,) = clock.clock_changes
    assert change.shift == timedelta(hours=shift)
    assert change.at.astimezone(UTC).hour == 1  # https://eur-lex.europa.eu/eli/dir/2000/84/oj: at 1:00 UTC


def test_a_zone_without_changes_has_none() -> None:
    assert (
        clock_changes(ZoneInfo("America/Lima"), datetime(2020, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
        == ()
    )


AMOUNTS = ["7 open hours", "31 business-day hours", "50 elapsed hours", "3 business days", "close of business day"]
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=364)).map(lambda since: datetime(2026, 1, 1, tzinfo=UTC) + since)
HISTORIES = st.lists(
    st.tuples(st.timedeltas(timedelta(0), timedelta(days=9)), st.sampled_from([Status.OPEN, Status.PENDING])),
    max_size=6,
)
POLICIES = [
    policy(target("solve", amount, f'begins = "{begins}"', metric="resolution"), target("mail", amount))
    for amount in AMOUNTS
    for begins in ("receipt", "opening")
]


def whole_of(clock: Clock) -> timedelta:
    """How much has to be counted before the clock is due."""
    assert isinstance(clock.promise, Target)
    start = clock.promise.counts_from(clock.started_at)
    return clock.promise.within.ticking(clock.promise.calendar).between(start, clock.promise.due(clock.started_at))


@given(st.sampled_from(POLICIES), INSTANTS, HISTORIES, st.timedeltas(timedelta(0), timedelta(days=12)))
def test_segments_tile_the_time_to_the_due_instant_and_count_the_amount(
    judged_by: Policy, received: datetime, changes: list[tuple[timedelta, Status]], later: timedelta
) -> None:
    """For every amount, calendar with breaks, holidays, clock changes, a night shift, and any pauses."""
    history = tuple(StatusChange(received + after, status) for after, status in changes)
    message = a_message()
    ticket = a_ticket(
        [type(message)(id="1", at=received, author=Author.CUSTOMER, public=True, text="x")],
        created_at=received,
        status_history=(StatusChange(received, Status.OPEN), *history),
    )
    for explained in explain(ticket, judged_by, received + later).clocks:
        clock, segments = explained.clock, explained.segments
        assert segments[0].begins == clock.started_at
        assert segments[-1].ends == clock.due_at
        assert all(before.ends == after.begins for before, after in pairwise(segments))
        assert all(segment.begins < segment.ends for segment in segments)
        assert all(segment.counted in (timedelta(0), segment.ends - segment.begins) for segment in segments)
        assert segments[-1].total == sum((segment.counted for segment in segments), timedelta(0)) == whole_of(clock)
        paused = sum((s.ends - s.begins for s in segments if s.reason is Reason.PAUSED), timedelta(0))
        assert (paused > timedelta(0)) <= bool(clock.pauses)


# --- which target ------------------------------------------------------------------------------


def facts_of(**known: object) -> Facts:
    values: dict[str, object] = {
        "channel": Channel.EMAIL,
        "kind": Kind.QUESTION,
        "recipient": "a@example.com",
        "tags": frozenset({"x"}),
        "form": "f",
        "peak": False,
        "requester_known": True,
        "tier": "gold",
        "flags": frozenset({"urgent"}),
        "priority": Priority.NORMAL,
    }
    return Facts(**{**values, **known})  # type: ignore[arg-type]


MONDAY = at("2026-11-23T10:00")


def test_every_key_of_a_condition_is_explained() -> None:
    asking = policy(target("all", "1 open hours", EVERYTHING), target("rest", "1 open hours")).targets[0]
    requirements = requirements_of(asking, facts_of(), MONDAY)
    assert [requirement.name for requirement in requirements] == [
        field.name for condition in (Condition, Timing) for field in fields(condition)
    ]
    assert all(requirement.holds for requirement in requirements)
    assert all(requirement.asks and requirement.found for requirement in requirements)


@pytest.mark.parametrize(
    ("known", "received", "name", "found"),
    [
        ({"channel": Channel.CHAT}, MONDAY, "channels", ("chat",)),
        ({"kind": Kind.FEEDBACK}, MONDAY, "kinds", ("feedback",)),
        ({"recipient": None}, MONDAY, "recipients", ()),
        ({"tags": frozenset({"b", "a"})}, MONDAY, "tags", ("a", "b")),
        ({"form": None}, MONDAY, "forms", ()),
        ({"tier": "silver"}, MONDAY, "tiers", ("silver",)),
        ({"flags": frozenset()}, MONDAY, "flags", ()),
        ({"priority": Priority.HIGH}, MONDAY, "priorities", ("high",)),
        ({"peak": True}, MONDAY, "peak", ("true",)),
        ({"requester_known": False}, MONDAY, "customer", ("false",)),
        ({}, at("2026-11-23T08:00"), "received", ("closed",)),
        ({}, at("2026-11-24T10:00"), "weekdays", ("tue",)),
        ({}, at("2026-11-23T17:59"), "business_days_only", ("true",)),
        ({}, at("2026-10-12T10:00"), "holiday", ("true", "Fiesta Nacional de España")),
    ],
)
def test_what_does_not_hold_is_named_with_what_was_found(
    known: dict[str, object], received: datetime, name: str, found: tuple[str, ...]
) -> None:
    asking = policy(target("all", "1 open hours", EVERYTHING), target("rest", "1 open hours")).targets[0]
    requirement = next(r for r in requirements_of(asking, facts_of(**known), received) if r.name == name)
    assert requirement.found == found
    assert requirement.holds is (found == ("true",) and name == "business_days_only")


def test_a_span_that_is_not_of_business_days_only_names_the_first_other_day() -> None:
    asking = policy(target("mail", "24 elapsed hours", "when = { business_days_only = true }")).targets[0]
    (requirement,) = requirements_of(asking, facts_of(), at("2026-12-07T12:00"))
    assert requirement.found == ("false", "tue 2026-12-08 Inmaculada Concepción")


CONDITIONS = st.builds(
    facts_of,
    channel=st.sampled_from(Channel),
    kind=st.sampled_from(Kind),
    peak=st.booleans(),
    priority=st.sampled_from(Priority),
    requester_known=st.sampled_from([True, False, None]),
)
SOME = policy(
    target("a", "1 open hours", 'when = { channels = ["chat"], peak = true, received = "open" }'),
    target("b", "2 elapsed hours", 'when = { kinds = ["question"], customer = false, business_days_only = true }'),
    target("c", "3 open hours", 'when = { priorities = ["high"], weekdays = ["mon-wed"], holiday = false }'),
    target("d", "4 open hours"),
)


@given(CONDITIONS, INSTANTS)
def test_the_requirements_of_a_target_hold_exactly_when_it_applies(facts: Facts, received: datetime) -> None:
    for asking in SOME.targets:
        holds = all(requirement.holds for requirement in requirements_of(asking, facts, received))
        assert holds is asking.applies(facts, received)


@given(CONDITIONS, INSTANTS)
def test_the_candidates_end_with_the_target_that_the_policy_chooses(facts: Facts, received: datetime) -> None:
    chosen = SOME.target(Metric.FIRST_REPLY, facts, received)
    assert chosen is not None
    found = candidates(SOME, chosen, facts, received)
    asked_ones = [candidate for candidate in found if candidate.asked]
    assert [candidate.target for candidate in found] == list(SOME.targets)
    assert asked_ones[-1].target is chosen
    assert [all(r.holds for r in candidate.requirements) for candidate in asked_ones] == [
        candidate.chosen for candidate in asked_ones
    ]


def test_what_is_asked_is_told_in_the_words_of_the_file() -> None:
    (asking,) = policy(target("a", "1 open hours", 'when = { channels = ["chat", "email"], peak = false }')).targets
    assert dict(asked_by(asking.when)) == {"channels": ("chat", "email"), "peak": ("false",)}


# --- readings, promises, events ----------------------------------------------------------------


def test_both_readings_of_business_hours_with_the_example_of_the_documentation() -> None:
    judged_by = parse_policy(
        HEAD.replace('"09:00-13:00", "14:00-18:00"], sat = ["22:00-02:00"]', '"09:00-18:00"]')
        + target("mail", "24 business-day hours", "ambiguous = true")
    )
    clock = clock_of(asked("2026-06-04T15:00"), judged_by, "2026-06-04T16:00")
    assert [(str(r.amount), r.due_at, r.chosen) for r in clock.readings] == [
        ("24 business-day hours", at("2026-06-05T15:00"), True),
        ("24 open hours", at("2026-06-09T12:00"), False),
    ]


def test_both_readings_stand_still_in_the_same_pauses() -> None:
    ticket = asked("2026-11-17T09:00", ("2026-11-17T10:00", Status.PENDING), ("2026-11-17T12:00", Status.OPEN))
    solve = target("solve", "2 open hours", "ambiguous = true", metric="resolution")
    judged_by = policy(target("mail", "1 open hours"), solve)
    clock = clock_of(ticket, judged_by, "2026-11-17T12:30", Metric.RESOLUTION)
    assert [reading.due_at for reading in clock.readings if isinstance(reading.amount, OpenTime)] == [
        clock.clock.due_at
    ]


@pytest.mark.parametrize("within", ["3 business days", "close of business day"])
def test_an_amount_that_is_no_duration_has_no_other_reading(within: str) -> None:
    judged_by = policy(target("mail", within, "ambiguous = true"))
    assert clock_of(asked("2026-11-17T09:00"), judged_by, "2026-11-17T09:00").readings == ()


ESTIMATE = '\n[estimate]\nclause = "§2"\ntitle = "estimate"\ncalendar = "split"\n'


@pytest.mark.parametrize(
    ("promised", "any_segments"), [("2026-11-18T10:00:00+01:00", True), ("2026-11-01", False), ("9990-01-01", False)]
)
def test_a_promised_date_is_explained_without_targets(promised: str, any_segments: bool) -> None:
    """Before the start or beyond what a calendar reaches it has no segments, and that is no error."""
    ticket = asked("2026-11-17T09:00")
    ticket = a_ticket(
        ticket.messages, created_at=ticket.created_at, status_history=(), fields={Field.PROMISED_AT: promised}
    )
    clocks = explain(ticket, policy(target("mail", "1 open hours"), ESTIMATE), at("2026-11-17T10:00")).clocks
    promise = next(clock for clock in clocks if clock.clock.metric is Metric.RESOLUTION)
    assert (promise.candidates, promise.readings) == ((), ())
    assert bool(promise.segments) is any_segments


def test_events_are_in_the_order_of_time_and_say_nothing_of_what_was_written() -> None:
    minute = timedelta(minutes=1)
    ticket = a_ticket(
        [
            a_message(text="SECRET"),
            a_message(4 * minute, Author.AGENT, public=False, voice=True, text="SECRET"),
            a_message(minute, Author.AGENT, public=False, text="SECRET"),
            a_message(2 * minute, Author.SYSTEM, text="SECRET"),
            a_message(3 * minute, Author.AGENT, text="SECRET"),
            a_message(5 * minute, Author.US, text="SECRET"),
            a_message(6 * minute, Author.US, public=False, text="SECRET"),
        ],
        subject="SECRET",
        requester=Requester("7"),
        context=Context(),
    )
    told = explain(ticket, policy(target("mail", "1 open hours")), ticket.created_at)
    assert [event.kind for event in told.events] == [
        EventKind.CREATED,
        EventKind.CUSTOMER_MESSAGE,
        EventKind.STATUS,
        EventKind.AGENT_NOTE,
        EventKind.SYSTEM_MESSAGE,
        EventKind.AGENT_REPLY,
        EventKind.AGENT_CALL,
        EventKind.OWN_MESSAGE,
        EventKind.OWN_NOTE,
    ]
    assert "SECRET" not in repr(told)


def test_a_ticket_that_nobody_waits_on_has_no_clock_to_explain() -> None:
    ticket = a_ticket([a_message(author=Author.AGENT)], created_by=Author.AGENT)
    assert explain(ticket, policy(target("mail", "1 open hours")), ticket.created_at).clocks == ()


def test_the_clocks_are_those_of_the_decision() -> None:
    told = explain(asked("2026-11-17T09:00"), policy(target("mail", "1 open hours")), at("2026-11-17T11:00"))
    assert [clock.clock for clock in told.clocks] == list(told.judged.clocks)
    assert told.clocks[0].clock.state is ClockState.BREACHED


def test_an_instant_that_no_calendar_reaches_is_refused_as_by_the_decision() -> None:
    end = datetime(9999, 12, 31, 23, tzinfo=UTC)
    message = a_message()
    ticket = a_ticket([type(message)(id="1", at=end, author=Author.CUSTOMER, public=True, text="x")], created_at=end)
    with pytest.raises((OutOfOpenTime, OverflowError)):
        explain(ticket, policy(target("mail", "1 open hours")), end)
