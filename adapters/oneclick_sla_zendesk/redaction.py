"""Making characters of a comment unreadable, which cannot be undone.

Zendesk takes the comment's HTML back with ``<redact>`` around what has to go:
https://developer.zendesk.com/api-reference/ticketing/tickets/comment_redactions/ .
What was found stands in the plain text, so each value is looked up in the text
that the HTML shows. When it is not certain which characters they are, they stay:
the warning on the ticket stands until a person has redacted them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.exchanges import Exchange, json_request
from oneclick_sla_plugin.ports import Request
from oneclick_sla_zendesk.exchanges import PAGE_SIZE, entries, pages
from oneclick_sla_zendesk.limits import fetch
from oneclick_sla_zendesk.tickets import comment_text, ticket_path

_OPERATION = "redact comment"

_PIECE = re.compile(
    r"""(?P<tag><[a-z/!?](?:"[^"]*"|'[^']*'|[^'"<>])*>)|&(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});|.""",
    re.IGNORECASE | re.DOTALL,
)

Span = tuple[int, int]
"""Offsets of a value's first character and of the one behind its last."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many values Zendesk was told to redact, and how many were left because their place was not certain."""

    redacted: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Shown:
    """The characters that HTML shows, without blanks and invisible ones, and where each came from.

    ``tags``: the insides of tags in the same form, one a line.
    """

    text: str
    spans: Sequence[Span]
    tags: str


def redact(ticket: Ticket, message_id: str, spans: Sequence[Span], base_url: str) -> Exchange[Outcome]:
    """Redact ``spans`` of a comment's text as ``ticket`` has it.

    Nothing is sent when the comment is not there any more or reads otherwise by now.
    Raises the platform errors.
    """
    read = next((message.text for message in ticket.messages if message.id == message_id), None)
    request = Request("GET", ticket_path(ticket.id, "/comments"), _OPERATION, query=(PAGE_SIZE,))
    comments = entries((yield from pages(request, base_url)), "comments", _OPERATION)
    comment: dict[str, Any] = next((dict(each) for each in comments if str(each["id"]) == message_id), {})
    body = comment.get("html_body")
    if not read or comment_text(comment) != read or not isinstance(body, str):
        return Outcome()
    marked, outcome = mark(body, read, spans)
    if outcome.redacted:
        path = f"/api/v2/comment_redactions/{quote(message_id, safe='')}"
        yield from fetch(json_request("PUT", path, _OPERATION, {"ticket_id": int(ticket.id), "html_body": marked}))
    return outcome


def mark(body: str, text: str, spans: Sequence[Span]) -> tuple[str, Outcome]:
    """The HTML ``body`` with ``<redact>`` around the values at ``spans`` of its plain ``text``.

    A value must stand as often in what the HTML shows as in the plain text, and in no
    tag (an address of a link cannot be marked so); then the first is the first, and so on.
    """
    shown = _shown(body)
    plain = _visible(text)
    cuts: list[Span] = []
    redacted = 0
    for start, end in dict.fromkeys(spans):
        value = _visible(text[start:end])
        here = _places(shown.text, value)
        there = _places(plain, value)
        at = len(_visible(text[:start]))
        if len(here) != len(there) or at not in there or value in shown.tags:
            continue
        first = here[bisect_left(there, at)]
        cuts += _runs(shown.spans[first : first + len(value)], body)
        redacted += 1
    return _cut(body, cuts), Outcome(redacted, len(set(spans)) - redacted)


def _visible(text: str) -> str:
    """Without blanks and format characters; entities, which plain bodies may keep, are resolved."""
    return "".join(each for each in html.unescape(text) if _is_visible(each))


def _is_visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) != "Cf"


def _shown(body: str) -> _Shown:
    characters: list[str] = []
    spans: list[Span] = []
    tags: list[str] = []
    for piece in _PIECE.finditer(body):
        if piece["tag"]:
            tags.append(_visible(piece[0]))
            continue
        for character in html.unescape(piece[0]):
            if _is_visible(character):
                characters.append(character)
                spans.append(piece.span())
    return _Shown("".join(characters), spans, "\n".join(tags))


def _places(text: str, value: str) -> list[int]:
    """Where ``value`` stands, in order."""
    return [match.start() for match in re.finditer(re.escape(value), text)] if value else []


def _runs(spans: Sequence[Span], body: str) -> list[Span]:
    """The spans joined where no tag lies between them: a mark that begins in one tag must not end in another."""
    runs: list[Span] = []
    for start, end in spans:
        if runs and "<" not in body[runs[-1][1] : start]:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs


def _cut(body: str, cuts: Sequence[Span]) -> str:
    """Marks around all cuts; those that overlap are one."""
    pieces: list[str] = []
    done = 0
    joined: list[Span] = []
    for start, end in sorted(cuts):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    for start, end in joined:
        pieces += (body[done:start], "<redact>", body[start:end], "</redact>")
        done = end
    return "".join((*pieces, body[done:]))
