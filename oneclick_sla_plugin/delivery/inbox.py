"""The inbox: a webhook is a reason to look at a ticket, and noting that durably is all that happens at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from oneclick_sla_plugin.domain.model import TicketKey
from oneclick_sla_plugin.ports import Clock, Ledger


class Inbox:
    """Marks tickets in the ledger, then rings the bell of whoever works.

    The order matters: a bell that is lost costs latency, a mark that is lost costs the event.
    """

    def __init__(self, ledger: Ledger, ring: Callable[[], None], clock: Clock) -> None:
        self._ledger = ledger
        self._ring = ring
        self._clock = clock

    def accept(self, account: str, ticket_ids: Iterable[str]) -> None:
        """Returns once the marks are committed. Raises ``StoreError`` when they are not: then nothing was accepted."""
        keys = [TicketKey(account, ticket_id) for ticket_id in ticket_ids]
        if keys:
            self._ledger.mark(keys, self._clock())
            self._ring()
