"""What kind of message a customer wrote: the values, and the way from a raw text to sentences of tokens.

The text is cut before anything looks at it: replies that are quoted, signatures and
footers are not the customer's words of today (:func:`own_words`). What is left becomes
sentences of tokens, folded so that case and accents make no difference
(:func:`sentences`). Every token keeps its place in the original text, so that a
verdict can name the place and never the words.

Which words mean what is not known here: a :class:`Classifier` brings that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from oneclick_sla_plugin.domain.complaint import ComplaintType
from oneclick_sla_plugin.domain.model import Kind

MAX_SENTENCE_TOKENS = 80
"""A longer run of words without an end is cut here, so that a sentence costs a bounded amount."""

WRAPPED_LINE_LENGTH = 60
"""A line break after at least this many characters is taken for a mail program's wrapping, not for an end."""


class Part(StrEnum):
    """Where a reason was found."""

    SUBJECT = "subject"
    TEXT = "text"
    THREAD = "thread"


class Certainty(StrEnum):
    """How sure it is that a message is a complaint: ``AUTO`` needs no person, ``SUGGESTED`` asks one."""

    AUTO = "auto"
    SUGGESTED = "suggested"
    NO = "no"


class Missing(StrEnum):
    """What a report of a fault should bring and does not."""

    ACCOUNT_DATA = "account_data"
    ERROR_MESSAGE = "error_message"
    DESCRIPTION = "description"


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """What the ticket tells beside the words.

    ``unanswered``: the customer's messages since the last public answer, this one
    included. ``reopened``: how often the ticket came back after it was solved. ``age``:
    from the first message to this one. ``requester_known``: a customer by the account's rule.
    """

    unanswered: int = 0
    reopened: int = 0
    age: timedelta = timedelta(0)
    requester_known: bool | None = None


NO_THREAD = ThreadFacts()


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that spoke: its id, what it counted, and where it looked.

    ``start`` and ``end`` are offsets in characters of the original subject or text,
    end exclusive; both are 0 for a fact of the thread. What does not stand at one place
    (hostile words beside a complaint, the sum of another kind) points at all that was written now.
    """

    rule: str
    weight: float
    start: int
    end: int
    part: Part = Part.TEXT


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a classifier says of one message. It holds no word of the message.

    ``complaint_score`` is the sum that ``complaint`` was decided on; ``scores`` has the
    sums of the other kinds. ``complaint_type`` is ``None`` unless the kind is a complaint,
    ``info_missing`` is empty unless it is an incident.
    """

    kind: Kind = Kind.UNKNOWN
    complaint: Certainty = Certainty.NO
    complaint_score: float = 0.0
    complaint_type: ComplaintType | None = None
    abusive: bool = False
    threat: bool = False
    urgent: bool = False
    info_missing: tuple[Missing, ...] = ()
    scores: Mapping[Kind, float] = field(default_factory=lambda: MappingProxyType({}))
    because: tuple[Reason, ...] = ()


class Classifier(Protocol):
    """Says what kind of message a customer wrote. Called in worker threads, for every message of a ticket."""

    @property
    def name(self) -> str:
        """By which the classifier is known and switched off; unique among the plugins."""
        ...

    def classify(self, subject: str, text: str, thread: ThreadFacts = NO_THREAD) -> Verdict:
        """The verdict on one message in any language; an unknown one gives ``Kind.UNKNOWN``, never an error."""
        ...


# --- The customer's own words --------------------------------------------------------------------

