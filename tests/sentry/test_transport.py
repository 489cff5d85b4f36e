"""The transport boundary: whatever transport the user has, everything is redacted or withheld."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope, Item, PayloadRef
from sentry_sdk.transport import HttpTransport, Transport

from sentry_filters import Policy, SessionGuard
from tests.conftest import InitSentry
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

DSN = "http://a@127.0.0.1:1/1"
SECRET = fake("sk-proj-", 40)


def capture_secret() -> None:
    sentry_sdk.capture_message(f"the word beside {SECRET}", "error")
    sentry_sdk.flush(5)


def transport_of(guard: SessionGuard) -> CapturingTransport:
    """The user's transport behind a guarded one."""
    inner = CapturingTransport()
    guarded = guard.sentry_options(transport=inner)["transport"]
    assert isinstance(guarded, Transport)
    inner.guarded = guarded  # type: ignore[attr-defined]
    return inner


def sent(guard: SessionGuard, *items: Item, headers: dict[str, Any] | None = None) -> CapturingTransport:
    transport = transport_of(guard)
    transport.guarded.capture_envelope(Envelope(headers=headers, items=list(items)))  # type: ignore[attr-defined]
    return transport


def json_item(kind: str, payload: object) -> Item:
    return Item(PayloadRef(json=payload), type=kind)


def test_default_transport_sends_redacted(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry
) -> None:
    client = sentry(**guard.sentry_options(dsn=receiver.dsn))

    capture_secret()

    assert isinstance(client.transport, HttpTransport), "the SDK asks for the class of its transport"
    assert b"the word beside [REDACTED]" in receiver.bytes
    assert SECRET.encode() not in receiver.bytes


def test_dsn_may_be_given_outside(guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry) -> None:
    sentry(dsn=receiver.dsn, **guard.sentry_options(release="1"))

    capture_secret()

    assert [event["release"] for event in receiver.events] == ["1"]


def test_users_instance_gets_redacted_envelopes_and_stays_reachable(
    guard: SessionGuard, sentry: InitSentry
) -> None:
    transport = CapturingTransport()
    client = sentry(**guard.sentry_options(transport=transport))

    capture_secret()

    assert SECRET.encode() not in transport.bytes
    assert len(transport.events) == 1, "the SDK uses an instance also without a DSN"
    assert isinstance(client.transport, CapturingTransport)
    assert client.transport.events == transport.events


def test_users_class_is_made_by_the_sdk(guard: SessionGuard, sentry: InitSentry) -> None:
    client = sentry(**guard.sentry_options(dsn=DSN, transport=CapturingTransport))

    capture_secret()

    assert isinstance(client.transport, CapturingTransport)
    assert b"the word beside [REDACTED]" in client.transport.bytes
    assert client.transport.options is not None
    assert client.transport.options["dsn"] == DSN


def test_class_without_dsn_is_not_made(guard: SessionGuard, sentry: InitSentry) -> None:
    client = sentry(**guard.sentry_options(transport=CapturingTransport))

    assert client.transport is None


@pytest.mark.filterwarnings("ignore:Function transports are deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:capture_event is deprecated:DeprecationWarning")
def test_users_function_gets_redacted_events(guard: SessionGuard, sentry: InitSentry) -> None:
    seen: list[Any] = []
    sentry(**guard.sentry_options(transport=seen.append))

    capture_secret()

    assert [event["message"] for event in seen] == ["the word beside [REDACTED]"]


def test_second_init_is_guarded_too(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry
) -> None:
    options = guard.sentry_options(dsn=receiver.dsn)
    sentry(**options)
    sentry(**options)

    capture_secret()

    assert SECRET.encode() not in receiver.bytes
    assert len(receiver.events) == 1


