"""Whose fault a failure is: the ticket's, or the whole account's, which then sleeps.

When a helpdesk is away, refuses our login or tells us to wait, every ticket
fails, and none of them should pay for it. So the account sleeps: its tickets are
not claimed, their attempts are not counted, and after the sleep everything goes
on by itself. Its state is in the store, for all processes.

* The platform asks for patience (429, or 503 with a time): asleep for as long as it says.
* Our share of a limit is used up: asleep until the limit begins anew.
* The login is refused (all of ``Unauthorised`` but 403, which may be about one
  ticket only): asleep, longer each time until a look goes well.
* No answer, a broken one, 403: it may be the ticket. When the looks at
  ``SUSPECTS`` different tickets have failed so with none that went well between,
  it is the account: asleep, longer each time. Until then the ticket is put off
  and its attempts count, so one that the platform stumbles over each time ends
  on the dead list.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

import structlog

from oneclick_sla_plugin.delivery.reasons import reason_of
from oneclick_sla_plugin.errors import AccountPaused, PlatformError, TemporaryPlatformError, TicketChanged, Unauthorised
from oneclick_sla_plugin.ports import AccountState, AccountStates, Clock, Sleep

SUSPECTS = 3
"""So many different tickets that fail in a row are no chance."""

FIRST_SLEEP = timedelta(seconds=1)
LONGEST_SLEEP = timedelta(minutes=5)

_STATE_IS_FRESH_FOR = timedelta(seconds=1)

_log = structlog.get_logger()


class Events(Protocol):
    """Counts ``account_sleep`` with ``account`` and ``cause``: quota, rate_limit, unauthorised or outage."""

    def count(self, name: str, **labels: str) -> None: ...


class Health:
    """Judges failures and keeps the sleep of accounts. Safe to use from several threads.

    ``uniform(low, high)`` is the source of chance. All methods raise ``StoreError``.
    """

    def __init__(
        self,
        states: AccountStates,
        clock: Clock,
        events: Events,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._states = states
        self._clock = clock
        self._events = events
        self._uniform = uniform
        self._lock = Lock()
        self._known: dict[str, tuple[AccountState, datetime]] = {}

    def asleep(self, account: str) -> Sleep | None:
        """Until when the account sleeps, as it was known a second ago; ``None`` when it is awake."""
        return self._recent(account).asleep(self._clock())

    def well(self, account: str) -> None:
        """A look went well, so what failed before was no outage, or it is over."""
        state = self._recent(account)
        if state.failures or state.suspects:
            self._change(account, lambda old: replace(old, failures=0, suspects=()))

    def failed(self, account: str, ticket_id: str, error: PlatformError) -> Sleep | None:
        """Judge a failed look; the account's sleep if it is the account's failure, ``None`` if it is the ticket's."""
        cause = _cause(error)
        if cause is None:
            return None
        now = self._clock()
        new = False

        def judge(old: AccountState) -> AccountState:
            nonlocal new
            asked = error.retry_after if isinstance(error, TemporaryPlatformError) else None
            if cause in ("quota", "rate_limit") and asked is not None:
                until = now + max(asked, FIRST_SLEEP)
                standing = old.asleep(now)
                # The looks that were under way hear of a sleep that stands already; that is no longer one.
                new = standing is None or until > standing.until + FIRST_SLEEP
                return replace(old, sleep=Sleep(until, reason_of(error))) if new else old
            suspects = tuple(dict.fromkeys((*old.suspects, ticket_id)))[:SUSPECTS]
            if old.asleep(now) or (cause == "outage" and len(suspects) < SUSPECTS):
                return replace(old, suspects=suspects)
            new = True
            bound = min(FIRST_SLEEP * 2 ** min(old.failures, 32), LONGEST_SLEEP)
            until = now + bound * self._uniform(0.5, 1)
            return replace(old, suspects=suspects, failures=old.failures + 1, sleep=Sleep(until, reason_of(error)))

        sleep = self._change(account, judge).asleep(now)
        if new and sleep is not None:
            self._events.count("account_sleep", account=account, cause=cause)
            _log.warning("account.asleep", account=account, until=sleep.until.isoformat(), because=sleep.because)
        return sleep

    def _recent(self, account: str) -> AccountState:
        now = self._clock()
        with self._lock:
            known = self._known.get(account)
        if known is not None and now - known[1] < _STATE_IS_FRESH_FOR:
            return known[0]
        return self._remember(account, self._states.get(account))

    def _change(self, account: str, change: Callable[[AccountState], AccountState]) -> AccountState:
        return self._remember(account, self._states.change(account, change))

    def _remember(self, account: str, state: AccountState) -> AccountState:
        with self._lock:
            self._known[account] = (state, self._clock())
        return state


def _cause(error: PlatformError) -> str | None:
    match error:
        case AccountPaused():
            return "quota"
        case TicketChanged():
            return None
        case TemporaryPlatformError() if error.status == 429 or (error.status == 503 and error.retry_after):
            return "rate_limit"
        case Unauthorised() if error.status != 403:
            return "unauthorised"
        case TemporaryPlatformError() | Unauthorised():
            return "outage"
        case _:
            return None
