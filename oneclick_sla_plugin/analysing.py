"""Asking detectors and classifiers about the messages of a ticket.

What they find holds no word of a message. One that fails costs its own answer only:
it is logged and counted by name, and the others are asked all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import structlog

from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from oneclick_sla_plugin.config import SensitiveConfig
from oneclick_sla_plugin.detectors.own_patterns import OwnPattern
from oneclick_sla_plugin.detectors.scanner import DetectorSettings, Scanner
from oneclick_sla_plugin.domain.analysis import Analysis
from oneclick_sla_plugin.domain.message import Classifier, ThreadFacts, Verdict
from oneclick_sla_plugin.domain.model import Author, Message, Ticket
from oneclick_sla_plugin.domain.pauses import SETTLED
from oneclick_sla_plugin.domain.sensitive import SUBJECT, Detector, Finding

_log = structlog.get_logger()


class Analyst:
    """Looks at the subject, the messages of customers, and what agents said in public.

    Safe to call from several threads.
    """

    def __init__(
        self,
        detectors: Iterable[Detector],
        classifiers: Iterable[Classifier],
        settings: DetectorSettings | None = None,
    ) -> None:
        """Raises ``ConfigError`` for own patterns that cannot be used, ``PluginError`` for an unusable detector."""
        self._scanner = Scanner(detectors, settings)
        self._classifiers = tuple(classifiers)

    def __call__(self, ticket: Ticket) -> Analysis:
        thread = sorted(ticket.messages, key=lambda message: message.at)
        findings: list[Finding] = []
        verdicts: dict[str, Verdict] = {}
        findings += self._scan(ticket.subject, SUBJECT)
        scanned = {SUBJECT}
        for n, message in enumerate(thread):
            if not _is_looked_at(message):
                continue
            findings += self._scan(message.text, message.id)
            scanned.add(message.id)
            verdict = self._classify(ticket, message, _facts(ticket, thread[: n + 1]), first=n == 0)
            if verdict is not None:
                verdicts[message.id] = verdict
        return Analysis(tuple(findings), frozenset(scanned), verdicts)

    def _scan(self, text: str, name: str) -> Sequence[Finding]:
        scan = self._scanner.scan(text, name)
        for failure in scan.failures:
            _log.error("detector.failed", detector=failure.detector, error=failure.error)
        return scan.findings

    def _classify(self, ticket: Ticket, message: Message, facts: ThreadFacts, *, first: bool) -> Verdict | None:
        """The verdict that is surest of a complaint; of equal ones the first, by the names of the classifiers."""
        subject = ticket.subject if first else ""
        answer: Verdict | None = None
        for classifier in self._classifiers:
            try:
                verdict = classifier.classify(subject, message.text, facts)
            except Exception as error:  # noqa: BLE001 - a classifier's failure costs its own answer only
                _log.error("classifier.failed", classifier=classifier.name, error=type(error).__name__)
                continue
            if answer is None or verdict.complaint_score > answer.complaint_score:
                answer = verdict
        return answer


def detector_settings(config: SensitiveConfig) -> DetectorSettings:
    """An account's configuration as the detectors take it."""
    return DetectorSettings(
        types_off=frozenset(config.types_off),
        stop_words=frozenset(config.stop_words),
        own_patterns=tuple(OwnPattern(**{**own, "words": tuple(own["words"])}) for own in config.own_patterns),
    )


def classifiers_of(registered: Mapping[str, Classifier], lexicons: Sequence[Path]) -> list[Classifier]:
    """The classifiers of an account: those of the plugins, the shipped one with the account's own lexicons.

    Raises ``ConfigError`` with every problem of the lexicons.
    """
    if not lexicons:
        return list(registered.values())
    own = SignalClassifier.with_overrides(lexicons)
    return [own if name == own.name else classifier for name, classifier in registered.items()]


def _is_looked_at(message: Message) -> bool:
    return message.author is Author.CUSTOMER or (message.author is Author.AGENT and message.public)


def _facts(ticket: Ticket, until: Sequence[Message]) -> ThreadFacts:
    """What the thread tells at the last of these messages."""
    now = until[-1].at
    unanswered = 0
    for message in reversed(until):
        if message.author is Author.AGENT and message.public:
            break
        unanswered += message.author is Author.CUSTOMER
    history = sorted(ticket.status_history, key=lambda change: change.at)
    reopened = sum(
        before.status in SETTLED and after.status not in SETTLED and after.at <= now
        for before, after in pairwise(history)
    )
    return ThreadFacts(
        unanswered=unanswered,
        reopened=reopened,
        age=max(now - until[0].at, timedelta(0)),
        requester_known=ticket.requester.known,
    )
