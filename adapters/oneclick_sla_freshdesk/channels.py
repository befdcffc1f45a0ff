"""How a ticket came in, and by which way a conversation was added: Freshdesk's numbers.

https://developers.freshdesk.com/api/#ticket-attributes lists the documented sources; the
numbers from 11 on are seen in public code and on newer accounts. The two vocabularies
differ: 1 is e-mail for a ticket, and nothing for a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from oneclick_sla_plugin.domain.model import Channel

CHANNELS: Mapping[int, Channel] = MappingProxyType(
    {
        1: Channel.EMAIL,
        2: Channel.WEB_FORM,  # the portal
        3: Channel.PHONE,
        4: Channel.WEB_FORM,  # the portal's forum
        5: Channel.SOCIAL,  # Twitter
        6: Channel.SOCIAL,  # Facebook
        7: Channel.CHAT,
        8: Channel.WEB_FORM,  # MobiHelp, a form inside of apps
        9: Channel.WEB_FORM,  # the feedback widget
        10: Channel.EMAIL,  # outbound: the team wrote first
        13: Channel.WHATSAPP,
        15: Channel.CHAT,  # web chat
    }
)
"""What is not listed is ``OTHER``: 11 e-commerce, 12 bot, 14 internal task of a chat, and whatever comes later."""

OUTBOUND_EMAIL = 10

REPLY = 0
NOTE = 2
SURVEY = 6
FORWARDED = 8
PHONE_CALL = 9


def channel_of(source: object) -> Channel:
    """The channel of a ticket's ``source``; ``OTHER`` for anything that is not known."""
    return CHANNELS.get(source, Channel.OTHER) if isinstance(source, int) else Channel.OTHER
