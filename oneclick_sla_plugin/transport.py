"""The one place that opens outgoing connections.

A client is bound to one base address and sends nowhere else: a request names a
path, so a link in an answer cannot lead credentials to another host. Redirects
are answers, not instructions. Connections are reused; cookies and ``.netrc`` are
ignored, since a login must come from the account's settings alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError, TemporaryPlatformError
from oneclick_sla_plugin.ports import Request, Response

MAX_RESPONSE_BYTES = 32 * 1024 * 1024
"""A longer answer is refused: no call of ours has a use for it."""

_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for a connection, and for each piece of the answer."""

    connect: timedelta = timedelta(seconds=5)
    read: timedelta = timedelta(seconds=30)


class HttpTransport:
    """An ``HttpClient`` over ``requests``, for one base address; safe to use from several threads."""

    def __init__(
        self, base_url: str, *, platform: str = "http", timeouts: Timeouts | None = None, connections: int = 16
    ) -> None:
        parts = urlsplit(base_url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or "@" in parts.netloc  # a login in the address would go with every request, and into logs
            or parts.query
            or parts.fragment
            or parts.port == 0  # asking for it raises ValueError where it is no number
        ):
            raise ValueError("a base address is http(s)://host[:port][/path]")
        self._base_url = base_url.rstrip("/")
        self._platform = platform
        timeouts = timeouts or Timeouts()
        self._timeout = (timeouts.connect.total_seconds(), timeouts.read.total_seconds())
        self._session = requests.Session()
        self._session.trust_env = False  # else .netrc would replace our Authorization header
        self._session.proxies.update(get_environ_proxies(self._base_url))
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        pool = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
        self._session.mount("http://", pool)
        self._session.mount("https://", pool)

    def send(self, request: Request) -> Response:
        """Send and return whatever status comes back.

        Raises ``TemporaryPlatformError`` (reason ``timeout``, ``unreachable`` or
        ``answer too long``) when no whole answer came; whether the request took effect
        is then not known. Raises ``PermanentPlatformError`` for a request that cannot
        be sent, for instance a login with a line break in it.
        """
        if not request.path.startswith("/") or request.path.startswith("//"):
            raise ValueError("a request's path begins with one slash")
        failure: PlatformError
        try:
            with self._session.request(
                request.method,
                self._base_url + request.path,
                params=list(request.query),
                headers=dict(request.headers),
                data=request.body,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = self._read(answer)
                if body is not None:
                    headers = {name.lower(): value for name, value in answer.headers.items()}
                    return Response(answer.status_code, headers, body)
            failure = self._failure(request, "answer too long")
        except ValueError:  # a header or an address that cannot be encoded
            failure = PermanentPlatformError(
                platform=self._platform, operation=request.operation, reason="request cannot be sent"
            )
        except requests.Timeout:
            failure = self._failure(request, "timeout")
        except requests.RequestException:
            failure = self._failure(request, "unreachable")
        # Raised outside the except clauses: the library's exception holds the request, login and body included.
        raise failure

    @staticmethod
    def _read(answer: requests.Response) -> bytes | None:
        pieces = bytearray()
        for piece in answer.iter_content(_CHUNK_BYTES):
            pieces += piece
            if len(pieces) > MAX_RESPONSE_BYTES:
                return None
        return bytes(pieces)

    def _failure(self, request: Request, reason: str) -> TemporaryPlatformError:
        return TemporaryPlatformError(platform=self._platform, operation=request.operation, reason=reason)

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
