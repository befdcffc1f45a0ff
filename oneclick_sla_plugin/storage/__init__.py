"""What has to outlive the process: the ledger of tickets to look at, on SQLite or PostgreSQL.

Counters, instants and facts only; no text of a customer ever gets here.
"""
