"""docs/examples/desktop: the script asks for a new token at its prompt, and goes on."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.examples.conftest import Example, World, documented
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.mark.usefixtures("interruptible")
def test_the_session_ends_and_comes_back(example: Callable[..., Example], world: World) -> None:
    script = example("desktop", EVERY="0.3")
    documented(script.folder, "python", "assistant.py")
    log = script.folder / "printed.log"

    def printed(words: str) -> int:
        return log.read_text("utf-8").count(words)

    with (
        log.open("wb") as out,
        subprocess.Popen(
            [script.python, "-W", "ignore", "assistant.py"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=script.folder,
            env=script.environ,
            start_new_session=True,  # no terminal: the prompt reads what is typed below
        ) as assistant,
        ExitStack() as stack,
    ):
        stack.callback(assistant.kill)  # else leaving the block would wait for it, whatever fails here
        assert assistant.stdin is not None
        assert eventually(lambda: printed("inbox: hello") > 0 and printed("agenda: hello") > 0)
        world.end_session()
        assert eventually(lambda: printed("new token: ") > 0)
        answered = printed("inbox: hello"), printed("agenda: hello")

        assistant.stdin.write(f"{world.second}\n".encode())
        assistant.stdin.flush()

        assert eventually(
            lambda: printed("inbox: hello") > answered[0] and printed("agenda: hello") > answered[1]
        )
        assert eventually(lambda: len(world.sentry.events) > 0)
        assistant.send_signal(signal.SIGINT)
        assistant.wait(30.0)

    assert (printed("your session has ended"), printed("new token: ")) == (1, 1)
    assert assistant.returncode == 0
    errors = {event["exception"]["values"][-1]["value"] for event in world.sentry.events}
    assert errors == {"Error code: 401 - Incorrect API key provided"}
    assert world.leaked() == []
