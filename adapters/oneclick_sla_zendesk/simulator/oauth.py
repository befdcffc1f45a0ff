"""Logins of the simulated account: the client-credentials grant with expiry and scopes, and API tokens of old.

https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from oneclick_sla_plugin.ports import Clock
from oneclick_sla_zendesk.simulator.errors import RefusalError, forbidden, unauthenticated

SHORTEST = timedelta(minutes=5)
LONGEST = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Token:
    user_id: int
    scopes: frozenset[str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A confidential client; its tokens act as ``user_id``."""

    id: str
    secret: str = field(repr=False)
    user_id: int


class Tokens:
    """Issues and checks tokens. Safe to use from several threads."""

    def __init__(self, client: OAuthClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}
        self._api_tokens: dict[str, int] = {}
        self.allowed_scopes: frozenset[str] | None = None
        """The scopes that the client may have; ``None`` for all."""

    def issue(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a token request. ``RefusalError``: 401 for a wrong client, 400 for what is malformed.

        A ``scope`` that is a JSON array is taken, and gives a token that may do nothing.
        """
        if given.get("grant_type") != "client_credentials":
            raise _bad("unsupported_grant_type")
        known = given.get("client_id") == self._client.id
        if not hmac.compare_digest(str(given.get("client_secret")).encode(), self._client.secret.encode()) or not known:
            raise unauthenticated("invalid_client", "Client authentication failed")
        lifetime = _lifetime(given.get("expires_in"))
        scope = given.get("scope", "read write")
        scopes = frozenset(scope.split()) if isinstance(scope, str) else frozenset[str]()
        if self.allowed_scopes is not None:
            scopes &= self.allowed_scopes
        token = self._add(_Token(self._client.user_id, scopes, self._clock() + lifetime))
        return {
            "access_token": token,
            "token_type": "bearer",
            "scope": " ".join(sorted(scopes)),
            "expires_in": int(lifetime.total_seconds()),
        }

    def grant(self, user_id: int) -> str:
        """A token for a person, with every right and without an end."""
        return self._add(_Token(user_id, frozenset({"read", "write"}), None))

    def new_api_token(self, email: str, user_id: int) -> str:
        """A legacy API token, used with this address."""
        text = secrets.token_hex(20)
        with self._lock:
            self._api_tokens[f"{email}/token:{text}"] = user_id
        return text

    def revoke_issued(self) -> None:
        """From now on no token that :meth:`issue` or :meth:`new_api_token` gave is accepted."""
        with self._lock:
            self._tokens = {text: token for text, token in self._tokens.items() if token.expires_at is None}
            self._api_tokens.clear()

    def admit(self, authorization: str, method: str, resource: str) -> int:
        """The user whose request this is. ``RefusalError``: 401 without a valid token, 403 without the scope.

        ``resource`` is the fine scope that will do instead of a global one
        (``tickets:read``), empty where only the global one does.
        """
        kind, _, text = authorization.partition(" ")
        if kind.lower() == "basic":
            return self._user_of_api_token(text)
        with self._lock:
            token = self._tokens.get(text) if kind.lower() == "bearer" else None
        if token is None or (token.expires_at is not None and token.expires_at <= self._clock()):
            raise unauthenticated()
        right = "read" if method in ("GET", "HEAD") else "write"
        if not token.scopes & {right, f"{resource}:{right}"}:
            raise forbidden(f"Missing the following required scopes: {right}")
        return token.user_id

    def _user_of_api_token(self, text: str) -> int:
        """An API token has every right of its user."""
        try:
            pair = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise unauthenticated() from None
        with self._lock:
            user_id = self._api_tokens.get(pair)
        if user_id is None:
            raise unauthenticated("Couldn't authenticate you", "The API token is not valid")
        return user_id

    def _add(self, token: _Token) -> str:
        text = secrets.token_hex(32)
        with self._lock:
            self._tokens[text] = token
        return text


def _lifetime(given: Any) -> timedelta:
    if given is None:
        return LONGEST
    if not isinstance(given, int) or not SHORTEST <= timedelta(seconds=given) <= LONGEST:
        raise _bad("invalid_request")
    return timedelta(seconds=given)


def _bad(error: str) -> RefusalError:
    return RefusalError(400, {"error": error, "error_description": "The token request is not valid"})
