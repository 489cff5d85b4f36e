"""The facts about one failed call, from whichever layer knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sentry_filters.evidence.conventions import FAILED_RESPONSE, TAG_NAMES
from sentry_filters.evidence.hosts import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the wire said about one failed response; nothing in it but the body may hold a secret.

    Args:
        status: HTTP status.
        endpoint: Host and port that answered, None where unknown.
        path: URL path, without query.
        operation: The operation as the caller named it around the call, if it did.
        method: HTTP method of the request, None where unknown.
        codes: The body's codes in the spelling of `fold`.
        body: Text of the body, where it was read; the reason of `SessionExpired` is made from it.
        body_known: Whether the body was read in full, or is empty, so that no code can hide in it.
        by_backend: Whether the backend itself answers, and not a proxy or a page; None where unknown.
        credential: Whether a credential was sent, None where the request is not known.
        session: Fingerprint of the credential that was sent.
        started_at: When the request was sent, in seconds since the epoch.
        began: The same moment by `time.monotonic`, where this process sent it.
        trace_id: Trace of that moment, 32 hex digits.
        span_id: Span of that moment, 16 hex digits.
        recorded: Whether `SessionGuard.instrument` saw it on the wire.
    """

    status: int
    endpoint: Endpoint | None = None
    path: str | None = None
    operation: str | None = None
    method: str | None = None
    codes: frozenset[str] = frozenset()
    body: str | None = field(default=None, repr=False)  # a backend may repeat a secret in it
    body_known: bool = False
    by_backend: bool | None = None
    credential: bool | None = None
    session: str | None = None
    started_at: float | None = None
    began: float | None = None
    trace_id: str | None = None
    span_id: str | None = None
    recorded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed call as reported: tags of the reporting layer, text, and the response behind it.

    Args:
        domain: The `domain` tag.
        operation: The `operation` tag.
        provider: The `provider` tag.
        status: The `status` tag as a number, None where there is none or it is not an HTTP status.
        failure: The `failure` tag.
        text: The reported message.
        response: The typed cause, None where nothing typed leads to one.
        raised_while_handling: Whether the exception came up implicitly in the handling of a failed response,
            which makes it an error of its own.
        other_exception: Whether the exception's own class has another job than to report a failed call.
        rivals: Origins of all failed calls that the report leads to, in whatever place.
        answers: What these answered, as far as they did.
        second_failure: Whether the report also states a failure of unknown origin.
        is_message: Whether `text` is the report's own message; where it may be somebody's words, such as
            those of an informational log, wire text in it is only words.
        at: When it was reported, in seconds since the epoch.
        trace_id: Trace it was reported in.
    """

    domain: str | None = None
    operation: str | None = None
    provider: str | None = None
    status: int | None = None
    failure: str | None = None
    text: str = ""
    response: Response | None = None
    raised_while_handling: bool = False
    other_exception: bool = False
    rivals: frozenset[Endpoint] = frozenset()
    answers: tuple[Response, ...] = ()
    second_failure: bool = False
    is_message: bool = True
    at: float | None = None
    trace_id: str | None = None

    @property
    def known_status(self) -> int | None:
        """HTTP status: the response's, else the tag's."""
        return self.status if self.response is None else self.response.status

    @property
    def endpoint(self) -> Endpoint | None:
        """Host and port that answered."""
        return None if self.response is None else self.response.endpoint

    @property
    def session(self) -> str | None:
        """Fingerprint of the credential that was sent."""
        return None if self.response is None else self.response.session

    @property
    def started_at(self) -> float | None:
        """When the request was sent, in seconds since the epoch."""
        return None if self.response is None else self.response.started_at

    @property
    def began(self) -> float | None:
        """When the request was sent, by `time.monotonic`."""
        return None if self.response is None else self.response.began

    @property
    def body(self) -> str | None:
        """Text of the response's body, where it was read."""
        return None if self.response is None else self.response.body


_UNKNOWN = Failure()


def stated_tags(domain: str, operation: str, provider: str, status: int | str | None) -> dict[str, str]:
    """Return the five tags of a failed response, as the application's reporting layer sets them."""
    return {
        "domain": domain,
        "operation": operation,
        "provider": provider,
        "status": str(status),
        "failure": FAILED_RESPONSE,
    }


def tags_of(tags: object) -> dict[str, object]:
    """Return the five tags out of a dict or a list of pairs; what is neither has none.

    Never raises: a tag set whose items cannot be read counts as empty.
    """
    try:
        if isinstance(tags, Mapping):
            return {name: tags[name] for name in TAG_NAMES if name in tags}
        if isinstance(tags, Iterable):
            return dict(pair for pair in map(_pair, tags) if pair is not None)
    except Exception:  # noqa: BLE001 - a caller's own container may raise anything; then it is no evidence
        return {}
    return {}


def _pair(item: object) -> tuple[str, object] | None:
    if isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str):
        return (item[0], item[1]) if item[0] in TAG_NAMES else None
    return None


def failure_of_tags(
    tags: object,
    *,
    text: str = "",
    of: Failure = _UNKNOWN,
    is_message: bool = True,
    at: float | None = None,
    trace_id: str | None = None,
) -> Failure:
    """Return the failure that a set of tags states; see `tags_of` for the shapes that are read.

    Args:
        tags: The tags.
        text: As in `Failure`, and so are the others.
        of: What the exception behind it leads to.
        is_message: See `Failure`.
        at: See `Failure`.
        trace_id: See `Failure`.
    """
    found = tags_of(tags)
    return Failure(
        domain=text_tag(found.get("domain")),
        operation=text_tag(found.get("operation")),
        provider=text_tag(found.get("provider")),
        status=status_number(found.get("status")),
        failure=text_tag(found.get("failure")),
        text=text,
        response=of.response,
        raised_while_handling=of.raised_while_handling,
        other_exception=of.other_exception,
        rivals=of.rivals,
        answers=of.answers,
        second_failure=of.second_failure,
        is_message=is_message,
        at=at,
        trace_id=trace_id,
    )


def text_tag(value: object) -> str | None:
    """Return a tag's value as text, None where there is none.

    A value that is neither text nor number becomes its type's name in angle brackets: evidence that is
    there but equals nothing.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return str(value) or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return f"<{type(value).__name__}>"


def status_number(value: object) -> int | None:
    """Return an HTTP status out of a number or text ("401", 401.0, "401 Unauthorized"), else None."""
    if isinstance(value, str):
        value = _leading_number(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 100 <= value <= 599 else None


def _leading_number(text: str) -> int | None:
    head = text.strip()[:4]
    digits = head[:3]
    return int(digits) if digits.isascii() and digits.isdigit() and not head[3:].isdigit() else None
