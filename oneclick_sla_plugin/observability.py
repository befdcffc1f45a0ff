"""Logs and counters: what operators see of the program.

Logs are one JSON object a line on standard error, with stable dotted names
("webhook.accepted"). Lines below a warning are written together a few times a
second: one system call a webhook would cost more than all else in it. Neither logs nor counters carry a text, a body or a secret;
a label of a counter comes from a small fixed set, never from a sender.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import TextIO

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
    "reconcile_fuse": ("Tickets left alone for a while because they were written too often", ("account",)),
    "account_sleep": (
        "Times an account was put to sleep, by cause: quota, rate_limit, unauthorised or outage",
        ("account", "cause"),
    ),
    "sweep": ("Sweeps for changes without a webhook, by outcome: done or failed", ("account", "outcome")),
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


class BatchedLines:
    """Lines for a stream, written a moment later and together. Safe to use from several threads.

    ``delay``: how long a line may wait. What waits when the process is killed is lost.
    """

    def __init__(self, stream: TextIO, delay: timedelta = timedelta(milliseconds=50)) -> None:
        self._stream = stream
        self._delay = delay
        self._lines: deque[str] = deque()
        self._news = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        atexit.register(self.flush)

    def add(self, line: str) -> None:
        """Write ``line`` soon."""
        self._lines.append(line)
        if not self._news.is_set():
            self._news.set()
        if self._thread is None or not self._thread.is_alive():  # a forked child inherits no thread
            self._start()

    def flush(self) -> None:
        """Write now what waits."""
        with self._writing:
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()

    def _start(self) -> None:
        with self._writing:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()  # never set
        while True:
            self._news.wait()
            pause.wait(self._delay.total_seconds())
            self._news.clear()
            self.flush()


class _Logger:
    """What structlog hands finished lines to; a warning and everything above it is written at once."""

    def __init__(self, lines: BatchedLines) -> None:
        self._lines = lines

    def info(self, line: str) -> None:
        self._lines.add(line)

    def error(self, line: str) -> None:
        self._lines.add(line)
        self._lines.flush()

    debug = info
    warning = critical = error


def configure_logging(level: str = "info") -> None:
    """Send the program's log events to standard error as JSON lines; other libraries from warnings up."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    logger = _Logger(BatchedLines(sys.stderr))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(threshold, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
