"""The ledger's promises, on each kind of database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.errors import StoreError
from oneclick_sla_plugin.ports import Claim
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from oneclick_sla_plugin.storage.tables import ticket_ledger

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
LEASE = 15 * SECOND
SPACING = 2 * SECOND
ONE, TWO, THREE = (TicketKey("acme", id_) for id_ in "123")


def row(database: Database, key: TicketKey = ONE) -> dict[str, Any]:
    with database.reading() as connection:
        found = connection.execute(
            select(ticket_ledger).where(ticket_ledger.c.account == key.account, ticket_ledger.c.ticket == key.id)
        )
        return dict(found.mappings().one())


def claim_one(ledger: SqlLedger, now: datetime) -> Claim:
    (claim,) = ledger.claim_due(1, now)
    return claim


# --- marking ----------------------------------------------------------------------------------


def test_marks_of_a_ticket_are_one_row(ledger: SqlLedger, database: Database) -> None:
    """A burst coalesces: the counter grows, the ticket is due since the first of them."""
    for seconds in range(3):
        ledger.mark([ONE], NOW + seconds * SECOND)
    ledger.mark([ONE, TWO, ONE], NOW + 3 * SECOND)
    assert (row(database)["marked"], row(database)["due_at"]) == (5, NOW)
    assert row(database, TWO)["marked"] == 1


def test_accounts_do_not_share_tickets(ledger: SqlLedger) -> None:
    """The same ticket id in two accounts is two tickets."""
    ledger.mark([ONE, TicketKey("other", "1")], NOW)
    assert {str(claim.key) for claim in ledger.claim_due(9, NOW)} == {"acme/1", "other/1"}


def test_marking_nothing_is_nothing(ledger: SqlLedger) -> None:
    """A webhook without tickets costs no commit."""
    ledger.mark([], NOW)
    assert ledger.next_due_at(NOW) is None


def test_threads_that_mark_at_once_are_all_counted(ledger: SqlLedger, database: Database) -> None:
    """Marks commute, whoever commits them."""
    start = threading.Barrier(8)

    def mark() -> None:
        start.wait()
        for _ in range(20):
            ledger.mark([ONE, TWO], NOW)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(mark) for _ in range(8)]:
            future.result()
    assert row(database)["marked"] == row(database, TWO)["marked"] == 160


def test_marks_lock_their_rows_in_one_order(postgresql_url: str, wait_for_lock: Callable[[Connection], None]) -> None:
    """However they are listed, so that two processes that mark the same tickets cannot block each other for good."""
    database = open_database(postgresql_url)
    database.migrate()
    ledger = SqlLedger(database)
    ledger.mark([ONE, TWO, THREE], NOW)
    rows = select(ticket_ledger).with_for_update(nowait=True)
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as other:
            other.execute(rows.where(ticket_ledger.c.ticket == ONE.id))
            marking = pool.submit(ledger.mark, [THREE, TWO, ONE], NOW)
            wait_for_lock(other)
            assert len(other.execute(rows.where(ticket_ledger.c.ticket != ONE.id)).all()) == 2
        marking.result()
    assert [row(database, key)["marked"] for key in (ONE, TWO, THREE)] == [2, 2, 2]
    ledger.close()
    database.close()


def test_a_mark_makes_a_timer_due_now(ledger: SqlLedger) -> None:
    """An event does not wait for the next look that time alone would have caused."""
    ledger.mark([ONE], NOW)
    ledger.finish(claim_one(ledger, NOW), NOW, NOW + HOUR)
    later = NOW + 10 * SECOND
    ledger.mark([ONE], later)
    assert claim_one(ledger, later).marked == 2


def test_after_closing_a_mark_is_refused(database: Database) -> None:
    """Nothing is acknowledged that nobody will commit."""
    ledger = SqlLedger(database)
    ledger.mark([ONE], NOW)
    ledger.close()
    with pytest.raises(StoreError):
        ledger.mark([ONE], NOW)


# --- claiming ---------------------------------------------------------------------------------


def test_the_longest_waiting_are_claimed_first(ledger: SqlLedger) -> None:
    """And no more than asked for."""
    for seconds, key in enumerate([THREE, ONE, TWO]):
        ledger.mark([key], NOW + seconds * SECOND)
    claims = ledger.claim_due(2, NOW + HOUR)
    assert [(claim.key, claim.marked, claim.attempts) for claim in claims] == [(THREE, 1, 1), (ONE, 1, 1)]
    assert [claim.key for claim in ledger.claim_due(2, NOW + HOUR)] == [TWO]


def test_a_ticket_is_claimed_by_one(ledger: SqlLedger, database: Database) -> None:
    """Eight threads grab for forty tickets; each ticket goes to exactly one of them."""
    keys = {TicketKey("acme", str(n)) for n in range(40)}
    ledger.mark(keys, NOW)
    start = threading.Barrier(8)

    def grab() -> list[Claim]:
        start.wait()
        claims: list[Claim] = []
        while got := ledger.claim_due(3, NOW):
            claims.extend(got)
        return claims

    with ThreadPoolExecutor(8) as pool:
        claims = [claim for future in [pool.submit(grab) for _ in range(8)] for claim in future.result()]
    claims += ledger.claim_due(40, NOW)  # a row that somebody was just locking is passed over, not lost
    assert sorted(claim.key for claim in claims) == sorted(keys)
    assert len({claim.token for claim in claims}) == 40


def test_a_row_that_another_process_is_claiming_is_passed_over(postgresql_url: str) -> None:
    """On PostgreSQL a claim does not wait for another claim's transaction."""
    database = open_database(f"{postgresql_url}?options=-c%20lock_timeout%3D5s")
    database.migrate()
    ledger = SqlLedger(database)
    ledger.mark([ONE], NOW)
    ledger.mark([TWO], NOW + SECOND)
    with database.writing() as other:
        other.execute(select(ticket_ledger).where(ticket_ledger.c.ticket == ONE.id).with_for_update())
        assert [claim.key for claim in ledger.claim_due(2, NOW + HOUR)] == [TWO]
    ledger.close()
    database.close()


