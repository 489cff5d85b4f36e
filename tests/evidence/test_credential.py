"""When a JWT says that it ends: read as strictly as any outside input, since nobody has verified it."""

from __future__ import annotations

import base64
import json

import pytest

from sentry_filters.evidence import expires_at


def token(claims: object) -> str:
    text = claims if isinstance(claims, str) else json.dumps(claims)
    return f"e30.{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}.c2ln"


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (token({"exp": 1700000000}), 1_700_000_000.0),
        (f"Bearer {token({'exp': 1700000000.5, 'sub': 'ä'})}", 1_700_000_000.5),
        (token({"exp": -1}), -1.0),
        (token({"exp": "1700000000"}), None),
        (token({"exp": True}), None),
        (token({"exp": None}), None),
        (token({"sub": "x"}), None),
        (token([1]), None),
        (token("7"), None),
        (token('{"exp": 1e999}'), None),
        (token('{"exp": NaN}'), None),
        (token(f'{{"exp": 1{"0" * 400}}}'), None),
        (token('{"exp": ' + "1" * 5_000 + "}"), None),
        (token("[" * 10_000), None),
        (token({"exp": 1, "more": "x" * 20_000}), None),
        (token('{"exp": 1}' + " " * 12_278), 1.0),
        (token('{"exp": 1}' + " " * 12_279), None),
        ("e30.!!!.c2ln", None),
        ("e30.\ud800.c2ln", None),
        ("sk-1234", None),
        ("a.b", None),
        ("", None),
    ],
)
def test_the_end_of_a_credential(credential: str, expected: float | None) -> None:
    assert expires_at(credential) == expected