def test_envelope_printer_prints_redacted_with_one_warning(
    guard: SessionGuard,
    sentry: InitSentry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SENTRY_PRINT_ENVELOPES", "1")
    sentry(**guard.sentry_options(dsn=DSN, transport=CapturingTransport))

    capture_secret()

    printed = capsys.readouterr().err + caplog.text
    assert SECRET not in printed
    assert caplog.text.count("SENTRY_PRINT_ENVELOPES") == 1


def test_spotlight_gets_redacted_envelopes(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry
) -> None:
    with SentryReceiver() as spotlight:
        sentry(**guard.sentry_options(dsn=receiver.dsn, spotlight=f"http://{spotlight.address}/stream"))
        capture_secret()

        for server in (receiver, spotlight):
            assert b"the word beside [REDACTED]" in server.bytes
            assert SECRET.encode() not in server.bytes


def test_spotlight_works_without_dsn(guard: SessionGuard, sentry: InitSentry) -> None:
    with SentryReceiver() as spotlight:
        sentry(**guard.sentry_options(dsn=None, spotlight=f"http://{spotlight.address}/stream"))
        capture_secret()

        assert b"the word beside [REDACTED]" in spotlight.bytes


def test_spotlight_switched_on_by_the_environment_is_guarded(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SentryReceiver() as spotlight:
        monkeypatch.setenv("SENTRY_SPOTLIGHT", f"http://{spotlight.address}/stream")
        options = guard.sentry_options(dsn=receiver.dsn)
        monkeypatch.delenv("SENTRY_SPOTLIGHT")
        client = sentry(**options)
        capture_secret()

        assert client.spotlight is None
        assert b"the word beside [REDACTED]" in spotlight.bytes
        assert SECRET.encode() not in spotlight.bytes


def test_sessions_client_reports_and_check_ins_are_redacted(
    guard: SessionGuard, receiver: SentryReceiver, sentry: InitSentry
) -> None:
    sentry(**guard.sentry_options(dsn=receiver.dsn, release="1"))
    sentry_sdk.crons.capture_checkin(monitor_slug=f"job-{SECRET}", status="ok")
    sentry_sdk.get_isolation_scope().set_user({"id": "7", "username": SECRET})
    sentry_sdk.get_isolation_scope().start_session()
    sentry_sdk.get_isolation_scope().end_session()
    sentry_sdk.flush(5)

    assert {"check_in", "sessions"} & {item.type for item in receiver.items}
    assert SECRET.encode() not in receiver.bytes


@pytest.mark.promise("redaction-sentry")
@pytest.mark.parametrize(
    "kind",
    [
        "check_in", "client_report", "event", "log", "profile", "profile_chunk", "session", "sessions",
        "span", "trace_metric", "transaction",
    ],
)  # fmt: skip
def test_every_known_item_is_redacted_in_its_fields_and_headers(guard: SessionGuard, kind: str) -> None:
    item = Item(PayloadRef(json={"beside": "harmless", "a": [{"b": f"x {SECRET}"}], SECRET: 1}), type=kind)
    item.headers["note"] = SECRET

    transport = sent(guard, item, headers={"trace": {"transaction": SECRET, "trace_id": "1" * 32}})

    assert SECRET.encode() not in transport.bytes
    assert b"harmless" in transport.bytes
    assert b"1" * 32 in transport.bytes


@pytest.mark.promise("withheld")
def test_unknown_item_is_withheld_counted_and_reported(guard: SessionGuard) -> None:
    transport = sent(
        guard, json_item("holographic_replay", {"a": 1}), json_item("event", {"message": "kept"})
    )

    assert [item.type for item in transport.items] == ["event"]
    assert guard.counters.get("withheld", "other", "unknown_item_type") == 1
    assert transport.lost == [("internal_sdk_error", "default")]


def test_clean_envelope_passes_as_the_same_object(guard: SessionGuard) -> None:
    seen: list[Envelope] = []

    class Keeping(CapturingTransport):
        def capture_envelope(self, envelope: Envelope) -> None:
            seen.append(envelope)

    envelope = Envelope(headers={"event_id": "1" * 32}, items=[json_item("event", {"message": "hello"})])
    guard.sentry_options(transport=Keeping())["transport"].capture_envelope(envelope)

    assert seen == [envelope]
    assert seen[0] is envelope


def test_of_several_items_those_without_a_secret_pass_as_the_same_objects(guard: SessionGuard) -> None:
    seen: list[Envelope] = []

    class Keeping(CapturingTransport):
        def capture_envelope(self, envelope: Envelope) -> None:
            seen.append(envelope)

    clean, other = json_item("span", {"description": "chat"}), json_item("span", {"description": "read"})
    dirty = json_item("transaction", {"message": f"the word beside {SECRET}"})
    headers = {"event_id": "1" * 32}
    together = Envelope(headers=headers, items=[clean, other])
    transport = guard.sentry_options(transport=Keeping())["transport"]
    transport.capture_envelope(together)
    transport.capture_envelope(Envelope(headers=headers, items=[clean, dirty, other]))

    assert seen[0] is together
    assert [item is before for item, before in zip(seen[1].items, (clean, dirty, other), strict=True)] == [
        True,
        False,
        True,
    ]
    assert SECRET not in str(seen[1].items[1].payload.json)
    assert seen[1].headers == headers


def test_envelope_of_the_caller_is_never_changed(guard: SessionGuard) -> None:
    item = json_item("event", {"message": SECRET})
    envelope = Envelope(headers={"trace": {"user": SECRET}}, items=[item])

    guard.sentry_options(transport=CapturingTransport())["transport"].capture_envelope(envelope)

    assert item.payload.json == {"message": SECRET}
    assert envelope.headers == {"trace": {"user": SECRET}}
    assert envelope.items == [item]


@pytest.mark.promise("redaction-sentry")
@pytest.mark.parametrize(
    ("content", "arrives"),
    [
        (f"log line {SECRET} end".encode(), b"log line [REDACTED] end"),
        (json.dumps({"password": "hunter2 and more", "n": 1}).encode(), b'"n"'),
        (b"\x00\xff" + SECRET.encode() + b"\xfe\x00tail", b"tail"),
        (b"\x1f\x8b\x08compressed", b"compressed"),
    ],
)
def test_attachment_is_redacted(guard: SessionGuard, content: bytes, arrives: bytes) -> None:
    transport = sent(guard, Item(content, type="attachment", filename=f"{SECRET}.log"))

    assert SECRET.encode() not in transport.bytes
    assert b"hunter2" not in transport.bytes
    assert arrives in transport.bytes


def test_attached_file_is_read_when_it_is_sent_and_redacted(guard: SessionGuard, tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text(f"before {SECRET} after")
    seen: list[Envelope] = []

    class Keeping(CapturingTransport):
        def capture_envelope(self, envelope: Envelope) -> None:
            seen.append(envelope)

    item = Item(PayloadRef(path=str(path)), type="attachment", filename="app.log")
    guard.sentry_options(transport=Keeping())["transport"].capture_envelope(Envelope(items=[item]))

    assert seen[0].items[0].payload.bytes is None, "no file is read on the thread that captures"
    assert seen[0].items[0].get_bytes() == b"before [REDACTED] after"


def test_a_missing_attached_file_does_no_harm(guard: SessionGuard, tmp_path: Path) -> None:
    item = Item(PayloadRef(path=str(tmp_path / "gone")), type="attachment", filename="gone")

    assert sent(guard, item, json_item("event", {"message": "kept"})).events == [{"message": "kept"}]


def broken(*_: object) -> object:
    raise RuntimeError(SECRET)


class Unserialisable:
    def __str__(self) -> str:
        raise RuntimeError(SECRET)

    __repr__ = __str__


@pytest.mark.parametrize("method", ["scrub", "is_clean", "redact_value", "redact_bytes"])
def test_broken_redactor_withholds_and_raises_nothing(
    guard: SessionGuard, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard.redactor, method, broken)

    transport = sent(
        guard,
        json_item("event", {"message": SECRET}),
        Item(SECRET.encode(), type="attachment", filename="a"),
    )

    assert SECRET.encode() not in transport.bytes


@pytest.mark.promise("withheld")
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: json_item("event", {"a": Unserialisable()}), id="no json"),
        pytest.param(lambda: json_item("event", {"a": float("nan")}), id="nan"),
        pytest.param(lambda: Item(b'{"a": "' + SECRET.encode(), type="event"), id="broken json"),
        pytest.param(lambda: Item(b"\xff " + SECRET.encode(), type="log"), id="no text"),
    ],
)
def test_item_that_cannot_be_read_is_withheld_alone(guard: SessionGuard, make: Callable[[], Item]) -> None:
    transport = sent(guard, make(), json_item("event", {"message": "kept"}))

    assert transport.events == [{"message": "kept"}]
    assert guard.counters.get("withheld") == 1


