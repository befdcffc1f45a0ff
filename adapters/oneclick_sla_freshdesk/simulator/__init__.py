"""A simulated Freshdesk account over HTTP on 127.0.0.1, written from the vendor's documentation alone.

It shares no rule with the adapter, so that the one can prove the other wrong.
:class:`~oneclick_sla_freshdesk.simulator.sandbox.FreshdeskSandbox` is the way in;
``people`` act in it, ``ticket_routes`` and ``settings_routes`` are the HTTP API,
``account`` is what a write does, ``automation`` and ``rules`` what follows from it,
``webhooks`` what is told to the outside; ``behaviour`` lists what is not documented
and can be switched. Not simulated: attachments and multipart bodies, dependent fields, the
action Trigger API, business hours in due dates, escalation mails, companies.
"""

from oneclick_sla_freshdesk.simulator.behaviour import Behaviour
from oneclick_sla_freshdesk.simulator.limits import ENTERPRISE, GROWTH, PRO, TRIAL, Limits
from oneclick_sla_freshdesk.simulator.sandbox import FreshdeskSandbox

__all__ = ["FreshdeskSandbox", "Behaviour", "Limits", "GROWTH", "PRO", "ENTERPRISE", "TRIAL"]
