"""`oneclick-sla check`: what can be wrong with an account, and what to do about it.

Nothing is changed but for one test request that Zendesk is asked to send to the webhook
application. A problem is a result, never an exception: the remaining checks still run
as far as they can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from oneclick_sla_plugin.domain.field_labels import FIELD_LABELS
from oneclick_sla_plugin.errors import PlatformError, Unauthorised
from oneclick_sla_plugin.exchanges import Exchange, json_request
from oneclick_sla_plugin.ports import Check, InstallStep, Quota, Request, Response
from oneclick_sla_zendesk import login
from oneclick_sla_zendesk.blueprint import FIELD_SPECS, FieldSpec, WebhookSpec, options_of, webhook_specs
from oneclick_sla_zendesk.exchanges import PAGE_SIZE, entries
from oneclick_sla_zendesk.fields import DROPDOWN, definitions, identify, option_values
from oneclick_sla_zendesk.inventory import (
    WEBHOOKS_PATH,
    Found,
    find_webhook,
    path_of,
    signing_secret,
    subscriptions_of,
)
from oneclick_sla_zendesk.limits import fetch, json_object
from oneclick_sla_zendesk.quotas import ACCOUNT, quotas
from oneclick_sla_zendesk.settings import ZendeskSettings

LOGIN_CHECKS = frozenset({"login", "scopes"})
"""Without these nothing else can be looked at."""

_INSTALL = "run oneclick-sla install"
_LEAST_QUOTA = 0.1
"""Share of the account's calls a minute below which others have used them up."""
_FAILING = 0.1
"""Share of failed deliveries above which a webhook counts as failing."""
_DELIVERED = frozenset({"success"})
_NOT_YET = frozenset({"pending", "retrying", ""})
_TEXTS = frozenset({"text", "textarea", "regexp"})
_LEGACY_WARNING = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Examination:
    """One account to be looked at: its settings, where its webhooks should go, and the time."""

    account: str
    settings: ZendeskSettings
    webhook_url: str
    clock: Callable[[], datetime]

    @property
    def webhook(self) -> WebhookSpec:
        return webhook_specs(self.account)[self.settings.webhook]

    def run(self) -> Exchange[list[Check]]:
        """Everything that the login of the running program may see."""
        found: list[Check] = []
        request = Request("GET", "/api/v2/users/me.json", "read own user")
        try:
            response = yield request
            user = json_object(request, response).get("user")
        except PlatformError as error:
            return [*_login_failure(error)]
        now = self.clock()
        found += self._login(user)
        found += [self._clock(response, now), *_quota(quotas(request, response))]
        found += yield from _guarded("ticket fields", self._fields())
        found += yield from _guarded("webhook", self._webhook())
        return found

    def _login(self, user: Any) -> Iterator[Check]:
        user = user if isinstance(user, dict) else {}
        legacy = isinstance(self.settings.login, login.ApiToken)
        if legacy:
            end = login.API_TOKENS_END
            soon = self.clock().date() >= end - _LEGACY_WARNING
            remedy = "make an OAuth client and set client_id and client_secret instead of email and api_token"
            yield Check("login", not soon, f"API token (legacy, ends on {end})", remedy if soon else "")
        else:
            yield Check("login", True, "OAuth client credentials")
        yield Check("scopes", True, "all of the agent's rights" if legacy else login.RUN_SCOPE)
        role, active = user.get("role"), user.get("active") is not False and not user.get("suspended")
        seat = role in ("agent", "admin")
        yield Check(
            "own user",
            seat and active,
            f"role {role}" if active else "suspended or inactive",
            "" if seat and active else "give the user behind the login an agent seat and lift its suspension",
        )
        admin = role == "admin"
        remedy = "make the user an administrator: Zendesk lists changed tickets for nobody else"
        yield Check("right to list changes", admin, f"role {role}", "" if admin else remedy)

    def _clock(self, response: Response, now: datetime) -> Check:
        try:
            skew = now - parsedate_to_datetime(response.headers.get("date", ""))
        except (ValueError, TypeError):
            return Check("clock", True, "Zendesk did not tell its time")
        good = abs(skew) <= self.settings.clock_skew_limit
        words = f"{abs(skew) // timedelta(seconds=1)} s {'ahead of' if skew > timedelta(0) else 'behind'} Zendesk"
        return Check("clock", good, words, "" if good else "set this machine's clock by NTP: signatures are timed")

    def _fields(self) -> Exchange[list[Check]]:
        found = yield from definitions(self.settings.base_url)
        return [_field(spec, identify(spec.name, found)) for spec in FIELD_SPECS]

    def _webhook(self) -> Exchange[list[Check]]:
        webhook = yield from find_webhook(self.account, self.webhook, self.settings.base_url)
        if webhook is None:
            return [Check("webhook", False, f'no webhook "{self.webhook.name}"', _INSTALL)]
        found = [*self._webhook_facts(webhook)]
        found += yield from _guarded("signing secret", self._secret(webhook))
        found += yield from _guarded("deliveries", _deliveries(webhook))
        return found

    def _webhook_facts(self, webhook: Found) -> Iterator[Check]:
        active = webhook.get("status") == "active"
        yield Check("webhook", active, str(webhook.get("status")), "" if active else _INSTALL)
        right = webhook.get("endpoint") == self.webhook_url
        words = "leads to this program" if right else "leads to another address"
        remedy = f"{_INSTALL}, or mend server.public_url: it should be {self.webhook_url}"
        yield Check("webhook address", right, words, "" if right else remedy)
        standing, wanted = subscriptions_of(webhook), set(self.webhook.subscriptions)
        missing = sorted(event.rpartition(".")[2] for event in wanted - standing)
        words = f"{len(standing & wanted)} of {len(wanted)} subscribed"
        yield Check(
            "webhook events",
            not missing,
            words + (f", not {', '.join(missing)}" if missing else ""),
            _INSTALL if missing else "",
        )

    def _secret(self, webhook: Found) -> Exchange[list[Check]]:
        secret = yield from signing_secret(webhook)
        known = any(secret == configured.get_secret_value() for configured in self.settings.webhook_secrets)
        words = "is among webhook_secrets" if known else "is not among webhook_secrets: webhooks are refused"
        return [Check("signing secret", known, words, "" if known else f"{_INSTALL}, which stores it")]

    def round_trip(self) -> Exchange[list[Check]]:
        """Have Zendesk send a signed request to the webhook; needs the login of an installation."""
        return (yield from _guarded("round trip", self._round_trip()))

    def _round_trip(self) -> Exchange[list[Check]]:
        webhook = yield from find_webhook(self.account, self.webhook, self.settings.base_url)
        if webhook is None:
            return []
        path = f"{WEBHOOKS_PATH}/test"
        request = json_request("POST", path, "test webhook", {"request": {}})
        query = (("webhook_id", str(webhook["id"])),)
        body = yield from fetch(
            Request(request.method, path, request.operation, query=query, headers=request.headers, body=request.body)
        )
        answered = body.get("response")
        status = answered.get("status") if isinstance(answered, dict) else None
        if isinstance(status, int) and 200 <= status < 300:
            return [Check("round trip", True, f"a signed request was answered {status}")]
        if status in (401, 403):
            return [Check("round trip", False, f"a signed request was answered {status}", _REMEDY_OF_REFUSAL)]
        remedy = "start oneclick-sla serve, and make server.public_url reach it from the internet"
        return [Check("round trip", False, f"a signed request was answered {status or 'by nobody'}", remedy)]


