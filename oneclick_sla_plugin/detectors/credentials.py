"""Passwords, PINs, card verification codes and keys that a message names in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from oneclick_sla_plugin.detectors.automaton import LinearPattern, linear_pattern
from oneclick_sla_plugin.detectors.lexicon import Lexicon, Speech, alternation, lexicon, phrase_key
from oneclick_sla_plugin.detectors.statements import FARTHEST, Keyword, Link, Reading, reading_before, readings
from oneclick_sla_plugin.detectors.values import Look, Value, is_order_like, looks_like_key, read_value
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import CVV, PASSWORD, PIN, SECRET, Candidate

_OTHER = "other"
_POSTAL = 6
"""Digits of an Indian postal code, which is called a PIN code too."""
_PIN_IF_DIGITS = frozenset({"passcode", "zugangscode"})
_LIKELY = 0.65
_AND_ANOTHER = re.compile(
    r"[\"']?,?\s{1,2}(?:and|or|to|y|e|o|a|por|und|oder|auf|zu|ou|para|then|luego|dann)\s{1,2}"
    r"(?:(?:also|now|the|new|one|tambien|ahora|la|el|nueva|nuevo|actual|otra|auch|jetzt|das|die|neue|neues|tambem|agora|a|o|nova|novo)\s"
    r"|(?:is|es|ist|e|was|era|war)\s){0,4}(?=\S)"
)
_MOST_KEYWORDS = 2_000

_PLACES = re.compile(
    r"on the back|on the reverse|back of|back number|behind (?:the|my) card|(?:code|number) behind|signature|detras|atras|trasera|posterior|dorso|reverso"
    r"|ruckseite|hinten|verso|tras\b"
)
_COUNTED = re.compile(
    r"digit|number|numero|cifra|ziffer|zahl|stelle|codi|code|cod\.|\bthree\b|\btres\b|\bdrei\b|\bnum\b|\bcvv"
)
_PRODUCT_LIKE = re.compile(r"[A-Z][a-z]+[0-9]{1,2}\Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_BEFORE_PLACE = re.compile(r"(?<![0-9a-z.,/\-])([0-9]{3})\s{1,2}(?:printed\s|written\s|impreso\s|que\s|esta\s)?\Z")
_SYMBOL = re.compile(r"[#!@$%&*?]")
_WORDS = re.compile(r"(?<!\S)\S{6,64}")
_NEAR = 60
_WIRELESS = re.compile(r"\b(?:wi-?fi|wlan|ssid|wireless|hotspot|router)\b")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+\Z")
_SENTENCE_END = re.compile(r"[?!;.]\s|\n\s{0,3}\n")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}\Z")
_MORE_DIGITS = re.compile(r"[ .\-][0-9]{2}")
_DIGITS_BEFORE = re.compile(r"[0-9]{2}[ .\-]\Z")
"""It is a telephone number."""
_NAME_GOES_ON = re.compile(r"_[a-z_]{1,40}(?![a-z_]|[\"']?\s?[:=])")
"""The word is the beginning of a field's name, and no value is given to the field."""
_LEFT_BLANK = re.compile(r"<[a-z_\- ]{1,40}>(?=$|[\s;,&\"'])")
_GERMAN_COMPOUND = r"[a-z]{1,20}-?(?:passwort|kennwort)"
_CODE_COMPOUND = r"[a-z]{1,20}(?:password|passwd|apikey|secret|token)"


@dataclass(frozen=True, slots=True)
class _Found:
    keyword: Keyword
    kind: str
    compound: bool


