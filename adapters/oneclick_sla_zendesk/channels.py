"""How a ticket came in, from Zendesk's two vocabularies into one.

The API's ``via.channel`` and the events' ``via`` name the same ways differently
("email" and "mail", "web" and "web_form"); one table serves both. Source:
https://developer.zendesk.com/documentation/ticketing/reference-guides/via-types/
(column "via type" for events, "ticket created by" for the API) and
https://developer.zendesk.com/documentation/ticketing/reference-guides/via-object-reference/ .
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from oneclick_sla_plugin.domain.model import Channel

CHANNELS: Mapping[str, Channel] = MappingProxyType(
    {
        # Written
        "email": Channel.EMAIL,
        "mail": Channel.EMAIL,
        "web": Channel.WEB_FORM,
        "web_form": Channel.WEB_FORM,
        "web_widget": Channel.WEB_FORM,
        "helpcenter": Channel.WEB_FORM,
        "dropbox": Channel.WEB_FORM,  # the old feedback tab
        "mobile": Channel.WEB_FORM,
        "mobile_sdk": Channel.WEB_FORM,
        "closed_ticket": Channel.WEB_FORM,  # a follow-up of a closed ticket; the API says "web"
        # Live
        "chat": Channel.CHAT,
        "native_messaging": Channel.CHAT,
        "whatsapp": Channel.WHATSAPP,
        # Social networks
        "twitter": Channel.SOCIAL,
        "twitter_dm": Channel.SOCIAL,
        "twitter_favorite": Channel.SOCIAL,
        "facebook": Channel.SOCIAL,
        "facebook_post": Channel.SOCIAL,
        "facebook_message": Channel.SOCIAL,
        "instagram_dm": Channel.SOCIAL,
        # Telephone
        "voice": Channel.PHONE,
        "phone_call_inbound": Channel.PHONE,
        "phone_call_outbound": Channel.PHONE,
        "voicemail": Channel.VOICEMAIL,
        # Programs
        "api": Channel.API,
        "web_service": Channel.API,
    }
)
"""What is not listed is ``OTHER``: ``sms``, ``any_channel`` (any network behind it), ``side_conversation``, rules."""

VIA_IDS: Mapping[Channel, tuple[int, ...]] = MappingProxyType(
    {
        Channel.EMAIL: (4,),
        Channel.WEB_FORM: (0, 17, 27),
        Channel.CHAT: (29,),
        Channel.SOCIAL: (23, 26, 30, 38, 41),
        Channel.PHONE: (34, 35),
        Channel.VOICEMAIL: (33,),
        Channel.API: (5,),
    }
)
"""The numbers of the same ways, as conditions of triggers name them (column "via id")."""

LIVE_CHANNELS = frozenset({"chat", "native_messaging", "whatsapp"})
"""Conversations whose messages Zendesk keeps outside the ticket's comments."""

AUTOMATIC_CHANNELS = frozenset({"system", "rule"})
"""A comment with one of these was written by Zendesk itself or by a trigger or automation."""


def channel_of(via: Mapping[str, Any]) -> Channel:
    """The channel of a ``via`` object. The API names voice mail "voice" with the relation "voicemail"."""
    name = name_of(via)
    if name == "voice" and source_of(via).get("rel") == "voicemail":
        return Channel.VOICEMAIL
    return CHANNELS.get(name, Channel.OTHER)


def name_of(via: Mapping[str, Any]) -> str:
    """Zendesk's own word for the channel, in lower case."""
    return str(via.get("channel") or "").lower()


def address_of(via: Mapping[str, Any]) -> str | None:
    """The address that a ticket was sent to, where the channel has one."""
    to = source_of(via).get("to")
    address = to.get("address") if isinstance(to, dict) else None
    return address if isinstance(address, str) and address else None


def source_of(via: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``source`` of a ``via`` object, empty where it has none."""
    source = via.get("source")
    return source if isinstance(source, dict) else {}
