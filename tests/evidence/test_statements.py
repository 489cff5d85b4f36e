"""Texts that are a failure's message and nothing else, whose it is, and what else a text quotes."""

from __future__ import annotations

import pytest

from sentry_filters import Endpoint
from sentry_filters.evidence import (
    Statement,
    canonical_host,
    is_nothing_else,
    labels_in,
    may_state,
    parse_endpoint,
    path_of_url,
    statements_in,
    states_failure,
    tells_of_two,
    without,
)
from sentry_filters.evidence.quoted import Quoted, another_quoted

LABEL = "OpenHuman"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OpenHuman API error (401 Unauthorized): {}", True),
        ("OpenHuman API error (401 Unauthorized)", True),
        ("OpenHuman API error (401 Unauthorized) ", True),
        ("OpenHuman streaming API error (401)", True),
        ("OpenHuman returned HTTP 401", True),
        ("OpenHuman returned HTTP 401\n", True),
        ('OpenHuman returned HTTP 401: {"a": 1} ', True),
        ("OpenHuman returned HTTP 401: [1]", True),
        ("a: b.C: d-e: OpenHuman returned HTTP 401", True),
        (f"{'a: ' * 8}OpenHuman returned HTTP 401", True),
        (f"{'a: ' * 9}OpenHuman returned HTTP 401", False),
        ("words OpenHuman returned HTTP 401", False),
        ("OpenHuman returned HTTP 401 and more", False),
        ("OpenHuman returned HTTP 401: {} and more", False),
        ("OpenHuman returned HTTP 401: {broken", False),
        ("OpenHuman API error (401", False),
        ("OpenHuman API error (401) and (more)", False),
        ("OpenHuman API error (401)x", False),
        ("OpenHuman returned HTTP 401x", False),
        ("OpenHuman API error (401) and more", False),
        ("OpenHuman", False),
        ("OpenHuman  returned HTTP 401", False),
        ("kiro returned HTTP 401", False),
        ("", False),
    ],
)
def test_a_message_that_is_the_form_and_its_body(text: str, expected: bool) -> None:
    assert is_nothing_else(text, LABEL, plain=False) is expected
    assert is_nothing_else(text, LABEL, plain=True) is expected


def test_a_label_may_have_parentheses() -> None:
    assert is_nothing_else("O(H) API error (401)", "O(H)", plain=False)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("OpenHuman returned HTTP 401: no session", True),
        ("OpenHuman returned HTTP 401: ", True),
        ("OpenHuman API error (401 Unauthorized): no session\n", True),
        ("OpenHuman returned HTTP 401: two\nlines", False),
    ],
)
def test_a_plain_body_is_one_line_where_it_may_be_plain(text: str, plain: bool) -> None:
    assert is_nothing_else(text, LABEL, plain=True) is plain
    assert not is_nothing_else(text, LABEL, plain=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OpenHuman returned HTTP 401: no", [Statement(ours=True, status=401, body="no")]),
        ("OpenHuman returned HTTP 401 : no", [Statement(ours=True, status=401, body="")]),
        ("OpenHuman API error (401 Unauthorized): {}x", [Statement(ours=True, status=401, body="{}")]),
        ("OpenHuman API error (401 Unauthorized): [1] x", [Statement(ours=True, status=401, body="[1]")]),
        ("OpenHuman API error (401 Unauthorized): {x", [Statement(ours=True, status=401, body="{x")]),
        (f"OpenHuman API error (401 {'x' * 59}): b", [Statement(ours=True, status=401, body="b")]),
        (f"OpenHuman API error (401 {'x' * 60}): b", [Statement(ours=True, status=401, body="")]),
        (
            'OpenHuman API error (401): {"a":"x API error (500)"} x API error (500): b',
            [
                Statement(ours=True, status=401, body='{"a":"x API error (500)"}'),
                Statement(ours=False, status=500, body="b"),
            ],
        ),
        (
            "x API error (500): a; OpenHuman returned HTTP 401",
            [
                Statement(ours=False, status=500, body="a; OpenHuman returned HTTP 401"),
                Statement(ours=True, status=401, body=""),
            ],
        ),
        ("_OpenHuman returned HTTP 401", [Statement(ours=False, status=401, body="")]),
        ("9OpenHuman returned HTTP 401", [Statement(ours=False, status=401, body="")]),
        ("OpenHuman streaming returned HTTP 401", [Statement(ours=True, status=401, body="")]),
        ("\u0903OpenHuman returned HTTP 401", [Statement(ours=False, status=401, body="")]),
        ("\u20ddOpenHuman returned HTTP 401", [Statement(ours=False, status=401, body="")]),
        ("OpenHuman returned HTTP 401a-", [Statement(ours=True, status=None, body="")]),
        (": OpenHuman API error (401 x", [Statement(ours=True, status=401, body="")]),
        (" streaming API error (401)", [Statement(ours=False, status=401, body="")]),
    ],
)
def test_a_statement_has_its_own_status_and_body(text: str, expected: list[Statement]) -> None:
    assert list(statements_in(text, LABEL)) == expected


