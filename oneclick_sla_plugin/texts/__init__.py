"""The words of notes, per language, as data; see ``domain.notes`` for what is said and when."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.wording import Wording
from oneclick_sla_plugin.errors import ConfigError, Problem

LANGUAGES = ("es", "en")


def load_wording(language: str, zone: ZoneInfo) -> Wording:
    """The words of ``language`` for readers in ``zone``. Raises ``ConfigError`` for a language without texts."""
    if language not in LANGUAGES:
        raise ConfigError(
            [Problem("language", f'there are no texts in "{language}"', f"known: {', '.join(LANGUAGES)}")]
        )
    data = _read(language)
    return Wording(
        language=language,
        zone=zone,
        texts=data["texts"],
        days=tuple(data["days"]),
        months=tuple(data["months"]),
    )


@cache
def _read(language: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8"))
