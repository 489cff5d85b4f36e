"""A third party's failure is never dropped, whatever it is wrapped in, beside our own and with any client."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentry_filters import Policy, SessionGuard, Verdict, recognise
from sentry_filters.guard import parts_of
from sentry_filters.sentry.evidence import failures_of_event
from tests.support.backend import LLMBackend
from tests.support.compositions import in_the_handling, one_from_the_other
from tests.support.failing import CALLS, RefusedError, by_httpx, by_requests, raised_by

REFUSED = '{"success":false,"error":"Invalid token"}'
# An exception of urllib's holds its open response until the exception itself is collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CLIENTS = pytest.mark.parametrize("client", list(CALLS))
# Its response does not know the host: what it is about cannot be known.
WITH_ORIGIN = [name for name in CALLS if name != "urllib3"]


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Collect those exceptions here, where their warnings are ignored, and not in the next file's tests."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def ours() -> Iterator[LLMBackend]:
    with LLMBackend() as server:
        yield server


@pytest.fixture(scope="module")
def third() -> Iterator[LLMBackend]:
    """Answers as our own backend does: only its origin distinguishes it."""
    with LLMBackend() as server:
        yield server


@pytest.fixture(scope="module")
def judge(ours: LLMBackend) -> Judge:
    return Judge(Policy(provider="OpenHuman", hosts={ours.address}))


class Judge:
    """Judges reports as `before_send` does."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.failures_of = parts_of(SessionGuard(policy, lambda event: None)).failures_of

    def of(self, error: BaseException | None, *, event: Any = None, record: Any = None) -> list[Verdict]:
        hint: dict[str, object] = {} if error is None else {"exc_info": (type(error), error, None)}
        if record is not None:
            hint["log_record"] = record
        return [recognise(one, self.policy) for one in failures_of_event(event or {}, hint, self.failures_of)]

    def silences(self, error: BaseException | None, **report: Any) -> bool:
        """Say whether a report could be dropped, words included: they are where a session is known dead."""
        return all(verdict.drop for verdict in self.of(error, **report))


