"""Target: bodies as they arrive, in any parts and encoding, and what texts state about failures."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterator

from hypothesis import strategies as st

from sentry_filters.evidence.body_codes import LONGEST_BODY, body_of_text, body_of_value
from sentry_filters.evidence.quoted import another_quoted, states_failure, tells_of_two
from sentry_filters.evidence.wire_text import is_nothing_else, labels_in, may_state, statements_in
from sentry_filters.http.bodies import Passing, read_ahead, read_ahead_async, replayed, replayed_async, undone
from tests.fuzz.strategies import PROVIDER
from tests.fuzz.targets import of_bytes

_ENCODINGS = (None, "", "identity", "gzip", "x-gzip", " GZIP ", "deflate", "br", "gzip, gzip")
_OTHERS = (PROVIDER, "OpenAI", f"{PROVIDER} EU", "my-backend")

SEEDS = (
    b'\x01\x10{"error": {"code": "session_expired", "message": "401"}}',
    b'\x03\x04{"errors": [{"errorCode": "INVALID-API-KEY"}, {"type": 1}]}',
    b"\x00\x20<html><body>401 Unauthorized</body></html>",
    b'\x06\x08data: {"error": {"code": "x"}}\n\ndata: [DONE]\n\n',
    b'OpenHuman API error (401 Unauthorized): {"code": "x"}',
    b"chat: OpenHuman streaming API error (401): expired; OpenAI API error (500 x)",
    b"openai.AuthenticationError: OpenHuman returned HTTP 401: see https://api.openai.com/v1 litellm.E: x",
    b"a.B: An error occurred (ExpiredToken) a.B: 403 for url 'https://user@api.example.ai:443/x'",
)
WORDS = (
    b"OpenHuman", b" API error (", b" streaming API error (", b" returned HTTP ", b"401", b"403)", b": {",
    b'{"code": ',
    b'"error"', b"OpenHuman EU", b"\xcc\x81", b"\xe2\x80\x8b", b"\xef\xbb\xbf", b"[[[[[[[[[[", b"1e999",
    b"\\ud800",
    b"https://", b"a.b.SomeError: ", b"An error occurred (", b"\x1f\x8b\x08", b"x\x9c", b"NaN",
    b"developer.mozilla.org",
)  # fmt: skip
_examples = st.lists(
    st.sampled_from(SEEDS) | st.sampled_from(WORDS) | st.binary(max_size=8), max_size=5
).map(b"".join)  # fmt: skip


class DisconnectedError(Exception):
    """The network ends."""


def parts_of(content: bytes, size: int, *, breaks: bool) -> Iterator[bytes]:
    """Yield `content` in parts; raise at the end where the network `breaks`."""
    for start in range(0, len(content), size):
        yield content[start : start + size]
    if breaks:
        raise DisconnectedError


async def async_parts_of(content: bytes, size: int, *, breaks: bool) -> AsyncIterator[bytes]:
    """Do as `parts_of` does."""
    for part in parts_of(content, size, breaks=breaks):
        yield part


@of_bytes(_examples)
def test_the_application_reads_a_body_as_if_nobody_had_looked(data: bytes) -> None:
    if len(data) < 2:
        return
    how, size, content = data[0], data[1] % 64 + 1, data[2:]
    if how & 32:
        content *= 1 + LONGEST_BODY // max(1, len(content))  # it is not read ahead in full
    encoding, breaks = _ENCODINGS[how % len(_ENCODINGS)], how & 64 > 0
    size *= 1 + len(content) // 256
    for reading in (_read, _read_async):
        learned: list[bytes] = []
        passing = Passing(encoding, learned.append)

        read, broken = reading(content, size, passing, breaks)

        assert (read, broken) == (content, breaks)
        known = undone(content, encoding) if len(content) <= LONGEST_BODY and not breaks else None
        assert learned == ([] if known is None else [known])


def _read(content: bytes, size: int, passing: Passing, breaks: bool) -> tuple[bytes, bool]:
    source = parts_of(content, size, breaks=breaks)
    read_ahead(source, passing)
    read = b""
    try:
        for part in replayed(source, passing):
            read += part
    except DisconnectedError:
        return read, True
    return read, False


def _read_async(content: bytes, size: int, passing: Passing, breaks: bool) -> tuple[bytes, bool]:
    async def reading() -> tuple[bytes, bool]:
        source = async_parts_of(content, size, breaks=breaks)
        await read_ahead_async(source, passing)
        read = b""
        try:
            async for part in replayed_async(source, passing):
                read += part
        except DisconnectedError:
            return read, True
        return read, False

    return asyncio.run(reading())


@of_bytes(_examples)
def test_an_encoding_is_undone_or_the_body_is_not_known(data: bytes) -> None:
    assert undone(gzip.compress(data, 1), "gzip") == data
    assert undone(zlib.compress(data, 1), "deflate") == data
    for encoding in _ENCODINGS:
        plain = undone(data, encoding)
        assert plain is None or len(plain) <= max(len(data), LONGEST_BODY)


@of_bytes(_examples)
def test_a_body_says_the_same_as_bytes_as_text_and_as_a_value(data: bytes) -> None:
    text = data.decode("utf-8", "replace")

    body = body_of_text(data)

    assert body == body_of_text(text)
    try:
        value = json.loads(text.removeprefix("\ufeff").strip())
    except (ValueError, RecursionError):
        assert body.html or not body.known or not ({"{", "["} & set(text))
        return
    read = body_of_value(value)
    assert (body.codes, body.known) == (read.codes, read.known)
    assert body.codes == body_of_text(json.dumps(value)).codes


@of_bytes(_examples)
def test_what_texts_state_is_ours_only_with_our_label(data: bytes) -> None:
    text = data.decode("utf-8", "replace")

    stated = statements_in(text, PROVIDER)
    labels = labels_in(text, _OTHERS)

    assert may_state(text) or not stated
    assert all(PROVIDER in text for one in stated if one.ours)
    assert all(one.status is None or 0 <= one.status <= 999 for one in stated)
    assert len(labels) == len(stated)
    # The longest label wins: one that ends in ours is not ours.
    assert all(one.ours for label, one in zip(labels, stated, strict=True) if label == PROVIDER)
    for plain in (True, False):
        if is_nothing_else(text, PROVIDER, plain=plain):
            assert statements_in(text, PROVIDER)[0].ours


@of_bytes(_examples)
def test_any_text_may_quote_others(data: bytes) -> None:
    texts = [part.decode("utf-8", "replace") for part in data.split(b"\n")]

    quoted = another_quoted(texts, texts)

    assert not quoted.origins or any(states_failure(text) for text in texts)
    if not any(text.count(": ") > 1 for text in texts):
        assert not any(map(tells_of_two, texts))
