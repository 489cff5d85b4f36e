"""Target: exception chains with cycles, groups in groups, and exceptions whose every attribute raises."""

from __future__ import annotations

from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from sentry_filters import Policy, SessionGuard
from sentry_filters.guard import parts_of
from tests.fuzz import oracle
from tests.fuzz.strategies import HOST, PROVIDER, quick, statements, statuses, tag_dicts, texts, values

_GUARD = SessionGuard(Policy(provider=PROVIDER, hosts={HOST}), lambda event: None)


class Raising(Exception):
    """Raises on every access."""

    @property
    def response(self) -> object:
        raise RuntimeError("response")

    @property
    def status_code(self) -> int:
        raise RuntimeError("status_code")

    def __str__(self) -> str:
        raise RuntimeError("str")

    def __repr__(self) -> str:
        raise RuntimeError("repr")


class RaisingCause(Exception):
    """Hides its cause."""

    status_code = 401

    @property
    def __cause__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError("cause")

    @property
    def __context__(self) -> BaseException:  # type: ignore[override]
        raise RuntimeError("context")


class OddCause(Exception):
    """Claims a cause that is not an exception."""

    __cause__: Any = "a text"


class RaisingGroup(ExceptionGroup[Exception]):
    """Does not show its members."""

    @property
    def exceptions(self) -> tuple[Exception, ...]:
        raise RuntimeError("exceptions")


class EndlessGroup(ExceptionGroup[Exception]):
    """Claims to contain itself, twice."""

    @property
    def exceptions(self) -> tuple[Exception, ...]:
        return (self, self)


class Odd(Exception):
    """Carries attributes of any type."""

    def __init__(self, text: str, attributes: dict[str, Any]) -> None:
        super().__init__(text)
        self.__dict__.update(attributes)


def refused(host: str, status: int, text: str) -> Exception:
    """Return what httpx raises for a failed response that no guard saw."""
    request = httpx.Request("POST", f"https://{host}/v1/chat/completions")
    return httpx.HTTPStatusError(text, request=request, response=httpx.Response(status, request=request))


_wire = st.builds(refused, st.sampled_from([HOST, "api.openai.com"]), st.sampled_from([401, 403, 500]), texts)
_odd = st.builds(
    Odd,
    statements | texts,
    st.dictionaries(
        st.sampled_from(["response", "status_code", "body", "code", "request", "url", "extensions"]),
        values | statuses | st.just(httpx.Response(401)),
        max_size=3,
    ),
)
_leaves = st.one_of(
    _wire,
    _odd,
    st.builds(ValueError, texts | statements),
    st.builds(Raising),
    st.builds(RaisingCause),
    st.builds(OddCause),
    st.builds(lambda: RaisingGroup("g", [ValueError("x")])),
    st.builds(lambda: EndlessGroup("g", [ValueError("x")])),
)
_errors = st.recursive(
    _leaves,
    lambda inner: st.builds(
        lambda text, some: ExceptionGroup(text, some), texts, st.lists(inner, min_size=1, max_size=4)
    ),
    max_leaves=8,
)
_links = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=8)


def linked(errors: list[Exception], links: list[tuple[int, int, bool]]) -> Exception:
    """Chain them according to `links`, also in cycles; return the first."""
    for above, below, explicit in links:
        one, other = errors[above % len(errors)], errors[below % len(errors)]
        try:
            if explicit:
                one.__cause__ = other
            else:
                one.__context__ = other
        except (AttributeError, TypeError):
            continue
    return errors[0]


@quick
@given(errors=st.lists(_errors, min_size=1, max_size=6), links=_links, tags=tag_dicts)
def test_no_exception_raises_and_without_evidence_it_is_kept(
    errors: list[Exception], links: list[tuple[int, int, bool]], tags: dict[str, Any]
) -> None:
    error = linked(errors, links)
    faults = _GUARD.counters.get("faults")

    parts_of(_GUARD).failures_of(error)
    kept = _GUARD.before_send({"tags": tags}, {"exc_info": (type(error), error, None)})

    assert kept is not None or oracle.speaks_of_the_backend(tags, *map(described, errors))
    assert _GUARD.counters.get("faults") == faults
    assert not _GUARD.report(error, operation="chat", provider="OpenAI", status=401).drop


@quick
@given(errors=st.lists(_errors, min_size=0, max_size=3), place=st.integers(0, 3), levels=st.integers(1, 70))
def test_a_group_with_one_bug_in_it_is_kept(errors: list[Exception], place: int, levels: int) -> None:
    ours = [refused(HOST, 401, "expired"), *errors]
    ours.insert(place, ValueError("a bug"))
    group: Exception = ExceptionGroup("some", ours)
    for _ in range(levels):
        group = ExceptionGroup("more", [refused(HOST, 401, "expired"), group])

    assert _GUARD.before_send({}, {"exc_info": (type(group), group, None)}) is not None


@quick
@given(error=_errors)
def test_an_exception_among_values_is_redacted(error: Exception) -> None:
    assert not oracle.holds_the_canary(_GUARD.redactor.redact_value({"error": error, "in": [error]}))


def described(error: Exception) -> str:
    """Return everything that can be read from `error`."""
    said = [type(error).__name__]
    for look in (str, lambda one: one.response.url, lambda one: oracle.shown_as(one.__dict__)):
        try:
            said.append(str(look(error)))
        except Exception:
            continue
    if type(error) is ExceptionGroup:
        said += map(described, error.exceptions)
    return " 401 ".join(said)
