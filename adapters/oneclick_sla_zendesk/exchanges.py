"""Conversations with Zendesk as values: a generator that yields requests and is sent the responses.

An exchange knows what to ask next and what the answers amount to, but not how
anything is sent; :func:`run` drives one with any function from request to
response. So paging, reading and provisioning are tested without a connection.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_zendesk import limits

T = TypeVar("T")
Exchange = Generator[Request, Response, T]
Send = Callable[[Request], Response]

PAGE_SIZE = ("page[size]", "100")
"""Cursor paging at its largest page: https://developer.zendesk.com/api-reference/introduction/pagination/"""


def run(exchange: Exchange[T], send: Send) -> T:
    """Drive an exchange to its end and return its result; a failure to send is raised inside it, where it asked."""
    try:
        request = next(exchange)
        while True:
            try:
                response = send(request)
            except PlatformError as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


def json_request(method: str, path: str, operation: str, body: Mapping[str, Any]) -> Request:
    """A request with a JSON body."""
    return Request(
        method=method,
        path=path,
        operation=operation,
        headers={"content-type": "application/json"},
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
    )


def fetch(request: Request) -> Exchange[Mapping[str, Any]]:
    """One request, its JSON object. Raises the platform errors of ``limits.json_object``."""
    response = yield request
    return limits.json_object(request, response)


def pages(first: Request, base_url: str) -> Exchange[Sequence[Mapping[str, Any]]]:
    """All pages of a list, in order.

    The next page is named by an absolute link. It is followed on our own host only:
    the request carries our token (``PermanentPlatformError``, reason ``foreign_link``).
    """
    found = []
    seen = set()
    request = first
    while True:
        page = yield from fetch(request)
        found.append(page)
        meta, links = page.get("meta"), page.get("links")
        if not (isinstance(meta, dict) and meta.get("has_more")):
            return found
        link = links.get("next") if isinstance(links, dict) else None
        if not isinstance(link, str):
            raise limits.unexpected_body(first.operation)
        if link in seen:
            raise PermanentPlatformError(platform=limits.PLATFORM, operation=first.operation, reason="endless_list")
        seen.add(link)
        request = _following(link, first, base_url)


def entries(found: Sequence[Mapping[str, Any]], key: str, operation: str) -> Sequence[Mapping[str, Any]]:
    """The objects under ``key`` of all pages, each with an ``id``. Raises ``PermanentPlatformError`` for another shape."""
    listed = []
    for page in found:
        values = page.get(key)
        if not isinstance(values, list) or not all(isinstance(value, dict) and "id" in value for value in values):
            raise limits.unexpected_body(operation)
        listed += values
    return listed


def _following(link: str, first: Request, base_url: str) -> Request:
    target, home = urlsplit(link), urlsplit(base_url)
    if (target.scheme, target.netloc.casefold()) != (home.scheme, home.netloc.casefold()):
        raise PermanentPlatformError(platform=limits.PLATFORM, operation=first.operation, reason="foreign_link")
    return Request(
        method=first.method,
        path=target.path,
        operation=first.operation,
        query=tuple(parse_qsl(target.query, keep_blank_values=True)),
        headers=first.headers,
    )
