"""``/healthz``, ``/readyz`` and ``/metrics``, for load balancers, supervisors and Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from oneclick_sla_plugin.bootstrap import Program
from oneclick_sla_plugin.errors import StoreError


def health(program: Program) -> Blueprint:
    """The blueprint with the state of ``program``."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def alive() -> Response:
        """The process answers."""
        return jsonify(status="ok")

    @blueprint.get("/readyz")
    def ready() -> tuple[Response, int]:
        """The ledger can be written and the workers run; 503 and what is wrong otherwise.

        An account that sleeps is named, but webhooks are taken for it: that is not "not ready".
        """
        problems = []
        asleep = {}
        try:
            program.ledger.check()
            for account in program.accounts:
                sleep = program.states.get(account).asleep(program.clock())
                if sleep is not None:
                    asleep[account] = f"until {sleep.until.isoformat(timespec='seconds')}: {sleep.because}"
        except StoreError:
            problems.append("ledger cannot be written")
        if not program.engine.running:
            problems.append("workers are not running")
        status = "not ready" if problems else "ok"
        return jsonify(status=status, problems=problems, asleep=asleep), 503 if problems else 200

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(program.metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return blueprint
