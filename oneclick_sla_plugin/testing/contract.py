"""What every adapter has to keep, as scenarios that are played on its sandbox by the real program, over HTTP.

A plugin's own tests play them in a few lines, with pytest or without::

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
    def test_contract(scenario, tmp_path):
        play(scenario, "mydesk", tmp_path)

What helpdesks cannot all do is asked for where ``Platform.capabilities`` states it.
A scenario that is not kept ends with ``AssertionError``; where pytest shall show the
values of a failed comparison, call
``pytest.register_assert_rewrite("oneclick_sla_plugin.testing.contract")`` in ``conftest.py``.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from traceback import format_exception
from typing import Any

import structlog
from stdnum import luhn
from structlog.testing import LogCapture

from oneclick_sla_plugin.domain.changes import Changes, diff, marked_keys
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import TAG_PREFIX, Author, Channel, Field, Priority, Ticket
from oneclick_sla_plugin.errors import PlatformError, WebhookRejected
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Capabilities, Connection, Sandbox, TicketPage
from oneclick_sla_plugin.testing.rehearsal import Part, Rehearsal

ACCOUNT = "acme"

_QUESTION = "¿Dónde veo mi factura?"
_COMPLAINT = "Quiero presentar una queja formal y el libro de reclamaciones: es la tercera vez que ocurre."
_BURST = 30
_SECOND = timedelta(seconds=1)


class _Between:
    """A plugin like any other, asked between the reading of a ticket and the writing: then somebody else acts."""

    def __init__(self) -> None:
        self.deeds: list[Callable[[], object]] = []

    @hookimpl
    def adjust_decision(self, ticket: Ticket, decision: Decision) -> None:
        del ticket, decision
        if self.deeds:
            self.deeds.pop(0)()


@dataclass(frozen=True, slots=True)
class Desk:
    """What a scenario plays on: one account, on which everything is installed. ``lines``: what was logged."""

    rehearsal: Rehearsal
    capabilities: Capabilities
    between: _Between
    lines: list[MutableMapping[str, Any]]

    @property
    def sandbox(self) -> Sandbox:
        return self.rehearsal.sandboxes[ACCOUNT]

    @property
    def connection(self) -> Connection:
        return self.rehearsal.program.accounts[ACCOUNT].connection

    @property
    def webhook_url(self) -> str:
        return f"{self.rehearsal.program.config.public_url}/webhooks/{ACCOUNT}"

    def open(self, text: str = _QUESTION, **facts: Any) -> str:
        """A customer writes; nothing has been dealt with yet."""
        values: dict[str, Any] = {"channel": Channel.EMAIL, "subject": "Factura", "text": text, **facts}
        return self.sandbox.open_ticket(**values)

    def opened(self, text: str = _QUESTION, **facts: Any) -> str:
        """A customer writes, and the program has dealt with it."""
        ticket_id = self.open(text, **facts)
        self.settle()
        return ticket_id

    def settle(self) -> None:
        """Let everything be dealt with, which has to come to an end."""
        try:
            self.rehearsal.settle()
        except TimeoutError as error:
            raise AssertionError(str(error)) from error

    def look_again(self, *ticket_ids: str) -> None:
        """Tickets are looked at once more, whether anything happened to them or not."""
        self.rehearsal.program.inbox.accept(ACCOUNT, ticket_ids)
        self.settle()

    def read(self, ticket_id: str) -> Ticket:
        return self.rehearsal.read(ACCOUNT, ticket_id)

    def left_to_write(self, ticket_id: str) -> Changes:
        """What should stand on the ticket and does not, for want of nothing that the helpdesk has."""
        ticket = self.read(ticket_id)
        decision = self.rehearsal.program.accounts[ACCOUNT].decide(ticket, self.rehearsal.clock())
        changes = diff(ticket, decision.desired)
        return replace(
            changes, fields={name: value for name, value in changes.fields.items() if name in self.capabilities.fields}
        )

    def looks(self, outcome: str) -> float:
        """How many looks have ended so."""
        return self.rehearsal.program.metrics.value("reconcile", account=ACCOUNT, outcome=outcome)

    def dead(self) -> int:
        return self.rehearsal.program.ledger.count_dead()


Scenario = Callable[[Desk], None]


# --- Webhooks ---------------------------------------------------------------------------------


def receive(desk: Desk) -> None:
    """A message of a customer is decided upon at once: one write, what others set stays."""
    ticket_id = desk.opened(tags=["billing"])
    ticket = desk.read(ticket_id)
    assert not desk.left_to_write(ticket_id)
    assert ticket.priority is not None
    assert {"billing", f"sla_priority_{ticket.priority}"} <= ticket.tags
    assert all(tag.startswith(TAG_PREFIX) for tag in ticket.tags - {"billing"})
    assert Field.FIRST_REPLY_DUE_AT in ticket.fields or Field.FIRST_REPLY_DUE_AT not in desk.capabilities.fields
    assert [(message.author, message.text) for message in ticket.messages if message.public] == [
        (Author.CUSTOMER, _QUESTION)
    ]
    assert desk.sandbox.view(ticket_id).writes == 1


def channels(desk: Desk) -> None:
    """Every channel that the helpdesk tells apart is read as itself."""
    told = {channel: desk.read(desk.open(channel=channel)).channel for channel in desk.capabilities.channels}
    assert told == {channel: channel for channel in desk.capabilities.channels}
    desk.settle()


def people(desk: Desk) -> None:
    """Customers, agents and this program are told apart, and what customers see from what they do not."""
    ticket_id = desk.opened(_COMPLAINT)
    desk.sandbox.agent_replies(ticket_id, "Lo vemos.")
    desk.sandbox.agent_replies(ticket_id, "Llamar al almacén.", public=False)
    desk.sandbox.customer_replies(ticket_id, "Gracias.")
    desk.settle()
    found = Counter((message.author, message.public) for message in desk.read(ticket_id).messages)
    assert found[Author.CUSTOMER, True] == 2
    assert (found[Author.AGENT, True], found[Author.AGENT, False]) == (1, 1)
    assert found[Author.US, False] >= 1


def duplicate(desk: Desk) -> None:
    """A webhook that comes six times is one write."""
    desk.sandbox.webhooks.duplicate_deliveries = 5
    ticket_id = desk.opened()
    assert not desk.left_to_write(ticket_id)
    assert desk.sandbox.view(ticket_id).writes == 1


def burst(desk: Desk) -> None:
    """Many messages in a row are two looks and at most two writes, in whatever order their webhooks come."""
    ticket_id = desk.opened()
    looks, writes = _all_looks(desk), desk.sandbox.view(ticket_id).writes
    desk.sandbox.webhooks.shuffle = True
    desk.sandbox.webhooks.pause()
    for n in range(_BURST):
        desk.sandbox.customer_replies(ticket_id, f"Y otra cosa: {n}.")
    desk.sandbox.webhooks.resume()
    desk.settle()
    assert 1 <= _all_looks(desk) - looks <= 2
    assert desk.sandbox.view(ticket_id).writes - writes <= 2
    assert len(desk.read(ticket_id).messages) > _BURST
    assert not desk.left_to_write(ticket_id)


def forged(desk: Desk) -> None:
    """A request without the account's secret is refused, whatever it says."""
    ticket_id = desk.open()
    for body in (b"", b"{", f'{{"ticket_id": "{ticket_id}"}}'.encode()):
        try:
            desk.connection.receive({"content-type": "application/json"}, body, desk.rehearsal.clock())
        except WebhookRejected as error:
            assert error.status in (401, 403), error.status
        else:
            raise AssertionError("a request without a secret was believed")


