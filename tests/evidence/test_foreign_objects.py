"""Objects of other libraries that raise, have no end or lead in circles: each gets an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from sentry_filters.evidence import Credentials, Endpoint, Fingerprinter, Reading, body_of_text, failures_of
from sentry_filters.evidence.attributes import attribute, headers_of, text_of
from sentry_filters.evidence.body_codes import body_of_value, holds_json, text_if_read
from sentry_filters.evidence.exchange import answered_by_backend, exchange_of
from sentry_filters.evidence.hosts import canonical_host, parse_endpoint, path_of_url, serves
from sentry_filters.evidence.tracebacks import local_values
from sentry_filters.evidence.wire_text import statements_in

READING = Reading(lambda response: None, Credentials(("authorization",), Fingerprinter(b"key")))
OURS = "https://api.example.ai/v1/chat/completions"


class Broken:
    """Raises whatever it is asked for."""

    def __getattr__(self, name: str) -> object:
        raise LookupError(name)

    def __str__(self) -> str:
        raise LookupError("text")


class BrokenMapping(Mapping[str, object]):
    """Headers, or a response, whose values cannot be read."""

    def __getitem__(self, name: str) -> object:
        raise LookupError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("ResponseMetadata",))

    def __len__(self) -> int:
        return 1


class Holder:
    """Has the attributes that it is given."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


def raises(*_arguments: object) -> object:
    raise LookupError("of a foreign object")


def raised(error: BaseException, *, while_handling: BaseException | None = None) -> BaseException:
    """Return `error` with a traceback, raised in the handling of the other one."""
    try:
        if while_handling is None:
            raise error
        try:
            raise while_handling
        except BaseException:
            raise error  # noqa: B904 - its context is what is tested
    except BaseException as caught:
        return caught


def answer(status: int = 401, **attributes: object) -> Holder:
    """A client's response."""
    return Holder(**{"status_code": status, "url": OURS, "_content": b"{}", **attributes})


def test_what_raises_is_unknown() -> None:
    assert attribute(Broken(), "status") is None
    assert text_of(Broken()) == ""
    assert headers_of(Holder(headers=BrokenMapping())) is None
    assert exchange_of(BrokenMapping(), READING) is None
    assert text_if_read(Broken()) is None
    assert text_if_read(object()) is None, "it has no values of its own"


def test_headers_are_read_up_to_a_bound() -> None:
    headers = headers_of(Holder(headers={f"X-{number}": number for number in range(1_000)}))

    assert headers is not None
    assert headers[:2] == [("x-0", "0"), ("x-1", "1")]
    assert len(headers) == 256


@pytest.mark.parametrize(
    ("get_url", "endpoint"),
    [(lambda: OURS, Endpoint("api.example.ai", 443)), (raises, None), ("no function", None)],
)
def test_a_url_that_has_to_be_asked_for(get_url: object, endpoint: Endpoint | None) -> None:
    error = ValueError("refused")
    error.response = Holder(status=401, geturl=get_url)  # type: ignore[attr-defined]
    [failure] = failures_of(error, READING)

    assert failure.response is not None
    assert (failure.response.status, failure.response.endpoint) == (401, endpoint)


@pytest.mark.parametrize(
    ("challenge", "by_backend"),
    [
        ('Bearer realm="api", error="invalid_token"', True),
        ('Bearer realm="api", Basic realm="proxy"', False),
        ('Bearer realm="a, Basic b"', True),
        ("Bearer " + "x" * 10_000, False),
    ],
)
def test_who_challenges(challenge: str, by_backend: bool) -> None:
    assert answered_by_backend([("www-authenticate", challenge)]) is by_backend


# Bodies


def nested(depth: int, wrap: Callable[[object], object]) -> object:
    value: object = {"code": "invalid_api_key"}
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "wrap", [lambda value: {"error": value}, lambda value: [value]], ids=["dict", "list"]
)
def test_a_body_that_is_too_deep_to_look_through_is_not_known(wrap: Callable[[object], object]) -> None:
    assert body_of_value(nested(3, wrap)).codes == {"invalidapikey"}
    assert body_of_value(nested(3, wrap)).known
    assert not body_of_value(nested(20, wrap)).known


def test_a_parsed_body_that_is_not_json_has_codes_and_no_text() -> None:
    body = body_of_value({"code": "invalid_api_key", "when": object()})

    assert (body.text, body.known) == (None, True)
    assert body.codes == {"invalidapikey"}


@pytest.mark.parametrize(
    ("text", "is_json"),
    [
        ('{"error": "x"}', True),
        ("\ufeff[]", True),
        ('"text"', False),
        ("{", False),
        ("[" * 10_000, False),
        (None, False),
    ],
)
def test_what_a_backend_answers_with(text: str | None, is_json: bool) -> None:
    assert holds_json(text) is is_json


