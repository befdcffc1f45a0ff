"""A simulated osTicket with the plugin in it, over HTTP on 127.0.0.1; answers as the PHP plugin does.

It shares no rule with the adapter, so that the one can prove the other wrong; the
recorded samples are what holds it to the plugin.
:class:`~oneclick_sla_osticket.simulator.sandbox.OsTicketSandbox` is the way in;
``api`` is the plugin's API, ``orders`` what it accepts as changes, ``desk`` the tickets,
``outbox`` what is told to the outside. Not simulated: osTicket's own pages and API, mail,
merging, cron, SLA plans.
"""

from oneclick_sla_osticket.simulator.sandbox import OsTicketSandbox

__all__ = ["OsTicketSandbox"]