_QUOTED_LINE = re.compile(r"[ \t]{0,8}[>|»]")
_REPLY_HEADER = re.compile(
    r"(?:on|el|am|em|le|no dia)\b[^\n]{0,160}\b(?:wrote|escribi[oó]|schrieb|escreveu)\b[^\n]{0,120}:\s*", re.IGNORECASE
)
_REST_IS_QUOTED = re.compile(
    r"[-_* ]{2,40}\s{0,4}(?:original message|forwarded message|mensaje (?:original|reenviado)|ursprüngliche nachricht|"
    r"urspruengliche nachricht|ursprungliche nachricht|weitergeleitete nachricht|mensagem (?:original|encaminhada))\b",
    re.IGNORECASE,
)
_MAIL_HEADER = re.compile(
    r"\*?(?:from|sent|to|cc|date|subject|de|enviado|enviada|para|fecha|data|asunto|assunto|von|gesendet|an|datum|betreff)"
    r"(?: el| em| am)?\*?:\s?\S",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"(?:--|—|__+|\*\*\*+|==+)\s*")
_DEVICE = re.compile(
    r"(?:sent from my|get outlook for|enviado desde (?:mi|outlook)|enviado do meu|enviado de meu|enviado a partir d|"
    r"von meinem .{2,30} gesendet|gesendet von)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:un |muchos )?saludos?(?: cordiales| a todos)?|(?:muy )?atentamente|cordialmente|atte|un abrazo|"
    r"(?:(?:kind|best|warm) )?regards|best wishes|best|sincerely|yours (?:sincerely|faithfully)|cheers|"
    r"(?:mit (?:freundlichen|besten|vielen) |viele |beste |liebe |schöne |schone )?gr(?:ü|u|ue)(?:ß|ss)en?|mfg|hochachtungsvoll|"
    r"att|atenciosamente|(?:com os )?(?:melhores )?cumprimentos|abraços|abracos)[\s,.!]*",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"(?:(?:aviso legal|aviso de confidencialidad|confidentiality notice|disclaimer|vertraulichkeitshinweis|"
    r"aviso de confidencialidade)\b|(?:este (?:mensaje|correo|e-mail|email)|esta mensagem|this (?:e-?mail|message)|"
    r"diese (?:e-?mail|nachricht))\b[^\n]{0,120}\b(?:confiden[ct]ia[l]|privileged|vertrauliche?|privad[oa]))",
    re.IGNORECASE,
)
_LOOK_AHEAD = 4
_CLOSING_LINES = 8
_CLOSING_LINE_LENGTH = 80


def own_words(text: str) -> tuple[tuple[int, int], ...]:
    """The spans of ``text`` that its sender wrote now, line by line, ends exclusive.

    Left out: lines that quote, a reply's header and what follows it unmarked, forwarded
    mails, signatures (after ``--`` or a closing formula) and legal footers.
    """
    lines = _lines(text)
    spans: list[tuple[int, int]] = []
    header_ends = 0
    for index, (start, end) in enumerate(lines):
        if index < header_ends:
            continue
        line = text[start:end].strip()
        if not line:
            spans.append((start, end))
        elif _QUOTED_LINE.match(line):
            continue
        elif header_lines := _reply_header(text, lines, index):
            if not _marked_quote_follows(text, lines[index + header_lines : index + header_lines + _LOOK_AHEAD]):
                break
            header_ends = index + header_lines
        elif _ends_the_message(text, lines, index, line):
            break
        else:
            spans.append((start, end))
    return tuple(spans)


def _lines(text: str) -> list[tuple[int, int]]:
    lines = []
    start = 0
    for line in text.splitlines(keepends=True):
        lines.append((start, start + len(line)))
        start += len(line)
    return lines


def _reply_header(text: str, lines: list[tuple[int, int]], index: int) -> int:
    """How many lines the header of a quoted reply takes here: 0 where there is none."""
    first = text[lines[index][0] : lines[index][1]].strip()
    if _REPLY_HEADER.fullmatch(first):
        return 1
    # Mail programs fold the header after the date.
    if index + 1 < len(lines) and len(first) < 100:
        second = text[lines[index + 1][0] : lines[index + 1][1]].strip()
        if second.endswith(":") and len(second) < 100 and _REPLY_HEADER.fullmatch(f"{first} {second}"):
            return 2
    return 0


