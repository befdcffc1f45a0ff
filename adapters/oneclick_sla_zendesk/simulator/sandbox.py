"""The simulated account as its owner holds it: people that act, faults to inject, and what agents see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Clock
from oneclick_sla_plugin.testing.deliveries import WebhookSender
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_zendesk.simulator.account import Account, Happening
from oneclick_sla_zendesk.simulator.oauth import OAuthClient, Tokens
from oneclick_sla_zendesk.simulator.records import Ticket
from oneclick_sla_zendesk.simulator.routes import Api
from oneclick_sla_zendesk.simulator.webhooks import Webhooks

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

_WEBHOOK_TIMEOUT = timedelta(seconds=12)
"""https://developer.zendesk.com/documentation/webhooks/creating-and-monitoring-webhooks/"""


@dataclass(slots=True)
class TicketView:
    """A ticket as an agent sees it, in Zendesk's words; implements ``ports.AgentView``.

    ``fields`` are the non-empty custom fields by title, a dropdown with its
    option's name. ``notes`` are the private comments of the integration's user as
    plain text. ``writes`` counts that user's updates that took effect.
    """

    id: str
    subject: str = field(repr=False)
    channel: str
    status: str
    priority: str | None
    tags: Sequence[str]
    fields: Mapping[str, str]
    notes: Sequence[str] = field(repr=False)
    writes: int


