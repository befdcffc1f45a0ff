"""Comments: visibility, placeholders, length, and the two renderings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.text import LIMIT_BYTES, cut, plain_of

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api


def last_comment(api: Api, ticket_id: str) -> dict[str, Any]:
    return api.comments(ticket_id)[-1]


def test_visibility_carries_over(api: Api, ticket_id: str) -> None:
    """A comment that does not say whether it is public is as public as the last one."""
    seen = []
    for public in (None, False, None, True, None):
        given_ = {"body": "text"} if public is None else {"body": "text", "public": public}
        api.put(ticket_id, comment=given_)
        seen.append(last_comment(api, ticket_id)["public"])
    assert seen == [True, False, False, True, True]


def test_a_customers_comment_is_public(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """A customer has no private comments, even after a private note."""
    api.put(ticket_id, comment={"body": "note", "public": False})
    sandbox.customer_replies(ticket_id, "Hello?")
    assert last_comment(api, ticket_id)["public"] is True


@pytest.mark.parametrize(
    ("comment", "plain"),
    [
        pytest.param({"body": "Ticket {{ticket.id}} is {{ ticket.status }}"}, "Ticket 1 is New", id="known"),
        pytest.param({"body": "a{{ticket.nonsense}}b"}, "ab", id="unsupported ones vanish"),
        pytest.param({"body": r"write \{{ticket.id}}"}, "write {{ticket.id}}", id="escaped"),
        pytest.param({"body": "{{ticket.title}}"}, "Invoice", id="the subject"),
        pytest.param({"html_body": "<p>Ticket {{ticket.id}}</p>"}, "Ticket 1", id="known in HTML"),
        pytest.param({"html_body": "<p>a{{x}}b</p>"}, "ab", id="unsupported in HTML"),
        pytest.param({"html_body": "<p>a <code>{{ticket.id}}</code></p>"}, "a {{ticket.id}}", id="in a code tag"),
        pytest.param({"body": "{ticket.id} {{"}, "{ticket.id} {{", id="braces that are no placeholder"),
    ],
)
def test_placeholders_of_agents_are_expanded(api: Api, ticket_id: str, comment: dict[str, str], plain: str) -> None:
    """What looks like a placeholder in an agent's comment is filled in or vanishes, unless it is escaped."""
    api.put(ticket_id, comment={**comment, "public": False})
    assert last_comment(api, ticket_id)["plain_body"] == plain


def test_placeholders_of_customers_stay(api: Api, sandbox: ZendeskSandbox) -> None:
    """A customer's braces are text."""
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="Braces", text="What is {{ticket.id}}?")
    assert last_comment(api, ticket_id)["plain_body"] == "What is {{ticket.id}}?"


def test_a_subject_in_html_is_escaped(api: Api, sandbox: ZendeskSandbox) -> None:
    """A placeholder's value cannot bring markup into a comment."""
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="<b>Bold</b>", text="Hello")
    api.put(ticket_id, comment={"html_body": "<p>{{ticket.title}}</p>", "public": False})
    assert last_comment(api, ticket_id)["html_body"] == "<p>&lt;b&gt;Bold&lt;/b&gt;</p>"


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<ul><li>One</li><li>Two</li></ul>", "One\nTwo"),
        ("<p>a &lt;b&gt; &amp; c&nbsp;d &#123;&#123;e</p>", "a <b> & c d {{e"),
        ("<p>One\n   line</p>", "One line"),
        ("<style>p{}</style><p>Seen</p><script>x()</script>", "Seen"),
        ('<p>A <a href="https://example.com">link</a></p>', "A link"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_html_as_plain_text(html: str, plain: str) -> None:
    """Blocks become lines, paragraphs have an empty line between them, entities are characters."""
    assert plain_of(html) == plain


def test_a_plain_body_as_html(api: Api, ticket_id: str) -> None:
    """A plain body is shown as escaped paragraphs, with repeated blanks collapsed in the plain text."""
    api.put(ticket_id, comment={"body": "a  < b\nnext\n\nlast", "public": False})
    comment = last_comment(api, ticket_id)
    assert comment["html_body"] == (
        '<div class="zd-comment" dir="auto"><p dir="auto">a  &lt; b<br>next</p><p dir="auto">last</p></div>'
    )
    assert comment["plain_body"] == "a < b\nnext\n\nlast"


@pytest.mark.parametrize("key", ["body", "html_body"])
def test_a_long_comment_is_cut_without_a_word(api: Api, ticket_id: str, key: str) -> None:
    """What goes beyond 64 kB is lost, and the answer is 200."""
    response = api.put(ticket_id, comment={key: "x" * LIMIT_BYTES + "END", "public": False})
    assert response.status == 200
    assert last_comment(api, ticket_id)["plain_body"] == "x" * 65536


@given(st.text(alphabet="aé漢😀", max_size=40000 // 4))
def test_a_cut_never_splits_a_character(text: str) -> None:
    """What is left is a beginning of the text, as long as the limit allows."""
    long = text * 8
    kept = cut(long)
    assert long.startswith(kept)
    assert len(kept.encode()) <= 65536
    assert kept == long or len(kept.encode()) > 65536 - 4


def test_an_empty_comment_is_none(api: Api, ticket_id: str) -> None:
    """A comment without text adds nothing."""
    api.put(ticket_id, priority="low", comment={"body": "", "public": False})
    assert len(api.comments(ticket_id)) == 1


def test_another_author_does_not_change_who_updated(api: Api, ticket_id: str) -> None:
    """``author_id`` is shown with the comment; the audit stays the token user's."""
    audit = api.put(ticket_id, comment={"body": "note", "public": False, "author_id": 9002}).json()["audit"]
    assert last_comment(api, ticket_id)["author_id"] == 9002
    assert audit["author_id"] == 9001
