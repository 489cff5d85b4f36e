"""Credentials that the application registers go in every spelling, and are forgotten after a while."""

from __future__ import annotations

import base64
import json
import random
import string
import threading
from urllib.parse import quote

import pytest

from sentry_filters.redaction import REDACTED, Redactor
from tests.support.secrets import fake

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


def test_what_was_seen_is_forgotten_after_a_day_and_what_was_registered_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("sentry_filters.redaction.text.credentials.time.monotonic", lambda: now)
    redactor, seen = Redactor(), "a-credential-of-the-wire"
    redactor.register(PLAIN)
    redactor.register_sent(seen, own=True)
    assert redactor.redact(f"{PLAIN} {seen}") == f"{REDACTED} {REDACTED}"

    now += 25 * 60 * 60

    assert redactor.redact(f"{PLAIN} {seen}") == f"{REDACTED} {seen}"


def test_none_takes_the_place_of_one_that_matters_more() -> None:
    redactor = Redactor()
    redactor.register("registered-credential")
    redactor.register_session("credential-of-the-session")
    redactor.register_sent("credential-of-our-host", own=True)
    foreign = [f"{number:05}-foreign" for number in range(1_500)]
    own = [f"{number:05}-own-host" for number in range(10_500)]
    for each in foreign:
        redactor.register_sent(each, own=False)

    kept = "registered-credential credential-of-the-session credential-of-our-host"
    assert redactor.redact(kept) == " ".join([REDACTED] * 3)
    assert redactor.redact(f"{foreign[0]} {foreign[-1]}") == f"{foreign[0]} {REDACTED}"

    for each in own:
        redactor.register_sent(each, own=True)

    assert redactor.redact(kept) == f"{REDACTED} {REDACTED} credential-of-our-host"
    assert redactor.redact(f"{own[0]} {own[-1]} {foreign[-1]}") == f"{own[0]} {REDACTED} {REDACTED}"


def test_one_that_is_used_again_stays() -> None:
    redactor = Redactor()
    for number in range(1_500):
        redactor.register_sent("credential-in-use", own=False)
        redactor.register_sent(f"{number:05}-foreign", own=False)

    assert redactor.redact("credential-in-use") == REDACTED


def test_a_third_partys_that_is_sent_to_our_own_host_is_our_own_from_then_on() -> None:
    redactor = Redactor()
    redactor.register_sent("credential-of-both", own=False)
    redactor.register_sent("credential-of-both", own=True)
    for number in range(1_500):
        redactor.register_sent(f"{number:05}-foreign", own=False)

    assert redactor.redact("credential-of-both") == REDACTED


GENERATED = fake("Kx", 40)
CUT_ENDS = {
    "repr": lambda cut: f"Client('{cut}...')",
    "ellipsis": lambda cut: f"Client('{cut}\N{HORIZONTAL ELLIPSIS}')",
    "value": lambda cut: f"using {cut}",
    "json": lambda cut: json.dumps({"a": f"{cut}\N{HORIZONTAL ELLIPSIS}"}),
    "several": lambda cut: f"one... two... {cut}... three...",
}


@pytest.mark.parametrize("end", CUT_ENDS)
@pytest.mark.parametrize("secret", [PLAIN, GENERATED, "lower-case-letters-alone", GENERATED + "/" + PLAIN])
def test_it_goes_where_it_is_cut(secret: str, end: str) -> None:
    redactor = Redactor()
    redactor.register(secret)
    for length in range(16, len(secret)):
        text = CUT_ENDS[end](secret[:length])

        assert redactor.redact(text) == text.replace(secret[:length], REDACTED)
        assert not redactor.is_clean_text(text)
        assert end == "value" or not redactor.is_clean(json.dumps(text))
        assert redactor.redact_value({"a": [text]}) == {"a": [text.replace(secret[:length], REDACTED)]}


@pytest.mark.parametrize(
    "text", [GENERATED[:15], f"{GENERATED[:20]} and on", f"{GENERATED[:20]}x...", f"x {GENERATED[5:30]}..."]
)
def test_what_is_not_its_beginning_or_not_cut_stays(text: str) -> None:
    redactor = Redactor()
    before = redactor.redact(text)
    redactor.register(GENERATED)

    assert redactor.redact(text) == before


def test_a_long_beginning_goes_wherever_a_string_ends() -> None:
    redactor = Redactor()
    redactor.register(GENERATED)
    serialised = json.dumps({"a": GENERATED[:-4], "b": "beside"})

    assert not redactor.is_clean(serialised)
    assert redactor.redact(serialised) == json.dumps({"a": REDACTED, "b": "beside"})


def test_a_beginning_goes_from_the_end_of_what_has_no_blank() -> None:
    redactor = Redactor()
    redactor.register(GENERATED)
    before = '{"a":"' + ",".join(f"{number}.{number}" for number in range(400))

    assert redactor.redact(f"{before},{GENERATED[:20]}") == f"{before},{REDACTED}"
    assert redactor.redact(f"{before}{GENERATED[:20]}...") == f"{before}{REDACTED}..."


def test_thousands_of_every_sort_are_found_and_nothing_else() -> None:
    redactor, dice = Redactor(), random.Random(5)
    alphabets = ("0123456789abcdef", "abcdefghijklmnopqrstuvwxyz", string.ascii_letters + string.digits)
    secrets = ["".join(dice.choices(dice.choice(alphabets), k=dice.randint(12, 60))) for _ in range(2_000)]
    for secret in secrets:
        redactor.register(secret)

    for secret in dice.sample(secrets, 200):
        text = f"before {secret}, {quote(secret)} behind"
        assert redactor.redact(text) == f"before {REDACTED}, {REDACTED} behind"
        encoded = base64.b64encode(f"x:{secret}".encode()).decode()
        assert encoded[6:-6] not in redactor.redact(f"sent {encoded}")
    assert redactor.is_clean_text("0123 abc harmless words, and 2026-11-27T20:00:00Z" * 20)


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
    credentials = [f"credential-number-{number:04d}" for number in range(100)]
    for credential in credentials:
        redactor.register(credential)

    with redactor.registered("one-more-credential"):
        assert redactor.redact("one-more-credential") == "[REDACTED]"
        assert redactor.redact(credentials[0]) == "[REDACTED]"

    assert redactor.redact("one-more-credential") == "one-more-credential"
    assert redactor.redact(credentials[0]) == "[REDACTED]"
