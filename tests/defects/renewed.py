"""Applications whose sign-in fails, does not happen, comes too early, or is told to nobody."""

from __future__ import annotations

import httpx

from sentry_filters import SessionExpired, SessionExpiredError
from tests.defects.application import PROVIDER, Application
from tests.defects.rows import Defect
from tests.support.tokens import jwt

_IN_VAIN = ("violations: renewed_in_vain",)


def _a_handler_that_raises(app: Application) -> None:
    _a_handler_fails(app, calls_on=True)


def _a_handler_that_raises_at_a_gate(app: Application) -> None:
    _a_handler_fails(app, calls_on=False)


def _a_handler_fails(app: Application, *, calls_on: bool) -> None:
    key = [app.credential(is_accepted=False)]

    def sign_in(event: SessionExpired) -> None:
        if not app.is_healthy:
            assert calls_on or app.reported.wait(10)  # it takes longer than the first failure's report
            raise AttributeError(f"'NoneType' object has no attribute 'ask' of {event.id}")
        key[0] = app.credential(is_accepted=True)
        guard.session_renewed(key[0])

    guard = app.guarded(sign_in)
    for _ in range(4):
        if guard.gate.is_open or calls_on:
            app.calls(key[0])


def _a_handler_that_never_renews(app: Application) -> None:
    key = [app.credential(is_accepted=False)]

    def ask(_event: SessionExpired) -> None:
        if app.is_healthy:  # else the dialogue is behind all windows
            key[0] = app.credential(is_accepted=True)
            guard.session_renewed(key[0])

    guard = app.guarded(ask)
    for _ in range(12):
        app.calls(key[0])
    app.passes(61)
    for _ in range(3):
        app.calls(key[0])


def _the_same_dead_credential(app: Application) -> None:
    key = [app.credential(is_accepted=False)]

    def sign_in(_event: SessionExpired) -> None:
        if app.is_healthy:
            key[0] = app.credential(is_accepted=True)
        guard.session_renewed(key[0])

    guard = app.guarded(sign_in)
    for _ in range(8):
        app.calls(key[0])


def _told_before_it_works(app: Application) -> None:
    key = [app.credential(is_accepted=False)]

    def sign_in(_event: SessionExpired) -> None:
        key[0] = app.credential(is_accepted=app.is_healthy)  # else it is activated some minutes later
        guard.session_renewed(key[0])

    guard = app.guarded(sign_in)
    for _ in range(8):
        app.calls(key[0])


def _told_to_nobody(app: Application) -> None:
    key = [app.credential(is_accepted=False)]

    def sign_in(_event: SessionExpired) -> None:
        key[0] = app.credential(is_accepted=True)
        if app.is_healthy:
            guard.session_renewed(key[0])

    guard = app.guarded(sign_in)
    for _ in range(3):
        app.calls(key[0])
    app.passes(61)
    app.calls(key[0])


def _a_clock_that_is_ahead(app: Application) -> None:
    asked: list[SessionExpired] = []
    guard = app.guarded(asked.append, refuse_expired=True)
    app.calls(app.credential(is_accepted=False))
    for _ in range(3):
        if asked:
            asked.clear()
            fresh = jwt(3600.0 if app.is_healthy else -3600.0)  # made by a server whose clock is right
            app.backend.state.valid.add(fresh)
            guard.session_renewed(fresh)
        try:
            guard.gate.check()
        except SessionExpiredError as error:
            guard.report(error, operation="chat", provider=PROVIDER, status=401)
        app.settles()


def _refresh_returns_the_same(app: Application) -> None:
    dead = app.credential(is_accepted=False)
    guard = app.guarded(lambda _event: None)
    auth = guard.auth(lambda: app.credential(is_accepted=True) if app.is_healthy else dead, lambda: dead)
    for _ in range(3):
        _calls_with(app, auth)


