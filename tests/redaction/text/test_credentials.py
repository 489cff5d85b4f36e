"""Credentials that the application registers go in every spelling, and are forgotten after a while."""

from __future__ import annotations

import base64
import json
import threading
from urllib.parse import quote

import pytest

from sentry_filters.redaction import REDACTED, Redactor

PLAIN = "purple monkey/dishwasher+é"  # nothing but registration gives it away


@pytest.fixture
def knowing() -> Redactor:
    redactor = Redactor()
    redactor.register(PLAIN)
    return redactor


def test_it_goes_plain_and_url_encoded(knowing: Redactor) -> None:
    assert knowing.redact(f"sent {PLAIN} there") == f"sent {REDACTED} there"
    assert knowing.redact(f"sent {quote(PLAIN, safe='')} there") == f"sent {REDACTED} there"


@pytest.mark.parametrize("prefix", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_it_goes_from_base64_wherever_it_is_aligned(prefix: str, encode: object, knowing: Redactor) -> None:
    assert callable(encode)
    encoded = encode(f"{prefix}{PLAIN}:tail".encode()).decode()

    redacted = knowing.redact(f"sent {encoded} there")

    kept = redacted.removeprefix("sent ").removesuffix(" there").split(REDACTED)
    assert len(kept) == 2
    assert len(kept[0]) + len(kept[1]) < 20


def test_it_goes_from_keys_structures_bytes_and_serialised_json(knowing: Redactor) -> None:
    assert knowing.redact_value({PLAIN: [PLAIN]}) == {REDACTED: [REDACTED]}
    assert knowing.redact_bytes(b"\xff" + PLAIN.encode()) == b"\xff" + REDACTED.encode()
    for ensure_ascii in (True, False):
        assert not knowing.is_clean(json.dumps({"a": PLAIN}, ensure_ascii=ensure_ascii))


def test_a_key_that_was_harmless_before_is_looked_at_again() -> None:
    redactor = Redactor()
    event = {"dishwasher-purple": 1}
    assert redactor.redact_value(event) is event

    redactor.register("dishwasher-purple")

    assert redactor.redact_value(event) == {REDACTED: 1}


@pytest.mark.parametrize("value", ["", "short", "   short  ", b"1234567"])
def test_what_is_too_short_is_ignored(value: str | bytes) -> None:
    redactor = Redactor()
    redactor.register(value)

    assert redactor.redact("a short text, 1234567") == "a short text, 1234567"


def test_it_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("sentry_filters.redaction.text.credentials.time.monotonic", lambda: now)
    redactor = Redactor()
    redactor.register(PLAIN)
    assert redactor.redact(PLAIN) == REDACTED

    now += 25 * 60 * 60

    assert redactor.redact(PLAIN) == PLAIN


def test_only_so_many_are_remembered() -> None:
    redactor = Redactor()
    names = [f"{number:04}-credential" for number in range(200)]
    for name in names:
        redactor.register(name)

    assert redactor.redact(names[-1]) == REDACTED
    assert redactor.redact(names[0]) == names[0]


def test_threads_may_register_while_others_redact() -> None:
    redactor = Redactor()
    failures: list[str] = []

    def work(number: int) -> None:
        for step in range(50):
            credential = f"credential-{number}-{step}"
            redactor.register(credential)
            if credential in redactor.redact(f"sent {credential} there"):
                failures.append(credential)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_rehearsed_credential_takes_no_other_ones_place() -> None:
    redactor = Redactor()
    credentials = [f"credential-number-{number:04d}" for number in range(64)]
    for credential in credentials:
        redactor.register(credential)

    with redactor.registered("one-more-credential"):
        assert redactor.redact("one-more-credential") == "[REDACTED]"
        assert redactor.redact(credentials[0]) == "[REDACTED]"

    assert redactor.redact("one-more-credential") == "one-more-credential"
    assert redactor.redact(credentials[0]) == "[REDACTED]"
