"""One process of an application: a guard, its edges, its calls; it does what the rows ask of it."""

from __future__ import annotations

import faulthandler
import os
import pickle
import threading
import time
import traceback
import warnings
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from freezegun import freeze_time

from sentry_filters import AuditRecord, Policy, RedisSessions, RenewalRecord, SessionExpired, SessionGuard
from sentry_filters.core import subscription
from sentry_filters.guard import parts_of
from tests.certainty.calls import Blocking, Calls, Looping, RefreshingAuth, Request, Turn
from tests.certainty.interruption import Interruption
from tests.certainty.setting import KEY, Report, Setting
from tests.certainty.telemetry import Telemetry
from tests.support.tokens import load_at, refresh_at

_NOBODY_CAN_SET = (time.monotonic,)  # a module's own name for it would be replaced, too
_SIGNALS = ("event", "log", "span", "transaction")
_LONGEST_WAIT = 30.0


class Application:
    """A process; the methods without an underscore are what rows ask for.

    Args:
        setting: What it is told.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._told: list[str] = []
        self._recovered = 0
        self._called, self._free = threading.Event(), threading.Event()
        self._guards = [self._new_guard("OpenHuman", setting.backend)]
        if setting.chained:
            self._guards.append(self._new_guard("Other", setting.other))
        self._telemetry = Telemetry(setting, self._guards)
        self._calls = self._new_calls()
        self._subscribe()
        self._flights: list[Future[Turn]] = []
        self._clock: Any = None
        self._auth: Any = None

    # Calls

    def calls(self, token: str, times: int = 1, place: str = "backend") -> list[bool]:
        """Call the backend; return for each call whether the gate was open when its end was reported."""
        return [self._calls.post(self._request(token, place=place)).is_open for _ in range(times)]

    def begins(self, token: str) -> None:
        """Begin a call, which the backend holds back."""
        self._flights.append(self._calls.start(self._request(token)))

    def lands(self) -> list[bool]:
        """Let the calls that were begun end; as `calls`."""
        flights, self._flights = self._flights, []
        return [flight.result(_LONGEST_WAIT).is_open for flight in flights]

    def heals(self, token: str, renewed: str) -> str | None:
        """Call with a client that signs in by itself; return what the call raised."""
        turn = self._calls.post(self._request(token, auth=RefreshingAuth(token, renewed)))
        return None if turn.error is None else str(turn.error)

    def renews_itself(self) -> str | None:
        """Call with the guard's own `auth`; return what the call raised."""
        if self._auth is None:
            url = self._setting.tokens
            self._auth = self._guards[0].auth(partial(refresh_at, url), partial(load_at, url))
        turn = self._calls.post(self._request("", auth=self._auth))
        return None if turn.error is None else str(turn.error)

    def compares(self, token: str) -> list[list[str]]:
        """Return how the failure of a call looks to the application: without the guard, and with it."""
        bare = self._calls.post(self._request(token, guarded=False, reported=False))
        return [_look_of(bare), _look_of(self._calls.post(self._request(token)))]

    def states(self) -> None:
        """Report a failure by what the application's own code says, which names no session."""
        self._telemetry.states("OpenHuman")

    def is_refused(self) -> bool:
        """Ask the gate, as the application's work does, and report that it refuses."""
        with self._telemetry.turn(reported=True) as turn:
            self._guards[0].gate.check()
        return turn.error is not None

    # Sessions

    def renews(self, credential: str | None = None, replaces: str | None = None) -> bool:
        """Sign in; return whether the gate is open then."""
        self._guards[0].session_renewed(credential, replaces=replaces)
        return self.is_open(credential)

    def is_open(self, token: str | None = None, which: int = 0) -> bool:
        """Ask the gate, of this credential's session where one is named."""
        guard = self._guards[which]
        return guard.gate.is_open_for(None if token is None else guard.fingerprint(token))

    def knows(self, token: str | None = None) -> list[object]:
        """Return the latest renewal that is known for this credential: its stamp, and the new one's name."""
        guard = self._guards[0]
        name = None if token is None else guard.fingerprint(token)
        renewal = parts_of(guard).lifecycle._known.state(name).covering
        return [renewal.stamp, renewal.credential]

    def published(self) -> int:
        """Return how many expiries this process has published so far."""
        return self._telemetry.warnings.count("the session has expired (")

    def is_handling(self) -> bool:
        """Wait until the handler was called, if that is still to come; return whether it was."""
        return self._called.wait(_LONGEST_WAIT)

    # Surroundings

    def jumps(self, seconds: float) -> None:
        """Set the wall clock this far ahead, or back; 0 sets it right."""
        if self._clock is not None:
            self._clock.stop()
            self._clock = None
        if seconds:
            at = datetime.now(UTC) + timedelta(seconds=seconds)
            self._clock = freeze_time(at, tick=True, real_asyncio=True)
            self._clock.start()
            (time.monotonic,) = _NOBODY_CAN_SET

    def interrupts(self, token: str, places: int, step: int) -> int:
        """Let calls fail, each of another session, and report each once more in the middle of its report.

        Args:
            token: What the sessions' credentials begin with.
            places: In the middle means: at one of the first so many calls that the package makes.
            step: At how many of them nothing is done, for each at which something is.

        Returns:
            How many were reported in the middle.
        """
        fired = 0
        for place in range(0, places, step):
            interruption = Interruption(place, self._reports, by_signal=self._setting.mode == "sync")
            self._calls.post(self._request(f"{token}{place}", interruption=interruption))
            fired += interruption.fired
        return fired

    def forks(self, *tokens: str) -> Report:
        """Let a child of this process call with these credentials; return its report."""
        for guard in self._guards:
            guard.bus.flush(_LONGEST_WAIT)
        self._telemetry.flush()  # of older releases of its SDK, a child sends what is pending again, or hangs
        readable, writable = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: that is the point
            child = os.fork()
        if not child:
            self._be_the_child(writable, tokens)
        os.close(writable)
        with os.fdopen(readable, "rb") as pipe:
            sent = pipe.read()
        os.waitpid(child, 0)
        report: Report = pickle.loads(sent)
        return report

    def ends(self) -> Report:
        """End the process; return what it knows."""
        is_open = self.is_open()
        self._free.set()
        self.jumps(0)
        for guard in self._guards:
            guard.close(10)
        self._telemetry.close()
        self._calls.close()
        return self._report(is_open=is_open)

    # Parts

    def _new_guard(self, provider: str, host: str) -> SessionGuard:
        setting = self._setting
        shared = None
        if setting.redis is not None:
            shared = RedisSessions(setting.redis, namespace=f"{setting.namespace}.{provider}", key=KEY)
        guard = SessionGuard(Policy(provider=provider, hosts={host}, **setting.policy), shared=shared)
        parts_of(guard).trail.observe(self._note)
        return guard

    def _new_calls(self) -> Calls:
        kind = Blocking if self._setting.mode == "sync" else Looping
        return kind(self._prepare, self._telemetry.turn)

    def _subscribe(self) -> None:
        with pytest.MonkeyPatch.context() as patched:
            if self._setting.handlers == "stuck":
                patched.setattr(subscription, "_LONGEST_QUEUE", 1)
            for guard in self._guards if self._setting.handlers != "none" else ():
                self._calls.subscribe(guard.bus.subscribe, self._handle)

    def _prepare(self, client: Any) -> None:
        for guard in self._guards:
            guard.instrument(client)
        if self._telemetry.traces is not None:
            self._telemetry.traces.sees(client)

    def _request(self, token: str, *, place: str = "backend", **more: Any) -> Request:
        host = self._setting.backend if place == "backend" else self._setting.other
        return Request(url=f"http://{host}/v1", token=token, **more)

    def _handle(self, event: SessionExpired) -> None:
        self._told.append(event.id)
        self._called.set()
        if self._setting.handlers == "stuck":
            self._free.wait(_LONGEST_WAIT)

    def _reports(self, error: Exception) -> None:
        assert self._guards[0].report(error, operation="chat", provider="OpenHuman", status=401).drop

    def _note(self, record: AuditRecord) -> None:
        if isinstance(record, RenewalRecord) and record.reason == "recovered":
            self._recovered += 1

    def _be_the_child(self, pipe: int, tokens: tuple[str, ...]) -> None:
        faulthandler.dump_traceback_later(_LONGEST_WAIT, exit=True, file=2)
        try:
            self._telemetry.forget()
            self._told.clear()
            self._calls = self._new_calls()  # an event loop's thread is the parent's
            for token in tokens:
                self.calls(token, 2)
            os.write(pipe, pickle.dumps(self.ends()))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    def _report(self, *, is_open: bool) -> Report:
        traces, logged = self._telemetry.traces, self._telemetry.warnings
        counts = [(key, count) for one in self._guards for key, count in one.counters.counts().items()]
        return Report(
            published=self.published(),
            told=len(self._told),
            announced=0 if traces is None else traces.announced,
            failed_traces=0 if traces is None else traces.failed,
            several=logged.count('scope="session"'),
            recovered=self._recovered,
            is_open=is_open,
            reasons=tuple(sorted({key[3] for key, count in counts if count and _is_about_a_failure(key)})),
            violations=tuple(sorted({key[1] for key, count in counts if count and key[0] == "violations"})),
            faults=logged.errors + sum(count for key, count in counts if key[0] == "faults"),
            unbalanced=tuple(one for one in _SIGNALS if any(_is_unbalanced(one, g) for g in self._guards)),
        )


def _look_of(turn: Turn) -> list[str]:
    error: Any = turn.error
    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    text = error.response.text
    causes = [repr(error.__cause__), repr(error.__context__)]
    return [type(error).__qualname__, str(error), text, *causes, *frames[frames.index("raise_for_status") :]]


def _is_about_a_failure(key: tuple[str, ...]) -> bool:
    return key[0] == "decisions" and key[1] in ("event", "report", "span") and key[3] != "unrelated"


def _is_unbalanced(kind: str, guard: SessionGuard) -> bool:
    became = (guard.counters.get(outcome, kind) for outcome in ("exported", "dropped", "demoted", "withheld"))
    return guard.counters.get("seen", kind) != sum(became)
