"""Tickets from JSON Lines, one at a time, so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

MAX_LINE_BYTES = 64 * 1024 * 1024
"""A longer line is an error, so that one line cannot fill the memory."""


def lines_of(tickets: BinaryIO, longest: int) -> Iterator[bytes]:
    """Line by line; of one that is longer than ``longest`` only so much that this is seen."""
    while line := tickets.readline(longest + 1):
        yield line
        while len(line) > longest and not line.endswith(b"\n"):
            line = tickets.readline(longest + 1)
