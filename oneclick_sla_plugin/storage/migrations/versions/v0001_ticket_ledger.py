"""The ledger of tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the ledger's table and the index that finds what is due."""
    op.create_table(
        "ticket_ledger",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("ticket", sa.String(), primary_key=True),
        sa.Column("marked", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("lease_by", sa.String()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("dead_at", sa.BigInteger()),
        sa.Column("last_reason", sa.String()),
        sa.Column("facts", sa.JSON()),
    )
    scheduled = sa.text("due_at IS NOT NULL AND dead_at IS NULL")
    op.create_index(
        "ix_ticket_ledger_due", "ticket_ledger", ["due_at"], postgresql_where=scheduled, sqlite_where=scheduled
    )


def downgrade() -> None:
    """Drop the ledger."""
    op.drop_table("ticket_ledger")
