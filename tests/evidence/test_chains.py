"""How far an exception's causes, contexts, groups, arguments and frames are followed, and what is read."""

from __future__ import annotations

import re
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from sentry_filters import Endpoint, Failure, Response
from sentry_filters.evidence import Credentials, Fingerprinter, Reading, failures_of
from sentry_filters.evidence.held import Failed, leads_nowhere, states_session_status
from tests.support.failing import raised_by

UNSEEN = Reading(lambda response: None, Credentials(("authorization",), Fingerprinter(b"key")))
A, B = Endpoint("a.example", 443), Endpoint("b.example", 443)
MOST_LINKS = 64


class Refused(Exception):
    """A client's exception: it may state a status and carry a response, and more."""

    def __init__(self, text: str = "no", **fields: object) -> None:
        super().__init__(text)
        self.__dict__.update(fields)


def response(status: int = 401, host: str = "a.example", **fields: object) -> Any:
    return SimpleNamespace(status_code=status, url=f"https://{host}/v1", **fields)


def facts(status: int = 401, host: str = "a.example", **more: Any) -> Response:
    return Response(status=status, endpoint=Endpoint(host, 443), path="/v1", **more)


def chained(*errors: BaseException, by: str = "__cause__") -> BaseException:
    for above, below in pairwise(errors):
        setattr(above, by, below)
    return errors[0]


def text_of(failure: Failure) -> str:
    """Without what Python adds to a group's text."""
    return re.sub(r" \(\d+ sub-exceptions?\)", "", failure.text)


def only(error: object) -> Failure:
    [found] = failures_of(error, UNSEEN)
    return found


def test_a_response_is_a_failure_by_itself() -> None:
    assert failures_of(response(), UNSEEN) == (Failure(response=facts()),)
    assert failures_of("text", UNSEEN) == ()


@pytest.mark.parametrize(
    ("error", "other"),
    [
        (ValueError("bug"), False),
        (KeyError(), False),
        (OSError("gone"), True),
        (TimeoutError(), True),
        (Exception(1, 2.0), False),
    ],
)
def test_an_exception_that_leads_nowhere_is_its_text(error: BaseException, other: bool) -> None:
    assert leads_nowhere(error)
    assert failures_of(error, UNSEEN) == (Failure(text=str(error), other_exception=other),)


@pytest.mark.parametrize(
    "error",
    [
        Exception("got 401"), Exception("403"), Exception(object()), Refused(status_code=500),
        Refused(response=1), Refused(raw_response=1), Refused(status=500), Refused(code=1),
        Refused(url="x"), Refused(request=1),
        Refused(request_info=1), Refused(geturl=1), Refused(other=0), chained(Exception(), Exception()),
        chained(Exception(), Exception(), by="__context__"), ExceptionGroup("g", [Exception()]),
    ],
)  # fmt: skip
def test_an_exception_that_may_lead_somewhere_is_looked_through(error: BaseException) -> None:
    assert not leads_nowhere(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP 401", True), ("(403)", True), ("4010", False), ("1401", False), ("402", False),
        (" " * 16_381 + "401", True), (" " * 16_382 + "401", False),
    ],
)  # fmt: skip
def test_a_text_states_the_status_of_a_session(text: str, expected: bool) -> None:
    assert states_session_status(Exception(text)) is expected
    assert leads_nowhere(Exception(text)) is not expected


def test_a_status_states_it_too() -> None:
    assert states_session_status(Refused(status_code=403))
    assert not states_session_status(Refused(status_code=500))


@pytest.mark.parametrize("name", ["response", "raw_response", "anything"])
def test_a_response_on_an_exception_is_its_own(name: str) -> None:
    found = only(Refused("text", **{name: response()}))

    assert (found.text, found.response) == ("text", facts())
    assert found.rivals == {A}
    assert not found.second_failure


def test_a_response_among_the_arguments_counts() -> None:
    assert only(Exception("x", response())).response == facts()
    assert only(Exception("x", Refused(response=response(host="b.example")))).response == facts(
        host="b.example"
    )
    itself = Refused(status_code=401, url="https://a.example/v1")
    assert only(Exception("x", itself)).response == facts()
    assert only(Refused("x", other=SimpleNamespace(response=response()))).response is None


def test_an_exception_may_be_a_response_itself() -> None:
    itself = Refused(status_code=401, url="https://a.example/v1")
    assert only(itself).response == facts()
    itself.__dict__["body"] = {"type": "c"}
    assert only(itself).response == facts(codes=frozenset("c"), body='{"type": "c"}', body_known=True)


