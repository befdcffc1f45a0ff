"""The complaint register, and triggers that keep what was written in it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_REFUSAL = "the complaint register is append-only"

_SQLITE = (
    "CREATE TRIGGER complaint_event_keeps_{verb} BEFORE {verb} ON complaint_event"
    " BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
)
_SQLITE_ROW = "CREATE TRIGGER complaint_is_kept BEFORE DELETE ON complaint BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
_SQLITE_NUMBER = (
    "CREATE TRIGGER complaint_keeps_its_number BEFORE UPDATE ON complaint"
    " WHEN OLD.sequence IS NOT NULL AND"
    " (NEW.series, NEW.year, NEW.sequence) IS NOT (OLD.series, OLD.year, OLD.sequence)"
    " BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
)
_POSTGRESQL_REFUSE = (
    "CREATE FUNCTION complaint_register_refuses() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
)
_POSTGRESQL = (
    "CREATE TRIGGER complaint_event_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON complaint_event"
    " FOR EACH STATEMENT EXECUTE FUNCTION complaint_register_refuses()"
)
_POSTGRESQL_ROW = (
    "CREATE TRIGGER complaint_is_kept BEFORE DELETE OR TRUNCATE ON complaint"
    " FOR EACH STATEMENT EXECUTE FUNCTION complaint_register_refuses()"
)
_POSTGRESQL_NUMBER = (
    "CREATE TRIGGER complaint_keeps_its_number BEFORE UPDATE ON complaint FOR EACH ROW"
    " WHEN (OLD.sequence IS NOT NULL AND"
    " (NEW.series, NEW.year, NEW.sequence) IS DISTINCT FROM (OLD.series, OLD.year, OLD.sequence))"
    " EXECUTE FUNCTION complaint_register_refuses()"
)


def upgrade() -> None:
    """Make the tables and the triggers."""
    op.create_table(
        "complaint",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("ticket", sa.String(), primary_key=True),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("year", sa.Integer()),
        sa.Column("sequence", sa.Integer()),
        sa.Column("registered_at", sa.BigInteger()),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("type", sa.String()),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("message", sa.String()),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("duplicate_of", sa.String()),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("last_event_at", sa.BigInteger(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("series", "year", "sequence", name="uq_complaint_number"),
    )
    op.create_index("ix_complaint_duplicate", "complaint", ["account", "duplicate_of"])
    op.create_table(
        "complaint_event",
        sa.Column("series", sa.String(), primary_key=True),
        sa.Column("position", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("ticket", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("message", sa.String()),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text()),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
    )
    op.create_index("ix_complaint_event_ticket", "complaint_event", ["account", "ticket"])
    op.create_table(
        "complaint_series",
        sa.Column("series", sa.String(), primary_key=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
    )
    op.create_table(
        "complaint_number",
        sa.Column("series", sa.String(), primary_key=True),
        sa.Column("year", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("last", sa.Integer(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        for trigger in (_POSTGRESQL_REFUSE, _POSTGRESQL, _POSTGRESQL_ROW, _POSTGRESQL_NUMBER):
            op.execute(trigger.format(refusal=_REFUSAL))
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(_SQLITE.format(verb=verb, refusal=_REFUSAL))
        for trigger in (_SQLITE_ROW, _SQLITE_NUMBER):
            op.execute(trigger.format(refusal=_REFUSAL))


def downgrade() -> None:
    """Drop the register whole, numbers and evidence included."""
    for table in ("complaint_number", "complaint_series", "complaint_event", "complaint"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION complaint_register_refuses()")
