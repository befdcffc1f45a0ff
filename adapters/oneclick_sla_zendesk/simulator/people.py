"""What people do on the simulated account: customers who write and agents who work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from oneclick_sla_plugin.domain.field_labels import FIELD_LABELS
from oneclick_sla_plugin.domain.model import TAG_FIELDS, Channel, Field, Priority, tag_of
from oneclick_sla_zendesk.simulator.account import Account

INTEGRATION_USER_ID = 9001
AGENT_ID = 9002

_VIA: Mapping[Channel, tuple[str, str | None]] = MappingProxyType(
    {
        Channel.EMAIL: ("email", None),
        Channel.WEB_FORM: ("web", None),
        Channel.CHAT: ("chat", None),
        Channel.WHATSAPP: ("whatsapp", None),
        Channel.SOCIAL: ("twitter", None),
        Channel.PHONE: ("voice", "inbound"),
        Channel.VOICEMAIL: ("voice", "voicemail"),
        Channel.API: ("api", None),
        Channel.OTHER: ("any_channel", None),
    }
)
"""``via.channel`` and ``via.source.rel`` of each neutral channel."""


class People:
    """The deeds of people on an account; each is followed by what the account tells of it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._agent = account.add_user(AGENT_ID, "Alex Agent", "alex@example.com", "admin")
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
    ) -> str:
        """A customer writes (or calls, which makes a voice comment); ``email`` names one who may have written before.

        Returns the ticket's id. Webhooks follow.
        """
        via_channel, rel = _VIA[channel]
        with self._account.lock:
            self._customers += 1
            name = f"Customer {self._customers}"
            requester = self._account.requester(name, email or f"customer-{self._customers}@example.com")
            ticket = self._account.create_ticket(
                {"subject": subject, "comment": {"body": text}, "recipient": recipient, "tags": list(tags)},
                actor=requester,
                requester=requester,
                channel=via_channel,
                rel=rel,
                voice=via_channel == "voice",
            )
        return str(ticket.id)

    def agent_replies(self, ticket_id: str, text: str, *, public: bool = True) -> None:
        """The agent writes. A public reply takes a new ticket: it is then assigned and open."""
        with self._account.lock:
            given: dict[str, Any] = {"comment": {"body": text, "public": public}}
            if public and self._account.ticket(int(ticket_id)).status == "new":
                given |= {"status": "open", "assignee_id": AGENT_ID}
            self._update(ticket_id, given, AGENT_ID)

    def agent_changes(
        self,
        ticket_id: str,
        *,
        fields: Mapping[str, Any] | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
        **attributes: Any,
    ) -> None:
        """The agent edits the ticket. ``attributes`` as in the REST API (``priority="high"``, ``status="pending"``,
        ``tags=[…]`` for all tags); ``fields`` are custom fields by title, a dropdown by its option's value.

        ``KeyError`` for a title that no field has.
        """
        with self._account.lock:
            if added := [*add_tags]:
                attributes["tags"] = [*self._account.ticket(int(ticket_id)).tags, *added]
            if removed := {*remove_tags}:
                standing = attributes.get("tags", self._account.ticket(int(ticket_id)).tags)
                attributes["tags"] = [tag for tag in standing if tag not in removed]
            if fields:
                ids = {item.title: item.id for item in self._account.fields() if not item.system}
                attributes["custom_fields"] = [{"id": ids[title], "value": value} for title, value in fields.items()]
            self._update(ticket_id, attributes, AGENT_ID)

    def agent_edits(
        self,
        ticket_id: str,
        *,
        priority: Priority | None = None,
        fields: Mapping[Field, str] | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
    ) -> None:
        options = {
            FIELD_LABELS[name]: tag_of(name, value) if name in TAG_FIELDS else value
            for name, value in (fields or {}).items()
        }
        attributes = {"priority": priority.value} if priority else {}
        self.agent_changes(ticket_id, fields=options, add_tags=add_tags, remove_tags=remove_tags, **attributes)

    def agent_solves(self, ticket_id: str) -> None:
        self.agent_changes(ticket_id, status="solved")

    def customer_replies(self, ticket_id: str, text: str) -> None:
        """The requester writes in the ticket's channel; a pending, held or solved ticket is open again."""
        with self._account.lock:
            ticket = self._account.ticket(int(ticket_id))
            self._update(ticket_id, {"comment": {"body": text}}, ticket.requester_id, channel=ticket.channel)

    def call_comment(self, ticket_id: str, text: str, *, by_agent: bool = True) -> None:
        """A phone call is put on the ticket as a public voice comment of who called."""
        with self._account.lock:
            caller = AGENT_ID if by_agent else self._account.ticket(int(ticket_id)).requester_id
            given = {"comment": {"body": text, "public": True}}
            self._update(ticket_id, given, caller, channel="voice", voice=True)

    def agent_deletes(self, ticket_id: str, *, spam: bool = False) -> None:
        """The agent deletes the ticket, or marks it as spam; the API then answers 404 for it."""
        self._account.delete_ticket(int(ticket_id), actor=self._agent, spam=spam)

    def agent_merges(self, ticket_id: str, into: str) -> None:
        """The agent merges a ticket into another one: it is closed with the tag ``closed_by_merge``, and both say so."""
        with self._account.lock:
            ticket = self._account.ticket(int(ticket_id))
            told = {"body": f"This request was closed and merged into request #{into}.", "public": False}
            given = {"status": "closed", "tags": [*ticket.tags, "closed_by_merge"], "comment": told}
            source = {"rel": "merge", "to": {"ticket_id": int(into)}}
            self._account.update_ticket(
                ticket.id, given, actor=self._agent, channel="merge", source=source, merged_into=int(into)
            )
            told = {"body": f"Request #{ticket_id} was closed and merged into this request.", "public": False}
            source = {"rel": "merge", "from": {"ticket_ids": [ticket.id]}}
            self._account.update_ticket(int(into), {"comment": told}, actor=self._agent, channel="merge", source=source)

    def customer_follows_up(self, ticket_id: str, text: str) -> str:
        """The requester answers a closed ticket, which makes a new one that refers to it; returns its id."""
        with self._account.lock:
            closed = self._account.ticket(int(ticket_id))
            requester = self._account.user(closed.requester_id)
            ticket = self._account.create_ticket(
                {"subject": f"Re: {closed.subject}", "comment": {"body": text}, "tags": sorted(closed.tags)},
                actor=requester,
                requester=requester,
                channel=closed.channel,
                rel="follow_up",
                sources={"ticket_id": closed.id, "subject": closed.subject},
            )
        return str(ticket.id)

    def customer_rates(self, ticket_id: str, score: Literal["good", "bad"]) -> None:
        """The requester rates the help they got."""
        self._account.rate_ticket(int(ticket_id), score)

    def system_touches(self, ticket_id: str) -> None:
        """The system works on a ticket: the incremental export tells of it, though nothing was updated."""
        self._account.touch_ticket(int(ticket_id))

    def change_user(self, user_id: int, **attributes: Any) -> None:
        """Change a person: ``role``, ``active``, ``suspended``, ``tags``, ``organization_id``."""
        self._account.change_user(user_id, **attributes)

    def change_requester(
        self, ticket_id: str, *, tags: Iterable[str] = (), organization_tags: Iterable[str] | None = None
    ) -> None:
        """Give the requester of a ticket user tags, and a new organisation with tags unless these are ``None``."""
        with self._account.lock:
            user_id = self._account.ticket(int(ticket_id)).requester_id
            home = None if organization_tags is None else self._account.add_organization("Acme", organization_tags).id
            self._account.change_user(user_id, tags=frozenset(tags), organization_id=home)

    def _update(
        self, ticket_id: str, given: Mapping[str, Any], user_id: int, *, channel: str = "web", voice: bool = False
    ) -> None:
        self._account.update_ticket(
            int(ticket_id), given, actor=self._account.user(user_id), channel=channel, voice=voice
        )
