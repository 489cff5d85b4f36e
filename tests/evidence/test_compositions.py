"""However a third party's exception is composed with ours and reported, no signal loses it; ours alone goes.

The exceptions are real ones, made once by every client against local servers. The session is known to be
dead all the while, so that even words are dropped: only a third party's part in a report keeps it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from urllib.error import HTTPError

import httpx
import pytest
import sentry_sdk
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode

from otel import GuardedSpanProcessor
from sentry_filters import Policy, SessionGuard
from tests.evidence.trees import (
    BOTH,
    CERTAINLY_OURS,
    IN_A_TRACEBACK,
    OURS_ALONE,
    SHOWN_ALONE,
    WITH_ORIGIN,
    WITH_THEIRS,
    holding,
    leaves_of_theirs,
)
from tests.support.backend import LLMBackend
from tests.support.compositions import Exceptions, Leaf, Step, Tree
from tests.support.failing import CALLS, HEADERS, raised_by
from tests.support.sentry import CapturingTransport, initialised

stable = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), max_examples=150
)
_log = logging.getLogger("tests.compositions")
_log.propagate = False  # Sentry sees it all the same

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
        _log.exception("the turn failed: %s", error)


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
        self._servers = servers
        self.exceptions = Exceptions(self._failed)

    def close(self) -> None:
        self._client.close()
        self._provider.shutdown()

    def _failed(self, leaf: Leaf) -> BaseException:
        error = raised_by(lambda: CALLS[leaf.client](self._servers[leaf.whose].url))
        if isinstance(error, HTTPError):
            error.close()  # else it holds a socket for as long as anybody holds it
        return error

    def sentry_options(self) -> dict[str, object]:
        return self.guard.sentry_options(dsn="http://a@localhost/1", transport=self._transport)

    def keeps(self, act: Callable[[], object]) -> bool:
        """Say whether Sentry gets an event of what `act` reports."""
        sentry_sdk.capture_exception(ValueError("another"))  # the SDK drops what it got just before
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
            app.close()
        guard.close()


@stable
@given(tree=BOTH | WITH_THEIRS, report=_reports)
def test_a_report_with_a_third_party_in_it_arrives(app: Application, tree: Tree, report: str) -> None:
    assume(app.exceptions.leads_to_another(tree))

    assert app.keeps(lambda: REPORTS[report](app.exceptions.step(tree)))


@stable
@given(tree=holding(leaves_of_theirs(WITH_ORIGIN)))
def test_a_call_sites_own_statement_does_not_hide_a_third_party(app: Application, tree: Tree) -> None:
    assume(app.exceptions.leads_to_another(tree))

    def report() -> None:
        error = raised_by(app.exceptions.step(tree))
        app.guard.report(error, operation="chat", provider="OpenHuman", status=401)

    assert app.keeps(report)


@stable
@given(
    mine=OURS_ALONE,
    theirs=WITH_THEIRS,
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
@given(mine=OURS_ALONE, theirs=WITH_THEIRS, report=_reports)
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
@given(tree=CERTAINLY_OURS, report=_reports)
def test_ours_alone_is_dropped(app: Application, tree: Tree, report: str) -> None:
    assert not app.keeps(lambda: REPORTS[report](app.exceptions.step(tree)))


@stable
@given(tree=IN_A_TRACEBACK)
def test_a_span_whose_exception_tells_of_a_third_party_keeps_it(app: Application, tree: Tree) -> None:
    app.exceptions.restored()
    shown = "".join(traceback.format_exception(raised_by(app.exceptions.step(tree))))
    assume(any(url in shown for url in app.third_parties))

    span = app.span_of(tree)

    assert span.status.status_code is StatusCode.ERROR
    assert [event.name for event in span.events] == ["exception"]


@stable
@given(tree=SHOWN_ALONE)
def test_a_span_whose_exception_is_ours_alone_does_not_fail(app: Application, tree: Tree) -> None:
    assert app.span_of(tree).status.status_code is StatusCode.UNSET
