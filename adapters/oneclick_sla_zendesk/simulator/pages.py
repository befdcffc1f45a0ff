"""Plain pages that show the simulated tickets as an agent would see them: ``/`` and ``/agent/tickets/{id}``.

Read-only, without scripts and without a login: the account lives on this machine.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask, render_template_string

from oneclick_sla_zendesk.simulator.account import Account
from oneclick_sla_zendesk.simulator.records import Comment, Ticket

_BASE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
  :root { --ink: #1f2b36; --soft: #5b6b78; --line: #d8dfe4; --paper: #fff; --ground: #f3f5f7; }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
  header { background: #17494d; color: #fff; padding: .7rem 1.5rem; }
  header a { color: #fff; text-decoration: none; font-weight: 600; }
  header span { color: #b9d3d5; margin-left: .75rem; }
  main { max-width: 72rem; margin: 1.5rem auto; padding: 0 1.5rem; }
  h1 { font-size: 1.3rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
  h2 { font-size: .8rem; margin: 0 0 .4rem; color: var(--soft); text-transform: uppercase; letter-spacing: .05em; }
  .sheet { background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .55rem .8rem; border-bottom: 1px solid var(--line); vertical-align: top; }
  th { font-size: .8rem; color: var(--soft); font-weight: 600; white-space: nowrap; }
  tr:last-child td { border-bottom: 0; }
  td.subject { min-width: 14rem; } td.line { white-space: nowrap; }
  td a { color: #14606b; font-weight: 600; }
  .empty { padding: 2rem; text-align: center; color: var(--soft); }
  .badge, .tag { display: inline-block; border-radius: 4px; padding: 0 .45rem; font-size: .82rem; white-space: nowrap; }
  .badge { background: #e4e9ed; color: #33434f; }
  .badge.new { background: #fdf0c3; color: #6b4d00; } .badge.open { background: #fbdcd9; color: #8c2017; }
  .badge.pending { background: #d8e7fb; color: #1c4b82; } .badge.hold { background: #2f3941; color: #fff; }
  .badge.urgent { background: #c72a1c; color: #fff; } .badge.high { background: #fbdcd9; color: #8c2017; }
  .tag { background: #eef2f4; border: 1px solid var(--line); margin: 0 .2rem .25rem 0; }
  .tag.ours { background: #e2f1ee; border-color: #a9d3ca; }
  .columns { display: grid; grid-template-columns: 17rem 1fr; gap: 1.25rem; align-items: start; }
  @media (max-width: 48rem) { .columns { grid-template-columns: 1fr; } .columns > div { order: -1; } }
  aside section { padding: .9rem 1rem; border-bottom: 1px solid var(--line); }
  aside section:last-child { border-bottom: 0; }
  dl { margin: 0; } dt { color: var(--soft); font-size: .82rem; } dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
  .comment { padding: .9rem 1.1rem; margin-bottom: .8rem; }
  .comment.private { background: #fff8e0; border-color: #eed992; }
  .comment .who { display: flex; gap: .6rem; align-items: baseline; margin-bottom: .35rem; flex-wrap: wrap; }
  .comment time { color: var(--soft); font-size: .82rem; margin-left: auto; }
  .mark { font-size: .75rem; font-weight: 600; border-radius: 4px; padding: 0 .4rem; background: #f0d98a; color: #5a4300; }
  .comment pre { margin: 0; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
</head>
<body>
<header><a href="/">Simulated Zendesk</a><span>as an agent sees it</span></header>
<main>BODY</main>
</body>
</html>
"""

_LIST = _BASE.replace(
    "BODY",
    """
<h1>Tickets</h1>
<div class="sheet scroll">
{% if tickets %}
<table>
<tr><th>Ticket</th><th>Subject</th><th>Requester</th><th>Channel</th><th>Status</th><th>Priority</th><th>Tags</th>
<th>Updated (UTC)</th></tr>
{% for ticket in tickets %}
<tr>
<td><a href="/agent/tickets/{{ ticket.id }}">#{{ ticket.id }}</a></td>
<td class="subject">{{ ticket.subject }}</td>
<td class="line">{{ ticket.requester }}</td>
<td>{{ ticket.channel }}</td>
<td><span class="badge {{ ticket.status }}">{{ ticket.status }}</span></td>
<td>{% if ticket.priority %}<span class="badge {{ ticket.priority }}">{{ ticket.priority }}</span>{% else %}–{% endif %}</td>
<td>{% for tag in ticket.tags %}<span class="tag{{ ' ours' if tag.startswith('sla_') }}">{{ tag }}</span>{% endfor %}</td>
<td class="line">{{ ticket.updated }}</td>
</tr>
{% endfor %}
</table>
{% else %}
<p class="empty">No tickets yet.</p>
{% endif %}
</div>
""",
)