def test_the_body_that_an_exception_keeps_is_its_responses() -> None:
    found = only(Refused(response=response(), body={"type": "c"}))

    assert found.response == facts(codes=frozenset("c"), body='{"type": "c"}', body_known=True)


class Odd(Exception):
    """Has other things than exceptions have, or hides them."""

    args = property(lambda self: 7)
    __dict__ = property(lambda self: 7)
    status_code = 401
    url = "https://a.example/v1"

    @property
    def response(self) -> object:
        raise RuntimeError


def test_an_exception_may_have_odd_attributes() -> None:
    assert only(Odd("x")).response == facts()
    hiding = type("Hiding", (Exception,), {"response": Odd.response, "status_code": 401})("x")
    assert not leads_nowhere(hiding)


def test_a_response_without_a_url_has_that_of_the_exceptions_request() -> None:
    error = Refused(
        response=SimpleNamespace(status_code=401), request=SimpleNamespace(url="https://a.example/v1")
    )

    assert only(error).response == facts()


@pytest.mark.parametrize(("count", "reached"), [(MOST_LINKS, True), (MOST_LINKS + 1, False)])
def test_so_many_links_are_followed(count: int, reached: bool) -> None:
    links = [Refused(str(n)) for n in range(count - 1)]

    found = only(chained(*links, Refused("end", response=response())))

    assert (found.response == facts()) is reached
    assert found.text.count("\n") == MOST_LINKS - 1


def test_a_cycle_ends_where_it_closes() -> None:
    one, other = Refused("one"), Refused("other")
    one.__cause__, other.__cause__ = other, one

    assert only(one).text == "one\nother"


@pytest.mark.parametrize(("count", "expected"), [(255, 255), (256, 257)])
def test_so_many_leaves_are_looked_at(count: int, expected: int) -> None:
    found = failures_of(ExceptionGroup("g", [Refused(str(n)) for n in range(count)]), UNSEEN)

    assert len(found) == expected
    assert [text_of(one) for one in found[:3]] == ["g\n0", "g\n1", "g\n2"]
    assert (found[-1] == Failure()) is (expected > count)


def test_a_group_that_is_met_again_is_only_named() -> None:
    inner = ExceptionGroup("inner", [Refused("leaf")])

    found = failures_of(ExceptionGroup("outer", [inner, inner]), UNSEEN)

    assert [text_of(one) for one in found] == ["outer\ninner\nleaf", "outer"]


@pytest.mark.parametrize(("depth", "text"), [(62, None), (63, None), (64, None), (65, "")])
def test_groups_are_looked_through_so_deep(depth: int, text: str | None) -> None:
    error: Exception = Refused("leaf")
    for _ in range(depth):
        error = ExceptionGroup("g", [error])

    assert text_of(only(error)) == ("\n".join(["g"] * depth + ["leaf"]) if text is None else text)


def test_a_group_behind_a_cause_keeps_what_is_above_it() -> None:
    above = Refused("above")
    above.__cause__ = ExceptionGroup("g", [Refused("x", response=response()), Refused("y")])

    assert [(text_of(one), one.response) for one in failures_of(above, UNSEEN)] == [
        ("above\ng\nx", facts()),
        ("above\ng\ny", None),
    ]


def test_the_first_that_was_received_counts_before_what_was_made_up() -> None:
    made_up = response(host="b.example", extensions={})

    assert only(Refused("x", response=made_up, other=response())).response == facts()
    assert only(Refused("x", response=made_up)).response == facts(host="b.example")
    assert (
        only(chained(Refused("x", response=made_up), Refused("y", response=response()))).response == facts()
    )
    below = response(host="c.example", extensions={})
    assert only(chained(Refused("x", response=made_up), Refused("y", other=below))).response == facts(
        host="c.example"
    )
    assert only(chained(Refused("x", response=made_up), Refused("y"))).response == facts(host="b.example")


class HTTPException(Exception):
    """As the servers' frameworks call theirs."""


def of_module(name: str) -> BaseException:
    kind: type[Exception] = type("Error", (Exception,), {"__module__": name})
    return kind("x", 0)


@pytest.mark.parametrize(
    ("error", "other"),
    [
        (HTTPException("x"), True),
        (type("Sub", (HTTPException,), {})("x"), True),
        (of_module("starlette.exceptions"), True),
        (of_module("starlettes"), False),
        (chained(OSError("x"), Refused("y")), True),
        (chained(Refused("x"), OSError("y"), Refused("z", response=response())), True),
        (Refused("x", other=1), False),
    ],
)
def test_an_exception_of_another_job_ends_the_chain(error: BaseException, other: bool) -> None:
    found = only(error)

    assert found.other_exception is other
    assert found.response is None