def test_what_was_marked_is_unsettled_until_it_is_dealt_with(ledger: SqlLedger) -> None:
    """Under way too; what is on the dead list waits for a person, and not for us."""
    ledger.mark([ONE, TWO], NOW)
    first, second = ledger.claim_due(2, NOW)
    assert ledger.count_unsettled() == 2
    ledger.finish(first, NOW, NOW + HOUR)
    assert ledger.count_unsettled() == 1
    ledger.bury(second, NOW, "permanent")
    assert ledger.count_unsettled() == 0
    ledger.mark([first.key], NOW)
    assert ledger.count_unsettled() == 1


def test_looks_at_one_ticket_begin_two_seconds_apart(ledger: SqlLedger) -> None:
    """A quick look followed by a new mark does not make a look for every event of a burst."""
    ledger.mark([ONE], NOW)
    ledger.finish(claim_one(ledger, NOW), NOW, None)
    ledger.mark([ONE], NOW + SECOND)
    assert ledger.claim_due(1, NOW + SPACING - timedelta(microseconds=1)) == []
    assert ledger.next_due_at(NOW + SECOND) == NOW + SPACING
    assert claim_one(ledger, NOW + SPACING).marked == 2


def test_a_lease_that_expires_is_claimed_again(ledger: SqlLedger) -> None:
    """A worker that died is replaced; its attempt counts and its late answer does not."""
    ledger.mark([ONE], NOW)
    dead = claim_one(ledger, NOW)
    assert ledger.claim_due(1, NOW + LEASE - timedelta(microseconds=1)) == []
    assert ledger.next_due_at(NOW + SECOND) == NOW + LEASE
    heir = claim_one(ledger, NOW + LEASE)
    assert (heir.attempts, heir.token == dead.token) == (2, False)
    late = NOW + LEASE + SECOND
    assert not ledger.finish(dead, late, None)
    assert not ledger.fail(dead, late, late + HOUR, "late")
    assert not ledger.bury(dead, late, "late")
    ledger.renew([dead], late + HOUR)
    assert ledger.next_due_at(late) == NOW + 2 * LEASE
    assert ledger.finish(heir, late, None)


def test_a_lease_that_is_renewed_holds(ledger: SqlLedger) -> None:
    """A slow worker that is alive keeps its ticket."""
    ledger.mark([ONE, TWO], NOW)
    claims = ledger.claim_due(2, NOW)
    ledger.renew(claims, NOW + 10 * SECOND)
    assert ledger.claim_due(2, NOW + LEASE) == []
    assert len(ledger.claim_due(2, NOW + 10 * SECOND + LEASE)) == 2


@pytest.mark.parametrize(("owner", "prefix"), [("web-1", "web-1:"), (None, "")])
def test_a_lease_names_its_holder(database: Database, owner: str | None, prefix: str) -> None:
    """For whoever reads the table; unique all the same."""
    ledger = SqlLedger(database, owner=owner)
    ledger.mark([ONE, TWO], NOW)
    one, two = ledger.claim_due(2, NOW)
    ledger.close()
    assert row(database)["lease_by"] == one.token
    assert one.token.startswith(prefix)
    assert one.token != two.token


