"""Conversations with Freshdesk as values: a generator that yields requests and is sent the responses.

An exchange knows what to ask next and what the answers amount to, but not how
anything is sent; :func:`run` drives one with any function from request to response.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import SecretStr

from oneclick_sla_freshdesk import limits
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError
from oneclick_sla_plugin.ports import Request, Response

T = TypeVar("T")
Exchange = Generator[Request, Response, T]
Send = Callable[[Request], Response]

PAGE_SIZE = 100
"""The largest page: https://developers.freshdesk.com/api/#pagination"""

_MOST_PAGES = 300
_NEXT = re.compile(r'rel="?next"?')


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


def authorised(request: Request, key: SecretStr) -> Request:
    """The request with its login: Basic, the key as the user (https://developers.freshdesk.com/api/#authentication)."""
    login = base64.b64encode(f"{key.get_secret_value()}:X".encode()).decode("ascii")
    return replace(request, headers={**request.headers, "authorization": f"Basic {login}"})


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


def has_next(response: Response) -> bool:
    """Whether a list goes on, by its ``Link`` header."""
    return _NEXT.search(response.headers.get("link", "")) is not None


def pages(first: Request) -> Exchange[list[Mapping[str, Any]]]:
    """All objects of a list, page by page.

    The next page is asked for by its number: the link itself is not followed, so that
    it cannot lead the key to another host. Raises ``PermanentPlatformError``, reason
    ``endless_list``, past the 300 pages that Freshdesk serves.
    """
    found: list[Mapping[str, Any]] = []
    for number in range(1, _MOST_PAGES + 1):
        # The first page is asked for as it is: some lists refuse the parameters of pages.
        request = first if number == 1 else replace(first, query=(*first.query, ("page", str(number))))
        response = yield request
        found += objects(request, response)
        if not has_next(response):
            return found
    raise PermanentPlatformError(platform=limits.PLATFORM, operation=first.operation, reason="endless_list")


def objects(request: Request, response: Response) -> list[Mapping[str, Any]]:
    """The objects of one page, each with an ``id``. Raises ``PermanentPlatformError`` for another shape."""
    values = limits.json_value(request, response)
    if not isinstance(values, list) or not all(isinstance(value, dict) and "id" in value for value in values):
        raise limits.unexpected_body(request.operation, response)
    return values
