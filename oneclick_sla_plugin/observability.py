"""Logs and counters: what operators see of the program.

Logs are one JSON object a line on standard error, with stable dotted names
("webhook.accepted"). Neither logs nor counters carry a text, a body or a secret;
a label of a counter comes from a small fixed set, never from a sender.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

import structlog
from prometheus_client import CollectorRegistry, Counter, generate_latest

_COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "webhook": (
        "Webhook requests, by outcome: accepted, dropped or rejected, and why",
        ("account", "event", "outcome"),
    ),
    "reconcile": ("Looks at tickets, by outcome", ("account", "outcome")),
    "reconcile_conflict": ("Writes that met a change by somebody else", ("account",)),
    "reconcile_lease_lost": ("Looks that another worker had taken over", ("account",)),
}


class Metrics:
    """The counters of one program, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            name: Counter(f"oneclick_sla_{name}", text, labels, registry=self._registry)
            for name, (text, labels) in _COUNTERS.items()
        }

    def count(self, name: str, **labels: str) -> None:
        """Add one to the counter ``name``; its labels must be exactly those it was declared with."""
        self._counters[name].labels(**labels).inc()

    def value(self, name: str, **labels: str) -> float:
        """How often :meth:`count` was called with these labels."""
        return self._registry.get_sample_value(f"oneclick_sla_{name}_total", labels) or 0.0

    def render(self) -> bytes:
        """All counters in Prometheus' text format."""
        return generate_latest(self._registry)


def configure_logging(level: str = "info") -> None:
    """Send the program's log events to standard error as JSON lines; other libraries from warnings up."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(threshold, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