# --- settling ---------------------------------------------------------------------------------


def test_a_finished_ticket_rests_until_its_next_look(ledger: SqlLedger, database: Database) -> None:
    """The timer is the row's due instant; facts are kept, attempts begin anew."""
    ledger.mark([ONE], NOW)
    assert ledger.finish(claim_one(ledger, NOW), NOW, NOW + HOUR, {"policy": "p@1", "clocks": [{"state": "met"}]})
    assert ledger.next_due_at(NOW) == NOW + HOUR
    assert ledger.claim_due(1, NOW + HOUR - SECOND) == []
    found = row(database)
    assert (found["done"], found["attempts"], found["lease_by"], found["lease_until"]) == (1, 0, None, None)
    assert found["facts"] == {"policy": "p@1", "clocks": [{"state": "met"}]}
    assert claim_one(ledger, NOW + HOUR).attempts == 1


def test_facts_stay_where_a_look_has_none(ledger: SqlLedger, database: Database) -> None:
    """What was known of a ticket is still known when it is gone."""
    ledger.mark([ONE], NOW)
    ledger.finish(claim_one(ledger, NOW), NOW, NOW + HOUR, {"kind": "question"})
    ledger.finish(claim_one(ledger, NOW + HOUR), NOW + HOUR, None)
    assert row(database)["facts"] == {"kind": "question"}


def test_without_a_next_look_nothing_is_scheduled(ledger: SqlLedger) -> None:
    """Until somebody marks the ticket again."""
    ledger.mark([ONE], NOW)
    ledger.finish(claim_one(ledger, NOW), NOW, None)
    assert ledger.next_due_at(NOW) is None
    assert ledger.claim_due(1, NOW + 1000 * HOUR) == []


@pytest.mark.parametrize("next_look_at", [None, NOW + HOUR])
def test_a_mark_during_a_look_makes_one_more(ledger: SqlLedger, next_look_at: datetime | None) -> None:
    """Fifty of them too: only what was marked when the look began is done."""
    ledger.mark([ONE], NOW)
    claim = claim_one(ledger, NOW)
    for _ in range(50):
        ledger.mark([ONE], NOW + SECOND)
    assert ledger.finish(claim, NOW + 5 * SECOND, next_look_at)
    second = claim_one(ledger, NOW + 5 * SECOND)
    assert (second.marked, second.attempts) == (51, 1)
    ledger.finish(second, NOW + 6 * SECOND, next_look_at)
    assert ledger.next_due_at(NOW + 6 * SECOND) == next_look_at


def test_a_failed_ticket_rests_and_keeps_its_attempts(ledger: SqlLedger, database: Database) -> None:
    """The next claim counts on."""
    ledger.mark([ONE], NOW)
    assert ledger.fail(claim_one(ledger, NOW), NOW, NOW + HOUR, "temporary: read ticket, status 503")
    found = row(database)
    assert (found["done"], found["last_reason"], found["lease_by"]) == (0, "temporary: read ticket, status 503", None)
    assert ledger.next_due_at(NOW) == NOW + HOUR
    assert claim_one(ledger, NOW + HOUR).attempts == 2


def test_a_mark_does_not_shorten_a_back_off(ledger: SqlLedger) -> None:
    """A platform that is down is not asked more often because customers write."""
    ledger.mark([ONE], NOW)
    ledger.fail(claim_one(ledger, NOW), NOW, NOW + HOUR, "temporary")
    ledger.mark([ONE], NOW + SECOND)
    assert ledger.claim_due(1, NOW + HOUR - SECOND) == []
    assert claim_one(ledger, NOW + HOUR).marked == 2


def test_a_back_off_does_not_undercut_the_spacing(ledger: SqlLedger) -> None:
    """A retry at once is still two seconds after the look began."""
    ledger.mark([ONE], NOW)
    ledger.fail(claim_one(ledger, NOW), NOW, NOW, "temporary")
    assert ledger.next_due_at(NOW) == NOW + SPACING


# --- the dead list ----------------------------------------------------------------------------


@pytest.fixture
def buried(ledger: SqlLedger) -> SqlLedger:
    ledger.mark([ONE], NOW)
    assert ledger.bury(claim_one(ledger, NOW), NOW + SECOND, "permanent: read ticket, status 403")
    return ledger


