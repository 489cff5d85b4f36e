from __future__ import annotations

import pytest

from sentry_filters.evidence.hosts import Endpoint, endpoint_of_url, parse_endpoint, path_of_url, serves

BACKEND = frozenset({parse_endpoint("api.example.ai")})


@pytest.mark.promise("hosts-canonical")
@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.ai/v1/chat/completions",
        "https://API.Example.AI./v1",
        "http://api.example.ai:8443",
        "https://someone:secret@api.example.ai/v1",
    ],
)
def test_host_is_compared_without_case_trailing_dot_port_and_user(url: str) -> None:
    seen = endpoint_of_url(url)

    assert seen is not None
    assert serves(BACKEND, seen)


@pytest.mark.promise("hosts-canonical")
@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.ai.evil.test/v1",
        "https://evil.test/api.example.ai",
        "https://evil.test?host=api.example.ai",
        "https://evil.test#api.example.ai",
        "https://api.example.ai@evil.test/v1",
        "https://api.example.ai:443@evil.test",
        "https://api.example.ai%2f@evil.test",
        "https://xapi.example.ai/",
        "https://api.exаmple.ai/",  # a Cyrillic а
        "https://ａｐｉ.example.ai/",  # full-width letters, which IDNA folds onto ASCII
        "https://api.example\u200b.ai/",
        "https://api-example.ai/",
    ],
)
def test_look_alike_is_another_host(url: str) -> None:
    seen = endpoint_of_url(url)

    assert seen is None or not serves(BACKEND, seen)


@pytest.mark.parametrize(
    "url", ["", "no url", "https://", "https://[::1", "https://a:b:c/", "mailto:x@y.z", "//"]
)
def test_what_is_not_a_url_has_no_host(url: str) -> None:
    assert endpoint_of_url(url) is None


@pytest.mark.parametrize(
    ("entry", "url", "same"),
    [
        ("api.example.ai:443", "https://api.example.ai/", True),
        ("api.example.ai:443", "http://api.example.ai/", False),
        ("api.example.ai:80", "http://api.example.ai/", True),
        ("api.example.ai:8443", "https://api.example.ai/", False),
        ("[::1]:8080", "http://[::1]:8080/v1", True),
        ("::1", "http://[::1]:8080/v1", True),
        ("bücher.example", "https://xn--bcher-kva.example/", True),
        ("127.0.0.1:80", "http://127.0.0.1", True),
    ],
)
def test_entry_with_port_allows_that_port(entry: str, url: str, same: bool) -> None:
    seen = endpoint_of_url(url)

    assert seen is not None
    assert serves(frozenset({parse_endpoint(entry)}), seen) is same


def test_unknown_port_matches_default_ports_only() -> None:
    assert serves(frozenset({parse_endpoint("api.example.ai:443")}), Endpoint("api.example.ai"))
    assert not serves(frozenset({parse_endpoint("api.example.ai:8443")}), Endpoint("api.example.ai"))


def test_a_path_has_neither_query_nor_trailing_slash() -> None:
    assert path_of_url("https://a.example/v1/chat/completions/?key=x#y") == "/v1/chat/completions"
    assert path_of_url("/v1/chat") is None


def test_endpoint_prints_as_it_is_written() -> None:
    assert str(Endpoint("api.example.ai", 8443)) == "api.example.ai:8443"
    assert str(Endpoint("::1", 80)) == "[::1]:80"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Endpoint("a.example", 443), Endpoint("a.example", 443), True),
        (Endpoint("a.example", 443), Endpoint("a.example"), True),
        (Endpoint("a.example"), Endpoint("a.example", 8443), True),
        (Endpoint("a.example", 443), Endpoint("a.example", 8443), False),
        (Endpoint("a.example"), Endpoint("b.example"), False),
    ],
)
def test_two_may_be_one_endpoint_unless_host_or_known_port_differ(
    one: Endpoint, other: Endpoint, same: bool
) -> None:
    assert one.may_be(other) is other.may_be(one) is same
