"""Sensitive data in texts of any length: read piece by piece, each value found once wherever a piece ends."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from oneclick_sla_plugin.detectors.scanner import DetectorFailure, Scanner
from oneclick_sla_plugin.domain.sensitive import SCAN_CUT, Finding

PIECE_BYTES = 128 * 1024
REACH = 20_000
"""Characters that pieces have in common on either side: more than the longest value and the words around it take."""

_DENSE_ZONE = 512
_DENSE_REACH = 256
"""Where a piece holds more than a scan lists, it is scanned again in zones so short that none can hold so many."""


def pieces_of(file: BinaryIO) -> Iterator[tuple[str, int]]:
    """A file's text piece by piece, and how many bytes were read so far.

    UTF-8, or UTF-16 with its byte order mark; bytes that are neither become replacement
    characters, so that binary files can be read as well. Raises ``OSError``.
    """
    data = file.read(PIECE_BYTES)
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    decoder = codecs.getincrementaldecoder("utf-16" if is_utf16 else "utf-8-sig")(errors="replace")
    read = 0
    while data:
        read += len(data)
        yield decoder.decode(data), read
        data = file.read(PIECE_BYTES)
    yield decoder.decode(b"", final=True), read


def findings_of(
    pieces: Iterable[str], scanner: Scanner, failed: Callable[[DetectorFailure], None], message: str = ""
) -> Iterator[Finding]:
    """What the pieces hold together, in the order of the text, with places in characters from its beginning.

    Memory holds a piece and :data:`REACH` on both sides. ``failed`` hears of detectors that could not say.
    """
    text, base = "", 0  # the part in memory, and where it begins
    told = 0  # everything that begins before here was told
    ended = 0  # where the last finding ended

    def tell(until: int) -> Iterator[Finding]:
        nonlocal ended
        for finding in _in_zone(text, told - base, until - base, scanner, failed, message):
            found = replace(finding, start=base + finding.start, end=base + finding.end)
            if found.type != SCAN_CUT:
                if found.start < ended:
                    continue
                ended = found.end
            yield found

    for piece in pieces:
        text += piece
        sure = base + len(text) - REACH
        if sure - told < REACH:  # short pieces wait for each other
            continue
        yield from tell(sure)
        told = sure
        kept = max(told - REACH, base)
        text, base = text[kept - base :], kept
    yield from tell(base + len(text))


def _in_zone(
    text: str, start: int, end: int, scanner: Scanner, failed: Callable[[DetectorFailure], None], message: str
) -> list[Finding]:
    """The findings that begin in ``[start, end)`` of ``text``, none inside of another."""
    scan = scanner.scan(text, message)
    for failure in scan.failures:
        failed(failure)
    found = [finding for finding in scan.findings if finding.type != SCAN_CUT]
    cuts: list[Finding] = []
    if len(found) < len(scan.findings):
        for zone in range(start, end, _DENSE_ZONE):
            begin = max(zone - _DENSE_REACH, 0)
            dense = scanner.scan(text[begin : zone + _DENSE_ZONE + _DENSE_REACH], message)
            for finding in dense.findings:
                moved = replace(finding, start=begin + finding.start, end=begin + finding.end)
                if zone <= moved.start < zone + _DENSE_ZONE:
                    (cuts if moved.type == SCAN_CUT else found).append(moved)
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda each: (each.start, -each.end)):
        if start <= finding.start < end and (not kept or finding.start >= kept[-1].end):
            kept.append(finding)
    return sorted(kept + [cut for cut in cuts if cut.start < end], key=lambda each: each.start)
