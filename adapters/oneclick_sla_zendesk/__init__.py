"""The Zendesk Support adapter: one helpdesk's words, turned into the neutral ticket and back.

``plugin`` is what the host loads and the only module that sends anything.
``webhook``, ``channels``, ``tickets``, ``updates``, ``fields``, ``login``,
``limits`` and ``provision`` hold the rules of Zendesk's API as plain functions
over bytes and values; ``exchanges`` lets such a function ask for several
requests without sending one itself.
"""
