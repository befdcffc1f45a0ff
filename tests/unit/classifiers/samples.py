"""The messages of ``messages.txt`` as values: written for these tests, in four languages, with what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from oneclick_sla_plugin.domain.complaint import ComplaintType
from oneclick_sla_plugin.domain.model import Kind

_FILE = Path(__file__).with_name("messages.txt")


@dataclass(frozen=True)
class Sample:
    subject: str
    text: str
    kind: Kind
    type: ComplaintType | None
    abusive: bool
    threat: bool


def read_samples() -> Iterator[Sample]:
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            head, subject, text = (cell.strip() for cell in line.split("|", 2))
            _, kind, type_, flags = head.split()
            yield Sample(
                subject,
                text.replace("\\n", "\n"),
                Kind(kind),
                None if type_ == "-" else ComplaintType(type_),
                abusive="a" in flags,
                threat="t" in flags,
            )
