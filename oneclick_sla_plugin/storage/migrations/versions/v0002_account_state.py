"""What processes share of an account; arrivals, writes and replies of a ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COLUMNS = (
    ("first_marked_at", sa.BigInteger()),
    ("settled_at", sa.BigInteger()),
    ("writes", sa.JSON()),
    ("replies", sa.JSON()),
)


def upgrade() -> None:
    """Add the columns and the table. Tickets that are known already keep an unknown arrival."""
    for name, kind in _COLUMNS:
        op.add_column("ticket_ledger", sa.Column(name, kind))
    op.create_index("ix_ticket_ledger_arrivals", "ticket_ledger", ["account", "first_marked_at"])
    op.create_table(
        "account_state",
        sa.Column("account", sa.String(), primary_key=True),
        sa.Column("asleep_until", sa.BigInteger()),
        sa.Column("asleep_because", sa.String()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("suspects", sa.JSON(), nullable=False),
        sa.Column("sweep_since", sa.BigInteger()),
        sa.Column("sweep_began_at", sa.BigInteger()),
        sa.Column("sweep_cursor", sa.String()),
        sa.Column("swept_at", sa.BigInteger()),
        sa.Column("sweep_by", sa.String()),
        sa.Column("sweep_lease_until", sa.BigInteger()),
        sa.Column("backfill_cursor", sa.String()),
    )


def downgrade() -> None:
    """Take both away again."""
    op.drop_table("account_state")
    op.drop_index("ix_ticket_ledger_arrivals", "ticket_ledger")
    with op.batch_alter_table("ticket_ledger") as table:
        for name, _ in _COLUMNS:
            table.drop_column(name)
