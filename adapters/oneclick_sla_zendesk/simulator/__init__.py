"""A simulated Zendesk account over HTTP on 127.0.0.1, written from the vendor's documentation alone.

It shares no rule with the adapter, so that the one can prove the other wrong.
:class:`~oneclick_sla_zendesk.simulator.sandbox.ZendeskSandbox` is the way in;
``routes``, ``user_routes`` and ``configuration`` are the HTTP API, ``account`` what an update does,
``rules`` what views list and triggers do, ``events``, ``webhooks`` and ``invocations``
what is told to the outside, ``limits`` and ``faults`` what stands in a client's way,
``pages`` what a person sees in a browser. Not simulated: search, macros, automations,
attachments, Markdown, actions of triggers that change the ticket.
"""

from oneclick_sla_zendesk.simulator.faults import Fault, Faults
from oneclick_sla_zendesk.simulator.limits import Limits
from oneclick_sla_zendesk.simulator.sandbox import ZendeskSandbox

__all__ = ["ZendeskSandbox", "Faults", "Fault", "Limits"]
