"""The login of a request, and paging through Freshdesk's lists, as exchanges."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from oneclick_sla_freshdesk import limits
from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request, Response

PAGE_SIZE = 100
"""The largest page: https://developers.freshdesk.com/api/#pagination"""

_MOST_PAGES = 300
_NEXT = re.compile(r'rel="?next"?')


def authorised(request: Request, key: SecretStr) -> Request:
    """The request with its login: Basic, the key as the user (https://developers.freshdesk.com/api/#authentication)."""
    login = base64.b64encode(f"{key.get_secret_value()}:X".encode()).decode("ascii")
    return replace(request, headers={**request.headers, "authorization": f"Basic {login}"})


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
