"""No request that leaves carries a secret in the headers by which the SDK continues traces."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
import sentry_sdk
import urllib3
from sentry_sdk.scope import Scope
from sentry_sdk.tracing_utils import Baggage

from sentry_filters import SessionGuard
from sentry_filters.sentry.outgoing import redacted_baggage
from tests.conftest import InitSentry
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport
from tests.support.servers import LocalServer, QuietHandler

DSN = "http://a@127.0.0.1:1/1"
SECRET = fake("sk-proj-", 40)
PLAIN = "hunter2 " + fake("", 12)
TRACE = "1" * 32


class Recorder(LocalServer):
    """Any third party: keeps the headers of what it is asked."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        kept = self.headers

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                kept.append({name.lower(): value for name, value in self.headers.items()})
                self.read_body()
                self.answer(200, b"{}")

            do_POST = do_GET

        super().__init__(Handler)


@pytest.fixture
def third_party() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def by_http_client(address: str) -> None:
    connection = http.client.HTTPConnection(address)
    connection.request("GET", "/")
    connection.getresponse().read()
    connection.close()


CALLERS: dict[str, Callable[[str], object]] = {
    "http.client": by_http_client,
    "httpx": lambda address: httpx.get(f"http://{address}/"),
    "urllib": lambda address: urllib.request.urlopen(f"http://{address}/").close(),
    "urllib3": lambda address: urllib3.PoolManager().request("GET", f"http://{address}/"),
}


def options(guard: SessionGuard, **further: Any) -> dict[str, Any]:
    return guard.sentry_options(
        dsn=DSN, transport=CapturingTransport(), traces_sample_rate=1.0, release="shop@1.2", **further
    )


@pytest.mark.parametrize("client", CALLERS)
def test_the_transactions_name_leaves_redacted(
    client: str, guard: SessionGuard, sentry: InitSentry, third_party: Recorder
) -> None:
    guard.redactor.register(PLAIN)
    sentry(**options(guard))
    name = f"/invite/{SECRET}?password=hunter2x&x={PLAIN}"

    with sentry_sdk.start_transaction(name=name, source="custom"):
        CALLERS[client](third_party.address)

    (sent,) = third_party.headers
    assert "sentry-trace" in sent
    arrived = unquote(sent["baggage"])
    assert "sentry-transaction=/invite/[REDACTED]" in arrived
    assert "sentry-release=shop@1.2" in arrived
    for secret in (SECRET, "hunter2x", PLAIN):
        assert secret not in arrived


def test_incoming_baggage_is_continued_redacted(
    guard: SessionGuard, sentry: InitSentry, third_party: Recorder
) -> None:
    sentry(**options(guard))
    incoming = {
        "sentry-trace": f"{TRACE}-{'2' * 16}-1",
        "baggage": f"sentry-trace_id={TRACE},sentry-user={quote(SECRET)},sentry-api_key=abcd1234efgh,"
        "sentry-environment=prod",
    }

    with sentry_sdk.start_transaction(sentry_sdk.continue_trace(incoming)):
        CALLERS["http.client"](third_party.address)

    (sent,) = third_party.headers
    assert sent["sentry-trace"].startswith(TRACE)
    arrived = unquote(sent["baggage"])
    assert SECRET not in arrived
    assert "abcd1234efgh" not in arrived
    assert "sentry-environment=prod" in arrived
    assert f"sentry-trace_id={TRACE}" in arrived


def test_what_pages_and_queues_are_given_is_redacted_too(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**options(guard))

    with sentry_sdk.start_transaction(name=f"/invite/{SECRET}", source="custom"):
        made = [
            str(sentry_sdk.get_baggage()),
            sentry_sdk.get_current_scope().trace_propagation_meta(),
            *dict(sentry_sdk.get_current_scope().iter_trace_propagation_headers()).values(),
        ]

    assert all(SECRET not in unquote(each) for each in made)
    assert guard.counters.get("redactions", "header", "baggage") >= 1


def test_harmless_headers_leave_as_they_are(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**options(guard, environment="prod"))

    with sentry_sdk.start_transaction(name="/users/{id}", source="route"):
        baggage = sentry_sdk.get_current_scope().get_baggage()
        made = dict(sentry_sdk.get_current_scope().iter_trace_propagation_headers())

    assert baggage is not None
    assert made["baggage"] == getattr(Baggage.serialize, "_sentry_filters_original")(baggage)  # noqa: B009
    assert made["sentry-trace"].startswith(str(baggage.sentry_items["trace_id"]))


def test_a_client_without_a_guard_makes_its_own(guard: SessionGuard, sentry: InitSentry) -> None:
    sentry(**options(guard))
    sentry(dsn=DSN, transport=CapturingTransport(), traces_sample_rate=1.0)

    with sentry_sdk.start_transaction(name="/invite/password=hunter2x", source="custom"):
        assert "hunter2x" in str(sentry_sdk.get_baggage())


def test_a_header_that_cannot_be_redacted_does_not_leave(
    guard: SessionGuard, sentry: InitSentry, third_party: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentry(**options(guard))

    def broken(_: str) -> str:
        raise RuntimeError("no")

    with sentry_sdk.start_transaction(name=f"/invite/{SECRET}", source="custom"):
        monkeypatch.setattr(guard.redactor, "redact", broken)
        CALLERS["http.client"](third_party.address)
        monkeypatch.undo()

    assert SECRET not in str(third_party.headers)
    assert guard.counters.get("faults", "headers") > 0


def test_an_entry_whose_name_holds_a_secret_is_left_out(guard: SessionGuard) -> None:
    header = f"a=b,{SECRET}=c,d=e;p=q"

    assert redacted_baggage(guard.redactor, header) == "a=b,d=e;p=q"


def test_the_seams_are_where_the_sdk_makes_its_headers() -> None:
    baggage = Baggage({"transaction": "a b"})

    assert baggage.serialize() == "sentry-transaction=a%20b"
    assert callable(Scope.iter_trace_propagation_headers)


def test_spotlight_is_posted_outside_of_any_trace(
    guard: SessionGuard, sentry: InitSentry, receiver: SentryReceiver, third_party: Recorder
) -> None:
    spotlight = f"http://{third_party.address}/stream"
    sentry(**guard.sentry_options(dsn=receiver.dsn, traces_sample_rate=1.0, spotlight=spotlight))

    with sentry_sdk.start_transaction(name=f"/invite/{SECRET}", source="custom"):
        sentry_sdk.capture_message("one", "error")
        sentry_sdk.capture_message("two", "error")
    sentry_sdk.flush(5)

    assert len(third_party.headers) == 3
    for sent in third_party.headers:
        assert not {"sentry-trace", "baggage"} & sent.keys()
    (transaction,) = [item.json for item in receiver.items if item.type == "transaction"]
    assert not [span for span in transaction["spans"] if "/stream" in span["description"]]
    assert all(not event.get("breadcrumbs", {}).get("values") for event in receiver.events)
