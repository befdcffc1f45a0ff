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


class Instant(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the base's
        """The integer to store. Raises ``TypeError`` for a datetime without a zone."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base's
        """The instant in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


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
)

_scheduled = and_(ticket_ledger.c.due_at.is_not(None), ticket_ledger.c.dead_at.is_(None))
Index("ix_ticket_ledger_due", ticket_ledger.c.due_at, postgresql_where=_scheduled, sqlite_where=_scheduled)
