"""Django's own handlers, by its test clients and on a real server: sync and async views."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest

from sentry_filters import SessionExpiredError, SessionGuard
from tests.web.conftest import Reported

pytest.importorskip("django")

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.test.utils import override_settings
from django.urls import path

MIDDLEWARE = "sentry_filters.web.django.RefusalMiddleware"

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], MIDDLEWARE=[MIDDLEWARE], SECRET_KEY="for tests", LOGGING_CONFIG=None
    )
    django.setup()


class BugError(Exception):
    """A bug of the application's own."""


def in_function(request: Any, error: SessionExpiredError) -> Any:
    return HttpResponse(f"{request.path}: sign in to {error.event.provider}", status=418)


async def in_coroutine(request: Any, error: SessionExpiredError) -> Any:
    return in_function(request, error)


@pytest.fixture(autouse=True)
def views(guard: SessionGuard) -> Iterator[None]:
    """The application: its views ask the gate of this test."""

    def refused(request: Any) -> Any:
        guard.gate.check()
        return HttpResponse("answered")

    async def refused_async(request: Any) -> Any:
        guard.gate.check()
        return HttpResponse("answered")

    def broken(request: Any) -> Any:
        raise BugError("of its own")

    def streamed(request: Any) -> Any:
        def parts() -> Iterator[bytes]:
            yield b"part 0\n"
            guard.gate.check()

        return StreamingHttpResponse(parts())

    patterns = [path(view.__name__, view) for view in (refused, refused_async, broken, streamed)]
    module = ModuleType("urls")
    module.urlpatterns = patterns  # type: ignore[attr-defined]
    with override_settings(ROOT_URLCONF=module):
        yield


def get(url: str, *, asynchronous: bool = False) -> Any:
    if asynchronous:
        return asyncio.run(AsyncClient(raise_request_exception=False).get(url))
    return Client(raise_request_exception=False).get(url)


@pytest.mark.promise("refusal-503")
@pytest.mark.parametrize("asynchronous", [False, True], ids=["wsgi", "asgi"])
@pytest.mark.parametrize("url", ["/refused", "/refused_async"])
def test_a_refusal_is_answered_and_not_reported(
    guard: SessionGuard, reported: Reported, url: str, asynchronous: bool
) -> None:
    response = get(url, asynchronous=asynchronous)

    assert response.status_code == 503
    assert response["retry-after"] == "60"
    assert response["content-type"] == "application/json"
    assert response.json()["error"] == "session_expired"
    assert reported() == []
    assert guard.counters.get("refused") == 1


def test_without_an_answer_the_refusal_is_a_500_that_sentry_does_not_get(
    guard: SessionGuard, reported: Reported
) -> None:
    with override_settings(MIDDLEWARE=[]):
        assert get("/refused").status_code == 500

    assert reported() == []
    assert guard.counters.get("decisions", "event", "drop", "refused_by_gate") >= 1


def test_an_open_gate_changes_nothing(guard: SessionGuard) -> None:
    guard.session_renewed()

    assert get("/refused").content == get("/refused_async", asynchronous=True).content == b"answered"


def test_any_other_exception_propagates_and_is_reported(reported: Reported) -> None:
    with pytest.raises(BugError):
        Client().get("/broken")

    assert reported() == ["BugError"]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["wsgi", "asgi"])
@pytest.mark.parametrize("answer", [in_function, in_coroutine, f"{__name__}.in_function"])
def test_the_answer_may_be_the_applications_own(answer: Any, asynchronous: bool) -> None:
    with override_settings(SENTRY_FILTERS_ANSWER=answer):
        response = get("/refused", asynchronous=asynchronous)

    assert (response.status_code, response.content) == (418, b"/refused: sign in to OpenHuman")


@pytest.mark.parametrize(("retry_after", "header"), [(5, "5"), (None, None)])
def test_the_time_is_a_setting(retry_after: int | None, header: str | None) -> None:
    with override_settings(SENTRY_FILTERS_RETRY_AFTER=retry_after):
        assert get("/refused").get("retry-after") == header


def test_an_invalid_time_is_refused_at_start() -> None:
    with (
        override_settings(SENTRY_FILTERS_RETRY_AFTER=-1),
        pytest.raises(ValueError, match="^invalid retry_after"),
    ):
        get_wsgi_application()


def test_a_stream_that_has_begun_breaks_where_it_is_refused(reported: Reported) -> None:
    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def get_stderr(self) -> Any:
            return io.StringIO()

    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        with httpx.Client(trust_env=False) as client:
            stream = client.get(f"{url}/streamed")
            refused = client.get(f"{url}/refused")
        server.shutdown()
        thread.join()

    assert (stream.status_code, stream.content) == (200, b"part 0\n")
    assert refused.status_code == 503
    assert reported() == []
