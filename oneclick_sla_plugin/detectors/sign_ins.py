"""Values beside what people do with them: "log in as root with …", "I set it to …", "use … to get in".

Here no word for a credential has to stand beside the value. An act names it instead,
and most acts count only where a password or a PIN is spoken of nearby. Whether a word
looks like a value is judged by its shape, as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from oneclick_sla_plugin.detectors.lexicon import Lexicon, alternation, lexicon
from oneclick_sla_plugin.detectors.values import Look, Value, is_order_like, read_value
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import PASSWORD, PIN, Candidate

_LIKELY = 0.82
_POSSIBLE = 0.65
_TOPIC = 120
"""Characters on either side of a value within which its credential's word has to stand."""
_LONGEST = 80
_NEAR = 60
_MOST_ACTS = 1_000
"""Of one kind in one message: each of them costs a look around."""
_PIN_DIGITS = range(4, 9)
_SYMBOL = re.compile(r"[#!@$%&*?]")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}\Z")
_PRODUCT_LIKE = re.compile(r"[A-Z][a-z]+[0-9]{1,2}\Z")
_NAME_LIKE = re.compile(r"[a-z][a-z._\-]*[0-9]{0,4}\Z")
_NEXT_WORD = re.compile(r"\s{1,2}([a-z]{1,20})")
_AND = r"(?:and|y|e|und|with|con|mit|com)"
_MAIL = re.compile(
    r"(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]{1,64}(?:\.[\w\-]{1,32}){1,3}[\"']?"
    rf"(?:\s{{0,2}}[/|]\s{{0,2}}|\s{{1,2}}{_AND}\s{{1,2}})(?=\S)"
)
_LOGIN = re.compile(
    r"log\s?in|sign\s?in|acces|acess|zugang|ingres|entrar|entro|anmeld|einlogg|inici|user|usuari|benutzer|cred"
)


