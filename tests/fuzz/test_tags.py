"""Target: tags of any shape, in events, reports and attributes."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from sentry_filters import Policy, SessionGuard
from tests.fuzz import oracle
from tests.fuzz.strategies import HOST, PROVIDER, labels, operations, quick, statuses, tags, texts, values

_GUARD = SessionGuard(Policy(provider=PROVIDER, hosts={HOST}), lambda event: None)


@quick
@given(tags=tags, message=texts)
@example(tags=[["provider", PROVIDER], ["provider", "OpenAI"], ["status", 401]], message="")
def test_tags_never_raise_and_without_evidence_the_event_is_kept(tags: Any, message: str) -> None:
    event = {"tags": tags, "message": message}
    before = repr(event) if not isinstance(tags, dict) or len(tags) < 50 else None
    faults = _GUARD.counters.get("faults")

    kept = _GUARD.before_send(copy.copy(event), {})

    assert kept is not None or oracle.speaks_of_the_backend(tags, message)
    assert not oracle.holds_the_canary(kept)
    assert before is None or repr(event) == before
    assert _GUARD.counters.get("faults") == faults


@quick
@given(
    operation=operations | values,
    provider=labels | values,
    status=statuses | values,
    body=values,
    error=texts,
)
def test_a_report_of_anything_gets_a_verdict(
    operation: Any, provider: Any, status: Any, body: Any, error: str
) -> None:
    is_dead = not _GUARD.gate.is_open

    verdict = _GUARD.report(error, operation=operation, provider=provider, status=status, body=body)

    # Where no provider is named, the error's text may name it; words alone need a session known to be dead.
    named = provider == PROVIDER or (provider in (None, "") and oracle.speaks_of_the_backend(error, status))
    assert not verdict.drop or (named and (is_dead or verdict.grade != "words"))


@quick
@given(provider=st.text(st.characters()) | labels, tags=tags)
def test_a_provider_other_than_the_exact_label_is_always_kept(provider: str, tags: Any) -> None:
    stated = {**(tags if isinstance(tags, dict) else {}), "provider": provider}

    kept = _GUARD.before_send({"tags": stated, "message": f"{PROVIDER} API error (401)"}, {})

    assert kept is not None or provider in (PROVIDER, "")
