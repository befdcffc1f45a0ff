"""The printed sheet of a complaint as plain text, for a terminal: a line a field, dots where there is a line to fill."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

_TO_FILL = "." * 30
_BLOCKS = frozenset({"div", "footer", "h1", "h2", "header", "p", "section", "small", "tr"})
_SILENT = frozenset({"style", "title"})
_NEW_PART = "\f"


def plain_sheet(document: str) -> str:
    """The text of the HTML that ``complaint_sheet.sheet`` makes, with an empty line before each of its parts."""
    reader = _Reader()
    reader.feed(document)
    reader.close()
    text = "".join(reader.pieces).replace(_NEW_PART, f"\n{_NEW_PART}\n")
    lines = (line.strip(" ") for line in text.split("\n"))
    return "\n".join("" if line == _NEW_PART else line for line in lines if line).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._open: list[tuple[str, frozenset[str]]] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        classes = frozenset((dict(attrs).get("class") or "").split())
        if tag == "meta":  # the only one here that does not end
            return
        self._open.append((tag, classes))
        if tag in ("h2", "footer"):
            self.pieces.append(_NEW_PART)
        if tag in _BLOCKS:
            self.pieces.append("\n")
        if classes & {"blank", "line"}:
            self.pieces.append(_TO_FILL)
        if "box" in classes:
            self.pieces.append("   [")

    def handle_endtag(self, tag: str) -> None:
        _, classes = self._open.pop()
        if tag in _BLOCKS:
            self.pieces.append("\n")
        if "label" in classes and tag == "span":
            self.pieces.append(": ")
        if "box" in classes:
            self.pieces.append("] " if self.pieces[-1] == "X" else " ] ")
        if tag == "td" or (tag == "b" and "number" in self._open[-1][1]):
            self.pieces.append("  ")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1][0] in _SILENT:
            return
        as_written = any("text" in classes for _, classes in self._open)
        self.pieces.append(data if as_written else re.sub(r"\s+", " ", data))
