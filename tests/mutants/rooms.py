"""What is mutated, room by room, and the tests that are to notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Room:
    """Modules that share tests. The patterns are those of `fnmatch`, on paths."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _core(*names: str) -> tuple[str, ...]:
    return tuple(f"sentry_filters/core/{name}.py" for name in names)


def _tests_of_core(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/core/test_{name}.py" for name in names)


ROOMS: Final[Mapping[str, Room]] = {
    "evidence": Room(
        ("sentry_filters/evidence/*.py",),
        tuple(
            f"tests/evidence/test_{name}.py"
            for name in (
                "bodies",
                "causes",
                "chains",
                "credential",
                "exchange",
                "hosts",
                "span_memory",
                "statements",
                "tags",
                "third_party",
                "wire_text",
            )
        ),
    ),
    "judge": Room(
        (
            "sentry_filters/redaction/keys/judge.py",
            "sentry_filters/redaction/keys/words.py",
            "sentry_filters/redaction/text/plausible.py",
        ),
        ("tests/redaction/keys", "tests/redaction/text/test_plausible.py"),
    ),
    "recognition": Room(
        _core("recognition", "known_hosts", "facts", "policy_values"),
        tuple(
            f"tests/core/test_{name}.py"
            for name in (
                "recognition",
                "verdicts",
                "facts",
                "grades",
                "known_hosts",
                "policy",
                "policy_messages",
            )
        ),
    ),
    "lifecycle": Room(
        _core("lifecycle", "states"),
        ("tests/core/test_lifecycle.py", "tests/core/test_transitions.py", "tests/core/test_sessions.py"),
    ),
    "decisions": Room(
        _core("decision", "weighing", "reasons", "explaining", "explanation", "openings", "misuse"),
        (
            "tests/cli/test_explain.py",
            *_tests_of_core(
                "backends",
                "bounds",
                "decision",
                "explained_facts",
                "failing_parts",
                "gate",
                "gates",
                "grades",
                "lifecycle",
                "misuse",
                "refusals",
                "sessions",
                "shadow",
                "weighing",
            ),
            *(
                f"tests/sentry/test_{name}.py"
                for name in ("backends", "explaining", "refusals", "report", "shadow")
            ),
        ),
    ),
    "gates": Room(
        _core("gate", "gate_ends", "gatekeeper", "gates", "refusals", "foresight", "loops"),
        (
            *_tests_of_core(
                "backends",
                "bounds",
                "bus_asyncio",
                "decision",
                "foresight",
                "gate",
                "gatekeeper",
                "gates",
                "in_the_middle",
                "lifecycle",
                "loops",
                "misuse",
                "refusals",
                "sessions",
                "shadow",
                "shared_life",
                "work",
            ),
            "tests/sentry/test_explaining.py",
            "tests/sentry/test_refusals.py",
        ),
    ),
    "backends": Room(
        _core(
            "backends",
            "backend_sessions",
            "session",
            "policy",
            "counters",
            "alarms",
            "discovery",
            "clocks",
        ),
        (
            *_tests_of_core(
                "alarms",
                "backend_sessions",
                "backends",
                "bounds",
                "clocks",
                "counters",
                "decision",
                "discovery",
                "facts",
                "gate",
                "gates",
                "grades",
                "lifecycle",
                "misuse",
                "policy",
                "policy_messages",
                "recognition",
                "sessions",
                "shadow",
                "shared_life",
                "verdicts",
                "weighing",
            ),
            "tests/sentry/test_backends.py",
        ),
    ),
    "refresh": Room(
        _core("refresh", "refresh_asking", "refresh_flight", "refresh_held", "renewals"),
        (
            *_tests_of_core(
                "failing_parts", "refresh_held", "renewals", "renewer", "sessions", "shadow", "turns"
            ),
            "tests/http/auth",
            "tests/simulation/test_lives.py",
        ),
    ),
    "sessions": Room(
        _core("sessions", "knowledge", "expiries", "shared", "telling"),
        (
            *_tests_of_core(
                "bounds",
                "failing_parts",
                "foresight",
                "in_the_middle",
                "knowledge",
                "lifecycle",
                "messages",
                "misuse",
                "records",
                "sessions",
                "shadow",
                "shared_life",
                "shown",
                "telling",
                "told",
                "transitions",
                "turns",
            ),
            "tests/simulation/test_lives.py",
        ),
    ),
    "handlers": Room(
        _core("bus", "worker", "subscription", "troubles", "work", "records"),
        (
            "tests/audit/test_ledger.py",
            *_tests_of_core(
                "backend_sessions",
                "bus",
                "bus_asyncio",
                "failing_parts",
                "labels",
                "loops",
                "records",
                "sessions",
                "subscription",
                "work",
                "worker",
            ),
            "tests/simulation/test_lives.py",
        ),
    ),
}
