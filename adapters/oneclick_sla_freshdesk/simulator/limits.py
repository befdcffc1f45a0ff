"""The account's budget of credits: one for all keys, all calls and the webhooks, counted by the minute.

The minutes are those of the simulator's clock.
https://support.freshdesk.com/support/solutions/articles/225439
"""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from oneclick_sla_freshdesk.simulator.behaviour import Behaviour
from oneclick_sla_plugin.ports import Clock

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Credits a minute: of the account, and of the operations that have a limit of their own."""

    total: int
    create_ticket: int
    update_ticket: int
    list_tickets: int
    list_contacts: int


GROWTH = Limits(200, 80, 80, 20, 20)
PRO = Limits(400, 160, 160, 100, 100)
ENTERPRISE = Limits(700, 280, 280, 200, 200)
TRIAL = Limits(50, 50, 50, 50, 50)

_OPERATIONS: Mapping[str, str] = {
    "POST /api/v2/tickets": "create_ticket",
    "PUT /api/v2/tickets/<int:ticket_id>": "update_ticket",
    "GET /api/v2/tickets": "list_tickets",
    "GET /api/v2/contacts": "list_contacts",
}


@dataclass(frozen=True, slots=True)
class Admission:
    """What one call found: the limit that counts for it, what is left of it, and when it is whole again.

    ``granted`` is false when nothing was left; ``cost`` is what the call took.
    """

    granted: bool
    limit: int
    remaining: int
    cost: int
    resets_in: timedelta


class Budget:
    """Counts credits. Safe to use from several threads."""

    def __init__(self, limits: Limits, clock: Clock, behaviour: Behaviour) -> None:
        self.limits = limits
        self._behaviour = behaviour
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = clock()
        self._used: dict[str, int] = {}

    def take(self, operation: str, cost: int) -> Admission:
        """Ask for the credits of one call; ``operation`` is a method and a route. A refused call takes one, too."""
        own = _OPERATIONS.get(operation)
        with self._lock:
            now = self._turned()
            names = ["total", *([own] if own else [])]
            granted = all(self._left(name) >= cost for name in names)
            for name in names:
                self._used[name] = self._used.get(name, 0) + (cost if granted else 1)
            short = next((name for name in names if not granted and self._left(name) < cost), None)
            told = short or (own if own and self._behaviour.endpoint_headers else "total")
            return Admission(granted, getattr(self.limits, told), self._left(told), cost, self._minute + _MINUTE - now)

    def take_webhook(self) -> bool:
        """A webhook takes one credit of the account's; false when there is none left."""
        with self._lock:
            self._turned()
            granted = self._left("total") > 0
            self._used["total"] = self._used.get("total", 0) + granted
            return granted

    def spend(self, credits_used: int) -> None:
        """Another app of the account takes credits of this minute."""
        with self._lock:
            self._turned()
            self._used["total"] = self._used.get("total", 0) + credits_used

    def _turned(self) -> datetime:
        now = self._clock()
        if now >= self._minute + _MINUTE:
            self._minute, self._used = now, {}
        return now

    def _left(self, name: str) -> int:
        return max(0, int(getattr(self.limits, name)) - self._used.get(name, 0))


def cost(includes: Collection[str], *, single: bool) -> int:
    """Credits of a call: two more for each include, but only one more for the conversations of a single ticket."""
    return 1 + sum(1 if single and name == "conversations" else 2 for name in includes)


def rate_headers(admission: Admission) -> dict[str, str]:
    """The headers, as decimals."""
    return {
        "X-RateLimit-Total": f"{admission.limit:.1f}",
        "X-RateLimit-Remaining": f"{admission.remaining:.1f}",
        "X-RateLimit-Used-CurrentRequest": f"{admission.cost:.1f}",
    }


def retry_after(admission: Admission) -> int:
    """Whole seconds until the budget is whole again, at least one."""
    return max(1, math.ceil(admission.resets_in.total_seconds()))
