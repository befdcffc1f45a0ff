"""What Zendesk makes of the text of a comment: cuts it, expands placeholders, renders it both ways.

Markdown in ``body`` is not rendered.
Comments: https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser

LIMIT_BYTES = 64 * 1024
"""A longer comment is cut, without a word about it."""

_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_ESCAPED_OR_PLACEHOLDER = re.compile(r"\\+(\{\{)|\{\{([^{}]*)\}\}")
_CODE = re.compile(r"(<code\b[^>]*>.*?</code\s*>)", re.DOTALL | re.IGNORECASE)
_CHARACTER = re.compile(r"(?P<tag><[^>]*>)|&[#A-Za-z0-9]+;|\S")
_BLOCKS = frozenset({"div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "table", "tr", "ul"})
_PARAGRAPHS = frozenset({"blockquote", "p", "pre"})
_UNSEEN = frozenset({"script", "style", "title"})


def cut(text: str) -> str:
    """At most :data:`LIMIT_BYTES` of UTF-8, cut between two characters."""
    return text.encode()[:LIMIT_BYTES].decode(errors="ignore")


def expand(body: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders of a plain body; unknown ones vanish, a backslash before ``{{`` keeps it as text."""
    return _ESCAPED_OR_PLACEHOLDER.sub(lambda match: match[1] or values.get(match[2].strip(), ""), body)


def expand_html(html: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders of an HTML body, except inside a code tag; unknown ones vanish."""
    pieces = _CODE.split(html)
    pieces[::2] = [
        _PLACEHOLDER.sub(lambda match: escape(values.get(match[1].strip(), "")), piece) for piece in pieces[::2]
    ]
    return "".join(pieces)


def html_of(body: str) -> str:
    """A plain body as the HTML that Zendesk shows: a paragraph for each block of lines."""
    blocks = [block for block in re.split(r"\n\s*\n", body.strip()) if block.strip()]
    paragraphs = ("<br>".join(escape(line, quote=False) for line in block.splitlines()) for block in blocks)
    return (
        '<div class="zd-comment" dir="auto">' + "".join(f'<p dir="auto">{text}</p>' for text in paragraphs) + "</div>"
    )


def plain_of(html: str) -> str:
    """The text of an HTML body: one line a line break or block, an empty line between paragraphs, blanks collapsed."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    lines = [" ".join(line.split()) for line in "".join(parser.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def unmarked(html: str) -> str:
    """HTML without the marks of a redaction."""
    return re.sub(r"</?redact>", "", html)


def redact(html: str) -> str:
    """HTML with a block for each character between marks, which are gone; blanks and tags stay."""
    return re.sub(
        r"<redact>(.*?)</redact>",
        lambda marked: _CHARACTER.sub(lambda found: found["tag"] or "▇", marked[1]),
        html,
        flags=re.DOTALL,
    )


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - stdlib signature
        self._unseen += tag in _UNSEEN
        self._preformatted += tag == "pre"
        if tag == "br":
            self.pieces.append("\n")
        else:
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._preformatted -= tag == "pre" and self._preformatted > 0
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data if self._preformatted else re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in _BLOCKS and (not self.pieces or not self.pieces[-1].endswith("\n")):
            self.pieces.append("\n")
