"""A refused call's body is learned, and the application reads or streams it as if nobody had looked."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import openai
import pytest

from sentry_filters import Policy, Response, SessionGuard, recognise
from sentry_filters.core import Verdict
from sentry_filters.evidence import Failure
from sentry_filters.guard import parts_of
from tests.support.clients import OPENAI_HTTP
from tests.support.failing import HEADERS, MESSAGES, TOKEN
from tests.support.servers import LocalServer, QuietHandler

LIBRARIES = pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
BODY = b'{"error": {"message": "no", "code": "invalid_api_key"}}'
IDS = ("a" * 32, "b" * 16)


class Refusing(LocalServer):
    """Refuses every call, in the way that the path names; `held` holds the second half of a body back."""

    def __init__(self) -> None:
        self.held = held = threading.Event()

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                self.read_body()
                way = self.path.split("/")[1]
                body = gzip.compress(BODY) if way == "gzip" else BODY
                if way == "long":
                    body = b'{"code": "' + b"a" * 200_000 + b'"}'
                self.send_response(401)
                self.send_header("content-type", "application/json")
                if way == "gzip":
                    self.send_header("content-encoding", "gzip")
                chunked = way in ("chunked", "held")
                if way == "until-close":
                    self.send_header("connection", "close")
                    self.close_connection = True
                elif chunked:
                    self.send_header("transfer-encoding", "chunked")
                else:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                for part in (body[:20], body[20:]):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                    self.wfile.flush()
                    if way == "held":
                        held.wait(10)
                if chunked:
                    self.wfile.write(b"0\r\n\r\n")

        super().__init__(Handler)


@pytest.fixture
def server() -> Iterator[Refusing]:
    with Refusing() as refusing:
        yield refusing


@pytest.fixture
def guard(server: Refusing, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionGuard]:
    """Its calls are made under one span."""
    monkeypatch.setattr("sentry_filters.parts.current_spans", lambda: (IDS,))
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={server.address}), lambda event: None)
    yield guard
    guard.close()


def known(guard: SessionGuard) -> Response:
    """What is known of the call by its span, when the response itself is gone."""
    facts = parts_of(guard).calls.response_of(*IDS)
    assert facts is not None
    return facts


def verdict(guard: SessionGuard) -> Verdict:
    return recognise(Failure(response=known(guard)), guard.policy)


def url(server: Refusing, way: str) -> str:
    return f"http://{server.address}/{way}/v1/chat/completions"


@LIBRARIES
@pytest.mark.parametrize("way", ["plain", "gzip", "chunked"])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_codes_are_kept_with_the_call(
    library: Any, way: str, is_async: bool, guard: SessionGuard, server: Refusing
) -> None:
    def sync() -> bytes:
        with guard.instrument(library.Client(headers=HEADERS)) as client:
            content = client.post(url(server, way), json={}).content
            assert isinstance(content, bytes)
            return content

    async def asynchronous() -> bytes:
        async with guard.instrument(library.AsyncClient(headers=HEADERS)) as client:
            content = (await client.post(url(server, way), json={})).content
            assert isinstance(content, bytes)
            return content

    assert (asyncio.run(asynchronous()) if is_async else sync()) == BODY
    assert known(guard).codes == {"invalidapikey"}
    assert verdict(guard).reason == "not_a_session_code"


@LIBRARIES
@pytest.mark.parametrize("way", ["plain", "gzip"])
def test_a_short_body_is_known_although_the_application_never_reads_it(
    library: Any, way: str, guard: SessionGuard, server: Refusing
) -> None:
    with guard.instrument(library.Client(headers=HEADERS)) as client:
        with client.stream("POST", url(server, way), json={}):
            assert known(guard).body_known

    assert verdict(guard).reason == "not_a_session_code"


@LIBRARIES
@pytest.mark.parametrize("way", ["plain", "gzip", "chunked", "long"])
@pytest.mark.parametrize("reads", ["iter_raw", "iter_bytes", "iter_text", "iter_lines", "read"])
def test_the_application_streams_the_body_as_if_nobody_had_looked(
    library: Any, way: str, reads: str, guard: SessionGuard, server: Refusing
) -> None:
    def read(client: Any) -> tuple[Any, int]:
        with client.stream("POST", url(server, way), json={}) as response:
            assert not response.is_stream_consumed
            got: Any = getattr(response, reads)()
            if reads != "read":
                got = (b"" if reads in ("iter_raw", "iter_bytes") else "").join(got)
                with pytest.raises(library.StreamConsumed):
                    list(response.iter_raw())
            assert response.is_closed
            return got, response.num_bytes_downloaded

    with library.Client(headers=HEADERS) as bare, guard.instrument(library.Client(headers=HEADERS)) as client:
        assert read(client) == read(bare)
    assert known(guard).body_known is (way != "long")


@LIBRARIES
def test_the_application_streams_asynchronously(library: Any, guard: SessionGuard, server: Refusing) -> None:
    async def main() -> bytes:
        async with guard.instrument(library.AsyncClient(headers=HEADERS)) as client:
            async with client.stream("POST", url(server, "plain"), json={}) as response:
                return b"".join([part async for part in response.aiter_raw()])

    assert asyncio.run(main()) == BODY
    assert known(guard).body_known


@LIBRARIES
def test_a_body_that_takes_its_time_holds_the_application_up_nowhere(
    library: Any, guard: SessionGuard, server: Refusing
) -> None:
    with guard.instrument(library.Client(headers=HEADERS)) as client:
        with client.stream("POST", url(server, "held"), json={}) as response:
            parts = response.iter_raw()
            assert next(parts) == BODY[:20], "the first part is here before the second was sent"
            assert verdict(guard).grade == "words"
            server.held.set()
            assert b"".join(parts) == BODY[20:]

    assert verdict(guard).reason == "not_a_session_code"


@pytest.mark.promise("unchanged")
@pytest.mark.parametrize("stream", [False, True])
def test_openai_raises_as_without_us(stream: bool, guard: SessionGuard, server: Refusing) -> None:
    with guard.instrument(OPENAI_HTTP.Client()) as http_client:
        client = openai.OpenAI(
            base_url=f"http://{server.address}/chunked/v1",
            api_key=TOKEN,
            http_client=http_client,
            max_retries=0,
        )
        with pytest.raises(openai.AuthenticationError) as error:
            client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)

    assert error.value.code == "invalid_api_key"
    assert verdict(guard).reason == "not_a_session_code"


@LIBRARIES
def test_a_third_partys_body_is_left_alone(library: Any, server: Refusing) -> None:
    other = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}))
    with other.instrument(library.Client(headers=HEADERS)) as client:
        with client.stream("POST", url(server, "plain"), json={}) as response:
            assert type(response.stream).__name__ == "BoundSyncStream"