@pytest.mark.parametrize(
    ("text", "arrives"),
    [("a \ud800 b", "a ? b"), ("a \U0001f600 b", "a \U0001f600 b"), ("a \\ud800 b", "a \\ud800 b")],
)
def test_half_a_character_does_not_cost_the_event(guard: SessionGuard, text: str, arrives: str) -> None:
    assert sent(guard, json_item("event", {"message": text})).events == [{"message": arrives}]


def test_counts_of_each_signal_reconcile(guard: SessionGuard) -> None:
    sent(
        guard,
        json_item("event", {"message": "a"}),
        Item(PayloadRef(json={"items": [{}, {}]}), type="log", headers={"item_count": 2}),
        json_item("holographic_replay", {}),
        Item(b"\xff " + SECRET.encode(), type="span"),
    )

    for signal, seen in {"event": 1, "log": 2, "other": 1, "span": 1}.items():
        assert guard.counters.get("seen", signal) == seen
        assert seen == sum(
            guard.counters.get(name, signal) for name in ("exported", "dropped", "demoted", "withheld")
        )


def test_the_printers_variable_is_the_only_one_that_changes(
    guard: SessionGuard, sentry: InitSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_PRINT_ENVELOPES", "true")
    before = {name for name in os.environ if name != "SENTRY_PRINT_ENVELOPES"}
    sentry(**guard.sentry_options(dsn=DSN, transport=CapturingTransport))

    assert set(os.environ) == before


def test_a_secret_behind_a_duplicate_name_is_not_sent(sentry: InitSentry) -> None:
    secret = fake("sk-proj-", 40)
    transport = CapturingTransport()
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
    client = sentry(**guard.sentry_options(dsn="http://a@127.0.0.1:1/1", transport=transport))
    payload = f'{{"extra": {{"x": "{secret}", "x": 1}}}}'.encode()

    assert client.transport is not None
    client.transport.capture_envelope(Envelope(items=[Item(payload, type="event")]))

    assert b'"x"' in transport.bytes
    assert secret.encode() not in transport.bytes


@pytest.mark.parametrize("before", ["", "\ud83d\ude00", "\U0001f600", "\ud83d", '"\\', "é"], ids=ascii)
def test_a_payload_is_redacted_whatever_it_was_made_of(guard: SessionGuard, before: str) -> None:
    text = f"{before} password={SECRET}"

    for item in (
        json_item("event", {"message": text, "tags": ({"note": text},), "again": [text, "harmless"]}),
        Item(PayloadRef(bytes=json.dumps({"message": text}).encode()), type="event"),
    ):
        transport = sent(guard, item)
        assert b"[REDACTED]" in transport.bytes
        assert SECRET.encode() not in transport.bytes


def test_what_is_sent_is_what_the_bytes_say_that_are_there(guard: SessionGuard) -> None:
    item = json_item("event", {"message": f"password={SECRET}"})
    item.get_bytes()
    item.payload.json = {"message": "harmless"}

    transport = sent(guard, item)

    assert b"password=[REDACTED]" in transport.bytes


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_bytes_that_the_sdk_could_not_write_again_become_some(number: str, guard: SessionGuard) -> None:
    written = f'{{"ratio": {number}, "message": "{SECRET}"}}'.encode()

    transport = sent(guard, Item(PayloadRef(bytes=written), type="event"))

    payload = json.loads(transport.items[0].payload)
    assert (payload["ratio"], payload["message"]) == (None, "[REDACTED]")
