"""Properties of the register: the order and the repetition of looks do not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.complaint import Case, CaseEvent, ComplaintType, Happened, Stage
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_records import AMENDED, number_of
from oneclick_sla_plugin.testing.complaints import a_case, an_event
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT

POLICY = "en-linea-365@2023-08-16"
MINUTE = timedelta(minutes=1)

Look = tuple[TicketKey, Case, int]
"""A ticket, its case, and how many minutes after the receipt it was looked at."""


def history(whats: list[Happened], stages: list[Stage]) -> list[tuple[Case, int]]:
    """The cases of a ticket as one event after the other comes; a look after each."""
    events: list[CaseEvent] = [an_event(Happened.SUSPECTED)]
    cases = [a_case(events, stage=Stage.SUSPECTED)]
    for minute, (what, stage) in enumerate(zip(whats, stages, strict=True), start=1):
        events.append(an_event(what, minute * MINUTE))
        cases.append(a_case(events, stage=stage, type=list(ComplaintType)[minute % 2]))
    return [(case, minute) for minute, case in enumerate(cases)]


LATER = [one for one in Happened if one is not Happened.SUSPECTED]
HISTORIES = st.integers(0, 4).flatmap(
    lambda length: st.builds(
        history,
        st.lists(st.sampled_from(LATER), min_size=length, max_size=length),
        st.lists(st.sampled_from(list(Stage)), min_size=length, max_size=length),
    )
)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Look], list[Look]]:
    """The looks at up to three tickets in their order; and the same with repetitions in any order."""
    looks = [
        (TicketKey("acme", str(ticket)), case, minute)
        for ticket in range(draw(st.integers(1, 3)))
        for case, minute in draw(HISTORIES)
    ]
    repeated = looks + draw(st.lists(st.sampled_from(looks), max_size=4))
    return looks, draw(st.permutations(repeated))


@contextmanager
def fresh_register() -> Iterator[SqlRegister]:
    with TemporaryDirectory() as folder:
        database: Database = open_database(f"sqlite:///{Path(folder) / 'register.db'}")
        database.migrate()
        try:
            yield SqlRegister(database)
        finally:
            database.close()


def outcome(looks: list[Look], see: Callable[[SqlRegister], object] = lambda _: None) -> object:
    """What is the case in the end, but for which number a ticket got and when it was recorded."""
    with fresh_register() as register:
        for key, case, minute in looks:
            register.record(key, case, POLICY, RECEIVED_AT + minute * MINUTE)
            see(register)
        complaints = register.complaints()
        numbers = sorted(one.number for one in complaints if one.number)
        assert numbers == [number_of("", 2026, n) for n in range(1, len(numbers) + 1)]
        assert register.verify().intact
        return [
            (
                one.key,
                one.stage,
                one.type,
                one.level,
                one.number is None,
                one.keep_until,
                {
                    (event.what, event.at, event.message, event.level, event.standing)
                    for event in one.events
                    if event.what != AMENDED
                },
            )
            for one in complaints
        ]


@settings(max_examples=60)
@given(deliveries())
def test_any_order_and_repetition_of_looks_ends_the_same(given_looks: tuple[list[Look], list[Look]]) -> None:
    """Each ticket has the row and the events of its last look, and the numbers have no gap."""
    in_order, delivered = given_looks
    assert outcome(delivered) == outcome(in_order)


@settings(max_examples=20)
@given(deliveries())
def test_the_chain_is_intact_at_every_moment(given_looks: tuple[list[Look], list[Look]]) -> None:
    """Not only in the end."""

    def check(register: SqlRegister) -> None:
        assert register.verify().faults == ()

    outcome(given_looks[1], check)
