"""What ``verify`` finds: a change of any column of any row, a link or a number that is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Column, Table, delete, func, insert, select, text, update

from oneclick_sla_plugin.domain.complaint import Happened, Stage
from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_chain import GENESIS, Head, Link, chained
from oneclick_sla_plugin.storage.register_check import verify
from oneclick_sla_plugin.storage.register_records import snapshot
from oneclick_sla_plugin.storage.register_tables import (
    complaint,
    complaint_event,
    complaint_number,
    complaint_series,
    plain,
)
from oneclick_sla_plugin.storage.tables import Instant
from oneclick_sla_plugin.testing.complaints import a_case, an_event
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT

HOUR = timedelta(hours=1)
NOW = RECEIVED_AT + HOUR
POLICY = "en-linea-365@2023-08-16"
TABLES = (complaint, complaint_event, complaint_series, complaint_number)


@pytest.fixture
def register(database: Database) -> SqlRegister:
    """Three complaints, the second of them acknowledged later, and a suspicion; no trigger protects them any more."""
    register = SqlRegister(database)
    for ticket in "123":
        register.record(TicketKey("acme", ticket), a_case(), POLICY, NOW)
    register.record(TicketKey("acme", "4"), a_case([], stage=Stage.SUSPECTED), POLICY, NOW)
    acknowledged = a_case([an_event(), an_event(Happened.ACKNOWLEDGED, HOUR)], stage=Stage.ACKNOWLEDGED)
    register.record(TicketKey("acme", "2"), acknowledged, POLICY, NOW + HOUR)
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("DROP FUNCTION complaint_register_refuses CASCADE"))
        else:
            names = text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in connection.execute(names).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
    return register


def tampered(column: Column[object], value: object) -> object:
    """Another value of the column's type."""
    if isinstance(column.type, Instant):
        return RECEIVED_AT if value is None else value + timedelta(microseconds=1)  # type: ignore[operator]
    if column.type.python_type is int:
        return 7 if value is None else value + 70  # type: ignore[operator]
    return "x" if value is None else f"{value} "


COLUMNS = [(table, column) for table in TABLES for column in table.columns]


def test_an_untouched_register_is_intact(register: SqlRegister) -> None:
    verification = register.verify()
    assert (verification.faults, verification.complaints, verification.events) == ((), 4, 5)
    assert [(head.series, head.position) for head in verification.heads] == [("", 5)]


def test_an_empty_register_is_intact(database: Database) -> None:
    assert SqlRegister(database).verify().faults == ()


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[str(column) for _, column in COLUMNS])
def test_a_change_of_any_column_of_any_row_is_found(
    register: SqlRegister, database: Database, table: Table, column: Column[object]
) -> None:
    """Each row in turn: changed, found, changed back, intact again."""
    with database.reading() as connection:
        rows = connection.execute(select(table).order_by(*table.primary_key.columns)).all()
    assert rows
    for row in rows:
        old = row._mapping[column.name]
        new = tampered(column, old)
        for change, intact in (((old, new), False), ((new, old), True)):
            where = [
                key == (change[0] if key is column else row._mapping[key.name]) for key in table.primary_key.columns
            ]
            with database.writing() as connection:
                values = {column.name: change[1]}
                assert connection.execute(update(table).where(*where).values(values)).rowcount == 1
            assert register.verify().intact is intact


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_a_row_that_was_deleted_is_found(register: SqlRegister, database: Database, table: Table) -> None:
    """Whichever it is, the last one too."""
    with database.reading() as connection:
        rows = connection.execute(select(table)).all()
    for row in rows:
        where = [key == row._mapping[key.name] for key in table.primary_key.columns]
        with database.writing() as connection:
            connection.execute(delete(table).where(*where))
        assert not register.verify().intact
        with database.writing() as connection:
            connection.execute(insert(table).values(dict(row._mapping)))
        assert register.verify().intact


@pytest.mark.parametrize(
    ("statement", "faults"),
    [
        (
            update(complaint_event).where(complaint_event.c.position == 2).values(actor="customer"),
            [("link 2", "its content disagrees with its hash")],
        ),
        (
            delete(complaint_event).where(complaint_event.c.position == 2),
            [("link 2", "is missing")],
        ),
        (delete(complaint_event).where(complaint_event.c.position == 5), [("link 5", "is missing"), ("acme/2", "")]),
        (
            update(complaint).where(complaint.c.ticket == "3").values(stage="closed"),
            [("acme/3", "its row disagrees with its events")],
        ),
        (
            delete(complaint).where(complaint.c.ticket == "1"),
            [("acme/1", "has events and no row"), ("2026-000001", "is missing")],
        ),
        (update(complaint_number).values(last=4), [("2026-000004", "is missing")]),
        (update(complaint_number).values(last=2), [("2026-000003", "was never given")]),
        (update(complaint_series).values(hash=GENESIS), [("link 5", "is not the one that the series ends with")]),
    ],
)
def test_what_is_wrong_is_named(
    register: SqlRegister, database: Database, statement: object, faults: list[tuple[str, str]]
) -> None:
    """The first broken link of a series, each number that is missing, each row that disagrees."""
    with database.writing() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    found = register.verify().faults
    for where, what in faults:
        assert any(fault.where == where and what in fault.what for fault in found), found


def test_a_chain_that_was_computed_anew_ends_in_another_hash(register: SqlRegister, database: Database) -> None:
    """Whoever forges everything deceives the check, and not the one who noted the last hash down."""
    noted = register.verify().heads
    content = [column for column in complaint_event.columns if column.name != "hash"]
    with database.writing() as connection:
        rows = connection.execute(select(*content).order_by(complaint_event.c.position)).all()
        forged = [Link(**{**plain(row), "actor": "customer"}) for row in rows]
        head = Head("")
        for link in chained(head, forged):
            connection.execute(
                update(complaint_event)
                .where(complaint_event.c.position == link.position)
                .values(actor="customer", previous=link.previous, hash=link.hash)
            )
            head = Head("", link.position, link.hash)
        connection.execute(update(complaint_series).values(hash=head.hash))
    verification = register.verify()
    assert verification.faults == ()
    assert verification.heads != noted


def test_links_of_two_chains_with_the_same_content_have_other_hashes() -> None:
    """The series is part of a link, so one chain cannot stand in for another."""
    one, other = (
        Link(series, 1, "acme", "1", "registered", 0, "agent", None, 1, "{}", 0, None) for series in ("A", "B")
    )
    assert one.hash != other.hash


def test_a_check_while_others_write_sees_one_state(register: SqlRegister, database: Database) -> None:
    """Registering between two queries of a check is no fault of the register."""
    with snapshot(database) as connection:
        before = connection.execute(select(func.count()).select_from(complaint)).scalar_one()
        register.record(TicketKey("acme", "5"), a_case(), POLICY, NOW)
        verification = verify(connection)
    assert (verification.faults, verification.complaints) == ((), before)
    assert register.verify().complaints == before + 1
