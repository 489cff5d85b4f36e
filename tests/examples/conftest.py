"""An example's folder to run it in, and the environment that sets it up."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.backend import LLMBackend
from tests.support.installed import installed
from tests.support.otlp import OTLPReceiver
from tests.support.receiver import SentryReceiver
from tests.support.secrets import fake
from tests.support.services import Process

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class World:
    """Everything an example talks to, on this machine.

    Args:
        backend: The hosted backend, whose session is alive.
        vendor: A third party's API, which rejects every key.
        sentry: Where errors arrive.
        otlp: Where spans arrive.
    """

    backend: LLMBackend
    vendor: LLMBackend
    sentry: SentryReceiver
    otlp: OTLPReceiver
    first: str = field(default_factory=lambda: fake("eyJ", 40, seed="first session"))
    second: str = field(default_factory=lambda: fake("eyJ", 40, seed="second session"))
    own_key: str = field(default_factory=lambda: fake("sk-proj-", 40, seed="the user's own"))

    def end_session(self) -> None:
        """End it at the backend, which accepts the second one from now on."""
        self.backend.state.valid.clear()
        self.backend.state.valid.add(self.second)

    def leaked(self) -> list[str]:
        """Return which of the secrets were received."""
        received = self.sentry.bytes + self.otlp.bytes
        return [secret for secret in (self.first, self.second, self.own_key) if secret.encode() in received]

    @property
    def environ(self) -> dict[str, str]:
        """The settings that all examples have."""
        return {
            "LLM_URL": self.backend.url,
            "LLM_TOKEN": self.first,
            "VENDOR_URL": self.vendor.url,
            "VENDOR_KEY": self.own_key,
            "SENTRY_DSN": self.sentry.dsn,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp.url,
        }


@pytest.fixture
def world(backend: LLMBackend, other_backend: LLMBackend, receiver: SentryReceiver) -> Iterator[World]:
    """A world in which the first session is alive."""
    with OTLPReceiver() as otlp:
        world = World(backend, other_backend, receiver, otlp)
        backend.state.valid.add(world.first)
        yield world


@dataclass(frozen=True)
class Running:
    """One process of an example."""

    process: Process
    log: Path

    def printed(self, words: str) -> int:
        """Return how often it has printed these words."""
        return self.log.read_text("utf-8", "replace").count(words)


def documented(folder: Path, *words: str) -> str:
    """Return the first command on an example's page that has these words.

    Raises:
        AssertionError: There is none.
    """
    page = (folder / "README.md").read_text("utf-8")
    lines: list[str] = [
        line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()
    ]
    found = [line for line in lines if " ".join(words) in line]
    assert found, words
    return found[0]


class Example:
    """A copy of an example's folder, in which its processes run until they are stopped.

    Args:
        folder: Where the copy is.
        python: Of the environment that its page says to make.
        environ: The settings.
    """

    def __init__(self, folder: Path, python: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.python = python
        self.environ = os.environ | {"PYTHONPATH": ""} | environ
        self._running = ExitStack()

    def start(self, *command: str, ready: Callable[[], bool] | str) -> Running:
        """Run a command of the example's page; return when it is ready, or has printed `ready`."""
        documented(self.folder, *command[:2])
        log = self.folder / f"{Path(command[0]).stem}.log"
        program = command if command[0].endswith(".py") else ("-m", *command)
        running = Running(
            Process(
                [str(self.python), "-W", "ignore", "-u", *program],
                ready=ready if callable(ready) else lambda: ready in log.read_text("utf-8", "replace"),
                log=log,
                environ=self.environ,
                folder=self.folder,
            ),
            log,
        )
        self._running.enter_context(running.process)
        return running

    def stop(self) -> None:
        """End its processes, which send what they have not sent yet."""
        self._running.close()


@pytest.fixture
def example(tmp_path: Path, world: World) -> Iterator[Callable[..., Example]]:
    """Copy the folder of an example; `settings` are its own variables of the environment."""
    with ExitStack() as stack:

        def copied(name: str, **settings: str) -> Example:
            copy = Path(shutil.copytree(CHECKOUT / "docs" / "examples", tmp_path / "examples"))
            python = installed(tmp_path / "environment", documented(copy / name, "pip install"))
            made = Example(copy / name, python, world.environ | settings)
            stack.callback(made.stop)
            return made

        yield copied
