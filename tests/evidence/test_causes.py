from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest

from sentry_filters import Endpoint, Failure, Response
from sentry_filters.evidence import Credentials, Fingerprinter, Reading, failures_of
from tests.support.failing import raised_by

OURS = "https://api.example.ai/v1/chat/completions"


class ApiError(Exception):
    """Shaped like the SDKs' errors: it states its status, and may carry the response."""

    def __init__(self, message: str, status_code: int | None = None, response: object = None) -> None:
        super().__init__(message)
        if status_code is not None:
            self.status_code = status_code
        self.response = response


CREDENTIALS = Credentials(("authorization",), Fingerprinter(b"key"))


def reading(recorded: Callable[[object], Response | None] = lambda response: None) -> Reading:
    """Where no client was instrumented, if nothing else is said."""
    return Reading(recorded, CREDENTIALS)


unseen = reading()


def received(status: int, url: str = OURS, text: str = "{}") -> httpx.Response:
    """A response as a client's transport delivers it."""
    request = httpx.Request("POST", url)
    return httpx.Response(status, text=text, request=request, extensions={"http_version": b"HTTP/1.1"})


def only(error: BaseException) -> Failure:
    [cause] = failures_of(error, unseen)
    return cause


def status_of(error: BaseException) -> int | None:
    response = only(error).response
    return None if response is None else response.status


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_status_error_leads_to_status_host_and_path(library: Any) -> None:
    response = library.Response(
        401, request=library.Request("POST", OURS), text='{"errorCode":"UNAUTHORIZED","error":{"code":"x"}}'
    )

    cause = only(raised_by(response.raise_for_status))

    assert cause.response == Response(
        status=401,
        endpoint=Endpoint("api.example.ai", 443),
        path="/v1/chat/completions",
        method="POST",
        codes=frozenset({"unauthorized", "x"}),
        credential=False,
        by_backend=True,
        body_known=True,
        body='{"errorCode":"UNAUTHORIZED","error":{"code":"x"}}',
    )


def test_facts_recorded_on_the_wire_win() -> None:
    response = received(401)
    seen = Response(status=401, session="abc", recorded=True)

    [cause] = failures_of(
        ApiError("no", 401, response), reading(lambda received: seen if received is response else None)
    )

    assert cause.session == "abc"


def test_explicit_cause_is_followed() -> None:
    def act() -> None:
        try:
            raise ApiError("no", response=received(401))
        except ApiError as error:
            raise RuntimeError("turn failed") from error

    assert status_of(raised_by(act)) == 401


def test_an_error_raised_while_handling_is_its_own() -> None:
    def act() -> None:
        try:
            raise ApiError("no", response=received(401))
        except ApiError:
            raise KeyError("bug")  # noqa: B904 - the bug under test

    cause = only(raised_by(act))

    assert cause.response is None
    assert cause.raised_while_handling


def test_translation_that_states_the_status_is_followed_to_the_real_response() -> None:
    made_up = httpx.Response(401, request=httpx.Request("GET", "https://litellm.example"))

    def act() -> None:
        try:
            raise ApiError("no", response=received(401))
        except ApiError:
            raise ApiError("litellm: no", 401, made_up)  # noqa: B904 - as litellm does it

    cause = only(raised_by(act))

    assert cause.response is not None
    assert cause.response.endpoint == Endpoint("api.example.ai", 443)


@pytest.mark.parametrize("again", [False, True])
def test_translation_may_be_raised_again_where_it_was_made(*, again: bool) -> None:
    made_up = httpx.Response(401, request=httpx.Request("GET", "https://litellm.example"))

    def translate() -> None:
        try:
            raise ApiError("litellm: no", 401, made_up)
        except ApiError as error:
            if again:
                raise error
            raise

    def act() -> None:
        try:
            raise ApiError("no", response=received(401))
        except ApiError:
            translate()

    cause = only(raised_by(act))

    assert cause.response is not None
    assert cause.response.endpoint == Endpoint("api.example.ai", 443)


def test_response_from_the_wire_is_not_overruled_by_an_earlier_failure() -> None:
    def act() -> None:
        try:
            raise ApiError("ours", 401, received(401))
        except ApiError:
            raise ApiError("theirs", 401, received(401, "https://other.example/v1"))  # noqa: B904

    cause = only(raised_by(act))

    assert cause.response is not None
    assert cause.response.endpoint == Endpoint("other.example", 443)


