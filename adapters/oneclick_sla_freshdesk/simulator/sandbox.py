"""The simulated account as its owner holds it: people that act, faults to inject, and what agents see."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.api import Api
from oneclick_sla_freshdesk.simulator.automation import Automation
from oneclick_sla_freshdesk.simulator.behaviour import Behaviour
from oneclick_sla_freshdesk.simulator.delays import WriteDelays
from oneclick_sla_freshdesk.simulator.limits import ENTERPRISE, Budget, Limits
from oneclick_sla_freshdesk.simulator.pages import Pages
from oneclick_sla_freshdesk.simulator.payloads import payload, placeholders
from oneclick_sla_freshdesk.simulator.people import AGENT_ID, People
from oneclick_sla_freshdesk.simulator.records import Happening, Ticket
from oneclick_sla_freshdesk.simulator.rules import Rules
from oneclick_sla_freshdesk.simulator.settings_routes import SettingsRoutes
from oneclick_sla_freshdesk.simulator.ticket_routes import TicketRoutes
from oneclick_sla_freshdesk.simulator.view import view_of
from oneclick_sla_freshdesk.simulator.webhooks import Mail, Webhooks
from oneclick_sla_plugin.ports import AgentView, Clock
from oneclick_sla_plugin.testing.sandbox import LoopbackSandbox

INTEGRATION_AGENT_ID = 9001
ORDINARY_AGENT_ID = 9003

_HEARTBEAT = timedelta(seconds=1)
"""How often (in real time) the simulator looks whether its clock has brought something due."""


class FreshdeskSandbox(People, LoopbackSandbox):
    """A Freshdesk account on 127.0.0.1 that lives from construction to :meth:`close`; implements ``ports.Sandbox``.

    The integration's key acts as agent 9001 (an administrator), :attr:`agent_token`
    as agent 9002 (another one), :attr:`ordinary_token` as agent 9003, who may not
    administer; the people here act as agent 9002 and as customers.

    A ticket can be made by hand; it is then written by the one who has the address::

        curl -u $TOKEN:X $BASE_URL/api/v2/tickets -H "Content-Type: application/json" \\
          -d '{"subject": "Invoice", "description": "<p>It is wrong.</p>", "email": "ana@example.com", "source": 1}'

    Tickets can be looked at with a browser, at :attr:`base_url`.
    """

    write_operation = "PUT /api/v2/tickets/{ticket_id}"

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock,
        api_key: str = "sandbox-key",
        first_ticket_id: int = 1,
        field_suffix: str = "297457",
        limits: Limits = ENTERPRISE,
        webhook_timeout: timedelta = timedelta(seconds=10),
        seed: int = 0,
    ) -> None:
        """``field_suffix`` ends the names of custom fields (empty: none), ``limits`` are the plan's.

        ``webhook_timeout`` is real time (the vendor names none); ``seed`` makes a
        shuffled order reproducible.
        """
        self.behaviour = Behaviour()
        """Switches for what is not documented."""
        self.agent_token = "agent-key"  # noqa: S105 - it protects nothing but this process
        """An API key of a person, with every right; for requests by hand."""
        self.ordinary_token = "ordinary-key"  # noqa: S105 - as above
        """An API key of an agent who is no administrator."""
        self._api_key = api_key
        LoopbackSandbox.__init__(self, "freshdesk", port=port, webhook_timeout=webhook_timeout, seed=seed)
        self._budget = Budget(limits, clock, self.behaviour)
        self._webhooks = Webhooks(
            clock=clock, sender=self._sender, take_credit=self._budget.take_webhook, behaviour=self.behaviour
        )
        self._account = Account(
            clock=clock,
            first_ticket_id=first_ticket_id,
            field_suffix=field_suffix,
            own_agent_id=INTEGRATION_AGENT_ID,
            behaviour=self.behaviour,
            listener=self._happened,
        )
        self._account.add_person(
            "SLA plugin", "sla-plugin@example.com", person_id=INTEGRATION_AGENT_ID, agent=True, admin=True
        )
        People.__init__(self, self._account)
        self._account.add_person("Olga Ordinary", "olga@example.com", person_id=ORDINARY_AGENT_ID, agent=True)
        self._rules = Rules(new_id=self._account.new_id, now=self._account.now, fields=self._account.fields)
        self._automation = Automation(self._account, self._rules, self._trigger)
        self._delays = WriteDelays()
        api = Api(
            self._server.app,
            account=self._account,
            budget=self._budget,
            keys={
                api_key: INTEGRATION_AGENT_ID,
                self.agent_token: AGENT_ID,
                self.ordinary_token: ORDINARY_AGENT_ID,
            },
            base_url=self.base_url,
        )
        TicketRoutes(api, self._account, self._delays)
        SettingsRoutes(api, self._account, self._rules)
        Pages(self._server.app, self._account)
        self._closing = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="freshdesk-simulator-clock", daemon=True)
        self._server.start()
        self._heart.start()

    def close(self) -> None:
        """Stop answering and sending; may be called again."""
        self._closing.set()
        self._heart.join()
        self._delays.close()
        super().close()

    def settings(self) -> Mapping[str, Any]:
        return {"base_url": self.base_url}

    def secrets(self) -> Mapping[str, str]:
        """``api_key``; the account makes no secrets for webhooks, who writes the rule does."""
        return {"api_key": self._api_key}

    # --- what agents see ---

    def view(self, ticket_id: str) -> AgentView:
        with self._account.lock:
            return self._view(self._account.ticket(int(ticket_id)))

    def tickets(self) -> list[AgentView]:
        """All tickets, the oldest first."""
        with self._account.lock:
            return [self._view(ticket) for ticket in self._account.tickets()]

    def _view(self, ticket: Ticket) -> AgentView:
        return view_of(self._account, ticket, INTEGRATION_AGENT_ID)

    # --- rules and webhooks ---

    def deliver_due(self) -> None:
        """Do what the clock has brought due: hourly rules, and webhooks that waited for another attempt."""
        with self._account.lock:
            self._automation.scan(self._account.now())
        self._webhooks.deliver_due()

    def wait_delivered(self, timeout: timedelta) -> bool:
        """Do what is due, then wait until no webhook is under way; one that waits for its time is not."""
        self.deliver_due()
        return super().wait_delivered(timeout)

    def waiting_until(self) -> Sequence[datetime]:
        """When the webhooks that wait for another attempt will be sent, the earliest first."""
        return self._webhooks.waiting_until()

    def mails(self) -> Sequence[Mail]:
        """What the account wrote to its administrators."""
        return self._webhooks.mails()

    def _happened(self, happening: Happening) -> None:
        self._automation.handle(happening)

    def _trigger(self, action: Mapping[str, Any], ticket: Ticket, event: str) -> None:
        values = placeholders(self._account, ticket, event, self.base_url)
        self._webhooks.call(action, payload(action, values, escaping=self.behaviour.escape_placeholders))

    def _beat(self) -> None:
        while not self._closing.wait(_HEARTBEAT.total_seconds()):
            self.deliver_due()

    # --- faults and counters of the API ---

    @property
    def limits(self) -> Limits:
        """The plan's credits a minute; may be changed at any time."""
        return self._budget.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._budget.limits = limits

    def spend_credits(self, credits_used: int) -> None:
        """Another app of the account takes credits of this minute."""
        self._budget.spend(credits_used)

    def delay_writes(self, duration: timedelta, *, before_effect: bool) -> None:
        """Hold each update, note and reply for ``duration`` of real time from now on; zero ends it.

        ``before_effect``: between the request and its effect, so a writer that dies
        leaves a write that comes later; else between the effect and the answer.
        """
        self._delays.set(duration, before_effect=before_effect)
