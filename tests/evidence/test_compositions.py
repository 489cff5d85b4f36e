"""However a third party's exception is composed with ours and reported, no signal loses it; ours alone goes.

The exceptions are real ones, made once by every client against local servers. The session is known to be
dead all the while, so that even words are dropped: only a third party's part in a report keeps it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

import httpx
import pytest
import sentry_sdk
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode
from sentry_sdk.integrations.dedupe import DedupeIntegration

from otel import GuardedSpanProcessor
from sentry_filters import Policy, SessionGuard
from tests.support.backend import LLMBackend
from tests.support.compositions import (
    OWN_JOBS,
    PAIRINGS,
    QUOTATIONS,
    WRAPPINGS,
    Composed,
    Exceptions,
    Leaf,
    Step,
    Tree,
)
from tests.support.failing import CALLS, HEADERS, raised_by
from tests.support.sentry import CapturingTransport, initialised

# An exception of urllib's holds its open response until the exception itself is collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# urllib3's response does not know its host: what it is about cannot be known, so it is kept.
WITH_ORIGIN = [name for name in CALLS if name != "urllib3"]
stable = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=60
)
NAMING_THEIR_URL = ("httpx", "httpx2", "requests", "aiohttp")
_log = logging.getLogger("tests.compositions")
_log.propagate = False  # Sentry sees it all the same

_ours: st.SearchStrategy[Tree] = st.builds(Leaf, st.just("ours"), st.sampled_from(WITH_ORIGIN))


def _leaves_of_theirs(clients: Iterable[str]) -> st.SearchStrategy[Tree]:
    return st.builds(Leaf, st.sampled_from(["third", "rejected"]), st.sampled_from(list(clients)))


def _wrapped(inner: st.SearchStrategy[Tree], ways: Iterable[str]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.sampled_from(list(ways)), st.tuples(inner))


# `raise … from …` replaces the cause that an exception had, and what was behind that is gone.
_NESTING = [way for way in PAIRINGS if way != "one_from_the_other"]


def _paired(first: st.SearchStrategy[Tree], then: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.sampled_from(_NESTING), st.tuples(first, then))


def _caused(first: st.SearchStrategy[Tree], then: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.just("one_from_the_other"), st.tuples(first, then))


_any_way = {**WRAPPINGS, **OWN_JOBS}
_ours_alone = st.recursive(_ours, lambda inner: _wrapped(inner, WRAPPINGS), max_leaves=4)
# What leads to botocore's error leads to no endpoint: that lies in a local beside it.
_certain_leaf: st.SearchStrategy[Tree] = st.builds(
    Leaf, st.just("ours"), st.sampled_from([name for name in WITH_ORIGIN if name != "botocore"])
)
# What lies on an exception is read, but not what that comes from.
_LYING_ON_IT = ("as_an_argument", "as_an_attribute")
_certain = st.recursive(
    _certain_leaf | st.builds(Composed, st.sampled_from(_LYING_ON_IT), st.tuples(_certain_leaf)),
    lambda inner: _wrapped(inner, [way for way in WRAPPINGS if way not in _LYING_ON_IT]),
    max_leaves=4,
)


# A quotation is all there is of it: it has to say whose failure it is.
_quoted: st.SearchStrategy[Tree] = st.builds(
    Composed,
    st.sampled_from(list(QUOTATIONS)),
    st.tuples(_ours_alone, st.builds(Leaf, st.just("third"), st.sampled_from(NAMING_THEIR_URL))),
)


def _holding(theirs: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.recursive(
        theirs | _quoted | _caused(_ours, theirs) | _caused(theirs, _ours),
        lambda inner: _wrapped(inner, _any_way) | _paired(_ours_alone, inner) | _paired(inner, _ours_alone),
        max_leaves=4,
    )


_with_theirs = _holding(_leaves_of_theirs(CALLS))
_both = st.recursive(
    _paired(_ours_alone, _with_theirs) | _paired(_with_theirs, _ours_alone),
    lambda inner: _wrapped(inner, _any_way),
    max_leaves=3,
)

# What a traceback shows: neither attributes nor locals, and an argument's `repr` without what that comes from.
_SHOWN = [way for way in WRAPPINGS if way not in _LYING_ON_IT]
# Notes are shown as parts of the text, and what was handled is no cause.
_SHOWN_ALONE = [way for way in _SHOWN if way not in ("with_a_note", "quoting_it")]
_IN_TRACEBACKS = ("in_the_handling", "grouped", "grouped_below", "in_one_future")


def _paired_in_text(first: st.SearchStrategy[Tree], then: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.sampled_from(_IN_TRACEBACKS), st.tuples(first, then))


# How an exception is reported, once it is raised by a step.


def captured(step: Step) -> None:
    sentry_sdk.capture_exception(raised_by(step))


def captured_in_the_handling(step: Step) -> None:
    try:
        step()
    except BaseException as error:
        sentry_sdk.capture_exception(error)


def logged_in_the_handling(step: Step) -> None:
    try:
        step()
    except BaseException:
        _log.exception("the turn failed")


def logged_with_its_text(step: Step) -> None:
    try:
        step()
    except BaseException as error:
        _log.exception("the turn failed: %s", error)  # noqa: TRY401 - as many do


def logged_with_a_tuple(step: Step) -> None:
    error = raised_by(step)
    _log.error("the turn failed", exc_info=(type(error), error, error.__traceback__))


def logged_as_an_argument(step: Step) -> None:
    _log.error("the turn failed: %s", raised_by(step))


REPORTS: Mapping[str, Callable[[Step], None]] = MappingProxyType(
    {
        report.__name__: report
        for report in (
            captured, captured_in_the_handling, logged_in_the_handling, logged_with_its_text,
            logged_with_a_tuple, logged_as_an_argument,
        )
    }
)  # fmt: skip
_reports = st.sampled_from(list(REPORTS))


class Application:
    """One that runs on, although its session has ended."""

    def __init__(self, guard: SessionGuard, servers: Mapping[str, LLMBackend]) -> None:
        self.guard = guard
        self._ours = servers["ours"].url
        self.third_parties = [server.url for whose, server in servers.items() if whose != "ours"]
        self._transport = CapturingTransport()
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(active_span_processor=GuardedSpanProcessor(guard))
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("app")
        self._client = guard.instrument(httpx.Client(headers=HEADERS))
        self.exceptions = Exceptions(
            lambda leaf: raised_by(lambda: CALLS[leaf.client](servers[leaf.whose].url))
        )

    def sentry_options(self) -> dict[str, object]:
        return self.guard.sentry_options(
            dsn="http://a@localhost/1", transport=self._transport, disabled_integrations=[DedupeIntegration]
        )

    def keeps(self, act: Callable[[], object]) -> bool:
        """Say whether Sentry gets an event of what `act` reports."""
        self._transport.envelopes.clear()
        self.exceptions.restored()
        act()
        return bool(self._transport.events)

    def span_of(self, tree: Tree) -> ReadableSpan:
        """Return the exported span of work in which our call failed, and that ended with an exception."""
        self.exceptions.restored()
        error = raised_by(self.exceptions.step(tree))
        with self._tracer.start_as_current_span("turn") as span:
            self._client.post(f"{self._ours}/chat/completions", json={})
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR, str(error)))
        (exported,) = self._exporter.get_finished_spans()
        self._exporter.clear()
        return exported


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    """Its session is known to be dead."""
    with LLMBackend() as ours, LLMBackend() as third, LLMBackend() as rejected:
        rejected.state.body = '{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}'
        guard = SessionGuard(Policy(provider="OpenHuman", hosts={ours.address}), lambda event: None)
        app = Application(guard, {"ours": ours, "third": third, "rejected": rejected})
        with initialised(**app.sentry_options()):
            sentry_sdk.capture_exception(raised_by(app.exceptions.step(Leaf("ours", "httpx"))))
            assert not guard.gate.is_open
            yield app
        guard.close()


@stable
@given(tree=_both | _with_theirs, report=_reports)
def test_a_report_with_a_third_party_in_it_arrives(app: Application, tree: Tree, report: str) -> None:
    assume(app.exceptions.leads_to_another(tree))

    assert app.keeps(lambda: REPORTS[report](app.exceptions.step(tree)))


@stable
@given(tree=_holding(_leaves_of_theirs(WITH_ORIGIN)))
def test_a_call_sites_own_statement_does_not_hide_a_third_party(app: Application, tree: Tree) -> None:
    assume(app.exceptions.leads_to_another(tree))

    def report() -> None:
        error = raised_by(app.exceptions.step(tree))
        app.guard.report(error, operation="chat", provider="OpenHuman", status=401)

    assert app.keeps(report)


@stable
@given(
    mine=_ours_alone,
    theirs=_with_theirs,
    text=st.sampled_from(["%s / %s", "%r, %r", "turn failed: %s (before: %s)"]),
    swapped=st.booleans(),
    in_flight=st.booleans(),
)
def test_a_log_call_with_a_third_party_among_its_arguments_arrives(
    app: Application, mine: Tree, theirs: Tree, text: str, swapped: bool, in_flight: bool
) -> None:
    assume(app.exceptions.leads_to_another(theirs))

    def log() -> None:
        one, other = raised_by(app.exceptions.step(mine)), raised_by(app.exceptions.step(theirs))
        args = (other, one) if swapped else (one, other)
        if not in_flight:
            _log.error(text, *args)
            return
        try:
            raise one
        except BaseException:
            _log.exception(text, *args)

    assert app.keeps(log)


@stable
@given(mine=_ours_alone, theirs=_with_theirs, report=_reports)
def test_what_is_reported_while_a_third_partys_failure_is_handled_arrives(
    app: Application, mine: Tree, theirs: Tree, report: str
) -> None:
    assume(app.exceptions.leads_to_another(theirs))

    def act() -> None:
        try:
            app.exceptions.step(theirs)()
        except BaseException:
            assert sys.exception() is not None
            REPORTS[report](app.exceptions.step(mine))

    assert app.keeps(act)


@stable
@given(tree=_certain, report=_reports)
def test_ours_alone_is_dropped(app: Application, tree: Tree, report: str) -> None:
    assert not app.keeps(lambda: REPORTS[report](app.exceptions.step(tree)))


# A span has an exception as text only: one that does not say whose it is could be ours.
_telling: st.SearchStrategy[Tree] = st.builds(
    Leaf, st.sampled_from(["third", "rejected"]), st.sampled_from(NAMING_THEIR_URL)
)
# The SDKs raise theirs `from None`, which hides from a traceback what was being handled.
_hiding_nothing: st.SearchStrategy[Tree] = st.builds(
    Leaf, st.just("ours"), st.sampled_from(["httpx", "httpx2", "requests", "aiohttp", "urllib"])
)
_in_a_traceback = st.recursive(
    _telling | _caused(_hiding_nothing, _telling) | _caused(_telling, _hiding_nothing),
    lambda inner: (
        _wrapped(inner, _SHOWN)
        | _paired_in_text(_hiding_nothing, inner)
        | _paired_in_text(inner, _hiding_nothing)
    ),
    max_leaves=3,
)


@stable
@given(tree=_in_a_traceback)
def test_a_span_whose_exception_tells_of_a_third_party_keeps_it(app: Application, tree: Tree) -> None:
    span = app.span_of(tree)
    assume(any(name in str(span.events[0].attributes) for name in app.third_parties))

    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


@stable
@given(tree=st.recursive(_certain_leaf, lambda inner: _wrapped(inner, _SHOWN_ALONE), max_leaves=3))
def test_a_span_whose_exception_is_ours_alone_does_not_fail(app: Application, tree: Tree) -> None:
    assert app.span_of(tree).status.status_code is StatusCode.UNSET
