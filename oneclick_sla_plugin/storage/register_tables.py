"""The tables of the complaint register, beside those of ``tables``.

``complaint`` says how each complaint stands, ``complaint_event`` how it came to
that; the first follows from the second. The other two are the ends of what must
have no gap: of each series' chain of events, and of each year's numbers.

JSON is stored as text in one canonical form, since the chain's hashes cover it to the letter.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, Row, String, Table, Text, UniqueConstraint

from oneclick_sla_plugin.storage.tables import Instant, metadata, microseconds

complaint = Table(
    "complaint",
    metadata,
    Column("account", String, primary_key=True),
    Column("ticket", String, primary_key=True),
    Column("series", String, nullable=False),
    # The number's parts; null for a suspect.
    Column("year", Integer),
    Column("sequence", Integer),
    Column("registered_at", Instant),
    Column("stage", String, nullable=False),
    Column("type", String),
    Column("channel", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("level", Integer, nullable=False),
    # The customer's message that carries the complaint, by its id.
    Column("message", String),
    Column("policy", String, nullable=False),
    # Why it is taken for a complaint: [[rule id, weight], …].
    Column("rules", Text, nullable=False),
    # The ticket that this one is a duplicate of, in the same account.
    Column("duplicate_of", String),
    # Which events the ticket showed at the last look that changed anything: [position, …].
    Column("standing", Text, nullable=False),
    Column("last_event_at", Instant, nullable=False),
    # When that look was.
    Column("as_of", Instant, nullable=False),
    UniqueConstraint("series", "year", "sequence", name="uq_complaint_number"),
    Index("ix_complaint_duplicate", "account", "duplicate_of"),
)

complaint_event = Table(
    "complaint_event",
    metadata,
    Column("series", String, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("account", String, nullable=False),
    Column("ticket", String, nullable=False),
    Column("what", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("message", String),
    Column("level", Integer, nullable=False),
    Column("facts", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    # The complaint's row as this event left it; null where it left it as it was.
    Column("state", Text),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("ix_complaint_event_ticket", "account", "ticket"),
)

complaint_series = Table(
    "complaint_series",
    metadata,
    Column("series", String, primary_key=True),
    # The last link of the chain. Whoever writes to a series holds this row.
    Column("position", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)

complaint_number = Table(
    "complaint_number",
    metadata,
    Column("series", String, primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)


def plain(row: Row[Any]) -> dict[str, Any]:
    """A row of these tables with its instants as the integers that are stored and hashed."""
    values = row._mapping.items()
    return {name: microseconds(value) if isinstance(value, datetime) else value for name, value in values}