def test_a_mark_does_not_revive_the_dead(buried: SqlLedger, database: Database) -> None:
    """It is counted, and the ticket waits for a person."""
    buried.mark([ONE], NOW + HOUR)
    assert buried.claim_due(1, NOW + HOUR) == []
    assert buried.next_due_at(NOW + HOUR) is None
    assert row(database)["marked"] == 2


def test_the_dead_list_says_who_when_and_why(buried: SqlLedger) -> None:
    """The latest first, no more than asked for."""
    buried.mark([TWO], NOW)
    buried.bury(claim_one(buried, NOW), NOW + HOUR, "unknown account")
    assert [(dead.key, dead.dead_at, dead.attempts, dead.reason) for dead in buried.dead(9)] == [
        (TWO, NOW + HOUR, 1, "unknown account"),
        (ONE, NOW + SECOND, 1, "permanent: read ticket, status 403"),
    ]
    assert [dead.key for dead in buried.dead(1)] == [TWO]


def test_a_person_takes_a_dead_ticket_back_to_work(buried: SqlLedger) -> None:
    """At once, with attempts counted anew; tickets that are not dead are left alone."""
    buried.mark([TWO], NOW)
    running = claim_one(buried, NOW)
    assert buried.retry([THREE, TWO, ONE], NOW + HOUR) == 1
    assert (buried.dead(9), buried.next_due_at(NOW)) == ([], NOW + LEASE)
    assert buried.finish(running, NOW, None)
    claim = claim_one(buried, NOW + HOUR)
    assert (claim.key, claim.attempts) == (ONE, 1)


def test_a_person_drops_a_dead_ticket(buried: SqlLedger) -> None:
    """It is forgotten, until it is marked again; tickets that are not dead are left alone."""
    buried.mark([TWO], NOW)
    assert buried.drop([ONE, TWO, THREE]) == 1
    assert buried.dead(9) == []
    buried.mark([ONE], NOW + HOUR)
    assert {claim.key: claim.marked for claim in buried.claim_due(9, NOW + HOUR)} == {ONE: 1, TWO: 1}


# --- the database's troubles ------------------------------------------------------------------


def test_a_check_leaves_nothing_behind(ledger: SqlLedger, database: Database) -> None:
    """Whether the ledger can be written is found out by writing, and taken back."""
    ledger.check()
    with database.reading() as connection:
        assert connection.execute(select(ticket_ledger.c.ticket)).all() == []


CALLS: dict[str, Callable[[SqlLedger, Claim], object]] = {
    "mark": lambda ledger, _: ledger.mark([ONE], NOW),
    "claim_due": lambda ledger, _: ledger.claim_due(1, NOW),
    "renew": lambda ledger, claim: ledger.renew([claim], NOW),
    "finish": lambda ledger, claim: ledger.finish(claim, NOW, None),
    "fail": lambda ledger, claim: ledger.fail(claim, NOW, NOW, "temporary"),
    "bury": lambda ledger, claim: ledger.bury(claim, NOW, "permanent"),
    "retry": lambda ledger, _: ledger.retry([ONE], NOW),
    "drop": lambda ledger, _: ledger.drop([ONE]),
    "check": lambda ledger, _: ledger.check(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_database_that_cannot_be_written_is_a_store_error(
    database: Database, call: Callable[[SqlLedger, Claim], object]
) -> None:
    """Every method that writes says so in the same way."""
    ledger = SqlLedger(database)
    ledger.mark([ONE], NOW)
    claim = claim_one(ledger, NOW)
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE ticket_ledger RENAME TO moved_away"))
    with pytest.raises(StoreError):
        call(ledger, claim)
    ledger.close()


def test_a_read_only_postgresql_fails_the_check(postgresql_url: str) -> None:
    """A standby answers queries; as a ledger it is of no use."""
    database = open_database(f"{postgresql_url}?options=-c%20default_transaction_read_only%3Don")
    writable = open_database(postgresql_url)
    writable.migrate()
    ledger = SqlLedger(database)
    assert ledger.next_due_at(NOW) is None
    with pytest.raises(StoreError, match="25006"):
        ledger.check()
    ledger.close()
    database.close()
    writable.close()


def test_a_read_only_sqlite_file_fails_the_check(sqlite_url: str) -> None:
    """A file that this process may only read is no ledger."""
    database = open_database(sqlite_url)
    database.migrate()
    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # as good as a read-only mount, for root too
    ledger = SqlLedger(database)
    with pytest.raises(StoreError, match="SQLITE_READONLY"):
        ledger.check()
    ledger.close()
    database.close()