_TICKET = _BASE.replace(
    "BODY",
    """
<h1>#{{ ticket.id }} {{ ticket.subject }}</h1>
<div class="columns">
<aside class="sheet">
<section>
<dl>
<dt>Requester</dt><dd>{{ ticket.requester }}</dd>
<dt>Assignee</dt><dd>{{ ticket.assignee or "–" }}</dd>
<dt>Channel</dt><dd>{{ ticket.channel }}</dd>
<dt>Status</dt><dd><span class="badge {{ ticket.status }}">{{ ticket.status }}</span></dd>
<dt>Priority</dt>
<dd>{% if ticket.priority %}<span class="badge {{ ticket.priority }}">{{ ticket.priority }}</span>{% else %}–{% endif %}</dd>
<dt>Created (UTC)</dt><dd>{{ ticket.created }}</dd>
<dt>Updated (UTC)</dt><dd>{{ ticket.updated }}</dd>
</dl>
</section>
<section>
<h2>Fields</h2>
<dl>{% for title, value in ticket.fields %}<dt>{{ title }}</dt><dd>{{ value or "–" }}</dd>{% else %}<dd>None</dd>
{% endfor %}</dl>
</section>
<section>
<h2>Tags</h2>
{% for tag in ticket.tags %}<span class="tag{{ ' ours' if tag.startswith('sla_') }}">{{ tag }}</span>{% else %}None
{% endfor %}
</section>
</aside>
<div>
{% for comment in ticket.comments %}
<article class="sheet comment{{ '' if comment.public else ' private' }}">
<div class="who"><strong>{{ comment.author }}</strong>
{% if not comment.public %}<span class="mark">private note</span>{% endif %}
{% if comment.call %}<span class="mark">call</span>{% endif %}
<time>{{ comment.at }} UTC</time></div>
<pre>{{ comment.text }}</pre>
</article>
{% endfor %}
</div>
</div>
""",
)


class Pages:
    """The two pages over an account."""

    def __init__(self, app: Flask, account: Account) -> None:
        self._account = account
        app.add_url_rule("/", endpoint="ticket list", view_func=self._list)
        app.add_url_rule("/agent/tickets/<int:ticket_id>", endpoint="ticket page", view_func=self._ticket)

    def _list(self) -> str:
        with self._account.lock:
            newest_first = sorted(self._account.tickets(), key=lambda ticket: -ticket.id)
            shown = [self._facts(ticket) for ticket in newest_first]
        return render_template_string(_LIST, title="Tickets · Simulated Zendesk", tickets=shown)

    def _ticket(self, ticket_id: int) -> str:
        with self._account.lock:
            ticket = self._account.ticket(ticket_id)
            fields = [field for field in self._account.fields() if not field.system and field.active]
            shown = {
                **self._facts(ticket),
                "fields": [(field.title, field.shown(ticket.values.get(field.id))) for field in fields],
                "comments": [self._comment(comment) for comment in ticket.comments],
            }
        return render_template_string(_TICKET, title=f"#{ticket.id} · Simulated Zendesk", ticket=shown)

    def _facts(self, ticket: Ticket) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "subject": ticket.subject,
            "requester": self._name(ticket.requester_id),
            "assignee": self._name(ticket.assignee_id),
            "channel": "voicemail" if ticket.rel == "voicemail" else ticket.channel,
            "status": ticket.status,
            "priority": ticket.priority,
            "tags": sorted(ticket.tags),
            "created": _shown(ticket.created_at),
            "updated": _shown(ticket.updated_at),
        }

    def _comment(self, comment: Comment) -> dict[str, Any]:
        return {
            "author": self._name(comment.author_id),
            "public": comment.public,
            "call": comment.type == "VoiceComment",
            "at": _shown(comment.created_at),
            "text": comment.plain_body,
        }

    def _name(self, user_id: int | None) -> str:
        found = self._account.users([user_id]) if user_id is not None else []
        return found[0].name if found else ""


def _shown(at: datetime) -> str:
    return at.strftime("%-d %b %Y, %H:%M")
