"""What is stored in Redis and sent over its channel: read as strictly as any outside input."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

from sentry_filters.core import SessionExpired
from sentry_filters.evidence import conventions

EVERYONE = "*"
"""The name under which the latest renewal of all sessions is kept."""
UNNAMED = "-"
"""The name of the session whose credential is not known."""

_NAME = re.compile(r"[0-9a-f]{12}|-")
_CREDENTIAL = re.compile(r"[0-9a-f]{12}")
_RENEWED = re.compile(r"[0-9a-f]{12}|[-*]")
_STAMP = re.compile(r"[0-9]{1,16}")
_ID = re.compile(r"[0-9a-f]{16}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_YEARS = (1970, 9998)  # beyond them some of what counts with times fails
_LONGEST = 4096
_LONGEST_TEXT = 200
# How far ahead another clock may be: a renewal from the far future would hide every expiry until then.
_AHEAD_MICROSECONDS = 300 * 1_000_000


class MalformedError(ValueError):
    """What came from Redis is nothing that this package writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """One expiry, as all processes know it.

    Args:
        name: Fingerprint of the session, or `UNNAMED`.
        after: The latest renewal that it is later than, in microseconds since the epoch, 0 without one; a
            later one ends it.
        event: What was published.
    """

    name: str
    after: int
    event: SessionExpired

    @property
    def session(self) -> str | None:
        """The fingerprint, None where it is not known."""
        return None if self.name == UNNAMED else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """One renewal.

    Args:
        name: Fingerprint of the session that was renewed, `EVERYONE` or `UNNAMED`.
        stamp: When it was, in microseconds since the epoch.
        credential: Fingerprint of the new credential, None where it was not named.
    """

    name: str
    stamp: int
    credential: str | None = None


def record_of(expiry: Expiry) -> str:
    """Write an expiry as `after id event`, the event as JSON."""
    # What an application calls a trace may be anything; what others would refuse is left out.
    trace_id = expiry.event.trace_id if _optional(_TRACE, expiry.event.trace_id) else None
    event = {**asdict(expiry.event), "at": expiry.event.at.isoformat(), "trace_id": trace_id}
    return f"{expiry.after} {expiry.event.id} {json.dumps(event, separators=(',', ':'))}"


def read_expiry(name: str, record: str, *, known: int = 0) -> Expiry:
    """Read what `record_of` wrote; MalformedError for anything else.

    Args:
        name: The session's name.
        record: What is stored.
        known: The stamp of a renewal that this process knows: no later one may be far ahead of the clock,
            which may have been set back since.
    """
    parts = record.split(" ", 2)
    if len(record) > _LONGEST or len(parts) != 3 or not _NAME.fullmatch(name):
        raise MalformedError("expiry")
    after, id_, text = parts
    event = _read_event(text)
    if event.id != id_:
        raise MalformedError("id")
    return Expiry(name=name, after=_stamp(after, known), event=event)


def text_of(renewal: Renewal) -> str:
    """Write a renewal as `stamp`, or `stamp credential`."""
    return f"{renewal.stamp} {renewal.credential}" if renewal.credential else str(renewal.stamp)


def read_renewal(name: str, text: str) -> Renewal:
    """Read what `text_of` wrote; MalformedError for anything else."""
    stamp, blank, credential = text.partition(" ")
    if not _RENEWED.fullmatch(name) or (blank and not _CREDENTIAL.fullmatch(credential)):
        raise MalformedError("renewal")
    return Renewal(name=name, stamp=_stamp(stamp), credential=credential or None)


def read_message(text: str) -> tuple[str, Expiry | Renewal]:
    """Read a message of the channel, `version kind name rest`; MalformedError for anything else.

    Returns:
        The version of the state after it, and its content.
    """
    parts = text.split(" ", 3)
    if len(text) > _LONGEST or len(parts) != 4:
        raise MalformedError("message")
    version, kind, name, rest = parts
    if kind == "expiry":
        return version, read_expiry(name, rest)
    if kind == "renewal":
        return version, read_renewal(name, rest)
    raise MalformedError("kind")


def _read_event(text: str) -> SessionExpired:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedError("event") from None
    if not isinstance(found, dict) or found.keys() != _FIELDS.keys():
        raise MalformedError("event")
    if not all(check(found[name]) for name, check in _FIELDS.items()):
        raise MalformedError("event")
    texts = {name: _storable(value) for name, value in found.items() if isinstance(value, str)}
    return SessionExpired(**{**found, **texts, "at": _moment(found["at"])})


def _storable(text: str) -> str:
    """Return a text without halves of characters, which a body may hold: no ledger could store them."""
    return text.encode("utf-8", "replace").decode()


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
        year = moment.astimezone(UTC).year
    except (ValueError, OverflowError):
        raise MalformedError("at") from None
    if moment.tzinfo is None or not _YEARS[0] <= year <= _YEARS[1]:
        raise MalformedError("at")
    return moment


def _stamp(text: str, known: int = 0) -> int:
    if not _STAMP.fullmatch(text) or int(text) > max(known, time.time() * 1e6 + _AHEAD_MICROSECONDS):
        raise MalformedError("stamp")
    return int(text)


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _optional(pattern: re.Pattern[str], value: object) -> bool:
    return value is None or _matches(pattern, value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


_FIELDS: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        "source": _is_text,
        "reason": _is_text,
        "provider": _is_text,
        "operation": _is_text,
        "status": lambda value: type(value) is int and value in conventions.SESSION_STATUSES,
        "session": partial(_optional, _NAME),
        "confirmed": lambda value: isinstance(value, bool),
        "at": _is_text,
        "trace_id": partial(_optional, _TRACE),
        "id": partial(_matches, _ID),
    }
)
"""What each field of an event has to be."""
