"""What the headers of an answer say of Freshdesk's limits.

https://developers.freshdesk.com/api/#ratelimit : ``X-RateLimit-Total`` and
``X-RateLimit-Remaining``, credits a minute, also as decimals. All calls of the account,
of other apps and its webhooks take from one budget; updates and lists of tickets have
a narrower one besides. The headers do not name the limit they tell: an answer to a call
that has one of its own is taken to tell that one. If it told the account's instead, what
is believed is a limit that holds as well.
"""

from __future__ import annotations

from datetime import timedelta

from oneclick_sla_freshdesk.feeds import CHANGED, UNSOLVED
from oneclick_sla_freshdesk.updates import WRITE
from oneclick_sla_plugin.exchanges import number
from oneclick_sla_plugin.ports import Quota, Request, Response

ACCOUNT = "account"
"""Name of the quota that counts every call of the account."""

_WINDOW = timedelta(minutes=1)
_OWN_LIMITS = {"tickets-update": frozenset({WRITE}), "tickets-list": frozenset({CHANGED, UNSOLVED})}


def quotas(request: Request, response: Response) -> tuple[Quota, ...]:
    """The limit that this answer tells of; empty when it tells of none."""
    total = number(response.headers.get("x-ratelimit-total", ""))
    remaining = number(response.headers.get("x-ratelimit-remaining", ""))
    if total is None or remaining is None:
        return ()
    for name, operations in _OWN_LIMITS.items():
        if request.operation in operations:
            return (Quota(name, total, remaining, _WINDOW, operations),)
    return (Quota(ACCOUNT, total, remaining, _WINDOW),)
