"""`guard.instrument()`: whatever client made the call, ours is recognised, and a third party's is kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import requests
import sentry_sdk
import urllib3

from sentry_filters import Policy, Response, SessionExpired, SessionGuard
from sentry_filters.guard import parts_of
from tests.conftest import InitSentry
from tests.support.backend import LLMBackend
from tests.support.callers import CALLERS
from tests.support.failing import TOKEN, by_httpx, by_requests, raised_by
from tests.support.sentry import CapturingTransport

EVERY = pytest.mark.parametrize("client", list(CALLERS))
ROOT = Path(__file__).resolve().parents[2]
SEAMS = [
    (httpx.Client, "_send_single_request"),
    (httpx.AsyncClient, "_send_single_request"),
    (httpx2.Client, "_send_single_request"),
    (httpx2.AsyncClient, "_send_single_request"),
    (requests.Session, "send"),
    (aiohttp.ClientSession, "_request"),
    (aiohttp.ClientResponse, "start"),
    (urllib3.PoolManager, "urlopen"),
    (urllib3.HTTPConnectionPool, "urlopen"),
    (HTTPConnection, "endheaders"),
    (HTTPConnection, "getresponse"),
]
# An exception of urllib's holds its open response until the exception itself is collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def transport(guard: SessionGuard, sentry: InitSentry) -> CapturingTransport:
    """Where Sentry's reports end up; all calls are instrumented."""
    transport = CapturingTransport()
    options: Any = guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport)
    sentry(**options, auto_enabling_integrations=False)  # some of them report what is raised, too
    guard.instrument()
    return transport


@pytest.fixture
def third(backend: LLMBackend) -> Iterator[LLMBackend]:
    """A third party that answers as our own backend does: only its origin distinguishes it."""
    with LLMBackend() as server:
        yield server


def report(act: Callable[[], object]) -> None:
    sentry_sdk.capture_exception(raised_by(act))


def facts_of(guard: SessionGuard, error: BaseException) -> Response:
    (failure,) = parts_of(guard).failures_of(error)
    assert failure.response is not None
    return failure.response


@pytest.mark.promise("silence", "instrument")
@EVERY
def test_our_session_is_published_once_and_not_reported(
    client: str, guard: SessionGuard, backend: LLMBackend, sentry: InitSentry, expired: list[SessionExpired]
) -> None:
    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport))  # and its integrations
    guard.instrument()

    errors = [raised_by(lambda: CALLERS[client](backend.url)) for _ in range(2)]
    for error in errors:
        sentry_sdk.capture_exception(error)
    guard.bus.flush()

    assert transport.events == []
    [event] = expired
    assert (event.status, event.confirmed, event.session) == (401, True, guard.fingerprint(TOKEN))
    for facts in (facts_of(guard, error) for error in errors):
        assert facts.recorded
        assert (str(facts.endpoint), facts.method, facts.credential) == (backend.address, "POST", True)
        assert (facts.body, facts.body_known, facts.by_backend) == (backend.state.body, True, True)


@pytest.mark.promise("rejected-key")
@EVERY
def test_a_code_of_the_body_keeps_the_report(
    client: str, guard: SessionGuard, backend: LLMBackend, transport: CapturingTransport
) -> None:
    backend.state.body = '{"error":{"message":"no","code":"invalid_api_key"}}'

    report(lambda: CALLERS[client](backend.url))

    assert len(transport.events) == 1
    assert guard.gate.is_open


@EVERY
def test_a_third_partys_failure_is_kept_alone_before_ours_after_and_as_fallback(
    client: str,
    guard: SessionGuard,
    backend: LLMBackend,
    third: LLMBackend,
    transport: CapturingTransport,
    expired: list[SessionExpired],
) -> None:
    def in_the_handling_of(first: LLMBackend, then: LLMBackend) -> None:
        try:
            CALLERS[client](first.url)
        except Exception:
            CALLERS[client](then.url)

    report(lambda: CALLERS[client](third.url))
    report(lambda: in_the_handling_of(third, backend))
    report(lambda: in_the_handling_of(backend, third))
    assert len(transport.events) == 3
    assert guard.gate.is_open
    report(lambda: CALLERS[client](backend.url))
    report(lambda: CALLERS[client](third.url))
    report(lambda: in_the_handling_of(backend, third))
    guard.bus.flush()

    assert len(transport.events) == 5
    assert len(expired) == 1


