"""The osTicket adapter, the Python half: osTicket's words, turned into the neutral ticket and back.

The other half is the plugin in ``osticket-plugin/``, written in PHP and installed into
osTicket; ``PROTOCOL.md`` is what the two say to each other. ``plugin`` is what the host
loads and the only module that sends anything. ``signing``, ``webhook``, ``tickets``,
``updates``, ``feeds``, ``catalogue``, ``limits``, ``people``, ``provision`` and ``checks`` hold the
rules of the protocol as plain functions over bytes and values.
"""
