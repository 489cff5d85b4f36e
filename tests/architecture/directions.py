"""Which room may import which rooms and libraries: the table of docs/architecture.md, as data.

A room is a folder with an `__init__.py`, or a single file that is named here. Rooms inside a room (such as
`redaction/text`) may import what their room may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GROUND = "sentry_filters.forking"
"""Imported by every room; the only module with state of its own."""


@dataclass(frozen=True)
class May:
    """What a room may import besides the standard library, its own modules and `GROUND`.

    Args:
        rooms: The rooms whose faces it may import.
        libraries: Foreign libraries, by the name that is imported.
        shared: For a room with one file for each library: its other modules. Each of the rest may import
            the library of its own name, and of its own room only these.
    """

    rooms: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    shared: frozenset[str] | None = None


def _may(rooms: str = "", *, libraries: str = "", shared: str | None = None) -> May:
    """Names are separated by blanks; `.core` is short for `sentry_filters.core`."""
    return May(
        rooms=frozenset(f"sentry_filters{name}" if name.startswith(".") else name for name in rooms.split()),
        libraries=frozenset(libraries.split()),
        shared=None if shared is None else frozenset(shared.split()),
    )


_FACES = "sentry_filters .core .evidence .guard .http .redaction"
"""The faces that OpenTelemetry's edge builds on."""


@dataclass(frozen=True)
class Directions:
    """The whole table.

    Args:
        rooms: What each room may import.
        modules: Libraries that a single module may import in addition to its room's.
        mirrors: Rooms that do nothing but make another package reachable by a second name, and that package:
            such a room and the face of that package are one, so they may import each other.
    """

    rooms: Mapping[str, May]
    modules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mirrors: Mapping[str, str] = field(default_factory=dict)


DIRECTIONS = Directions(
    rooms={
        GROUND: _may(),
        "sentry_filters.evidence": _may(),
        "sentry_filters.redaction": _may(libraries="re2"),
        "sentry_filters.core": _may(".evidence"),
        "sentry_filters.audit": _may(".core .evidence"),
        "sentry_filters.http": _may(
            ".core .evidence", shared="bodies calls clients links nearby recent seams"
        ),
        "sentry_filters.logging": _may(".core .redaction"),
        "sentry_filters.redis": _may(".core .evidence", libraries="redis"),
        "sentry_filters.schedulers": _may(".core .evidence", shared="backoff"),
        "sentry_filters.sentry": _may(".core .evidence .redaction", libraries="sentry_sdk"),
        "sentry_filters.targets": _may(".core .evidence .redaction"),
        "sentry_filters.web": _may(".core", shared="answer"),
        "sentry_filters.parts": _may(".core .evidence .http .redaction .sentry"),
        "sentry_filters.guard": _may(".audit .core .evidence .http .parts .sentry", libraries="sentry_sdk"),
        "sentry_filters.testing": _may(".core .evidence .guard .redaction .sentry", libraries="sentry_sdk"),
        "sentry_filters.preview": _may(".audit .core .evidence .redaction .sentry"),
        "sentry_filters.demo": _may(".audit .core .evidence .guard", libraries="httpx sentry_sdk"),
        "sentry_filters.cli": _may(
            ".audit .core .demo .evidence .guard .preview .redaction .targets .testing",
            libraries="datasette datasette_dashboards pluggy rich uvicorn",
        ),
        "sentry_filters.__main__": _may(".cli"),
        "sentry_filters": _may(".audit .core .evidence .guard .http .redaction .redis .sentry"),
        "sentry_filters.otel": _may("otel"),
        "otel.evidence": _may(_FACES, libraries="opentelemetry"),
        "otel.redaction": _may(_FACES, libraries="opentelemetry"),
        "otel.spans": _may(f"{_FACES} otel otel.evidence otel.redaction", libraries="opentelemetry"),
        "otel.logs": _may(f"{_FACES} otel otel.evidence otel.redaction", libraries="opentelemetry"),
        "otel.metrics": _may(f"{_FACES} otel otel.evidence otel.redaction", libraries="opentelemetry"),
        "otel": _may(
            f"{_FACES} otel.evidence otel.redaction otel.spans otel.logs otel.metrics",
            libraries="opentelemetry",
        ),
        "otel.testing": _may(
            f"{_FACES} .testing otel otel.evidence otel.redaction otel.spans otel.logs otel.metrics",
            libraries="opentelemetry",
        ),
    },
    modules={
        "sentry_filters.http.auth.session": frozenset({"httpx"}),  # the class that type checkers know
        "sentry_filters.testing.plugin": frozenset({"pytest"}),
        "sentry_filters.web.django": frozenset({"asgiref"}),  # a part of Django
    },
    mirrors={"sentry_filters.otel": "otel"},
)
