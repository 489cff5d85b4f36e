"""The snippets of the pages about where LLM work is done: the first call finds out, the second is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import pytest

from tests.frameworks.environments import CHECKOUT
from tests.frameworks.pages import snippet
from tests.support.backend import LLMBackend
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake

_DJANGO = """
import django, sys
from django.conf import settings
settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x",
                   MIDDLEWARE=["sentry_filters.web.django.RefusalMiddleware"], SENTRY_FILTERS_RETRY_AFTER=60)
django.setup()
"""
_SERVES = """
found = []
for _ in range(2):
    answer = {asked}
    found.append((answer.status_code, answer.headers.get("retry-after")))
assert found == [(500, None), (503, "60")], found
"""
_EAGER = """
# Eager tasks have no broker that they could be sent to again: they raise what a worker acts on.
raised = [type(summarise.apply(["hi"]).result).__name__ for _ in range(2)]
assert raised[1] == "SessionExpiredError", raised
"""
_STARLETTE = """
from starlette.testclient import TestClient
client = TestClient(app, raise_server_exceptions=False)
"""
SERVED: Final[Mapping[str, tuple[str, str, str]]] = {
    "fastapi": (
        "fastapi",
        "",
        _STARLETTE + _SERVES.format(asked='client.get("/chat", params={"question": "hi"})'),
    ),
    "flask": ("flask", "", _SERVES.format(asked='app.test_client().get("/chat?question=hi")')),
    "django": (
        "django",
        _DJANGO,
        "from django.test import Client\n"
        + _SERVES.format(asked='Client(raise_request_exception=False).get("/chat", {"question": "hi"})'),
    ),
    "celery": (
        "celery",
        "BROKER = 'memory://'\n",
        _EAGER,
    ),
}
"""Its library, what comes before the snippet, and what is asked of it then."""
_AFTER = """
sentry_sdk.get_client().flush(timeout=10)
guard.bus.flush()
assert len(asked) == 1, asked
"""


@pytest.mark.parametrize("name", SERVED)
def test_what_finds_the_session_ended_is_silent_and_what_follows_is_refused(name: str) -> None:
    library, before, after = SERVED[name]
    pytest.importorskip(library)
    with LLMBackend() as backend, SentryReceiver() as receiver:
        head = f"""
asked = []
ask_to_sign_in = asked.append
DSN, SESSION_TOKEN = {receiver.dsn!r}, {fake("eyJ", 40)!r}
"""
        program = snippet(name).replace("https://api.example.ai", f"http://{backend.address}")
        program = "\n".join([before, head, program.replace("api.example.ai", backend.address), after, _AFTER])
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert (receiver.events, backend.state.calls) == ([], 1)
