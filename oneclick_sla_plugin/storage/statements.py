"""The statements of the ledger that run with each webhook and each claim, built once.

Building one costs more than running it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.tables import Instant, account_state, latest
from oneclick_sla_plugin.storage.tables import ticket_ledger as ledger

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)

_NOW = bindparam("now", type_=Instant())
_LIVE = and_(ledger.c.due_at.is_not(None), ledger.c.dead_at.is_(None))


def mark_rows(database: Database, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert tickets, or count another mark of each; durable after ``database.flush()``.

    ``rows`` hold what :data:`MARKED` names, instants as integers. Raises ``StoreError``.
    """
    if database.dialect == "sqlite":
        # All rows in one call: between calls other threads run, and the writers' lock is held for as long.
        database.write_ahead(_MARK_SQLITE, {"rows": json.dumps(rows, separators=(",", ":"))})
    else:
        with database.writing() as connection:
            connection.execute(_MARK_POSTGRESQL, rows)


MARKED = ("account", "ticket", "marked", "done", "due_at", "not_before", "attempts", "first_marked_at")

_Insert = TypeVar("_Insert", sqlite.Insert, postgresql.Insert)


def _or_count(statement: _Insert) -> _Insert:
    new = statement.excluded
    sooner = or_(ledger.c.due_at.is_(None), ledger.c.due_at > new.due_at)
    return statement.on_conflict_do_update(
        index_elements=[ledger.c.account, ledger.c.ticket],
        set_={
            "marked": ledger.c.marked + new.marked,
            "due_at": case((sooner, new.due_at), else_=ledger.c.due_at),
        },
    )


_given = func.json_each(bindparam("rows", type_=String)).table_valued("value")
_MARK_SQLITE = str(
    _or_count(
        sqlite.insert(ledger).from_select(
            MARKED,
            # Without a condition SQLite takes ON for a join's: https://www.sqlite.org/lang_upsert.html
            select(*(func.json_extract(_given.c.value, literal_column(f"'$.{name}'")) for name in MARKED)).where(
                literal_column("1") == literal_column("1")
            ),
        )
    ).compile(dialect=sqlite.dialect(paramstyle="named"))
)
_MARK_POSTGRESQL = _or_count(
    postgresql.insert(ledger).values(
        {name: bindparam(name, type_=BigInteger) for name in MARKED if isinstance(ledger.c[name].type, Instant)}
        | {name: bindparam(name) for name in MARKED if not isinstance(ledger.c[name].type, Instant)}
    )
)


_IS_DUE = and_(
    _LIVE,
    ledger.c.due_at <= _NOW,
    ledger.c.not_before <= _NOW,
    or_(ledger.c.lease_until.is_(None), ledger.c.lease_until <= _NOW),
    ledger.c.account.not_in(select(account_state.c.account).where(account_state.c.asleep_until > _NOW)),
)

ANY_DUE = select(literal(1)).select_from(ledger).where(_IS_DUE).limit(1)
"""Whether anything is due at ``now``."""

DUE = (
    select(
        ledger.c.account,
        ledger.c.ticket,
        ledger.c.marked,
        ledger.c.attempts,
        ledger.c.writes,
        ledger.c.replies,
    )
    .where(_IS_DUE)
    .order_by(ledger.c.due_at, ledger.c.account, ledger.c.ticket)
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True, of=ledger)  # not rendered on SQLite, where the transaction is the lock
)
"""What is due at ``now``, no more than ``limit``, the longest waiting first; locked."""

LEASE = (
    update(ledger)
    .where(ledger.c.account == bindparam("of_account"), ledger.c.ticket == bindparam("of_ticket"))
    .values(
        attempts=ledger.c.attempts + 1,
        lease_by=bindparam("token"),
        lease_until=bindparam("until"),
        not_before=bindparam("spaced"),
    )
)


def _next_due() -> Select[Any]:
    wakes_at = select(account_state.c.asleep_until).where(account_state.c.account == ledger.c.account)
    instant = ledger.c.due_at.type
    claimable_at = latest(
        ledger.c.due_at,
        ledger.c.not_before,
        func.coalesce(ledger.c.lease_until, ledger.c.due_at, type_=instant),
        func.coalesce(wakes_at.scalar_subquery(), ledger.c.due_at, type_=instant),
    )
    # No row is claimable before its due_at. So the first row of the future bounds the answer from
    # above, and only rows that are due up to there are asked: the index finds them, however many
    # timers lie further ahead.
    bound = select(claimable_at).where(_LIVE, ledger.c.due_at > _NOW).order_by(ledger.c.due_at).limit(1)
    end_of_time = bindparam(None, _END_OF_TIME, type_=instant)
    return select(func.min(claimable_at, type_=instant)).where(
        _LIVE, ledger.c.due_at <= func.coalesce(bound.scalar_subquery(), end_of_time)
    )


NEXT_DUE = _next_due()
"""The earliest instant, as seen at ``now``, at which something can be claimed; null if never."""