class CredentialDetector:
    """Finds values by the words around them; the words come from the lexicon."""

    name = "credentials"
    types = frozenset({PASSWORD, PIN, CVV, SECRET})

    def __init__(self, words: Lexicon | None = None) -> None:
        self._words = words or lexicon()
        self._kind_of = {
            phrase_key(word): kind
            for name, kind in (
                ("password", PASSWORD),
                ("secret", SECRET),
                ("pin", PIN),
                ("cvv", CVV),
                ("other", _OTHER),
            )
            for word in self._words.credentials[name]
        }
        named = alternation(word for name, words in self._words.credentials.items() if name != _OTHER for word in words)
        copulas = "|".join(sorted(self._words.speech.copulas))
        hint = r"[0-9:=#@$%&*+_>|\"]|[\s(]'"
        # A word for a credential, and in its line or the next something that may be or announce a value.
        self.trigger = (
            rf"(?:{named})[^\n]*\n?[^\n]*(?:{hint}|[^a-z](?:{copulas})[^a-z])|(?:{hint})[^\n]*[^a-z](?:{named})"
        )

    @cached_property
    def _pattern(self) -> LinearPattern:
        words = alternation(word for words in self._words.credentials.values() for word in words)
        return linear_pattern(rf"(?:^|[^a-z])(?:{_GERMAN_COMPOUND}|{_CODE_COMPOUND}|{words})", longest=True)

    @cached_property
    def _may_hold(self) -> re.Pattern[str]:
        """What must stand after a keyword if a value does: anything but letters, or a copula before a plain word."""
        return re.compile(rf"[^a-z\s.,;!?)]|\b(?:{'|'.join(sorted(self._words.speech.copulas))})\b")

    def find(self, text: PlainText) -> Iterator[Candidate]:
        keywords = self._keywords(text)
        starts = [found.keyword.start for found in keywords if found.keyword.word not in self._words.speech.weak]
        read_to = 0
        for found in keywords:
            if found.kind == _OTHER or found.keyword.start < read_to:
                continue
            stop = next((start for start in starts if start > found.keyword.start), len(text))
            while starts and starts[0] <= found.keyword.start:
                starts.pop(0)
            candidate = self._before(text, found, read_to) or self._after(text, found, stop)
            while candidate is not None:
                read_to = max(read_to, candidate.end)
                yield candidate
                candidate = _another(text, candidate, stop)

    def _keywords(self, text: PlainText) -> list[_Found]:
        found = []
        for match in self._pattern.finditer(text.ascii):
            start, end = match.span()
            # No group in the pattern: that is five times as fast. The character before the word is in the match.
            first = text.folded[start]
            start += not first.isalpha() and not (
                first.isdigit() and phrase_key(text.folded[start:end]) in self._kind_of
            )
            if end < len(text) and "a" <= text.folded[end] <= "z":
                continue
            if _NAME_GOES_ON.match(text.folded, end) or (start and _LEFT_BLANK.match(text.folded, start - 1)):
                continue
            word = text.folded[start:end]
            kind = self._kind_of.get(phrase_key(word))
            compound = kind is None
            if kind is None:
                kind = PASSWORD if "passw" in word or "kennwort" in word else SECRET
            if kind != CVV and start and text.folded[start - 1].isdigit():
                continue
            if kind not in (CVV, PIN) and end < len(text) and text.folded[end].isdigit():
                continue
            if kind == SECRET and word in self._words.speech.weak:
                line = text.folded.rfind("\n", 0, start) + 1
                if _WIRELESS.search(text.folded, max(line, start - _NEAR), start):
                    kind = PASSWORD  # people choose it, so it need not look like a machine's key
            found.append(_Found(Keyword(start, end, word), kind, compound))
            if len(found) == _MOST_KEYWORDS:
                break
        return found

    def _after(self, text: PlainText, found: _Found, stop: int) -> Candidate | None:
        end = min(stop, found.keyword.end + FARTHEST)
        if sentence := _SENTENCE_END.search(text.folded, found.keyword.end, end):
            end = sentence.start()
        if not self._may_hold.search(text.folded, found.keyword.end, end):
            return None
        lost = self._speaks_of_loss(text, found.keyword)
        for reading in readings(text, found.keyword, stop, self._words.speech):
            if reading.value.look is Look.PLACEHOLDER and (reading.link >= Link.DIRECT or reading.words <= 2):
                return None
            confidence = self._judge(text, found, reading, lost)
            if confidence:
                kind = found.kind
                if reading.value.look is Look.NUMBER and phrase_key(found.keyword.word) in _PIN_IF_DIGITS:
                    kind = PIN
                return _candidate(
                    text, kind, reading.value, confidence, cut="=" if reading.link is Link.SEPARATOR else ""
                )
        return None

    def _before(self, text: PlainText, found: _Found, start: int) -> Candidate | None:
        if found.kind == CVV and _PLACES.search(found.keyword.word):
            placed = _BEFORE_PLACE.search(text.folded, max(start, found.keyword.start - 16), found.keyword.start)
            return Candidate(CVV, *placed.span(1), 0.8) if placed else None
        before = reading_before(text, found.keyword, start, self._words.speech)
        if before is None:
            return None if found.kind != PASSWORD else self._loosely_before(text, found.keyword, start)
        value, copula = before
        length = value.end - value.start
        if found.kind in (PIN, CVV):
            low, high = (4, 8) if found.kind == PIN else (3, 4)
            if value.look is Look.NUMBER and low <= length <= high and (copula or found.kind == PIN):
                return _candidate(text, found.kind, value, 0.85)
            return None
        written = text.text[value.start : value.end]
        if found.kind == SECRET:
            return _candidate(text, SECRET, value, 0.85) if looks_like_key(written) else None
        if value.look is Look.STRONG or (value.look is Look.MIXED and not is_order_like(written)):
            return _candidate(text, PASSWORD, value, 0.9 if value.look is Look.STRONG else 0.85)
        if value.quoted and value.look is Look.WORD and not self._words.speech.is_predicate(written.lower()):
            return _candidate(text, PASSWORD, value, 0.6)
        return None

    def _loosely_before(self, text: PlainText, keyword: Keyword, start: int) -> Candidate | None:
        """A word earlier in the sentence that looks like nothing but a password."""
        line = max(start, keyword.start - _NEAR, text.folded.rfind("\n", start, keyword.start) + 1)
        if not _SYMBOL.search(text.folded, line, keyword.start) or self._speaks_of_loss(text, keyword):
            return None
        for found in _WORDS.finditer(text.text, line, keyword.start):
            value = read_value(text.text, found.start(), found.end())
            if value is not None and value.look is Look.STRONG and _SYMBOL.search(text.text, value.start, value.end):
                return Candidate(PASSWORD, value.start, value.end, 0.6)
        return None

    def _judge(self, text: PlainText, found: _Found, reading: Reading, lost: bool) -> float:
        if found.compound and reading.link < Link.BECOMES and reading.value.look < Look.MIXED:
            return 0.0
        if found.kind == CVV:
            return self._judge_cvv(text, found, reading)
        if found.kind == PIN:
            confidence = _judge_pin(self._words.speech, reading)
            if reading.link >= Link.COPULA:
                return confidence
            if reading.before in self._words.speech.holders:
                return 0.0  # the number of an account
            dated = reading.before in self._words.speech.prepositions
            if dated and _YEAR.match(text.text[reading.value.start : reading.value.end]):
                return 0.0
            if reading.link is Link.BECOMES:
                return confidence
            postal = phrase_key(found.keyword.word) == "pincode" and reading.value.end - reading.value.start == _POSTAL
            return confidence if self._qualifies(reading) and not postal else min(confidence, 0.6)
        if found.kind == SECRET:
            return _judge_secret(text, reading, weak=found.keyword.word in self._words.speech.weak)
        return self._judge_password(text, found, reading, lost)

    def _qualifies(self, reading: Reading) -> bool:
        """Whether the word before the value only qualifies the credential's word, rather than naming the value."""
        speech = self._words.speech
        return not reading.before or reading.before in speech.fillers or reading.before in speech.possessives

    def _judge_password(self, text: PlainText, found: _Found, reading: Reading, lost: bool) -> float:
        value, link = reading.value, reading.link
        written = text.text[value.start : value.end]
        firm = link >= Link.COPULA and not reading.denied
        weak = found.keyword.word in self._words.speech.weak
        speech = self._words.speech
        owned = reading.before in speech.owners and (lost or reading.before not in speech.becomes)
        if not firm and (owned or reading.before in speech.holders):
            return 0.0  # whose password it is
        match value.look:
            case Look.STRONG:
                if firm:
                    return 0.96 if reading.words <= 6 else 0.85
                if link >= Link.DIRECT and not reading.denied:
                    return 0.9
                if lost or reading.denied or weak or _PRODUCT_LIKE.match(written) or is_order_like(written):
                    return 0.0
                return 0.85 if value.quoted else 0.65
            case Look.MIXED:
                if firm:
                    return 0.93 if reading.words <= 6 else 0.7
                if reading.denied:
                    return 0.0
                if is_order_like(written):
                    return 0.6 if link is Link.DIRECT and reading.words == 0 and not weak and not lost else 0.0
                if link is Link.DIRECT and not self._qualifies(reading):
                    return 0.6
                if link >= Link.DIRECT or reading.set_off:
                    return 0.85 if reading.words <= 3 or reading.set_off or link is Link.BECOMES else 0.6
                return 0.7 if value.quoted and not lost else 0.0
            case Look.PHRASE:
                if firm:
                    return 0.85 if written.count("-") + written.count("_") + written.count(".") >= 2 else 0.6
                return 0.6 if value.quoted and link >= Link.DIRECT else 0.0
            case Look.NUMBER:
                if reading.counted or not 4 <= len(written) <= 12:
                    return 0.0
                if firm and reading.words <= 4:
                    return 0.85
                return 0.7 if link is Link.DIRECT and reading.words == 0 and not weak else 0.0
            case Look.WORD:
                return self._judge_word(
                    text,
                    found,
                    reading,
                    firm and not (weak and link is not Link.SEPARATOR and not self._possessed(text, found.keyword)),
                )
        return 0.0

    def _judge_word(self, text: PlainText, found: _Found, reading: Reading, firm: bool) -> float:
        """A plain word: only where a sentence leaves nothing else to be said."""
        value = reading.value
        if reading.paired or phrase_key(reading.word) in self._kind_of or value.end - value.start < 3:
            return 0.0
        speech = self._words.speech
        bare = reading.word.strip("!")
        if value.quoted:
            if speech.is_predicate(bare) or reading.denied or reading.link is Link.LOOSE:
                return 0.0
            if reading.link is Link.DIRECT:
                return 0.6 if reading.words == 0 and " " not in bare else 0.0
            return 0.8 if " " not in bare else 0.7
        if reading.link is Link.COPULA and text.folded.startswith("?", value.end):
            return 0.0
        known = speech.is_predicate(bare) or bare in speech.fillers or bare in speech.denials or bare in speech.subjects
        if (
            not firm
            or known
            or not reading.ends_clause
            or reading.words > 3
            or reading.since
            or bare in speech.conjunctions
        ):
            return 0.0
        if reading.link is Link.SEPARATOR:
            return 0.7
        return 0.6 if self._possessed(text, found.keyword) else 0.5

    def _judge_cvv(self, text: PlainText, found: _Found, reading: Reading) -> float:
        value = reading.value
        length = value.end - value.start
        if value.look is not Look.NUMBER or not 3 <= length <= 4 or reading.counted or reading.denied:
            return 0.0
        if _MORE_DIGITS.match(text.folded, value.end) or _DIGITS_BEFORE.search(
            text.folded[max(0, value.start - 3) : value.start]
        ):
            return 0.0
        if reading.before in self._words.speech.endings or reading.before in self._words.speech.subjects:
            return 0.0
        if _PLACES.search(found.keyword.word):
            around = text.folded[max(0, found.keyword.start - 50) : found.keyword.end]
            if (length != 3 and reading.link < Link.COPULA) or (
                reading.link < Link.COPULA and not _COUNTED.search(around)
            ):
                return 0.0
            return 0.85
        if reading.link >= Link.DIRECT:
            return 0.95
        if _YEAR.match(text.text[value.start : value.end]) or text.folded.startswith("?", value.end):
            return 0.0
        return 0.8 if reading.words <= 6 else 0.6

    def _speaks_of_loss(self, text: PlainText, keyword: Keyword) -> bool:
        before = text.folded[max(0, keyword.start - 40) : keyword.start].rpartition("\n")[2]
        return not self._words.speech.losses.isdisjoint(re.findall(r"[a-z]+", before))

    def _possessed(self, text: PlainText, keyword: Keyword) -> bool:
        before = text.folded[max(0, keyword.start - 24) : keyword.start].split()
        return bool(before) and not self._words.speech.possessives.isdisjoint(before[-2:])


