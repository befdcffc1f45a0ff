"""`oneclick-sla check`: what can be wrong with an account, and what to do about it.

Nothing is changed. A problem is a result, never an exception: the remaining checks still
run as far as they can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from oneclick_sla_freshdesk.fields import (
    DROPDOWN,
    FIELD_SPECS,
    Definition,
    FieldSpec,
    choice_values,
    definitions,
    identify,
    is_fit,
)
from oneclick_sla_freshdesk.limits import json_object
from oneclick_sla_freshdesk.people import ME
from oneclick_sla_freshdesk.quotas import quotas
from oneclick_sla_freshdesk.rules import find_rules, rule_specs, secret_of, webhook_of
from oneclick_sla_freshdesk.settings import FreshdeskSettings
from oneclick_sla_plugin.errors import PlatformError, Unauthorised
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Check, Quota, Response

_INSTALL = "run oneclick-sla install"
_LEAST_QUOTA = 0.1
"""Share of the account's credits a minute below which others have used them up."""
_OF_AN_ADMINISTRATOR = "give the key of an administrator as install_api_key"


@dataclass(frozen=True, slots=True)
class Examination:
    """One account to be looked at: its settings, where its webhooks should go, and the time."""

    account: str
    settings: FreshdeskSettings
    webhook_url: str
    clock: Callable[[], datetime]

    def run(self) -> Exchange[list[Check]]:
        """Everything that the key of the running program may see."""
        try:
            response = yield ME
            me = json_object(ME, response)
        except PlatformError as error:
            return [_login_failure(error)]
        contact = me.get("contact")
        active = not isinstance(contact, dict) or contact.get("active") is not False
        found = [
            Check("login", True, "accepted"),
            Check("own agent", active, "active" if active else "inactive", "" if active else "activate the agent"),
            self._clock(response, self.clock()),
            *_quota(quotas(ME, response)),
        ]
        return found + (yield from _guarded("ticket fields", self._fields()))

    def rules(self) -> Exchange[list[Check]]:
        """The automation rules, which administrators see."""
        return (yield from _guarded("automation rules", self._rules()))

    def _clock(self, response: Response, now: datetime) -> Check:
        try:
            skew = now - parsedate_to_datetime(response.headers.get("date", ""))
        except (ValueError, TypeError):
            return Check("clock", True, "Freshdesk did not tell its time")
        good = abs(skew) <= self.settings.clock_skew_limit
        words = f"{abs(skew) // timedelta(seconds=1)} s {'ahead of' if skew > timedelta(0) else 'behind'} Freshdesk"
        return Check("clock", good, words, "" if good else "set this machine's clock by NTP")

    def _fields(self) -> Exchange[list[Check]]:
        found = yield from definitions()
        return [_field(spec, identify(spec, found)) for spec in FIELD_SPECS]

    def _rules(self) -> Exchange[list[Check]]:
        standing = yield from find_rules(self.account)
        known = {secret.get_secret_value() for secret in self.settings.webhook_secrets}
        checks = []
        for spec in rule_specs(self.account):
            name, rule = f'automation rule "{spec.name}"', standing.get(spec.name)
            if rule is None:
                problem, remedy = "missing", _INSTALL
            elif rule.get("outdated"):
                problem, remedy = "outdated: it names a field that was removed", _INSTALL
            elif not rule.get("active"):
                problem, remedy = "inactive", _INSTALL
            elif webhook_of(rule).get("url") != self.webhook_url:
                problem = "leads to another address"
                remedy = f"{_INSTALL}, or mend server.public_url: it should be {self.webhook_url}"
            elif (secret := secret_of(rule)) is not None and secret not in known:
                problem, remedy = "its secret is not among webhook_secrets: webhooks are refused", _INSTALL
            else:
                problem = remedy = ""
            checks.append(Check(name, not problem, problem or "active", remedy))
        return checks


def _guarded(name: str, part: Exchange[list[Check]]) -> Exchange[list[Check]]:
    """A part of the checks; where Freshdesk does not answer it, that is the result."""
    try:
        return (yield from part)
    except Unauthorised as error:
        return [Check(name, False, f"{error.operation}: refused, status {error.status}", _OF_AN_ADMINISTRATOR)]
    except PlatformError as error:
        facts = ", ".join(part for part in (error.reason, f"status {error.status}" if error.status else "") if part)
        return [Check(name, False, f"{error.operation} failed ({facts})", "try again; see updates.freshdesk.com")]


def _login_failure(error: PlatformError) -> Check:
    if isinstance(error, Unauthorised):
        return Check("login", False, "Freshdesk refuses the API key", "copy it anew from the agent's profile")
    remedy = "is base_url right, does this machine reach it, and does the plan have an API?"
    return Check("login", False, f"Freshdesk does not answer ({error.reason})", remedy)


def _quota(found: Sequence[Quota]) -> Iterator[Check]:
    for quota in found:
        good = quota.limit > 0 and quota.remaining / quota.limit >= _LEAST_QUOTA
        remedy = "see which apps call, or lower this program's share of the quota"
        words = f"{quota.remaining:g} of {quota.limit:g} credits left this minute"
        yield Check("quota", good, words, "" if good else remedy)


def _field(spec: FieldSpec, definition: Definition | None) -> Check:
    name = f'ticket field "{spec.label}"'
    if definition is None:
        return Check(name, False, "missing", _INSTALL)
    type_ = str(definition.get("type"))
    if not is_fit(spec, type_):
        remedy = f"rename or delete that field, then {_INSTALL.removeprefix('run ')} makes another"
        return Check(name, False, f"type {type_} instead of {spec.type}", remedy)
    missing = sorted(set(spec.options.values()) - set(choice_values(definition))) if spec.type == DROPDOWN else []
    if missing:
        return Check(name, False, f"lacks the choices {', '.join(missing)}", f"{_INSTALL}, or add them by hand")
    return Check(name, True, f"type {type_}")
