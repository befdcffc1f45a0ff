"""Reconciling: read a ticket, decide, write the difference, say when to look next.

A look is idempotent, so it may be repeated at any time, after a crash at any
line, and its result is always what the ticket, the policy and the present amount
to. What a look does with a claim:

* everything went well, or there was nothing to write: the claim is finished;
* the ticket is gone: finished, with nothing scheduled;
* the ticket changed between reading and writing: read and decided anew at once,
  a few times, then treated like any temporary error;
* a temporary error, or an error of this program: given back, to rest for a while;
  past the limit of attempts it is buried, as it is when it killed its workers;
* a permanent error, or an account that is not configured: buried, for a person.

Logs and reasons name tickets, tags, fields, note keys and classes of errors.
Never a text, and never the arguments of an unexpected exception, which may hold one.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import structlog

from oneclick_sla_plugin.delivery.backoff import Backoff
from oneclick_sla_plugin.domain.changes import Changes, diff, written_after
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import Status, Ticket
from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    StoreError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.ports import Claim, Clock, Connection, Ledger

TRIES_OF_A_MOVING_TICKET = 4
"""How often one look reads and decides when somebody else keeps writing on the ticket."""

_PAUSE_OF_A_MOVING_TICKET = timedelta(milliseconds=500)

_log = structlog.get_logger()


class Outcome(StrEnum):
    """How a look ended. ``CLOSED``: the platform takes no more writes for the ticket."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    OBSERVED = "observed"
    CLOSED = "closed"
    GONE = "gone"
    FAILED = "failed"
    BURIED = "buried"


class Events(Protocol):
    """Counts what happens.

    ``reconcile`` with the labels ``account`` and ``outcome``, once a look;
    ``reconcile_conflict`` with ``account``, each time a ticket moved under a look;
    ``reconcile_lease_lost`` with ``account``, when somebody else had taken the ticket over.
    """

    def count(self, name: str, **labels: str) -> None:
        """Add one to the counter ``name``; the values of labels come from small fixed sets."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """A configured account: its connection, and its policy and wording as a function of ticket and instant.

    ``observe``: everything is decided and counted, nothing is written.
    """

    name: str
    connection: Connection
    decide: Callable[[Ticket, datetime], Decision]
    observe: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    decision: Decision
    changes: Changes
    outcome: Outcome


class Reconciler:
    """Brings the tickets of claims up to date. Safe to call from several threads.

    ``adjust`` and ``announce`` are the plugins' say in a decision and their hearing
    of it; ``wait`` pauses the calling thread, ``uniform(low, high)`` is the source of chance.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        ledger: Ledger,
        clock: Clock,
        *,
        adjust: Callable[[Ticket, Decision], Decision],
        announce: Callable[[Ticket, Decision, Changes], None],
        events: Events,
        wait: Callable[[timedelta], None],
        uniform: Callable[[float, float], float] = random.uniform,
        attempts_limit: int = 12,
    ) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._clock = clock
        self._adjust = adjust
        self._announce = announce
        self._events = events
        self._wait = wait
        self._uniform = uniform
        self._backoff = Backoff(uniform=uniform)
        self._attempts_limit = attempts_limit

    def __call__(self, claim: Claim) -> Outcome:
        """Look at the claimed ticket and settle the claim. Raises ``StoreError`` only: then the lease will expire."""
        account = self._accounts.get(claim.key.account)
        if account is None:
            # Counted under a fixed word: a name that is not configured is no label.
            return self._bury(claim, "unknown account", label="unknown")
        if claim.attempts > self._attempts_limit:
            return self._bury(claim, f"gave up after {self._attempts_limit} attempts: the last one never ended")
        try:
            look = self._look(account, claim)
        except StoreError:
            raise
        except TicketGone:
            return self._settle(claim, Outcome.GONE, self._ledger.finish(claim, self._clock(), None))
        except PermanentPlatformError as error:
            return self._bury(claim, _reason(error))
        except TemporaryPlatformError as error:
            return self._fail(claim, _reason(error), error.retry_after)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the other tickets
            _log.error(
                "reconcile.fault",
                key=str(claim.key),
                error=_classes(error),
                frames=_frames(error),
            )
            return self._fail(claim, f"fault: {type(error).__name__}", None)
        kept = self._ledger.finish(claim, self._clock(), look.decision.next_look_at, _facts(look.decision))
        return self._settle(claim, look.outcome, kept, **_names(look))

    def _look(self, account: Account, claim: Claim) -> _Look:
        tried = 1
        while True:
            try:
                return self._look_once(account, claim)
            except TicketChanged:
                self._events.count("reconcile_conflict", account=account.name)
                if tried == TRIES_OF_A_MOVING_TICKET:
                    raise
            if tried > 1:
                self._wait(_PAUSE_OF_A_MOVING_TICKET * self._uniform(0, 1))
            tried += 1

    def _look_once(self, account: Account, claim: Claim) -> _Look:
        ticket = account.connection.read(claim.key.id)
        decision = self._adjust(ticket, account.decide(ticket, self._clock()))
        changes = diff(ticket, decision.desired)
        if not changes:
            outcome = Outcome.UNCHANGED
        elif account.observe:
            outcome = Outcome.OBSERVED
        elif ticket.status is Status.CLOSED and account.connection.closed_is_final:
            outcome, changes = Outcome.CLOSED, Changes()
        else:
            account.connection.write(ticket, changes, written_after(ticket, decision.desired))
            outcome = Outcome.WRITTEN
        self._announce(ticket, decision, changes)
        return _Look(decision, changes, outcome)

    def _fail(self, claim: Claim, reason: str, retry_after: timedelta | None) -> Outcome:
        if claim.attempts >= self._attempts_limit:
            return self._bury(claim, f"gave up after {claim.attempts} attempts: {reason}")
        now = self._clock()
        not_before = now + self._backoff.pause(claim.attempts, retry_after)
        kept = self._ledger.fail(claim, now, not_before, reason)
        return self._settle(claim, Outcome.FAILED, kept, reason=reason, not_before=not_before.isoformat())

    def _bury(self, claim: Claim, reason: str, label: str | None = None) -> Outcome:
        kept = self._ledger.bury(claim, self._clock(), reason)
        return self._settle(claim, Outcome.BURIED, kept, label, reason=reason)

    def _settle(self, claim: Claim, outcome: Outcome, kept: bool, label: str | None = None, **facts: Any) -> Outcome:
        account = label or claim.key.account
        self._events.count("reconcile", account=account, outcome=outcome.value)
        log = _log.warning if outcome in (Outcome.FAILED, Outcome.BURIED) else _log.info
        log(f"reconcile.{outcome}", key=str(claim.key), attempt=claim.attempts, **facts)
        if not kept:
            self._events.count("reconcile_lease_lost", account=account)
            _log.warning("reconcile.lease_lost", key=str(claim.key))
        return outcome


