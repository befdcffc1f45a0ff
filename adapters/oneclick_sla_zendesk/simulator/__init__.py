"""A simulated Zendesk account over HTTP on 127.0.0.1, written from the vendor's documentation alone.

It shares no rule with the adapter, so that the one can prove the other wrong.
:class:`~oneclick_sla_zendesk.simulator.sandbox.ZendeskSandbox` is the way in;
``routes`` is the HTTP API, ``account`` what an update does, ``events`` and
``webhooks`` what is told to the outside. Not simulated: triggers, quotas (inject
a 429 instead), views, search, exports, attachments, redaction, Markdown.
"""

from oneclick_sla_zendesk.simulator.sandbox import TicketView, ZendeskSandbox

__all__ = ["ZendeskSandbox", "TicketView"]
