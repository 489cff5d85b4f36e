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
    text_of,
)
from sentry_filters.redis.replica import Replica
from tests.redis.conftest import KEY

NAME = "0123456789ab"


def expiry(after: int = 0, **changes: object) -> Expiry:
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
    return Expiry(name=NAME, after=after, event=SessionExpired(**facts))  # type: ignore[arg-type]


def test_an_expiry_is_read_as_it_was_written() -> None:
    assert read_expiry(NAME, record_of(expiry(2))) == expiry(2)


def test_an_invalid_trace_does_not_prevent_reading_the_expiry() -> None:
    assert read_expiry(NAME, record_of(expiry(trace_id="[REDACTED]"))) == expiry(trace_id=None)


def test_half_a_character_of_a_body_is_read_as_what_can_be_stored() -> None:
    assert read_expiry(NAME, record_of(expiry(reason="a \ud800"))) == expiry(reason="a ?")


RECORD = record_of(expiry())


@pytest.mark.promise("redis-messages")
@pytest.mark.parametrize(
    "message",
    [
        pytest.param("", id="nothing"),
        pytest.param("v expiry", id="short"),
        pytest.param(f"v other {NAME} {RECORD}", id="kind"),
        pytest.param(f"v expiry NAME {RECORD}", id="name"),
        pytest.param(f"v expiry {NAME} {RECORD[:-1]}", id="json"),
        pytest.param(f"v expiry {NAME} 0 {'0' * 16} " + "[" * 3000, id="deep"),
        pytest.param(f"v expiry {NAME} {RECORD}{' ' * 5000}", id="long"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('401,', '500,')}", id="status"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('true', '1')}", id="confirmed"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('+00:00', '')}", id="no zone"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('401,', '401.0,')}", id="no whole status"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('2026-01-01T00', '0001-01-01T00')}", id="year 1"),
        pytest.param(
            f"v expiry {NAME} {RECORD.replace('2026-', '9999-').replace('01-01', '12-31')}", id="year 9999"
        ),
        pytest.param(f"v expiry {NAME} {record_of(expiry(reason='x' * 201))}", id="long reason"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('source', 'sauce')}", id="unknown field"),
        pytest.param(f"v expiry {NAME} {RECORD.replace('0' * 16, '1' * 16, 1)}", id="two ids"),
        pytest.param(f"v renewal {NAME} -1", id="negative"),
        pytest.param(f"v renewal * 1 {NAME[1:]}", id="no credential"),
        pytest.param("v renewal * 1 ", id="an empty credential"),
        pytest.param("v renewal x 1", id="whose"),
        pytest.param(f"v renewal {NAME} {int((time.time() + 3600) * 1e6)}", id="an hour ahead"),
    ],
)
def test_what_no_process_writes_is_refused(message: str) -> None:
    with pytest.raises(MalformedError):
        read_message(message)


def test_a_renewal_is_read_as_it_was_written() -> None:
    for renewal in (Renewal(name=EVERYONE, stamp=5, credential=NAME), Renewal(name=NAME, stamp=5)):
        assert read_message(f"v renewal {renewal.name} {text_of(renewal)}") == ("v", renewal)


@pytest.mark.parametrize(
    ("news", "known"),
    [
        pytest.param(
            [expiry(), expiry(5, id="1" * 16), Renewal(name=EVERYONE, stamp=5)],
            {(5, "1" * 16), (EVERYONE, 5, None)},
            id="the expiry after the later renewal",
        ),
        pytest.param(
            [Renewal(name=EVERYONE, stamp=5), Renewal(name=EVERYONE, stamp=3, credential=NAME)],
            {(EVERYONE, 5, None)},
            id="the later renewal",
        ),
        pytest.param(
            [Renewal(name=EVERYONE, stamp=5), Renewal(name=EVERYONE, stamp=5, credential=NAME)],
            {(EVERYONE, 5, NAME)},
            id="its credential",
        ),
    ],
)
def test_every_order_of_arrival_has_the_same_result(
    news: list[Expiry | Renewal], known: set[tuple[object, ...]]
) -> None:
    for order in itertools.permutations(news):
        replica = Replica()
        for one in (*order, *order):
            if isinstance(one, Expiry):
                replica.merge_expiry(one)
            else:
                replica.merge_renewal(one)
        expiries, renewals = replica.everything()
        merged: set[tuple[object, ...]] = {(one.after, one.event.id) for one in expiries}
        assert merged | {(one.name, one.stamp, one.credential) for one in renewals} == known


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

    assert one.expiry_id(NAME, 0) == other.expiry_id(NAME, 0)
    assert one.expiry_id(NAME, 5) == other.expiry_id(NAME, 5) != one.expiry_id(NAME, 0)