class ZendeskSandbox:
    """A Zendesk account on 127.0.0.1 that lives from construction to :meth:`close`; implements ``ports.Sandbox``.

    The integration logs in with ``POST /oauth/tokens`` (client credentials) and
    acts as user 9001; the people here act as user 9002 (an agent) and as customers.

    A ticket can be made by hand, with :attr:`agent_token` or any token that may write::

        curl -X POST $BASE_URL/api/v2/tickets.json \\
          -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
          -d '{"ticket": {"subject": "Invoice", "comment": {"body": "It is wrong."},
               "requester": {"name": "Ana", "email": "ana@example.com"}, "via": {"channel": "email"}}}'

    ``via`` is an extension of the simulator: the ticket comes in as if the
    requester had written it in that channel (Zendesk's own word for it). Without
    it, the ticket is one that the token's user opened through the API.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock,
        client_id: str = "sandbox",
        client_secret: str = "sandbox-secret",  # noqa: S107 - it protects nothing but this process
        first_ticket_id: int = 1,
        retry_wait: timedelta = timedelta(seconds=1),
        webhook_timeout: timedelta = _WEBHOOK_TIMEOUT,
        seed: int = 0,
    ) -> None:
        """``retry_wait`` and ``webhook_timeout`` are real time; ``seed`` makes a shuffled order reproducible."""
        self._sender = WebhookSender(timeout=webhook_timeout, seed=seed)
        self._webhooks = Webhooks(clock=clock, sender=self._sender, retry_wait=retry_wait)
        self._account = Account(clock=clock, first_ticket_id=first_ticket_id, listener=self._publish)
        self._account.add_user(INTEGRATION_USER_ID, "SLA plugin", "sla-plugin@example.com", "admin")
        self._agent = self._account.add_user(AGENT_ID, "Alex Agent", "alex@example.com", "admin")
        self._customers = 0
        self._client_id, self._client_secret = client_id, client_secret
        self._tokens = Tokens(OAuthClient(client_id, client_secret, INTEGRATION_USER_ID), clock)
        self.agent_token = self._tokens.grant(AGENT_ID)
        """A bearer token of the agent, with every right; for requests by hand."""
        self._server = LoopbackServer("zendesk-simulator", port=port)
        self.base_url = self._server.base_url
        self._api = Api(
            self._server.app,
            account=self._account,
            tokens=self._tokens,
            webhooks=self._webhooks,
            base_url=self.base_url,
        )
        self._server.start()

    def close(self) -> None:
        """Stop answering and sending; may be called again."""
        self._api.close()
        self._server.close()
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def settings(self) -> Mapping[str, Any]:
        return {"base_url": self.base_url, "client_id": self._client_id}

    def secrets(self) -> Mapping[str, str]:
        """``client_secret``, and ``webhook_secrets`` (of the newest two webhooks, a blank between) once there are."""
        with self._account.lock:
            signing = [webhook.signing_secret for webhook in self._webhooks.all()][-2:]
        return {"client_secret": self._client_secret, **({"webhook_secrets": " ".join(signing)} if signing else {})}

    # --- people ---

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

    def agent_deletes(self, ticket_id: str) -> None:
        """The agent deletes the ticket; the API then answers 404 for it."""
        self._account.delete_ticket(int(ticket_id), actor=self._agent)

    def _update(
        self, ticket_id: str, given: Mapping[str, Any], user_id: int, *, channel: str = "web", voice: bool = False
    ) -> None:
        self._account.update_ticket(
            int(ticket_id), given, actor=self._account.user(user_id), channel=channel, voice=voice
        )

    # --- what agents see ---

    def view(self, ticket_id: str) -> TicketView:
        return self._view(self._account.ticket(int(ticket_id)))

    def tickets(self) -> list[TicketView]:
        """All tickets, the oldest first."""
        return [self._view(ticket) for ticket in self._account.tickets()]

    def _view(self, ticket: Ticket) -> TicketView:
        fields = [(item.title, item.shown(ticket.values.get(item.id))) for item in self._account.fields()]
        return TicketView(
            id=str(ticket.id),
            subject=ticket.subject,
            channel=ticket.channel,
            status=ticket.status,
            priority=ticket.priority,
            tags=sorted(ticket.tags),
            fields={title: shown for title, shown in fields if shown},
            notes=[
                comment.plain_body
                for comment in ticket.comments
                if comment.author_id == INTEGRATION_USER_ID and not comment.public
            ],
            writes=sum(audit.author_id == INTEGRATION_USER_ID and not audit.creates for audit in ticket.audits),
        )

    # --- webhooks ---

    def wait_delivered(self, timeout: timedelta) -> bool:
        return self._sender.wait_delivered(timeout)

    @property
    def webhooks(self) -> WebhookSender:
        """Where deliveries are paused, doubled, shuffled and lost."""
        return self._sender

    def _publish(self, happening: Happening) -> None:
        self._webhooks.publish(self._account, happening)

    # --- faults and counters of the API ---

    @property
    def tags_first(self) -> bool:
        """Whether an update applies its tags before its custom fields (the vendor does not say); true at first."""
        return self._account.tags_first

    @tags_first.setter
    def tags_first(self, value: bool) -> None:
        with self._account.lock:
            self._account.tags_first = value

    @property
    def requests(self) -> Counter[str]:
        """How many requests have arrived so far, by ``METHOD /route/{variable}``; a copy."""
        return self._server.requests

    def conflict_next(
        self, times: int, error: Literal["UpdateConflict", "DatabaseConflict"] = "UpdateConflict"
    ) -> None:
        """Answer 409 to the next ticket updates: safe ones (``UpdateConflict``) or any (``DatabaseConflict``)."""
        self._api.conflict_next(times, error)

    def answer_next(
        self,
        times: int,
        status: int,
        *,
        operation: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Answer the next requests (of ``operation``, named as in :attr:`requests`) so, without effect: 429, 503 …"""
        self._server.answer_next(times, status, operation=operation, headers=headers, body=body)

    def delay_writes(self, duration: timedelta, *, before_effect: bool) -> None:
        """Hold each ticket update for ``duration`` of real time from now on; zero ends it.

        ``before_effect``: between the request and its effect, so a writer that dies
        leaves an update that comes later; else between the effect and the answer.
        """
        self._api.delay_writes(duration, before_effect=before_effect)

    def revoke_tokens(self) -> None:
        """From now on every token that the integration has is refused with 401; new ones are accepted."""
        self._tokens.revoke_issued()
