"""The desk at which looks are tried out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oneclick_sla_plugin.storage.database import open_database
from oneclick_sla_plugin.storage.ledger import SqlLedger
from tests.unit.delivery.desk import Desk, FakeHelpdesk


@pytest.fixture
def desk(sqlite_url: str, clock: Any) -> Iterator[Desk]:
    database = open_database(sqlite_url)
    database.migrate()
    ledger = SqlLedger(database)
    yield Desk(FakeHelpdesk(), ledger, database, clock)
    ledger.close()
    database.close()
