"""One process of the replay: `python -m tests.audit.replay.worker PART ADDRESSES`.

It prints its Prometheus port and its name as JSON, and then each line that it was sent, once it has done what
it says: `act` lets it act its part and flush everything, `end` lets it end.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import prometheus_client
import sentry_sdk
from sentry_sdk.envelope import Envelope, Item

from sentry_filters import (
    Ledger,
    Policy,
    RedisSessions,
    SessionExpired,
    SessionExpiredError,
    SessionGuard,
)
from sentry_filters.redaction import Look
from tests.audit.replay.parts import PARTS, Part
from tests.audit.replay.telemetry import Telemetry
from tests.otel.instrumented import instrumented
from tests.support.secrets import fake

UNREDACTABLE = "cannot be redacted"
PROVIDER = "OpenHuman"
THIRD_PARTY = "OpenAI"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where everything is."""

    ledger: str
    backend: str
    third_party: str
    sentry: str
    otlp: str
    redis: str


class Actor:
    """Acts one part."""

    def __init__(self, part: Part, addresses: Addresses) -> None:
        self._part = part
        self._addresses = addresses
        self.process = f"{socket.gethostname()}/{os.getpid()}"
        self._ledger = Ledger(addresses.ledger, release=part.release)
        # Sentry's own metrics of what was dropped are gathered by the second: no known number of items.
        policy = Policy(provider=PROVIDER, hosts={addresses.backend}, sentry_signal="none")
        self._asked_to_sign_in: queue.SimpleQueue[SessionExpired] = queue.SimpleQueue()
        self._guard = SessionGuard(
            policy,
            self._asked_to_sign_in.put if part.listens else None,
            audit=self._ledger,
            shared=_sessions(addresses.redis) if part.shares else None,
        )
        self._telemetry = Telemetry(self._guard, part, addresses.otlp, self.process)
        self._tracer = self._telemetry.tracers.get_tracer("shop")
        self._logger = self._telemetry.loggers.get_logger("shop")
        self._break_the_redactor()
        if part.sentry:
            sentry_sdk.init(
                **self._guard.sentry_options(
                    dsn=addresses.sentry,
                    release=part.release,
                    default_integrations=False,
                    include_local_variables=False,
                    auto_session_tracking=False,
                    send_client_reports=False,
                )
            )

    def act(self) -> None:
        """Do what the part says, in its order, and flush."""
        part = self._part
        with instrumented(self._telemetry.tracers, "httpx"), self._guard.instrument(httpx.Client()) as client:
            self._healthy()
            self._secrets()
            self._withheld()
            self._third_party(client)
            self._server_errors()
            self._calls(client, "first", part.first_calls)
            for number in range(part.reports):
                error = f"{PROVIDER} API error (401 Unauthorized): turn {number}"
                self._guard.report(error, operation="chat", provider=PROVIDER, status=401)
            self._refused()
            for renewal in range(part.renewals):
                self._asked_to_sign_in.get(timeout=10.0)
                with self._in_flight(client, 0 if renewal else part.late_calls):
                    self._guard.session_renewed(self._session(("second", "third")[renewal]))
                if not renewal:
                    self._calls(client, "first", part.old_calls)
                    self._calls(client, "second", part.second_calls)
        self._flush()

    def end(self) -> None:
        """End as an application does."""
        sentry_sdk.get_client().close(timeout=5.0)
        self._guard.close()
        self._telemetry.shutdown()

    def _healthy(self) -> None:
        for number in range(self._part.healthy):
            sentry_sdk.capture_event({"message": f"order {number} has no address", "level": "error"})
            with self._tracer.start_as_current_span(f"order {number}"):
                self._logger.emit(body=f"order {number} is packed")

    def _secrets(self) -> None:
        for number in range(self._part.secrets):
            secret = fake("ghp_", 36, seed=f"{self._part.name} {number}")
            sentry_sdk.capture_event({"message": "no access", "level": "error", "extra": {"said": secret}})
            with self._tracer.start_as_current_span("checkout", attributes={"said": secret}):
                self._logger.emit(body=f"said {secret}")

    def _withheld(self) -> None:
        for number in range(self._part.unredactable):
            secret = fake("ghp_", 36, seed=f"{self._part.name} unredactable {number}")
            event: Any = {"message": UNREDACTABLE, "level": "error", "extra": {"said": secret}}
            sentry_sdk.capture_event(event)
        for _ in range(self._part.unknown_items):
            envelope = Envelope(items=[Item(b"{}", type="hologram")])
            transport = sentry_sdk.get_client().transport
            assert transport is not None
            transport.capture_envelope(envelope)

    def _third_party(self, client: httpx.Client) -> None:
        for _ in range(self._part.third_party_calls):
            self._post(client, self._addresses.third_party, "a user's own key", THIRD_PARTY)
        for _ in range(self._part.third_party_reports):
            self._guard.report("key rejected", operation="chat", provider=THIRD_PARTY, status=403)

    def _server_errors(self) -> None:
        for _ in range(self._part.server_errors):
            self._guard.report("out of order", operation="chat", provider=PROVIDER, status=500)

    def _calls(self, client: httpx.Client, session: str, count: int) -> None:
        for number in range(count):
            self._call(client, session, f"turn {number}", b"{}")

    def _call(self, client: httpx.Client, session: str, name: str, body: bytes | Iterator[bytes]) -> None:
        with suppress(httpx.HTTPStatusError), self._tracer.start_as_current_span(name):
            error = self._post(client, self._addresses.backend, self._session(session), PROVIDER, body)
            if self._part.logs:
                self._logger.emit(body=f"{PROVIDER} API error (401 Unauthorized)")
            raise error

    @contextmanager
    def _in_flight(self, client: httpx.Client, count: int) -> Iterator[None]:
        """Have calls with the first session begun before the block, and answered after it."""
        begun, answer = threading.Semaphore(0), threading.Event()

        def body() -> Iterator[bytes]:
            begun.release()
            answer.wait(10.0)
            yield b"{}"

        calls = [
            threading.Thread(target=self._call, args=(client, "first", f"late {number}", body()))
            for number in range(count)
        ]
        for call in calls:
            call.start()
        for _ in calls:
            assert begun.acquire(timeout=10.0)
        yield
        answer.set()
        for call in calls:
            call.join()

    def _post(
        self,
        client: httpx.Client,
        address: str,
        key: str,
        provider: str,
        body: bytes | Iterator[bytes] = b"{}",
    ) -> httpx.HTTPStatusError:
        headers = {"authorization": f"Bearer {key}", "content-length": "2"}
        response = client.post(f"http://{address}/v1/chat/completions", content=body, headers=headers)
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            with sentry_sdk.new_scope() as scope:
                scope.set_tags(_tags(provider, response.status_code))
                scope.capture_exception(error)
            return error
        raise AssertionError("the call was to fail")

    def _refused(self) -> None:
        for number in range(self._part.refused):
            try:
                self._guard.gate.check()
            except SessionExpiredError as error:
                if number < self._part.refusals_reported:
                    sentry_sdk.capture_exception(error)
            else:
                raise AssertionError("the gate was to be closed")

    def _session(self, which: str) -> str:
        return fake("eyJ", 40, seed=f"{self._part.name} {which}")

    def _flush(self) -> None:
        sentry_sdk.flush(10.0)
        assert self._guard.bus.flush(10.0)
        assert self._telemetry.tracers.force_flush()
        assert self._ledger.flush(10.0)
        self._telemetry.flush()

    def _break_the_redactor(self) -> None:
        scrub = self._guard.redactor.scrub

        def raising(value: object, *look: Look) -> object:
            if UNREDACTABLE in repr(value):
                raise RuntimeError(UNREDACTABLE)
            return scrub(value, *look)

        setattr(self._guard.redactor, "scrub", raising)  # noqa: B010 - mypy rightly forbids the plain way


def _sessions(url: str) -> RedisSessions:
    return RedisSessions(url, namespace="shop", key=fake("", 40, seed="shared"))


def _tags(provider: str, status: int) -> dict[str, str]:
    return {
        "domain": "llm_provider",
        "operation": "chat_completions",
        "provider": provider,
        "status": str(status),
        "failure": "non_2xx",
    }


def main(name: str, addresses: str) -> None:
    """Act the part of this name."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    (part,) = [part for part in PARTS if part.name == name]
    actor = Actor(part, Addresses(**json.loads(addresses)))
    server, _ = prometheus_client.start_http_server(0, "127.0.0.1")
    _say(json.dumps({"port": server.server_port, "process": actor.process}))
    for line in sys.stdin:
        {"act": actor.act, "end": actor.end}[line.strip()]()
        _say(line.strip())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