def test_an_exception_of_another_job_that_carries_a_response_is_the_clients() -> None:
    error = OSError("x")
    error.response = response()  # type: ignore[attr-defined]
    stating = OSError("x")
    stating.status_code = 401  # type: ignore[attr-defined]

    assert only(error) == Failure(text="x", response=facts(), rivals=frozenset({A}), answers=(facts(),))
    assert not only(stating).other_exception


def translated(error: BaseException, handled: BaseException) -> BaseException:
    pending = [error, handled]  # not among the locals by themselves

    def act() -> None:
        try:
            raise pending[1]
        except Exception:
            raise pending[0]  # noqa: B904 - implicitly, as the libraries do it

    return raised_by(act)


@pytest.mark.parametrize(
    ("error", "handled", "followed"),
    [
        (Refused("x", status_code=401), Refused("no", response=response()), True),
        (Refused("x", status_code=401), Refused("no", status_code=401), True),
        (Refused("x", status_code=401), Refused("no", status_code=403), False),
        (Refused("x", status_code=500), Refused("no", response=response(500)), False),
        (Refused("x"), Refused("no", response=response()), False),
        (Refused("x: 12345678"), Refused("12345678", response=response()), True),
        (Refused("12345678 x"), Refused("12345678", response=response()), True),
        (Refused("x: 1234567"), Refused("1234567", response=response()), False),
        (Refused("x: '12345678'"), Refused("12345678", response=response()), False),
        (Refused('"12345678'), Refused("12345678", response=response()), False),
        (Refused("`12345678 12345678"), Refused("12345678", response=response()), False),
        (Refused("a12345678'"), Refused("12345678", response=response()), True),
        (Refused("a'b12345678"), Refused("12345678", response=response()), True),
        (Refused("something else"), Refused("12345678", response=response()), False),
    ],
)
def test_a_context_is_followed_where_it_is_only_translated(
    error: Exception, handled: Exception, followed: bool
) -> None:
    assert only(translated(error, handled)).text == (f"{error}\n{handled}" if followed else str(error))


def test_the_status_behind_a_translation_may_be_further_down() -> None:
    below = chained(Refused("no"), Refused("not stated"), Refused("below", response=response()))
    implicit = translated(Refused("no"), Refused("below", response=response()))

    assert only(translated(Refused("x", status_code=401), below)).response == facts()
    assert only(translated(Refused("x", status_code=401), implicit)).text == "x\nno"


@pytest.mark.parametrize(
    ("handled", "expected"),
    [
        (Refused("y", response=response()), True),
        (Refused("y", response=response(403)), True),
        (Refused("y", response=response(500)), False),
        (Refused("y"), False),
    ],
)
def test_an_error_in_the_handling_of_a_refused_call_is_its_own(handled: Exception, expected: bool) -> None:
    found = only(translated(Refused("bug"), handled))

    assert (found.raised_while_handling, found.response) == (expected, None)
    assert (
        only(translated(Refused("later"), translated(Refused("bug"), handled))).raised_while_handling
        is expected
    )


def test_a_suppressed_context_and_a_cause_end_the_search_for_what_was_handled() -> None:
    handled = Refused("y", response=response())
    suppressed, caused = Refused("x"), Refused("x")
    suppressed.__context__, suppressed.__suppress_context__ = handled, True
    caused.__context__, caused.__cause__ = handled, KeyError("z")

    assert not only(suppressed).raised_while_handling
    assert not only(caused).raised_while_handling
    caused.__suppress_context__ = False
    assert not only(chained(Refused("w"), caused, by="__context__")).raised_while_handling


def test_what_was_handled_is_looked_for_so_far() -> None:
    links = [Refused(str(n)) for n in range(MOST_LINKS + 1)]

    assert only(
        chained(*links[:-1], Refused("end", response=response()), by="__context__")
    ).raised_while_handling
    assert not only(
        chained(*links, Refused("end", response=response()), by="__context__")
    ).raised_while_handling


def test_what_states_a_failure_and_was_raised_elsewhere_does_not_come_from_its_cause() -> None:
    kept = raised_by(lambda: raise_(Refused("kept", status_code=401)))

    def act() -> None:
        try:
            raise Refused("ours", response=response())
        except Refused as error:
            raise kept from error

    def plain() -> None:
        try:
            raise Refused("ours", response=response())
        except Refused as error:
            raise Refused("wrapped", status_code=401) from error

    assert only(raised_by(act)).text == "kept"
    assert only(raised_by(plain)).text == "wrapped\nours"


