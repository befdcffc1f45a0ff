"""The seeds: messages written for this project, one JSON object a line, one file an author, with what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from oneclick_sla_plugin.classifiers.judge import Head
from oneclick_sla_plugin.domain.complaint import ComplaintType
from oneclick_sla_plugin.domain.model import Kind

SEEDS = Path(__file__).with_name("messages")


@dataclass(frozen=True, slots=True)
class Seed:
    """A message and its labels; ``type`` is ``None`` unless it is a complaint."""

    subject: str
    text: str
    kind: Kind
    type: ComplaintType | None
    abusive: bool
    threat: bool
    urgent: bool

    def is_for(self, head: Head) -> bool:
        """What the judge should answer."""
        match head:
            case Head.RECLAMO:
                return self.type is ComplaintType.RECLAMO
            case Head.THREAT:
                return self.threat
            case Head.URGENT:
                return self.urgent
            case _:
                return self.kind is Kind(head)


def read_seeds(path: Path) -> list[Seed]:
    """The messages of a file of labelled lines, as ``classify --review`` takes them."""
    return [_seed(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _seed(line: Mapping[str, object]) -> Seed:
    return Seed(
        subject=str(line.get("subject") or ""),
        text=str(line["text"]),
        kind=Kind(str(line["kind"])),
        type=ComplaintType(str(line["complaint_type"])) if line["complaint_type"] else None,
        abusive=bool(line["abusive"]),
        threat=bool(line["threat"]),
        urgent=bool(line["urgent"]),
    )


def authors() -> dict[str, list[Seed]]:
    """All seeds by author."""
    return {path.stem: read_seeds(path) for path in sorted(SEEDS.glob("*.jsonl"))}


def digest() -> str:
    """A fingerprint of all seeds: the judge tells which ones it was fitted on."""
    found = hashlib.sha256()
    for path in sorted(SEEDS.glob("*.jsonl")):
        found.update(path.read_bytes())
    return found.hexdigest()
