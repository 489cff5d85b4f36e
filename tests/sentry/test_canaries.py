"""A canary in every place from which the Sentry SDK sends data; its harmless neighbour must arrive."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk import logger as sentry_logger

from sentry_filters import Policy, SessionGuard
from tests.conftest import InitSentry
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.sentry import streams_spans
from tests.support.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:The send_default_pii option is deprecated:DeprecationWarning")


class Canaries:
    """Makes a secret for each place, and remembers the harmless word beside it."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.alone: set[str] = set()

    def at(self, place: str) -> str:
        """Return a text with a secret and a harmless word, both unique to this place."""
        self.secrets[place] = fake("sk-proj-", 40, seed=place)
        return f"{self.word(place)} {self.secrets[place]}"

    def alone_at(self, place: str) -> str:
        """Return a text of which nothing may arrive: cookies are entirely credentials."""
        text = self.at(place)
        self.alone.add(place)
        return text

    def word(self, place: str) -> str:
        """Return the harmless word of a place."""
        return "harmless" + place.title().replace(" ", "").replace("-", "")


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def received(receiver: SentryReceiver, canaries: Canaries, sentry: InitSentry) -> Any:
    """Set up Sentry with everything enabled that one client can have."""
    guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)

    def check(**options: Any) -> SentryReceiver:
        sentry(
            **guard.sentry_options(
                dsn=receiver.dsn,
                release="app@1.2.3",
                send_default_pii=True,
                traces_sample_rate=1.0,
                enable_logs=True,
                max_request_body_size="always",
                **options,
            )
        )
        return receiver

    return check


def assert_redacted(receiver: SentryReceiver, canaries: Canaries) -> None:
    def lost() -> list[str]:
        expected = canaries.secrets.keys() - canaries.alone
        return [place for place in expected if canaries.word(place).encode() not in receiver.bytes]

    sentry_sdk.flush(10)
    # The SDK's own thread may have taken some before the flush did, and be about to send them.
    eventually(lambda: not lost())
    sentry_sdk.get_client().close(timeout=10)

    assert [place for place, secret in canaries.secrets.items() if secret.encode() in receiver.bytes] == []
    assert lost() == []


@pytest.mark.promise("redaction-sentry")
def test_event(received: Any, canaries: Canaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["app", "--name", canaries.at("argument")])
    receiver = received(server_name=canaries.at("server name"))
    attached = tmp_path / "state.txt"
    attached.write_text(canaries.at("attached file"))

    with sentry_sdk.new_scope() as scope:
        scope.set_tag("tag", canaries.at("tag"))
        scope.set_extra("extra", {"deep": [{"list": canaries.at("extra")}]})
        scope.set_context("context", {"field": canaries.at("context")})
        scope.set_user({"id": "1", "username": canaries.at("user")})
        scope.set_transaction_name(canaries.at("transaction name"))
        scope.fingerprint = [canaries.at("fingerprint")]
        scope.add_breadcrumb(
            category="c", message=canaries.at("crumb"), data={"d": canaries.at("crumb data")}
        )
        scope.add_attachment(bytes=canaries.at("attachment").encode(), filename=canaries.at("file name"))
        scope.add_attachment(path=str(attached))
        scope.add_event_processor(lambda event, hint: request_added(event, canaries))
        raise_with_local(canaries.at("local"), canaries.at("message"), scope)

    assert_redacted(receiver, canaries)


def request_added(event: Any, canaries: Canaries) -> Any:
    event["request"] = {
        "url": f"https://app.example.test/?q={canaries.at('url').replace(' ', '+')}",
        "query_string": f"q={canaries.at('query').replace(' ', '+')}",
        "data": {"body": canaries.at("body"), "text": '{"inner": "' + canaries.at("json in text") + '"}'},
        "headers": {
            "x-note": canaries.at("header"),
            "authorization": "Bearer " + fake("", 30, seed="bearer"),
        },
        "cookies": {"theme": canaries.alone_at("cookie")},
        "env": {"NOTE": canaries.at("environment")},
    }
    return event


def raise_with_local(local: str, message: str, scope: sentry_sdk.Scope) -> None:
    try:
        try:
            raise LookupError(message)
        except LookupError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        scope.capture_exception(error)
    assert local


@pytest.mark.promise("redaction-sentry")
def test_logs_and_metrics(received: Any, canaries: Canaries) -> None:
    receiver = received()

    logging.getLogger("app").error("failed: %s", canaries.at("log argument"))
    sentry_logger.warning("failed {what}", what=canaries.at("log field"))
    sentry_sdk.metrics.count("calls", 1, attributes={"attribute": canaries.at("metric attribute")})

    assert_redacted(receiver, canaries)


@pytest.mark.promise("redaction-sentry")
def test_transaction_and_spans(received: Any, canaries: Canaries) -> None:
    receiver = received()

    with sentry_sdk.start_transaction(name=canaries.at("transaction"), op="turn") as transaction:
        transaction.set_tag("tag", canaries.at("transaction tag"))
        transaction.set_data("data", canaries.at("transaction data"))
        with sentry_sdk.start_span(op="db", name=canaries.at("span name")) as span:
            span.set_data("data", canaries.at("span data"))
        with sentry_sdk.start_span(op="gen_ai.chat", name=canaries.at("chat span")) as span:
            span.set_data("gen_ai.request.messages", canaries.at("prompt"))

    assert_redacted(receiver, canaries)


@streams_spans
def test_streamed_spans_and_trace_header(received: Any, canaries: Canaries) -> None:
    receiver = received(
        _experiments={"trace_lifecycle": "stream"}, before_send_span=lambda span, hint: {**span, "name": "x"}
    )

    with sentry_sdk.traces.start_span(name=canaries.at("segment")):
        with sentry_sdk.traces.start_span(name="inner", attributes={"a": canaries.at("span attribute")}):
            pass

    assert_redacted(receiver, canaries)


@pytest.mark.promise("redaction-sentry")
def test_check_in_and_session(received: Any, canaries: Canaries) -> None:
    receiver = received(auto_session_tracking=True, environment=canaries.at("environment name"))

    sentry_sdk.crons.capture_checkin(
        monitor_slug="nightly",
        status="ok",
        monitor_config={"schedule": {"type": "crontab", "value": "0 0 * * *"}, "owner": canaries.at("owner")},
    )
    scope = sentry_sdk.get_isolation_scope()
    scope.start_session(session_mode="application")
    scope.set_user({"username": canaries.at("session user")})
    sentry_sdk.capture_message("an error that updates the session", "error")
    scope.end_session()

    assert_redacted(receiver, canaries)


@pytest.mark.promise("redaction-sentry")
@pytest.mark.filterwarnings("ignore:Transaction-based profiling is deprecated:DeprecationWarning")
def test_profile(received: Any, canaries: Canaries) -> None:
    receiver = received(profiles_sample_rate=1.0)

    with sentry_sdk.start_transaction(name=canaries.at("profiled"), op="turn"):
        sum(number * number for number in range(2_000_000))

    assert_redacted(receiver, canaries)