def raise_(error: BaseException) -> None:
    raise error


def calling(held: object, error: BaseException) -> None:
    answer = held
    raise_(error)
    del answer


@pytest.mark.parametrize(
    ("held", "error", "expected"),
    [
        (response(), Refused("x", status_code=401), facts()),
        (response(403), Refused("x", status_code=401), facts(403)),
        (response(), Refused("got 401"), facts()),
        (response(403), Refused("got 401"), facts(403)),
        (response(500), Refused("got 401"), None),
        (response(extensions={}), Refused("got 401"), None),
        (SimpleNamespace(status_code=401, url="/v1"), Refused("got 401"), None),
        (response(), Refused("x", other=1), None),
        (Refused("held", response=response()), Refused("got 401"), facts()),
    ],
)
def test_a_response_among_the_locals_is_found_where_the_status_is_stated(
    held: object, error: BaseException, expected: Response | None
) -> None:
    assert only(raised_by(lambda: calling(held, error))).response == expected


def test_the_nearest_frame_counts() -> None:
    def outer() -> None:
        answer = response(host="b.example")
        calling(response(), Refused("got 401"))
        del answer

    found = only(raised_by(outer))

    assert found.response == facts()
    assert found.rivals == {A, B}


def test_a_response_without_a_url_is_completed_from_the_locals() -> None:
    carried = SimpleNamespace(status_code=401, _content=b'{"code":"c"}')
    held = response(_content=b'{"type":"t"}')
    bare = response()

    found = only(raised_by(lambda: calling(held, Refused("x", response=carried))))
    assert found.response == facts(codes=frozenset("ct"), body='{"type":"t"}', body_known=True)
    assert not found.second_failure
    found = only(raised_by(lambda: calling(bare, Refused("x", response=carried))))
    assert found.response == facts(codes=frozenset("c"), body='{"code":"c"}', body_known=True)
    found = only(raised_by(lambda: calling(held, Refused("x", response=SimpleNamespace(status_code=401)))))
    assert found.response == facts(codes=frozenset("t"), body='{"type":"t"}', body_known=True)


def test_locals_where_an_error_was_raised_again_are_not_its_own() -> None:
    kept = raised_by(lambda: raise_(Refused("got 401")))

    assert only(raised_by(lambda: calling(response(), kept))).rivals == {A}
    assert only(raised_by(lambda: calling(response(), kept))).response is None


@pytest.mark.parametrize(
    ("more", "rivals", "second"),
    [
        ({}, {A}, False),
        ({"other": response(host="b.example")}, {A, B}, False),
        ({"other": response(399, host="b.example")}, {A}, False),
        ({"other": response(400, host="b.example")}, {A, B}, False),
        ({"other": SimpleNamespace(status_code=401, url="/v1")}, {A}, True),
        ({"other": SimpleNamespace(status_code=500, url="/v1")}, {A}, False),
        ({"other": Refused("y", status_code=401)}, {A}, True),
        ({"other": Refused("y", status_code=500)}, {A}, False),
        ({"other": Refused("y", status_code=401, response=response(host="b.example"))}, {A, B}, False),
        ({"other": Refused("y", url="https://b.example/")}, {A, B}, False),
        ({"other": Refused("y", url="https://b.example/", response=object())}, {A}, False),
        ({"other": Refused("y", url="https://b.example/", status_code=200)}, {A}, False),
        ({"other": Refused("y", response=response(host="b.example"))}, {A, B}, False),
        (
            {"other": Refused("y", response=response(host="b.example", extensions={}), status_code=401)},
            {A},
            True,
        ),
        ({"other": Refused("it failed: 503 at https://b.example/")}, {A, B}, False),
    ],
)
def test_what_else_a_report_leads_to_is_a_rival(
    more: dict[str, Any], rivals: set[Endpoint], second: bool
) -> None:
    found = only(Refused("x", response=response(), **more))

    assert found.response == facts()
    assert found.rivals == rivals
    assert found.second_failure is second


def test_a_text_that_tells_of_two_failures_is_a_second_one() -> None:
    error = Refused("a.AuthError: no. a.AuthError: neither", response=response())

    assert only(error).second_failure
    assert only(chained(Refused("a.AuthError: no. a.AuthError: neither"), error)).second_failure
    assert not only(Refused("a.AuthError: no. a.AuthError: neither")).second_failure
    quoting = chained(Refused("first: 12345678 401, then 503"), Refused("12345678 401", response=response()))
    assert only(quoting).second_failure


