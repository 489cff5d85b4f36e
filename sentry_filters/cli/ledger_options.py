"""What the commands that read a ledger have in common: the ledger, how far back, and their extra."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["VARIABLE", "Since", "add_ledger_options", "importing_extra", "ledger_of"]

VARIABLE = "SENTRY_FILTERS_LEDGER"
_UNITS: Mapping[str, str] = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Since:
    """How far back to look; `Since(None)` is all the way.

    Args:
        age: The length of the window of time that ends now.
    """

    age: timedelta | None

    @classmethod
    def from_text(cls, text: str) -> Since:
        """Return what an argument such as `90m`, `24h`, `7d`, `4w` or `all` means.

        Raises:
            argparse.ArgumentTypeError: It is invalid; the message says what is expected.
        """
        if text == "all":
            return cls(None)
        found = re.fullmatch(r"(\d{1,6})([mhdw])", text, flags=re.ASCII)
        if found is None or not int(found[1]):
            raise argparse.ArgumentTypeError(
                f"invalid age {text!r}; expected a number with m, h, d or w, such as 24h, or all"
            )
        return cls(timedelta(**{_UNITS[found[2]]: int(found[1])}))

    def start(self) -> datetime | None:
        """Return the minute in which the window begins, in UTC; None for all the way."""
        if self.age is None:
            return None
        try:
            return (datetime.now(UTC) - self.age).replace(second=0, microsecond=0)
        except OverflowError:  # before the year 1
            return None

    def as_sqlite(self) -> str:
        """Return the window's length as SQLite writes it, such as `24 hours`; empty for all the way."""
        if self.age is None or self.start() is None:
            return ""
        minutes = self.age // timedelta(minutes=1)
        if minutes % 60:
            return f"{minutes} minutes"
        hours = minutes // 60
        return f"{hours} hours" if hours % 24 or hours == 24 else f"{hours // 24} days"


def add_ledger_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments LEDGER and --since."""
    parser.add_argument(
        "ledger", nargs="?", type=Path, metavar="LEDGER", help=f"the ledger's file; by default ${VARIABLE}"
    )
    parser.add_argument(
        "--since",
        type=Since.from_text,
        default=Since(timedelta(hours=24)),
        metavar="AGE",
        help="how far back to look: 90m, 24h (the default), 7d, 4w, or all",
    )


def ledger_of(arguments: argparse.Namespace) -> Path:
    """Return the ledger's path.

    Raises:
        ValueError: None is named; the message says how to.
    """
    if arguments.ledger is not None:
        return Path(arguments.ledger)
    named = os.environ.get(VARIABLE)
    if not named:
        raise ValueError(f"no ledger is named: give its file as LEDGER, or set {VARIABLE}")
    return Path(named)


@contextmanager
def importing_extra(otherwise: str = "") -> Iterator[None]:
    """Turn a package that is missing into a ValueError that says what to do about it."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = str(error.name).split(".")[0]
        how = f"pip install 'sentry-filters[audit]'{otherwise}"
        raise ValueError(f"{package} is not installed: {how}") from None
