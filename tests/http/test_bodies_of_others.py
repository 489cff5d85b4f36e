"""A refused call's body, with clients on `http.client` and with aiohttp: learned, and read as before."""

from __future__ import annotations

import asyncio
import gzip
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
import requests
import urllib3

from sentry_filters import Response, SessionGuard
from sentry_filters.guard import parts_of
from sentry_filters.http.http_client import unframed
from tests.http.test_bodies import BODY, IDS, Refusing, guard, server
from tests.support.failing import HEADERS

__all__ = ["guard", "server"]  # fixtures

Read = Callable[[str], bytes]


def url(server: Refusing, way: str) -> str:
    return f"http://{server.address}/{way}/v1/chat/completions"


def requests_content(url: str) -> bytes:
    return requests.post(url, json={}, headers=HEADERS, timeout=5).content


def requests_chunks(url: str) -> bytes:
    with requests.post(url, json={}, headers=HEADERS, timeout=5, stream=True) as response:
        return b"".join(response.iter_content(7))


def requests_raw(url: str) -> bytes:
    with requests.post(url, json={}, headers=HEADERS, timeout=5, stream=True) as response:
        got: bytes = response.raw.read(decode_content=True)
        return got


def urllib3_data(url: str) -> bytes:
    with urllib3.PoolManager() as pool:
        return pool.request("POST", url, body=b"{}", headers=HEADERS).data


def urllib3_stream(url: str) -> bytes:
    with urllib3.PoolManager() as pool:
        response = pool.request("POST", url, body=b"{}", headers=HEADERS, preload_content=False)
        try:
            return b"".join(response.stream(5))
        finally:
            response.release_conn()


def urllib_read(url: str) -> bytes:
    try:
        urllib.request.urlopen(urllib.request.Request(url, b"{}", HEADERS, method="POST"), timeout=5)
    except urllib.error.HTTPError as error:
        with error:
            got = error.read()
            return got if error.headers.get("content-encoding") is None else _undone(got)
    raise AssertionError("not refused")


def _undone(body: bytes) -> bytes:
    return gzip.decompress(body)


def aiohttp_by(read: Callable[[aiohttp.ClientResponse], Any], **options: Any) -> Read:
    def call(url: str) -> bytes:
        async def main() -> bytes:
            async with aiohttp.ClientSession(headers=HEADERS, **options) as session:
                async with session.post(url, json={}) as response:
                    got: bytes = await read(response)
                    return got

        return asyncio.run(main())

    return call


async def lines(response: aiohttp.ClientResponse) -> bytes:
    return b"".join([line async for line in response.content])


async def parts(response: aiohttp.ClientResponse) -> bytes:
    return b"".join([part async for part in response.content.iter_chunked(7)])


async def chunks(response: aiohttp.ClientResponse) -> bytes:
    return b"".join([part async for part, _ in response.content.iter_chunks()])


async def twice(response: aiohttp.ClientResponse) -> bytes:
    first = await response.read()
    assert await response.read() == first
    return first


async def undone(response: aiohttp.ClientResponse) -> bytes:
    got = await response.read()
    return got if "content-encoding" not in response.headers else _undone(got)


READS: dict[str, Read] = {
    "requests": requests_content,
    "requests-iter": requests_chunks,
    "requests-raw": requests_raw,
    "urllib3": urllib3_data,
    "urllib3-stream": urllib3_stream,
    "urllib": urllib_read,
    "aiohttp": aiohttp_by(twice),
    "aiohttp-lines": aiohttp_by(lines),
    "aiohttp-parts": aiohttp_by(parts),
    "aiohttp-chunks": aiohttp_by(chunks),
    "aiohttp-encoded": aiohttp_by(undone, auto_decompress=False),
}


@pytest.fixture(autouse=True)
def instrumented(guard: SessionGuard) -> Iterator[None]:
    guard.instrument()
    yield
    guard.uninstrument()


def known(guard: SessionGuard) -> Response:
    facts = parts_of(guard).calls.response_of(*IDS)
    assert facts is not None
    return facts


@pytest.mark.parametrize("way", ["plain", "gzip", "chunked", "until-close"])
@pytest.mark.parametrize("read", list(READS))
def test_the_body_is_learned_and_read_as_before(
    read: str, way: str, guard: SessionGuard, server: Refusing
) -> None:
    assert READS[read](url(server, way)) == BODY
    assert known(guard).codes == {"invalidapikey"}


@pytest.mark.parametrize("read", list(READS))
def test_a_long_body_is_read_in_full_and_not_kept(read: str, guard: SessionGuard, server: Refusing) -> None:
    assert len(READS[read](url(server, "long"))) == 200_012
    assert not known(guard).body_known


def test_a_short_body_is_known_although_nobody_reads_it(guard: SessionGuard, server: Refusing) -> None:
    with requests.post(url(server, "plain"), json={}, headers=HEADERS, timeout=5, stream=True):
        assert known(guard).codes == {"invalidapikey"}


def test_a_short_body_is_known_although_nobody_reads_it_in_aiohttp(
    guard: SessionGuard, server: Refusing
) -> None:
    async def nothing(response: aiohttp.ClientResponse) -> bytes:
        return b""

    aiohttp_by(nothing)(url(server, "plain"))

    assert known(guard).codes == {"invalidapikey"}


def test_a_connection_is_kept_alive_behind_a_body_that_was_learned(
    guard: SessionGuard, server: Refusing
) -> None:
    with requests.Session() as session:
        for way in ("plain", "chunked", "gzip", "plain"):
            assert session.post(url(server, way), json={}, headers=HEADERS, timeout=5).content == BODY
        pools = session.get_adapter("http://").poolmanager.pools  # type: ignore[attr-defined]
        [pool] = [pools[key] for key in pools.keys()]  # noqa: SIM118 - it cannot be iterated over

    assert (pool.num_connections, pool.num_requests) == (1, 4)


def test_the_parts_of_a_slow_body_come_as_they_are_sent(guard: SessionGuard, server: Refusing) -> None:
    with requests.post(url(server, "held"), json={}, headers=HEADERS, timeout=5, stream=True) as response:
        parts = response.iter_content(None)
        assert next(parts) == BODY[:20], "the first part is here before the second was sent"
        assert not known(guard).body_known
        server.held.set()
        assert b"".join(parts) == BODY[20:]

    assert known(guard).codes == {"invalidapikey"}


def test_a_body_that_is_not_read_to_its_end_is_not_known(guard: SessionGuard, server: Refusing) -> None:
    way = "until-close"
    with requests.post(url(server, way), json={}, headers=HEADERS, timeout=5, stream=True) as response:
        assert response.raw.read(9) == BODY[:9]

    assert not known(guard).body_known


@pytest.mark.parametrize(
    ("framed", "body"),
    [
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", b"0123456789"),
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n", None),
        (b"3\r\nab", None),
        (b"", None),
        (b"-1\r\nabc\r\n0\r\n\r\n", None),
        (b"\r\n\r\n", None),
    ],
)
def test_chunks_are_put_together(framed: bytes, body: bytes | None) -> None:
    assert unframed(framed) == body