_REMEDY_OF_SCOPE = f"allow the OAuth client the scopes {login.INSTALL_SCOPE}, and its user the role of an administrator"
_REMEDY_OF_REFUSAL = "compare webhook_secrets with the webhook's signing secret, and the clocks"
_REMEDY_OF_LINK = "set base_url to the account's own address at zendesk.com: Zendesk's lists go on there"
_REMEDY_OF_QUOTA = "see in Admin Center (APIs, usage) who else calls, or lower this program's share of the quota"


def business_rules(steps: Sequence[InstallStep]) -> Iterator[Check]:
    """Views and triggers, judged by what an installation would do about them."""
    for step in steps:
        if step.what.startswith(("view ", "trigger ")):
            good = step.action == "keep"
            words = {"create": "missing", "update": "changed or inactive", "delete": "no longer asked for"}
            yield Check(step.what, good, words.get(step.action, "in place"), "" if good else _INSTALL)


def right_to_install(error: PlatformError) -> Check:
    """The result when the login may not look at, or test, what an installation makes."""
    return Check("right to install", False, f"{error.operation}: {error.reason or 'failed'}", _REMEDY_OF_SCOPE)


def _guarded(name: str, part: Exchange[list[Check]]) -> Exchange[list[Check]]:
    """A part of the checks; where Zendesk does not answer it, that is the result."""
    try:
        return (yield from part)
    except Unauthorised as error:
        return [Check(name, False, f"{error.operation}: refused, status {error.status}", _REMEDY_OF_SCOPE)]
    except PlatformError as error:
        facts = ", ".join(part for part in (error.reason, f"status {error.status}" if error.status else "") if part)
        remedy = _REMEDY_OF_LINK if error.reason == "foreign_link" else "try again; see status.zendesk.com"
        return [Check(name, False, f"{error.operation} failed ({facts})", remedy)]


