"""What agents are told about the content of messages: sensitive data, abuse, missing information.

Nothing of a message is quoted: a note names the message, the place in it, and for
sensitive data the type and the masked value. A person decides; nothing is closed
or withheld by the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from oneclick_sla_plugin.domain.analysis import Analysis
from oneclick_sla_plugin.domain.changes import Note, note_keys
from oneclick_sla_plugin.domain.message import Missing
from oneclick_sla_plugin.domain.model import TAG_NOT_SENSITIVE, Author, Kind, Message, Ticket
from oneclick_sla_plugin.domain.notes import Telling
from oneclick_sla_plugin.domain.sensitive import SUBJECT, Finding, Level

_MOST_FINDINGS = 10
"""Lines of one note: who reads them looks at the message anyway."""

_NOT_IN_A_KEY = re.compile(r"[^a-z0-9-]")


@dataclass(frozen=True, slots=True)
class ContentTelling:
    """The notes about what messages say, in the words and for the account of ``telling``."""

    telling: Telling
    kind: Kind
    analysis: Analysis

    def notes(self) -> Iterator[Note]:
        by_message: dict[str, list[Finding]] = {}
        for finding in self.analysis.findings:
            by_message.setdefault(finding.message, []).append(finding)
        told = note_keys(self.telling.ticket)
        yield from self._sensitive(None, by_message.get(SUBJECT, []), told)
        for message in self.telling.ticket.messages:
            yield from self._sensitive(message, by_message.get(message.id, []), told)
            yield from self._manners(message)
        missing = info_missing(self.telling.ticket, self.kind, self.analysis)
        if missing:
            yield Note("info-missing", self._info_missing(missing))

    # --- sensitive data ---

    def _sensitive(self, message: Message | None, findings: list[Finding], told: frozenset[str]) -> Iterator[Note]:
        """``message`` is ``None`` for the ticket's subject."""
        name = SUBJECT if message is None else message.id
        key, cleared = f"sensitive.{_in_a_key(name)}", f"sensitive-cleared.{_in_a_key(name)}"
        denied = TAG_NOT_SENSITIVE in self.telling.ticket.tags
        if findings and not denied:
            yield Note(key, self._findings(message, findings))
        elif key in told and (denied or name in self.analysis.scanned):
            text = "note.sensitive_cleared" if message is not None else "note.sensitive_subject_cleared"
            yield Note(cleared, self._say_of(text, message))

    def _findings(self, message: Message | None, findings: list[Finding]) -> str:
        say, texts = self.telling.wording.say, self.telling.wording.texts
        # What is sure before what is possible, each in the order of the text.
        shown = sorted(findings, key=lambda finding: finding.level is not Level.WARN)[:_MOST_FINDINGS]
        lines = [
            say(
                "note.sensitive_line",
                type=texts.get(f"sensitive.{finding.type}", finding.type),
                masked=finding.masked,
                start=str(finding.start + 1),
                end=str(finding.end),
                level=texts[f"sensitive.level_{finding.level}"],
            )
            for finding in shown
        ]
        if len(shown) < len(findings):
            lines.append(say("note.sensitive_more", count=str(len(findings) - len(shown))))
        listed = "\n".join(lines)
        redact = texts.get(f"redact.{self.telling.ticket.platform}", texts["redact.other"])
        if message is not None and message.author is not Author.CUSTOMER:
            return self._say_of("note.sensitive_agent", message, findings=listed, redact=redact)
        of = "note.sensitive" if message is not None else "note.sensitive_subject"
        text = self._say_of(of, message, findings=listed, redact=redact)
        if all(finding.level is Level.POSSIBLE for finding in findings):
            return text
        draft = say("message.sensitive", ticket=self.telling.ticket.shown_number)
        return f"{text}\n\n{say('note.draft', draft=draft)}"

    def _say_of(self, key: str, message: Message | None, **places: str) -> str:
        named = {} if message is None else {"message": self._named(message)}
        return self.telling.wording.say(key, **named, **places)

    def _named(self, message: Message) -> str:
        return self.telling.wording.instant(message.at)

    # --- abuse and threats ---

    def _manners(self, message: Message) -> Iterator[Note]:
        verdict = self.analysis.verdicts.get(message.id)
        if verdict is None:
            return
        say = self.telling.wording.say
        if message.author is Author.CUSTOMER:
            if verdict.abusive:
                yield Note("abusive", say("note.abusive", message=self._named(message)))
            if verdict.threat:
                yield self.telling.to_owner("threat", say("note.threat", message=self._named(message)))
        elif message.author is Author.AGENT and message.public and verdict.abusive:
            text = say("note.agent_abusive", message=self._named(message))
            yield self.telling.to_owner(f"agent-abusive.{_in_a_key(message.id)}", text)

    # --- missing information ---

    def _info_missing(self, missing: tuple[Missing, ...]) -> str:
        say, texts = self.telling.wording.say, self.telling.wording.texts
        named = ", ".join(texts[f"missing.{one}"] for one in missing)
        asked = "\n".join(f"- {texts[f'missing.ask_{one}']}" for one in missing)
        draft = say("message.info_missing", ticket=self.telling.ticket.shown_number, asked=asked)
        return say("note.info_missing", missing=named) + "\n\n" + say("note.draft", draft=draft)


def info_missing(ticket: Ticket, kind: Kind, analysis: Analysis) -> tuple[Missing, ...]:
    """What the report of a fault lacks, until the customer wrote again."""
    if kind is not Kind.INCIDENT or ticket.settled:
        return ()
    own = [message for message in ticket.messages if message.author is Author.CUSTOMER]
    verdict = analysis.verdicts.get(own[0].id) if len(own) == 1 else None
    return verdict.info_missing if verdict is not None else ()


def _in_a_key(name: str) -> str:
    return _NOT_IN_A_KEY.sub("-", name.lower())