def test_a_body_of_bytes_reads_as_its_text() -> None:
    assert body_of_text(b'\xef\xbb\xbf{"code": "a"}').codes == {"a"}
    assert not body_of_text(b"x" * 70_000).known


# Causes


def test_a_group_that_contains_itself_ends_and_each_leaf_counts_once() -> None:
    leaf = ValueError("no")
    leaf.response = answer()  # type: ignore[attr-defined]

    class Circle(ExceptionGroup[Exception]):
        around: Exception | None = None

        @property
        def exceptions(self) -> Any:
            wrapper = ValueError("again")
            wrapper.__cause__ = self
            return (leaf, wrapper)

    statuses = [one.response and one.response.status for one in failures_of(Circle("g", [leaf]), READING)]

    assert statuses == [401, None]


def test_a_failure_is_found_behind_what_was_handled_and_no_further_than_it_is_near() -> None:
    class Translated(Exception):
        status = 401

    first = ValueError("no")
    first.response = answer()  # type: ignore[attr-defined]
    between = KeyError("unnamed")
    between.__cause__ = first
    [failure] = failures_of(raised(Translated("translated"), while_handling=between), READING)
    assert failure.response is not None
    assert failure.response.endpoint == Endpoint("api.example.ai", 443)

    nothing = raised(Translated("translated"), while_handling=KeyError("unnamed"))
    [failure] = failures_of(nothing, READING)
    assert failure.response is None


@pytest.mark.parametrize("links", [3, 200])
def test_a_chain_is_followed_up_to_a_bound(links: int) -> None:
    class Translated(Exception):
        status = 401

    def chain(link: str) -> BaseException:
        deepest = ValueError("no")
        deepest.response = answer()  # type: ignore[attr-defined]
        error: BaseException = deepest
        for number in range(links):
            above = KeyError(number)
            setattr(above, link, error)
            error = above
        return error

    translated = raised(Translated("translated"))
    translated.__context__ = chain("__cause__")
    [failure] = failures_of(translated, READING)
    assert (failure.response is None) is (links > 64)

    own = raised(TypeError("a bug"))
    own.__context__ = chain("__context__")
    [failure] = failures_of(own, READING)
    assert failure.response is None
    assert failure.raised_while_handling is (links < 64)


def test_only_refusals_of_an_unknown_origin_are_second_failures() -> None:
    def beside(status: int) -> bool:
        error = ValueError("no")
        error.response = answer()  # type: ignore[attr-defined]
        error.__context__ = raised(KeyError("before"))
        setattr(error.__context__, "response", Holder(status=status))  # noqa: B010 - it has none
        [failure] = failures_of(error, READING)
        return failure.second_failure

    assert beside(403)
    assert not beside(500)


def test_the_frames_of_a_namespace_that_raises_hold_nothing() -> None:
    class Namespace(dict[str, object]):
        def values(self) -> Any:
            raise LookupError("of the namespace")

    try:
        exec("code = answer; raise ValueError", {"answer": answer()}, Namespace())
    except ValueError as error:
        values = list(local_values(error, own=False))
    assert not any(isinstance(one, Holder) for one in values)


def test_of_a_deep_recursion_the_innermost_frames_are_looked_at() -> None:
    def recurse(depth: int) -> None:
        if depth == 300:
            raise ValueError("deep")
        recurse(depth + 1)

    try:
        recurse(0)
    except ValueError as error:
        depths = [value for value in local_values(error, own=True) if isinstance(value, int)]
    assert depths == list(range(300, 300 - 64, -1))


# Hosts and texts


@pytest.mark.parametrize(
    ("host", "canonical"),
    [
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("[::1]", "::1"),
        ("ａｐｉ.example.ai", None),  # full-width letters
        ("a\u3002\u3002b", None),  # an empty label
        ("x" * 64 + "é.example", None),
        ("api_v1 .example", None),
        (".", None),
    ],
)
def test_a_host_has_one_spelling_or_none(host: str, canonical: str | None) -> None:
    assert canonical_host(host) == canonical


@pytest.mark.parametrize("text", ["http://a", "a/b", "a b", "user@a", ":443", ".", "a:99999999"])
def test_what_is_not_a_host_is_an_error_that_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"host|Port|port"):
        parse_endpoint(text)


def test_without_a_port_the_default_ports_are_meant() -> None:
    seen = Endpoint("api.example.ai")

    assert serves(frozenset({Endpoint("api.example.ai", 443)}), seen)
    assert not serves(frozenset({Endpoint("api.example.ai", 8443)}), seen)
    assert path_of_url("https://[::1/v1") is None
    assert path_of_url("/v1") is None
    assert path_of_url("https://api.example.ai/v1/?a=b") == "/v1"


def test_a_log_dump_is_no_statement_of_ours() -> None:
    one = "OpenHuman API error (401 Unauthorized): no. "
    few, many = statements_in(one * 32, "OpenHuman"), statements_in(one * 33, "OpenHuman")

    assert [each.ours for each in few] == [True] * 32
    assert not many[-1].ours
