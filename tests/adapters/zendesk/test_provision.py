"""What an installation finds, makes and leaves alone on an account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.webhook import SUBSCRIPTIONS

WEBHOOK_URL = "https://sla.acme.example/webhooks/acme"
NAME = "oneclick-sla: acme"
FIELDS = [
    "SLA priority",
    "SLA state",
    "SLA next due",
    "SLA first reply due",
    "SLA resolution due",
    "SLA complaint stage",
    "SLA complaint number",
    "SLA complaint response due",
    "SLA promised date",
    "SLA extension reason",
]
VIEWS = ["SLA at risk", "Complaints", "Sensitive data"]


class Fake(Protocol):
    requests: list[Request]
    answers: dict[tuple[str, str], Response | Callable[[Request], Response]]

    def sent(self, method: str, path: str = "") -> list[Any]: ...


class Configuration:
    """Ticket fields, views and webhooks of an account, kept as Zendesk keeps them; it has no triggers."""

    def __init__(self, zendesk: Fake) -> None:
        self.fields: dict[int, dict[str, Any]] = {1: {"id": 1, "type": "subject", "title": "Subject", "active": True}}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.views: dict[int, dict[str, Any]] = {}
        self._zendesk = zendesk
        zendesk.answers["GET", "/api/v2/views"] = lambda _: self._answer({"views": list(self.views.values())})
        zendesk.answers["POST", "/api/v2/views"] = self._create_view
        zendesk.answers["GET", "/api/v2/trigger_categories"] = self._answer({"trigger_categories": []})
        zendesk.answers["GET", "/api/v2/triggers"] = self._answer({"triggers": []})
        zendesk.answers["GET", "/api/v2/ticket_fields"] = lambda _: self._answer(
            {"ticket_fields": list(self.fields.values())}
        )
        zendesk.answers["POST", "/api/v2/ticket_fields"] = self._create_field
        zendesk.answers["GET", "/api/v2/webhooks"] = self._list_webhooks
        zendesk.answers["POST", "/api/v2/webhooks"] = self._create_webhook
        self._open_field(1)

    def add_field(self, **values: Any) -> dict[str, Any]:
        number = max(self.fields) + 1
        self.fields[number] = {"id": number, "active": True, "agent_description": None, **values}
        self._open_field(number)
        return self.fields[number]

    def add_webhook(self, **values: Any) -> dict[str, Any]:
        name = f"01WEBHOOK{len(self.webhooks)}"
        self.webhooks[name] = {"id": name, **values}
        self._zendesk.answers["PATCH", f"/api/v2/webhooks/{name}"] = lambda request: self._update(
            self.webhooks[name], request, "webhook", 204
        )
        self._zendesk.answers["GET", f"/api/v2/webhooks/{name}/signing_secret"] = self._answer(
            {"signing_secret": {"secret": f"secret of {name}", "algorithm": "SHA256"}}
        )
        return self.webhooks[name]

    def _open_field(self, number: int) -> None:
        self._zendesk.answers["PUT", f"/api/v2/ticket_fields/{number}"] = lambda request: self._update(
            self.fields[number], request, "ticket_field", 200
        )

    def _create_field(self, request: Request) -> Response:
        return self._answer({"ticket_field": self.add_field(**json.loads(request.body or b"")["ticket_field"])}, 201)

    def _create_webhook(self, request: Request) -> Response:
        return self._answer({"webhook": self.add_webhook(**json.loads(request.body or b"")["webhook"])}, 201)

    def _create_view(self, request: Request) -> Response:
        given = json.loads(request.body or b"")["view"]
        number = len(self.views) + 1
        self.views[number] = {"id": number, **given, "conditions": {name: given[name] for name in ("all", "any")}}
        return self._answer({"view": self.views[number]}, 201)

    def _list_webhooks(self, request: Request) -> Response:
        part = dict(request.query)["filter[name_contains]"]
        return self._answer({"webhooks": [hook for hook in self.webhooks.values() if part in hook["name"]]})

    def _update(self, record: dict[str, Any], request: Request, key: str, status: int) -> Response:
        record.update(json.loads(request.body or b"")[key])
        return Response(204) if status == 204 else self._answer({key: record})

    @staticmethod
    def _answer(body: object, status: int = 200) -> Response:
        return Response(status, {}, json.dumps(body).encode())


@pytest.fixture
def configuration(zendesk: Fake) -> Configuration:
    return Configuration(zendesk)


@pytest.fixture
def install(connection: ZendeskConnection) -> Callable[[], dict[str, str]]:
    """Plans and applies an installation; returns what was done with each object."""

    def install() -> dict[str, str]:
        steps = connection.installation(WEBHOOK_URL).steps
        for step in steps:
            if step.action != "keep":
                step.apply()
        return {step.what: step.action for step in steps}

    return install


Install = Callable[[], dict[str, str]]


def test_an_empty_account_gets_all_and_a_second_time_nothing(
    configuration: Configuration, install: Install, zendesk: Fake
) -> None:
    """Every object is made once; a second installation only looks."""
    objects = [f'ticket field "{title}"' for title in FIELDS]
    objects += [f'view "{title}"' for title in VIEWS] + [f'webhook "{NAME}"']
    assert install() == dict.fromkeys(objects, "create")
    before = json.dumps([configuration.fields, configuration.views, configuration.webhooks])
    zendesk.requests.clear()
    assert install() == dict.fromkeys(objects, "keep")
    assert {request.method for request in zendesk.requests} <= {"GET", "POST"}
    assert [request.path for request in zendesk.requests if request.method == "POST"] == ["/oauth/tokens"]
    assert json.dumps([configuration.fields, configuration.views, configuration.webhooks]) == before


def test_planning_changes_nothing(configuration: Configuration, connection: ZendeskConnection, zendesk: Fake) -> None:
    """An installation may be looked at before it is applied."""
    connection.installation(WEBHOOK_URL)
    assert [request.path for request in zendesk.requests if request.method != "GET"] == ["/oauth/tokens"]


def test_the_objects_are_made_as_documented(configuration: Configuration, install: Install, zendesk: Fake) -> None:
    """Dropdowns with our tags as options, texts for instants, a webhook subscribed to what matters."""
    install()
    fields = [body["ticket_field"] for body in zendesk.sent("POST", "/api/v2/ticket_fields")]
    assert [field["title"] for field in fields] == FIELDS
    assert fields[5]["custom_field_options"] == [
        {"name": "Suspected", "value": "sla_complaint_suspected"},
        {"name": "Registered", "value": "sla_complaint_registered"},
        {"name": "Acknowledged", "value": "sla_complaint_acknowledged"},
        {"name": "Investigating", "value": "sla_complaint_investigating"},
        {"name": "Responded", "value": "sla_complaint_responded"},
        {"name": "Follow-up", "value": "sla_complaint_follow_up"},
        {"name": "Closed", "value": "sla_complaint_closed"},
        {"name": "Rejected", "value": "sla_complaint_rejected"},
        {"name": "Withdrawn", "value": "sla_complaint_withdrawn"},
        {"name": "Duplicate", "value": "sla_complaint_duplicate"},
    ]
    assert fields[8] == {
        "type": "date",
        "title": "SLA promised date",
        "agent_description": "Filled by agents for oneclick-sla. [oneclick-sla:promised_at]",
    }
    assert fields[:4] == [
        {
            "type": "tagger",
            "title": "SLA priority",
            "agent_description": "Kept up to date by oneclick-sla. [oneclick-sla:sla_priority]",
            "custom_field_options": [
                {"name": "Low", "value": "sla_priority_low"},
                {"name": "Normal", "value": "sla_priority_normal"},
                {"name": "High", "value": "sla_priority_high"},
                {"name": "Urgent", "value": "sla_priority_urgent"},
            ],
        },
        {
            "type": "tagger",
            "title": "SLA state",
            "agent_description": "Kept up to date by oneclick-sla. [oneclick-sla:sla_state]",
            "custom_field_options": [
                {"name": "On track", "value": "sla_on_track"},
                {"name": "At risk", "value": "sla_at_risk"},
                {"name": "Breached", "value": "sla_breached"},
            ],
        },
        {
            "type": "text",
            "title": "SLA next due",
            "agent_description": "Kept up to date by oneclick-sla. [oneclick-sla:next_due_at]",
        },
        {
            "type": "text",
            "title": "SLA first reply due",
            "agent_description": "Kept up to date by oneclick-sla. [oneclick-sla:first_reply_due_at]",
        },
    ]
    assert zendesk.sent("POST", "/api/v2/webhooks") == [
        {
            "webhook": {
                "name": NAME,
                "endpoint": WEBHOOK_URL,
                "http_method": "POST",
                "request_format": "json",
                "status": "active",
                "subscriptions": [
                    "zen:event-type:ticket.created",
                    "zen:event-type:ticket.comment_added",
                    "zen:event-type:ticket.priority_changed",
                    "zen:event-type:ticket.status_changed",
                    "zen:event-type:ticket.custom_field_changed",
                    "zen:event-type:ticket.tags_changed",
                    "zen:event-type:ticket.group_assignment_changed",
                    "zen:event-type:ticket.organization_changed",
                    "zen:event-type:ticket.requester_changed",
                    "zen:event-type:ticket.merged",
                    "zen:event-type:ticket.soft_deleted",
                    "zen:event-type:ticket.permanently_deleted",
                    "zen:event-type:ticket.undeleted",
                ],
            }
        }
    ]


def test_installing_asks_for_the_wide_scope(configuration: Configuration, install: Install, zendesk: Fake) -> None:
    """Fields and webhooks need the global right to write, which running does not have."""
    install()
    assert [body["scope"] for body in zendesk.sent("POST", "/oauth/tokens")] == ["read write"]


def test_a_dropdown_that_lacks_options_gets_them_and_keeps_its_own(
    configuration: Configuration, install: Install
) -> None:
    """Zendesk replaces the list of options, so the standing ones are sent along, with their ids."""
    own = [
        {"id": 5, "name": "Alta", "value": "sla_priority_high", "raw_name": "Alta"},
        {"id": 6, "name": "Mañana", "value": "tomorrow", "raw_name": "Mañana"},
    ]
    field = configuration.add_field(type="tagger", title="SLA priority", custom_field_options=own)
    assert install()['ticket field "SLA priority"'] == "update"
    assert field["custom_field_options"] == [
        {"id": 5, "name": "Alta", "value": "sla_priority_high"},
        {"id": 6, "name": "Mañana", "value": "tomorrow"},
        {"name": "Low", "value": "sla_priority_low"},
        {"name": "Normal", "value": "sla_priority_normal"},
        {"name": "Urgent", "value": "sla_priority_urgent"},
    ]
    assert install()['ticket field "SLA priority"'] == "keep"


def test_a_renamed_field_is_known_by_its_marker(configuration: Configuration, install: Install) -> None:
    """Admins may call a field what they like."""
    configuration.add_field(type="text", title="Vence", agent_description="[oneclick-sla:next_due_at]")
    assert install()['ticket field "SLA next due"'] == "keep"


def test_an_inactive_field_is_switched_on_again(configuration: Configuration, install: Install) -> None:
    """A second field of that name could not have the same tags as options."""
    field = configuration.add_field(type="text", title="SLA next due", active=False)
    assert install()['ticket field "SLA next due"'] == "update"
    assert field["active"] is True


@pytest.mark.parametrize(
    "difference",
    [
        {"endpoint": "https://old.acme.example/webhooks/acme"},
        {"status": "inactive"},
        {"subscriptions": list(SUBSCRIPTIONS[1:])},
        {"subscriptions": [*SUBSCRIPTIONS, "zen:event-type:ticket.subject_changed"]},
    ],
    ids=["endpoint", "status", "fewer events", "more events"],
)
def test_a_webhook_that_differs_is_corrected(
    configuration: Configuration, install: Install, zendesk: Fake, difference: dict[str, Any]
) -> None:
    """Only what differs is written, and the webhook keeps its id and so its secret."""
    right = {"name": NAME, "endpoint": WEBHOOK_URL, "status": "active", "subscriptions": list(SUBSCRIPTIONS)}
    webhook = configuration.add_webhook(**{**right, **difference})
    assert install()[f'webhook "{NAME}"'] == "update"
    assert {key: webhook[key] for key in right} == right
    assert [set(body["webhook"]) for body in zendesk.sent("PATCH")] == [set(difference)]


def test_the_order_of_the_events_is_no_difference(configuration: Configuration, install: Install) -> None:
    """Zendesk may list subscriptions as it likes."""
    configuration.add_webhook(
        name=NAME, endpoint=WEBHOOK_URL, status="active", subscriptions=sorted(SUBSCRIPTIONS, reverse=True)
    )
    assert install()[f'webhook "{NAME}"'] == "keep"


def test_the_webhook_of_another_account_is_left_alone(configuration: Configuration, install: Install) -> None:
    """Two installations may serve one Zendesk account under names that contain each other."""
    other = configuration.add_webhook(name=f"{NAME}-test", endpoint="https://x.example", status="inactive")
    before = dict(other)
    assert install()[f'webhook "{NAME}"'] == "create"
    assert other == before


def test_the_secret_is_read_after_the_webhook_was_made(
    configuration: Configuration, connection: ZendeskConnection
) -> None:
    """Making a webhook does not tell its secret; it is asked for, under the name of our setting."""
    installation = connection.installation(WEBHOOK_URL)
    with pytest.raises(PermanentPlatformError, match="webhook_missing"):
        installation.secrets()
    for step in installation.steps:
        step.apply()
    assert installation.secrets() == {"webhook_secrets": "secret of 01WEBHOOK0"}


def test_new_fields_are_used_at_once(
    configuration: Configuration, connection: ZendeskConnection, install: Install, zendesk: Fake
) -> None:
    """A connection that was open before the installation looks the fields up again."""
    connection.read("42")
    install()
    zendesk.requests.clear()
    connection.read("42")
    assert len(zendesk.sent("GET", "/api/v2/ticket_fields")) == 1


def test_the_views_list_what_agents_have_to_see(configuration: Configuration, install: Install) -> None:
    """Tickets with one of our tags, as long as there is something to do about them."""
    install()
    assert [(view["title"], view["all"]) for view in configuration.views.values()] == [
        (
            "SLA at risk",
            [
                {"field": "status", "operator": "less_than", "value": "solved"},
                {"field": "current_tags", "operator": "includes", "value": "sla_at_risk sla_breached"},
            ],
        ),
        (
            "Complaints",
            [
                {"field": "status", "operator": "less_than", "value": "closed"},
                {"field": "current_tags", "operator": "includes", "value": "sla_kind_complaint sla_is_complaint"},
            ],
        ),
        (
            "Sensitive data",
            [
                {"field": "status", "operator": "less_than", "value": "closed"},
                {"field": "current_tags", "operator": "includes", "value": "sla_sensitive_data"},
            ],
        ),
    ]
