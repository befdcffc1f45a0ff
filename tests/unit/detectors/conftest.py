"""A scanner with all detectors that ship, and messages whose values are marked: ``my PIN is [pin:4711]``."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from oneclick_sla_plugin.detectors import register_detectors
from oneclick_sla_plugin.detectors.scanner import Scanner
from oneclick_sla_plugin.domain.sensitive import Detector

Marked = tuple[str, list[tuple[str, str]]]


@pytest.fixture(scope="session")
def detectors() -> list[Detector]:
    found: list[Detector] = []
    register_detectors(found.append)
    return found


@pytest.fixture(scope="session")
def scanner(detectors: list[Detector]) -> Scanner:
    return Scanner(detectors)


@pytest.fixture(scope="session")
def read_marked() -> Callable[[str], Marked]:
    def read(marked: str) -> Marked:
        values = [(match[1], match[2]) for match in re.finditer(r"\[(\w+):([^\]]+)\]", marked)]
        return re.sub(r"\[\w+:([^\]]+)\]", r"\1", marked), values

    return read


@pytest.fixture(scope="session")
def found_in(scanner: Scanner) -> Callable[[str], list[tuple[str, str]]]:
    """Types and values that are found in a text, cut out of it by the findings' offsets."""

    def find(text: str) -> list[tuple[str, str]]:
        scan = scanner.scan(text, "1")
        assert scan.failures == ()
        return [(finding.type, text[finding.start : finding.end]) for finding in scan.findings]

    return find