def missed(desk: Desk) -> None:
    """A change of which no webhook told is found by the list of changes, a solved ticket too."""
    since = desk.rehearsal.clock()
    desk.rehearsal.clock.advance(_SECOND)
    desk.sandbox.webhooks.drop_deliveries = 100
    quiet, solved = desk.opened(), desk.opened()
    desk.sandbox.agent_solves(solved)
    desk.rehearsal.clock.advance(timedelta(minutes=10))
    assert {quiet, solved} <= _listed(lambda cursor: desk.connection.changed(since, cursor))
    assert quiet in (unsolved := _listed(desk.connection.unsolved))
    assert solved not in unsolved
    desk.look_again(quiet)
    assert not desk.left_to_write(quiet)


# --- Other people -----------------------------------------------------------------------------


def conflict(desk: Desk) -> None:
    """What an agent does while the program decides is seen, and stands."""

    def agent_acts() -> None:
        desk.rehearsal.clock.advance(_SECOND)
        desk.sandbox.agent_edits(ticket_id, add_tags=["vip"])
        desk.sandbox.agent_replies(ticket_id, "Está en su cuenta.")

    desk.sandbox.webhooks.pause()
    ticket_id = desk.open(tags=["billing"])
    desk.between.deeds.append(agent_acts)
    desk.sandbox.webhooks.resume()
    desk.settle()
    assert desk.rehearsal.program.metrics.value("reconcile_conflict", account=ACCOUNT) == 1
    assert {"billing", "vip"} <= desk.read(ticket_id).tags
    assert not desk.left_to_write(ticket_id)


