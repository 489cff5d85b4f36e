"""What counts as the gate's own refusal, and what stays the application's error."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, cast

import pytest

from sentry_filters import SchedulerGate, SessionExpiredError
from sentry_filters.core import names_refusal, refusal_of
from sentry_filters.core.refusals import everything_below
from tests.support.expiries import expiry

Raises = Callable[[], object]


def refuse() -> None:
    gate = SchedulerGate()
    gate.close(expiry())
    gate.check()


def raised(function: Raises) -> Exception:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def while_handling() -> None:
    try:
        raise KeyError("not in the cache")
    except KeyError:
        refuse()


def passed_on() -> None:
    try:
        refuse()
    except SessionExpiredError as error:
        raise RuntimeError(f"job 7 failed: {error}") from error


def passed_on_twice() -> None:
    try:
        passed_on()
    except RuntimeError as error:
        raise ValueError(f"worker: {error}")  # noqa: B904 - implicit on purpose


def grouped() -> None:
    raise ExceptionGroup("tasks", [raised(refuse), ExceptionGroup("more", [raised(passed_on)])])


def sent() -> None:
    raise pickle.loads(pickle.dumps(raised(refuse)))


def own_error() -> None:
    try:
        refuse()
    except SessionExpiredError as error:
        raise RuntimeError("the order was lost") from error


def own_error_while_handling() -> None:
    try:
        refuse()
    except SessionExpiredError as error:
        raise KeyError("job") if error else error  # noqa: B904 - a bug in the handling


def cut_off() -> None:
    try:
        refuse()
    except SessionExpiredError as error:
        raise RuntimeError(f"job 7 failed: {error}") from None


def text_alone() -> None:
    raise RuntimeError(str(raised(refuse)))


def of_the_system() -> None:
    try:
        refuse()
    except SessionExpiredError as error:
        raise ConnectionError(str(error)) from error


class HTTPError(Exception):
    """As web frameworks have it."""

    status_code = 503


def of_the_own_server() -> None:
    try:
        refuse()
    except SessionExpiredError as error:
        raise HTTPError(str(error)) from error


def mixed_group() -> None:
    raise ExceptionGroup("tasks", [raised(refuse), ZeroDivisionError()])


def endless_group() -> None:
    raise ExceptionGroup("tasks", [raised(refuse)] * 1_000)


@pytest.mark.parametrize(
    "function",
    [refuse, while_handling, passed_on, passed_on_twice, grouped, sent],
    ids=lambda one: one.__name__,
)
def test_a_refusal_is_recognised(function: Raises) -> None:
    assert isinstance(refusal_of(raised(function)), SessionExpiredError)


@pytest.mark.parametrize(
    "function",
    [
        own_error,
        own_error_while_handling,
        cut_off,
        text_alone,
        of_the_system,
        of_the_own_server,
        mixed_group,
        endless_group,
    ],
    ids=lambda one: one.__name__,
)
def test_what_is_the_applications_own_is_none(function: Raises) -> None:
    assert refusal_of(raised(function)) is None


def test_a_refusal_is_known_by_its_types_name_too() -> None:
    kind = type(raised(refuse))

    assert names_refusal(f"{kind.__module__}.{kind.__qualname__}")
    assert not names_refusal("SessionExpiredError")
    assert not names_refusal("app.errors.SessionExpiredError")
    assert not names_refusal("sentry_filters.core.session.Other")


# Odd exceptions


class LooksLikeAGroup(Exception):
    exceptions = (SessionExpiredError(expiry()),)


class OddGroup(ExceptionGroup[Exception]):
    exceptions = cast("Any", [SessionExpiredError(expiry())])


class OddLink(Exception):
    __cause__ = "not an exception"  # type: ignore[assignment]


@pytest.mark.parametrize("error", [LooksLikeAGroup(), OddGroup("jobs", [ValueError()]), OddLink(), None])
def test_what_is_not_what_it_seems_is_none(error: BaseException | None) -> None:
    assert refusal_of(error) is None


def chained(length: int) -> BaseException:
    first = error = ValueError(0)
    for number in range(length):
        error.__cause__ = ValueError(number)
        error = error.__cause__
    return first


def test_everything_below_is_found_once() -> None:
    above, below, deepest = ValueError("above"), ExceptionGroup("below", [KeyError()]), OddLink()
    above.__cause__ = above.__context__ = below
    below.__context__ = deepest
    deepest.__context__ = above

    found = everything_below(above)
    assert found is not None
    assert sorted(map(repr, found)) == sorted(map(repr, (below, deepest, below.exceptions[0])))


@pytest.mark.parametrize(("length", "is_known"), [(0, True), (64, True), (65, False)])
def test_what_is_too_deep_to_look_through_is_unknown(length: int, is_known: bool) -> None:
    found = everything_below(chained(length))
    assert (found is not None) is is_known
    assert found is None or len(found) == length