def test_all_that_answered_is_listed_once() -> None:
    error = Refused(
        "x", response=response(), one=response(500, host="b.example"), two=response(500, host="b.example")
    )

    assert only(error).answers == (facts(), facts(500, host="b.example"))
    many = [Refused("x", response=response(400 + n), other=response(500 + n)) for n in range(40)]
    assert len(Failed(ExceptionGroup("g", many), UNSEEN).answers) == MOST_LINKS
    held = raised_by(lambda: calling(Refused("y", response=response(host="b.example")), Refused("got 401")))
    assert only(held).rivals == {B}


@pytest.mark.parametrize(("count", "expected"), [(63, 64), (64, 64), (80, 64)])
def test_so_many_errors_are_looked_at(count: int, expected: int) -> None:
    failed = Failed(ExceptionGroup("g", [Refused(str(n)) for n in range(count)]), UNSEEN)

    assert len(failed.errors) == expected
    assert failed.tellers == failed.errors


def test_leaves_contexts_and_arguments_are_looked_at() -> None:
    one, two, three, four = (Refused(name) for name in ("one", "two", "three", "four"))
    error = Refused("x", attribute=two)
    error.args = ("x", three)
    error.__context__, error.__cause__ = one, four

    assert set(Failed(error, UNSEEN).errors) == {error, one, two, three, four}


def test_so_many_values_of_an_exception_are_looked_at() -> None:
    fields: dict[str, object] = {f"f{n}": n for n in range(63)}

    assert only(Refused("x", **fields, last=response())).response == facts()
    assert only(Refused("x", **fields, more=1, last=response())).response is None
    assert only(Exception(*range(63), response())).response == facts()
    assert only(Exception(*range(64), response())).response is None
    made_up = {f"f{n}": response(host="b.example", extensions={}) for n in range(64)}
    found = only(Refused("x", **made_up))
    assert found.response == facts(host="b.example")
    error = Refused("x", **made_up)
    error.args = ("x", response())
    assert only(error).response == facts(host="b.example")
    assert only(error).rivals == set()
    held = Refused("y")
    assert held in Failed(Refused("x", **fields, last=held), UNSEEN).errors
    assert held not in Failed(Refused("x", **fields, more=1, last=held), UNSEEN).errors


def test_the_exchange_that_an_error_is_about_counts_before_what_it_was_raised_from() -> None:
    def about(held: object, error: BaseException) -> Response | None:
        return only(raised_by(lambda: calling(held, error))).response

    elsewhere = Refused("y", response=response(host="b.example"))
    assert about(response(), chained(Refused("x", status_code=401), elsewhere)) == facts()
    beside = Refused("x", response=response())
    assert about(response(host="b.example"), beside) == facts()
    assert only(beside).rivals == {A, B}
    healthy = Refused("x", response=response(500))
    assert about(response(host="b.example"), healthy) == facts(500)
    assert only(healthy).rivals == {A}
    unknown = SimpleNamespace(status_code=500)
    assert about(response(500), Refused("x", response=unknown)) == Response(status=500)


def test_what_was_raised_in_the_frame_itself_has_no_other_frames() -> None:
    kept = Refused("got 401")
    try:
        raise kept
    except Refused:
        pass

    def again() -> BaseException:
        return raised_by(lambda: calling(response(), kept))

    assert only(again()).response is None


def test_a_cause_counts_where_the_handling_raises_again_what_it_caught() -> None:
    kept: list[BaseException] = []  # not among the locals by itself

    def translate() -> None:
        try:
            raise Refused("translated", status_code=401) from kept[0]
        except Refused as caught:
            raise caught

    def act() -> None:
        try:
            raise Refused("ours", response=response())
        except Refused as error:
            kept.append(error)
            del error
            translate()

    assert only(raised_by(act)).text == "translated\nours"


def test_a_translation_may_be_raised_again_elsewhere() -> None:
    def act() -> BaseException:
        try:
            raise Refused("12345678", response=response())
        except Refused:
            try:
                raise Refused("x: 12345678")
            except Refused as error:
                return error

    for kept in (act(), translated(Refused("x: 12345678"), Refused("12345678", response=response()))):
        again = raised_by(lambda kept=kept: raise_(kept))  # type: ignore[misc]
        assert only(again).text == "x: 12345678\n12345678"
