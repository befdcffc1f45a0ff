"""The complaint register, on SQLite and PostgreSQL: numbers, events, suspects, duplicates."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, text, update

from oneclick_sla_plugin.domain.complaint import Case, ComplaintType, Entry, Happened, Stage
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.errors import StoreError
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_records import AMENDED, number_of
from oneclick_sla_plugin.storage.register_tables import complaint, complaint_event
from oneclick_sla_plugin.testing.complaints import a_case, an_event
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT

KEY = TicketKey("acme", "42")
OTHER = TicketKey("acme", "43")
POLICY = "en-linea-365@2023-08-16"
HOUR = timedelta(hours=1)
NOW = RECEIVED_AT + HOUR

SUSPICION = a_case([an_event(Happened.SUSPECTED)], stage=Stage.SUSPECTED)
REJECTED_SUSPICION = a_case(
    [an_event(Happened.SUSPECTED), an_event(Happened.REJECTED, HOUR, reason="tag")], stage=Stage.REJECTED
)
ACKNOWLEDGED = a_case(
    [an_event(), an_event(Happened.ACKNOWLEDGED, HOUR, due_at="2026-11-18T15:00:00Z")], stage=Stage.ACKNOWLEDGED
)


@pytest.fixture
def register(database: Database) -> SqlRegister:
    return SqlRegister(database)


def whats(register: SqlRegister, key: TicketKey = KEY) -> list[str]:
    found = register.find(key)
    assert found is not None
    return [event.what for event in found.events]


# --- numbers ----------------------------------------------------------------------------------


def test_a_complaint_gets_the_next_number_of_its_year(register: SqlRegister) -> None:
    """The first is 1, the second 2; the entry tells when it was registered and when received."""
    assert register.record(KEY, a_case(), POLICY, NOW) == Entry("2026-000001", Stage.REGISTERED, RECEIVED_AT, NOW)
    assert register.record(OTHER, a_case(), POLICY, NOW).number == "2026-000002"
    assert register.entry(KEY) == Entry("2026-000001", Stage.REGISTERED, RECEIVED_AT, NOW)
    assert register.entry(TicketKey("acme", "404")) is None


def test_recording_again_is_as_recording_once(register: SqlRegister) -> None:
    """No second number, no second event, and the instant of the registration stays."""
    first = register.record(KEY, ACKNOWLEDGED, POLICY, NOW)
    assert register.record(KEY, ACKNOWLEDGED, POLICY, NOW + HOUR) == first
    assert whats(register) == ["registered", "acknowledged"]
    assert register.record(OTHER, a_case(), POLICY, NOW).number == "2026-000002"


@pytest.mark.parametrize(
    ("series", "number"),
    [("", "2026-000001"), ("LIMA", "LIMA-2026-000001"), ({"acme": "A-1"}, "A-1-2026-000001"), ({}, "2026-000001")],
)
def test_a_series_stands_before_the_number_and_finds_it(
    database: Database, series: dict[str, str] | str, number: str
) -> None:
    """One series for all accounts or one for each; the number as it is told leads back to the complaint."""
    register = SqlRegister(database, series)
    assert register.record(KEY, a_case(), POLICY, NOW).number == number
    found = register.find(number)
    assert found is not None
    assert (found.key, found.number) == (KEY, number)


def test_each_series_and_each_year_counts_for_itself(database: Database) -> None:
    """Two series and two years: four first numbers."""
    register = SqlRegister(database, {"acme": "A", "beta": "B"})
    last_year = a_case(received_at=RECEIVED_AT - timedelta(days=365))
    numbers = [
        register.record(TicketKey(account, ticket), case, POLICY, NOW).number
        for account in ("acme", "beta")
        for ticket, case in (("1", last_year), ("2", a_case()))
    ]
    assert numbers == ["A-2025-000001", "A-2026-000001", "B-2025-000001", "B-2026-000001"]
    assert register.verify().intact


def test_a_complaint_stays_in_its_series_when_the_configuration_changes(database: Database) -> None:
    """Its later events go into the chain that its number is of."""
    SqlRegister(database, "OLD").record(KEY, a_case(), POLICY, NOW)
    renamed = SqlRegister(database, "NEW")
    assert renamed.record(KEY, ACKNOWLEDGED, POLICY, NOW).number == "OLD-2026-000001"
    assert renamed.record(OTHER, a_case(), POLICY, NOW).number == "NEW-2026-000001"
    assert renamed.verify().intact


@pytest.mark.parametrize(("zone", "number"), [(UTC, "2027-000001"), (ZoneInfo("America/Lima"), "2026-000001")])
def test_the_year_is_that_of_the_receipt_where_the_company_is(database: Database, zone: ZoneInfo, number: str) -> None:
    """The last evening of the year in Lima is the new year in UTC already."""
    register = SqlRegister(database, zones=zone)
    new_year = datetime(2027, 1, 1, 2, 0, tzinfo=UTC)
    assert register.record(KEY, a_case(received_at=new_year), POLICY, new_year).number == number


@pytest.mark.parametrize("name", ["2026-000002", "acme/404", "nonsense", "X-2026-000001", "2026-1", ""])
def test_what_is_not_there_is_not_found(register: SqlRegister, name: str) -> None:
    register.record(KEY, a_case(), POLICY, NOW)
    assert register.find(name) is None
    assert register.find("acme/42") is not None


# --- suspects ---------------------------------------------------------------------------------


def test_a_suspicion_has_no_number_until_it_is_confirmed(register: SqlRegister) -> None:
    """It is kept; the number comes with the confirmation, and its year and deadlines are those of the receipt."""
    assert register.record(KEY, SUSPICION, POLICY, NOW) == Entry(None, Stage.SUSPECTED, RECEIVED_AT, None)
    confirmed = a_case([an_event(Happened.SUSPECTED), an_event(Happened.REGISTERED, HOUR)])
    later = NOW + HOUR
    assert register.record(KEY, confirmed, POLICY, later) == Entry("2026-000001", Stage.REGISTERED, RECEIVED_AT, later)


def test_a_rejected_suspicion_is_kept_without_a_number(register: SqlRegister) -> None:
    """It stays in the list, and takes no number from the next complaint."""
    register.record(KEY, SUSPICION, POLICY, NOW)
    assert register.record(KEY, REJECTED_SUSPICION, POLICY, NOW + HOUR).number is None
    assert register.record(OTHER, a_case(), POLICY, NOW).number == "2026-000001"
    assert [(one.key, one.stage) for one in register.complaints()] == [
        (KEY, Stage.REJECTED),
        (OTHER, Stage.REGISTERED),
    ]


def test_a_registered_complaint_that_is_rejected_keeps_its_number(register: SqlRegister) -> None:
    register.record(KEY, a_case(), POLICY, NOW)
    rejected = a_case([an_event(Happened.REJECTED, HOUR)], stage=Stage.REJECTED)
    assert register.record(KEY, rejected, POLICY, NOW + HOUR).number == "2026-000001"


def test_a_registered_complaint_never_becomes_a_suspicion_again(register: SqlRegister) -> None:
    """A later look that sees less takes nothing back; a person rejects or withdraws."""
    register.record(KEY, a_case(), POLICY, NOW)
    assert register.record(KEY, SUSPICION, POLICY, NOW + HOUR).stage is Stage.REGISTERED


# --- events and the row -----------------------------------------------------------------------


def test_an_event_is_kept_with_its_evidence(register: SqlRegister) -> None:
    """What, when, by whom, shown by which message, with which facts, recorded when."""
    register.record(KEY, ACKNOWLEDGED, POLICY, NOW)
    found = register.find(KEY)
    assert found is not None
    event = found.events[1]
    assert (event.what, event.at, event.actor, event.message, event.level, event.recorded_at, event.standing) == (
        "acknowledged",
        RECEIVED_AT + HOUR,
        "agent",
        "acknowledged-1",
        1,
        NOW,
        True,
    )
    assert event.facts == {"due_at": "2026-11-18T15:00:00Z"}


@pytest.mark.parametrize(
    ("again", "number_of_events"),
    [
        (an_event(Happened.ACKNOWLEDGED, HOUR, due_at="2027-01-01T00:00:00Z"), 2),
        (an_event(Happened.ACKNOWLEDGED, 2 * HOUR), 3),
        (an_event(Happened.RESPONDED, HOUR), 3),
        (an_event(Happened.ACKNOWLEDGED, HOUR, level=2), 3),
    ],
    ids=["other facts", "another instant", "another kind", "another level"],
)
def test_what_makes_an_event_the_same_again(register: SqlRegister, again: object, number_of_events: int) -> None:
    """Kind, instant, message and level; its facts are those of the first time."""
    register.record(KEY, ACKNOWLEDGED, POLICY, NOW)
    register.record(KEY, a_case([an_event(), again], stage=Stage.ACKNOWLEDGED), POLICY, NOW + HOUR)
    assert len(whats(register)) == number_of_events


def test_an_event_that_the_ticket_does_not_show_any_more_stays_but_does_not_stand(register: SqlRegister) -> None:
    """The register forgets nothing, and counts only what is the case."""
    register.record(KEY, ACKNOWLEDGED, POLICY, NOW)
    register.record(KEY, a_case(), POLICY, NOW + HOUR)
    found = register.find(KEY)
    assert found is not None
    assert [(event.what, event.standing) for event in found.events] == [
        ("registered", True),
        ("acknowledged", False),
        (AMENDED, False),
    ]
    assert found.stage is Stage.REGISTERED
    assert found.first(Happened.ACKNOWLEDGED) is None


@pytest.mark.parametrize(
    ("facts", "name", "value"),
    [
        ({"type": ComplaintType.QUEJA}, "type", ComplaintType.QUEJA),
        ({"type": None}, "type", None),
        ({"channel": Channel.PHONE}, "channel", Channel.PHONE),
        ({"message": "9"}, "message", "9"),
        ({"received_at": RECEIVED_AT - HOUR}, "received_at", RECEIVED_AT - HOUR),
        ({"rules": (("es.explicit", 3.0), ("x", -1.0))}, "rules", (("es.explicit", 3.0), ("x", -1.0))),
    ],
)
def test_a_change_without_an_event_is_an_event_of_the_registers_own(
    register: SqlRegister, facts: dict[str, object], name: str, value: object
) -> None:
    """An agent corrects the type: the row follows, and the log says when that was seen."""
    register.record(KEY, a_case(), POLICY, NOW)
    register.record(KEY, a_case(**facts), POLICY, NOW + HOUR)
    found = register.find(KEY)
    assert found is not None
    assert getattr(found, name) == value
    assert [(event.what, event.at) for event in found.events][1:] == [(AMENDED, NOW + HOUR)]


def test_an_older_look_changes_nothing_back(register: SqlRegister) -> None:
    """A worker that was slow records what it saw; what was seen after it stays."""
    register.record(KEY, ACKNOWLEDGED, POLICY, NOW + HOUR)
    assert register.record(KEY, a_case(), POLICY, NOW).stage is Stage.ACKNOWLEDGED
    assert whats(register) == ["registered", "acknowledged"]


def test_the_retention_counts_from_the_last_event(database: Database) -> None:
    """Two years at least by default, else as configured."""
    SqlRegister(database).record(KEY, ACKNOWLEDGED, POLICY, NOW)
    for keep in (timedelta(days=731), timedelta(days=3650)):
        found = SqlRegister(database, keep=keep).find(KEY)
        assert found is not None
        assert found.keep_until == RECEIVED_AT + HOUR + keep
    default = SqlRegister(database).find(KEY)
    assert default is not None
    assert default.keep_until >= (RECEIVED_AT + HOUR).replace(year=2028)


@pytest.mark.parametrize("stage", Stage)
def test_a_complaint_is_open_until_nothing_is_owed(register: SqlRegister, stage: Stage) -> None:
    """An answered one is, until the follow-up closes it; a suspicion never is."""
    register.record(KEY, a_case([] if stage is Stage.SUSPECTED else None, stage=stage), POLICY, NOW)
    found = register.find(KEY)
    assert found is not None
    assert found.open is (
        stage
        in (
            Stage.REGISTERED,
            Stage.ACKNOWLEDGED,
            Stage.INVESTIGATING,
            Stage.RESPONDED,
            Stage.FOLLOW_UP,
        )
    )


def test_an_entry_tells_the_extensions_in_their_order(register: SqlRegister) -> None:
    """The ticket shows the last date only; the earlier ones are read from the register."""
    dates = ["2026-11-20T23:00:00Z", "2026-11-24T23:00:00Z"]
    extended = [
        replace(an_event(Happened.EXTENDED, (n + 1) * HOUR, new_due_at=date), message=str(n))
        for n, date in enumerate(dates)
    ]
    register.record(KEY, a_case([an_event(), *reversed(extended)]), POLICY, NOW)
    register.record(OTHER, a_case(), POLICY, NOW)
    entry = register.entry(KEY)
    assert entry is not None
    assert entry.extensions == tuple(extended)


# --- duplicates -------------------------------------------------------------------------------


def duplicate(of: str, **facts: object) -> Case:
    return a_case([an_event(), an_event(Happened.DUPLICATED, HOUR, duplicate_of=of)], stage=Stage.DUPLICATE, **facts)


def test_of_merged_complaints_the_earliest_receipt_counts(register: SqlRegister) -> None:
    """Both keep their numbers; the duplicate names the other, which was received when the first of them was."""
    register.record(KEY, a_case(), POLICY, NOW)
    register.record(OTHER, a_case(received_at=RECEIVED_AT + HOUR), POLICY, NOW)
    merged = register.record(KEY, duplicate("43"), POLICY, NOW + HOUR)
    assert merged == Entry("2026-000001", Stage.DUPLICATE, RECEIVED_AT, NOW)
    assert register.entry(OTHER) == Entry("2026-000002", Stage.REGISTERED, RECEIVED_AT, NOW, merged=True)
    found = register.find(KEY)
    assert found is not None
    assert found.duplicate_of == "43"


def test_the_receipt_is_handed_on_along_merges(register: SqlRegister) -> None:
    """1 into 2 into 3: the third was received when the first was. In a circle, all were."""
    tickets = [TicketKey("acme", ticket) for ticket in "123"]
    receipts = [RECEIVED_AT + hours * HOUR for hours in range(3)]
    for key, into, at in zip(tickets, "23", receipts, strict=False):
        register.record(key, duplicate(into, received_at=at), POLICY, NOW)
    register.record(tickets[2], a_case(received_at=receipts[2]), POLICY, NOW)
    entry = register.entry(tickets[2])
    assert entry is not None
    assert entry.received_at == RECEIVED_AT
    register.record(tickets[2], duplicate("1", received_at=receipts[2]), POLICY, NOW + HOUR)
    assert {one.received_at for one in register.complaints()} == {RECEIVED_AT}


# --- append-only ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        update(complaint_event).values(actor="customer"),
        delete(complaint_event),
        delete(complaint),
        update(complaint).values(sequence=7),
        update(complaint).values(year=2020),
        update(complaint).values(series="X"),
    ],
    ids=["change an event", "delete an event", "delete a row", "change a number", "change a year", "change a series"],
)
def test_the_database_itself_refuses_to_forget(database: Database, statement: object) -> None:
    """Also to somebody with a shell in it, unless he takes the triggers away, which verify finds."""
    register = SqlRegister(database)
    register.record(KEY, a_case(), POLICY, NOW)
    with pytest.raises(StoreError), database.writing() as connection:
        connection.execute(statement)  # type: ignore[call-overload]
    assert register.verify().intact


def test_postgresql_refuses_to_truncate(postgresql_url: str) -> None:
    database = open_database(postgresql_url)
    database.migrate()
    for table in ("complaint", "complaint_event"):
        with pytest.raises(StoreError), database.writing() as connection:
            connection.execute(text(f"TRUNCATE {table}"))
    database.close()


# --- several at once --------------------------------------------------------------------------


@pytest.fixture
def databases(database_url: str, database: Database) -> Iterator[list[Database]]:
    """As four hosts have them: each with connections of its own."""
    opened = [open_database(database_url) for _ in range(4)]
    yield opened
    for one in opened:
        one.close()


def test_workers_that_register_at_once_leave_no_gap(databases: list[Database]) -> None:
    """Four workers register the same forty tickets, each in another order: each ticket has one number, all in a row."""
    start = threading.Barrier(4)
    tickets = [TicketKey("acme", str(number)) for number in range(40)]

    def register_all(worker: int) -> dict[TicketKey, str | None]:
        start.wait()
        register = SqlRegister(databases[worker])
        mine = tickets[worker * 10 :] + tickets[: worker * 10]
        return {key: register.record(key, ACKNOWLEDGED, POLICY, NOW).number for key in mine}

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(register_all, range(4)))
    assert all(numbers == results[0] for numbers in results)
    assert sorted(str(number) for number in results[0].values()) == [number_of("", 2026, n) for n in range(1, 41)]
    verification = SqlRegister(databases[0]).verify()
    assert (verification.intact, verification.complaints, verification.events) == (True, 40, 80)


def test_a_look_that_shows_nothing_new_waits_for_nobody(sqlite_url: str, tmp_path: Path) -> None:
    """Most looks are so: they read, also while somebody else writes."""
    database = open_database(sqlite_url)
    database.migrate()
    register = SqlRegister(database)
    first = register.record(KEY, ACKNOWLEDGED, POLICY, NOW)
    writer = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert register.record(KEY, ACKNOWLEDGED, POLICY, NOW + HOUR) == first
    writer.close()
    database.close()


def test_a_number_of_a_transaction_that_failed_is_given_again(database: Database) -> None:
    """Whatever breaks before the commit has taken nothing."""
    register = SqlRegister(database)
    with pytest.raises(TypeError):
        register.record(KEY, a_case([an_event(reason=object())]), POLICY, NOW)  # type: ignore[arg-type]
    assert register.record(OTHER, a_case(), POLICY, NOW).number == "2026-000001"
    assert register.verify().intact
