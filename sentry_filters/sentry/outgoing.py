"""What leaves with other requests: the headers by which the SDK continues traces, and Spotlight's posts."""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Protocol
from urllib.parse import quote, unquote

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.scope import Scope
from sentry_sdk.tracing_utils import Baggage

from sentry_filters.redaction import Redactor

_log = logging.getLogger("sentry_filters")
_MARK = "_sentry_filters_original"

Redacted = Callable[[str], str]
"""Returns a header's value as it may leave; an empty one where it may not. Never raises."""


class Posts(Protocol):
    """What posts envelopes to Spotlight."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Post `envelope`."""


def redacted_baggage(redactor: Redactor, header: str) -> str:
    """`header`, or `sentry-trace`, without secrets; an entry whose name holds one is left out.

    Entries are `name=value`, percent-encoded (www.w3.org/TR/baggage): what they say is searched.
    """
    return ",".join(entry for each in header.split(",") if (entry := _redacted_entry(redactor, each)))


def _redacted_entry(redactor: Redactor, entry: str) -> str:
    name, is_named, value = entry.partition("=")
    if not is_named:
        return redactor.redact(entry)
    plain_name, plain = unquote(name), unquote(value)
    if redactor.redact(plain_name) != plain_name:
        return ""
    clean = redactor.redact_value({plain_name: plain})
    text = clean.get(plain_name) if isinstance(clean, dict) else None
    return entry if text == plain else f"{name}={quote(str(text))}"


def guard_headers(redacting: Callable[[], Redacted | None]) -> None:
    """Let the SDK make its outgoing headers without secrets, from now on, in all its integrations.

    They are made in `Baggage.serialize` and `Scope.iter_trace_propagation_headers`, which tests pin.
    Clients without a guard make theirs as before. Where one of the places is missing, that is logged.

    Args:
        redacting: Returns what redacts the headers of the current client, None where no guard is behind it.
    """
    try:
        if hasattr(Baggage.serialize, _MARK):
            return
        serialize, headers = Baggage.serialize, Scope.iter_trace_propagation_headers
        Baggage.serialize = _serialize(serialize, redacting)  # type: ignore[method-assign]
        Scope.iter_trace_propagation_headers = _headers(headers, redacting)  # type: ignore[method-assign]
    except AttributeError as error:
        _log.warning(
            "sentry-filters: outgoing headers of this release of sentry-sdk are not redacted: %s", error
        )


def _serialize(original: Callable[..., str], redacting: Callable[[], Redacted | None]) -> Callable[..., str]:
    @wraps(original)
    def serialize(baggage: Any, *args: Any, **kwargs: Any) -> str:
        header = original(baggage, *args, **kwargs)
        redacted = redacting()
        return header if redacted is None or not header else redacted(header)

    setattr(serialize, _MARK, original)
    return serialize


def _headers(original: Callable[..., Any], redacting: Callable[[], Redacted | None]) -> Callable[..., Any]:
    @wraps(original)
    def iter_trace_propagation_headers(scope: Any, *args: Any, **kwargs: Any) -> Iterator[tuple[str, str]]:
        redacted = redacting()
        for name, value in original(scope, *args, **kwargs):
            clean = value if redacted is None else redacted(value)
            if clean:
                yield name, clean

    setattr(iter_trace_propagation_headers, _MARK, original)
    return iter_trace_propagation_headers


class PostsApart:
    """Posts to Spotlight outside of any trace: no header, span or breadcrumb comes of it.

    Args:
        url: Where Spotlight listens. The SDK's client posts there on the thread that captures.
    """

    def __init__(self, url: str) -> None:
        # Only where it is on: the SDK's module imports Django, wherever that is installed.
        from sentry_sdk.spotlight import SpotlightClient  # noqa: PLC0415

        self._url = url
        self._spotlight = SpotlightClient(url)
        # A client that is active, so that none behind it is asked, and without integrations.
        self._silent = sentry_sdk.Client(
            dsn="", default_integrations=False, auto_enabling_integrations=False, spotlight=False
        )

    def __reduce__(self) -> tuple[type[PostsApart], tuple[str]]:
        return PostsApart, (self._url,)

    def capture_envelope(self, envelope: Envelope) -> None:
        """Post `envelope`."""
        contextvars.Context().run(self._post, envelope)

    def _post(self, envelope: Envelope) -> None:
        sentry_sdk.get_current_scope().set_client(self._silent)
        self._spotlight.capture_envelope(envelope)
