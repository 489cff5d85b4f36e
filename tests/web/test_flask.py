"""Flask's own application, by its test client and on a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sentry_filters import SessionExpiredError, SessionGuard
from tests.web.conftest import Reported

pytest.importorskip("flask")

import flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sentry_filters.web.flask import answer_refusals


class BugError(Exception):
    """A bug of the application's own."""


def application(guard: SessionGuard) -> flask.Flask:
    app = flask.Flask("app")
    chat = flask.Blueprint("chat", "app")

    @app.get("/refused")
    @chat.get("/chat/refused")
    def refused() -> str:
        guard.gate.check()
        return "answered"

    @app.get("/broken")
    def broken() -> str:
        raise BugError("of its own")

    @app.get("/streamed")
    def streamed() -> flask.Response:
        def parts() -> Iterator[bytes]:
            yield b"part 0\n"
            guard.gate.check()

        return flask.Response(parts())

    app.extensions["chat"] = chat
    return app


@pytest.mark.promise("refusal-503")
def test_a_refusal_is_answered_and_not_reported(guard: SessionGuard, reported: Reported) -> None:
    app = application(guard)
    answer_refusals(app)

    response = app.test_client().get("/refused")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "60"
    assert response.json is not None
    assert response.json["error"] == "session_expired"
    assert reported() == []
    assert guard.counters.get("refused") == 1


def test_of_one_blueprint_only(guard: SessionGuard) -> None:
    app = application(guard)
    answer_refusals(app.extensions["chat"], retry_after=5)
    app.register_blueprint(app.extensions["chat"])
    client = app.test_client()

    response = client.get("/chat/refused")

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert client.get("/refused").status_code == 500


def test_without_an_answer_the_refusal_is_a_500_that_sentry_does_not_get(
    guard: SessionGuard, reported: Reported
) -> None:
    assert application(guard).test_client().get("/refused").status_code == 500

    assert reported() == []
    assert guard.counters.get("decisions", "event", "drop", "refused_by_gate") >= 1


def test_an_open_gate_changes_nothing(guard: SessionGuard) -> None:
    app = application(guard)
    answer_refusals(app)
    guard.session_renewed()

    assert app.test_client().get("/refused").text == "answered"


def test_any_other_exception_propagates_and_is_reported(guard: SessionGuard, reported: Reported) -> None:
    app = application(guard)
    answer_refusals(app)
    app.testing = True

    with pytest.raises(BugError):
        app.test_client().get("/broken")

    assert reported() == ["BugError"]


def test_the_answer_may_be_the_applications_own(guard: SessionGuard) -> None:
    def answer(error: SessionExpiredError) -> tuple[dict[str, str], int]:
        return {"sign_in_to": error.event.provider, "path": flask.request.path}, 418

    app = application(guard)
    answer_refusals(app, answer=answer)

    response = app.test_client().get("/refused")

    assert (response.status_code, response.json) == (418, {"sign_in_to": "OpenHuman", "path": "/refused"})


def test_an_invalid_time_is_refused_at_start(guard: SessionGuard) -> None:
    with pytest.raises(ValueError, match="^invalid retry_after -1"):
        answer_refusals(application(guard), retry_after=-1)


def test_a_stream_that_has_begun_breaks_where_it_is_refused(guard: SessionGuard, reported: Reported) -> None:
    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: Any) -> None:
            """Say nothing."""

    app = application(guard)
    answer_refusals(app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    parts: list[bytes] = []
    try:
        with httpx.Client(trust_env=False, base_url=f"http://127.0.0.1:{server.port}") as client:
            with client.stream("GET", "/streamed") as stream, pytest.raises(httpx.RemoteProtocolError):
                parts.extend(stream.iter_raw())
            refused = client.get("/refused")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert (stream.status_code, b"".join(parts)) == (200, b"part 0\n")
    assert refused.status_code == 503
    assert reported() == []
