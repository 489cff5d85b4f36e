"""What can be copied and pickled without a guard can be with one, and what comes of it is guarded."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import HttpTransport, Transport

from sentry_filters import Policy, SessionExpired, SessionGuard
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
SECRET = fake("sk-proj-", 40)
AWAY = "http://127.0.0.1:1/stream"

Act = Callable[[Any], Any]


def marked(event: Any, hint: Any) -> Any:
    """A hook of the application's, which pickles by its name."""
    return {**event, "release": "marked"}


class Unguarded(CapturingTransport):
    """A transport whose copies are what it says: they must not get by the guard."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Transport:
        return Unguarded()


def scope_of(client: Any) -> sentry_sdk.Scope:
    scope = sentry_sdk.Scope()
    scope.set_client(client)
    return scope


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


SET_UPS: dict[str, Callable[[], dict[str, Any]]] = {
    "nothing": dict,
    "dsn": lambda: {"dsn": DSN},
    "hook": lambda: {"dsn": DSN, "before_send": marked, "traces_sample_rate": 1.0},
    "class": lambda: {"dsn": DSN, "transport": CapturingTransport},
    "instance": lambda: {"dsn": DSN, "transport": CapturingTransport()},
    "spotlight": lambda: {"dsn": DSN, "spotlight": AWAY},
    "spotlight and instance": lambda: {"transport": CapturingTransport(), "spotlight": AWAY},
    "spotlight alone": lambda: {"dsn": None, "spotlight": AWAY},
    "spotlight and nothing": lambda: {"spotlight": AWAY},
}


def applied(act: Act, of: Act) -> Act:
    return lambda client: act(of(client))


ACTS: dict[str, Act] = {
    f"{name} {what}": applied(act, of)
    for name, act in {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": pickled}.items()
    for what, of in {
        "client": lambda client: client,
        "options": lambda client: client.options,
        "transport": lambda client: client.transport,
        "scope": scope_of,
    }.items()
}


def works(act: Act, options: Mapping[str, Any]) -> bool:
    client = sentry_sdk.Client(**options, default_integrations=False, auto_enabling_integrations=False)
    try:
        done = act(client)
    except Exception:
        return False
    finally:
        client.close(timeout=0)
    if isinstance(done, sentry_sdk.Client):
        done.close(timeout=0)
    return True


@contextmanager
def current(client: Any) -> Iterator[Any]:
    """The current client for the time of a block, closed afterwards."""
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        try:
            yield client
        finally:
            client.close(timeout=2)


@pytest.mark.parametrize("set_up", SET_UPS)
def test_what_works_without_a_guard_works_with_one(guard: SessionGuard, set_up: str) -> None:
    made = SET_UPS[set_up]
    bare = {name for name, act in ACTS.items() if works(act, made())}

    assert {"copy client", "deepcopy client", "deepcopy options", "deepcopy scope"} <= bare
    assert bare <= {name for name, act in ACTS.items() if works(act, guard.sentry_options(**made()))}


@pytest.mark.parametrize("act", [copy.deepcopy, pickled, lambda client: pickled(copy.deepcopy(client))])
def test_a_copied_client_redacts_and_decides_by_the_same_guard(
    guard: SessionGuard, expired: list[SessionExpired], receiver: SentryReceiver, act: Act
) -> None:
    first = sentry_sdk.Client(**guard.sentry_options(dsn=receiver.dsn, before_send=marked))
    with current(act(first)) as client:
        sentry_sdk.capture_message(f"the word beside {SECRET}")
        guard.report(RuntimeError("x"), provider="OpenHuman", operation="chat", status=401)
        client.flush(5)
    first.close(timeout=0)
    guard.bus.flush(5)

    assert client is not first
    assert isinstance(client.transport, type(None))  # closed
    assert [event["release"] for event in receiver.events] == ["marked"]
    assert b"the word beside [REDACTED]" in receiver.bytes
    assert SECRET.encode() not in receiver.bytes
    assert [event.provider for event in expired] == ["OpenHuman"]


def test_a_copied_transport_keeps_its_class_and_its_guard(guard: SessionGuard) -> None:
    for inner in (CapturingTransport(), Unguarded()):
        transport = guard.sentry_options(transport=inner, spotlight=AWAY)["transport"]
        twins: list[Any] = [copy.copy(transport), copy.deepcopy(transport), pickled(transport)]
        for twin in twins:
            envelope = Envelope()
            envelope.add_event({"message": f"the word beside {SECRET}"})
            twin.capture_envelope(envelope)

            assert SECRET.encode() not in twin.inner.bytes
            assert twin.is_behind(guard._parts.boundary)
            assert isinstance(twin, CapturingTransport)  # as the SDK asks
        assert len(inner.envelopes) == 1  # the shallow copy's


def test_a_guard_is_never_copied(guard: SessionGuard) -> None:
    for twin in (copy.copy(guard), copy.deepcopy(guard), pickled(guard)):
        assert twin is guard


def test_a_guard_is_not_kept_alive_by_its_name() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}))
    name = pickle.dumps(guard)
    guard.close()
    del guard
    gc.collect()

    again = pickle.loads(name)
    assert again.policy == Policy(provider="OpenHuman", hosts={"api.example.ai"})
    again.close()


ELSEWHERE = """
import pickle, sys
import sentry_sdk
client = pickle.loads(open("client", "rb").read())
sentry_sdk.get_global_scope().set_client(client)
sentry_sdk.capture_message("the word beside " + sys.argv[1] + " and seat 12F")
client.flush(5)
from sentry_filters import SessionGuard
import gc
print([one.policies[0].provider for one in gc.get_objects() if type(one) is SessionGuard])
"""


def test_in_another_process_a_pickled_client_is_guarded_by_the_same_policies(
    receiver: SentryReceiver, tmp_path: Path
) -> None:
    policy = Policy(
        provider="OpenHuman",
        hosts={"api.example.ai"},
        secret_kinds=[{"name": "seat", "pattern": r"seat (\d+[A-F])"}],
    )
    guard = SessionGuard(policy, print)
    guard.session_renewed(SECRET)
    client = sentry_sdk.Client(**guard.sentry_options(dsn=receiver.dsn))
    data = pickle.dumps(client)
    client.close(timeout=0)
    guard.close()
    (tmp_path / "client").write_bytes(data)

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE, SECRET],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert SECRET.encode() not in data
    assert b"the word beside [REDACTED] and seat [REDACTED]" in receiver.bytes
    assert SECRET.encode() not in receiver.bytes
    assert done.stdout == "['OpenHuman']\n"  # one, for all its parts


def test_the_default_transport_is_the_sdks_own_also_in_a_copy(guard: SessionGuard) -> None:
    with current(copy.deepcopy(sentry_sdk.Client(**guard.sentry_options(dsn=DSN)))) as client:
        assert isinstance(client.transport, HttpTransport)
