"""Requests are signed as the recorded ones were; secrets are checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oneclick_sla_osticket.signing import key_of, request_headers, target_of
from oneclick_sla_plugin.ports import Request


@pytest.mark.parametrize(
    "name",
    ["ticket", "ticket_by_number", "tickets_changed", "tickets_changed_next", "events", "changes", "install", "ping"],
)
def test_the_signature_is_the_recorded_one(sample: Callable[[str], Any], recorded_with: str, name: str) -> None:
    """The same method, target, time and body give the signature that a real osTicket believed."""
    recorded = sample(name)["request"]
    parts = urlsplit(recorded["target"])
    body = recorded["body"].encode() if recorded["body"] is not None else None
    request = Request(recorded["method"], parts.path, name, query=tuple(parse_qsl(parts.query)), body=body)
    at = datetime.fromtimestamp(int(recorded["headers"]["Oneclick-Sla-Timestamp"]), UTC)
    assert target_of(request) == recorded["target"]
    assert request_headers((key_of(recorded_with),), request, at) == recorded["headers"]


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "c2FtcGxlcy1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0ISE=", "whsec_c2hvcnQ=", "whsec_ä"]
)
def test_what_is_no_secret_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_") as refused:
        key_of(secret)
    assert len(secret) < 7 or secret not in str(refused.value)
