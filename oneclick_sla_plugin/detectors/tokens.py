"""Secrets that show themselves: vendors' tokens, private keys, signed tokens, addresses with a password in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from oneclick_sla_plugin.detectors.automaton import LinearPattern, linear_pattern
from oneclick_sla_plugin.detectors.values import Look, look_of
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import PASSWORD, SECRET, Candidate

# Public prefix (shown in the mask) and what follows it, as the vendors document their tokens.
# Keys that are meant to be public (pk_live_, ssh-rsa) are none of them.
_VENDORS: tuple[tuple[str, str], ...] = (
    ("sk_live_", r"[A-Za-z0-9]{16,}"),  # https://docs.stripe.com/keys
    ("sk_test_", r"[A-Za-z0-9]{16,}"),
    ("rk_live_", r"[A-Za-z0-9]{16,}"),
    ("rk_test_", r"[A-Za-z0-9]{16,}"),
    ("whsec_", r"[A-Za-z0-9+/=]{20,}"),
    ("sk-ant-", r"[A-Za-z0-9_\-]{20,}"),
    ("sk-proj-", r"[A-Za-z0-9_\-]{20,}"),
    ("sk-", r"[A-Za-z0-9_\-]{32,}"),
    # https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
    ("ghp_", r"[A-Za-z0-9]{30,}"),
    ("gho_", r"[A-Za-z0-9]{30,}"),
    ("ghu_", r"[A-Za-z0-9]{30,}"),
    ("ghs_", r"[A-Za-z0-9]{30,}"),
    ("ghr_", r"[A-Za-z0-9]{30,}"),
    ("github_pat_", r"[A-Za-z0-9_]{36,}"),
    ("glpat-", r"[A-Za-z0-9_\-.]{20,}"),  # https://docs.gitlab.com/security/tokens/
    ("gldt-", r"[A-Za-z0-9_\-]{20,}"),
    ("glrt-", r"[A-Za-z0-9_\-]{20,}"),
    ("xoxb-", r"[A-Za-z0-9\-]{20,}"),  # https://docs.slack.dev/authentication/tokens
    ("xoxp-", r"[A-Za-z0-9\-]{20,}"),
    ("xoxa-", r"[A-Za-z0-9\-]{20,}"),
    ("xoxs-", r"[A-Za-z0-9\-]{20,}"),
    ("xapp-", r"[A-Za-z0-9\-]{20,}"),
    ("AKIA", r"[A-Z0-9]{16}"),  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    ("ASIA", r"[A-Z0-9]{16}"),
    ("AIza", r"[A-Za-z0-9_\-]{30,40}"),
    ("ya29.", r"[A-Za-z0-9_\-]{20,}"),
    ("GOCSPX-", r"[A-Za-z0-9_\-]{20,}"),
    ("SG.", r"[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}"),
    ("shpat_", r"[0-9a-fA-F]{32}"),  # https://shopify.dev/docs/apps/build/authentication-authorization
    ("shpca_", r"[0-9a-fA-F]{32}"),
    ("shppa_", r"[0-9a-fA-F]{32}"),
    ("shpss_", r"[0-9a-fA-F]{32}"),
    ("npm_", r"[A-Za-z0-9]{30,}"),
    ("pypi-", r"[A-Za-z0-9_\-]{50,}"),
    ("hf_", r"[A-Za-z0-9]{30,}"),
    ("dop_v1_", r"[0-9a-f]{64}"),
    ("doo_v1_", r"[0-9a-f]{64}"),
    ("xkeysib-", r"[0-9a-f]{40,}[A-Za-z0-9\-]*"),
    ("key-", r"[0-9a-f]{32}"),
    ("SK", r"[0-9a-f]{32}"),
    ("sq0atp-", r"[A-Za-z0-9_\-]{20,}"),
    ("sq0csp-", r"[A-Za-z0-9_\-]{30,}"),
    ("rzp_live_", r"[A-Za-z0-9]{12,}"),
    ("APP_USR-", r"[0-9]{10,}-[A-Za-z0-9\-]{20,}"),
    ("lin_api_", r"[A-Za-z0-9]{30,}"),
    ("figd_", r"[A-Za-z0-9_\-]{30,}"),
    ("PMAK-", r"[A-Za-z0-9\-]{40,}"),
    ("ATATT3x", r"[A-Za-z0-9_\-=]{40,}"),
    ("NRAK-", r"[A-Z0-9]{27}"),
    ("glsa_", r"[A-Za-z0-9_]{32,}"),
    ("hvs.", r"[A-Za-z0-9_\-]{24,}"),
    ("sntrys_", r"[A-Za-z0-9_=+/\-]{40,}"),
    ("secret_", r"[A-Za-z0-9]{40,}"),
    ("patw", r"[A-Za-z0-9]{13}\.[0-9a-f]{64}"),
)
_SIGNED = r"eyJ[A-Za-z0-9_\-=]{8,}\.[A-Za-z0-9_\-=]{8,}(?:\.[A-Za-z0-9_\-=]*)?"
_BOT = r"[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,34}"
_PEM = r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_LONGEST_PEM = 16_384

_ADDRESS = re.compile(r"[a-z][a-z0-9+.\-]{1,15}://[^\s/:@\"'<>]{0,80}:([^\s/@\"'<>]{3,120})@[a-z0-9\[]", re.IGNORECASE)
_COMMANDS = (
    re.compile(r"\b(?:mysql|mysqldump|mysqladmin|mariadb)\b[^\n]{0,80}?\s-p(?=\S)([^\s\"']{4,80})", re.IGNORECASE),
    re.compile(r"\bsshpass\s{1,3}-p\s{0,2}[\"']?([^\s\"']{4,80})", re.IGNORECASE),
    re.compile(r"\s(?:-u|--user)[ =]{1,3}[\"']?[^\s:\"']{1,60}:([^\s\"']{4,80})", re.IGNORECASE),
)
_BASIC = re.compile(r"\bbasic\s{1,3}([A-Za-z0-9+/]{12,400}={0,2})(?![A-Za-z0-9+/])", re.IGNORECASE)
_COMMAND_WORDS = re.compile(r"mysql|mariadb|sshpass|curl|wget|http")


class TokenDetector:
    """Finds tokens by their public prefix, keys by their armour, passwords by their place in an address."""

    name = "tokens"
    types = frozenset({SECRET, PASSWORD})
    trigger = "|".join(
        [
            *(rf"(?:^|[^a-z0-9]){re.escape(prefix.lower())}[a-z0-9_\-.+/=]{{8}}" for prefix, _ in _VENDORS),
            r"eyj[a-z0-9_\-=]{8}",
            r"-----begin",
            r"[0-9]:aa[a-z0-9_\-]",
            r"[a-z]://[^\s/@]*:[^\s/@]*@",
            r"mysql|mariadb|sshpass|curl|wget",
            r"\bbasic\s{1,3}[a-z0-9+/]{12}",
        ]
    )

    @cached_property
    def _pattern(self) -> LinearPattern:
        vendors = "|".join(re.escape(prefix) + rest for prefix, rest in _VENDORS)
        return linear_pattern(rf"(?:^|[^A-Za-z0-9])({vendors}|{_SIGNED}|{_BOT}|{_PEM})", longest=True)

    def find(self, text: PlainText) -> Iterator[Candidate]:
        written = text.text
        for match in self._pattern.finditer(written.encode("latin-1")):
            start, end = match.span(1)
            if written.startswith("-----", start):
                closing = _PEM_END.search(written, end, end + _LONGEST_PEM)
                end = closing.end() if closing else min(len(written), end + _LONGEST_PEM)
                yield Candidate(SECRET, start, end, 0.99)
            elif not _is_placeholder(written[start:end]):
                yield Candidate(SECRET, start, end, 0.99, prefix=_prefix(written, start))
        if "://" in written:
            for found in _ADDRESS.finditer(written):
                if look_of(found[1]) is not Look.PLACEHOLDER and found[1].lower() not in (
                    "password",
                    "pass",
                    "pwd",
                    "secret",
                ):
                    yield Candidate(PASSWORD, *found.span(1), 0.95)
        if _COMMAND_WORDS.search(text.folded):
            for command in _COMMANDS:
                for found in command.finditer(written):
                    if look_of(found[1]) >= Look.WORD:
                        yield Candidate(PASSWORD, *found.span(1), 0.9)
        for found in _BASIC.finditer(written):
            if look_of(found[1]) >= Look.MIXED:
                yield Candidate(SECRET, *found.span(1), 0.85)


def _prefix(written: str, start: int) -> str:
    fitting = [prefix for prefix, _ in _VENDORS if written.startswith(prefix, start)]
    return max(fitting, key=len, default="")


def _is_placeholder(token: str) -> bool:
    """Whether a token of the right shape is filled with one and the same character, as in documentation."""
    return len(set(token[-12:])) <= 2
