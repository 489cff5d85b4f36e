"""What people read in place of a ledger's columns and values; scripts get those themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

__all__ = ["Value", "duration", "header", "shown"]

Value = str | int | float | None
"""A cell of an answer."""

# Columns whose name does not say it: in SQL, names have to differ from those of the tables' columns.
_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "app_release": "release",
        "expired_minute": "expired at",
        "expiry_id": "expiry",
        "failing_session": "session",
        "failures_in_worst_minute": "failures in the worst minute",
        "first_minute": "first at",
        "happened": "what happened",
        "http_status": "HTTP status",
        "last_minute": "last at",
        "named_host": "host",
        "named_operation": "operation",
        "named_provider": "provider",
        "named_session": "session",
        "seconds_to_renewal": "time to renewal",
        "third_party_dropped": "third-party failures dropped",
        "third_party_host": "host",
        "third_party_name": "third party",
        "waited": "renewed after",
        "was_confirmed": "confirmed",
    }
)
_UNKNOWN_AS_ZERO = "http_status"
_SORTED = "waited"  # its values begin with a digit that puts them in order
_SECONDS = "seconds_"
_UNITS: Sequence[tuple[str, int]] = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def header(column: str) -> str:
    """Return what a column holds, in words."""
    return _HEADERS.get(column, column.replace("_", " "))


def shown(column: str, value: Value, *, yes_or_no: bool = False) -> str | int | float:
    """Return a value as people read it; numbers that count something stay numbers.

    Args:
        column: Of a query's answer.
        value: In that column.
        yes_or_no: It is 0 or 1, and means no or yes.
    """
    if value is None:
        return ""
    if yes_or_no:
        return "yes" if value else "no"
    if column == _UNKNOWN_AS_ZERO:
        return str(value or "unknown")
    if column == _SORTED:
        return str(value).lstrip("0123456789 ")
    if column.startswith(_SECONDS):
        return duration(int(value))
    return value


def duration(seconds: int) -> str:
    """Return a length of time by its two largest units, such as `3 min 20 s` or `2 d 4 h`."""
    if seconds < 0:
        return f"-{duration(-seconds)}"
    place = next((place for place, (_, length) in enumerate(_UNITS) if seconds >= length), len(_UNITS) - 1)
    parts = []
    for unit, length in _UNITS[place : place + 2]:
        count, seconds = divmod(seconds, length)
        parts.append((count, unit))
    # The second one is left out where it is 0.
    return " ".join(f"{count} {unit}" for count, unit in parts if count or (count, unit) == parts[0])
