"""A child that was forked while other threads redact can redact itself."""

from __future__ import annotations

import os
import threading

import pytest

from sentry_filters import Redactor, forking
from sentry_filters.redaction.regex import Regex, compile_finder, deferred_regex
from sentry_filters.redaction.text.credentials import LiveCredentials
from tests.support.forks import forked
from tests.support.secrets import fake

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

_FORKS = 15


def test_a_child_redacts_although_threads_of_its_parent_search_while_it_is_forked() -> None:
    redactor, stop, secret = Redactor(), threading.Event(), fake("sk-proj-", 40)

    def search(seed: int) -> None:
        number = seed
        while not stop.is_set():
            number = (number * 6364136223846793005 + 1442695040888963407) % (1 << 2600)
            redactor.redact(f"{number:x} " * 50)  # ever new texts: RE2 changes its automaton under its lock

    threads = [threading.Thread(target=search, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    try:
        ended = {forked(lambda: secret not in redactor.redact(f"key {secret}")) for _ in range(_FORKS)}
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert ended == {True}


def test_a_childs_own_redactor_shares_nothing_with_its_parents() -> None:
    pattern = "a{3,9}b+"
    parents = Regex(pattern)

    assert Regex(pattern)._compiled is parents._compiled
    assert forked(lambda: Regex(pattern)._compiled is not parents._compiled)


def test_a_child_does_not_search_by_what_its_parent_compiled() -> None:
    regex, find = Regex("(b)+"), compile_finder("b+")
    parents = regex._compiled

    def searches() -> bool:
        found = regex.search(b"abb"), regex.match(b"b"), next(regex.finditer(b"b")), regex.groups
        renewed = regex._compiled is not parents
        return all(found) and find(b"abb", 0) == (1, 3) and renewed

    assert forked(searches)
    assert forked(lambda: bool(forked(searches)))


def test_a_child_registers_a_credential_although_its_parent_was_about_to() -> None:
    live = LiveCredentials()

    with live._lock:
        registered = forked(lambda: live.register("a-credential-of-the-child"))

    assert registered


def test_a_child_compiles_although_a_thread_of_its_parent_was_about_to() -> None:
    regex = deferred_regex("(forked)+ b{3}")

    with forking._TURN:
        searched = forked(lambda: regex.search(b"forked bbb") is not None)

    assert searched
