"""The settings of a Freshdesk account, checked before anything is connected."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator

from oneclick_sla_plugin.errors import ConfigError, problems_of

StatusName = Literal["open", "pending", "on_hold", "solved", "closed"]

Address = Annotated[str, Field(min_length=3, pattern="@")]

_HOST = re.compile(r"[a-z0-9-]+\.freshdesk\.com")


def _words(value: object) -> object:
    """A list whose texts may hold several secrets with blanks between, as one environment variable does."""
    entries = value if isinstance(value, list | tuple) else [value]
    found: list[object] = []
    for entry in entries:
        text = entry.get_secret_value() if isinstance(entry, SecretStr) else entry
        found += text.split() if isinstance(text, str) else [text]
    return found


class FreshdeskSettings(BaseModel):
    """The ``settings`` table of an account on this platform."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: str
    api_key: SecretStr = Field(min_length=1)
    install_api_key: SecretStr | None = Field(default=None, min_length=1)
    webhook_secrets: Annotated[tuple[SecretStr, ...], BeforeValidator(_words)] = Field(default=(), max_length=2)
    known_requester: Literal["company"] | None = None
    document_field: str | None = Field(default=None, min_length=1)
    statuses: dict[int, StatusName] = Field(default_factory=dict)
    notify_emails: dict[str, tuple[Address, ...]] = Field(default_factory=dict)
    write_due_dates: bool = False
    clock_skew_limit: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))

    @property
    def configuring_key(self) -> SecretStr:
        """The key of an administrator, for installing: the one of its own, or the only one there is."""
        return self.install_api_key or self.api_key

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        """https://<name>.freshdesk.com and nothing else: the key is sent there, and a mapped domain may be anybody's."""
        parts = urlsplit(value)
        host = parts.hostname or ""
        loopback = parts.scheme == "http" and _is_loopback(host)
        if not loopback and (parts.scheme != "https" or not _HOST.fullmatch(host) or parts.netloc.lower() != host):
            raise ValueError("must be an address such as https://acme.freshdesk.com, since the key is sent there")
        if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be scheme and host only")
        return f"{parts.scheme}://{parts.netloc}"


def load_settings(settings: Mapping[str, Any]) -> FreshdeskSettings:
    """Check the settings. Raises ``ConfigError`` with all problems; no value is quoted in them."""
    try:
        return FreshdeskSettings.model_validate(dict(settings))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        problems = problems_of(found, known_keys=FreshdeskSettings.model_fields)
    # Raised outside the handler: the library's error holds the secrets it was given.
    raise ConfigError(problems)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
