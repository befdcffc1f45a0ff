"""The demo's stage: simulated helpdesks, the program and its web application, set up and taken down together."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Self, assert_never
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from oneclick_sla_plugin.analysing import Analyst
from oneclick_sla_plugin.bootstrap import Program
from oneclick_sla_plugin.cli.complaint_sheet import sheet
from oneclick_sla_plugin.cli.demo.results import (
    Chapter,
    Helpdesk,
    Outcome,
    Performance,
    RegisterPages,
    Result,
    judged,
    next_duty,
)
from oneclick_sla_plugin.cli.demo.script import Script, ScriptedAccount, ScriptedTicket, Step
from oneclick_sla_plugin.config import ComplaintsConfig
from oneclick_sla_plugin.delivery.reconcile import Account
from oneclick_sla_plugin.domain.complaint import Stage as ComplaintStage
from oneclick_sla_plugin.domain.explanation import Explanation, explain
from oneclick_sla_plugin.domain.model import Field, Ticket
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.ports import Connection, Directory, Person, Platform, Redactor, Sandbox
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.storage.register_records import Complaint
from oneclick_sla_plugin.storage.register_totals import totals
from oneclick_sla_plugin.testing.rehearsal import Part, Rehearsal

_BEGINS = datetime(2026, 12, 4, 14, 0, tzinfo=UTC)
_SPACING = timedelta(seconds=3)
"""Longer than the least time between two looks at one ticket."""
_COMPLAINTS = ComplaintsConfig(supplier_name="En Linea 365", supplier_address="Lima, Perú")
_ROUNDS = 500
"""More than so many looks between two events of the script are a fault."""


class Stage:
    """A context: everything runs inside it. Each account of the script has one on every platform that is installed.

    ``plugins`` (name and module) are loaded besides the installed ones, without those that are ``blocked``.
    """

    def __init__(
        self,
        accounts: Mapping[str, ScriptedAccount],
        *,
        plugins: Iterable[tuple[str, object]] = (),
        blocked: Iterable[str] = (),
    ) -> None:
        self._accounts = accounts
        self._plugins = Plugins.load(plugins=plugins, blocked=blocked)
        self._cleanup = ExitStack()
        self.sandboxes: Mapping[str, Sandbox] = {}
        self.program: Program
        self.helpdesks: list[Helpdesk] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._set_up(stack)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def _set_up(self, stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oneclick-sla-demo-")))
        self._zones: dict[str, ZoneInfo] = {}
        parts = {}
        for account, platform in product(self._accounts.values(), self._plugins.platforms.values()):
            name = account_name(account, platform.name)
            self._zones[name] = account.zone
            parts[name] = Part(platform.name, account.policy, account.language, account.send)
        rehearsal = Rehearsal(parts, self.folder, plugins=self._plugins, begins=_BEGINS, complaints=_COMPLAINTS)
        self._rehearsal = stack.enter_context(rehearsal)
        self.clock, self.sandboxes, self.program = rehearsal.clock, rehearsal.sandboxes, rehearsal.program
        self.helpdesks = [self._helpdesk(platform) for platform in self._plugins.platforms.values()]

    def _helpdesk(self, platform: Platform) -> Helpdesk:
        connection = self._connection(next(iter(self._accounts.values())), platform.name)
        return Helpdesk(
            name=platform.name,
            capabilities=platform.capabilities,
            redacts=isinstance(connection, Redactor),
            knows_people=isinstance(connection, Directory),
        )

    def play(self, script: Script) -> Performance:
        """Let everything happen in the order of time, on every helpdesk, and judge the end."""
        began = self.clock()
        acts = [_Act(self, script, ticket) for ticket in script.tickets]
        events = [event for act in acts for event in act.events()]
        for at, happen in sorted(events, key=lambda event: event[0]):
            self.pass_time(at)
            happen()
            self.pass_time(at)
        self.pass_time(self.clock() + _SPACING)
        return Performance(
            self.helpdesks, began, self.clock(), [act.result() for act in acts], self._register_pages(began)
        )

    def pass_time(self, until: datetime) -> None:
        """Move the time from one instant at which something is due to the next, and let the program do it."""
        for _ in range(_ROUNDS):
            self.work()
            due_at = self.program.ledger.next_due_at(self.clock())
            if due_at is None or due_at > until:
                self.clock.advance_to(max(until, self.clock()))
                return
            self.clock.advance_to(max(due_at, self.clock()))
        raise AssertionError("the program never comes to rest")

    def work(self) -> None:
        """Let webhooks arrive and due tickets be looked at, while the time stands still."""
        self._rehearsal.work()

    def outcome(self, helpdesk: Helpdesk, account: ScriptedAccount, ticket_id: str) -> Outcome:
        """How a ticket stands now."""
        name = account_name(account, helpdesk.name)
        ticket = self._connection(account, helpdesk.name).read(ticket_id)
        decision = self.program.accounts[name].decide(ticket, self.clock())
        return Outcome(helpdesk, self.sandboxes[name].view(ticket_id), ticket, decision)

    def explain(self, account: ScriptedAccount, ticket: Ticket) -> Explanation:
        policy = find_policy(account.policy, self._plugins.policies)
        analyst = Analyst(self._plugins.detectors.values(), self._plugins.classifiers.values())
        return explain(ticket, policy, self.clock(), analyst(ticket))

    def _register_pages(self, began: datetime) -> RegisterPages:
        """What the commands ``oneclick-sla complaints list``, ``verify``, ``totals`` and ``sheet`` make, at the end."""
        register = SqlRegister(self.program.database)
        complaints = register.complaints()
        knowing = [one for one in complaints if isinstance(self._account(one).connection, Directory)]
        printed = (knowing or complaints)[0]
        connection = self._account(printed).connection
        ticket = connection.read(printed.key.id)
        person = connection.person(ticket.requester.id) if isinstance(connection, Directory) else Person()
        zone = self._zones[printed.key.account]
        document = sheet(printed, ticket, person, _COMPLAINTS, zone)
        first = began.astimezone(zone).replace(day=1, hour=0, minute=0)
        return RegisterPages(
            zone=zone,
            complaints=complaints,
            verification=register.verify(),
            totals=totals(complaints, first, first + relativedelta(months=1), self.clock()),
            printed=printed,
            sheet=document,
        )

    def _account(self, one: Complaint) -> Account:
        return self.program.accounts[one.key.account]

    def _connection(self, account: ScriptedAccount, platform: str) -> Connection:
        return self.program.accounts[account_name(account, platform)].connection


class _Act:
    """One ticket of the script, as it goes on each helpdesk."""

    def __init__(self, stage: Stage, script: Script, ticket: ScriptedTicket) -> None:
        self._stage = stage
        self._ticket = ticket
        self._account = script.accounts[ticket.account]
        self._ids: dict[str, str] = {}
        self._chapters: list[Chapter] = []

    def events(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        yield self._ticket.at, self._open
        for step in self._ticket.steps:
            yield step.at, partial(self._go_on, step)

    def result(self) -> Result:
        outcomes = self._outcomes()
        return Result(
            script=self._ticket,
            account=self._account,
            outcomes=judged(self._ticket, outcomes),
            explanation=self._stage.explain(self._account, outcomes[0].ticket) if self._ticket.explain else None,
            chapters=tuple(self._chapters),
        )

    def _open(self) -> None:
        for helpdesk, sandbox in self._sandboxes():
            self._ids[helpdesk] = sandbox.open_ticket(
                channel=self._ticket.channel,
                subject=self._ticket.subject,
                text=self._ticket.text,
                recipient=self._ticket.recipient,
                tags=self._ticket.tags,
            )
            self._stage.work()  # one helpdesk after the other, so that complaints are numbered in this order
        if self._ticket.story is not None:
            self._write_chapter(self._ticket.at, "the customer writes", self._ticket.story)

    def _go_on(self, step: Step) -> None:
        for helpdesk, sandbox in self._sandboxes():
            _do(step, sandbox, self._ids[helpdesk])
        if step.stage is not None:
            self._write_chapter(step.at, step.told, step.stage)

    def _write_chapter(self, at: datetime, told: str, expected: ComplaintStage) -> None:
        self._stage.pass_time(at + _SPACING)
        outcomes = self._outcomes()
        stages = {one.helpdesk.name: one.ticket.fields.get(Field.COMPLAINT_STAGE) for one in outcomes}
        duty = next_duty(outcomes[0].decision)
        self._chapters.append(Chapter(at, told, stages, duty, expected))

    def _outcomes(self) -> list[Outcome]:
        return [
            self._stage.outcome(helpdesk, self._account, self._ids[helpdesk.name]) for helpdesk in self._stage.helpdesks
        ]

    def _sandboxes(self) -> Iterator[tuple[str, Sandbox]]:
        for helpdesk in self._stage.helpdesks:
            yield helpdesk.name, self._stage.sandboxes[account_name(self._account, helpdesk.name)]


def account_name(account: ScriptedAccount, platform: str) -> str:
    """What an account of the script is called on a platform."""
    return f"{account.name}-{platform}"


def _do(step: Step, sandbox: Sandbox, ticket_id: str) -> None:
    match step.do:
        case "reply":
            sandbox.agent_replies(ticket_id, step.text)
        case "note":
            sandbox.agent_replies(ticket_id, step.text, public=False)
        case "extend":
            fields = {Field.PROMISED_AT: step.until, Field.EXTENSION_REASON: step.reason}
            sandbox.agent_edits(ticket_id, fields=fields)
            sandbox.agent_replies(ticket_id, step.text)
        case "solve":
            sandbox.agent_solves(ticket_id)
        case "wait":
            pass
        case _:
            assert_never(step.do)
