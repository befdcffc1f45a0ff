"""How an account judges its tickets: which policy, which version of it, was there a peak, in whose words.

The decision itself is the pure function ``domain.decision.decide``; here an
account's configuration and what the program knows beside the ticket are brought to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from oneclick_sla_plugin.analysing import Analyst, classifiers_of, detector_settings
from oneclick_sla_plugin.config import AccountConfig, PolicyRule
from oneclick_sla_plugin.domain.complaint import Entry
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.model import TAG_PEAK, Channel, Ticket, TicketKey
from oneclick_sla_plugin.domain.notes import Outgoing, Practice
from oneclick_sla_plugin.domain.policy import Policy, policy_for
from oneclick_sla_plugin.domain.wording import Wording
from oneclick_sla_plugin.errors import ConfigError, Problem
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.ports import Register
from oneclick_sla_plugin.texts import load_wording

Arrivals = Callable[[datetime, datetime], int]
"""How many of the account's tickets were first heard of between two instants."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Book:
    """The versions of one policy, from the oldest to the newest, with the words for each."""

    versions: tuple[Policy, ...]
    wordings: tuple[Wording, ...]

    def open_at(self, ticket: Ticket, now: datetime) -> tuple[Policy, Wording]:
        policy = policy_for(self.versions, ticket, now)
        return policy, self.wordings[self.versions.index(policy)]


class Judge:
    """Decides on the tickets of one account. Safe to call from several threads."""

    def __init__(self, account: AccountConfig, plugins: Plugins, arrivals: Arrivals) -> None:
        """Raises ``ConfigError`` with every problem of the account's policies, owners, messages and patterns."""
        problems: list[Problem] = []
        self._rules: list[tuple[PolicyRule | None, _Book]] = []
        for n, rule in enumerate(account.policy_rules):
            try:
                self._rules.append((rule, _book(account, rule.policy, plugins)))
            except ConfigError as error:
                problems += _under(f"policy_rules[{n}].policy", error)
        try:
            self._rules.append((None, _book(account, account.policy, plugins)))
        except ConfigError as error:
            problems += _under("policy", error)
        try:
            self._practice = Practice(
                send=frozenset(Outgoing(name) for name in account.send),
                owners={Channel(name): owner for name, owner in account.owners.items()},
            )
        except ValueError as error:
            problems.append(Problem("send or owners", str(error)))
        try:
            classifiers = classifiers_of(plugins.classifiers, account.lexicons)
        except ConfigError as error:
            problems += _under("lexicons", error)
            classifiers = []
        try:
            self._analyst = Analyst(plugins.detectors.values(), classifiers, detector_settings(account.sensitive))
        except ConfigError as error:
            problems += _under("sensitive", error)
        if problems:
            raise ConfigError(problems)
        self._register: Register | None = None
        self._mark: Callable[[TicketKey], None] = lambda _: None
        self._peaks = account.peaks
        self._arrivals = arrivals

    def __call__(self, ticket: Ticket, now: datetime) -> Decision:
        """The decision; a complaint is entered into the register first, so that what is told has its number."""
        policy, wording = self._book(ticket).open_at(ticket, now)
        ticket = self._with_peak(ticket)
        analysis = self._analyst(ticket)

        def decided(entry: Entry | None = None) -> Decision:
            return decide(ticket, policy, now, wording, self._practice, analysis, entry)

        known = self._register.entry(ticket.key) if self._register is not None else None
        decision = decided(known)
        if self._register is None or decision.complaint is None:
            return decision
        entry = self._register.record(ticket.key, decision.complaint.case, str(policy), now)
        if entry == known:
            return decision
        if ticket.merged_into is not None:  # that one is the complaint now, and may have been looked at before this one
            self._mark(TicketKey(ticket.account, ticket.merged_into))
        return decided(entry)

    def entering(self, register: Register, mark: Callable[[TicketKey], None]) -> Judge:
        """The same judge, who enters complaints into a register; ``mark`` has another ticket looked at."""
        entering = copy(self)
        entering._register, entering._mark = register, mark
        return entering

    def gone(self, key: TicketKey, now: datetime) -> None:
        """The ticket was deleted on the platform: what the register has of it stays, and says so."""
        if self._register is not None:
            self._register.gone(key, now)

    def policies(self) -> Sequence[Policy]:
        """All versions of all policies of the account, the default one's last."""
        return [policy for _, book in self._rules for policy in book.versions]

    def policy_of(self, ticket: Ticket, now: datetime) -> Policy:
        """The policy version that this ticket is judged by."""
        return self._book(ticket).open_at(ticket, now)[0]

    def _book(self, ticket: Ticket) -> _Book:
        return next(book for rule, book in self._rules if rule is None or rule.matches(ticket.brand, ticket.recipient))

    def _with_peak(self, ticket: Ticket) -> Ticket:
        """A peak is judged when the ticket is first seen; from then on the tag on the ticket says so."""
        if ticket.context.peak is not None or TAG_PEAK in ticket.tags or ticket.written is not None:
            return ticket
        if not self._is_peak(ticket.created_at):
            return ticket
        return replace(ticket, context=replace(ticket.context, peak=True))

    def _is_peak(self, at: datetime) -> bool:
        if any(begins <= at < ends for begins, ends in self._peaks.spans):
            return True
        threshold = self._peaks.tickets_per_hour
        return threshold is not None and self._arrivals(at - _HOUR, at) > threshold


def _book(account: AccountConfig, names: Sequence[str], plugins: Plugins) -> _Book:
    versions = [find_policy(name, plugins.policies) for name in names]
    problems = [
        Problem(
            "", f'"{policy.id}" is another policy than "{versions[0].id}"', "the versions of one policy share its id"
        )
        for policy in versions[1:]
        if policy.id != versions[0].id
    ]
    undated = [policy for policy in versions if policy.effective_from is None]
    if len(undated) > 1:
        problems.append(Problem("", "of several versions only the oldest may leave out effective_from"))
    if problems:
        raise ConfigError(problems)
    versions.sort(key=lambda policy: (policy.effective_from is not None, policy.effective_from))
    return _Book(
        tuple(versions),
        tuple(
            load_wording(account.language or policy.language, account.time_zone or policy.time_zone)
            for policy in versions
        ),
    )


def _under(path: str, error: ConfigError) -> list[Problem]:
    """The problems of a part under the part's path; those of a file keep the file's name in the message."""
    if not error.source:
        return [replace(problem, path=path) for problem in error.problems]
    return [
        Problem(path, f"{error.source}: {problem.path + ': ' if problem.path else ''}{problem.message}", problem.hint)
        for problem in error.problems
    ]
