"""The history of the schema. ``Database.migrate`` runs it; a new revision is a new module in ``versions``."""
