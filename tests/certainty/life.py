"""The rows of the session's life: ending, signing in, being rotated, being used on, having been alive."""

from __future__ import annotations

from tests.certainty.deployment import Deployment
from tests.certainty.rows import OURS, Due, Row
from tests.certainty.setting import NEW, OLD
from tests.support.tokens import jwt

_ENDED = frozenset({OURS})
_OLD_CREDENTIAL = "old_credential"
_CONTRADICTED = "contradicting_success"
_LONG = 3600.0


def _the_session_ends(app: Deployment) -> None:
    app.fail(OLD, 3)
    app.until_published(1)
    app.fail(OLD)


def _a_sign_in(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    _signed_in(app)


def _a_client_heals_itself(app: Deployment) -> None:
    app.backend.state.valid.add(NEW)
    assert app.each("heals", OLD, NEW) == [None] * app.size


def _the_application_heals(app: Deployment) -> None:
    app.fail(OLD)
    _signed_in(app)


def _nothing_heals(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.fail(OLD)


def _the_auth_renews(app: Deployment) -> None:
    app.tokens.state.current = OLD
    assert app.first("renews_itself") is None
    assert app.each("renews_itself") == [None] * app.size
    assert app.tokens.state.calls == 1


def _the_auth_is_refused(app: Deployment) -> None:
    app.tokens.state.current, app.tokens.state.status = OLD, 400
    assert "401" in app.first("renews_itself")
    app.until_published(1)
    app.until_open(is_open=False)


def _the_auth_asks_in_vain(app: Deployment) -> None:
    app.tokens.state.current, app.tokens.state.status = OLD, 503
    assert "401" in app.first("renews_itself")
    app.until_open(is_open=True)


def _its_own_time_is_over(app: Deployment) -> None:
    assert app.first("renews", jwt(60.0))
    app.each("jumps", _LONG)
    assert app.first("is_refused")
    assert not app.backend.state.calls
    app.renew(NEW)
    app.until_open(is_open=True)


def _in_flight_at_a_rotation(app: Deployment) -> None:
    with app.in_flight(OLD):
        app.renew(NEW)
    assert app.landed == [[True]] * app.size


def _in_flight_at_a_sign_in(app: Deployment) -> None:
    with app.in_flight(OLD):
        app.fail(OLD)
        app.until_published(1)
        app.renew(NEW)
    assert app.landed == [[True]] * app.size


def _an_old_credential_is_used_on(app: Deployment) -> None:
    app.renew(NEW)
    assert app.each("calls", OLD, 3) == [[True] * 3] * app.size


def _an_old_credential_that_ended_is_used_on(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.until_open(is_open=False)
    app.renew(NEW)
    assert app.each("calls", OLD, 3) == [[True] * 3] * app.size


def _it_fails_again(app: Deployment) -> None:
    _again(app, None)


def _the_same_credential_fails_again(app: Deployment) -> None:
    _again(app, OLD)


def _it_was_none(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.until_open(is_open=False)
    app.backend.state.valid.add(OLD)
    assert app.first("calls", OLD) == [True]
    app.until_open(is_open=True)


def _a_success_contradicts(app: Deployment) -> None:
    with app.in_flight(OLD):
        _succeeds_for_once(app)
    assert app.landed == [[True]] * app.size


def _a_success_contradicts_although_it_is_stale(app: Deployment) -> None:
    with app.in_flight(OLD):
        _succeeds_for_once(app)
        app.renew(NEW)
    assert app.landed == [[True]] * app.size


def _signed_in(app: Deployment) -> None:
    app.backend.state.valid.add(NEW)
    app.renew(NEW)
    app.until_open(is_open=True)
    assert app.each("calls", NEW) == [[True]] * app.size


def _again(app: Deployment, credential: str | None) -> None:
    app.fail(OLD, 2)
    app.until_published(1)
    app.until_open(is_open=False)
    app.renew(credential)
    app.until_open(is_open=True)
    app.fail(OLD, 2)
    app.until_published(2)


def _succeeds_for_once(app: Deployment) -> None:
    app.backend.state.valid.add(OLD)
    app.each("calls", OLD)
    app.backend.state.valid.discard(OLD)


LIFE = (
    Row(
        life="the session ends, calls fail",
        rule="the first failure closes the gate, then publishes; its repeats are dropped",
        due=Due(published=1, is_open=False, reasons=_ENDED),
        story=_the_session_ends,
    ),
    Row(
        life="sign-in",
        rule="the gate is open before `session_renewed` returns, and soon everywhere",
        due=Due(published=1, reasons=_ENDED),
        story=_a_sign_in,
    ),
    Row(
        life="a client heals itself inside the call",
        rule="nothing is published, the gate stays open, its inner spans leave as they are",
        due=Due(traces=1, span_reasons=frozenset({"healed"}), by_http_spans=True),
        story=_a_client_heals_itself,
    ),
    Row(
        life="the application catches, renews, tries again, within `healing_window`",
        rule="the gate closes at once; no handler is told",
        due=Due(reasons=_ENDED),
        policy={"healing_window": _LONG},
        story=_the_application_heals,
    ),
    Row(
        life="nothing heals it within `healing_window`",
        rule="handlers are told when the window is over",
        due=Due(published=1, is_open=False, reasons=_ENDED),
        policy={"healing_window": 0.2},
        story=_nothing_heals,
    ),
    Row(
        life="`guard.auth(refresh)` renews",
        rule="one renewal for all; nothing is published, the failed attempt's span leaves as it is",
        due=Due(traces=1, span_reasons=frozenset({"healed"}), by_http_spans=True, only_one=True),
        story=_the_auth_renews,
    ),
    Row(
        life="`guard.auth(refresh)` is refused",
        rule="the one `SessionExpired`",
        due=Due(published=1, is_open=False, reasons=_ENDED),
        story=_the_auth_is_refused,
    ),
    Row(
        life="`guard.auth(refresh)` cannot be asked: the token endpoint is down",
        rule="neither: nothing is published, the gate stays open; what the application reports is kept",
        due=Due(events=1, traces=1, reasons=frozenset({"renewal_pending"}), only_one=True),
        story=_the_auth_asks_in_vain,
    ),
    Row(
        life="`exp` of a JWT has passed, with `refuse_expired`",
        rule="the gate refuses before the call is sent",
        due=Due(published=1, reasons=frozenset({"refused_by_gate"})),
        policy={"refuse_expired": True},
        story=_its_own_time_is_over,
    ),
    Row(
        life="rotated before it expired, a call in flight with the old credential fails",
        rule="stale: dropped, nothing published, the gate untouched",
        due=Due(reasons=_ENDED),
        story=_in_flight_at_a_rotation,
    ),
    Row(
        life="the same, of an old credential that had failed before",
        rule="stale: dropped, nothing published a second time, the gate untouched",
        due=Due(published=1, reasons=_ENDED),
        story=_in_flight_at_a_sign_in,
    ),
    Row(
        life="an old credential is used on after a renewal that named the new one",
        rule="shown once an hour, tagged; repeats dropped; the gate untouched; the invariant turns red",
        due=Due(
            events=1,
            tag=_OLD_CREDENTIAL,
            reasons=frozenset({_OLD_CREDENTIAL}),
            violation="old_credential_in_use",
        ),
        story=_an_old_credential_is_used_on,
    ),
    Row(
        life="an old credential that had failed before is used on after such a renewal",
        rule="as above, beside the one expiry",
        due=Due(
            published=1,
            events=1,
            tag=_OLD_CREDENTIAL,
            reasons=frozenset({OURS, _OLD_CREDENTIAL}),
            violation="old_credential_in_use",
        ),
        story=_an_old_credential_that_ended_is_used_on,
    ),
    Row(
        life="`session_renewed()` unnamed, and it fails again",
        rule="a new expiry",
        due=Due(published=2, is_open=False, reasons=_ENDED),
        story=_it_fails_again,
    ),
    Row(
        life="the same credential is renewed, and it fails again",
        rule="a new expiry",
        due=Due(published=2, is_open=False, reasons=_ENDED),
        story=_the_same_credential_fails_again,
    ),
    Row(
        life="a 401 that was none: the same credential succeeds after it",
        rule="the gate opens everywhere, `recovered`",
        due=Due(published=1, reasons=_ENDED, recovered=True),
        story=_it_was_none,
    ),
    Row(
        life="a failure of a credential that has succeeded since the call began",
        rule="kept",
        due=Due(events=1, traces=1, reasons=frozenset({_CONTRADICTED})),
        story=_a_success_contradicts,
    ),
    Row(
        life="the same, and the credential was renewed since",
        rule="contradicted comes before stale: kept",
        due=Due(events=1, traces=1, reasons=frozenset({_CONTRADICTED})),
        story=_a_success_contradicts_although_it_is_stale,
    ),
)
