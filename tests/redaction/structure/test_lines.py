"""What is secret only together with the line before it goes, line by line; the harmless twin stays."""

from __future__ import annotations

import json

import pytest

from sentry_filters.redaction import REDACTED, Redactor
from tests.support.secrets import fake

S = fake("k9X", 12)
BEGIN, END = (f"-----{edge} PRIVATE " + "KEY-----" for edge in ("BEGIN", "END"))
BODY = [fake("MII", 60), fake("", 60), fake("AB", 30) + "="]


def frame(*lines: str, at: int = 1) -> dict[str, object]:
    return {
        "filename": "a.py",
        "pre_context": [*lines[:at]],
        "context_line": lines[at],
        "post_context": [*lines[at + 1 :]],
    }


DIRTY = {
    "a key's lines": (["pem:", BEGIN, *BODY, END, "done"], BODY),
    "a key in context": (frame("KEY = '''" + BEGIN, *BODY, END + "'''", at=2), BODY),
    "in brackets": (frame("API_KEY = (", f"    '{S}'", ")"), [S]),
    "continued": (frame("x = 1", "password = \\", f"    '{S}'"), [S]),
    "lines alone": ({"lines": ["token = (", f'  "{S}"', ")"]}, [S]),
    "a tuple of lines": ((BEGIN, *BODY, END), BODY),
}  # fmt: skip
TWINS = {
    "certificate": ["-----BEGIN CERTIFICATE-----", *BODY, "-----END CERTIFICATE-----"],
    "a path": frame("API_PATH = (", f"    '{S}'", ")"),
    "a call": frame("x = 1", "password = \\", "    getpass()"),
    "names": ["names = [", f"    '{S}'", "]"],
}


@pytest.mark.parametrize("form", DIRTY)
def test_a_secret_goes_from_the_lines_that_hold_it(form: str, redactor: Redactor) -> None:
    value, secrets = DIRTY[form]
    scrubbed = redactor.scrub({"a": [value]})

    left = json.dumps(scrubbed.value)
    assert not [secret for secret in secrets if secret in left]
    assert left.count(REDACTED) >= len(secrets)
    assert not redactor.is_clean(json.dumps({"a": [value]}))
    assert redactor.redact_value(scrubbed.value) == scrubbed.value
    assert type(scrubbed.value["a"][0]) is type(value)  # type: ignore[index]
    for finding in scrubbed.findings:
        place: object = scrubbed.value
        for step in finding.path:
            place = place[step]  # type: ignore[index]
        assert REDACTED in str(place)


@pytest.mark.parametrize("twin", TWINS)
def test_lines_without_one_stay(twin: str, redactor: Redactor) -> None:
    value = TWINS[twin]

    assert redactor.redact_value({"a": [value]}) == {"a": [value]}
