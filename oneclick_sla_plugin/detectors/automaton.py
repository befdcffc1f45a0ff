"""Patterns of RE2 over a message's bytes: linear in the text by construction, and silent about what they read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import re2

_MEMORY = 64 << 20
"""Bytes that an automaton may take; it is built as it reads, and only as far as texts need it."""


InvalidPattern: type[Exception] = re2.error
"""Raised for a pattern that RE2 cannot use."""


class Found(Protocol):
    """A match in bytes."""

    def span(self, group: int = 0) -> tuple[int, int]: ...


class LinearPattern(Protocol):
    """A compiled pattern."""

    groups: int

    def search(self, text: bytes) -> Found | None: ...

    def finditer(self, text: bytes) -> Iterator[Found]: ...


def linear_pattern(pattern: str, *, longest: bool = False) -> LinearPattern:
    """Compile for Latin-1 bytes; ``longest``: of all matches at a place the longest. Raises ``InvalidPattern``."""
    options = _options()
    options.longest_match = longest
    compiled: LinearPattern = re2.compile(pattern.encode("latin-1"), options)
    return compiled


class AnyOf:
    """Tells in one pass which of many patterns match somewhere."""

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises ``InvalidPattern`` for what is no pattern."""
        self._set = re2.Set.SearchSet(_options())
        self._empty = True
        for pattern in patterns:
            self._set.Add(pattern.encode("latin-1"))
            self._empty = False
        if not self._empty:
            self._set.Compile()

    def match(self, text: bytes) -> list[int]:
        """The positions of the patterns that match; in no order."""
        return [] if self._empty else self._set.Match(text) or []


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False  # it would print the pattern
    return options
