"""Published leaks of error reports: through a guarded Sentry client and its own transport."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
import sentry_sdk
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from sentry_filters import Policy, SessionGuard
from tests.leaks.canaries import Canary
from tests.support.receiver import SentryReceiver
from tests.support.sentry import initialised

Sent = Callable[[Callable[[], object]], bytes]


class Environment:
    """What an application's own hooks add at the last moment, after other redaction has run."""

    def __init__(self) -> None:
        self.canary: Canary | None = None

    def add(self, event: Any, hint: Any) -> Any:
        """Merge settings of the environment into the event."""
        if self.canary is not None:
            settings = {"LANGSMITH_API_KEY": self.canary.generated, "REGION": self.canary.harmless}
            event.setdefault("extra", {}).update(settings)
        return event


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Environment()


@pytest.fixture(scope="module")
def sent(environment: Environment) -> Iterator[Sent]:
    """One client for all cases: call it, and get the bytes that Sentry received of that."""
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={"api.example.ai"}), print)
    with SentryReceiver() as receiver:
        options = guard.sentry_options(
            dsn=receiver.dsn, traces_sample_rate=1.0, max_request_body_size="always", attach_stacktrace=True,
            before_send=environment.add,
        )  # fmt: skip

        def of(report: Callable[[], object]) -> bytes:
            before = len(receiver.bytes)
            with sentry_sdk.isolation_scope():
                report()
            sentry_sdk.flush(10)
            return receiver.bytes[before:]

        with initialised(**options):
            yield of
    guard.close()


def capture(**event: Any) -> None:
    sentry_sdk.capture_event({"message": "failed", "level": "error", **event})  # type: ignore[typeddict-item]


def query_string(canary: Canary) -> None:
    query = f"color={canary.harmless}&securityToken={canary.generated}&password={canary.chosen}"
    capture(request={"url": f"http://app.test/polls?{query}", "query_string": query, "method": "GET"})
    sentry_sdk.add_breadcrumb(category="httplib", data={"url": "http://a.test/", "http.query": query})
    capture(extra={"pairs": [["color", canary.harmless], ["api_key", canary.generated]]})


def transaction(canary: Canary) -> None:
    with sentry_sdk.start_transaction(
        name=f"GET /callback/{canary.harmless}?code={canary.generated}"
    ) as root:
        root.set_data("card_details", {"password": canary.number, "api_key": canary.generated})
        with sentry_sdk.start_span(op="http.client", name=f"GET /x?api_key={canary.generated}") as span:
            span.set_data("http.request.body", json.dumps({"user": "bob", "password": canary.chosen}))


@dataclasses.dataclass
class SpeechService:
    """As services hold their settings: its repr has the key in it."""

    region: str
    azure_subscription_key: str
    password: str

    def transcribe(self) -> None:
        raise ValueError("unable to transcribe")


def repr_in_a_frame(canary: Canary) -> None:
    service = SpeechService(canary.harmless, canary.generated, canary.chosen)
    try:
        service.transcribe()
    except ValueError as error:
        sentry_sdk.capture_exception(error)


def proxy_authorization(canary: Canary) -> None:
    capture(
        request={
            "url": "http://app.test/",
            "headers": {
                "Proxy-Authorization": f"Basic {canary.generated}",
                "pRoXy-AuThEnTiCaTe-ToKeN": canary.generated,
                "X-Note": canary.harmless,
            },
        }
    )


def error_field(canary: Canary) -> None:
    headers = CIMultiDictProxy(
        CIMultiDict({"Authorization": f"Bearer {canary.generated}", "X-Note": canary.harmless})
    )
    url = URL("http://api.test/v1")
    error = aiohttp.ClientResponseError(aiohttp.RequestInfo(url, "GET", headers, url), (), status=500)
    try:
        raise RuntimeError(f"call failed: {error!r}") from error
    except RuntimeError as outer:
        sentry_sdk.capture_exception(outer)


def deep_structure(canary: Canary) -> None:
    deep: Any = {"client_secret": canary.generated, "pin": {"password": canary.number}, "n": canary.harmless}
    for _ in range(7):
        deep = {"wrap": [deep]}
    # The SDK cuts what is deep, except for the request's body.
    capture(request={"url": "http://app.test/", "data": deep})
    capture(extra={"text": json.dumps(deep)})


CASES: dict[str, Callable[[Canary], None]] = {
    "query-string": query_string,
    "transaction": transaction,
    "transaction-without-hook": transaction,
    "repr-in-a-frame": repr_in_a_frame,
    "proxy-authorization": proxy_authorization,
    "error-field": error_field,
    "deep-structure": deep_structure,
}


@pytest.mark.parametrize("name", CASES)
def test_no_secret_is_sent(name: str, sent: Sent) -> None:
    canary = Canary(name)

    data = sent(lambda: CASES[name](canary))

    assert canary.left(data) == []
    assert canary.harmless.encode() in data


def test_merged_after_masking(sent: Sent, environment: Environment) -> None:
    environment.canary = canary = Canary("merged-after-masking")
    try:
        data = sent(lambda: capture(extra={"first": canary.key}))
    finally:
        environment.canary = None

    assert canary.left(data) == []
    assert canary.harmless.encode() in data
