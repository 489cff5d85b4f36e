"""Target: headers: what is propagated to other services, and what a request's credential is read from."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from urllib.parse import quote_plus, unquote, unquote_plus

from hypothesis import strategies as st
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel.propagator import RedactingPropagator
from sentry_filters import Redactor
from sentry_filters.evidence.credential import Credentials, Fingerprinter, expires_at, token_of
from sentry_filters.evidence.exchange import answered_by_backend
from tests.fuzz import oracle
from tests.fuzz.planting import KNOWN, harmless, planted
from tests.fuzz.targets import of_bytes

_REDACTOR = Redactor()
_REDACTOR.register(KNOWN)
_W3C = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
_OURS = RedactingPropagator(_W3C, _REDACTOR)
_CREDENTIALS = Credentials(("authorization", "x-api-key"), Fingerprinter(b"key"))
_PARENT = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

SEEDS = (
    _PARENT + b"\ntracestate: vendor=\x1a,other=1\nbaggage: user=ann,token=\x1a;p=1,\x1c=2",
    _PARENT + b"\nbaggage: password=x,%73ecret=\x1a,a=%5Bb%5D\ntracestate: k@v=\x1c",
    b"authorization: Bearer \x1a\nx-api-key: \x1c\nserver: cloudflare\nvia: 1.1 proxy",
    b"authorization: bearer  null\nwww-authenticate: Bearer error=invalid_token",
)
WORDS = (
    b"traceparent: ", b"tracestate: ", b"baggage: ", b"authorization: ", b"x-api-key: ", b"Bearer ", b"\x1a",
    b"\x1c",
    b"%3D", b"%2C", b"%1A", b";", b",", b"=", b"secret", b"token=", b"password=", b"undefined", b".e30.",
)  # fmt: skip
_lines = st.lists(
    st.sampled_from(SEEDS) | st.lists(st.sampled_from(WORDS) | st.binary(max_size=6),
    max_size=8).map(b"".join),
    max_size=3,
).map(b"\n".join)  # fmt: skip


def headers_in(data: bytes) -> dict[str, str]:
    """Return headers, of a line each."""
    text = planted(data).encode("utf-8", "surrogateescape").decode("latin-1")  # as servers read them
    lines = (line.partition(":") for line in text.split("\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines if name.strip()}


@of_bytes(_lines)
def test_no_secret_is_propagated_and_the_trace_goes_on(data: bytes) -> None:
    received = headers_in(data)
    context = _W3C.extract(received, Context())

    sent = injected(_OURS, context)

    for value in sent.values():
        assert not oracle.holds_the_canary(value, unquote(value), unquote_plus(value))
        assert KNOWN not in value + unquote(value)
    assert sent.get("traceparent") == injected(_W3C, context).get("traceparent")
    again = _W3C.extract(sent, Context())  # without an entry whose name was a blank: it is sent, and not read
    assert injected(_OURS, again) == injected(_W3C, again)


@of_bytes(st.binary(max_size=40))
def test_plain_baggage_is_propagated_as_without_us(data: bytes) -> None:
    words = [word for word in harmless(data).split() if word.isalpha()]
    entries = {word: quote_plus(" ".join(words[place : place + 3])) for place, word in enumerate(words)}
    received = {"baggage": ",".join(f"{name}={value}" for name, value in entries.items())}
    context = _W3C.extract(received, Context())

    assert injected(_OURS, context) == injected(_W3C, context)


@of_bytes(_lines)
def test_any_headers_have_a_credential_or_none_which_its_name_does_not_show(data: bytes) -> None:
    headers = list(headers_in(data).items())

    answered_by_backend(headers)
    token = _CREDENTIALS.token(headers)
    name = _CREDENTIALS.session(token)

    assert (name is None) == (token is None)
    if token is not None and name is not None:
        assert token
        assert token == token.strip()
        assert len(name) == 12
        assert _CREDENTIALS.session(f"Bearer {token}") == name or token_of(token) != token


@of_bytes(st.binary(max_size=40) | st.builds(lambda value: json.dumps({"exp": value}).encode(), st.floats()))
def test_any_token_has_a_finite_end_or_none(data: bytes) -> None:
    claims = base64.urlsafe_b64encode(data).decode().rstrip("=")
    for credential in (data.decode("utf-8", "replace"), f"Bearer e30.{claims}.x", f"e30.{claims}=.x"):
        end = expires_at(credential)
        assert end is None or math.isfinite(end)


def injected(propagator: RedactingPropagator | CompositePropagator, context: Context) -> Mapping[str, str]:
    """Return the headers that `propagator` writes."""
    carrier: dict[str, str] = {}
    propagator.inject(carrier, context)
    return carrier
