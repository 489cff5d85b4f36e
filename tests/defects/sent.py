"""Applications that send the wrong credential, or that lose the right one on its way."""

from __future__ import annotations

from typing import Any

import httpx

from sentry_filters import SessionExpired
from tests.defects.application import Application
from tests.defects.rows import Defect

_OLD = ("old_credential_in_use", "violations: old_credential_in_use")
_IN_VAIN = ("violations: renewed_in_vain",)


def _a_key_never_passed(app: Application) -> None:
    app.guarded(lambda _event: None)
    configured = app.credential(is_accepted=True) if app.is_healthy else None
    for _ in range(3):
        app.calls(f"{configured}")


def _the_wrong_folder(app: Application) -> None:
    folders = {"default": app.credential(is_accepted=False), "work": ""}

    def sign_in(_event: SessionExpired) -> None:
        folders["work"] = app.credential(is_accepted=True)
        guard.session_renewed(folders["work"])

    guard = app.guarded(sign_in)
    for _ in range(4):  # each job loads what is stored as it starts
        app.calls((folders["work"] if app.is_healthy else "") or folders["default"])


def the_wrong_folder_at_a_start(app: Application, stored: str) -> None:
    """Start, load what is stored in one folder, sign in, and store the new one in another."""
    key = [stored]

    def sign_in(_event: SessionExpired) -> None:
        key[0] = app.credential(is_accepted=True)
        guard.session_renewed(key[0])

    guard = app.guarded(sign_in)
    for _ in range(3):
        app.calls(key[0])
    guard.uninstrument()


def _written_here_and_read_there(app: Application) -> None:
    environment = {"TOKEN": app.credential(is_accepted=False)}

    def sign_in(_event: SessionExpired) -> None:
        environment["TOKEN" if app.is_healthy else "OPENHUMAN_TOKEN"] = app.credential(is_accepted=True)
        guard.session_renewed()

    guard = app.guarded(sign_in)
    for _ in range(8):
        app.calls(environment["TOKEN"])


def _an_old_one_in_a_closure(app: Application) -> None:
    current = [app.credential(is_accepted=False)]

    def sign_in(_event: SessionExpired) -> None:
        current[0] = app.credential(is_accepted=True)
        guard.session_renewed(current[0])

    def worker(key: str) -> bool:
        return app.calls(current[0] if app.is_healthy else key)

    guard = app.guarded(sign_in)
    key = current[0]
    for _ in range(4):
        worker(key)


def _a_fork_keeps_the_parents(app: Application) -> None:
    current = [app.credential(is_accepted=False)]
    fresh = app.credential(is_accepted=True)  # the backend runs in the parent

    def sign_in(_event: SessionExpired) -> None:
        current[0] = fresh
        guard.session_renewed(fresh)

    guard = app.guarded(sign_in)
    configured = {"headers": {"authorization": f"Bearer {current[0]}"}}
    with app.child() as is_child:
        for _ in range(4 if is_child else 0):
            app.calls(current[0] if app.is_healthy else configured["headers"]["authorization"].split()[1])


def _a_proxy_strips_the_header(app: Application) -> None:
    key = [app.credential(is_accepted=False)]

    def sign_in(_event: SessionExpired) -> None:
        key[0] = app.credential(is_accepted=True)
        guard.session_renewed(key[0])

    proxy = httpx.HTTPTransport() if app.is_healthy else _Stripping()
    with httpx.Client(transport=proxy) as app.client:
        guard = app.guarded(sign_in)
        for _ in range(8):
            app.calls(key[0])


class _Stripping(httpx.HTTPTransport):
    """Stands for a proxy that passes on no credential."""

    def handle_request(self, request: httpx.Request) -> Any:
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        return super().handle_request(
            httpx.Request(request.method, request.url, headers=headers, content=request.read())
        )


def _another_users(app: Application) -> None:
    users = {"ann": app.credential(is_accepted=False), "bob": app.credential(is_accepted=True)}

    def sign_in(_event: SessionExpired) -> None:
        user = "ann" if app.is_healthy else "bob"
        old, users[user] = users[user], app.credential(is_accepted=True)
        guard.session_renewed(users[user], replaces=old)

    guard = app.guarded(sign_in, scope="session")
    for _ in range(12):
        app.calls(users["ann"])
    app.passes(61)
    app.calls(users["bob"])
    for _ in range(3):
        app.calls(users["ann"])


SENT = (
    Defect(
        name="a key that is never passed",
        does="formats a setting that was not set: `Bearer None`",
        story=_a_key_never_passed,
        shown="no_credential",
        events=3,
    ),
    Defect(
        name="the wrong credential folder",
        does="each job loads what another profile stored; sign-in stores and tells the new one",
        story=_the_wrong_folder,
        red=_OLD,
        shown="old_credential",
    ),
    Defect(
        name="written in one place, read in another",
        does="sign-in sets another variable than calls read, and calls `session_renewed()`",
        story=_written_here_and_read_there,
        red=_IN_VAIN,
    ),
    Defect(
        name="an old credential in a closure",
        does="a background worker was made with the credential of its day, and keeps it",
        story=_an_old_one_in_a_closure,
        red=_OLD,
        shown="old_credential",
    ),
    Defect(
        name="a fork that keeps its parent's credential",
        does="the child signs in, and goes on with the headers that it was forked with",
        story=_a_fork_keeps_the_parents,
        red=_OLD,
        shown="old_credential",
    ),
    Defect(
        name="a proxy that strips the header",
        does="sends good credentials, which never arrive, and signs in after each failure",
        story=_a_proxy_strips_the_header,
        red=_IN_VAIN,
    ),
    Defect(
        name="another user's sign-in",
        does="renews Bob's session when Ann's has ended; Ann's calls go on",
        story=_another_users,
        red=("dead_sessions_hidden",),
    ),
)
