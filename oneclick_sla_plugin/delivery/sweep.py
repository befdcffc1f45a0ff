"""The sweep: webhooks get lost, so from time to time the platform is asked what changed.

One sweep an account every so often, by one process at a time. It begins a little
before the last one began, since platforms hold back their newest changes and
clocks differ; a ticket that is marked once more costs a look that finds nothing.
How far it is stands in the store, so another process goes on where one died.
"""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from oneclick_sla_plugin.delivery.inbox import Inbox
from oneclick_sla_plugin.delivery.reasons import reason_of
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError, TemporaryPlatformError
from oneclick_sla_plugin.ports import AccountState, AccountStates, Clock, Connection, SweepState, TicketPage

OVERLAP = timedelta(minutes=3)
"""How far a sweep goes back behind the beginning of the last one."""

_HOLD = timedelta(minutes=5)
"""After this time without a page another process goes on; longer than the time-outs of a request."""

_SHORTEST_RETRY = timedelta(seconds=10)
_RETRY = timedelta(minutes=1)

_log = structlog.get_logger()


class Events(Protocol):
    """Counts ``sweep`` with ``account`` and ``outcome``: done or failed."""

    def count(self, name: str, **labels: str) -> None: ...


class Sweep:
    """The sweep of one account, a page a call, so that whoever calls stays free in between."""

    def __init__(
        self,
        account: str,
        connection: Connection,
        states: AccountStates,
        inbox: Inbox,
        clock: Clock,
        events: Events,
        *,
        every: timedelta,
    ) -> None:
        self._account = account
        self._connection = connection
        self._states = states
        self._inbox = inbox
        self._clock = clock
        self._events = events
        self._every = every
        self._name = f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex}"

    def __call__(self) -> timedelta:
        """Do the next page if one is due and nobody else is at it; returns when to call again.

        Raises ``StoreError``; what the platform raises is counted, logged and tried again later.
        """
        now = self._clock()
        state = self._states.change(self._account, lambda old: self._taken(old, now))
        if (sleep := state.asleep(now)) is not None:
            return min(sleep.until - now, self._every)
        sweep = state.sweep
        if sweep.holder != self._name or sweep.began_at is None:
            return self._until_due(sweep, now)
        try:
            page = self._connection.changed(sweep.since or sweep.began_at, sweep.cursor)
        except PlatformError as error:
            return self._failed(error, sweep)
        self._inbox.accept(self._account, page.ticket_ids)
        new = self._states.change(self._account, lambda old: self._done(old, page)).sweep
        if new.began_at is not None:
            return timedelta(0)
        self._events.count("sweep", account=self._account, outcome="done")
        _log.info("sweep.done", account=self._account)
        return self._until_due(new, self._clock())

    def _taken(self, old: AccountState, now: datetime) -> AccountState:
        """The state with the sweep in our hands, if it is due and in nobody else's."""
        sweep = old.sweep
        held = sweep.holder not in (None, self._name) and sweep.held_until is not None and sweep.held_until > now
        resting = sweep.began_at is None and sweep.ended_at is not None and sweep.ended_at + self._every > now
        if held or resting or old.asleep(now):
            return old
        mine = replace(sweep, holder=self._name, held_until=now + _HOLD)
        if sweep.began_at is None:
            mine = replace(mine, began_at=now, since=sweep.since or now - self._every, cursor=None)
        return replace(old, sweep=mine)

    def _done(self, old: AccountState, page: TicketPage) -> AccountState:
        sweep = old.sweep
        if sweep.holder != self._name or sweep.began_at is None:
            return old  # somebody thought we had died, and goes on
        now = self._clock()
        if page.more:
            return replace(old, sweep=replace(sweep, cursor=page.cursor, held_until=now + _HOLD))
        return replace(old, sweep=SweepState(since=sweep.began_at - OVERLAP, ended_at=now))

    def _failed(self, error: PlatformError, failed: SweepState) -> timedelta:
        def given_up(old: AccountState) -> AccountState:
            if old.sweep.holder != self._name:
                return old
            # A cursor that the platform does not take any more would never do; it begins anew.
            cursor = None if isinstance(error, PermanentPlatformError) else failed.cursor
            return replace(old, sweep=replace(old.sweep, cursor=cursor, holder=None, held_until=None))

        self._states.change(self._account, given_up)
        self._events.count("sweep", account=self._account, outcome="failed")
        _log.warning("sweep.failed", account=self._account, reason=reason_of(error))
        asked = error.retry_after if isinstance(error, TemporaryPlatformError) else None
        return max(asked, _SHORTEST_RETRY) if asked is not None else _RETRY

    def _until_due(self, sweep: SweepState, now: datetime) -> timedelta:
        if sweep.began_at is not None or sweep.ended_at is None:
            return _RETRY  # somebody else is at it
        return max(sweep.ended_at + self._every - now, timedelta(0))
