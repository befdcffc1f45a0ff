"""Log lines: together, a moment later, and the important ones at once."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

from oneclick_sla_plugin.observability import BatchedLines, _Logger

HOUR = timedelta(hours=1)


class Stream(io.StringIO):
    """Remembers how often it was written, and lets a test wait for that."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Semaphore(0)

    def write(self, text: str) -> int:
        length = super().write(text)
        self.written.release()
        return length


def test_lines_are_written_together() -> None:
    """In their order, with one write."""
    stream = Stream()
    lines = BatchedLines(stream, delay=HOUR)
    for number in range(100):
        lines.add(str(number))
    assert stream.getvalue() == ""
    lines.flush()
    assert stream.getvalue().split() == [str(number) for number in range(100)]
    assert stream.written.acquire(blocking=False)
    assert not stream.written.acquire(blocking=False)


def test_lines_are_written_by_themselves_after_the_delay() -> None:
    """Nobody has to flush."""
    stream = Stream()
    lines = BatchedLines(stream, delay=timedelta(milliseconds=1))
    for line in ("one", "two"):
        lines.add(line)
        assert stream.written.acquire(timeout=20)
    assert stream.getvalue() == "one\ntwo\n"


def test_a_warning_is_written_at_once_behind_what_came_before() -> None:
    """A process that is about to die has said why."""
    stream = Stream()
    logger = _Logger(BatchedLines(stream, delay=HOUR))
    logger.info("before")
    logger.debug("and before that")
    assert stream.getvalue() == ""
    logger.warning("look here")
    assert stream.getvalue() == "before\nand before that\nlook here\n"
