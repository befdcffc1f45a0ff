"""Card numbers of customers are made unreadable on the platform, for accounts that asked for it."""

from __future__ import annotations

import structlog

from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import TAG_NOT_SENSITIVE, Author, Ticket
from oneclick_sla_plugin.domain.sensitive import CARD, Level
from oneclick_sla_plugin.ports import Connection, Redactor

_log = structlog.get_logger()


def redact_cards(connection: Connection, ticket: Ticket, decision: Decision) -> None:
    """Redact the card numbers of level ``warn`` in customers' messages, one call for each message.

    What an agent called not sensitive stays. Doing it twice is as doing it once: what
    was redacted is found no more. Raises the platform errors.
    """
    if not isinstance(connection, Redactor) or TAG_NOT_SENSITIVE in ticket.tags:
        return
    for message in ticket.messages:
        spans = [
            (finding.start, finding.end)
            for finding in decision.findings
            if finding.message == message.id and finding.type == CARD and finding.level is Level.WARN
        ]
        if spans and message.author is Author.CUSTOMER and connection.redact(ticket, message.id, spans):
            _log.info("reconcile.redacted", key=str(ticket.key), message=message.id)
