"""The states of accounts: one row each, changed under its lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from oneclick_sla_plugin.ports import AccountState, Sleep, SweepState
from oneclick_sla_plugin.storage.database import Database
from oneclick_sla_plugin.storage.tables import account_state as states


class SqlAccountStates:
    """``ports.AccountStates`` on a database. Safe to use from several threads and processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, account: str) -> AccountState:
        """The state as it stands; that of an account nobody has changed yet is empty."""
        with self._database.reading() as connection:
            row = connection.execute(select(states).where(states.c.account == account)).one_or_none()
        return AccountState() if row is None else _state(row)

    def change(self, account: str, change: Callable[[AccountState], AccountState]) -> AccountState:
        """Change a state in one step that nobody else comes into; returns the new one."""
        with self._database.writing() as connection:
            insert = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
            first = insert(states).values(account=account, failures=0, suspects=[])
            connection.execute(first.on_conflict_do_nothing())
            mine = states.c.account == account
            old = _state(connection.execute(select(states).where(mine).with_for_update()).one())
            new = change(old)
            if new != old:
                connection.execute(update(states).where(mine).values(_columns(new)))
        return new


def _state(row: Row[Any]) -> AccountState:
    return AccountState(
        sleep=Sleep(row.asleep_until, row.asleep_because or "") if row.asleep_until is not None else None,
        failures=row.failures,
        suspects=tuple(row.suspects),
        sweep=SweepState(
            since=row.sweep_since,
            began_at=row.sweep_began_at,
            cursor=row.sweep_cursor,
            ended_at=row.swept_at,
            holder=row.sweep_by,
            held_until=row.sweep_lease_until,
        ),
        backfill=row.backfill_cursor,
    )


def _columns(state: AccountState) -> dict[str, Any]:
    return {
        "asleep_until": state.sleep.until if state.sleep else None,
        "asleep_because": state.sleep.because if state.sleep else None,
        "failures": state.failures,
        "suspects": list(state.suspects),
        "sweep_since": state.sweep.since,
        "sweep_began_at": state.sweep.began_at,
        "sweep_cursor": state.sweep.cursor,
        "swept_at": state.sweep.ended_at,
        "sweep_by": state.sweep.holder,
        "sweep_lease_until": state.sweep.held_until,
        "backfill_cursor": state.backfill,
    }