class SignInDetector:
    """Finds passwords and PINs by the acts around them; the acts come from the lexicon."""

    name = "sign-ins"
    types = frozenset({PASSWORD, PIN})

    def __init__(self, words: Lexicon | None = None) -> None:
        self._words = words or lexicon()
        self._act = {name: alternation(phrases) for name, phrases in self._words.acts.items()}
        act = self._act
        hint = r"[0-9#@$%&*!]"
        before = "|".join(
            (
                rf"(?:{act['sign_in']})[^\n]*[^a-z](?:{act['with']})",
                rf"(?:{act['set']})[\s](?:[a-z]+\s)?(?:{act['to']})",
                act["put"],
                act["user"],
                "admin|administrator|administrador|root|guest",
                rf"(?:{act['sign_in']})(?:\s[a-z]+)*\s?:",
                rf"(?:{act['with']})",
            )
        )
        self.trigger = (
            rf"@[a-z0-9.\-]+[\"']?\s?(?:[/|]|(?:and|y|e|und|with|con|mit|com)\s)|"
            rf"(?:^|[^a-z])(?:{act['use']})\s[^\n]*{hint}[^\n]*\s(?:{act['in_order_to']})\s|"
            rf"(?:^|[^a-z])(?:{before})\s[^\n]*{hint}|{hint}[^\n]*\s(?:{act['what']})\s"
        )

    @cached_property
    def _sign_in(self) -> re.Pattern[str]:
        act = self._act
        return re.compile(
            rf"\b(?:{act['sign_in']})(?:\s{{1,3}}[a-z]{{1,12}}){{0,2}}?(?P<name>\s{{1,3}}(?:{act['as']})\s{{1,3}}\S{{1,40}})?"
            rf"(?:\s{{1,3}}[a-z]{{1,12}}){{0,2}}?\s{{1,3}}(?:{act['with']})\s{{1,3}}(?=\S)"
        )

    @cached_property
    def _set(self) -> re.Pattern[str]:
        act = self._act
        return re.compile(rf"\b(?:{act['set']})\s{{1,3}}(?:[a-z]{{2,10}}\s{{1,3}})?(?:{act['to']})\s{{1,3}}(?=\S)")

    @cached_property
    def _put(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self._act['put']})\s{{1,3}}(?=\S)")

    @cached_property
    def _use(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self._act['use']})\s{{1,3}}(?=\S)")

    @cached_property
    def _in_order_to(self) -> re.Pattern[str]:
        act = self._act
        return re.compile(rf"\s{{1,3}}(?:{act['in_order_to']})\s{{1,3}}(?:[a-z]{{1,5}}\s)?(?:{act['sign_in']})\b")

    @cached_property
    def _with(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self._act['with']})\s{{1,3}}(?=\S)")

    @cached_property
    def _fails(self) -> re.Pattern[str]:
        return re.compile(rf"\s{{1,3}}(?:[a-z']{{1,12}}\s{{1,3}}){{0,3}}?(?:{self._act['sign_in']})\b")

    @cached_property
    def _user(self) -> re.Pattern[str]:
        return re.compile(
            rf"\b(?:(?:{self._act['user']})(?:\s{{0,2}}[:=]|\s(?:is|es|ist|e))?"
            rf"|(?:{self._act['sign_in']})(?:\s{{1,2}}[a-z]{{1,12}}){{0,3}}?\s?:)\s{{1,3}}[\w.\-]{{2,40}}"
            rf"(?:\s{{0,2}}[/|]\s{{0,2}}|\s{{1,2}}{_AND}\s{{1,2}})(?=\S)"
            r"|(?<![\w/.\-])(?:admin|administrator|administrador|root|guest)\s[/|]\s(?=\S)"
        )

    @cached_property
    def _what(self) -> re.Pattern[str]:
        return re.compile(rf"(?<=\s)(?:{self._act['what']})\b")

    @cached_property
    def _named(self) -> re.Pattern[str]:
        """Words for a PIN (in a group) and for a password."""
        named = self._words.credentials
        return re.compile(rf"\b(?:(?P<pin>{alternation(named['pin'])})|(?:{alternation(named['password'])}))\b")

    @cached_property
    def _user_follows(self) -> re.Pattern[str]:
        """After a value: it was the user's name, for the credential comes next."""
        named = self._words.credentials
        return re.compile(
            rf",?\s{{1,2}}(?:{_AND}|then|luego)\s{{1,2}}(?:[a-z]{{1,8}}\s{{1,2}}){{0,2}}?(?:{alternation(named['password'])})\b"
        )

    def find(self, text: PlainText) -> Iterator[Candidate]:
        if "@" in text.folded:
            yield from self._mail_pairs(text)
        yield from self._user_pairs(text)
        yield from self._signed_in(text)
        yield from self._used(text)
        for pattern, typed in ((self._set, _POSSIBLE), (self._put, _LIKELY)):
            for act in _acts(pattern, text):
                yield from self._of_topic(text, _value_at(text, act.end()), typed)
        for act in _acts(self._with, text):
            value = _value_at(text, act.end())
            if value and value.look >= Look.MIXED and self._fails.match(text.folded, value.next):
                yield from self._of_topic(text, value, _POSSIBLE)
        for act in _acts(self._what, text):
            yield from self._of_topic(text, _value_before(text, act.start()), _LIKELY)

    def _mail_pairs(self, text: PlainText) -> Iterator[Candidate]:
        """A mail address and beside it what can only be its password."""
        for pair in _acts(_MAIL, text):
            value = _value_at(text, pair.end())
            if value is None or value.look < Look.MIXED:
                continue
            named = _LOGIN.search(text.folded, max(0, pair.start() - _NEAR), pair.start()) is not None
            written = text.text[value.start : value.end]
            if is_order_like(written) or not (named or (value.look is Look.STRONG and _SYMBOL.search(written))):
                continue
            yield Candidate(PASSWORD, value.start, value.end, _LIKELY if named else 0.6)

    def _user_pairs(self, text: PlainText) -> Iterator[Candidate]:
        """ "User admin and …": a user's name, joined to what is no name."""
        for pair in _acts(self._user, text):
            value = _value_at(text, pair.end())
            if value is None or not self._is_password(text, value):
                continue
            near = text.folded[max(0, pair.start() - 30) : pair.start()]
            entered = ":" in pair[0] or _LOGIN.search(near) is not None or self._with.search(near + "x") is not None
            if entered or value.look is Look.STRONG:
                yield _password(text, value)

    def _signed_in(self, text: PlainText) -> Iterator[Candidate]:
        for act in _acts(self._sign_in, text):
            value = _value_at(text, act.end())
            if value is None or not self._is_password(text, value):
                yield from self._of_topic(text, value, _POSSIBLE)
                continue
            written = text.text[value.start : value.end]
            if not act["name"] and (_NAME_LIKE.match(written) or _PRODUCT_LIKE.match(written)):
                if self._topic(text, value) is PASSWORD and not _NAME_LIKE.match(written):
                    yield Candidate(PASSWORD, value.start, value.end, _POSSIBLE)
                continue
            yield _password(text, value)

    def _used(self, text: PlainText) -> Iterator[Candidate]:
        """ "Use … to get in"."""
        for act in _acts(self._use, text):
            value = _value_at(text, act.end())
            if value is None or not self._in_order_to.match(text.folded, value.next):
                continue
            if self._is_password(text, value) and not _PRODUCT_LIKE.match(text.text[value.start : value.end]):
                yield _password(text, value)
            elif value.look is Look.NUMBER:
                yield from self._of_topic(text, value, _POSSIBLE)

    def _of_topic(self, text: PlainText, value: Value | None, digits: float) -> Iterator[Candidate]:
        """The value, when the credential spoken of nearby may look like it; ``digits``: how sure a PIN would be."""
        if value is None or value.look < Look.NUMBER:
            return
        topic = self._topic(text, value)
        if topic is PIN and value.look is Look.NUMBER:
            following = _NEXT_WORD.match(text.folded, value.end)
            counted = following is not None and following[1] in self._words.speech.measures
            if (
                value.end - value.start in _PIN_DIGITS
                and not counted
                and not _YEAR.match(text.text[value.start : value.end])
            ):
                yield Candidate(PIN, value.start, value.end, digits)
        elif topic is PASSWORD and self._is_password(text, value):
            yield _password(text, value)

    def _is_password(self, text: PlainText, value: Value) -> bool:
        if value.look < Look.MIXED or is_order_like(text.text[value.start : value.end]):
            return False
        return not self._user_follows.match(text.folded, value.next)

    def _topic(self, text: PlainText, value: Value) -> str | None:
        """What is spoken of nearest to the value, in its paragraph."""
        folded = text.folded
        begin = max(0, value.start - _TOPIC, folded.rfind("\n\n", 0, value.start) + 1)
        end = folded.find("\n\n", value.end, value.end + _TOPIC)
        nearest, kind = _TOPIC + 1, None
        for named in self._named.finditer(folded, begin, end if end >= 0 else min(len(folded), value.end + _TOPIC)):
            distance = max(value.start - named.end(), named.start() - value.end)
            if distance < nearest:
                nearest, kind = distance, PIN if named["pin"] else PASSWORD
        return kind


def _password(text: PlainText, value: Value) -> Candidate:
    """An act alone names devices, versions and vouchers too: only signs that those do not have make a warning."""
    signs = value.look is Look.STRONG and _SYMBOL.search(text.text, value.start, value.end)
    return Candidate(PASSWORD, value.start, value.end, _LIKELY if signs else _POSSIBLE)


def _acts(pattern: re.Pattern[str], text: PlainText) -> Iterator[re.Match[str]]:
    return islice(pattern.finditer(text.folded), _MOST_ACTS)


def _value_at(text: PlainText, position: int) -> Value | None:
    end = min(len(text), position + _LONGEST)
    line = text.folded.find("\n", position, end)
    return read_value(text.text, position, end if line < 0 else line) if position < end and line != position else None


def _value_before(text: PlainText, position: int) -> Value | None:
    begin = max(0, position - _LONGEST)
    words = text.text[begin:position].split()
    if not words:
        return None
    start = text.text.rindex(words[-1], begin, position)
    return read_value(text.text, start, position)
