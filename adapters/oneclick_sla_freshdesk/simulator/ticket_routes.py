"""The API of tickets, conversations, contacts and agents."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import request

from oneclick_sla_freshdesk.simulator import shapes
from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.api import Answer, Api, Route, agent, body
from oneclick_sla_freshdesk.simulator.delays import WriteDelays
from oneclick_sla_freshdesk.simulator.errors import (
    FieldProblem,
    RefusalError,
    duplicate,
    missing_field,
    not_found,
    unknown_field,
    validation_failed,
    wrong_type,
)
from oneclick_sla_freshdesk.simulator.queries import includes, list_includes, listed, query_keys, searched
from oneclick_sla_freshdesk.simulator.records import NOTE, REPLY, Person

_SINGLE_INCLUDES = frozenset({"conversations", "stats", "requester", "company"})
_NOTE_KEYS = frozenset({"body", "private", "incoming", "user_id", "notify_emails"})
_REPLY_KEYS = frozenset({"body", "from_email", "user_id", "cc_emails", "bcc_emails"})
_PAGES = ("page", "per_page")


class TicketRoutes:
    """Views over an account."""

    def __init__(self, api: Api, account: Account, delays: WriteDelays) -> None:
        self._api, self._account, self._delays = api, account, delays
        api.add(self._routes())

    def _routes(self) -> list[Route]:
        return [
            ("GET", "/tickets", self._list),
            ("POST", "/tickets", self._create),
            ("GET", "/tickets/<int:ticket_id>", self._show),
            ("PUT", "/tickets/<int:ticket_id>", self._update),
            ("DELETE", "/tickets/<int:ticket_id>", self._delete),
            ("PUT", "/tickets/<int:ticket_id>/restore", self._restore),
            ("GET", "/tickets/archived/<int:ticket_id>", self._show_archived),
            ("PUT", "/tickets/bulk_update", self._update_many),
            ("POST", "/tickets/bulk_update", self._update_many),
            ("GET", "/search/tickets", self._search),
            ("GET", "/tickets/<int:ticket_id>/conversations", self._list_conversations),
            ("POST", "/tickets/<int:ticket_id>/notes", self._create_note),
            ("POST", "/tickets/<int:ticket_id>/reply", self._create_reply),
            ("PUT", "/conversations/<int:conversation_id>", self._update_conversation),
            ("DELETE", "/conversations/<int:conversation_id>", self._delete_conversation),
            ("GET", "/contacts", self._list_contacts),
            ("POST", "/contacts", self._create_contact),
            ("GET", "/contacts/<int:person_id>", self._show_contact),
            ("GET", "/agents", self._list_agents),
            ("GET", "/agents/me", self._show_me),
            ("GET", "/agents/<int:person_id>", self._show_agent),
        ]

    # --- tickets ---

    def _list(self) -> Answer:
        include = list_includes(request.args)
        now = self._account.now()
        with self._account.lock:
            found = listed(self._account.tickets(), request.args, now=now, agent_id=agent().id)
            page, *rest = self._api.page(found)
            shown = [shapes.ticket_json(self._account, item, include=include, described=False) for item in page]
        return (shown, *rest)

    def _show(self, ticket_id: int) -> Answer:
        include = includes(request.args, _SINGLE_INCLUDES)
        with self._account.lock:
            return shapes.ticket_json(self._account, self._account.ticket(ticket_id), include=include), 200

    def _show_archived(self, ticket_id: int) -> Answer:
        with self._account.lock:
            ticket = self._account.ticket(ticket_id, archived=True)
            return {**shapes.ticket_json(self._account, ticket), "archived": True}, 200

    def _create(self) -> Answer:
        with self._account.lock:
            ticket = self._account.create_ticket(body(), actor=agent(), via_api=True)
            return shapes.ticket_json(self._account, ticket), 201

    def _update(self, ticket_id: int) -> Answer:
        given = body()
        with self._delays.around(), self._account.lock:
            ticket = self._account.update_ticket(ticket_id, given, actor=agent(), via_api=True)
            shown = shapes.ticket_json(self._account, ticket)
        return shown, 200

    def _update_many(self) -> Answer:
        action = body().get("bulk_action")
        if not isinstance(action, dict) or not isinstance(action.get("ids"), list):
            raise validation_failed([missing_field("bulk_action")])
        for ticket_id in action["ids"]:
            with suppress(RefusalError):  # the job that the answer names would tell of it
                self._account.update_ticket(ticket_id, action.get("properties") or {}, actor=agent(), via_api=True)
        return {"job_id": f"job-{self._account.new_id()}"}, 202

    def _delete(self, ticket_id: int) -> Answer:
        with self._account.lock:
            self._account.open_ticket(ticket_id)
            self._account.delete_ticket(ticket_id, actor=agent(), forever=False)
        return None, 204

    def _restore(self, ticket_id: int) -> Answer:
        with self._account.lock:
            if not self._account.ticket(ticket_id).deleted:
                raise not_found()
            self._account.set_aside(ticket_id, deleted=False)
        return None, 204

    def _search(self) -> Answer:
        with self._account.lock:
            since = self._account.now() - self._account.behaviour.index_lag
            indexed = [item for item in self._account.tickets() if not item.archived and item.updated_at <= since]
            found, page = searched(indexed, request.args, self._account.fields.custom().keys())
            legacy = self._account.behaviour.legacy_search
            shown = [
                shapes.legacy_ticket_json(self._account, item)
                if legacy
                else shapes.ticket_json(self._account, item, described=False)
                for item in page.of(found)
            ]
        return {"total": len(found), "results": shown}, 200

    # --- conversations ---

    def _list_conversations(self, ticket_id: int) -> Answer:
        query_keys(request.args, _PAGES)
        return self._api.page(
            [shapes.conversation_json(item) for item in self._account.ticket(ticket_id).conversations]
        )

    def _create_note(self, ticket_id: int) -> Answer:
        given = body()
        problems = _text_problems(given, _NOTE_KEYS)
        problems += [
            wrong_type(name, "Boolean", given[name])
            for name in ("private", "incoming")
            if name in given and not isinstance(given[name], bool)
        ]
        author = self._author(given, problems)
        with self._delays.around():
            note = self._account.add_conversation(
                ticket_id,
                given["body"],
                author=author,
                source=NOTE,
                private=given.get("private", True),
                incoming=given.get("incoming", False),
                via_api=True,
                to_emails=tuple(address.lower() for address in given.get("notify_emails") or ()),
            )
        return shapes.conversation_json(note), 201

    def _create_reply(self, ticket_id: int) -> Answer:
        given = body()
        author = self._author(given, _text_problems(given, _REPLY_KEYS))
        requester = self._account.person(self._account.open_ticket(ticket_id).requester_id)
        with self._delays.around():
            reply = self._account.add_conversation(
                ticket_id,
                given["body"],
                author=author,
                source=REPLY,
                incoming=False,
                via_api=True,
                from_email=str(given.get("from_email") or shapes.SUPPORT_EMAIL).lower(),
                to_emails=(requester.email,) if requester.email else (),
                cc_emails=tuple(address.lower() for address in given.get("cc_emails") or ()),
                bcc_emails=tuple(address.lower() for address in given.get("bcc_emails") or ()),
            )
        return shapes.conversation_json(reply), 201

    def _author(self, given: Mapping[str, Any], problems: list[FieldProblem]) -> Person:
        """Whom a note or a reply is from: the key's agent, or who is named. ``RefusalError`` (400) with ``problems``."""
        known = {person.id: person for agents in (True, False) for person in self._account.people(agents=agents)}
        author_id = given.get("user_id", agent().id)
        if author_id not in known:
            problems.append(FieldProblem("user_id", "There is no record matching the given id"))
        if problems:
            raise validation_failed(problems)
        return known[author_id]

    def _update_conversation(self, conversation_id: int) -> Answer:
        given = body()
        if problems := _text_problems(given, frozenset({"body"})):
            raise validation_failed(problems)
        return shapes.conversation_json(self._account.edit_note(conversation_id, given["body"])), 200

    def _delete_conversation(self, conversation_id: int) -> Answer:
        self._account.delete_conversation(conversation_id)
        return None, 204

    # --- people ---

    def _list_contacts(self) -> Answer:
        query_keys(request.args, (*_PAGES, "email"))
        contacts = self._account.people(agents=False)
        wanted = request.args.get("email", "").lower()
        return self._api.page([shapes.contact_json(item) for item in contacts if wanted in ("", item.email)])

    def _create_contact(self) -> Answer:
        given = body()
        if missing := [missing_field(name) for name in ("name", "email") if not isinstance(given.get(name), str)]:
            raise validation_failed(missing)
        with self._account.lock:
            people = [*self._account.people(agents=True), *self._account.people(agents=False)]
            if given["email"].lower() in [person.email for person in people]:
                raise duplicate("email")
            person = self._account.add_person(given["name"], given["email"], phone=given.get("phone"))
        return shapes.contact_json(person), 201

    def _show_contact(self, person_id: int) -> Answer:
        return shapes.contact_json(self._person(person_id, agents=False)), 200

    def _list_agents(self) -> Answer:
        return self._api.page([shapes.agent_json(item) for item in self._account.people(agents=True)])

    def _show_me(self) -> Answer:
        return shapes.agent_json(agent()), 200

    def _show_agent(self, person_id: int) -> Answer:
        return shapes.agent_json(self._person(person_id, agents=True)), 200

    def _person(self, person_id: int, *, agents: bool) -> Person:
        person = self._account.person(person_id)
        if person.agent is not agents:
            raise not_found()
        return person


def _text_problems(given: Mapping[str, Any], keys: frozenset[str]) -> list[FieldProblem]:
    problems = [unknown_field(name) for name in sorted(given.keys() - keys)]
    if not given.get("body"):
        return [*problems, missing_field("body")]
    if not isinstance(given["body"], str):
        problems.append(wrong_type("body", "String", given["body"]))
    return problems
