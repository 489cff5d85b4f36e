"""Published leaks on the code of Sentry's SDK, of HTTP clients, and of their instrumentations."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.leaks.canaries import Canary
from tests.leaks.peers import Receiver, Spans, httpx_module, module, receiver_of_anything


@contextmanager
def _with_sentry(**options: Any) -> Iterator[tuple[Any, Receiver]]:
    sentry_sdk = module("sentry_sdk")
    scrubber = module("sentry_sdk.scrubber").EventScrubber(recursive=True)
    with receiver_of_anything() as receiver:
        dsn = f"http://{'a' * 32}@{receiver.address}/1"
        sentry_sdk.init(dsn=dsn, event_scrubber=scrubber, default_integrations=False, **options)
        yield sentry_sdk, receiver
        sentry_sdk.flush(5)
        sentry_sdk.get_client().close()


def query_string(at: Canary) -> bytes:
    with _with_sentry() as (sentry_sdk, receiver):
        query = f"color={at.harmless}&password={at.chosen}"
        sentry_sdk.capture_event({"message": "failed", "request": {"url": "/", "query_string": query}})
        sentry_sdk.flush(5)
        return b"\n".join(receiver.bodies)


def transaction(at: Canary) -> bytes:
    with _with_sentry(traces_sample_rate=1.0) as (sentry_sdk, receiver):
        with sentry_sdk.start_transaction(name=at.harmless):
            sentry_sdk.set_context("login", {"user": "bob", "password": at.chosen})
        sentry_sdk.flush(5)
        return b"\n".join(receiver.bodies)


def repr_in_a_frame(at: Canary) -> bytes:
    class Service:
        def __repr__(self) -> str:
            return f"Service(region='{at.harmless}', password='{at.chosen}')"

    with _with_sentry() as (sentry_sdk, receiver):
        service = Service()
        try:
            raise ValueError(type(service).__name__)
        except ValueError as error:
            sentry_sdk.capture_exception(error)
        sentry_sdk.flush(5)
        return b"\n".join(receiver.bodies)


def request_line(at: Canary) -> bytes:
    httpx = httpx_module()
    stream = io.StringIO()
    logging.basicConfig(stream=stream, level=logging.INFO)
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get(f"https://api.test/{at.harmless}?password={at.chosen}")
    return stream.getvalue().encode()


def headers_in_a_repr(at: Canary) -> bytes:
    aiohttp, multidict = module("aiohttp"), module("multidict")
    headers = multidict.CIMultiDictProxy(
        multidict.CIMultiDict({"Authorization": at.generated, "X-Note": at.harmless})
    )
    url = module("yarl").URL("http://api.test/v1")
    error = aiohttp.ClientResponseError(aiohttp.RequestInfo(url, "GET", headers, url), (), status=500)
    return repr(error).encode()


def url_of_a_failed_request(at: Canary) -> bytes:
    requests = module("requests")
    with receiver_of_anything(401) as receiver:
        response = requests.get(f"{receiver.url}/{at.harmless}?securityToken={at.generated}")
        try:
            response.raise_for_status()
        except requests.HTTPError as error:
            return str(error).encode()
    return b""


def invalid_header(at: Canary) -> bytes:
    requests = module("requests")
    try:
        requests.Request("GET", "http://a.test", headers={"Authorization": f"Bearer {at.key}\n"}).prepare()
    except requests.exceptions.InvalidHeader as error:
        return f"{at.harmless} {error}".encode()
    return b""


def _requested(at: Canary, url: str) -> bytes:
    spans, requests = Spans(), module("requests")
    instrumentor = module("opentelemetry.instrumentation.requests").RequestsInstrumentor()
    instrumentor.instrument(tracer_provider=spans.provider)
    with receiver_of_anything() as receiver, suppress(requests.RequestException):
        requests.get(url.format(receiver.address))
    return spans.exported


def presigned_url(at: Canary) -> bytes:
    return _requested(at, f"http://{{}}/{at.harmless}?X-Amz-Security-Token={at.generated}&X-Amz-Expires=900")


def url_credentials(at: Canary) -> bytes:
    return _requested(at, f"http://{{}}/{at.harmless}?AWSAccessKeyId=a&Signature={at.generated}")