def _refresh_returns_an_error_body(app: Application) -> None:
    def refresh() -> str:
        return app.credential(is_accepted=True) if app.is_healthy else '{"error":"invalid_grant"}'

    dead = app.credential(is_accepted=False)
    guard = app.guarded(lambda _event: None)
    auth = guard.auth(refresh, lambda: dead)
    for _ in range(12):
        _calls_with(app, auth)
    app.passes(61)
    for _ in range(3):
        _calls_with(app, auth)


def _calls_with(app: Application, auth: httpx.Auth) -> None:
    app.calls("", auth=auth)


def _an_outage_of_the_auth_service(app: Application) -> None:
    key = [app.credential(is_accepted=True)]

    def sign_in(_event: SessionExpired) -> None:
        key[0] = app.credential(is_accepted=app.is_healthy)
        guard.session_renewed(key[0])

    guard = app.guarded(sign_in)
    app.calls(key[0])
    app.backend.state.valid.clear()  # from now on it rejects everything
    for _ in range(8):
        app.calls(key[0])


def _a_revoked_key(app: Application) -> None:
    key = [app.credential(is_accepted=False)]
    app.backend.state.body = '{"error":{"code":"invalid_api_key"}}'

    def sign_in(_event: SessionExpired) -> None:
        if app.is_healthy:
            key[0] = app.credential(is_accepted=True)
        guard.session_renewed(key[0])

    guard = app.guarded(sign_in, instrumented=False)
    for _ in range(8):
        headers = {"authorization": f"Bearer {key[0]}"}
        answer = app.client.post(f"{app.backend.url}/chat/completions", json={}, headers=headers)
        if answer.is_error:
            guard.report(
                "the session is over", operation="chat", provider=PROVIDER, status=answer.status_code
            )
        app.settles()
        app.passes(31)  # `renewal_grace`: where no call is known, what fails sooner may be older


RENEWED = (
    Defect(
        name="a handler that raises",
        does="sign-in fails with a mistake of its own each time; calls go on",
        story=_a_handler_that_raises,
        shown="unhandled",
    ),
    Defect(
        name="a handler that raises, and work that asks the gate",
        does="as above, but no call is made any more: no failure is left that could be shown",
        story=_a_handler_that_raises_at_a_gate,
        red=("dead_sessions_hidden",),
    ),
    Defect(
        name="a handler that never renews",
        does="asks where nobody sees it; calls go on for a minute",
        story=_a_handler_that_never_renews,
        red=("dead_sessions_hidden",),
    ),
    Defect(
        name="the same dead credential as a renewal",
        does="sign-in reads the store that it should have written",
        story=_the_same_dead_credential,
        red=_IN_VAIN,
    ),
    Defect(
        name="told before it works",
        does="calls `session_renewed` with a credential that the backend does not know yet",
        story=_told_before_it_works,
        red=_IN_VAIN,
    ),
    Defect(
        name="a renewal that is told to nobody",
        does="signs in, calls with the new credential, and never calls `session_renewed`",
        story=_told_to_nobody,
        red=("violations: working_session_halted",),
    ),
    Defect(
        name="a clock that is ahead",
        does="each new JWT has ended by the clock of this machine, so with `refuse_expired` no call is made",
        story=_a_clock_that_is_ahead,
        red=("violations: expired_at_renewal",),
    ),
    Defect(
        name="a `refresh` that returns what it was to replace",
        does="gives `guard.auth` a function that reads a cache",
        story=_refresh_returns_the_same,
        shown="renewal_pending",
        events=3,
    ),
    Defect(
        name="a `refresh` that returns an error's text",
        does='takes the body of a 200 for the credential: `{"error": …}`',
        story=_refresh_returns_an_error_body,
        red=("dead_sessions_hidden",),
    ),
    Defect(
        name="an outage of the authentication service",
        does="gets 401 for everything, and signs in after each, with success",
        story=_an_outage_of_the_auth_service,
        red=_IN_VAIN,
    ),
    Defect(
        name="a revoked key, reported as an expiry",
        does="reports `status=401` without the body that says `invalid_api_key`, and is not instrumented",
        story=_a_revoked_key,
        red=_IN_VAIN,
    ),
)
