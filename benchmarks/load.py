"""A small load generator: keep-alive connections in one thread, each with one request under way."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Load:
    """What came of it: answers a second, and the time from request to answer of the median and the 99th percentile."""

    rate: float
    p50: timedelta
    p99: timedelta


@dataclass(slots=True)
class _Line:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""


def run(port: int, requests: Iterator[bytes], *, connections: int, duration: timedelta, expect: int) -> Load:
    """Keep ``connections`` busy on 127.0.0.1 for ``duration``. ``requests`` yields whole HTTP requests without end.

    Raises ``AssertionError`` for an answer of another status than ``expect``.
    """
    begins = f"HTTP/1.1 {expect} ".encode()
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        lines = [_Line(socket.create_connection(("127.0.0.1", port))) for _ in range(connections)]
        try:
            for line in lines:
                line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(line.socket, selectors.EVENT_READ, line)
                _send(line, requests)
            began = perf_counter()
            ends = began + duration.total_seconds()
            while (now := perf_counter()) < ends:
                for key, _ in selector.select(timeout=ends - now):
                    line = key.data
                    line.received += line.socket.recv(_CHUNK)
                    if not _complete(line.received):
                        assert line.received, "the server hung up"
                        continue
                    latencies.append(perf_counter() - line.sent_at)
                    assert line.received.startswith(begins), line.received[:40]
                    _send(line, requests)
            took = perf_counter() - began
        finally:
            for line in lines:
                line.socket.close()
    latencies.sort()
    return Load(len(latencies) / took, percentile(latencies, 0.5), percentile(latencies, 0.99))


def percentile(ordered: list[float], share: float) -> timedelta:
    """The value below which ``share`` of the ``ordered`` seconds lie."""
    return timedelta(seconds=ordered[min(int(len(ordered) * share), len(ordered) - 1)])


def _send(line: _Line, requests: Iterator[bytes]) -> None:
    line.received = b""
    line.sent_at = perf_counter()
    line.socket.sendall(next(requests))


def _complete(received: bytes) -> bool:
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    length = next(
        int(header.partition(b":")[2]) for header in head.split(b"\r\n") if header.lower().startswith(b"content-length")
    )
    return len(body) >= length
