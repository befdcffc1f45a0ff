"""What the simulated Freshdesk does to HTML: it rewrites what comes in, and derives the plain text from it."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

_PARAGRAPH = re.compile(r"<(/?)p\b", re.IGNORECASE)
_SCRIPT = re.compile(r"<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BREAKING = frozenset({"blockquote", "br", "div", "h1", "h2", "h3", "li", "p", "pre", "table", "tr", "ul", "ol"})


def rewritten(html: str) -> str:
    """HTML as it comes back: paragraphs are ``div`` elements, scripts and styles are gone."""
    return _PARAGRAPH.sub(r"<\1div", _SCRIPT.sub("", html))


def html_of(plain: str) -> str:
    """Plain text as the HTML that an e-mail or a form leaves in a ticket: one ``div`` a line."""
    return "".join(f"<div>{escape(line, quote=False) or '<br>'}</div>" for line in plain.splitlines() or [""])


def plain_of(html: str) -> str:
    """The text of an HTML body: one line a block or line break, blanks collapsed."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    lines = [" ".join(line.split()) for line in "".join(parser.pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - stdlib signature
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        self.pieces.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag == "br" or (tag in _BREAKING and self.pieces and not self.pieces[-1].endswith("\n")):
            self.pieces.append("\n")