def _login_failure(error: PlatformError) -> Iterator[Check]:
    match error.reason:
        case "login":
            remedy = "compare client_id and client_secret with the OAuth client, which must be confidential"
            yield Check("login", False, "Zendesk refuses the OAuth client", remedy)
        case "credentials":
            remedy = "is the user behind the login suspended, or the API token switched off?"
            yield Check("login", False, "Zendesk refuses the login", remedy)
        case "scope":
            yield Check("login", True, "accepted")
            remedy = f"allow the OAuth client the scopes {login.RUN_SCOPE}"
            yield Check("scopes", False, "the token opens less than is needed", remedy)
        case "rate_limit" | "quota":
            yield Check("login", False, "not tried: the account's calls are used up", _REMEDY_OF_QUOTA)
        case _:
            remedy = "is base_url right, and does this machine reach it?"
            yield Check("login", False, f"Zendesk does not answer ({error.reason})", remedy)


def _quota(found: Sequence[Quota]) -> Iterator[Check]:
    for quota in found:
        if quota.name == ACCOUNT:
            good = quota.limit > 0 and quota.remaining / quota.limit >= _LEAST_QUOTA
            words = f"{quota.remaining:g} of {quota.limit:g} calls left this minute"
            yield Check("quota", good, words, "" if good else _REMEDY_OF_QUOTA)


def _field(spec: FieldSpec, definition: Mapping[str, Any] | None) -> Check:
    name = f'ticket field "{FIELD_LABELS[spec.name]}"'
    if definition is None:
        return Check(name, False, "missing", _INSTALL)
    if not definition.get("active", True):
        return Check(name, False, "inactive", _INSTALL)
    if definition.get("type") != spec.type and not (spec.type in _TEXTS and definition.get("type") in _TEXTS):
        remedy = f"rename or delete that field, then {_INSTALL.removeprefix('run ')}"
        return Check(name, False, f"type {definition.get('type')} instead of {spec.type}", f"{remedy} makes another")
    if spec.type == DROPDOWN:
        missing = sorted(options_of(spec) - set(option_values(definition)))
        if missing:
            return Check(name, False, f"lacks the options {', '.join(missing)}", _INSTALL)
    return Check(name, True, f"type {definition.get('type')}")


def _deliveries(webhook: Found) -> Exchange[list[Check]]:
    """The newest hundred invocations: failing when the newest ended badly, or more than a tenth of them."""
    request = Request(
        "GET", f"{path_of(WEBHOOKS_PATH, webhook)}/invocations", "read webhook invocations", query=(PAGE_SIZE,)
    )
    page = yield from fetch(request)
    listed = entries([page], "invocations", request.operation)
    ended = [each for each in listed if str(each.get("status") or "") not in _NOT_YET]
    ended.sort(key=lambda each: str(each.get("latest_completed_at")), reverse=True)
    failed = [each for each in ended if each.get("status") not in _DELIVERED]
    if not failed:
        return [Check("deliveries", True, f"{len(ended)} delivered, none failed")]
    code = failed[0].get("status_code")
    last = f"answered {code}" if code is not None else str(failed[0].get("status"))  # "circuit broken", "throttled"
    words = f"{len(failed)} of {len(ended)} failed, the last one {last}"
    good = ended[0] is not failed[0] and len(failed) / len(ended) <= _FAILING
    if failed[0].get("status_code") in (401, 403):
        remedy = _REMEDY_OF_REFUSAL
    else:
        remedy = "is oneclick-sla serve running, and does server.public_url reach it within 12 seconds?"
    return [Check("deliveries", good, words, "" if good else remedy)]
