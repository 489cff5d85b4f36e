"""The rows of what is around the session: handlers, other sessions, clocks, forks, signals, the callers."""

from __future__ import annotations

from tests.certainty.deployment import Deployment
from tests.certainty.rows import OURS, Due, Row
from tests.certainty.setting import NEW, OLD, OTHER

_ENDED = frozenset({OURS})
_UNHANDLED = "unhandled"
_SESSIONS = {"scope": "session"}
_HOUR = 3600.0
_PLACES, _STEP = 60, 12


def _nobody_subscribed(app: Deployment) -> None:
    assert app.first("calls", OLD) == [False]
    app.until_published(1)
    app.until_open(is_open=False)
    app.fail(OLD, 2)


def _handlers_cannot_keep_up(app: Deployment) -> None:
    for number, token in enumerate((OLD, NEW, OTHER), start=1):
        app.first("calls", token)
        app.until_published(number)
        app.first("is_handling")
    app.first("calls", OTHER, 2)


def _several_credentials(app: Deployment) -> None:
    app.backend.state.valid.update((OLD, NEW))
    for token in (OLD, NEW, OLD, NEW):
        app.each("calls", token)


def _another_behind_a_closed_gate(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.fail(OTHER)
    app.until_published(2)


def _a_failure_names_none(app: Deployment) -> None:
    app.each("states")
    assert app.each("is_open") == [True] * app.size


def _one_user_signs_in(app: Deployment) -> None:
    with app.in_flight(OLD):
        app.renew(NEW)
    app.until_published(1)
    app.until_open(is_open=False, token=OLD)
    assert app.each("is_open", NEW) == [True] * app.size


def _the_clock_is_set_ahead(app: Deployment) -> None:
    _renewed_while_the_clock_is_wrong(app, _HOUR)


def _the_clock_is_set_back(app: Deployment) -> None:
    _renewed_while_the_clock_is_wrong(app, -_HOUR)


def _the_process_forks(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.until_open(is_open=False)
    app.fork(OLD, OTHER)


def _reported_in_mid_decision(app: Deployment) -> None:
    assert app.first("interrupts", OLD, _PLACES, _STEP) == _PLACES // _STEP
    app.until_published(_PLACES // _STEP)
    app.until_open(is_open=False)


def _the_gate_refuses(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.until_open(is_open=False)
    assert app.each("is_refused") == [True] * app.size


def _the_error_propagates(app: Deployment) -> None:
    for bare, guarded in app.each("compares", OLD):
        assert bare == guarded
    app.until_published(1)


def _two_guards_in_a_chain(app: Deployment) -> None:
    app.fail(OLD, 2)
    app.each("calls", OTHER, 2, "other")
    app.until_published(2)
    for which in (0, 1):
        assert app.each("is_open", None, which) == [False] * app.size


def _renewed_while_the_clock_is_wrong(app: Deployment, seconds: float) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.until_open(is_open=False)
    app.each("jumps", seconds)  # it is the machine's clock
    app.renew()
    app.each("jumps", 0)
    app.until_open(is_open=True)
    app.fail(OLD)
    app.until_published(2)


SURROUNDINGS = (
    Row(
        life="nobody subscribed",
        rule="the first failure of the session is shown, tagged; repeats dropped",
        due=Due(
            published=1,
            told=0,
            is_open=False,
            events=1,
            tag=_UNHANDLED,
            only_one=True,
            reasons=frozenset({OURS, _UNHANDLED}),
            span_reasons=_ENDED,
        ),
        handlers="none",
        story=_nobody_subscribed,
    ),
    Row(
        life="handlers cannot keep up",
        rule="what cannot be queued nobody handles: its failure is shown",
        due=Due(
            published=3,
            told=2,
            is_open=False,
            events=1,
            tag=_UNHANDLED,
            only_one=True,
            several=None,
            faults=1,  # of the handler's queue
            reasons=frozenset({OURS, _UNHANDLED}),
            span_reasons=_ENDED,
        ),
        handlers="stuck",
        story=_handlers_cannot_keep_up,
    ),
    Row(
        life='several credentials in use under `scope="process"`',
        rule='one WARNING that names `scope="session"`',
        due=Due(several=1),
        story=_several_credentials,
    ),
    Row(
        life='another credential fails behind a closed gate, `scope="process"`',
        rule="a session of its own: it publishes",
        due=Due(published=2, is_open=False, several=None, reasons=_ENDED),
        story=_another_behind_a_closed_gate,
    ),
    Row(
        life='a failure that names no session, `scope="session"`',
        rule="words: kept, it closes nobody's gate",
        due=Due(events=1, traces=1, reasons=frozenset({"uncorroborated"})),
        policy=_SESSIONS,
        story=_a_failure_names_none,
    ),
    Row(
        life='another user signs in while a call is in flight, `scope="session"`',
        rule="nobody else's failure is stale: an expiry of that user's session alone",
        due=Due(published=1, reasons=_ENDED),
        policy=_SESSIONS,
        story=_one_user_signs_in,
    ),
    Row(
        life="a sign-in while the clock is an hour ahead, and it fails again",
        rule="no difference: a new expiry",
        due=Due(published=2, is_open=False, reasons=_ENDED),
        story=_the_clock_is_set_ahead,
    ),
    Row(
        life="a sign-in while the clock is an hour behind, and it fails again",
        rule="no difference: a new expiry",
        due=Due(published=2, is_open=False, reasons=_ENDED),
        story=_the_clock_is_set_back,
    ),
    Row(
        life="the process forks",
        rule="a child knows what had ended, and publishes what ends then",
        due=Due(published=2, is_open=False, several=None, reasons=_ENDED),
        story=_the_process_forks,
    ),
    Row(
        life="a signal handler (sync) or a finalizer (async) reports in mid-decision",
        rule="no difference: each session is published once",
        due=Due(published=_PLACES // _STEP, is_open=False, several=None, reasons=_ENDED),
        story=_reported_in_mid_decision,
    ),
    Row(
        life="the gate refuses work, and the application reports it",
        rule="the filter's doing: dropped, no span fails",
        due=Due(published=1, is_open=False, reasons=frozenset({OURS, "refused_by_gate"})),
        story=_the_gate_refuses,
    ),
    Row(
        life="the application catches the error",
        rule="it is the same as without the guard: type, text, response, traceback",
        due=Due(published=1, is_open=False, reasons=_ENDED),
        story=_the_error_propagates,
    ),
    Row(
        life="two guards in a chain, each of another backend",
        rule="both decide: two expiries, both gates closed",
        due=Due(published=2, is_open=False, reasons=frozenset({OURS, "contradicting_host"})),
        chained=True,
        story=_two_guards_in_a_chain,
    ),
)
