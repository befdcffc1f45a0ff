"""Plain pages that show the simulated tickets as an agent would see them: ``/`` and ``/a/tickets/{id}``.

Read-only, without scripts and without a login: the account lives on this machine.
The address that a webhook names, ``/helpdesk/tickets/{id}``, shows the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask, render_template_string

from oneclick_sla_freshdesk.simulator import text
from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.records import NOTE, PHONE, PRIORITIES, SOURCES, Conversation, Ticket

_BASE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  body { margin: 0; background: #f3f5f7; color: #12344d; font: 15px/1.5 system-ui, sans-serif; }
  header { background: #12344d; color: #cfd7df; padding: .7rem 1.5rem; }
  header a { color: #fff; text-decoration: none; font-weight: 600; margin-right: .75rem; }
  main { max-width: 72rem; margin: 1.5rem auto; padding: 0 1.5rem; }
  h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
  .sheet { background: #fff; border: 1px solid #cfd7df; border-radius: 4px; padding: .8rem 1rem; margin-bottom: .8rem; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: .45rem .7rem; }
  th, dt { font-size: .82rem; color: #475867; white-space: nowrap; }
  .columns { display: grid; grid-template-columns: 1fr 17rem; gap: 1.25rem; align-items: start; }
  @media (max-width: 48rem) { .columns { grid-template-columns: 1fr; } }
  dl { margin: 0; } dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
  .tag { border: 1px solid #cfd7df; border-radius: 4px; padding: 0 .4rem; margin: 0 .2rem .2rem 0; font-size: .82rem; }
  .tag { display: inline-block; } .ours { background: #e5f2fd; }
  .private { background: #fef1e1; }
  .who { color: #475867; font-size: .85rem; } .who b { color: #12344d; }
  pre { margin: .3rem 0 0; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
</head>
<body>
<header><a href="/">Simulated Freshdesk</a>as an agent sees it</header>
<main>BODY</main>
</body>
</html>
"""

_LIST = _BASE.replace(
    "BODY",
    """
<h1>Tickets</h1>
<div class="sheet wide">
{% if tickets %}
<table>
<tr><th>Ticket</th><th>Subject</th><th>Requester</th><th>Channel</th><th>Status</th><th>Priority</th><th>Tags</th>
<th>Updated (UTC)</th></tr>
{% for ticket in tickets %}
<tr>
<td><a href="/a/tickets/{{ ticket.id }}">#{{ ticket.id }}</a></td><td>{{ ticket.subject }}</td>
<td>{{ ticket.requester }}</td><td>{{ ticket.channel }}</td><td>{{ ticket.status }}</td><td>{{ ticket.priority }}</td>
<td>{% for tag in ticket.tags %}<span class="tag{{ ' ours' if tag.startswith('sla_') }}">{{ tag }}</span>{% endfor %}</td>
<td>{{ ticket.updated }}</td>
</tr>
{% endfor %}
</table>
{% else %}No tickets yet.{% endif %}
</div>
""",
)

_TICKET = _BASE.replace(
    "BODY",
    """
<h1>#{{ ticket.id }} {{ ticket.subject }}</h1>
<div class="columns">
<div>
{% for message in messages %}
<article class="sheet{{ ' private' if message.private }}">
<div class="who"><b>{{ message.author }}</b> {{ message.kind }}, {{ message.at }}</div>
<pre>{{ message.text }}</pre>
</article>
{% endfor %}
</div>
<aside class="sheet">
<dl>{% for name, value in properties %}<dt>{{ name }}</dt><dd>{{ value or "–" }}</dd>{% endfor %}</dl>
{% for tag in ticket.tags %}<span class="tag{{ ' ours' if tag.startswith('sla_') }}">{{ tag }}</span>{% endfor %}
</aside>
</div>
""",
)


class Pages:
    """The two pages over an account."""

    def __init__(self, app: Flask, account: Account) -> None:
        self._account = account
        app.add_url_rule("/", "ticket list", self._list)
        app.add_url_rule("/a/tickets/<int:ticket_id>", "ticket page", self._ticket)
        app.add_url_rule("/helpdesk/tickets/<int:ticket_id>", "ticket page of webhooks", self._ticket)

    def _list(self) -> str:
        with self._account.lock:
            newest_first = sorted(self._account.tickets(), key=lambda ticket: -ticket.id)
            shown = [self._facts(ticket) for ticket in newest_first if not ticket.deleted]
        return render_template_string(_LIST, title="Tickets · Simulated Freshdesk", tickets=shown)

    def _ticket(self, ticket_id: int) -> str:
        with self._account.lock:
            ticket = self._account.ticket(ticket_id)
            facts = self._facts(ticket)
            first = {
                "author": facts["requester"],
                "kind": "wrote",
                "at": _shown(ticket.created_at),
                "text": text.plain_of(ticket.description),
            }
            messages = [first, *(self._message(item) for item in ticket.conversations)]
            custom = self._account.fields.custom()
            properties = [
                *((name.capitalize(), facts[name]) for name in ("requester", "channel", "status", "priority")),
                ("Type", ticket.type),
                ("First response due (UTC)", ticket.fr_due_by and _shown(ticket.fr_due_by)),
                ("Resolution due (UTC)", ticket.due_by and _shown(ticket.due_by)),
                *((item.label, ticket.custom_fields.get(name)) for name, item in custom.items()),
            ]
        title = f"#{ticket_id} · Simulated Freshdesk"
        return render_template_string(_TICKET, title=title, ticket=facts, messages=messages, properties=properties)

    def _facts(self, ticket: Ticket) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "subject": ticket.subject,
            "requester": self._account.person(ticket.requester_id).name,
            "channel": SOURCES.get(ticket.source, f"Source {ticket.source}"),
            "status": self._account.fields.statuses()[ticket.status].value,
            "priority": PRIORITIES[ticket.priority],
            "tags": sorted(ticket.tags),
            "updated": _shown(ticket.updated_at),
        }

    def _message(self, item: Conversation) -> dict[str, Any]:
        kinds = {NOTE: "added a private note" if item.private else "added a public note", PHONE: "called"}
        return {
            "author": self._account.person(item.user_id).name,
            "kind": kinds.get(item.source, "replied"),
            "private": item.private,
            "at": _shown(item.created_at),
            "text": text.plain_of(item.body),
        }


def _shown(at: datetime) -> str:
    return at.strftime("%-d %b %Y, %H:%M")
