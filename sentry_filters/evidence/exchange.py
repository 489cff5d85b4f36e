"""The facts of one exchange over HTTP, read off whatever object a client has for it.

Such an object has a status and a URL. Nothing is called but `str` and `geturl`, and the network is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sentry_filters.evidence.attributes import attribute, headers_of, text_of
from sentry_filters.evidence.body_codes import UNKNOWN_BODY, Body, body_if_read, body_of_text, body_of_value
from sentry_filters.evidence.conventions import PROXY_CHALLENGES
from sentry_filters.evidence.credential import Credentials
from sentry_filters.evidence.failure import Response, status_number
from sentry_filters.evidence.hosts import endpoint_of_url, path_of_url

_STATUS_NAMES = ("status_code", "status", "code")
_SCHEMES = ("http://", "https://")
_LONGEST_URL = 8_192
_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_LONGEST_CHALLENGE = 8_192
_PLAIN = (str, bytes, int, float, list, tuple, set, frozenset, type(None), type)

Recorded = Callable[[object], Response | None]
"""Returns what `instrument` recorded about a client's response object, None where it saw none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed for reading facts off foreign objects.

    Args:
        recorded: What `instrument` saw.
        credentials: Finds the credential among a request's headers.
    """

    recorded: Recorded
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one object says about an exchange.

    Args:
        response: The facts.
        received: Whether a client really received the response. litellm attaches responses that it made up:
            they have neither a transport's extensions nor a client's stream.
        holder: The object.
    """

    response: Response
    received: bool
    holder: object


def stated_status(holder: object) -> int | None:
    """Return the HTTP status that an object states, None where it states none.

    Text in `code` is a code of the body: an error in the middle of a healthy stream has `code="401"`.
    """
    for name in _STATUS_NAMES:
        value = attribute(holder, name)
        if name == "code" and not isinstance(value, int):
            continue
        status = status_number(value)
        if status is not None:
            return status
    return None


def exchange_of(holder: object, reading: Reading) -> Exchange | None:
    """Return what `holder` says, None where it has no status or nothing that could be a URL. Never raises."""
    if isinstance(holder, _PLAIN):
        return None
    if isinstance(holder, Mapping):
        return _of_mapping(holder)
    status = stated_status(holder)
    if status is None:
        return None
    facts = reading.recorded(holder)
    if facts is not None:
        return Exchange(with_body(facts, body_if_read(holder)), received=True, holder=holder)
    url = url_of(holder)
    return None if url is None else Exchange(_read(holder, status, url, reading), _received(holder), holder)


def bare_exchange(holder: object, fallback_url: str | None, reading: Reading) -> Exchange | None:
    """Return what an exception's own response says, which counts without a URL, too.

    Args:
        holder: The response.
        fallback_url: The URL of the exception's own request.
        reading: How facts are read.
    """
    found = exchange_of(holder, reading)
    if found is not None or isinstance(holder, (*_PLAIN, Mapping)):
        return found
    status = stated_status(holder)
    if status is None:
        return None
    return Exchange(_read(holder, status, fallback_url or "", reading), _received(holder), holder)


def url_of(holder: object) -> str | None:
    """Return the URL that an object names, relative ones too; None where it names none."""
    relative = None
    for value in (
        attribute(holder, "url"),
        attribute(attribute(holder, "request"), "url"),
        attribute(attribute(holder, "request_info"), "url"),
        _got_url(holder),
    ):
        text = text_of(value)[:_LONGEST_URL]
        if text[:8].lower().startswith(_SCHEMES):
            return text
        if text.startswith("/"):
            relative = text
    return relative


def with_error_body(found: Exchange, error: BaseException) -> Exchange:
    """Return `found` with what the exception itself kept of the body, such as openai's `body` and `code`."""
    kept = attribute(error, "body")
    body = UNKNOWN_BODY
    if isinstance(kept, str | bytes):
        body = body_of_text(kept)
    elif kept is not None and not isinstance(kept, int | float):
        body = body_of_value(kept)
    code = body_of_value({"code": attribute(error, "code")}).codes
    known = with_body(found.response, body)
    return replace(found, response=replace(known, codes=known.codes | code))


def _of_mapping(response: Mapping[object, object]) -> Exchange | None:
    """Read botocore's `ClientError.response`, which knows no URL."""
    try:
        told = response.get("ResponseMetadata")
        status = status_number(told.get("HTTPStatusCode")) if isinstance(told, Mapping) else None
    except Exception:  # noqa: BLE001 - a foreign mapping raises what it likes; then it is no evidence
        return None
    if status is None:
        return None
    facts = with_body(Response(status=status), body_of_value(response.get("Error")))
    return Exchange(facts, received=True, holder=response)


def _read(holder: object, status: int, url: str, reading: Reading) -> Response:
    request = attribute(holder, "request") or attribute(holder, "request_info")
    method = attribute(request, "method") or attribute(holder, "method")
    sent, headers = headers_of(request), headers_of(holder)
    token = None if sent is None else reading.credentials.token(sent)
    facts = Response(
        status=status,
        endpoint=endpoint_of_url(url),
        path=path_of_url(url),
        method=method.upper() if isinstance(method, str) else None,
        by_backend=None if headers is None else answered_by_backend(headers),
        credential=None if sent is None else token is not None,
        session=reading.credentials.session(token),
    )
    return with_body(facts, body_if_read(holder))


def with_body(facts: Response, body: Body) -> Response:
    """Return the facts with what else is known of the body; what is known already stays."""
    return replace(
        facts,
        codes=facts.codes | body.codes,
        body=facts.body or body.text or None,
        body_known=facts.body_known or body.known,
        by_backend=False if body.html else facts.by_backend,
    )


def _received(holder: object) -> bool:
    extensions = attribute(holder, "extensions")
    # Only httpx's and httpx2's responses have extensions, and only those are made up.
    return extensions is None or bool(extensions) or _is_bound(attribute(holder, "stream"))


def _is_bound(stream: object) -> bool:
    """Say whether a client bound a response's stream to itself, as httpx does with mocked transports, too."""
    return type(stream).__name__.startswith("Bound")


def _got_url(holder: object) -> object:
    get_url = attribute(holder, "geturl")
    if not callable(get_url):
        return None
    try:
        return get_url()
    except Exception:  # noqa: BLE001 - as everywhere here: then it is unknown
        return None


def answered_by_backend(headers: Iterable[tuple[str, str]]) -> bool:
    """Say whether nothing in a response's headers shows that another than an API answers.

    Args:
        headers: Names in lower case, and values.
    """
    return not any(_of_another(name, value) for name, value in headers)


def _of_another(name: str, value: str) -> bool:
    if name in PROXY_CHALLENGES:
        return True
    if name == "content-type":
        return "html" in value.lower()
    if name != "www-authenticate":
        return False
    # What is too long to look through is not known to be the backend's.
    return len(value) > _LONGEST_CHALLENGE or any(scheme != "bearer" for scheme in _schemes(value))


def _schemes(value: str) -> Iterator[str]:
    """Yield the schemes of a list of challenges, in lower case (RFC 9110, section 11.6.1)."""
    for part in _QUOTED.sub('""', value).split(","):
        word, _, rest = part.strip().partition(" ")
        if word and "=" not in word and not rest.lstrip().startswith("="):
            yield word.lower()
