"""What an installation makes inside osTicket, and takes away again (PROTOCOL.md, section 6).

The plugin itself is installed by an administrator, who gives it the secret and ticks
what may be made; nothing else is ever made. Fields stay when an installation is taken
back: they hold values of tickets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from oneclick_sla_osticket.limits import unexpected_body
from oneclick_sla_plugin.exchanges import json_request
from oneclick_sla_plugin.ports import InstallStep, Request

PATH = "/sla/installation"
READ = Request("GET", PATH, "read installation")
INSTALL = "install"

WEBHOOK = "events to the webhook"

Delivery = Literal["webhook", "fetch"]


class Ask(Protocol):
    """Sends a request and returns the JSON object of its answer, or raises the platform errors."""

    def __call__(self, request: Request, /) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What the plugin says of an installation. ``objects``: name, what it is, whether it stands; the wanted ones."""

    webhook_url: str
    delivery: bool
    objects: tuple[tuple[str, str, bool], ...]


def standing(body: Mapping[str, Any]) -> Standing:
    """From the answer to :data:`READ`. Raises ``PermanentPlatformError`` for one of another shape."""
    found = None
    try:
        found = Standing(
            webhook_url=body["webhook_url"] or "",
            delivery=body["delivery"] is True,
            objects=tuple(
                (each["name"], each["what"], each["stands"] is True) for each in body["objects"] if each["wanted"]
            ),
        )
    except (KeyError, TypeError):
        found = None
    if found is None:
        raise unexpected_body(READ.operation)
    return found


class OsTicketInstallation:
    """The steps of an installation. Looks the helpdesk up when it is made; changes it when steps are applied."""

    steps: Sequence[InstallStep]

    def __init__(self, ask: Ask, webhook_url: str, delivery: Delivery) -> None:
        found = standing(ask(READ))
        self.steps = (*_object_steps(ask, found), _webhook_step(ask, found, webhook_url, delivery))

    def secrets(self) -> Mapping[str, str]:
        """None: the administrator gives the plugin its secret."""
        return {}


def removal_steps(ask: Ask) -> Sequence[InstallStep]:
    """Take an installation back; empty when nothing of it is left but the fields, which stay."""
    found = standing(ask(READ))
    steps = [
        InstallStep(what, "delete", _sending(ask, {"objects": False}))
        for name, what, stands in found.objects
        if stands and _is_removable(name)
    ]
    if found.webhook_url or found.delivery:
        # Without "objects" the plugin would make what is missing.
        nothing = {"webhook_url": "", "delivery": False, "objects": False}
        steps.append(InstallStep(WEBHOOK, "delete", _sending(ask, nothing)))
    return tuple(steps)


def _object_steps(ask: Ask, found: Standing) -> Iterator[InstallStep]:
    """One request makes all that is missing, so each step but the first finds its object made."""
    for _, what, stands in found.objects:
        yield InstallStep(what, "keep" if stands else "create", _sending(ask, {}))


def _webhook_step(ask: Ask, found: Standing, webhook_url: str, delivery: Delivery) -> InstallStep:
    wanted = (webhook_url, True) if delivery == "webhook" else ("", False)
    if (found.webhook_url, found.delivery) == wanted:
        return InstallStep(WEBHOOK, "keep", lambda: None)
    apply = _sending(ask, {"webhook_url": wanted[0], "delivery": wanted[1]})
    if delivery == "fetch":
        return InstallStep(WEBHOOK, "delete", apply)
    return InstallStep(WEBHOOK, "update" if found.webhook_url else "create", apply)


def _is_removable(name: str) -> bool:
    return name == "badges" or name.startswith("queue:")


def _sending(ask: Ask, body: Mapping[str, Any]) -> Callable[[], None]:
    def apply() -> None:
        ask(json_request("POST", PATH, INSTALL, body))

    return apply
