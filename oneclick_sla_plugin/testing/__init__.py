"""What helpdesk simulators are built from, shipped so that foreign adapters can use it too.

A simulator is a small helpdesk on 127.0.0.1: :class:`~oneclick_sla_plugin.testing.server.LoopbackServer`
serves its API, :class:`~oneclick_sla_plugin.testing.deliveries.WebhookSender` sends its webhooks with
the faults of real ones, :class:`~oneclick_sla_plugin.testing.clock.ManualClock` is its time.
"""
