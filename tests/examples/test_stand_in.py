"""docs/examples/stand_in.py: what somebody without a backend tries the examples with."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest
import sentry_sdk

from tests.conftest import InitSentry
from tests.examples.conftest import Example
from tests.support.services import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def test_a_session_ends_and_sentrys_errors_are_printed(
    example: Callable[..., Example], sentry: InitSentry
) -> None:
    backend, others = free_port(), free_port()
    folder = example("desktop", BACKEND_PORT=str(backend), OTHERS_PORT=str(others), SESSION_SECONDS="0")
    running = folder.start("../stand_in.py", ready="listening")
    sentry(dsn=f"http://key@127.0.0.1:{others}/1")

    def ask(port: int, token: str) -> str:
        with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=token, max_retries=0) as client:
            done = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
        return str(done.choices[0].message.content)

    assert [ask(backend, token) for token in ("first", "second")] == ["hello", "hello"]
    with pytest.raises(openai.AuthenticationError, match="401"):
        ask(backend, "first")
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key") as rejected:
        ask(others, "own")
    sentry_sdk.capture_exception(rejected.value)
    assert eventually(lambda: running.printed("Sentry got AuthenticationError: Error code: 401") > 0)
