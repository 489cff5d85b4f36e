"""Expressions are compiled when they are needed, once a process, whoever needs them."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref

import pytest
import re2

from sentry_filters import Policy, Redactor, SessionGuard
from sentry_filters.forking import shared
from sentry_filters.redaction import Kind
from sentry_filters.redaction.regex import Regex, deferred_regex

_STARTED = """
import re2

def compiled():
    return re2._Regexp._make.cache_info().misses

own = compiled()  # re2's, for itself
from sentry_filters import Policy, SessionGuard

policy = Policy(provider="openai", hosts=("api.openai.com",))
guard = SessionGuard(policy)
print("made", compiled() - own)
guard.warm().join()
warm = compiled()
print("warm", warm > own)
other = SessionGuard(policy)
for one in (guard, other):
    redacted = one.redactor.redact_value({"note": "password='correct horse'", "api_key": "x" * 3})
    print("correct" not in str(redacted), one.redactor.is_clean('{"password": "correct"}'))
print("used", compiled() - warm)
"""


def test_a_guard_compiles_nothing_until_it_is_warmed_and_no_second_one_does() -> None:
    ended = subprocess.run([sys.executable, "-c", _STARTED], capture_output=True, text=True, check=True)

    assert ended.stdout.split("\n") == [
        "made 0",
        "warm True",
        "True False",
        "True False",
        "used 0",
        "",
    ]


def test_redactors_share_what_their_kinds_and_keys_have_in_common() -> None:
    kind = Kind("seat", r"seat (\d+[A-F])")

    one, other, own = Redactor(), Redactor(keys=["tenant_seal"]), Redactor(kinds=[kind])
    again = Redactor(kinds=[Kind("seat", r"seat (\d+[A-F])")])

    assert one._scanner._patterns is other._scanner._patterns is not own._scanner._patterns
    assert own._scanner._patterns is again._scanner._patterns
    assert own.redact("in seat 12C") == again.redact("in seat 12C") == "in seat [REDACTED]"
    assert one.redact("in seat 12C") == "in seat 12C"
    assert "sealed" not in other.redact("tenant_seal=sealed-9f3b2c")
    assert "sealed" in one.redact("tenant_seal=sealed-9f3b2c")


def test_what_is_shared_lives_as_long_as_somebody_holds_it() -> None:
    one = deferred_regex("shared a{3}")
    alive = weakref.ref(one)

    assert deferred_regex("shared a{3}") is one
    assert deferred_regex("shared a{3}", captures=False) is not one
    del one
    gc.collect()
    assert alive() is None
    with pytest.raises(ZeroDivisionError):
        shared("what cannot be made", lambda: 1 // 0)


def test_threads_that_need_an_expression_at_once_compile_it_once() -> None:
    regex, ready, found = deferred_regex("once [a-c]{2,40}(?:x|y){3}"), threading.Barrier(8), []
    before = re2._Regexp._make.cache_info().misses

    def search() -> None:
        ready.wait()
        found.append(regex.search(b"once abcxyx") is not None)

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [True] * 8
    assert re2._Regexp._make.cache_info().misses == before + 1


def test_kinds_that_are_not_valid_together_are_refused_when_the_redactor_is_made() -> None:
    # Alone each of them is valid: the quotation ends with the pattern.
    kinds = [Kind(pattern[:4], pattern) for pattern in (r"acme-\Q+", "bcme-[0-9]{9}")]

    with pytest.raises(ValueError, match="RE2 refuses"):
        Redactor(kinds=kinds)


def test_a_kind_of_the_users_own_is_refused_when_it_is_made() -> None:
    with pytest.raises(ValueError, match="invalid kind 'acme'"):
        Kind("acme", "acme_(")
    with pytest.raises(ValueError, match="RE2 refuses"):
        Regex("acme_(")


def test_a_warmed_guard_says_when_it_is_warm() -> None:
    guard = SessionGuard(Policy(provider="openai", hosts=("api.openai.com",)))

    warming = guard.warm()
    warming.join()

    assert warming.daemon  # a process that ends does not wait for it
    assert guard.redactor.redact("password=correct-horse-battery") == "password=[REDACTED]"
    guard.close()
