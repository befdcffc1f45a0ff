"""The settings of a Zendesk account, checked before anything is connected."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator

from oneclick_sla_plugin.errors import ConfigError, problems_of


def _words(value: object) -> object:
    """A list whose texts may hold several secrets with blanks between, as one environment variable does."""
    entries = value if isinstance(value, list | tuple) else [value]
    found: list[object] = []
    for entry in entries:
        text = entry.get_secret_value() if isinstance(entry, SecretStr) else entry
        found += text.split() if isinstance(text, str) else [text]
    return found


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KnownRequester(_Model):
    """Who counts as a customer: members of an organisation, users with a tag, or both."""

    organization: bool = False
    tag: str | None = Field(default=None, min_length=1)


class ZendeskSettings(_Model):
    """The ``settings`` table of an account on this platform."""

    base_url: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    webhook_secrets: Annotated[tuple[SecretStr, ...], BeforeValidator(_words)] = Field(default=(), max_length=2)
    signature_tolerance: timedelta = Field(default=timedelta(minutes=15), gt=timedelta(0))
    allow_test_secret: bool = False
    known_requester: KnownRequester | None = None

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("must be an address such as https://acme.zendesk.com")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("must begin with https://, since the login is sent there")
        if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be scheme and host only")
        return f"{parts.scheme}://{parts.netloc}"


def load_settings(settings: Mapping[str, Any]) -> ZendeskSettings:
    """Check the settings. Raises ``ConfigError`` with all problems; no value is quoted in them."""
    try:
        return ZendeskSettings.model_validate(dict(settings))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        problems = problems_of(found, known_keys=ZendeskSettings.model_fields)
    # Raised outside the handler: the library's error holds the secrets it was given.
    raise ConfigError(problems)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