def _names(look: _Look) -> dict[str, Any]:
    """What a look amounted to, in names: the values of fields and the texts of notes stay out of logs."""
    changes = look.changes
    return {
        "policy": look.decision.policy,
        "priority": changes.priority,
        "add_tags": sorted(changes.add_tags),
        "remove_tags": sorted(changes.remove_tags),
        "fields": sorted(changes.fields),
        "notes": [note.key for note in changes.notes],
        "reply": changes.reply.key if changes.reply is not None else None,
    }


def _facts(decision: Decision) -> dict[str, Any]:
    """What the ledger keeps of a decision: nothing that a customer wrote."""
    return {
        "policy": decision.policy,
        "priority": decision.priority.value,
        "kind": decision.kind,
        "channel": decision.channel,
        "clocks": [
            {"metric": clock.metric, "state": clock.state, "due_at": clock.due_at.isoformat()}
            for clock in decision.clocks
        ],
    }


def _reason(error: PlatformError) -> str:
    """For example ``unauthorised: read ticket, status 401``: words of ours and a number."""
    match error:
        case TicketChanged():
            word = "ticket changed"
        case TemporaryPlatformError():
            word = "temporary"
        case Unauthorised():
            word = "unauthorised"
        case _:
            word = "permanent"
    return f"{word}: {error.operation}" + (f", status {error.status}" if error.status is not None else "")


def _classes(error: BaseException) -> list[str]:
    """The classes of an exception and of those behind it, the first cause last; their messages may quote a text."""
    classes = []
    seen: BaseException | None = error
    while seen is not None:
        classes.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return classes


def _frames(error: Exception) -> list[str]:
    """Where an exception was raised, the innermost frame last: places in code, no values."""
    return [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
