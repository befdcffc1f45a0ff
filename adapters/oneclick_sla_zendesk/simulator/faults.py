"""Faults of the simulated API, by chance but reproducible: what networks and platforms do to a client.

The faults sit around the whole application, so that they can do what an application
cannot: close a connection without an answer, or lose an answer whose request took effect.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

WsgiApp = Callable[..., Iterable[bytes]]


class Fault(StrEnum):
    """``DELAY``: the answer comes late. ``SERVER_ERROR``: 500, 502 or 503, without effect. ``RESET``: the
    connection is closed, without effect. ``LOST_ANSWER``: the request took effect, but no answer comes, as in a
    time-out. ``TRUNCATED``: it took effect, and half of the answer's JSON comes.
    """

    DELAY = "delay"
    SERVER_ERROR = "server_error"
    RESET = "reset"
    LOST_ANSWER = "lost_answer"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Faults:
    """How many requests are faulty (``rate``, from 0 to 1), in which ways, and the ``seed`` of chance.

    ``delay`` and ``hold`` are real time: how late a delayed answer is at most, and how
    long a lost one is waited for before the connection is closed. ``webhooks``: the
    same share of webhook deliveries is sent twice, and they overtake each other.
    """

    rate: float
    seed: int = 0
    kinds: tuple[Fault, ...] = tuple(Fault)
    delay: timedelta = timedelta(milliseconds=20)
    hold: timedelta = timedelta(0)
    webhooks: bool = True


class FaultyServer:
    """The application behind :attr:`faults`; without any it is passed through. ``struck`` counts them by kind."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._faults: Faults | None = None
        self._random = random.Random()  # noqa: S311 - chance, not a secret
        self._closing = threading.Event()
        self._struck: Counter[Fault] = Counter()

    @property
    def faults(self) -> Faults | None:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults | None) -> None:
        with self._lock:
            self._faults = faults
            self._random.seed(faults.seed if faults else 0)

    @property
    def struck(self) -> Counter[Fault]:
        with self._lock:
            return Counter(self._struck)

    def close(self) -> None:
        """Let what is held go."""
        self._closing.set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        chosen = self._choose(environ.get("PATH_INFO", ""))
        if chosen is None:
            return self._app(environ, start_response)
        faults, fault, share = chosen
        match fault:
            case Fault.DELAY:
                self._closing.wait(faults.delay.total_seconds() * share)
                return self._app(environ, start_response)
            case Fault.SERVER_ERROR:
                status = ("500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable")[int(share * 3)]
                start_response(status, [("Content-Type", "text/html"), ("Content-Length", "23")])
                return [b"<html>Try again.</html>"]
            case Fault.RESET:
                raise ConnectionAbortedError  # the server closes the connection without a word
        answer = _Answer()
        body = b"".join(self._app(environ, answer.start))
        if fault is Fault.LOST_ANSWER:
            self._closing.wait(faults.hold.total_seconds())
            raise ConnectionAbortedError
        half = body[: len(body) // 2]
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        start_response(answer.status, [*headers, ("Content-Length", str(len(half)))])
        return [half]

    def _choose(self, path: str) -> tuple[Faults, Fault, float] | None:
        with self._lock:
            faults = self._faults
            if faults is None or not path.startswith(("/api/", "/oauth/")) or self._random.random() >= faults.rate:
                return None
            fault, share = self._random.choice(faults.kinds), self._random.random()
            self._struck[fault] += 1
            return faults, fault, share


class _Answer:
    """What the application wanted to answer."""

    status = ""
    headers: list[tuple[str, str]] = []  # noqa: RUF012 - replaced by the application

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:  # noqa: ARG002 - WSGI's signature
        self.status, self.headers = status, headers
        return lambda _data: None