def test_a_group_has_one_cause_for_each_leaf() -> None:
    unauthorized = ApiError("no", response=received(401))
    inner = ExceptionGroup("inner", [unauthorized, ValueError("bug")])

    causes = failures_of(ExceptionGroup("outer", [unauthorized, inner]), unseen)

    assert [cause.response is not None for cause in causes] == [True, True, False]


def test_group_behind_a_wrapper_counts_every_leaf() -> None:
    wrapper = RuntimeError("tasks failed")
    wrapper.__cause__ = ExceptionGroup("g", [ApiError("no", response=received(401)), ValueError("bug")])

    assert [cause.response is not None for cause in failures_of(wrapper, unseen)] == [True, False]


def test_cycle_ends() -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first

    assert only(first).text == "a\nb"


def test_deeply_nested_groups_end_and_prove_nothing() -> None:
    error: Exception = ApiError("no", response=received(401))
    for _ in range(5_000):
        error = ExceptionGroup("g", [error])

    assert all(cause.response is None for cause in failures_of(error, unseen))


def test_huge_group_is_kept_by_a_cause_without_evidence() -> None:
    group = ExceptionGroup("g", [ApiError("no", response=received(401)) for _ in range(1_000)])

    assert failures_of(group, unseen)[-1] == Failure(text="")


class OddFields:
    status_code = "401"
    url = 7
    extensions = 3
    text = b""


class Hostile(Exception):
    """Raises on every access."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: Hostile(), id="error"),
        pytest.param(lambda: ApiError("x", response=Hostile()), id="response"),
        pytest.param(lambda: ApiError("x", response={"status_code": 401}), id="a dict"),
        pytest.param(lambda: ApiError("x", response="text"), id="a text"),
        pytest.param(lambda: ApiError("x", response=httpx.Response(401)), id="no request"),
        pytest.param(
            lambda: ApiError("x", 401, httpx.Response(401, stream=httpx.ByteStream(b"{}"))), id="unread"
        ),
        pytest.param(lambda: ApiError("x", response=OddFields()), id="odd fields"),
    ],
)
def test_strange_exceptions_get_an_answer(make: Callable[[], BaseException]) -> None:
    assert len(failures_of(make(), unseen)) == 1


def test_an_unread_response_is_left_unread() -> None:
    stream = httpx.ByteStream(b'{"code":"x"}')
    response = httpx.Response(401, stream=stream, request=httpx.Request("POST", OURS))

    cause = only(ApiError("x", response=response))

    assert cause.response is not None
    assert cause.response.body is None
    assert not response.is_stream_consumed


class HidesItsCause(Exception):
    status_code = 401

    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError("cause")

    @property
    def __context__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError("context")


class OddCause(Exception):
    __cause__: Any = "a text"


class HidesItsLeaves(ExceptionGroup[Exception]):
    @property
    def exceptions(self) -> tuple[Exception, ...]:
        raise RuntimeError("exceptions")


@pytest.mark.parametrize("error", [HidesItsCause("x"), OddCause("x")], ids=["raising", "no exception"])
def test_a_cause_that_cannot_be_read_is_none(error: BaseException) -> None:
    assert failures_of(error, unseen) == (Failure(text="x"),)


def test_a_group_that_cannot_be_inspected_is_not_evidence_whatever_its_text() -> None:
    text = "OpenHuman API error (401 Unauthorized)"
    deep: Exception = ValueError("a bug")
    for _ in range(70):
        deep = ExceptionGroup(text, [deep])

    assert failures_of(HidesItsLeaves(text, [ValueError("a bug")]), unseen) == (Failure(text=""),)
    assert failures_of(deep, unseen) == (Failure(text=""),)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        pytest.param(b'\xef\xbb\xbf{"code": "invalid_api_key"}', "application/json", id="byte order mark"),
        pytest.param(b'{"code": "invalid_api_key"}', "application/json; charset=utf-16", id="no utf-16"),
    ],
)
def test_a_code_is_read_after_a_byte_order_mark_and_despite_a_wrong_encoding(
    content: bytes, content_type: str
) -> None:
    response = httpx.Response(
        401,
        content=content,
        headers={"content-type": content_type},
        request=httpx.Request("POST", OURS),
        extensions={"http_version": b"HTTP/1.1"},
    )

    cause = only(ApiError("x", response=response))

    assert cause.response is not None
    assert cause.response.codes == {"invalidapikey"}
