"""Keep a published customer-service policy on the helpdesk that a team already uses.

The host of the plugin: domain, delivery, storage, web application and command line.
Platforms come in as plugins of their own (``oneclick_sla_zendesk`` and others).
"""

__version__ = "0.1.0"
