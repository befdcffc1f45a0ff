"""The people of the simulated account: customers who write and an agent who works, as a test or a demo tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.records import CLOSED, NOTE, PHONE, PRIORITIES, REPLY, RESOLVED
from oneclick_sla_freshdesk.simulator.text import html_of
from oneclick_sla_plugin.domain.field_labels import FIELD_CHOICES, FIELD_LABELS
from oneclick_sla_plugin.domain.model import Channel, Field, Priority

AGENT_ID = 9002

_SOURCES: Mapping[Channel, int] = MappingProxyType(
    {
        Channel.EMAIL: 1,
        Channel.WEB_FORM: 2,
        Channel.CHAT: 7,
        Channel.WHATSAPP: 13,
        Channel.SOCIAL: 6,
        Channel.PHONE: 3,
        Channel.VOICEMAIL: 3,
        Channel.API: 2,
        Channel.OTHER: 8,
    }
)
"""The source of each neutral channel. Freshdesk knows no voice mail, and takes a request to the API for the portal."""

_PRIORITIES: Mapping[Priority, int] = MappingProxyType(
    {Priority.LOW: 1, Priority.NORMAL: 2, Priority.HIGH: 3, Priority.URGENT: 4}
)


class People:
    """What people do to the tickets of an account, not through the API."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._agent = account.add_person("Alex Agent", "alex@example.com", person_id=AGENT_ID, agent=True, admin=True)
        self._customers = 0

    def open_ticket(
        self,
        *,
        channel: Channel,
        subject: str,
        text: str,
        recipient: str | None = None,
        tags: Iterable[str] = (),
        email: str | None = None,
        source: int | None = None,
    ) -> str:
        """A customer writes (or calls); ``email`` names one who may have written before.

        ``source`` stands in for the channel's number and may be one that nobody
        knows. Returns the ticket's id. Webhooks follow.
        """
        with self._account.lock:
            self._customers += 1
            given = {
                "subject": subject,
                "description": html_of(text),
                "email": email or f"customer-{self._customers}@example.com",
                "name": f"Customer {self._customers}",
                "tags": list(tags),
            }
            ticket = self._account.create_ticket(
                given, actor=None, via_api=False, source=source or _SOURCES[channel], recipient=recipient
            )
        return str(ticket.id)

    def agent_replies(self, ticket_id: str, text: str, *, public: bool = True) -> None:
        """The agent writes: a reply to the customer, or a private note."""
        self._account.add_conversation(
            int(ticket_id), html_of(text), author=self._agent, source=REPLY if public else NOTE, private=not public
        )

    def agent_notes_publicly(self, ticket_id: str, text: str) -> None:
        """The agent writes a note that the customer sees; it counts as a response."""
        self._account.add_conversation(int(ticket_id), html_of(text), author=self._agent, source=NOTE)

    def agent_changes(
        self,
        ticket_id: str,
        *,
        fields: Mapping[str, Any] | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
        **attributes: Any,
    ) -> None:
        """The agent edits the ticket. ``attributes`` as in the REST API (``tags=[…]`` for all tags), a status or a
        priority also by its name (``priority="Urgent"``); ``fields`` are custom fields by label.

        ``KeyError`` for a label that no field has, or a name that none has.
        """
        with self._account.lock:
            attributes = self._numbered(attributes)
            if added := [*add_tags]:
                attributes["tags"] = [*self._account.ticket(int(ticket_id)).tags, *added]
            if removed := {*remove_tags}:
                standing = attributes.get("tags", self._account.ticket(int(ticket_id)).tags)
                attributes["tags"] = [tag for tag in standing if tag not in removed]
            if fields:
                names = {item.label: name for name, item in self._account.fields.custom().items()}
                keys = {self._account.field_key(names[label]): value for label, value in fields.items()}
                attributes["custom_fields"] = keys
            self._change(ticket_id, attributes)

    def agent_edits(
        self,
        ticket_id: str,
        *,
        priority: Priority | None = None,
        fields: Mapping[Field, str] | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
    ) -> None:
        choices = {
            FIELD_LABELS[name]: FIELD_CHOICES[name][value] if name in FIELD_CHOICES else value
            for name, value in (fields or {}).items()
        }
        attributes = {"priority": _PRIORITIES[priority]} if priority else {}
        self.agent_changes(ticket_id, fields=choices, add_tags=add_tags, remove_tags=remove_tags, **attributes)

    def agent_solves(self, ticket_id: str) -> None:
        self._change(ticket_id, {"status": RESOLVED})

    def customer_replies(self, ticket_id: str, text: str) -> None:
        """The requester writes; a pending, resolved or closed ticket is open again."""
        with self._account.lock:
            requester = self._account.person(self._account.ticket(int(ticket_id)).requester_id)
            self._account.add_conversation(int(ticket_id), html_of(text), author=requester, from_email=requester.email)

    def call_comment(self, ticket_id: str, text: str, *, by_agent: bool = True) -> None:
        """A phone call is put on the ticket as a public conversation of who called."""
        with self._account.lock:
            requester = self._account.person(self._account.ticket(int(ticket_id)).requester_id)
            caller = self._agent if by_agent else requester
            self._account.add_conversation(int(ticket_id), html_of(text), author=caller, source=PHONE)

    def agent_deletes(self, ticket_id: str, *, spam: bool = False, forever: bool = False) -> None:
        """The agent puts the ticket into the trash or the spam folder, where the API still shows it.

        ``forever``: it is gone from the trash, too, and the API answers 404.
        """
        if spam:
            self._account.set_aside(int(ticket_id), spam=True)
        else:
            self._account.delete_ticket(int(ticket_id), actor=self._agent, forever=forever)

    def agent_merges(self, ticket_id: str, into: str) -> None:
        """The ticket is closed, and private notes on both tell of it; nothing else does."""
        with self._account.lock:
            merged = self._account.ticket(int(ticket_id))
            notes = {
                into: f"Merged from ticket {merged.id}: {merged.subject}",
                ticket_id: f"This ticket is closed and merged into ticket {into}",
            }
            for where, note in notes.items():
                self.agent_replies(where, note, public=False)
            self._change(ticket_id, {"status": CLOSED})

    def archive(self, ticket_id: str) -> None:
        """The ticket is found under ``/tickets/archived`` from now on."""
        self._account.set_aside(int(ticket_id), archived=True)

    def add_status(self, name: str, *, stop_sla_timer: bool = False) -> int:
        """A custom status; returns its number."""
        with self._account.lock:
            return self._account.fields.add_status(name, stop_sla_timer=stop_sla_timer)

    def rename_status(self, number: int, name: str) -> None:
        """Numbers stay when names change."""
        with self._account.lock:
            self._account.fields.rename_status(number, name)

    def _change(self, ticket_id: str, given: Mapping[str, Any]) -> None:
        self._account.update_ticket(int(ticket_id), given, actor=self._agent, via_api=False)

    def _numbered(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        names: Mapping[str, dict[str, int]] = {
            "priority": {name.lower(): number for number, name in PRIORITIES.items()},
            "status": {item.value.lower(): number for number, item in self._account.fields.statuses().items()},
        }
        return {
            name: names[name][value.lower()] if name in names and isinstance(value, str) else value
            for name, value in attributes.items()
        }