class MadeUp(Exception):
    """As litellm's: a status, and a response that no client ever received."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.status_code = 401
        self.response = httpx.Response(401, request=httpx.Request("POST", "https://litellm.example/v1"))


class StatesOnlyItsStatus(Exception):
    """As cohere's and dspy's."""

    status_code = 401


Step = Callable[[], object]


def wrapped(first: Step, then: Step) -> None:
    try:
        in_the_handling(first, then)
    except Exception as error:
        raise RuntimeError(f"the turn failed: {error}") from error


def grouped(first: Step, then: Step) -> None:
    raise BaseExceptionGroup("tasks", [raised_by(first), raised_by(then)])


def translated(first: Step, then: Step) -> None:
    in_the_handling(first, lambda: translate(then))


def translate(act: Step) -> None:
    try:
        act()
    except Exception as error:
        raise MadeUp(f"litellm.AuthenticationError: {error}")  # noqa: B904 - as litellm does it


def by_future(first: Step, then: Step) -> None:
    with ThreadPoolExecutor(1) as pool:
        in_the_handling(first, lambda: pool.submit(translate, then).result())


def by_task(first: Step, then: Step) -> None:
    async def attempt() -> None:
        try:
            await asyncio.to_thread(then)
        except Exception as error:
            raise MadeUp(str(error))  # noqa: B904 - as litellm does it

    async def main() -> None:
        try:
            await asyncio.to_thread(first)
        except Exception:
            await asyncio.create_task(attempt())

    asyncio.run(main())


def stored(first: Step, then: Step) -> None:
    kept = raised_by(lambda: translate(then))
    try:
        first()
    except Exception:
        raise kept  # noqa: B904 - a fallback that gives up raises what it kept


def stored_beside(first: Step, then: Step) -> None:
    kept: Exception = RuntimeError()
    try:
        translate(then)
    except Exception as error:
        kept = error
    try:
        first()
    except Exception:
        raise kept  # noqa: B904 - as above, in the frame that has caught both


def again(act: Step) -> None:
    try:
        translate(act)
    except Exception as error:
        raise error


def raised_again(first: Step, then: Step) -> None:
    in_the_handling(first, lambda: again(then))


def as_argument(first: Step, then: Step) -> None:
    raise RuntimeError("all attempts failed", raised_by(first), raised_by(then))


def as_attribute(first: Step, then: Step) -> None:
    error: Any = RuntimeError("all attempts failed")
    error.attempts, error.last = [raised_by(first)], raised_by(then)
    raise error from raised_by(first)


SHAPES = [
    one_from_the_other, in_the_handling, wrapped, grouped, translated, by_future, by_task, stored,
    stored_beside, raised_again, as_argument, as_attribute,
]  # fmt: skip


@CLIENTS
def test_our_own_failure_is_a_fact_with_every_client_that_names_the_origin(
    client: str, ours: LLMBackend, judge: Judge
) -> None:
    [verdict] = judge.of(raised_by(lambda: CALLS[client](ours.url)))

    expected = (True, "fact", True) if client in WITH_ORIGIN else (False, "statement", False)
    # botocore's error says what its body does; the others' bodies may be gone unread.
    if client in ("aiohttp", "urllib"):
        expected = (True, "words", False)
    assert (verdict.drop, verdict.grade, verdict.confirmed) == expected


@pytest.mark.promise("third-party")
@CLIENTS
def test_a_third_partys_failure_is_kept_with_every_client(
    client: str, third: LLMBackend, judge: Judge
) -> None:
    assert not judge.silences(raised_by(lambda: CALLS[client](third.url)))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@CLIENTS
def test_a_third_partys_failure_after_ours_is_kept(
    client: str, shape: Callable[[Step, Step], None], ours: LLMBackend, third: LLMBackend, judge: Judge
) -> None:
    error = raised_by(lambda: shape(lambda: by_httpx(ours.url), lambda: CALLS[client](third.url)))

    assert not judge.silences(error)


@pytest.mark.parametrize("client", WITH_ORIGIN)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_third_partys_failure_before_ours_is_kept(
    client: str, shape: Callable[[Step, Step], None], ours: LLMBackend, third: LLMBackend, judge: Judge
) -> None:
    error = raised_by(lambda: shape(lambda: CALLS[client](third.url), lambda: by_httpx(ours.url)))

    assert not judge.silences(error)


@pytest.mark.promise("third-party", "all-evidence")
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_nesting_silences_a_third_party(
    data: st.DataObject, ours: LLMBackend, third: LLMBackend, judge: Judge
) -> None:
    """Nest shapes: somewhere within, a third party fails, and it is never dropped."""
    names = st.sampled_from(list(CALLS))

    def step(depth: int, url: str) -> Step:
        if depth == 0 or data.draw(st.booleans()):
            call = CALLS[data.draw(names)]
            return lambda: call(url)
        inner, shape = step(depth - 1, url), data.draw(st.sampled_from(SHAPES))
        beside = step(0, data.draw(st.sampled_from([ours.url, url])))
        return lambda: shape(beside, inner)

    failing, shape = step(2, third.url), data.draw(st.sampled_from(SHAPES))
    error = raised_by(lambda: shape(lambda: by_httpx(ours.url), failing))

    assert not judge.silences(error)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    client=st.sampled_from(list(CALLS)),
    text=st.sampled_from(["%s / %s", "%s (was: %s)", "turn failed: %s, then %s"]),
    swapped=st.booleans(),
    as_text=st.booleans(),
)
def test_no_log_call_silences_a_third_party(
    client: str, text: str, swapped: bool, as_text: bool, ours: LLMBackend, third: LLMBackend, judge: Judge
) -> None:
    mine, theirs = raised_by(lambda: by_httpx(ours.url)), raised_by(lambda: CALLS[client](third.url))
    args = (theirs, mine) if swapped else (mine, theirs)
    shown: Any = tuple(str(arg) if arg is theirs and as_text else arg for arg in args)
    record = logging.LogRecord("agent", logging.ERROR, "f", 1, text, shown, None)
    event = {"logentry": {"formatted": text % args, "message": text}, "level": "error"}

    assert not judge.silences(None, event=event, record=record)


def test_a_log_is_about_the_exception_in_flight_whose_text_it_holds(ours: LLMBackend, judge: Judge) -> None:
    try:
        by_requests(ours.url)
    except Exception as error:
        about = {"logentry": {"formatted": f"the turn failed: {error}"}}
        [verdict] = judge.of(None, event=about)
        other = judge.of(None, event={"logentry": {"formatted": "the cache failed"}})
        second = judge.of(None, event={"logentry": {"formatted": f"{error}; 401 by the other, too"}})

    assert (verdict.drop, verdict.grade) == (True, "fact")
    assert not other[0].drop
    assert not second[0].drop


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{mine}; then Client error '401 Unauthorized' for url 'https://x.example'", id="both"),
        pytest.param("fallback: 401 Client Error for url: https://x.example/v1/chat", id="its URL"),
        pytest.param("fallback: Error code: 401 - {{'code': 'invalid_api_key'}}", id="its code"),
        pytest.param("{mine}; fallback: HTTP 500", id="its status"),
        pytest.param("llm.KeyError: HTTP 401\n\nFallback failed: llm.KeyError: no such key", id="its class"),
    ],
)
def test_what_an_exception_quotes_beside_ours_keeps_it(text: str, ours: LLMBackend, judge: Judge) -> None:
    def act(text: str) -> None:
        try:
            by_httpx(ours.url)
        except httpx.HTTPStatusError as error:
            raise RuntimeError(text.format(mine=error)) from error

    assert judge.silences(raised_by(lambda: act("HTTP 401, see {mine!r}")))
    assert judge.silences(raised_by(lambda: act("llm.KeyError: llm.KeyError: HTTP 401")))
    assert not judge.silences(raised_by(lambda: act(text)))


def test_a_log_call_with_our_exception_alone_is_ours(ours: LLMBackend, judge: Judge) -> None:
    error = raised_by(lambda: by_httpx(ours.url))  # whose text has two lines, and its status in both
    record = logging.LogRecord("agent", logging.ERROR, "f", 1, "failed: %s", (error,), None)

    assert judge.silences(None, event={"logentry": {"formatted": f"failed: {error}"}}, record=record)


def test_a_log_call_with_our_exception_and_its_body_is_ours(ours: LLMBackend, judge: Judge) -> None:
    ours.state.body = '{"error":"Invalid token","status":401}'
    error = raised_by(lambda: by_httpx(ours.url))

    def silences(text: str) -> bool:
        record = logging.LogRecord("agent", logging.ERROR, "f", 1, "failed: %s: %s", (error, text), None)
        return judge.silences(
            None, event={"logentry": {"formatted": f"failed: {error}: {text}"}}, record=record
        )

    assert silences(ours.state.body)
    assert not silences('{"error":"Invalid API key"}')


def test_a_third_party_in_flight_keeps_what_is_reported_beside_it(
    ours: LLMBackend, third: LLMBackend, judge: Judge
) -> None:
    mine = raised_by(lambda: by_httpx(ours.url))
    tags = {
        "domain": "llm_provider", "operation": "chat", "provider": "OpenHuman", "status": 401,
        "failure": "non_2xx",
    }  # fmt: skip
    assert judge.silences(mine)
    assert judge.silences(None, event={"tags": tags})

    try:
        by_httpx(third.url)
    except httpx.HTTPStatusError:
        assert not judge.silences(mine)
        assert not judge.silences(None, event={"tags": tags})


class HTTPException(Exception):
    """As starlette's and werkzeug's: what the application answers to its own caller."""

    def __init__(self, status_code: int, detail: str) -> None:
        super().__init__(f"{status_code}: {detail}")
        self.status_code = status_code


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda error: HTTPException(403, "sign in again"), id="own server, other status"),
        pytest.param(lambda error: HTTPException(401, str(error)), id="own server, text of ours"),
        pytest.param(lambda error: OSError(f"cannot save: {error}"), id="OSError"),
        pytest.param(lambda error: KeyError("a bug"), id="a bug"),
        pytest.param(lambda error: ValueError(f"invalid literal: {str(error)!r}"), id="its text as a value"),
        pytest.param(lambda error: RefusedError("HTTP 500"), id="another status"),
    ],
)
def test_an_exception_with_another_job_is_kept(
    make: Callable[[object], Exception], ours: LLMBackend, judge: Judge
) -> None:
    def act() -> None:
        try:
            by_httpx(ours.url)
        except httpx.HTTPStatusError as error:
            raise make(error)  # noqa: B904 - raised in the handling

    assert not judge.silences(raised_by(act))


@pytest.mark.parametrize("make", [MadeUp, StatesOnlyItsStatus, RuntimeError])
def test_an_exception_that_only_translates_ours_is_ours(
    make: Callable[[str], Exception], ours: LLMBackend, judge: Judge
) -> None:
    def act() -> None:
        try:
            by_httpx(ours.url)
        except httpx.HTTPStatusError as error:
            raise make(f"chat failed: {error}")  # noqa: B904 - as litellm does it

    [verdict] = judge.of(raised_by(act))

    assert (verdict.drop, verdict.grade) == (True, "fact")


def test_reading_evidence_leaves_the_exception_in_flight_alone(ours: LLMBackend, judge: Judge) -> None:
    try:
        by_httpx(ours.url)
    except httpx.HTTPStatusError as error:
        judge.of(error)
        left = sys.exception(), error
    assert left[0] is left[1]
