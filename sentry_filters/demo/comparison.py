"""Both sides of the demo, each in a process of its own, and what their figures have to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from sentry_filters.demo.outcome import Outcome

_ROWS: Mapping[str, str] = MappingProxyType(
    {
        "session_events": "Sentry events: the dead session",
        "third_party_events": "Sentry events: a user's own rejected key",
        "bug_events": "Sentry events: a bug while handling the 401",
        "secrets": "secrets in the bytes that Sentry received",
        "published": "SessionExpired published",
        "calls": "LLM calls made in vain",
        "saved": "LLM calls that the gate saved",
        "after_sign_in": "LLM calls that worked after the sign-in",
    }
)
_LONGEST = 55.0  # seconds for all of it, which takes 5
# What would have the demo talk to others than its own servers, or change its figures.
_FOREIGN_PREFIXES = ("SENTRY_", "OTEL_")
_FOREIGN_SUFFIXES = ("_PROXY",)


class DemoError(Exception):
    """The demo could not be run to its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The demo's figures.

    Args:
        without: What was measured without the filter.
        filtered: What was measured with it.
        audit: The ledger's overview, and the exit code of `sentry-filters audit`.
    """

    without: Outcome
    filtered: Outcome
    audit: Mapping[str, int]

    @property
    def rows(self) -> tuple[tuple[str, int, int], ...]:
        """What is shown: a label, the figure without the filter, and with it."""
        return tuple(
            (label, getattr(self.without, name), getattr(self.filtered, name))
            for name, label in _ROWS.items()
        )

    @property
    def wrong(self) -> tuple[str, ...]:
        """The promises that the figures do not keep."""
        without, filtered, audit = self.without, self.filtered, self.audit
        promises = {
            "the storm without the filter floods Sentry": without.session_events >= 332,
            "without the filter secrets leave": without.secrets > 0,
            "no event about the dead session": filtered.session_events == 0,
            "exactly one SessionExpired": filtered.published == 1,
            "every third-party failure arrives": filtered.third_party_events
            == without.third_party_events
            == 20,
            "the bug in the error handling arrives": filtered.bug_events == without.bug_events == 1,
            "no secret leaves": filtered.secrets == 0,
            "the gate saves calls": filtered.saved > 0 and filtered.calls < without.calls,
            "the audit accounts for every silence": audit["exit_code"] == 0 and audit["dropped"] > 0,
            "work goes on after the sign-in": filtered.after_sign_in == without.after_sign_in == 8,
        }
        return tuple(promise for promise, kept in promises.items() if not kept)


def compared(
    ledger: Path | None = None, *, progress: Callable[[str, Outcome | None], object] = lambda *_: None
) -> Comparison:
    """Run both sides, one after the other, on servers on 127.0.0.1. It takes some seconds.

    Args:
        ledger: Where to keep the ledger, in a file that does not exist yet; else it is removed with whatever
            else the demo has made.
        progress: Called with each side's name, `without` or `with`, when it begins and with its outcome.

    Raises:
        DemoError: A side did not end, or failed; or the ledger's file exists.
    """
    if ledger is not None and ledger.exists():
        raise DemoError(f"ledger: invalid value {str(ledger)!r}; expected a file that does not exist yet")
    until = time.monotonic() + _LONGEST
    with TemporaryDirectory(prefix="sentry-filters-demo-") as folder:
        written = (Path(folder) / "ledger.db" if ledger is None else ledger).absolute()
        sides = {}
        for name, arguments in {"without": [], "with": [str(written)]}.items():
            progress(name, None)
            sides[name] = _side(arguments, until)
            progress(name, sides[name])
        return Comparison(sides["without"], sides["with"], _audited(written, until))


def _side(arguments: list[str], until: float) -> Outcome:
    # Sentry's integrations patch a process for good.
    done = _run("sentry_filters.demo", *arguments, until=until)
    if done.returncode:
        raise DemoError(f"a side ended with exit code {done.returncode}: {_last_line(done.stderr)}")
    return Outcome(**json.loads(done.stdout))


def _audited(ledger: Path, until: float) -> dict[str, int]:
    """Return the ledger's numbers, as printed by the command that a cron job would run."""
    done = _run("sentry_filters", "audit", str(ledger), "--json", until=until)
    try:
        (overview,) = [query for query in json.loads(done.stdout)["queries"] if query["name"] == "overview"]
    except ValueError:
        raise DemoError(f"the ledger cannot be read: {_last_line(done.stderr)}") from None
    return {**dict(zip(overview["columns"], overview["rows"][0], strict=True)), "exit_code": done.returncode}


def _run(module: str, *arguments: str, until: float) -> subprocess.CompletedProcess[str]:
    # -P: what lies in the current folder is not imported.
    command = [sys.executable, "-P", "-m", module, *arguments]
    try:
        return subprocess.run(  # noqa: S603 - this interpreter, and modules of this package
            command,
            env=_environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=until - time.monotonic(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DemoError(f"it did not end within {_LONGEST:.0f} s") from None


def _environment() -> dict[str, str]:
    return {
        "PYTHONIOENCODING": "utf-8",
        **{
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith(_FOREIGN_PREFIXES) and not name.upper().endswith(_FOREIGN_SUFFIXES)
        },
    }


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no message")
