"""Secrets that show themselves. Values of vendors' shapes are built here, so that no secret scanner stops at them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oneclick_sla_plugin.detectors.scanner import Scanner

FILLER = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
ARMOUR = "-" * 5


@pytest.mark.parametrize(
    ("prefix", "rest"),
    [
        ("sk_" + "live_", FILLER[:24]),
        ("gh" + "p_", FILLER[:36]),
        ("github" + "_pat_", FILLER),
        ("AK" + "IA", FILLER[:16].upper()),
        ("xox" + "b-", "2048-" + FILLER[:24]),
        ("AI" + "za", FILLER[:35]),
        ("glp" + "at-", FILLER[:20]),
        ("shp" + "at_", "0a1b2c3d" * 4),
        ("sk-" + "ant-", "api03-" + FILLER),
    ],
)
def test_a_vendors_token_is_found_and_masked_to_its_public_prefix(scanner: Scanner, prefix: str, rest: str) -> None:
    text = f"refused since Monday: {prefix}{rest} in both regions"
    (finding,) = scanner.scan(text).findings
    assert (finding.type, text[finding.start : finding.end]) == ("secret", prefix + rest)
    assert finding.masked == f"{prefix}••••"


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])
def test_a_private_key_is_found_whole(kind: str, found_in: Callable[[str], list[tuple[str, str]]]) -> None:
    key = f"{ARMOUR}BEGIN {kind}{ARMOUR}\n{FILLER}\n{FILLER}\n{ARMOUR}END {kind}{ARMOUR}"
    assert found_in(f"the key:\n{key}\nthanks") == [("secret", key)]


def test_a_signed_token_is_found(found_in: Callable[[str], list[tuple[str, str]]]) -> None:
    token = ".".join(["ey" + "JhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0In0", FILLER])
    assert found_in(f"Authorization: Bearer {token}") == [("secret", token)]


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("postgres://app:Pebble_73@db.example.com/main", "Pebble_73"),
        ("mysqldump -h db1 -u backup -pPebble_73 shop", "Pebble_73"),
        ("curl -u admin:Pebble_73 https://api.example.com", "Pebble_73"),
    ],
)
def test_a_password_in_an_address_or_a_command_is_found(
    text: str, password: str, found_in: Callable[[str], list[tuple[str, str]]]
) -> None:
    assert found_in(text) == [("password", password)]


@pytest.mark.parametrize(
    "text",
    [
        "pk_" + "live_" + FILLER[:24] + " does not load",
        "ssh-" + "ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + FILLER + " ana@pc",
        f"{ARMOUR}BEGIN CERTIFICATE{ARMOUR}\n{FILLER}\n{ARMOUR}END CERTIFICATE{ARMOUR}",
        "gh" + "p_" + "x" * 36,
        "Authorization: Bearer <your token here>",
        "git@example.com:team/project.git",
        "https://example.com:8443/path",
    ],
)
def test_what_is_public_or_a_placeholder_is_no_finding(
    text: str, found_in: Callable[[str], list[tuple[str, str]]]
) -> None:
    assert found_in(text) == []