@EVERY
def test_a_living_session_is_seen(
    client: str, guard: SessionGuard, backend: LLMBackend, transport: CapturingTransport
) -> None:
    seen: list[str] = []
    calls = parts_of(guard).calls
    calls._succeeded = lambda _policy, session, _began: seen.append(session)
    backend.state.valid.add(TOKEN)

    CALLERS[client](backend.url)

    assert seen == [guard.fingerprint(TOKEN)]


# Reports that only quote what the wire said

WIRE = "the turn failed: OpenHuman API error (401 Unauthorized): "


def test_words_about_the_one_call_that_failed_are_decided_by_it(
    guard: SessionGuard, backend: LLMBackend, transport: CapturingTransport, expired: list[SessionExpired]
) -> None:
    sentry_sdk.capture_message(WIRE)
    assert len(transport.events) == 1, "no call is known to have failed"

    raised_by(lambda: CALLERS["httpx"](backend.url))
    sentry_sdk.capture_message(WIRE)
    guard.bus.flush()

    assert len(transport.events) == 1
    assert [(one.confirmed, one.session) for one in expired] == [(True, guard.fingerprint(TOKEN))]


def test_words_are_kept_where_several_calls_failed(
    guard: SessionGuard, backend: LLMBackend, third: LLMBackend, transport: CapturingTransport
) -> None:
    for server in (backend, third):
        raised_by(partial(CALLERS["httpx"], server.url))
    sentry_sdk.capture_message(WIRE)

    assert len(transport.events) == 1
    assert guard.gate.is_open


def test_words_are_kept_where_the_call_succeeded_at_last(
    guard: SessionGuard, backend: LLMBackend, transport: CapturingTransport
) -> None:
    raised_by(lambda: CALLERS["httpx"](backend.url))
    backend.state.valid.add(TOKEN)
    CALLERS["httpx"](backend.url)
    sentry_sdk.capture_message(WIRE)

    assert len(transport.events) == 1
    assert guard.gate.is_open


def test_words_are_kept_in_another_task(
    guard: SessionGuard, backend: LLMBackend, transport: CapturingTransport
) -> None:
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(raised_by, lambda: CALLERS["httpx"](backend.url)).result()
    sentry_sdk.capture_message(WIRE)

    assert len(transport.events) == 1


# How it is switched on and off


@pytest.mark.promise("instrument")
def test_clients_made_before_and_after_are_seen(guard: SessionGuard, backend: LLMBackend) -> None:
    url = f"{backend.url}/chat/completions"
    with httpx.Client() as before, requests.Session() as session:
        guard.instrument()
        with httpx.Client() as after:
            answers = [
                before.post(url, json={}),
                after.post(url, json={}),
                session.post(url, json={}, timeout=5),
            ]

    assert all(parts_of(guard).calls.recorded(answer) for answer in answers)


def test_uninstrument_leaves_everything_as_it_was(guard: SessionGuard, backend: LLMBackend) -> None:
    before = [vars(owner)[name] for owner, name in SEAMS]
    guard.instrument()
    guard.instrument()
    assert all(vars(owner)[name] is not was for (owner, name), was in zip(SEAMS, before, strict=True))
    finders = len(sys.meta_path)

    guard.uninstrument()

    assert [vars(owner)[name] for owner, name in SEAMS] == before
    assert len(sys.meta_path) < finders
    error = raised_by(lambda: by_httpx(backend.url))
    assert not facts_of(guard, error).recorded
    guard.uninstrument()


def test_a_guard_that_is_closed_leaves_everything_as_it_was(backend: LLMBackend) -> None:
    before = vars(httpx.Client)["_send_single_request"]
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}))
    guard.instrument()

    guard.close()

    assert vars(httpx.Client)["_send_single_request"] is before


