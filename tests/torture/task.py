"""What one process of the soak is to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one process is to do.

    Args:
        kind: One of the worker's `KINDS`.
        seed: Of all its chances.
        seconds: How long.
        folder: Where reports go.
        ledger: The file of all processes, or one of its own where that is to break.
        sentry: DSN.
        otlp: Base URL of the OTLP receiver.
        backend: `host:port` of the hosted backend.
        other: `host:port` of a third party.
        canary: A secret.
        redis: URL of what the processes share, None where it works alone.
        guarded: Whether the guard is in its place; a control of the same SDKs goes without.
    """

    kind: str
    seed: int
    seconds: float
    folder: str
    ledger: str
    sentry: str
    otlp: str
    backend: str
    other: str
    canary: str
    redis: str | None = None
    guarded: bool = True