def race(desk: Desk) -> None:
    """What an agent does while an update is on its way stands, too, where the helpdesk has locking."""

    def agent_acts() -> None:
        desk.rehearsal.clock.advance(_SECOND)
        desk.sandbox.agent_edits(ticket_id, add_tags=["vip"])

    desk.sandbox.webhooks.pause()
    ticket_id = desk.open()
    desk.sandbox.before_next_write(agent_acts)
    desk.sandbox.webhooks.resume()
    desk.settle()
    assert "vip" in desk.read(ticket_id).tags or not desk.capabilities.locking
    assert not desk.left_to_write(ticket_id)


def own_change(desk: Desk) -> None:
    """What the program writes gives it nothing to write, however often it looks."""
    ticket_id = desk.opened(_COMPLAINT)
    writes, version = desk.sandbox.view(ticket_id).writes, desk.read(ticket_id).version
    for _ in range(3):
        desk.look_again(ticket_id)
    assert desk.sandbox.view(ticket_id).writes == writes == 1
    assert desk.read(ticket_id).version == version


def agents_override(desk: Desk) -> None:
    """A priority that an agent changed is never changed back, nor a tag that an agent took away."""
    ticket_id = desk.opened()
    before = desk.read(ticket_id)
    chosen = Priority.LOW if before.priority is not Priority.LOW else Priority.NORMAL
    desk.rehearsal.clock.advance(_SECOND)
    desk.sandbox.agent_edits(
        ticket_id, priority=chosen, add_tags=["vip"], remove_tags=[f"sla_priority_{before.priority}"]
    )
    desk.settle()
    desk.sandbox.customer_replies(ticket_id, "¿Hay novedades?")
    desk.settle()
    after = desk.read(ticket_id)
    assert after.priority is chosen
    assert "vip" in after.tags
    assert f"sla_priority_{before.priority}" not in after.tags


def agents_stage(desk: Desk) -> None:
    """The stage of a complaint that an agent set stands, where the helpdesk has a field for it."""
    ticket_id = desk.opened(_COMPLAINT)
    if Field.COMPLAINT_STAGE not in desk.capabilities.fields:
        return
    assert desk.read(ticket_id).fields.get(Field.COMPLAINT_STAGE) == "registered"
    desk.rehearsal.clock.advance(timedelta(minutes=1))
    desk.sandbox.agent_edits(ticket_id, fields={Field.COMPLAINT_STAGE: "investigating"})
    desk.look_again(ticket_id)
    desk.look_again(ticket_id)
    assert desk.read(ticket_id).fields.get(Field.COMPLAINT_STAGE) == "investigating"


def note_once(desk: Desk) -> None:
    """A fact is told in one private note and in no second one, though webhooks repeat and the ticket goes on."""
    desk.sandbox.webhooks.duplicate_deliveries = 2
    ticket_id = desk.opened(_COMPLAINT)
    told = desk.sandbox.view(ticket_id).notes
    assert len(told) == 1
    desk.rehearsal.clock.advance(timedelta(minutes=1))
    desk.sandbox.customer_replies(ticket_id, "Gracias.")
    desk.settle()
    desk.look_again(ticket_id)
    keys = Counter(key for message in desk.read(ticket_id).messages for key in marked_keys(message))
    assert keys
    assert set(keys.values()) == {1}
    assert desk.sandbox.view(ticket_id).notes[: len(told)] == told


# --- Trouble ----------------------------------------------------------------------------------


def throttled(desk: Desk) -> None:
    """When the helpdesk asks for patience the whole account waits as long as it says, and nothing is lost."""
    began = desk.rehearsal.clock()
    desk.sandbox.webhooks.pause()
    ticket_ids = [desk.open() for _ in range(3)]
    desk.sandbox.answer_next(1, 429, headers={"Retry-After": "90"})
    desk.sandbox.webhooks.resume()
    desk.settle()
    assert desk.rehearsal.clock() - began >= timedelta(seconds=90)
    assert not any(desk.left_to_write(ticket_id) for ticket_id in ticket_ids)
    assert [desk.sandbox.view(ticket_id).writes for ticket_id in ticket_ids] == [1, 1, 1]
    assert not desk.dead()


def unavailable(desk: Desk) -> None:
    """A helpdesk that is away for a while costs time and nothing else."""
    desk.sandbox.webhooks.pause()
    ticket_id = desk.open()
    desk.sandbox.answer_next(2, 503)
    desk.sandbox.webhooks.resume()
    desk.settle()
    assert not desk.left_to_write(ticket_id)
    assert desk.sandbox.view(ticket_id).writes == 1
    assert not desk.dead()


def gone(desk: Desk) -> None:
    """A ticket that was deleted before it was looked at is done with, and one that is deleted later, too."""
    desk.sandbox.webhooks.pause()
    early = desk.open()
    desk.sandbox.agent_deletes(early)
    desk.sandbox.webhooks.resume()
    desk.settle()
    assert desk.looks("gone") >= 1
    late = desk.opened()
    desk.sandbox.agent_deletes(late)
    desk.look_again(early, late)
    assert desk.looks("gone") >= 3
    assert desk.rehearsal.program.ledger.next_due_at(desk.rehearsal.clock()) is None
    assert not desk.dead()


