"""What load balancers, supervisors and Prometheus see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select

from oneclick_sla_plugin.bootstrap import Program
from oneclick_sla_plugin.storage.tables import ticket_ledger


def test_ready_once_the_workers_run_and_the_ledger_can_be_written(client: FlaskClient, program: Program) -> None:
    program.start()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok", "problems": [], "asleep": {}})


def test_not_ready_before_the_workers_run_and_after_they_stopped(client: FlaskClient, program: Program) -> None:
    expected = (503, {"status": "not ready", "problems": ["workers are not running"], "asleep": {}})
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == expected
    program.start()
    program.engine.stop()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == expected


def test_not_ready_when_the_ledger_cannot_be_written(
    client: FlaskClient, program: Program, break_ledger: Callable[[], None]
) -> None:
    program.start()
    break_ledger()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (
        503,
        {"status": "not ready", "problems": ["ledger cannot be written"], "asleep": {}},
    )


def test_asking_leaves_nothing_in_the_ledger(client: FlaskClient, program: Program) -> None:
    client.get("/readyz")
    assert program.ledger.next_due_at(program.clock()) is None
    with program.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(ticket_ledger)).scalar_one() == 0


def test_alive_whatever_the_ledger_does(client: FlaskClient, break_ledger: Callable[[], None]) -> None:
    """A supervisor must not restart a process because a database is away."""
    break_ledger()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_metrics_are_prometheus_text(client: FlaskClient, program: Program) -> None:
    client.post("/webhooks/acme", data=b"{}")
    client.post("/webhooks/acme", data=b"{}")
    client.post("/webhooks/nobody", data=b"{}")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = {
        (sample.labels["account"], sample.labels["outcome"]): sample.value
        for family in text_string_to_metric_families(answer.get_data(as_text=True))
        for sample in family.samples
        if sample.name == "oneclick_sla_webhook_total"
    }
    assert samples == {("acme", "accepted"): 2.0, ("unknown", "account"): 1.0}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_can_only_be_read(client: FlaskClient, path: str) -> None:
    answer = client.post(path)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
