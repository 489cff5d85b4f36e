"""Applications whose policy or set-up does not fit them."""

from __future__ import annotations

import httpx
import sentry_sdk

from sentry_filters import SessionExpired, SessionGuard
from tests.defects.application import PROVIDER, Application
from tests.defects.rows import Defect


def _a_host_with_a_typo(app: Application) -> None:
    host = app.backend.address if app.is_healthy else "apl.example.ai"
    app.guarded(lambda _event: None, hosts={host})
    _calls_dead(app)


def _a_path_that_is_missing(app: Application) -> None:
    paths: dict[str, str | None] = {"/agents/run": "chat"} if app.is_healthy else {}
    app.guarded(lambda _event: None, paths=paths)
    _calls_dead(app, "/agents/run")


def _another_label(app: Application) -> None:
    guard = app.guarded(lambda _event: None)
    provider = PROVIDER if app.is_healthy else "open_human"
    dead = app.credential(is_accepted=False)
    for _ in range(3):
        headers = {"authorization": f"Bearer {dead}"}
        try:
            app.client.post(
                f"{app.backend.url}/chat/completions", json={}, headers=headers
            ).raise_for_status()
        except httpx.HTTPStatusError as error:
            guard.report(error, operation="chat", provider=provider, status=error.response.status_code)


def _a_scope_too_wide(app: Application) -> None:
    ann, bob = app.credential(is_accepted=False), app.credential(is_accepted=True)
    app.guarded(lambda _event: None, scope="session" if app.is_healthy else "process")  # Ann is away
    app.calls(ann)
    app.calls(bob)
    app.passes(61)
    app.calls(bob)


def _two_guards(app: Application) -> None:
    key = [app.credential(is_accepted=False)]
    guards: list[SessionGuard] = []

    def sign_in(_event: SessionExpired) -> None:
        key[0] = app.credential(is_accepted=True)
        guards[-1].session_renewed(key[0])

    guards.append(app.guarded(sign_in))
    if not app.is_healthy:
        guards.append(app.another_guard())
    for _ in range(3):
        app.calls(key[0])
    app.passes(61)
    app.calls(key[0])


def _never_instrumented(app: Application) -> None:
    app.guarded(lambda _event: None, instrumented=app.is_healthy)
    dead = app.credential(is_accepted=False)
    for _ in range(3):
        headers = {"authorization": f"Bearer {dead}"}
        answer = app.client.post(f"{app.backend.url}/chat/completions", json={}, headers=headers)
        text = (
            f"turn failed: {PROVIDER} API error ({answer.status_code} {answer.reason_phrase}): {answer.text}"
        )
        sentry_sdk.capture_exception(RuntimeError(text))


def _calls_dead(app: Application, path: str = "/chat/completions") -> None:
    dead = app.credential(is_accepted=False)
    for _ in range(3):
        app.calls(dead, path=path)


CONFIGURED = (
    Defect(
        name="a host with a typo",
        does="has a policy whose `hosts` name another host than it calls",
        story=_a_host_with_a_typo,
        shown="contradicting_host",
        events=3,
    ),
    Defect(
        name="a path that the policy does not know",
        does="calls an LLM under a path that is not in `paths`",
        story=_a_path_that_is_missing,
        shown="other_operation",
        events=3,
    ),
    Defect(
        name="another label than the policy's",
        does="reports its failures under another `provider`",
        story=_another_label,
        shown="other_provider",
        events=3,
    ),
    Defect(
        name="a scope that is too wide",
        does='has several users under `scope="process"`: one user\'s end halts the work of all',
        story=_a_scope_too_wide,
        red=("violations: working_session_halted",),
    ),
    Defect(
        name="two guards of one backend",
        does="has one guard that sees the calls, and tells another one of the sign-in",
        story=_two_guards,
        red=("violations: working_session_halted",),
    ),
    Defect(
        name="a guard without `instrument`",
        does="reports failures as text of its own, and nobody has seen a call",
        story=_never_instrumented,
        shown="uncorroborated",
        events=3,
    ),
)
