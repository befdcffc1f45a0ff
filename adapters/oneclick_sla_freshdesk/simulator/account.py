"""The simulated account: its people and tickets, and what a request or a person does to a ticket.

There is no locking of updates: the last write wins, and tags are replaced as a
whole. Closed tickets can be edited like any other. All methods are safe to call
from several threads.
https://developers.freshdesk.com/api/#tickets
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from oneclick_sla_freshdesk.simulator import text
from oneclick_sla_freshdesk.simulator.behaviour import Behaviour
from oneclick_sla_freshdesk.simulator.errors import method_not_allowed, not_found, validation_failed
from oneclick_sla_freshdesk.simulator.fields import TicketField, TicketFields
from oneclick_sla_freshdesk.simulator.properties import Known, TicketRequests, due_date_problems
from oneclick_sla_freshdesk.simulator.records import (
    CLOSED,
    NOTE,
    OPEN,
    PENDING,
    REPLY,
    RESOLVED,
    Conversation,
    Happening,
    Performer,
    Person,
    Stats,
    Ticket,
    changes_between,
)
from oneclick_sla_freshdesk.simulator.sla import SlaPolicies
from oneclick_sla_plugin.ports import Clock

_REOPENED_BY_CUSTOMER = frozenset({PENDING, RESOLVED, CLOSED})
_PLAIN = ("subject", "type", "status", "priority", "source", "responder_id", "group_id", "product_id", "company_id")


class Account:
    """All records of one account, under one lock."""

    def __init__(
        self,
        *,
        clock: Clock,
        first_ticket_id: int,
        field_suffix: str,
        own_agent_id: int,
        behaviour: Behaviour,
        listener: Callable[[Happening], None],
    ) -> None:
        """``listener`` is called under :attr:`lock`, in the order in which things happen."""
        self.lock = threading.RLock()
        self.behaviour = behaviour
        self._clock = clock
        self._own_agent_id = own_agent_id
        self._listener = listener
        self._last_id = 298_000
        self._next_ticket_id = first_ticket_id
        self._field_suffix = field_suffix
        self._people: dict[int, Person] = {}
        self._tickets: dict[int, Ticket] = {}
        self.fields = TicketFields(new_id=self.new_id, now=self.now, suffix=field_suffix)
        self.policies = SlaPolicies(self.new_id())
        self.requests = TicketRequests(self.fields, self._field_name, behaviour)
        self.groups: dict[int, str] = {self.new_id(): "Customer Support", self.new_id(): "Billing"}
        self.products: dict[int, str] = {self.new_id(): "En Linea"}

    def now(self) -> datetime:
        """The present as records keep it: whole seconds."""
        return self._clock().replace(microsecond=0)

    def new_id(self) -> int:
        with self.lock:
            self._last_id += 1
            return self._last_id

    # --- people ---

    def add_person(
        self,
        name: str,
        email: str | None,
        *,
        person_id: int | None = None,
        agent: bool = False,
        admin: bool = False,
        phone: str | None = None,
    ) -> Person:
        with self.lock:
            address = email.lower() if email else None
            person = Person(person_id or self.new_id(), name, address, self.now(), agent, admin, phone)
            return self.keep_person(person)

    def keep_person(self, person: Person) -> Person:
        self._people[person.id] = person
        return person

    def person(self, person_id: int) -> Person:
        """``RefusalError`` (404) when there is none."""
        with self.lock:
            if person_id not in self._people:
                raise not_found()
            return self._people[person_id]

    def people(self, *, agents: bool) -> list[Person]:
        with self.lock:
            return [person for person in self._people.values() if person.agent is agents]

    def contact(self, email: str | None, *, name: str = "", phone: str | None = None) -> Person:
        """The person with this address (or telephone), made when there is none."""
        with self.lock:
            for person in self._people.values():
                if (email and person.email == email.lower()) or (not email and phone and person.phone == phone):
                    return person
            return self.add_person(name or email or phone or "", email, phone=phone)

    # --- tickets ---

    def tickets(self) -> list[Ticket]:
        with self.lock:
            return list(self._tickets.values())

    def ticket(self, ticket_id: int, *, archived: bool = False) -> Ticket:
        """``RefusalError`` (404) when there is none; one that is archived is found only as such."""
        with self.lock:
            ticket = self._tickets.get(ticket_id)
            if ticket is None or ticket.archived is not archived:
                raise not_found()
            return ticket

    def open_ticket(self, ticket_id: int) -> Ticket:
        """A ticket that can be written. ``RefusalError`` (404) for one in the trash or the spam folder, too."""
        ticket = self.ticket(ticket_id)
        if ticket.deleted or ticket.spam:
            raise not_found()
        return ticket

    def custom_fields(self, ticket: Ticket) -> dict[str, Any]:
        """All custom fields of the account under the keys that tickets have for them, empty ones as null."""
        with self.lock:
            return {self.field_key(name): ticket.custom_fields.get(name) for name in self.fields.custom()}

    def field_key(self, name: str) -> str:
        """The key of a custom field inside of a ticket."""
        ending = f"_{self._field_suffix}"
        return name if self.behaviour.suffixed_keys or not self._field_suffix else name.removesuffix(ending)

    def _field_name(self, key: str) -> str:
        return next((name for name in self.fields.custom() if self.field_key(name) == key), key)

    def create_ticket(
        self,
        given: Mapping[str, Any],
        *,
        actor: Person | None,
        via_api: bool,
        source: int | None = None,
        recipient: str | None = None,
    ) -> Ticket:
        """A new ticket of the requester that is named; ``actor`` ``None`` is the requester.

        ``source`` may be a number that the API does not take. ``RefusalError`` (400)
        with all that is wrong.
        """
        with self.lock:
            values = self.requests.create(given, self._known())
            if problems := due_date_problems(values, timer_stopped=False, now=self.now()):
                raise validation_failed(problems)
            requester = (
                self.person(values["requester_id"])
                if values.get("requester_id")
                else self.contact(values.get("email"), name=values.get("name", ""), phone=values.get("phone"))
            )
            now = self.now()
            blank = Ticket(
                self._next_ticket_id,
                now,
                now,
                requester.id,
                2,
                "",
                text.rewritten(values["description"]),
                cc_emails=tuple(address.lower() for address in values.get("cc_emails", ())),
                to_emails=(recipient.lower(),) if recipient else None,
            )
            self._next_ticket_id += 1
            ticket = self._with(blank, values)
            ticket = self._kept(self.policies.timed(ticket if source is None else replace(ticket, source=source)))
            author = actor or requester
            self._listener(Happening(ticket, _performer(author), author.id, created=True, via_api=via_api))
            return self._tickets[ticket.id]

    def update_ticket(self, ticket_id: int, given: Mapping[str, Any], *, actor: Person, via_api: bool) -> Ticket:
        """Set what is named, as a whole or not at all. ``RefusalError``: 404, 400 with all that is wrong."""
        with self.lock:
            before = self.open_ticket(ticket_id)
            values = self.requests.update(given, self._known(), before)
            statuses = self.fields.statuses()
            stopped = statuses[values.get("status", before.status)].stop_sla_timer
            if problems := due_date_problems(values, timer_stopped=stopped, now=self.now()):
                raise validation_failed(problems)
            after = self._with(before, values)
            if "description" in values:
                after = replace(after, description=text.rewritten(values["description"]))
            if values.get("email"):
                after = replace(after, requester_id=self.contact(values["email"]).id)
            return self._change(before, after, _performer(actor), actor.id, via_api)

    def delete_field(self, gone: TicketField) -> None:
        """Take a custom field away, and its values with it."""
        with self.lock:
            self.fields.delete(gone)
            for ticket in self._tickets.values():
                kept = {name: value for name, value in ticket.custom_fields.items() if name != gone.name}
                self._kept(replace(ticket, custom_fields=kept))

    def latest(self, ticket: Ticket) -> Ticket:
        """The ticket as it stands now, or, when it is gone, as it was."""
        with self.lock:
            return self._tickets.get(ticket.id, ticket)

    def change_by_rule(self, before: Ticket, **values: Any) -> Ticket:
        """What an automation rule sets on the latest state of a ticket; nothing when it is gone."""
        with self.lock:
            if before.id not in self._tickets:
                return before
            return self._change(before, self._with(before, values), Performer.SYSTEM, None, via_api=False)

    def add_conversation(
        self,
        ticket_id: int,
        body: str,
        *,
        author: Person,
        source: int = REPLY,
        private: bool = False,
        incoming: bool | None = None,
        via_api: bool = False,
        **addresses: Any,
    ) -> Conversation:
        """A reply or a note; a customer's opens a ticket again that waits, is resolved or closed."""
        with self.lock:
            before = self.open_ticket(ticket_id)
            now = self.now()
            from_customer = not author.agent if incoming is None else incoming
            conversation = Conversation(
                id=self.new_id(),
                ticket_id=ticket_id,
                created_at=now,
                updated_at=now,
                user_id=author.id,
                source=source,
                incoming=from_customer,
                private=private,
                body=text.rewritten(body),
                **addresses,
            )
            after = replace(before, conversations=(*before.conversations, conversation))
            stats = after.stats
            if from_customer:
                stats = replace(stats, requester_responded_at=now)
                if after.status in _REOPENED_BY_CUSTOMER:
                    after = self._with(replace(after, stats=stats), {"status": OPEN})
                    stats = after.stats
            elif not private:
                stats = replace(stats, agent_responded_at=now, first_responded_at=stats.first_responded_at or now)
            after = self._kept(replace(after, stats=stats, updated_at=now))
            performer = Performer.CUSTOMER if from_customer else Performer.AGENT
            changes = changes_between(before, after)
            self._listener(
                Happening(after, performer, author.id, changes=changes, conversation=conversation, via_api=via_api)
            )
            return conversation

    def conversation(self, conversation_id: int) -> Conversation:
        """``RefusalError`` (404) when there is none."""
        with self.lock:
            found = (item for ticket in self._tickets.values() for item in ticket.conversations)
            conversation = next((item for item in found if item.id == conversation_id), None)
            if conversation is None:
                raise not_found()
            return conversation

    def edit_note(self, conversation_id: int, body: str) -> Conversation:
        """``RefusalError``: 404, 405 for anything but a note."""
        with self.lock:
            before = self.conversation(conversation_id)
            if before.source != NOTE:
                raise method_not_allowed("PUT", ["DELETE"])
            after = replace(before, body=text.rewritten(body), updated_at=self.now())
            self._with_conversations(before, (after,))
            return after

    def delete_conversation(self, conversation_id: int) -> None:
        with self.lock:
            self._with_conversations(self.conversation(conversation_id), ())

    def delete_ticket(self, ticket_id: int, *, actor: Person, forever: bool) -> None:
        """Into the trash, where it can still be read; ``forever`` as after thirty days there."""
        with self.lock:
            ticket = self.ticket(ticket_id)
            if forever:
                del self._tickets[ticket_id]
            else:
                ticket = self._kept(replace(ticket, deleted=True, updated_at=self.now()))
            self._listener(Happening(ticket, _performer(actor), actor.id, deleted=True))

    def set_aside(
        self, ticket_id: int, *, spam: bool | None = None, deleted: bool | None = None, archived: bool | None = None
    ) -> None:
        """Put a ticket into the spam folder, the trash or the archive, or (false) take it out; no rule hears of it."""
        with self.lock:
            before = self._tickets[ticket_id]
            self._kept(
                replace(
                    before,
                    spam=before.spam if spam is None else spam,
                    deleted=before.deleted if deleted is None else deleted,
                    archived=before.archived if archived is None else archived,
                    updated_at=self.now(),
                )
            )

    def _with_conversations(self, gone: Conversation, instead: Iterable[Conversation]) -> None:
        ticket = self._tickets[gone.ticket_id]
        place = ticket.conversations.index(gone)
        kept = (*ticket.conversations[:place], *instead, *ticket.conversations[place + 1 :])
        self._kept(replace(ticket, conversations=kept, updated_at=self.now()))

    def _with(self, before: Ticket, values: Mapping[str, Any]) -> Ticket:
        plain = {name: values[name] for name in (*_PLAIN, "tags", "requester_id") if name in values}
        custom = {**before.custom_fields, **(values.get("custom_fields") or {})}
        after = replace(before, **plain, custom_fields=custom)
        if "due_by" in values:
            after = replace(after, due_by=values["due_by"], fr_due_by=values["fr_due_by"], due_by_hand=True)
        if after.status != before.status:
            after = replace(after, stats=_stats_after(before, after.status, self.now()))
        return after

    def _change(
        self, before: Ticket, after: Ticket, performer: Performer, actor_id: int | None, via_api: bool
    ) -> Ticket:
        if (after.priority, after.type, after.group_id) != (before.priority, before.type, before.group_id):
            after = self.policies.timed(after)
        if after == before:
            return before
        own = actor_id == self._own_agent_id
        after = self._kept(replace(after, updated_at=self.now(), own_writes=before.own_writes + own))
        self._listener(Happening(after, performer, actor_id, changes=changes_between(before, after), via_api=via_api))
        return self._tickets[after.id]

    def _known(self) -> Known:
        agents = frozenset(person.id for person in self._people.values() if person.agent)
        return Known(agents, frozenset(self.groups), frozenset(self.products), frozenset(self._people))

    def _kept(self, ticket: Ticket) -> Ticket:
        self._tickets[ticket.id] = ticket
        return ticket


def _performer(person: Person) -> Performer:
    return Performer.AGENT if person.agent else Performer.CUSTOMER


def _stats_after(before: Ticket, status: int, now: datetime) -> Stats:
    stats = replace(before.stats, status_updated_at=now, pending_since=now if status == PENDING else None)
    if status in (RESOLVED, CLOSED):
        return replace(stats, resolved_at=stats.resolved_at or now, closed_at=now if status == CLOSED else None)
    if before.status in (RESOLVED, CLOSED):
        return replace(stats, reopened_at=now, resolved_at=None, closed_at=None)
    return stats
