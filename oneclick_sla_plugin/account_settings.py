"""What the settings of accounts have in common, for adapters: those that ship and any other.

The table of an account is checked as a whole before anything is connected, and a
problem never quotes a value: it may be a secret.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationError

from oneclick_sla_plugin.errors import ConfigError, Problem, problems_of


class AccountSettings(BaseModel):
    """Base of a platform's settings: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


S = TypeVar("S", bound=AccountSettings)


def _words(value: object) -> object:
    entries = value if isinstance(value, list | tuple) else [value]
    found: list[object] = []
    for entry in entries:
        text = entry.get_secret_value() if isinstance(entry, SecretStr) else entry
        found += text.split() if isinstance(text, str) else [text]
    return found


Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_words)]
"""A list of secrets, any of which may be several with blanks between, as one environment variable holds them."""


def checked(
    model: type[S],
    settings: Mapping[str, Any],
    *,
    problems: Iterable[Problem] = (),
    nested: Mapping[str, Iterable[str]] | None = None,
) -> S:
    """The settings as values of ``model``. Raises ``ConfigError`` with all problems, those that are given first.

    ``nested``: the keys of tables in the settings, for a hint at a misspelt one.
    """
    found = [*problems]
    values = None
    try:
        values = model.model_validate(dict(settings))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        found += problems_of(errors, known_keys=model.model_fields, nested=nested or {})
    # Raised outside the handler: the library's error holds the secrets it was given.
    if values is None or found:
        raise ConfigError(found)
    return values


def is_loopback(host: str) -> bool:
    """Whether a host's name is this machine's, which may be spoken to without encryption."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
