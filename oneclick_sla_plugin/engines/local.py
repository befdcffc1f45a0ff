"""The local engine: threads of one process that claim what is due and reconcile it.

One of the threads watches the ledger for all of them. When it has a claim it
hands the watch to the next and works; so an idle engine asks the ledger once in
a while, not once a thread. The bell wakes the watching thread; a bell that is
lost, or rung in another process, costs at most one ``poll``.

Another thread renews the leases of what is being worked on. When the process
dies the leases expire, and whoever claims next takes the tickets over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Lock, Thread

import structlog

from oneclick_sla_plugin.errors import StoreError
from oneclick_sla_plugin.ports import Claim, Clock, Ledger

_SHORTEST_WAIT = timedelta(milliseconds=10)
"""Between two claims that found nothing: a row that is due may be locked by another process for a moment."""

_REST = timedelta(milliseconds=40)
"""After a look at the ledger that found nothing, whoever rings: a flood of webhooks must not become a flood of looks."""

_LONGEST_REST = timedelta(milliseconds=160)
"""When look after look was rung for and finds nothing, as while the account sleeps that all the webhooks are for."""

_SETTLING = timedelta(milliseconds=20)

_log = structlog.get_logger()


class LocalEngine:
    """Runs ``reconcile`` for each claim, in ``workers`` threads.

    ``poll``: the longest pause between two looks at the ledger, and the pause after
    a ``StoreError``. ``heartbeat``: how often leases are renewed; a third of the
    ledger's lease is right. Starts and stops once.
    """

    def __init__(
        self,
        ledger: Ledger,
        reconcile: Callable[[Claim], object],
        clock: Clock,
        *,
        workers: int = 4,
        poll: timedelta = timedelta(seconds=1),
        heartbeat: timedelta = timedelta(seconds=5),
    ) -> None:
        self._ledger = ledger
        self._reconcile = reconcile
        self._clock = clock
        self._poll = poll
        self._heartbeat = heartbeat
        self._bell = Event()
        self._stopping = Event()
        self._stopped = Event()
        self._watching = Lock()
        # Held from the claim until it is entered below, so that nothing under way is overlooked.
        self._claiming = Lock()
        self._running: dict[str, Claim] = {}
        self._workers = [
            Thread(target=self._work, name=f"engine-worker-{n}", daemon=True) for n in range(1, workers + 1)
        ]
        self._pulse = Thread(target=self._keep_leases, name="engine-heartbeat", daemon=True)

    def start(self) -> None:
        """Start the threads. In a server that forks: after the fork."""
        for thread in (*self._workers, self._pulse):
            thread.start()

    @property
    def running(self) -> bool:
        """Whether the engine was started and not stopped."""
        return self._pulse.is_alive() and not self._stopping.is_set()

    def ring(self) -> None:
        """Something was marked: look now."""
        if not self._bell.is_set():
            self._bell.set()

    def stop(self, timeout: timedelta = timedelta(seconds=30)) -> bool:
        """Claim nothing more and wait for what is under way; false when the time was too short for that.

        What is still under way then goes on in its thread; if the process ends, its lease expires.
        """
        give_up_at = time.monotonic() + timeout.total_seconds()
        self._stopping.set()
        self._bell.set()
        if self._pulse.ident is None:
            return True  # never started
        for thread in self._workers:
            thread.join(max(give_up_at - time.monotonic(), 0))
        drained = not any(thread.is_alive() for thread in self._workers)
        if drained:
            self._stopped.set()
            self._pulse.join(max(give_up_at - time.monotonic(), 0))
        return drained

    def idle(self, within: timedelta = timedelta(0)) -> bool:
        """Whether nothing is under way here and nothing is due now, or ``within`` that time. Raises ``StoreError``.

        A ticket that was looked at a moment ago and marked again is due a little
        later (the ledger spaces its looks): ask for that much ahead to wait for it too.
        """
        with self._claiming:
            if self._running:
                return False
            now = self._clock()
            due_at = self._ledger.next_due_at(now)
        return due_at is None or due_at > now + within

    def wait_idle(self, timeout: timedelta, within: timedelta = timedelta(0)) -> bool:
        """Wait until :meth:`idle`; false when the time is over first. For the demo and for tests."""
        give_up_at = time.monotonic() + timeout.total_seconds()
        while not self.idle(within):
            if time.monotonic() > give_up_at:
                return False
            time.sleep(_SETTLING.total_seconds())
        return True

    # --- the threads --------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._watching:
                claim = self._next()
            if claim is None:
                return
            try:
                self._reconcile(claim)
            except Exception as error:  # noqa: BLE001 - one claim must not end the thread; its lease will expire
                # The class alone: a message may quote what a customer wrote.
                _log.error("engine.claim_left", key=str(claim.key), error=type(error).__qualname__)
                if isinstance(error, StoreError):
                    self._stopping.wait(self._poll.total_seconds())
            finally:
                self._running.pop(claim.token)

    def _next(self) -> Claim | None:
        """The next claim, when there is one; ``None`` when the engine stops."""
        rest = _REST
        while True:
            rest = min(2 * rest, _LONGEST_REST) if self._bell.is_set() else _REST  # rung for, and nothing was found
            self._bell.clear()  # before looking: who marks or stops from here on rings again
            if self._stopping.is_set():
                return None
            try:
                with self._claiming:
                    claims = self._ledger.claim_due(1, self._clock())
                    self._running.update((claim.token, claim) for claim in claims)
                if claims:
                    return claims[0]
                pause = self._pause()
            except StoreError as error:
                _log.warning("engine.store_unavailable", error=str(error))
                self._stopping.wait(self._poll.total_seconds())
            else:
                self._stopping.wait(min(rest, pause).total_seconds())
                self._bell.wait(max(pause - rest, timedelta(0)).total_seconds())

    def _pause(self) -> timedelta:
        now = self._clock()
        due_at = self._ledger.next_due_at(now)
        return self._poll if due_at is None else min(max(due_at - now, _SHORTEST_WAIT), self._poll)

    def _keep_leases(self) -> None:
        while not self._stopped.wait(self._heartbeat.total_seconds()):
            claims = list(self._running.values())
            if not claims:
                continue
            try:
                self._ledger.renew(claims, self._clock())
            except StoreError as error:
                _log.warning("engine.store_unavailable", error=str(error))
