"""Paging through Zendesk's lists, as exchanges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request
from oneclick_sla_zendesk import limits

_TEXTS = ("agent_description", "description", "name", "status", "title", "type")

PAGE_SIZE = ("page[size]", "100")
"""Cursor paging at its largest page: https://developer.zendesk.com/api-reference/introduction/pagination/"""


def pages(first: Request, base_url: str) -> Exchange[Sequence[Mapping[str, Any]]]:
    """All pages of a list, in order.

    The next page is named by an absolute link. It is followed on our own host only:
    the request carries our token (``PermanentPlatformError``, reason ``foreign_link``).
    """
    found = []
    seen = set()
    request = first
    while True:
        page = yield from limits.fetch(request)
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
    """The objects under ``key`` of all pages, each with an ``id``, and with texts or nothing under :data:`_TEXTS`.

    Raises ``PermanentPlatformError`` for another shape.
    """
    listed = []
    for page in found:
        values = page.get(key)
        if not isinstance(values, list) or not all(_is_entry(value) for value in values):
            raise limits.unexpected_body(operation)
        listed += values
    return listed


def _is_entry(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), int | str)
        and all(isinstance(value.get(name), str | None) for name in _TEXTS)
    )


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