def test_a_body_ends_somewhere() -> None:
    [plain] = statements_in("OpenHuman returned HTTP 401: " + "x" * 70_000, LABEL)
    [json] = statements_in("OpenHuman returned HTTP 401: " + '["' + "x" * 70_000 + '"]', LABEL)

    assert len(plain.body) == 65_536 - len("401: ")
    assert len(json.body) == 65_536 - len("401: ")


@pytest.mark.parametrize(("count", "whose"), [(32, [True] * 32), (33, [True] * 32 + [False])])
def test_the_statements_of_a_log_dump_are_nobodys(count: int, whose: list[bool]) -> None:
    found = statements_in("OpenHuman returned HTTP 401 " * count, LABEL)

    assert [one.ours for one in found] == whose
    assert not statements_in("O returned HTTP 401 " * 33, "O")[-1].ours
    if count > 32:
        assert found[-1] == Statement(ours=False, status=None, body="")


def test_whose_a_statement_is_the_longest_label_says() -> None:
    text = "OpenHuman Cloud API error (401): x, kiro returned HTTP 403, OpenHuman streaming API error (500)"

    assert labels_in(text, ["Cloud", "OpenHuman", "OpenHuman Cloud"]) == (
        "OpenHuman Cloud",
        None,
        "OpenHuman",
    )
    assert labels_in("A Zed returned HTTP 401", ["Zed", "A Zed"]) == ("A Zed",)
    assert labels_in(text, []) == (None, None, None)
    assert labels_in("nothing", ["OpenHuman"]) == ()


def test_few_texts_may_state_a_failure() -> None:
    assert may_state("x API error (")
    assert may_state("x returned HTTP 4")
    assert not may_state("API error: x returned 401")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("401 Unauthorized", True),
        ("status=503", True),
        ("An error occurred (UnrecognizedClient)", True),
        ("200 OK", False),
        ("4011", False),
        ("v.401", False),
        ("x401", False),
        ("x" * 16_381 + " 40", False),
        (" " * 16_381 + "401", True),
        (" " * 16_382 + "401", False),
    ],
)
def test_a_text_that_states_a_failed_status(text: str, expected: bool) -> None:
    assert states_failure(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("litellm.AuthError: no. litellm.AuthError: neither", True),
        ("litellm.AuthError: litellm.AuthError: once, wrapped", False),
        ("litellm.AuthError: no. litellm.OtherError: neither", False),
        ("litellm.AuthError: litellm.AuthError: x litellm.AuthError: y", True),
        ("a.B1: x, c.D1: y, a.B1: z", True),
        ("AuthError: no. AuthError: neither", False),
        (f"a.Bc: {'x' * 16_384} a.Bc: y", False),
        ("", False),
    ],
)
def test_a_class_of_errors_named_at_two_places_is_two_failures(text: str, expected: bool) -> None:
    assert tells_of_two(text) is expected


def test_a_text_without_what_it_quotes() -> None:
    assert without("a 12345678 b 12345678", ["12345678"]) == "a  b 12345678"
    assert without("a 1234567 b", ["1234567"]) == "a 1234567 b"
    assert without("12345678 abcdefgh", ["abcdefgh", "12345678"]) == " "


