"""What an answer of Freshdesk's API means: a body to use, or one of the program's errors.

Statuses and bodies: https://developers.freshdesk.com/api/#error . Nothing of a body ever
goes into an error but the vendor's codes and the names of fields.
"""

from __future__ import annotations

import re
from datetime import timedelta

from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError
from oneclick_sla_plugin.exchanges import Answers
from oneclick_sla_plugin.ports import Request, Response

PLATFORM = "freshdesk"

API = "/api/v2"

TICKETS_PATH = f"{API}/tickets/"
"""Under this path a 404 means that the ticket is gone; its body is empty."""

WAIT_WITHOUT_A_WISH = timedelta(minutes=1)
"""The limits are counted by the minute, and a 429 may come without ``Retry-After``."""

_ADMINISTRATION = (f"{API}/admin/", f"{API}/automations/")
_LONGEST_LIST_OF_CODES = 5
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,79}")


class FreshdeskAnswers(Answers):
    """Accounts of the old kind have limits by the hour; no longer wait is believed."""

    platform = PLATFORM
    tickets_path = TICKETS_PATH

    def failure(self, request: Request, response: Response) -> PlatformError | None:
        if response.status == 500 and request.method != "GET" and request.path.startswith(_ADMINISTRATION):
            # Freshdesk answers so to a rule whose webhook lacks a key: the same call will fail again.
            return PermanentPlatformError(**self.facts(request, response), reason="rejected: internal_error")
        return super().failure(request, response)

    def retry_after(self, response: Response) -> timedelta | None:
        asked = super().retry_after(response)
        return WAIT_WITHOUT_A_WISH if asked is None and response.status == 429 else asked

    def refusal_codes(self, response: Response) -> tuple[str, ...]:
        """The vendor's codes and the names of fields, never messages, which quote values.

        ``{"errors": [{"field": "type", "message": "…", "code": "invalid_value"}]}`` gives ``invalid_value type``;
        ``{"code": "invalid_json", "message": "…"}`` gives ``invalid_json``.
        """
        try:
            body = response.json()
            entries = body["errors"] if isinstance(body.get("errors"), list) else [body]
            found = [[entry.get("code"), entry.get("field")] for entry in entries]
        except (ValueError, KeyError, TypeError, AttributeError):
            return ()
        words = [
            " ".join(part for part in parts if isinstance(part, str) and _IDENTIFIER.fullmatch(part)) for parts in found
        ]
        return tuple(dict.fromkeys(filter(None, words)))[:_LONGEST_LIST_OF_CODES]


ANSWERS = FreshdeskAnswers()
fetch, json_object, json_value = ANSWERS.fetch, ANSWERS.json_object, ANSWERS.json_value
unexpected_body = ANSWERS.unexpected_body
