"""Signatures in both directions, from one secret (PROTOCOL.md, sections 1 to 3).

Events are signed as https://www.standardwebhooks.com/ says; requests to the plugin over
method, target, time and body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import urlencode

from oneclick_sla_plugin.ports import Request

Keys = tuple[bytes, ...]

TIMESTAMP_HEADER = "Oneclick-Sla-Timestamp"
SIGNATURE_HEADER = "Oneclick-Sla-Signature"

_PREFIX = "whsec_"
_VERSION = "v1,"
_SHORTEST_KEY, _LONGEST_KEY = 24, 64
_MOST_SIGNATURES = 8
"""How many signatures of an event are compared: two secrets give two, and a sender must not make us work."""


def key_of(secret: str) -> bytes:
    """The bytes behind a secret. Raises ``ValueError``, which does not quote it."""
    key = None
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = None
    # Raised outside the handler, so that nothing of the secret hangs on the error.
    if key is None or not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes, as osTicket's plugin page shows it")
    return key


def target_of(request: Request) -> str:
    """Path and query of a request as they go over the wire, without the address that they are joined to."""
    return f"{request.path}?{urlencode(request.query)}" if request.query else request.path


def request_headers(keys: Keys, request: Request, now: datetime) -> Mapping[str, str]:
    """The two headers of a request to the plugin: signed with every key, for either may be the one it holds."""
    seconds = int(now.timestamp())
    content = f"{request.method}\n{target_of(request)}\n{seconds}\n".encode() + (request.body or b"")
    return {TIMESTAMP_HEADER: str(seconds), SIGNATURE_HEADER: " ".join(_sign(key, content) for key in keys)}


def event_is_signed(keys: Iterable[bytes], id_: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether one of the keys signed exactly these bytes; in a time that does not tell which."""
    content = f"{id_}.{timestamp}.".encode("utf-8", "surrogateescape") + body
    given = [each.encode("utf-8", "surrogateescape") for each in signatures.split(" ")[:_MOST_SIGNATURES]]
    matches = [hmac.compare_digest(_sign(key, content).encode(), each) for key in keys for each in given]
    return any(matches)


def _sign(key: bytes, content: bytes) -> str:
    return _VERSION + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode("ascii")
