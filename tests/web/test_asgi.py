"""FastAPI's and Starlette's own applications, by their test client and on a real server."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from sentry_filters import SessionExpiredError, SessionGuard
from sentry_filters.web.asgi import RefusalMiddleware, Scope, refusal_handler
from tests.support.waiting import eventually
from tests.web.conftest import Reported

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

import fastapi
import uvicorn
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # older releases use a name that anyio has renamed
    from starlette.testclient import TestClient


class BugError(Exception):
    """A bug of the application's own."""


def application(guard: SessionGuard, kind: type[Any] = fastapi.FastAPI) -> Any:
    app = kind()

    async def parts(*, before: int) -> AsyncIterator[bytes]:
        for number in range(before):
            yield b"part %d\n" % number
            await asyncio.sleep(0)
        guard.gate.check()

    async def refused(request: fastapi.Request) -> Response:
        guard.gate.check()
        return PlainTextResponse("answered")

    def refused_in_a_thread(request: fastapi.Request) -> Response:
        guard.gate.check()
        return PlainTextResponse("answered")

    async def grouped(request: fastapi.Request) -> Response:
        async def task() -> None:
            guard.gate.check()

        async with asyncio.TaskGroup() as group:
            group.create_task(task())
            group.create_task(task())
        return PlainTextResponse("answered")

    async def streamed(request: fastapi.Request) -> Response:
        return StreamingResponse(parts(before=2), media_type="text/plain")

    async def broken(request: fastapi.Request) -> Response:
        raise BugError("of its own")

    for endpoint in (refused, refused_in_a_thread, grouped, streamed, broken):
        app.add_route(f"/{endpoint.__name__}", endpoint)
    return app


def client_of(app: Any) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def assert_is_standard(response: Any, retry_after: str = "60") -> None:
    assert response.status_code == 503
    assert response.headers["retry-after"] == retry_after
    assert response.json()["error"] == "session_expired"


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an application by uvicorn on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert eventually(lambda: server.started)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.promise("refusal-503")
@pytest.mark.parametrize("kind", [fastapi.FastAPI, Starlette])
@pytest.mark.parametrize("path", ["/refused", "/refused_in_a_thread", "/grouped"])
def test_a_refusal_is_answered_and_not_reported(
    guard: SessionGuard, reported: Reported, kind: Any, path: str
) -> None:
    app = application(guard, kind)
    app.add_middleware(RefusalMiddleware)

    assert_is_standard(client_of(app).get(path))

    assert reported() == []
    assert guard.counters.get("refused") > 0


@pytest.mark.parametrize("path", ["/refused", "/refused_in_a_thread"])
def test_so_it_is_by_the_exception_handler(guard: SessionGuard, reported: Reported, path: str) -> None:
    app = application(guard)
    app.add_exception_handler(SessionExpiredError, refusal_handler(retry_after=5))

    assert_is_standard(client_of(app).get(path), "5")

    assert reported() == []


def test_without_an_answer_the_refusal_is_a_500_that_sentry_does_not_get(
    guard: SessionGuard, reported: Reported
) -> None:
    assert client_of(application(guard)).get("/refused").status_code == 500

    assert reported() == []
    assert guard.counters.get("decisions", "event", "drop", "refused_by_gate") >= 1


def test_an_open_gate_changes_nothing(guard: SessionGuard) -> None:
    app = application(guard)
    app.add_middleware(RefusalMiddleware)
    guard.session_renewed()

    response = client_of(app).get("/refused")

    assert (response.status_code, response.text) == (200, "answered")


def test_any_other_exception_propagates_and_is_reported(guard: SessionGuard, reported: Reported) -> None:
    app = application(guard)
    app.add_middleware(RefusalMiddleware)
    app.add_exception_handler(SessionExpiredError, refusal_handler())

    with pytest.raises(BugError):
        TestClient(app).get("/broken")

    assert reported() == ["BugError"]


async def in_coroutine(scope: Scope, error: SessionExpiredError) -> Response:
    return PlainTextResponse(f"{scope['path']}: sign in to {error.event.provider}", 418)


def in_function(scope: Scope, error: SessionExpiredError) -> Response:
    return PlainTextResponse(f"{scope['path']}: sign in to {error.event.provider}", 418)


@pytest.mark.parametrize("answer", [in_coroutine, in_function])
@pytest.mark.parametrize("by_handler", [True, False])
def test_the_answer_may_be_the_applications_own(guard: SessionGuard, answer: Any, by_handler: bool) -> None:
    app = application(guard)
    if by_handler:
        app.add_exception_handler(SessionExpiredError, refusal_handler(answer=answer))
    else:
        app.add_middleware(RefusalMiddleware, answer=answer)

    response = client_of(app).get("/refused")

    assert (response.status_code, response.text) == (418, "/refused: sign in to OpenHuman")


def test_an_invalid_time_is_refused_at_start(guard: SessionGuard) -> None:
    with pytest.raises(ValueError, match="^invalid retry_after -1"):
        RefusalMiddleware(application(guard), retry_after=-1)


def test_a_stream_is_sent_part_by_part_and_breaks_where_it_is_refused(
    guard: SessionGuard, reported: Reported
) -> None:
    app = application(guard)
    app.add_middleware(RefusalMiddleware)
    parts: list[bytes] = []

    with served(app) as url, httpx.Client(trust_env=False) as client:
        with client.stream("GET", f"{url}/streamed") as response:
            with pytest.raises(httpx.RemoteProtocolError):
                parts.extend(response.iter_raw())
        assert_is_standard(client.get(f"{url}/refused"))

    assert response.status_code == 200
    assert b"".join(parts) == b"part 0\npart 1\n"
    assert reported() == []


def test_the_first_part_of_a_stream_is_not_held_back(guard: SessionGuard) -> None:
    seen = threading.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.to_thread(seen.wait, 10)
        yield b"second" if seen.is_set() else b"too late"

    app = fastapi.FastAPI()
    app.add_middleware(RefusalMiddleware)
    app.add_route("/", lambda request: StreamingResponse(parts()))

    with served(app) as url, httpx.Client(trust_env=False) as client:
        with client.stream("GET", url) as response:
            received = []
            for part in response.iter_raw():
                received.append(part)
                seen.set()

    assert received == [b"first", b"second"]


def test_what_is_not_http_propagates(guard: SessionGuard) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        guard.gate.check()

    async def main() -> None:
        await RefusalMiddleware(app)({"type": "websocket"}, None, None)  # type: ignore[arg-type]

    with pytest.raises(SessionExpiredError):
        asyncio.run(main())
