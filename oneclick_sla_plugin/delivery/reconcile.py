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
* a failure of the whole account (``health``): given back, the attempt not counted;
* a permanent error, or an account that is not configured: buried, for a person;
* the ticket was written too often lately (the fuse): given back until that is past.

A public reply is not sent twice. Before it is sent the ledger is told, and after.
When it is not known what became of one, the next look finds its marker on the
ticket, or waits until no request can be under way any more before it sends again.

Logs and reasons name tickets, tags, fields, note keys and classes of errors.
Never a text, and never the arguments of an unexpected exception, which may hold one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import structlog

from oneclick_sla_plugin.delivery.backoff import Backoff
from oneclick_sla_plugin.delivery.health import Health
from oneclick_sla_plugin.delivery.reasons import classes_of, frames_of, reason_of
from oneclick_sla_plugin.delivery.redaction import redact_cards
from oneclick_sla_plugin.domain.changes import Changes, diff, written_after
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import Status, Ticket, TicketKey
from oneclick_sla_plugin.errors import (
    AccountPaused,
    PermanentPlatformError,
    PlatformError,
    StoreError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.ports import Claim, Clock, Connection, Ledger, ReplyIntent

TRIES_OF_A_MOVING_TICKET = 4
"""How often one look reads and decides when somebody else keeps writing on the ticket."""

FUSE_WRITES = 10
FUSE_WINDOW = timedelta(minutes=10)
"""After ``FUSE_WRITES`` writes on a ticket within this time it is left alone until the window has passed.

Somebody undoes what we write, or a trigger answers each write with a change. Zendesk
cuts at thirty: https://developer.zendesk.com/api-reference/introduction/rate-limits/
"""

REPLY_SETTLES = timedelta(minutes=2)
"""How long a reply may be on its way; far longer than the time-outs of a request."""

_SPREAD_AFTER_SLEEP = timedelta(seconds=5)
_PAUSE_OF_A_MOVING_TICKET = timedelta(milliseconds=500)

_log = structlog.get_logger()


class Outcome(StrEnum):
    """How a look ended.

    ``CLOSED``: the platform takes no more writes for the ticket. ``PAUSED``: the
    whole account rests. ``FUSED``: the ticket was written too often.
    """

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    OBSERVED = "observed"
    CLOSED = "closed"
    GONE = "gone"
    PAUSED = "paused"
    FUSED = "fused"
    FAILED = "failed"
    BURIED = "buried"


class Events(Protocol):
    """Counts what happens.

    ``reconcile`` with the labels ``account`` and ``outcome``, once a look;
    ``reconcile_conflict`` with ``account``, each time a ticket moved under a look;
    ``reconcile_lease_lost`` with ``account``, when somebody else had taken the ticket over;
    ``reconcile_fuse`` with ``account``, when a ticket is left alone because it was written too often.
    """

    def count(self, name: str, **labels: str) -> None:
        """Add one to the counter ``name``; the values of labels come from small fixed sets."""
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """A configured account: its connection, and its policy and wording as a function of ticket and instant.

    ``gone``: what hears of a ticket that the platform does not have any more.
    ``observe``: everything is decided and counted, nothing is written. ``redact_cards``:
    card numbers of customers are made unreadable on the platform, never while observing.
    """

    name: str
    connection: Connection
    decide: Callable[[Ticket, datetime], Decision]
    observe: bool = False
    redact_cards: bool = False
    gone: Callable[[TicketKey, datetime], None] = lambda _key, _now: None


@dataclass(frozen=True, slots=True)
class _Look:
    decision: Decision
    changes: Changes
    outcome: Outcome
    next_look_at: datetime | None


@dataclass(slots=True)
class _Trail:
    """What has been done to the ticket, however the look will end: writes, and replies by their keys."""

    writes: list[datetime]
    replies: dict[str, ReplyIntent]


class _FuseBlown(Exception):
    """The ticket may be written again at ``until``."""

    def __init__(self, until: datetime) -> None:
        self.until = until


class _LeaseLost(Exception):
    """Somebody else has the ticket: what cannot be taken back is not done."""


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
        health: Health,
        adjust: Callable[[Ticket, Decision], Decision],
        announce: Callable[[Ticket, Decision, Changes], None],
        events: Events,
        wait: Callable[[timedelta], None],
        uniform: Callable[[float, float], float] = random.uniform,
        attempts_limit: int = 16,
    ) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._clock = clock
        self._health = health
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
        trail = _Trail(list(claim.writes), {reply.key: reply for reply in claim.replies})
        try:
            look = self._look(account, claim, trail)
        except StoreError:
            raise
        except TicketGone:
            self._health.well(account.name)
            account.gone(claim.key, self._clock())
            return self._settle(claim, Outcome.GONE, self._ledger.finish(claim, self._clock(), None))
        except (TemporaryPlatformError, Unauthorised) as error:
            return self._put_off(claim, error, trail)
        except PermanentPlatformError as error:
            return self._bury(claim, reason_of(error))
        except _FuseBlown as blown:
            return self._leave_alone(claim, blown.until, trail)
        except _LeaseLost:
            return self._settle(claim, Outcome.FAILED, kept=False)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the other tickets
            _log.error("reconcile.fault", key=str(claim.key), error=classes_of(error), frames=frames_of(error))
            return self._fail(claim, f"fault: {type(error).__name__}", None, trail)
        self._health.well(account.name)
        kept = self._ledger.finish(
            claim,
            self._clock(),
            look.next_look_at,
            _facts(look.decision),
            writes=trail.writes,
            replies=tuple(trail.replies.values()),
        )
        return self._settle(claim, look.outcome, kept, **_names(look))

    def _look(self, account: Account, claim: Claim, trail: _Trail) -> _Look:
        tried = 1
        while True:
            try:
                return self._look_once(account, claim, trail)
            except TicketChanged:
                self._events.count("reconcile_conflict", account=account.name)
                if tried == TRIES_OF_A_MOVING_TICKET:
                    raise
            if tried > 1:
                self._wait(_PAUSE_OF_A_MOVING_TICKET * self._uniform(0, 1))
            tried += 1

    def _look_once(self, account: Account, claim: Claim, trail: _Trail) -> _Look:
        ticket = account.connection.read(claim.key.id)
        decision = self._adjust(ticket, account.decide(ticket, self._clock()))
        changes, next_look_at = self._without_a_second_reply(diff(ticket, decision.desired), decision, trail)
        if not changes:
            outcome = Outcome.UNCHANGED
        elif account.observe:
            outcome = Outcome.OBSERVED
        elif ticket.status is Status.CLOSED and account.connection.closed_is_final:
            outcome, changes = Outcome.CLOSED, Changes()
        else:
            self._write(account, claim, ticket, changes, decision, trail)
            outcome = Outcome.WRITTEN
            if changes.reply is not None:
                # It may have met a clock or moved a complaint on, and own changes ring no bell.
                next_look_at = self._clock()
        self._announce(ticket, decision, changes)
        if account.redact_cards and not account.observe and outcome in (Outcome.WRITTEN, Outcome.UNCHANGED):
            redact_cards(account.connection, ticket, decision)
        return _Look(decision, changes, outcome, next_look_at)

    def _without_a_second_reply(
        self, changes: Changes, decision: Decision, trail: _Trail
    ) -> tuple[Changes, datetime | None]:
        """The changes without a reply that was sent or may be on its way, and when to look again."""
        earlier = trail.replies.get(changes.reply.key) if changes.reply is not None else None
        if earlier is None:
            return changes, decision.next_look_at
        if earlier.sent:
            return replace(changes, reply=None), decision.next_look_at
        settled_at = earlier.at + REPLY_SETTLES
        if self._clock() >= settled_at:
            return changes, decision.next_look_at
        return replace(changes, reply=None), min(settled_at, decision.next_look_at or settled_at)

    def _write(
        self, account: Account, claim: Claim, ticket: Ticket, changes: Changes, decision: Decision, trail: _Trail
    ) -> None:
        now = self._clock()
        trail.writes = [at for at in trail.writes if at > now - FUSE_WINDOW]
        if len(trail.writes) >= FUSE_WRITES:
            raise _FuseBlown(trail.writes[-FUSE_WRITES] + FUSE_WINDOW)
        if changes.reply is not None:
            trail.replies[changes.reply.key] = ReplyIntent(changes.reply.key, now)
            if not self._ledger.intend(claim, tuple(trail.replies.values())):
                raise _LeaseLost
        try:
            account.connection.write(ticket, changes, written_after(ticket, decision.desired))
        except PlatformError as error:
            if not _had_no_effect(error):
                trail.writes.append(now)
            elif changes.reply is not None:
                del trail.replies[changes.reply.key]
                self._ledger.intend(claim, tuple(trail.replies.values()))
            raise
        trail.writes.append(now)
        if changes.reply is not None:
            trail.replies[changes.reply.key] = ReplyIntent(changes.reply.key, now, sent=True)

    def _put_off(self, claim: Claim, error: TemporaryPlatformError | Unauthorised, trail: _Trail) -> Outcome:
        asked = error.retry_after if isinstance(error, TemporaryPlatformError) else None
        sleep = self._health.failed(claim.key.account, claim.key.id, error)
        if sleep is None:
            return self._fail(claim, reason_of(error), asked, trail)
        not_before = now = self._clock()
        if not isinstance(error, AccountPaused):
            # The others go first: if it was this ticket after all, it must not wake and fail before them each time.
            not_before = sleep.until + _SPREAD_AFTER_SLEEP * self._uniform(0, 1)
        kept = self._ledger.release(claim, now, not_before, reason_of(error), writes=trail.writes)
        return self._settle(claim, Outcome.PAUSED, kept, reason=reason_of(error), until=sleep.until.isoformat())

    def _leave_alone(self, claim: Claim, until: datetime, trail: _Trail) -> Outcome:
        self._events.count("reconcile_fuse", account=claim.key.account)
        _log.error("reconcile.fuse", key=str(claim.key), writes=len(trail.writes), until=until.isoformat())
        kept = self._ledger.release(claim, self._clock(), until, "fuse: written too often", writes=trail.writes)
        return self._settle(claim, Outcome.FUSED, kept)

    def _fail(self, claim: Claim, reason: str, retry_after: timedelta | None, trail: _Trail) -> Outcome:
        if claim.attempts >= self._attempts_limit:
            return self._bury(claim, f"gave up after {claim.attempts} attempts: {reason}")
        now = self._clock()
        not_before = now + self._backoff.pause(claim.attempts, retry_after)
        kept = self._ledger.fail(claim, now, not_before, reason, writes=trail.writes)
        return self._settle(claim, Outcome.FAILED, kept, reason=reason, not_before=not_before.isoformat())

    def _bury(self, claim: Claim, reason: str, label: str | None = None) -> Outcome:
        kept = self._ledger.bury(claim, self._clock(), reason)
        return self._settle(claim, Outcome.BURIED, kept, label, reason=reason)

    def _settle(self, claim: Claim, outcome: Outcome, kept: bool, label: str | None = None, **facts: Any) -> Outcome:
        account = label or claim.key.account
        self._events.count("reconcile", account=account, outcome=outcome.value)
        log = _log.warning if outcome in (Outcome.FAILED, Outcome.BURIED, Outcome.PAUSED) else _log.info
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


def _had_no_effect(error: PlatformError) -> bool:
    """Whether the platform certainly refused; without an answer, or with a 5xx, it may have done it all the same."""
    refused = error.status is not None and 400 <= error.status < 500 and error.status != 408
    return refused or isinstance(error, AccountPaused)
