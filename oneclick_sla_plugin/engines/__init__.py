"""Who calls the reconciler, and where. An engine claims from the ledger and knows nothing else of the program."""
