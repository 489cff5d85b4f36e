"""One process of an application: a guard, its edges, its calls; it does what the rows ask of it."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from freezegun import freeze_time

from sentry_filters import AuditRecord, Policy, RedisSessions, RenewalRecord, SessionExpired, SessionGuard
from sentry_filters.guard import parts_of
from tests.certainty.calls import Blocking, Calls, Looping, RefreshingAuth, Request, Turn
from tests.certainty.setting import KEY, Report, Setting
from tests.certainty.telemetry import Telemetry

_MONOTONIC = time.monotonic
_SIGNALS = ("event", "log", "span", "transaction")
_LONGEST_WAIT = 30.0


class Application:
    """A process; the methods without an underscore are what rows ask for, and return what JSON can hold.

    Args:
        setting: What it is told.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._told: list[str] = []
        self._recovered = 0
        self._free = threading.Event()
        self._guards = [self._new_guard("OpenHuman", setting.backend)]
        if setting.chained:
            self._guards.append(self._new_guard("Other", setting.other))
        self._telemetry = Telemetry(setting, self._guards)
        self._calls = self._new_calls(Blocking if setting.mode == "sync" else Looping)
        if setting.handlers != "none":
            for guard in self._guards:
                self._calls.subscribe(guard.bus.subscribe, self._handle)
        self._flights: list[Future[Turn]] = []
        self._clock: Any = None

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
            time.monotonic = _MONOTONIC  # nobody can set that one

    def interrupts(self, token: str, places: int, step: int) -> int:
        """Report failures, each of another session, and report each again in the middle of that.

        Args:
            token: What the sessions' credentials begin with.
            places: In the middle means: at one of the first so many calls that the package makes.
            step: At how many of them nothing is done, for each at which something is.

        Returns:
            How many were reported in the middle.
        """
        fired = 0
        for place in range(0, places, step):
            error = self._calls.post(self._request(f"{token}{place}", reported=False)).error
            assert error is not None
            fired += self._calls.run(lambda error=error, place=place: self._interrupted(error, place))  # type: ignore[misc]
        return fired

    def forks(self, *tokens: str) -> dict[str, Any]:
        """Let a child of this process call with these credentials; return its report."""
        readable, writable = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: that is the point
            child = os.fork()
        if not child:
            self._be_the_child(writable, tokens)
        os.close(writable)
        with os.fdopen(readable) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        return dict(json.loads(text))

    def ends(self) -> dict[str, Any]:
        """End the process; return its `Report`."""
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

    def _new_calls(self, kind: type[Blocking] | type[Looping]) -> Calls:
        return kind(self._prepare, self._telemetry.turn)

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
        if self._setting.handlers == "stuck":
            self._free.wait(_LONGEST_WAIT)

    def _note(self, record: AuditRecord) -> None:
        if isinstance(record, RenewalRecord) and record.reason == "recovered":
            self._recovered += 1

    def _interrupted(self, error: Exception, place: int) -> bool:
        """Report an error, and once more when the package makes its call of this number."""
        fired: list[bool] = []

        def again() -> None:
            fired.append(True)
            self._telemetry.reports(error)

        with _Interruption(again, by_signal=self._setting.mode == "sync") as interruption:
            interruption.at(place)
            self._telemetry.reports(error)
        return bool(fired)

    def _be_the_child(self, pipe: int, tokens: tuple[str, ...]) -> None:
        try:
            self._telemetry.forget()
            self._told.clear()
            self._calls = self._new_calls(Blocking)
            for token in tokens:
                self.calls(token, 2)
            os.write(pipe, json.dumps(self.ends()).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)

    def _report(self, *, is_open: bool) -> dict[str, Any]:
        traces, logged = self._telemetry.traces, self._telemetry.warnings
        counts = [(key, count) for one in self._guards for key, count in one.counters.snapshot().items()]
        report = Report(
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
        return asdict(report)


class _Interruption:
    """Something that happens in the middle of what this thread does.

    Args:
        act: What happens.
        by_signal: Whether a signal's handler does it, which only the main thread runs; else a finalizer.
    """

    def __init__(self, act: Callable[[], None], *, by_signal: bool) -> None:
        self._act = act
        self._by_signal = by_signal

    def __enter__(self) -> _Interruption:
        gc.disable()
        if self._by_signal:
            self._before = signal.signal(signal.SIGUSR1, lambda _number, _frame: self._act())
        else:
            self._garbage = {_Garbage()}
            weakref.finalize(next(iter(self._garbage)), self._act).atexit = False
        return self

    def at(self, place: int) -> None:
        """Let it happen at the package's call of this number."""
        calls = 0

        def profile(frame: FrameType, event: str, _called: object) -> None:
            nonlocal calls
            if event != "call" or "sentry_filters" not in frame.f_code.co_filename:
                return
            if calls == place:
                sys.setprofile(None)
                self._happen()
            calls += 1

        sys.setprofile(profile)

    def __exit__(self, *_raised: object) -> None:
        sys.setprofile(None)
        if self._by_signal:
            signal.signal(signal.SIGUSR1, self._before)
        gc.enable()

    def _happen(self) -> None:
        if self._by_signal:
            signal.raise_signal(signal.SIGUSR1)
        else:
            self._garbage.clear()


class _Garbage:
    """What is finalized."""


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
