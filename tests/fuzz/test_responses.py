"""Target: what a backend answers: bodies and headers that lie."""

from __future__ import annotations

import json
from typing import Any

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from sentry_filters import Policy, SessionGuard, recognise
from sentry_filters.guard import parts_of
from tests.fuzz.strategies import CANARY, HOST, PROVIDER, any_text, json_values, quick, statements

_EVENTS: list[Any] = []
_GUARD = SessionGuard(Policy(provider=PROVIDER, hosts={HOST}), _EVENTS.append)
_VETOES = tuple(_GUARD.policy.not_session_codes)

_codes = st.sampled_from([*_VETOES, "INVALID_API_KEY", "session_expired", "401", CANARY]) | any_text
_fields = st.sampled_from(
    ["error", "code", "errorCode", "error_code", "detail", "errors", "message", "\u0441ode"]
)
_answers = st.recursive(
    _codes | st.none() | st.integers() | st.sampled_from([1e308, 10**400]) | statements,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_fields, inner, max_size=4),
    max_leaves=10,
)
_odd_bodies = st.sampled_from(
    [
        b"", b"[" * 20_000, b'{"error":' * 5_000, b"1" * 10_000, b'{"code": ' + b"9" * 5_000 + b"}",
        b'{"code": 1e999999}', b"\xff\xfe{\x00}\x00", b"\x1f\x8b\x08", b'{"code": "a", "code": "b"}', b"NaN",
        b'{"code": "\\ud800"}', b"\x00" * 1_000, b'"' + b"\\" * 5_001, b"<html>401</html>", CANARY.encode(),
    ]
)  # fmt: skip
_encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-7"])
_bodies = (
    _odd_bodies
    | st.binary(max_size=40)
    | st.builds(
        lambda value, encoding: json.dumps(value).encode(encoding), _answers | json_values, _encodings
    )
)
_headers = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(
            ["application/json; charset=utf-16", "text/html; charset=none", "application/json", "\xff", ""]
        ),
        "x-trace": st.just(CANARY),
        "retry-after": st.sampled_from(["-1", "9" * 400]),
    },
)


def refused(host: str, status: int, body: bytes, headers: dict[str, str]) -> Exception | None:
    """Return what a call to `host` raises, seen by the guard."""
    sent = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answers = httpx.MockTransport(lambda request: httpx.Response(status, content=body, headers=sent))
    with _GUARD.instrument(httpx.Client(transport=answers)) as client:
        try:
            sent_with = {"authorization": "Bearer token"}
            client.post(f"https://{host}/v1/chat/completions", headers=sent_with).raise_for_status()
        except Exception as error:
            return error
    return None


@quick
@given(body=_bodies, headers=_headers, status=st.sampled_from([401, 403]))
@example(body=b"\xef\xbb\xbf" + b'{"code": "invalid_api_key"}', headers={}, status=401)
def test_the_backends_own_refusal_is_an_expiry_unless_a_code_may_say_otherwise(
    body: bytes, headers: dict[str, str], status: int
) -> None:
    faults = _GUARD.counters.get("faults")
    error = refused(HOST, status, body, headers)
    assert isinstance(error, httpx.HTTPStatusError), error

    (failure,) = parts_of(_GUARD).failures_of(error)
    verdict = recognise(failure, _GUARD.policy)
    _GUARD.before_send({}, {"exc_info": (type(error), error, None)})

    lies = "utf-16" in headers.get("content-type", "")
    assert not verdict.confirmed or lies or plain_code(body) not in _VETOES
    if is_plain_refusal(body) and status == 401 and not headers:
        assert verdict.confirmed
    assert _GUARD.counters.get("faults") == faults
    _GUARD.bus.flush()
    assert all(len(event.reason) <= 200 and CANARY not in repr(event) for event in _EVENTS)
    _EVENTS.clear()


@quick
@given(body=_bodies, headers=_headers, status=st.sampled_from([401, 403, 400, 500, 200]))
def test_no_body_and_no_header_of_a_third_party_makes_a_drop(
    body: bytes, headers: dict[str, str], status: int
) -> None:
    error = refused("api.openai.com", status, body, headers)

    if error is not None:
        tags = {"provider": PROVIDER, "status": "401", "operation": "chat", "domain": "llm_provider"}
        assert _GUARD.before_send({"tags": tags}, {"exc_info": (type(error), error, None)}) is not None


def is_plain_refusal(body: bytes) -> bool:
    """Say whether a body is JSON of UTF-8 without any of the veto's codes, whatever it says otherwise."""
    try:
        json.loads(body.decode())
    except (ValueError, RecursionError):
        return False
    folded = body.lower().translate(None, b"-_ \\\t\r\n").decode()
    return len(body) < 1_000 and not any(code.replace("_", "") in folded for code in _VETOES)


def plain_code(body: bytes) -> object:
    """Return the code at the top of a body of UTF-8, with a byte order mark or without."""
    try:
        read = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    code = read.get("code") if isinstance(read, dict) else None
    return code.lower() if isinstance(code, str) else None
