"""Target: what Redis holds and its channel brings: anybody who can write there may have written it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import strategies as st

from sentry_filters import SessionExpired
from sentry_filters.audit.rows import milliseconds, minute_of
from sentry_filters.redis.messages import (
    Expiry,
    MalformedError,
    Renewal,
    read_expiry,
    read_message,
    read_renewal,
    record_of,
    text_of,
)
from sentry_filters.redis.replica import Replica
from tests.fuzz.targets import of_bytes

_NAME = "0123456789ab"
_ID = "89abcdef01234567"
_EVENT = {
    "source": "src", "reason": "OpenHuman API error (401 Unauthorized)", "provider": "OpenHuman",
    "operation": "chat", "status": 401, "session": _NAME, "confirmed": True,
    "at": "2026-11-28T01:00:00+00:00", "trace_id": None, "id": _ID,
}  # fmt: skip
_EXPIRY = f"0 {_ID} {json.dumps(_EVENT, separators=(',', ':'))}"

SEEDS = tuple(
    text.encode()
    for text in (
        f"e:1 expiry {_NAME} {_EXPIRY}",
        f"e:2 renewal {_NAME} 1790000000000000 {_NAME}",
        "e:3 renewal * 1790000000000000",
        f"e:4 renewal - 17\ne:5 expiry - {_EXPIRY}\ne:6 renewal - 18 {_NAME}",
    )
)
WORDS = (
    b"expiry ", b"renewal ", b"*", b"-", b"\\ud800", b"NaN", b"1e999", b"9999-12-31T23:59:59.999999-23:59",
    b"0001-01-01T00:00:00+23:59", b"2026-W48-6T01:00Z", b"20261128T010000+0000", b"9999999999999999", b"null",
    b'"trace_id":"0123456789abcdef0123456789abcdef"', b'"status":403', b'"status":true', b'"status":401.0',
)  # fmt: skip
_lines = st.lists(
    st.sampled_from(SEEDS)
    | st.binary(max_size=30)
    | st.builds(lambda word, one: one[:40] + word + one[40:], st.sampled_from(WORDS), st.sampled_from(SEEDS)),
    max_size=4,
).map(b"\n".join)  # fmt: skip


def read_from(data: bytes) -> Iterator[Expiry | Renewal]:
    """Yield what can be read; anything else is refused, as a malformed message and nothing else."""
    for line in data.decode("utf-8", "replace").split("\n"):
        with suppress(MalformedError):
            yield read_message(line)[1]


@of_bytes(_lines)
def test_what_is_read_is_written_as_it_was_read(data: bytes) -> None:
    for one in read_from(data):
        if isinstance(one, Expiry):
            assert read_expiry(one.name, record_of(one)) == one
        else:
            assert read_renewal(one.name, text_of(one)) == one


@of_bytes(_lines)
def test_what_is_read_can_be_used_by_all_who_get_it(data: bytes) -> None:
    for one in read_from(data):
        if isinstance(one, Expiry):
            assert_usable(one.event)


def assert_usable(event: SessionExpired) -> None:
    """The schedulers count from its moment, the ledger stores all of it."""
    assert minute_of(milliseconds(event.at.timestamp()))
    assert (datetime.now(UTC) - event.at).total_seconds() is not None
    texts = [
        event.source,
        event.reason,
        event.provider,
        event.operation,
        event.session,
        event.trace_id,
        event.id,
    ]
    with sqlite3.connect(":memory:") as database:
        stored = database.execute("SELECT ?, ?, ?, ?, ?, ?, ?", texts).fetchone()
    database.close()
    assert list(stored) == texts
    assert "\n" not in event.id
    assert type(event.status) is int


@of_bytes(_lines)
def test_all_come_to_the_same_in_whatever_order_it_arrives(data: bytes) -> None:
    every = list(read_from(data))
    if not _is_of_one_publisher(every):
        return
    replicas = [Replica(), Replica(), Replica()]

    for replica, order in zip(replicas, (every, every[::-1], every[::2] + every[1::2]), strict=True):
        for one in order:
            replica.merge_expiry(one) if isinstance(one, Expiry) else replica.merge_renewal(one)

    known = [tuple(sorted(map(repr, part)) for part in replica.everything()) for replica in replicas]
    assert known[0] == known[1] == known[2]


def _is_of_one_publisher(every: list[Expiry | Renewal]) -> bool:
    """Whether no two differ where they are of one moment: then a claim in Redis has decided."""
    seen: dict[tuple[str, str, int], str] = {}
    ids: dict[str, SessionExpired] = {}
    for one in every:
        moment = one.after if isinstance(one, Expiry) else one.stamp
        if seen.setdefault((type(one).__name__, one.name, moment), repr(one)) != repr(one):
            return False  # by all that is in them: two events are equal without their ids
        if isinstance(one, Expiry) and ids.setdefault(one.event.id, one.event) != one.event:
            return False
    return True
