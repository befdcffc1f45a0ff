"""The simulated osTicket as its owner holds it: people that act, faults to inject, and what agents see."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from oneclick_sla_osticket.simulator.api import Api
from oneclick_sla_osticket.simulator.desk import AGENT_ID, FIELDS, PRIORITIES, Desk, Happening, Ticket
from oneclick_sla_osticket.simulator.outbox import Outbox
from oneclick_sla_plugin.domain.model import Channel, Field, Priority
from oneclick_sla_plugin.ports import AgentView, Clock
from oneclick_sla_plugin.testing.sandbox import LoopbackSandbox

SECRET = "whsec_c2FuZGJveC1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0ISE="  # noqa: S105 - it protects nothing but this process

_DELIVERY_TIMEOUT = timedelta(seconds=5)
_GENERAL = "General Inquiry"
_WAYS: Mapping[Channel, tuple[str, str]] = MappingProxyType(
    {
        Channel.EMAIL: ("Email", _GENERAL),
        Channel.WEB_FORM: ("Web", _GENERAL),
        Channel.PHONE: ("Phone", _GENERAL),
        Channel.VOICEMAIL: ("Phone", "Voice mail"),
        Channel.API: ("API", _GENERAL),
        Channel.CHAT: ("API", "Chat"),
        Channel.WHATSAPP: ("API", "WhatsApp"),
        Channel.SOCIAL: ("API", "Social network"),
        Channel.OTHER: ("Other", "Other"),
    }
)
"""Source and help topic of each channel: osTicket has no source for most of them."""


class OsTicketSandbox(LoopbackSandbox):
    """An osTicket on 127.0.0.1 that lives from construction to :meth:`close`; implements ``ports.Sandbox``.

    The plugin is in it and has its secret, but nothing was installed yet. osTicket's
    own API is not simulated, so there are no requests by hand and the token opens nothing.
    """

    agent_token = ""
    makes_webhook_secret = False
    write_operation = "POST /api/tickets/sla/tickets/{ticket_id}/changes"

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock,
        secret: str = SECRET,
        first_ticket_id: int = 1,
        first_entry_id: int = 1,
        retry_wait: timedelta = timedelta(seconds=1),
        seed: int = 0,
    ) -> None:
        """``retry_wait``, the first pause after a failed delivery, is real time; a real plugin waits 30 s."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        self._secret = secret
        super().__init__("osticket", port=port, webhook_timeout=_DELIVERY_TIMEOUT, seed=seed)
        self._desk = Desk(clock, first_ticket_id=first_ticket_id, first_entry_id=first_entry_id)
        self._outbox = Outbox(self._desk, self._sender, key, retry_wait)
        self._desk.listener = self._outbox.tell
        self._api = Api(self._server.app, self._desk, self._outbox, key)
        self._server.start()

    def settings(self) -> Mapping[str, Any]:
        named = {topic: channel.value for channel, (_, topic) in _WAYS.items() if topic != _GENERAL}
        return {"base_url": self.base_url, "channels": named}

    def secrets(self) -> Mapping[str, str]:
        return {"secrets": self._secret}

    # --- people ---

    def open_ticket(
        self,
        *,
        channel: Channel,
        subject: str,
        text: str,
        recipient: str | None = None,
        tags: Iterable[str] = (),
    ) -> str:
        source, topic = _WAYS[channel]
        with self._desk.lock:
            ticket = self._desk.open(subject=subject, text=text, source=source, topic=topic, recipient=recipient)
            ticket.tags = list(tags)
            self._desk.listener(Happening("ticket.created", ticket.id, "user", (), [ticket.thread[0].id]))
        return str(ticket.id)

    def agent_replies(self, ticket_id: str, text: str, *, public: bool = True) -> None:
        """The agent writes; a public reply takes a ticket that nobody has."""
        with self._desk.lock:
            ticket = self._ticket(ticket_id)
            entry = self._desk.post(ticket, "reply" if public else "note", text, agent_id=AGENT_ID)
            kind = "reply" if public else "note"
            self._desk.listener(Happening(f"{kind}.created", ticket.id, "agent", (), [entry.id]))
            if public:
                changes = (["staff_id"] if ticket.agent_id is None else []) + (
                    [] if ticket.answered else ["isanswered"]
                )
                ticket.agent_id, ticket.answered = AGENT_ID, True
                self._changed(ticket, changes)

    def agent_changes(
        self,
        ticket_id: str,
        *,
        status: str | None = None,
        priority: str | None = None,
        fields: Mapping[str, str | None] | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        """The agent edits the ticket: ``status`` and ``priority`` by name, the plugin's fields by their names."""
        with self._desk.lock:
            ticket = self._ticket(ticket_id)
            changes: list[str] = []
            if status is not None:
                status_id = {"Open": 1, "Resolved": 2, "Closed": 3, "Archived": 4}[status]
                changes += self._desk.set_status(ticket, status_id, "agent")
            if priority is not None:
                ticket.priority_id = next(int(str(each["id"])) for each in PRIORITIES if each["name"] == priority)
                changes.append("field:priority")
            for name, value in (fields or {}).items():
                ticket.fields[name] = value
                changes.append(f"field:{name}")
            ticket.fields = {name: value for name, value in ticket.fields.items() if value is not None}
            if tags is not None:
                ticket.tags = list(tags)
                changes.append("field:sla_tags")
            self._changed(ticket, changes)

    def agent_edits(
        self,
        ticket_id: str,
        *,
        priority: Priority | None = None,
        fields: Mapping[Field, str] | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
    ) -> None:
        removed, added = {*remove_tags}, [*add_tags]
        names = {Priority.URGENT: "emergency"}
        with self._desk.lock:
            tags = [tag for tag in self._ticket(ticket_id).tags if tag not in removed]
            self.agent_changes(
                ticket_id,
                priority=names.get(priority, priority) if priority else None,
                fields={
                    name if name.startswith("sla_") else f"sla_{name}": value for name, value in (fields or {}).items()
                },
                tags=[*tags, *added] if removed or added else None,
            )

    def agent_solves(self, ticket_id: str) -> None:
        self.agent_changes(ticket_id, status="Resolved")

    def agent_deletes(self, ticket_id: str) -> None:
        """The ticket is gone; reading it answers 404."""
        with self._desk.lock:
            ticket = self._desk.tickets.pop(int(ticket_id))
            self._desk.listener(Happening("ticket.deleted", ticket.id, "agent"))

    def agent_merges(self, ticket_id: str, into: str) -> None:
        """The ticket is closed, its entries stand in the other one."""
        with self._desk.lock:
            ticket, other = self._ticket(ticket_id), self._ticket(into)
            self._desk.merge(ticket, other)
            self._changed(ticket, ["status_id", "closed", "ticket_pid", "flags"])
            self._desk.listener(Happening("ticket.updated", other.id, "agent", ["thread"]))

    def customer_replies(self, ticket_id: str, text: str) -> None:
        """The requester writes; a closed ticket is open again."""
        with self._desk.lock:
            ticket = self._ticket(ticket_id)
            entry = self._desk.post(ticket, "message", text, user_id=ticket.user_id, source=ticket.source)
            self._desk.listener(Happening("message.created", ticket.id, "user", (), [entry.id]))
            changes = ["isanswered"] if ticket.answered else []
            ticket.answered = False
            self._changed(ticket, [*changes, *self._desk.set_status(ticket, 1, "user")], "user")

    def _changed(self, ticket: Ticket, changes: Sequence[str], actor: str = "agent") -> None:
        if changes:
            self._desk.touch(ticket)
            self._desk.listener(Happening("ticket.updated", ticket.id, actor, changes))

    def _ticket(self, ticket_id: str) -> Ticket:
        return self._desk.ticket(int(ticket_id))

    # --- what agents see ---

    def view(self, ticket_id: str) -> AgentView:
        """The ticket in osTicket's words; ``writes`` counts the sets of changes that changed something."""
        with self._desk.lock:
            ticket = self._ticket(ticket_id)
            shown = self._desk.shown(ticket)
            return AgentView(
                id=str(ticket.id),
                subject=ticket.subject,
                channel=ticket.source,
                status=shown["status"]["name"],
                priority=shown["priority"]["label"],
                tags=sorted(shown["tags"]),
                fields={FIELDS[name][0]: str(value) for name, value in shown["fields"].items()},
                notes=[entry.text for entry in ticket.thread if entry.type == "note" and entry.keys is not None],
                writes=ticket.writes,
            )

    # --- faults ---

    @property
    def clock_skew(self) -> timedelta:
        """How far the server's clock is ahead of the one that was handed in."""
        return self._api.clock_skew

    @clock_skew.setter
    def clock_skew(self, skew: timedelta) -> None:
        self._api.clock_skew = skew
