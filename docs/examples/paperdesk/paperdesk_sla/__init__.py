"""Paperdesk, a helpdesk invented for this example, as a platform of oneclick-sla."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import Field, SecretStr

from oneclick_sla_plugin.account_settings import AccountSettings, Secrets, checked
from oneclick_sla_plugin.domain.changes import Changes, compose, note_keys
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Message,
    Priority,
    Requester,
    Status,
    StatusChange,
    Ticket,
    Written,
)
from oneclick_sla_plugin.domain.model import Field as TicketField
from oneclick_sla_plugin.errors import PlatformError, WebhookRejected
from oneclick_sla_plugin.exchanges import Answers, json_request
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.ports import (
    Capabilities,
    Check,
    Clock,
    Connection,
    Doorbell,
    HttpClient,
    Installation,
    InstallStep,
    Platform,
    Quota,
    Request,
    Response,
    Sandbox,
    Services,
    TicketPage,
)


@hookimpl
def register_platforms(register: Callable[[Platform], None]) -> None:
    register(Paperdesk())


class PaperdeskSettings(AccountSettings):
    base_url: str = Field(pattern="^https://|^http://127.0.0.1")
    token: SecretStr
    webhook_secrets: Secrets = Field(default=(), max_length=2)


class PaperdeskAnswers(Answers):
    platform = "paperdesk"
    tickets_path = "/tickets/"


class Paperdesk:
    name = PaperdeskAnswers.platform
    capabilities = Capabilities(channels=frozenset({Channel.EMAIL, Channel.CHAT}), fields=frozenset())

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> Connection:
        known = checked(PaperdeskSettings, settings)
        return PaperdeskConnection(account, known, services.open_http(known.base_url))

    def quotas(self, request: Request, response: Response) -> Sequence[Quota]:
        return ()

    def sandbox(self, *, port: int, clock: Clock) -> Sandbox:
        from paperdesk_sla.simulator import PaperdeskSandbox

        return PaperdeskSandbox(port=port, clock=clock)


class PaperdeskConnection:
    retry_status = 503
    closed_is_final = False

    def __init__(self, account: str, settings: PaperdeskSettings, http: HttpClient) -> None:
        self._account, self._settings, self._http = account, settings, http
        self._answers = PaperdeskAnswers()

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        offered = headers.get("x-paperdesk-secret", "").encode()
        known = [secret.get_secret_value().encode() for secret in self._settings.webhook_secrets]
        if not any(hmac.compare_digest(offered, secret) for secret in known):
            raise WebhookRejected(401, "secret")
        try:
            return Doorbell((str(int(json.loads(body)["ticket"])),), "changed")
        except (ValueError, KeyError, TypeError):
            return Doorbell((), "unknown", "no_ticket")

    def read(self, ticket_id: str) -> Ticket:
        raw = self._ask(Request("GET", f"/tickets/{ticket_id}", "read ticket"))
        with suppress(KeyError, TypeError, ValueError):
            return ticket_of(raw, self._account)
        raise self._answers.unexpected_body("read ticket")  # not inside a handler: that error may quote a text

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        posts = [{"text": compose(changes.notes), "internal": True}] if changes.notes else []
        if changes.reply is not None and changes.reply.key not in note_keys(ticket):
            posts.append({"text": compose([changes.reply]), "internal": False})
        body = {
            "revision": ticket.version,
            "urgency": changes.priority or ticket.priority,
            "labels": sorted((ticket.tags - changes.remove_tags) | changes.add_tags),
            "posts": posts,
            "app_data": [written.priority, sorted(written.tags), dict(written.fields)],
        }
        self._ask(json_request("PATCH", f"/tickets/{ticket.id}", "write ticket", body))

    def changed(self, since: datetime, cursor: str | None) -> TicketPage:
        return self._listed(("since", since.isoformat()), ("after", cursor or ""))

    def unsolved(self, cursor: str | None) -> TicketPage:
        return self._listed(("unsolved", "1"), ("after", cursor or ""))

    def installation(self, webhook_url: str) -> Installation:
        return PaperdeskInstallation(self._ask, webhook_url, self._settings)

    def removal(self) -> Sequence[InstallStep]:
        remove = partial(self._ask, Request("DELETE", "/hook", "remove webhook"))
        return [InstallStep("webhook", "delete", remove)] if self._ask(HOOK).get("url") else []

    def check(self, webhook_url: str) -> Sequence[Check]:
        try:
            right = self._ask(HOOK).get("url") == webhook_url
        except PlatformError as error:
            return [Check("login", False, error.reason, "is the token right?")]
        return [
            Check("webhook", right, "in place" if right else "missing", "" if right else "run oneclick-sla install")
        ]

    def _listed(self, *query: tuple[str, str]) -> TicketPage:
        page = self._ask(Request("GET", "/tickets", "list tickets", query=query))
        return TicketPage(tuple(str(ticket_id) for ticket_id in page["ids"]), str(page["after"]), page["more"] is True)

    def _ask(self, request: Request) -> Mapping[str, Any]:
        login = {"authorization": f"Bearer {self._settings.token.get_secret_value()}"}
        request = replace(request, headers={**request.headers, **login})
        return self._answers.json_object(request, self._http.send(request))


HOOK = Request("GET", "/hook", "read webhook")


class PaperdeskInstallation:
    steps: Sequence[InstallStep]

    def __init__(self, ask: Callable[[Request], Any], webhook_url: str, settings: PaperdeskSettings) -> None:
        known = settings.webhook_secrets
        self._secret = known[0].get_secret_value() if known else secrets.token_urlsafe(32)
        put = json_request("PUT", "/hook", "create webhook", {"url": webhook_url, "secret": self._secret})
        stands = bool(known) and ask(HOOK).get("url") == webhook_url
        self.steps = [InstallStep("webhook", "keep" if stands else "create", partial(ask, put))]

    def secrets(self) -> Mapping[str, str]:
        return {"webhook_secrets": self._secret}


AUTHORS = {"customer": Author.CUSTOMER, "agent": Author.AGENT, "app": Author.US}


def ticket_of(raw: Mapping[str, Any], account: str) -> Ticket:
    created_at, changed_at, solved_at = (
        datetime.fromisoformat(raw[name]) if raw[name] else None for name in ("created_at", "changed_at", "solved_at")
    )
    if created_at is None or changed_at is None:
        raise ValueError("a ticket without its instants")
    solved = [StatusChange(solved_at, Status.SOLVED)] if solved_at else []
    return Ticket(
        platform=PaperdeskAnswers.platform,
        account=account,
        id=str(raw["id"]),
        created_at=created_at,
        updated_at=changed_at,
        channel=Channel(raw["via"]),
        subject=raw["subject"],
        status=Status.SOLVED if solved else Status.OPEN,
        tags=frozenset(raw["labels"]),
        requester=Requester(str(raw["customer"])),
        messages=tuple(message_of(post) for post in raw["posts"]),
        status_history=(StatusChange(created_at, Status.OPEN), *solved),
        priority=Priority(raw["urgency"]) if raw["urgency"] else None,
        written=written_of(raw["app_data"]),
        version=str(raw["revision"]),
    )


def message_of(post: Mapping[str, Any]) -> Message:
    at = datetime.fromisoformat(post["at"])
    return Message(str(post["id"]), at, AUTHORS[post["by"]], public=not post["internal"], text=post["text"])


def written_of(data: Sequence[Any] | None) -> Written | None:
    if data is None:
        return None
    priority, tags, fields = data
    fields = {TicketField(name): value for name, value in fields.items()}
    return Written(Priority(priority) if priority else None, frozenset(tags), fields)
