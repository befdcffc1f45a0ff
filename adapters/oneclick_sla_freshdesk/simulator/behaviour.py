"""What the vendor does not document, or accounts do differently: switches, to prove that either way is safe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(slots=True)
class Behaviour:
    """May be changed at any time; holds from the next request, event or ticket on.

    Rules and webhooks:

    * ``execute_all_matching``: all rules of type 1 that fit run, not only the first one.
    * ``api_writes_fire_rules``: requests to the API count as deeds of the key's agent.
    * ``escape_placeholders``: off, a quote or a line break in a value breaks the JSON of a webhook.
    * ``headers_of_rules``: what is shown of a rule's headers: ``plain``, ``masked`` or ``none``.
    * ``postpone_webhooks``: webhooks are put off to the next hour, as if the budget were used up.

    Tickets:

    * ``null_due_dates``: due dates that nobody set by hand are null, as newer accounts show them.
    * ``suffixed_keys``: off, tickets hold custom fields under their names without the suffix.
    * ``enforce_required_fields``: a write fails on any empty field that agents must fill.
    * ``index_lag``: a search finds what last changed so long ago.
    * ``legacy_search``: a search shows tickets in the shape of the API's first version.

    Limits:

    * ``endpoint_headers``: calls with a limit of their own tell that one, else the account's.
    * ``retry_after``: 429 names when to come back.
    * ``html_refusals``: 429 has a page as its body, not JSON.

    Time:

    * ``clock_skew``: how far the account's clock, as its answers tell it, is ahead of the one that was handed in.
    """

    execute_all_matching: bool = False
    api_writes_fire_rules: bool = True
    escape_placeholders: bool = True
    headers_of_rules: Literal["plain", "masked", "none"] = "plain"
    postpone_webhooks: bool = False
    null_due_dates: bool = False
    suffixed_keys: bool = True
    enforce_required_fields: bool = False
    index_lag: timedelta = timedelta(0)
    legacy_search: bool = False
    endpoint_headers: bool = True
    retry_after: bool = True
    html_refusals: bool = False
    clock_skew: timedelta = timedelta(0)
