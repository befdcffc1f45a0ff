"""A complaint as the sheet of Peru's Libro de Reclamaciones: HTML for an A4 printer, in Spanish.

Its parts are those of the sheet of Decreto Supremo 011-2011-PCM: the consumer, what
was contracted, the complaint with what is asked for, and what the supplier did. The
register has the number and the instants. Who complained, and in which words, is read
from the helpdesk for this one print and kept nowhere. What neither knows (the
amount, an address) is a line to write on.

The sheet helps a person to fill in the book; it is not the book.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, select_autoescape

from oneclick_sla_plugin.config import ComplaintsConfig
from oneclick_sla_plugin.domain.complaint import Happened
from oneclick_sla_plugin.domain.model import Author, Message, Ticket
from oneclick_sla_plugin.ports import Person
from oneclick_sla_plugin.storage.register_records import Complaint, RecordedEvent

LEGAL_LIMIT_DAYS = 15
"""Business days, not extendable: Ley 31435, in force since 22 May 2022."""

_PLACE = files("oneclick_sla_plugin.cli")
_TEMPLATE = "complaint_sheet.html.j2"


@dataclass(frozen=True, slots=True)
class _Action:
    """A line of the sheet's last part."""

    at: datetime
    text: str


def sheet(one: Complaint, ticket: Ticket, person: Person, supplier: ComplaintsConfig, zone: tzinfo) -> str:
    """The sheet as an HTML document; everything from outside is escaped."""
    responded = one.last(Happened.RESPONDED)
    environment = Environment(autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True)
    environment.filters["day"] = lambda at: at.astimezone(zone).strftime("%d/%m/%Y")
    environment.filters["instant"] = lambda at: at.astimezone(zone).strftime("%d/%m/%Y %H:%M")
    template = environment.from_string(_PLACE.joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    return template.render(
        complaint=one,
        subject=ticket.subject,
        detail=_text_of(_carrier(one, ticket)),
        person=person,
        supplier=supplier,
        actions=list(_actions(one)),
        responded=responded,
        answer=_text_of(_message(ticket, responded.message)) if responded else None,
        legal_limit_days=LEGAL_LIMIT_DAYS,
        zone=str(zone),
    )


def _carrier(one: Complaint, ticket: Ticket) -> Message | None:
    """The message that carries the complaint; the customer's first where it is not there any more."""
    first = min(
        (message for message in ticket.messages if message.author is Author.CUSTOMER),
        key=lambda message: message.at,
        default=None,
    )
    return _message(ticket, one.message) or first


def _message(ticket: Ticket, message_id: str | None) -> Message | None:
    return next((message for message in ticket.messages if message.id == message_id), None)


def _text_of(message: Message | None) -> str | None:
    return message.text.strip() or None if message is not None else None


_SAID = {
    Happened.REGISTERED: "Reclamación registrada",
    Happened.ACKNOWLEDGED: "Acuse de recibo enviado al consumidor",
    Happened.INVESTIGATED: "Caso en investigación",
    Happened.EXTENDED: "Nuevo plazo comunicado al consumidor",
    Happened.RESPONDED: "Respuesta enviada al consumidor",
    Happened.FOLLOWED_UP: "Seguimiento posterior a la respuesta",
    Happened.CLOSED: "Caso cerrado",
    Happened.REOPENED: "Caso reabierto",
    Happened.WITHDRAWN: "Reclamación retirada por el consumidor",
    Happened.REJECTED: "Descartada como reclamación",
    Happened.DUPLICATED: "Unida a otra reclamación del mismo consumidor",
}
"""What of a complaint's history goes to the consumer; what is internal does not."""


def _actions(one: Complaint) -> list[_Action]:
    standing = [event for event in one.events if event.standing and event.what in _SAID]
    return [_Action(event.at, _said(event)) for event in sorted(standing, key=lambda event: (event.at, event.position))]


def _said(event: RecordedEvent) -> str:
    text = _SAID[Happened(event.what)]
    return f"{text} (envío automático)" if event.actor == "us" and event.what == Happened.ACKNOWLEDGED else text
