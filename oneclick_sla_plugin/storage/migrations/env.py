"""Alembic's entry: runs the revisions on the connection, and in the transaction, that it is handed."""

from __future__ import annotations

from alembic import context

from oneclick_sla_plugin.storage import register_tables

# The register's tables stand in the same metadata as all others, once their module is loaded.
metadata = register_tables.complaint.metadata
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