def _marked_quote_follows(text: str, lines: list[tuple[int, int]]) -> bool:
    for start, end in lines:
        if line := text[start:end].strip():
            if _QUOTED_LINE.match(line):
                return True
            if not line.endswith(":"):
                return False
    return False


def _ends_the_message(text: str, lines: list[tuple[int, int]], index: int, line: str) -> bool:
    if _REST_IS_QUOTED.match(line) or _SIGNATURE.fullmatch(line) or _FOOTER.match(line) or _DEVICE.match(line):
        return True
    following = [text[start:end].strip() for start, end in lines[index + 1 : index + _CLOSING_LINES + 2]]
    if _MAIL_HEADER.match(line) and following and _MAIL_HEADER.match(following[0]):
        return True
    if len(line) <= _CLOSING_LINE_LENGTH and _CLOSING.fullmatch(line):
        rest = [entry for entry in following if entry]
        return len(rest) <= _CLOSING_LINES and all(len(entry) <= _CLOSING_LINE_LENGTH for entry in rest)
    return False


# --- Tokens and sentences ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Token:
    """A folded word, number or question mark, and its place in the original text.

    ``quoted``: it stands between double quotes, as a name, a title or somebody else's words do.
    """

    word: str = field(repr=False)
    start: int
    end: int
    quoted: bool = False


Sentence = tuple[Token, ...]

# The alternatives begin with different characters and none repeats inside a repetition,
# so a text of any shape is read in one pass.
_PIECE = re.compile(
    r"(?P<url>(?i:https?://|www\.)\S+)"
    r"|(?P<word>\w(?:[\w\u0300-\u036f]|['’´`.:,@-](?=\w))*)"
    r"|(?P<end>[.!?…]+|[¡¿;])"
    r"|(?P<quote>[\"“”„«»])"
    r"|(?P<break>\n)"
)
_APOSTROPHES = str.maketrans("", "", "'’´`")
_WORD_PARTS = re.compile(r"[^.:,@-]+")


def fold(word: str) -> str:
    """A word without case, accents, apostrophes and typographic variants."""
    if word.isascii():
        return word.lower().translate(_APOSTROPHES)
    decomposed = unicodedata.normalize("NFKD", word.translate(_APOSTROPHES)).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of the sender's own words (:func:`own_words`)."""
    tokens: list[Token] = []
    open_quotes = False
    for span_start, span_end in own_words(text):
        for match in _PIECE.finditer(text, span_start, span_end):
            kind = match.lastgroup
            if kind == "word" or kind == "url":
                tokens.extend(_tokens_of(match, open_quotes))
                if len(tokens) >= MAX_SENTENCE_TOKENS:
                    yield tuple(tokens)
                    tokens = []
            elif kind == "quote":
                closes = text.find('"', match.end(), match.end() + 120) if match.group() == '"' else 0
                open_quotes = match.group() in "“„«" or (match.group() == '"' and not open_quotes and closes >= 0)
            elif kind == "end":
                if "?" in match.group():
                    tokens.append(Token("?", match.start(), match.end()))
                if tokens:
                    yield tuple(tokens)
                tokens = []
            elif match.end() - span_start < WRAPPED_LINE_LENGTH:
                if tokens:
                    yield tuple(tokens)
                tokens = []
                open_quotes = False
    if tokens:
        yield tuple(tokens)


def _tokens_of(match: re.Match[str], quoted: bool) -> Iterator[Token]:
    start, end, raw = match.start(), match.end(), match.group()
    if match.lastgroup == "url":
        yield Token("#url", start, end, quoted)
    elif "@" in raw:
        yield Token("#mail", start, end, quoted)
    elif raw[0].isdecimal() or raw.isalpha():
        yield Token(fold(raw), start, end, quoted)
    else:
        for piece in _WORD_PARTS.finditer(raw):
            yield Token(fold(piece.group()), start + piece.start(), start + piece.end(), quoted)
