"""What a client's own objects say about an exchange: responses, requests, exceptions, botocore's mapping."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sentry_filters import Endpoint, Failure, Response
from sentry_filters.evidence import (
    Body,
    Credentials,
    Fingerprinter,
    Reading,
    answered_by_backend,
    exchange_of,
    failures_of,
    with_body,
)
from sentry_filters.evidence.exchange import Exchange, bare_exchange, stated_status, url_of, with_error_body

FINGERPRINTER = Fingerprinter(b"key")
UNSEEN = Reading(lambda response: None, Credentials(("authorization",), FINGERPRINTER))
URL = "https://a.example/v1/chat?x=1"
PLACE: dict[str, Any] = {"endpoint": Endpoint("a.example", 443), "path": "/v1/chat"}


def thing(**fields: object) -> Any:
    return SimpleNamespace(**fields)


def raising(**fields: object) -> Any:
    def broken() -> str:
        raise RuntimeError

    return SimpleNamespace(**fields, geturl=broken)


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (thing(status_code=401), 401),
        (thing(status=402), 402),
        (thing(status="403 Forbidden"), 403),
        (thing(code=404), 404),
        (thing(code="404"), None),
        (thing(status_code="x", status=7, code=500), 500),
        (thing(status_code=401, status=500, code=502), 401),
        (thing(), None),
    ],
)
def test_the_status_that_an_object_states(holder: object, expected: int | None) -> None:
    assert stated_status(holder) == expected


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        (thing(url=URL), URL),
        (thing(url="HTTPS://A.example"), "HTTPS://A.example"),
        (thing(url="http://a"), "http://a"),
        (thing(request=thing(url=URL)), URL),
        (thing(request_info=thing(url=URL)), URL),
        (thing(geturl=lambda: URL), URL),
        (thing(url="/v1", request=thing(url=URL)), URL),
        (thing(url="/v1", geturl=lambda: "ftp://x"), "/v1"),
        (thing(url=URL, geturl=lambda: "https://b.example"), URL),
        (thing(url="x:/"), None),
        (thing(url="chat"), None),
        (thing(geturl="https://x"), None),
        (raising(), None),
        (raising(url="/v1"), "/v1"),
        (thing(url="/" + "x" * 9_000), "/" + "x" * 8_191),
        (thing(), None),
    ],
)
def test_the_url_that_an_object_names(holder: object, expected: str | None) -> None:
    assert url_of(holder) == expected


def test_all_facts_of_a_response_are_read() -> None:
    sent = thing(method="post", headers={"Authorization": "Bearer abc"})
    holder = thing(status_code=401, url=URL, request=sent, headers={"X": "y"}, _content=b'{"code":"c"}')

    assert exchange_of(holder, UNSEEN) == Exchange(
        Response(
            status=401,
            **PLACE,
            method="POST",
            codes=frozenset({"c"}),
            body='{"code":"c"}',
            body_known=True,
            by_backend=True,
            credential=True,
            session=FINGERPRINTER.of("abc"),
        ),
        received=True,
        holder=holder,
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"method": "get"}, {"method": "GET"}),
        ({"method": 7}, {}),
        ({"request_info": thing(method="put")}, {"method": "PUT"}),
        (
            {"request": thing(method="put"), "request_info": thing(method="get"), "method": "x"},
            {"method": "PUT"},
        ),
        ({"request": thing(headers={})}, {"credential": False}),
        ({"headers": {}}, {"by_backend": True}),
        ({"headers": {"Content-Type": "text/HTML"}}, {"by_backend": False}),
        ({"headers": {}, "_content": b"<p>"}, {"by_backend": False, "body": "<p>", "body_known": True}),
        ({"_content": b""}, {"body_known": True}),
    ],
)
def test_a_fact_that_is_not_there_is_unknown(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = exchange_of(thing(status_code=401, url=URL, **fields), UNSEEN)

    assert found is not None
    assert found.response == Response(status=401, **PLACE, **expected)


@pytest.mark.parametrize(
    "holder", ["401", b"x", 401, 1.5, [], (), set(), frozenset(), None, int, {}, thing(url=URL)]
)
def test_what_is_not_a_response_says_nothing(holder: object) -> None:
    assert exchange_of(holder, UNSEEN) is None
    assert bare_exchange(holder, URL, UNSEEN) is None
    assert failures_of(holder, UNSEEN) == ()


def test_a_response_without_a_url_counts_where_it_is_an_exceptions_own() -> None:
    holder = thing(status_code=401)

    assert exchange_of(holder, UNSEEN) is None
    assert bare_exchange(holder, URL, UNSEEN) == Exchange(
        Response(status=401, **PLACE), received=True, holder=holder
    )
    assert bare_exchange(holder, None, UNSEEN) == Exchange(Response(status=401), received=True, holder=holder)
    assert bare_exchange(thing(status_code=403, url="https://b.example"), URL, UNSEEN) == exchange_of(
        thing(status_code=403, url="https://b.example"), UNSEEN
    )


@pytest.mark.parametrize(
    ("fields", "received"),
    [
        ({}, True),
        ({"extensions": {"http_version": b"1"}}, True),
        ({"extensions": {}}, False),
        ({"extensions": {}, "stream": type("BoundSyncStream", (), {})()}, True),
        ({"extensions": {}, "stream": type("UnBoundStream", (), {})()}, False),
    ],
)
def test_a_response_is_received_or_made_up(fields: dict[str, Any], received: bool) -> None:
    for found in (
        exchange_of(thing(status_code=401, url=URL, **fields), UNSEEN),
        bare_exchange(thing(status_code=401, **fields), None, UNSEEN),
    ):
        assert found is not None
        assert found.received is received


def test_what_was_recorded_counts_with_the_body_that_was_read_since() -> None:
    holder = thing(status_code=401, url=URL, _content=b'{"code":"c"}')
    asked: list[object] = []

    def recorded(response: object) -> Response:
        asked.append(response)
        return Response(status=403, session="s", recorded=True)

    found = exchange_of(holder, Reading(recorded, UNSEEN.credentials))

    assert asked == [holder]
    assert found == Exchange(
        Response(
            status=403,
            session="s",
            recorded=True,
            codes=frozenset({"c"}),
            body='{"code":"c"}',
            body_known=True,
        ),
        received=True,
        holder=holder,
    )
    assert failures_of(holder, Reading(recorded, UNSEEN.credentials)) == (Failure(response=found.response),)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({"ResponseMetadata": {"HTTPStatusCode": 403}}, Response(status=403, body="null", body_known=True)),
        (
            {"ResponseMetadata": {"HTTPStatusCode": 403}, "Error": {"Code": "Expired_Token"}},
            Response(
                status=403,
                codes=frozenset({"expiredtoken"}),
                body='{"Code": "Expired_Token"}',
                body_known=True,
            ),
        ),
        ({"ResponseMetadata": {"HTTPStatusCode": "x"}}, None),
        ({"ResponseMetadata": 403}, None),
        ({"status": 403}, None),
    ],
)
def test_botocores_mapping_is_read(mapping: dict[str, Any], expected: Response | None) -> None:
    found = exchange_of(mapping, UNSEEN)

    assert found == (None if expected is None else Exchange(expected, received=True, holder=mapping))


@pytest.mark.parametrize(
    ("facts", "body", "expected"),
    [
        ({}, Body(), {}),
        (
            {"codes": frozenset("a")},
            Body("t", frozenset("b"), known=True),
            {"codes": frozenset("ab"), "body": "t", "body_known": True},
        ),
        ({"body": "kept", "body_known": True}, Body("new"), {"body": "kept", "body_known": True}),
        ({}, Body(""), {}),
        ({"by_backend": True}, Body("<", html=True), {"body": "<", "by_backend": False}),
        ({"by_backend": True}, Body("x"), {"body": "x", "by_backend": True}),
    ],
)  # fmt: skip
def test_what_is_known_of_a_body_stays(facts: dict[str, Any], body: Body, expected: dict[str, Any]) -> None:
    assert with_body(Response(status=401, **facts), body) == Response(status=401, **expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {}),
        ({"body": '{"code":"c"}'}, {"codes": frozenset("c"), "body": '{"code":"c"}', "body_known": True}),
        ({"body": b"t"}, {"body": "t", "body_known": True}),
        ({"body": {"code": "c"}}, {"codes": frozenset("c"), "body": '{"code": "c"}', "body_known": True}),
        ({"body": 7}, {}),
        ({"body": 7.5}, {}),
        ({"code": "C"}, {"codes": frozenset("c")}),
        ({"code": 7}, {}),
        (
            {"body": {"type": "t"}, "code": "c"},
            {"codes": frozenset("tc"), "body": '{"type": "t"}', "body_known": True},
        ),
    ],
)
def test_an_exception_keeps_the_body_and_its_code(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    error = RuntimeError()
    error.__dict__.update(fields)
    holder = object()

    found = with_error_body(Exchange(Response(status=401), received=False, holder=holder), error)

    assert found.response.codes - {""} == expected.pop("codes", frozenset())
    assert (found.received, found.holder) == (False, holder)
    assert (found.response.body, found.response.body_known) == (
        expected.get("body"),
        expected.get("body_known", False),
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], True),
        ([("content-type", "application/json")], True),
        ([("content-type", "text/HTML; charset=utf-8")], False),
        ([("x-content", "html")], True),
        ([("proxy-authenticate", "")], False),
        ([("cf-mitigated", "challenge")], False),
        ([("x-amzn-waf-action", "challenge")], False),
        ([("www-authenticate", "Bearer")], True),
        ([("www-authenticate", 'bearer realm="a, Basic b", error = "x"')], True),
        ([("www-authenticate", 'Bearer realm="a \\" , Basic "')], True),
        ([("www-authenticate", "Bearer , Bearer")], True),
        ([("www-authenticate", 'Bearer realm="a", error="x"')], True),
        ([("www-authenticate", 'Bearer realm="a", error  = "x"')], True),
        ([("www-authenticate", "Basic")], False),
        ([("www-authenticate", 'Bearer realm="x", Basic realm="y"')], False),
        ([("www-authenticate", "Negotiate abc=")], False),
        ([("www-authenticate", "")], True),
        ([("www-authenticate", " ," * 4_096)], True),
        ([("www-authenticate", " ," * 4_096 + " ")], False),
        ([("a", "b"), ("www-authenticate", "Basic")], False),
    ],
)
def test_headers_show_who_answers(headers: list[tuple[str, str]], expected: bool) -> None:
    assert answered_by_backend(headers) is expected
