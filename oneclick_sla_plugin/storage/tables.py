"""The tables, as the newest migration leaves them.

Instants are integers: microseconds since 1970 in UTC, computed in Python. What a
database makes of a time stamp or of a fraction of a second depends on its kind
and version; an integer does not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    and_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """Since 1970. Raises ``TypeError`` for a datetime without a zone."""
    return (at - _EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> datetime:
    """The instant in UTC."""
    return _EPOCH + microseconds * _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the base's
        """The integer to store. Raises ``TypeError`` for a datetime without a zone."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base's
        """The instant in UTC."""
        return None if value is None else instant_of(value)


class latest(GenericFunction[Any]):  # noqa: N801 - named and used like a function of SQL
    """The later of several instants, none of them null: ``GREATEST``, which SQLite spells ``MAX``."""

    type = Instant()
    inherit_cache = True


@compiles(latest)
def _greatest(element: latest, compiler: SQLCompiler, **options: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"


@compiles(latest, "sqlite")
def _max(element: latest, compiler: SQLCompiler, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


metadata = MetaData()

ticket_ledger = Table(
    "ticket_ledger",
    metadata,
    Column("account", String, primary_key=True),
    Column("ticket", String, primary_key=True),
    # How often the ticket was marked, and up to which mark it has been dealt with.
    Column("marked", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    # When to look next (null: not before it is marked again), and what may hold that back: a
    # back-off or the spacing of looks. Two columns, since a mark pulls due_at forward and must not
    # shorten a back-off.
    Column("due_at", Instant),
    Column("not_before", Instant, nullable=False),
    Column("lease_by", String),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False),
    Column("dead_at", Instant),
    Column("last_reason", String),
    Column("facts", JSON(none_as_null=True)),
    # When the ticket came to us; null where it came out of a backlog.
    Column("first_marked_at", Instant),
    # When the row was last settled, for pruning.
    Column("settled_at", Instant),
    # The latest writes on the ticket, as microseconds since 1970: what the fuse counts.
    Column("writes", JSON(none_as_null=True)),
    # Public replies that were sent, or may have been: key, microseconds since 1970, whether it is certain.
    Column("replies", JSON(none_as_null=True)),
)

_scheduled = and_(ticket_ledger.c.due_at.is_not(None), ticket_ledger.c.dead_at.is_(None))
Index("ix_ticket_ledger_due", ticket_ledger.c.due_at, postgresql_where=_scheduled, sqlite_where=_scheduled)
Index("ix_ticket_ledger_arrivals", ticket_ledger.c.account, ticket_ledger.c.first_marked_at)

account_state = Table(
    "account_state",
    metadata,
    Column("account", String, primary_key=True),
    # Until when nothing is asked of the account, and why.
    Column("asleep_until", Instant),
    Column("asleep_because", String),
    # How often it was put to sleep for failing, and whose looks failed, since the last look that went well.
    Column("failures", Integer, nullable=False),
    Column("suspects", JSON, nullable=False),
    # The sweep: which changes the one under way is after, how far it is, when the last one ended, who sweeps.
    Column("sweep_since", Instant),
    Column("sweep_began_at", Instant),
    Column("sweep_cursor", String),
    Column("swept_at", Instant),
    Column("sweep_by", String),
    Column("sweep_lease_until", Instant),
    # Where a backfill that was interrupted goes on.
    Column("backfill_cursor", String),
)
