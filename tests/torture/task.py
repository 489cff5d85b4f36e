"""The task of one process of the soak."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Task:
    """The task of one process.

    Args:
        kind: One of the worker's `KINDS`.
        seed: For all its random choices.
        seconds: How long.
        folder: Where reports are written.
        ledger: The file of all processes, or a separate one if it is to be broken.
        sentry: DSN.
        otlp: Base URL of the OTLP receiver.
        backend: `host:port` of the hosted backend.
        other: `host:port` of a third party.
        canary: A secret.
        redis: URL of the shared Redis, None if the process works alone.
        guarded: Whether there is a guard; the control runs the same SDKs without one.
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