@pytest.mark.parametrize(
    ("texts", "errors", "expected"),
    [
        ([], [], Quoted(second=False, origins=frozenset())),
        (["all is well"], ["all is well"], Quoted(second=False, origins=frozenset())),
        (["it failed: 401 Unauthorized"], ["401 Unauthorized"], Quoted(second=False, origins=frozenset())),
        (
            ["it failed: 401 Unauthorized, then 503 at https://b.example:8/x"],
            ["401 Unauthorized"],
            Quoted(second=True, origins=frozenset({Endpoint("b.example", 8)})),
        ),
        (
            ["503 at http://b.example/x, see https://developer.mozilla.org/503"],
            ["503 at http://b.example/x, see https://developer.mozilla.org/503"],
            Quoted(second=False, origins=frozenset({Endpoint("b.example", 80)})),
        ),
        (
            ["first: 401 Unauthorized, 500 there", "only 502 at https://c.example/"],
            ["401 Unauthorized"],
            Quoted(second=True, origins=frozenset({Endpoint("c.example", 443)})),
        ),
        (
            ["outer: inner: 401 Unauthorized, code 9"],
            ["401 Unauthorized", "inner: 401 Unauthorized"],
            Quoted(second=False, origins=frozenset()),
        ),
        (
            ["x: 1: 503, then 401 Unauthorized"],
            ["401 Unauthorized", "1: 503, then 401 Unauthorized"],
            Quoted(second=False, origins=frozenset()),
        ),
        (
            ["500 at https://b.example/", "502 at https://c.example/"],
            [],
            Quoted(second=False, origins=frozenset({Endpoint("b.example", 443), Endpoint("c.example", 443)})),
        ),
        (
            ["a: 401 at https://a.example/", "b: 401 at https://a.example/"],
            ["401 at https://a.example/"],
            Quoted(second=False, origins=frozenset()),
        ),
        (["503 " + "x" * 16_384 + " https://b.example/"], [], Quoted(second=False, origins=frozenset())),
    ],
)
def test_what_texts_quote_beside_what_they_come_from(
    texts: list[str], errors: list[str], expected: Quoted
) -> None:
    assert another_quoted(iter(texts), iter(errors)) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("API.Example.AI.", "api.example.ai"),
        ("[::1]", "::1"),
        ("Xray.example", "xray.example"),
        ("a..", "a."),
        ("", None),
        (".", None),
        ("a b", None),
        ("a/b", None),
        ("bücher.example", "xn--bcher-kva.example"),
        ("bücher.example。", None),
        ("ａ.example", None),
        ("ü" * 70, None),
        ("a_b-c.example%1", "a_b-c.example%1"),
    ],
)
def test_a_host_has_one_spelling(host: str, expected: str | None) -> None:
    assert canonical_host(host) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://a.example", "only a host or host:port, without scheme, path or user$"),
        ("a.example/v1", "only a host or host:port, without scheme, path or user$"),
        ("me@a.example", "only a host or host:port, without scheme, path or user$"),
        ("a.example?x", "only a host or host:port, without scheme, path or user$"),
        ("a.example#x", "only a host or host:port, without scheme, path or user$"),
        ("a example", "only a host or host:port, without scheme, path or user$"),
        ("a\\b", "only a host or host:port, without scheme, path or user$"),
        ("a.example:x", "Port could not be cast"),
        ("a.example:99999", "Port out of range"),
        ("", "not a host name$"),
        (":80", "not a host name$"),
        ("[::1", "Invalid IPv6 URL"),
    ],
)
def test_what_is_not_a_host_and_port_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        parse_endpoint(text)


def test_hosts_and_paths_as_they_are_written() -> None:
    assert parse_endpoint("::1") == parse_endpoint("[::1]") == Endpoint("::1")
    assert parse_endpoint("a.example:80") == Endpoint("a.example", 80)
    assert parse_endpoint("XRAY.example") == Endpoint("xray.example")
    assert path_of_url("https://a.example/v1/X") == "/v1/X"
    assert str(Endpoint("a.example")) == "a.example"
    assert str(Endpoint("::1")) == "[::1]"
    assert path_of_url("https://a.example/v1//") == "/v1"
    assert path_of_url("https://a.example") == ""
    assert path_of_url("https://[::1") is None
