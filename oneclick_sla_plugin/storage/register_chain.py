"""The hash chain of a series: each link's hash covers its content and the hash of the link before.

So nothing in the middle can be changed, taken out or put in without every later
hash disagreeing. A hash says nothing against somebody who computes the whole
chain anew; against that helps the last hash, written down elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

GENESIS = "0" * 64
"""What stands before the first link of a series."""


def canonical(value: Any) -> str:
    """JSON in the one form that is stored and hashed: keys in order, no blanks."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Link:
    """An event as it is chained. Instants are microseconds since 1970; ``facts`` and ``state`` canonical JSON.

    ``position`` counts from 1 in the ``series``. ``state`` is the complaint's row as the
    event left it, ``None`` where it left it as it was.
    """

    series: str
    position: int
    account: str
    ticket: str
    what: str
    at: int
    actor: str
    message: str | None
    level: int
    facts: str
    recorded_at: int
    state: str | None
    previous: str = GENESIS

    @property
    def hash(self) -> str:
        """SHA-256, as 64 hexadecimal digits."""
        return hashlib.sha256(canonical(astuple(self)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a series' chain: how many links it has, and the hash of the last."""

    series: str
    position: int = 0
    hash: str = GENESIS


def chained(head: Head, links: Iterable[Link]) -> list[Link]:
    """The links put at the end of a chain, with their positions and the hashes before them."""
    found = []
    position, previous = head.position, head.hash
    for link in links:
        position += 1
        found.append(replace(link, position=position, previous=previous))
        previous = found[-1].hash
    return found


def state_of(row: Mapping[str, Any]) -> str:
    """What the chain keeps of a complaint's row, instants already as integers: all but whose row it is."""
    return canonical({name: value for name, value in row.items() if name not in ("account", "ticket")})