def text_never_kept(desk: Desk) -> None:
    """What customers write is in no file, log line, counter, error, note, field or tag, though the helpdesk quotes it."""
    card = (digits := "453957876362148") + luhn.calc_check_digit(digits)
    planted = [card, "zarzamora-7Qx!", "Pimpinela-Quebradiza", "madreselva"]
    text = f"{_COMPLAINT} Mi tarjeta es {card}, mi contraseña es {planted[1]}. Firmado, {planted[2]}."
    page = f'{{"error": "{planted[3]}", "description": "{text}"}}'.encode()
    ticket_id = desk.opened(text, subject=f"Sobre {planted[2]}")
    view = desk.sandbox.view(ticket_id)
    assert view.notes
    told = [error for status in (200, 400, 403, 404, 422, 500) if (error := _error(desk, ticket_id, status, page))]
    told += filter(None, [_error(desk, ticket_id, 200, page[:-3])])
    assert told
    for status in (500, 429, 400):  # the last one is final: the ticket waits for a person
        desk.sandbox.answer_next(1, status, body=page, headers={"Retry-After": "1"})
        desk.sandbox.customer_replies(ticket_id, text)
        desk.settle()
    assert desk.lines
    kept = [path.read_bytes() for path in desk.rehearsal.folder.rglob("*") if path.is_file()]
    shown = [*told, *view.notes, *view.tags, *view.fields.values(), *map(repr, desk.lines)]
    haystack = b"\n".join([*kept, desk.rehearsal.program.metrics.render(), *(word.encode() for word in shown)]).lower()
    assert [value for value in planted if value.lower().encode() in haystack] == []


# --- The account ------------------------------------------------------------------------------


def installed_once(desk: Desk) -> None:
    """A second installation changes nothing, a check finds nothing wrong, and what was made can be taken back."""
    assert {step.action for step in desk.connection.installation(desk.webhook_url).steps} <= {"keep"}
    assert [check for check in desk.connection.check(desk.webhook_url) if not check.good] == []
    for step in desk.connection.removal():
        step.apply()
    assert list(desk.connection.removal()) == []


SCENARIOS: tuple[Scenario, ...] = (
    receive,
    channels,
    people,
    duplicate,
    burst,
    forged,
    missed,
    conflict,
    race,
    own_change,
    agents_override,
    agents_stage,
    note_once,
    throttled,
    unavailable,
    gone,
    text_never_kept,
    installed_once,
)


def play(scenario: Scenario, platform: str, folder: Path, *, plugins: Iterable[tuple[str, object]] = ()) -> None:
    """Play one scenario on a sandbox of its own.

    ``platform``: the name that it is registered under, by an installed plugin or by one
    of ``plugins`` (name and module). ``folder``: an empty one, for the database. Raises
    ``AssertionError`` when the scenario is not kept.
    """
    loaded, between = _loaded(tuple(plugins))
    between.deeds.clear()  # of a scenario that was not kept
    with _logged() as lines, Rehearsal({ACCOUNT: Part(platform)}, folder, plugins=loaded) as rehearsal:
        scenario(Desk(rehearsal, loaded.platforms[platform].capabilities, between, lines))


@contextmanager
def _logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """All that is logged, whatever level was configured before, which holds again afterwards."""
    before, capture = structlog.get_config(), LogCapture()
    structlog.configure(
        processors=[capture],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        cache_logger_on_first_use=False,
    )
    try:
        yield capture.entries
    finally:
        structlog.configure(**before)


@cache
def _loaded(plugins: tuple[tuple[str, object], ...]) -> tuple[Plugins, _Between]:
    # Kept from one scenario to the next: reading the words of detectors and classifiers takes longer than to play one.
    between = _Between()
    return Plugins.load(plugins=[("contract", between), *plugins]), between


def _all_looks(desk: Desk) -> float:
    return sum(desk.looks(outcome) for outcome in ("written", "unchanged"))


def _error(desk: Desk, ticket_id: str, status: int, body: bytes) -> str:
    """All that the error tells which a reading ends with when it is answered so; empty when it is no error."""
    desk.sandbox.answer_next(1, status, body=body)
    try:
        desk.read(ticket_id)
    except PlatformError as error:
        return f"{error!r} {vars(error)} {''.join(format_exception(error))}"
    return ""


def _listed(page_at: Callable[[str | None], TicketPage]) -> set[str]:
    """All tickets of a list that comes in pages."""
    found: set[str] = set()
    cursor, more = None, True
    while more:
        page = page_at(cursor)
        found |= set(page.ticket_ids)
        cursor, more = page.cursor, page.more
    return found
