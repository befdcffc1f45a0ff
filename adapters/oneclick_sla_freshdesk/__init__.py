"""The Freshdesk adapter: one helpdesk's words, turned into the neutral ticket and back.

``plugin`` is what the host loads and the only module that sends anything. ``webhook``,
``channels``, ``tickets``, ``history``, ``records``, ``updates``, ``fields``, ``feeds``,
``limits``, ``quotas`` and ``provision`` hold the rules of Freshdesk's API as plain functions
over bytes and values; ``exchanges`` lets such a function ask for several requests without
sending one itself. What Freshdesk does not document is listed in QUALITY.md.
"""
