"""Secrets of the configuration: named there by where they come from, read from an environment variable or a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: the environment variable or the file of this name."""

    kind: Literal["env", "file"]
    name: str


def read_secret(source: SecretSource) -> SecretStr | None:
    """The secret, without surrounding blanks; ``None`` when it does not exist or is empty."""
    if source.kind == "env":
        text = os.environ.get(source.name, "")
    else:
        try:
            text = Path(source.name).read_text(encoding="utf-8")
        except (OSError, ValueError):  # not there, not UTF-8, or no possible name
            return None
    return SecretStr(text.strip()) if text.strip() else None


def is_source(value: object) -> bool:
    """Whether a value of the file is ``{ env = "NAME" }`` or ``{ file = "path" }``."""
    return (
        isinstance(value, Mapping)
        and len(value) == 1
        and next(iter(value)) in ("env", "file")
        and isinstance(next(iter(value.values())), str)
    )


def reveal(value: object) -> str:
    """The text of a value, secret or not."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