def _another(text: PlainText, first: Candidate, stop: int) -> Candidate | None:
    """A second password beside the first: "A or B", "from A to B"."""
    if first.type != PASSWORD or first.confidence < _LIKELY:
        return None
    joint = _AND_ANOTHER.match(text.folded, first.end, stop)
    value = read_value(text.text, joint.end(), min(stop, joint.end() + 80)) if joint else None
    if value is None or value.look < Look.MIXED or value.end <= value.start:
        return None
    return Candidate(PASSWORD, value.start, value.end, first.confidence - 0.05)


def _judge_pin(speech: Speech, reading: Reading) -> float:
    value = reading.value
    length = value.end - value.start
    if reading.before in speech.endings or reading.before in speech.subjects:
        return 0.0
    if value.look is not Look.NUMBER or not 4 <= length <= 8 or reading.counted or reading.denied:
        return 0.0
    if reading.link >= Link.COPULA:
        return 0.95 if reading.words <= 6 else 0.8
    if reading.link >= Link.DIRECT:
        return 0.9 if reading.words <= 3 or reading.link is Link.BECOMES else 0.7
    if reading.set_off and not reading.paired:
        return 0.7
    return 0.7 if value.quoted else 0.0


def _judge_secret(text: PlainText, reading: Reading, *, weak: bool) -> float:
    value, link = reading.value, reading.link
    written = text.text[value.start : value.end]
    if reading.denied:
        return 0.0
    if looks_like_key(written):
        if value.look is Look.HARMLESS and not _UUID.match(written.lower()):
            return 0.0
        if link >= Link.DIRECT:
            return 0.95
        if len(written) < 20 or value.look <= Look.HARMLESS:
            return 0.0
        return 0.6 if _HEXADECIMAL.match(written) else 0.8  # it may be a checksum
    if link >= Link.COPULA and reading.words <= 4 and len(written) >= 8:
        if value.look is Look.STRONG:
            return 0.9
        if value.look is Look.MIXED and not is_order_like(written):
            return 0.6 if weak else 0.8
    return 0.0


def _candidate(text: PlainText, kind: str, value: Value, confidence: float, cut: str = "") -> Candidate:
    end = value.end
    if cut:
        # In a query string or a connection string the next pair begins here.
        joint = text.text.find("&", value.start, end)
        if joint > value.start and "=" in text.text[joint:end]:
            end = joint
    return Candidate(kind, value.start, end, confidence)
