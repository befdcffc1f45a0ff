"""The simulated account as its owner holds it: people that act, faults to inject, and what agents see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from oneclick_sla_plugin.ports import AgentView, Clock
from oneclick_sla_plugin.testing.sandbox import LoopbackSandbox
from oneclick_sla_zendesk.simulator.account import Account, Happening
from oneclick_sla_zendesk.simulator.faults import Faults, FaultyServer
from oneclick_sla_zendesk.simulator.limits import Limits
from oneclick_sla_zendesk.simulator.oauth import OAuthClient, Tokens
from oneclick_sla_zendesk.simulator.pages import Pages
from oneclick_sla_zendesk.simulator.people import AGENT_ID, INTEGRATION_USER_ID, People
from oneclick_sla_zendesk.simulator.records import Ticket
from oneclick_sla_zendesk.simulator.routes import Api
from oneclick_sla_zendesk.simulator.rules import BusinessRules, Notification
from oneclick_sla_zendesk.simulator.webhooks import Webhooks

_WEBHOOK_TIMEOUT = timedelta(seconds=12)
"""https://developer.zendesk.com/documentation/webhooks/creating-and-monitoring-webhooks/"""


class ZendeskSandbox(People, LoopbackSandbox):
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

    write_operation = "PUT /api/v2/tickets/{ticket_id}"

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
        LoopbackSandbox.__init__(self, "zendesk", port=port, webhook_timeout=webhook_timeout, seed=seed)
        self._webhooks = Webhooks(clock=clock, sender=self._sender, retry_wait=retry_wait)
        account = Account(clock=clock, first_ticket_id=first_ticket_id, listener=self._publish)
        account.add_user(INTEGRATION_USER_ID, "SLA plugin", "sla-plugin@example.com", "admin")
        People.__init__(self, account)
        self._client_id, self._client_secret = client_id, client_secret
        self._tokens = Tokens(OAuthClient(client_id, client_secret, INTEGRATION_USER_ID), clock)
        self.agent_token = self._tokens.grant(AGENT_ID)
        """A bearer token of the agent, with every right; for requests by hand."""
        self._rules = BusinessRules(
            self._account, clock, lambda webhook_id, body: self._webhooks.call(self._account, webhook_id, body)
        )
        self._api = Api(
            self._server.app,
            account=self._account,
            tokens=self._tokens,
            webhooks=self._webhooks,
            rules=self._rules,
            base_url=self.base_url,
            clock=clock,
        )
        Pages(self._server.app, self._account)
        self._faulty = FaultyServer(self._server.app.wsgi_app)
        # Assigning this attribute is Flask's documented way to add a middleware.
        self._server.app.wsgi_app = self._faulty  # type: ignore[method-assign]
        self._server.start()

    def close(self) -> None:
        """Stop answering and sending; may be called again."""
        self._api.close()
        self._faulty.close()
        super().close()

    def settings(self) -> Mapping[str, Any]:
        return {"base_url": self.base_url, "client_id": self._client_id}

    def secrets(self) -> Mapping[str, str]:
        """``client_secret``, and ``webhook_secrets`` (of the newest two webhooks, a blank between) once there are."""
        with self._account.lock:
            signing = [webhook.signing_secret for webhook in self._webhooks.all()][-2:]
        return {"client_secret": self._client_secret, **({"webhook_secrets": " ".join(signing)} if signing else {})}

    # --- what agents see ---

    def view(self, ticket_id: str) -> AgentView:
        """The ticket in Zendesk's words.

        ``fields`` by title, a dropdown with its option's name. ``notes`` are the private
        comments of the integration's user; ``writes`` counts that user's updates that
        took effect.
        """
        return self._view(self._account.ticket(int(ticket_id)))

    def tickets(self) -> list[AgentView]:
        """All tickets, the oldest first."""
        return [self._view(ticket) for ticket in self._account.tickets()]

    def _view(self, ticket: Ticket) -> AgentView:
        fields = [(item.title, item.shown(ticket.values.get(item.id))) for item in self._account.fields()]
        return AgentView(
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

    def _publish(self, happening: Happening) -> None:
        self._webhooks.publish(self._account, happening)
        self._rules.run(happening)

    @property
    def notifications(self) -> Sequence[Notification]:
        """The e-mails that triggers sent so far, the oldest first; a copy."""
        with self._account.lock:
            return tuple(self._rules.notifications)

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
    def limits(self) -> Limits | None:
        """The account's rate limits; ``None`` at first: nothing is limited and no header tells of a limit."""
        return self._api.limits

    @limits.setter
    def limits(self, limits: Limits | None) -> None:
        self._api.limits = limits

    @property
    def faults(self) -> Faults | None:
        """What goes wrong by chance, with the API and with webhooks; ``None`` at first."""
        return self._faulty.faults

    @faults.setter
    def faults(self, faults: Faults | None) -> None:
        self._faulty.faults = faults
        troubled = faults is not None and faults.webhooks
        self._sender.duplicate_rate = faults.rate if faults is not None and troubled else 0.0
        self._sender.shuffle = troubled

    @property
    def struck(self) -> Counter[str]:
        """How many requests were faulty so far, by the kind of fault; a copy."""
        return Counter({str(fault): times for fault, times in self._faulty.struck.items()})

    @property
    def clock_skew(self) -> timedelta:
        """How far the account's clock, as its answers tell it, is ahead of the one that was handed in."""
        return self._api.clock_skew

    @clock_skew.setter
    def clock_skew(self, skew: timedelta) -> None:
        self._api.clock_skew = skew

    def conflict_next(
        self, times: int, error: Literal["UpdateConflict", "DatabaseConflict"] = "UpdateConflict"
    ) -> None:
        """Answer 409 to the next ticket updates: safe ones (``UpdateConflict``) or any (``DatabaseConflict``)."""
        self._api.conflict_next(times, error)

    def delay_writes(self, duration: timedelta, *, before_effect: bool) -> None:
        """Hold each ticket update for ``duration`` of real time from now on; zero ends it.

        ``before_effect``: between the request and its effect, so a writer that dies
        leaves an update that comes later; else between the effect and the answer.
        """
        self._api.delay_writes(duration, before_effect=before_effect)

    def allow_scopes(self, *scopes: str) -> None:
        """The OAuth client may have these scopes only: a token gets those of them that were asked for."""
        self._tokens.allowed_scopes = frozenset(scopes)

    def new_api_token(self) -> tuple[str, str]:
        """A legacy login for the integration's user: an address and an API token."""
        email = self._account.user(INTEGRATION_USER_ID).email
        return email, self._tokens.new_api_token(email, INTEGRATION_USER_ID)

    def revoke_tokens(self) -> None:
        """From now on every token that the integration has is refused with 401; new ones are accepted."""
        self._tokens.revoke_issued()
