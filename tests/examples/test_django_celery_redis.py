"""docs/examples/django-celery-redis: a worker finds the session ended, and jobs go on after the sign-in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.examples.conftest import Example, World
from tests.support.redis import running_redis
from tests.support.secrets import fake
from tests.support.services import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


class Browser:
    """What somebody does on the site."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def sign_in(self, token: str) -> None:
        assert self._client.post("/sign-in", data={"token": token}).status_code == 204

    def ask(self) -> int:
        return self._client.get("/ask", params={"question": "hello"}).status_code

    def queue(self, name: str) -> str:
        return str(self._client.post(f"/jobs/{name}", data={"text": "a long text"}).json()["id"])

    def state(self, name: str, job: str) -> Any:
        return self._client.get(f"/jobs/{name}/{job}").json()["state"]


def test_the_session_ends_and_comes_back(
    example: Callable[..., Example], world: World, tmp_path: Path
) -> None:
    with running_redis(tmp_path) as redis:
        site = example(
            "django-celery-redis",
            REDIS_URL=redis,
            DJANGO_SETTINGS_MODULE="settings",
            DJANGO_SECRET_KEY=fake("", 50),
            SENTRY_FILTERS_KEY=fake("", 40, seed="deployment"),
        )
        address = f"127.0.0.1:{free_port()}"
        worker = site.start("celery", "-A", "jobs", "worker", "-l", "INFO", "-c", "2", ready=" ready.")
        web = site.start("django", "runserver", "--noreload", address, ready="Quit the server")
        with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
            browser = Browser(client)
            browser.sign_in(world.first)
            done = browser.queue("summarise")
            assert eventually(lambda: worker.printed(f"[{done}] succeeded") == 1)
            world.end_session()
            postponed = [browser.queue("summarise") for _ in range(3)]
            assert eventually(lambda: all(worker.printed(f"[{job}] ignored") for job in postponed))
            assert eventually(lambda: browser.ask() == 503)
            states = [browser.state("summarise", job) for job in postponed]
            calls = world.backend.state.calls

            browser.sign_in(world.second)

            assert eventually(lambda: all(worker.printed(f"[{job}] succeeded") for job in postponed))
            assert states == ["PENDING"] * 3
            assert [browser.state("summarise", job) for job in postponed] == ["SUCCESS"] * 3
            assert browser.ask() == 200
            assert world.backend.state.calls == calls + 4
            browser.queue("rate")
            assert eventually(lambda: len(world.sentry.events) > 0)
        site.stop()

    asked = "please sign in again"
    assert worker.printed(asked) + web.printed(asked) == 1
    assert [event["exception"]["values"][-1]["type"] for event in world.sentry.events] == ["ValueError"]
    assert world.leaked() == []