@pytest.mark.parametrize("first_out", [0, 1])
def test_two_guards_record_each_for_itself_and_end_in_any_order(first_out: int, backend: LLMBackend) -> None:
    before = [vars(owner)[name] for owner, name in SEAMS]
    guards = [SessionGuard(Policy(provider="OpenHuman", hosts={backend.address})) for _ in range(2)]
    for guard in guards:
        guard.instrument()

    error = raised_by(lambda: by_requests(backend.url))
    one, two = (facts_of(guard, error) for guard in guards)
    assert one.recorded
    assert two.recorded
    assert one.session != two.session, "fingerprints are keyed per guard"

    guards.pop(first_out).uninstrument()
    assert facts_of(guards[0], raised_by(lambda: by_requests(backend.url))).recorded
    guards[0].uninstrument()
    assert [vars(owner)[name] for owner, name in SEAMS] == before


def test_a_wrapper_that_came_later_stays(
    guard: SessionGuard, backend: LLMBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    guard.instrument()
    ours = vars(requests.Session)["send"]

    def theirs(session: Any, request: Any, **options: Any) -> Any:
        seen.append(request.url)
        return ours(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", theirs)
    guard.uninstrument()

    assert vars(requests.Session)["send"] is theirs
    error = raised_by(lambda: by_requests(backend.url))
    assert seen
    assert not facts_of(guard, error).recorded


IMPORTED_LATER = """
import sys
from sentry_filters import Policy, SessionGuard
from sentry_filters.guard import parts_of
guards = [SessionGuard(Policy(provider="OpenHuman", hosts={sys.argv[1]})) for _ in range(2)]
for guard in guards:
    guard.instrument()
libraries = {"httpx", "httpx2", "requests", "aiohttp"}
print(sorted(libraries & set(sys.modules)))
import httpx, importlib.util, requests
url = f"http://{sys.argv[1]}/v1/chat/completions"
for guard in guards:
    print([bool(parts_of(guard).calls.recorded(one.post(url, json={}))) for one in (httpx, requests)])
print(type(httpx.__spec__.loader).__name__, type(httpx.__loader__).__name__)
"""


def test_what_is_imported_later_is_instrumented_then_and_nothing_is_imported_for_it(
    backend: LLMBackend,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_LATER, backend.address],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip

    assert done.stdout.splitlines() == [
        "[]", "[True, True]", "[True, True]", "SourceFileLoader SourceFileLoader",
    ], done.stderr  # fmt: skip


def test_a_library_without_the_seam_is_told_of_once_and_left_alone(
    guard: SessionGuard,
    backend: LLMBackend,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delattr(aiohttp.ClientSession, "_request")

    guard.instrument()
    guard.instrument()

    assert caplog.text.count("calls of aiohttp cannot be recorded") == 1
    assert facts_of(guard, raised_by(lambda: by_requests(backend.url))).recorded


@pytest.mark.parametrize("client", ["requests", "aiohttp", "httpx"])
def test_a_fault_of_ours_never_reaches_the_call(
    client: str, guard: SessionGuard, backend: LLMBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, own: bool) -> None:
        raise RuntimeError(TOKEN, own)

    monkeypatch.setattr(guard.redactor, "register_sent", broken)
    guard.instrument()

    assert "401" in str(raised_by(lambda: CALLERS[client](backend.url)))
    assert guard.counters.get("faults", "http") > 0


# Sentry's list of integrations


def test_an_integration_switches_it_on(
    guard: SessionGuard, backend: LLMBackend, sentry: InitSentry, expired: list[SessionExpired]
) -> None:
    transport = CapturingTransport()
    options: Any = guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport)
    client = sentry(**options, integrations=[guard.integration()])

    report(lambda: CALLERS["urllib3"](backend.url))
    guard.bus.flush()

    assert client.get_integration("sentry_filters") is not None
    assert transport.events == []
    assert [event.confirmed for event in expired] == [True]


def test_botocore_is_seen_although_sentry_gave_its_connections_other_methods(
    guard: SessionGuard, backend: LLMBackend, sentry: InitSentry
) -> None:
    sentry(dsn="http://a@127.0.0.1:1/1", transport=CapturingTransport)
    guard.instrument()

    assert facts_of(guard, raised_by(lambda: CALLERS["botocore"](backend.url))).recorded
