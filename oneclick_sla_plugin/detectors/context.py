"""What the words beside a number say it is: the nearest ones decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from oneclick_sla_plugin.detectors.automaton import linear_pattern
from oneclick_sla_plugin.detectors.lexicon import alternation, phrase_key
from oneclick_sla_plugin.domain.plain_text import PlainText


class Context:
    """Words by the meaning they give to a number beside them; in later meanings they replace earlier ones."""

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        self._meaning_of = {phrase_key(word): meaning for meaning, phrases in words.items() for word in phrases}
        every = alternation(word for phrases in words.values() for word in phrases)
        self._pattern = linear_pattern(rf"(?:^|[^a-z0-9])(?:{every})", longest=True)

    def before(self, text: PlainText, start: int, reach: int) -> str:
        """The meaning that the last such word in the ``reach`` characters before ``start`` gives; empty if none."""
        begin = max(0, start - reach)
        meaning = ""
        for found, whole in self._words(text.ascii[begin:start]):
            meaning = self._meaning_of[found] if whole else meaning
        return meaning

    def after(self, text: PlainText, end: int, reach: int) -> str:
        """As :meth:`before`, by the first such word after ``end``."""
        return next(
            (self._meaning_of[found] for found, whole in self._words(text.ascii[end : end + reach]) if whole), ""
        )

    def _words(self, window: bytes) -> Iterable[tuple[str, bool]]:
        for match in self._pattern.finditer(window):
            begin, end = match.span()
            word = phrase_key(window[begin:end].decode("ascii"))
            if word not in self._meaning_of:
                word = phrase_key(window[begin + 1 : end].decode("ascii"))  # without the character before it
            rest = window[end : end + 2]
            whole = not rest[:1].isalpha() or (rest[:1] in (b"s", b"n") and not rest[1:].isalpha())  # a plural
            yield word, whole
