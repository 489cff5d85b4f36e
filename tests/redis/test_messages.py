"""Messages from Redis are read strictly, and merged in any order."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime

import pytest

from sentry_filters import RedisSessions, SessionExpired
from sentry_filters.redis.messages import (
    EVERYONE,
    Expiry,
    MalformedError,
    Renewal,
    read_expiry,
    read_message,
    record_of,
)
from sentry_filters.redis.replica import Replica
from tests.redis.conftest import KEY

NAME = "0123456789ab"


def expiry(own: int = 0, after: int = 0, **changes: object) -> Expiry:
    facts: dict[str, object] = {
        "source": "llm_provider.openhuman_backend",
        "reason": "OpenHuman API error (401 Unauthorized)",
        "provider": "OpenHuman",
        "operation": "chat",
        "status": 401,
        "session": NAME,
        "confirmed": True,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "trace_id": None,
        "id": "0" * 16,
        **changes,
    }
    return Expiry(name=NAME, own=own, after=after, event=SessionExpired(**facts))  # type: ignore[arg-type]


def test_an_expiry_is_read_as_it_was_written() -> None:
    assert read_expiry(NAME, record_of(expiry(1, 2))) == expiry(1, 2)


def test_an_invalid_trace_does_not_prevent_reading_the_expiry() -> None:
    assert read_expiry(NAME, record_of(expiry(trace_id="[REDACTED]"))) == expiry(trace_id=None)


RECORD = record_of(expiry())


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="nothing"),
        pytest.param("v expiry", id="short"),
        pytest.param(f"v other {NAME} {RECORD}", id="kind"),
        pytest.param(f"v expiry NAME {RECORD}", id="name"),
        pytest.param(f"v expiry {NAME} {RECORD[:-1]}", id="json"),
        pytest.param(f"v expiry {NAME} 0 0 {'0' * 16} " + "[" * 3000, id="deep"),
        pytest.param(f"v expiry {NAME} {RECORD}{' ' * 5000}", id="long"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('401,', '500,')}", id="status"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('true', '1')}", id="confirmed"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('+00:00', '')}", id="no zone"),
        pytest.param(f"v expiry {NAME} {record_of(expiry(reason='x' * 201))}", id="long reason"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('source', 'sauce')}", id="unknown field"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('0' * 16, '1' * 16, 1)}", id="two ids"),
        pytest.param(f"v renewal {NAME} -1", id="negative"),
        pytest.param("v renewal x 1", id="whose"),
        pytest.param(f"v renewal {NAME} {int((time.time() + 3600) * 1e6)}", id="an hour ahead"),
    ],
)
def test_what_no_process_writes_is_refused(message: str) -> None:
    with pytest.raises(MalformedError):
        read_message(message)


@pytest.mark.parametrize(
    ("news", "running"),
    [
        pytest.param(
            [expiry(), Renewal(name=EVERYONE, stamp=5)], False, id="a renewal ends what it is later than"
        ),
        pytest.param(
            [expiry(), Renewal(name=NAME, stamp=5), expiry(5, 5)], True, id="the same session expired again"
        ),
        pytest.param(
            [expiry(5, 5), Renewal(name=EVERYONE, stamp=5), Renewal(name=EVERYONE, stamp=3)],
            True,
            id="an older renewal ends nothing",
        ),
    ],
)
def test_every_order_of_arrival_has_the_same_result(news: list[Expiry | Renewal], running: bool) -> None:
    for order in itertools.permutations(news):
        replica = Replica("process")
        for one in (*order, *order):
            if isinstance(one, Expiry):
                replica.merge_expiry(one)
            else:
                replica.merge_renewal(one)
        expiries, _ = replica.everything()
        assert [replica.is_running(one) for one in expiries] == [running]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param({"key": None}, "SENTRY_FILTERS_KEY", id="no key"),
        pytest.param({"key": KEY[:15]}, "16 or more", id="a short key"),
        pytest.param({"namespace": "a b"}, "namespace 'a b'", id="namespace"),
        pytest.param({"url": "http://u:p@host"}, "redis://", id="url"),
    ],
)
def test_bad_configuration_is_refused_at_the_start(
    arguments: dict[str, str | None], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENTRY_FILTERS_KEY", raising=False)
    given = {"url": "redis://127.0.0.1:1", "namespace": "chat", "key": KEY, **arguments}

    with pytest.raises(ValueError, match=named) as caught:
        RedisSessions(str(given.pop("url")), **given)  # type: ignore[arg-type]

    assert KEY[:15] not in str(caught.value)
    assert "u:p" not in str(caught.value)


def test_an_expirys_id_is_the_same_in_every_process_and_another_after_a_renewal() -> None:
    one, other = (RedisSessions("redis://127.0.0.1:1", namespace="chat", key=KEY) for _ in range(2))

    assert one.expiry_id(NAME, None) == other.expiry_id(NAME, None)
    assert one.expiry_id(NAME, 1.5) == other.expiry_id(NAME, 1.5) != one.expiry_id(NAME, None)
