"""The gate where LLM work is started: as a `with` block, or round a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

SessionOf = Callable[..., str | None]
"""Computes, from a job's arguments, the fingerprint of the session that it works for."""


class Gate(Protocol):
    """The gate, as far as work needs it."""

    def check(self, *, session: str | None = None) -> None:
        """Raise `SessionExpiredError` where it is closed."""

    def wait(self, timeout: float | None = None, *, session: str | None = None) -> bool:
        """Block until it is open, for at most `timeout` seconds."""

    async def wait_async(self, timeout: float | None = None, *, session: str | None = None) -> bool:
        """As `wait`, without blocking the event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Starts LLM work only while there is a session; made by `SchedulerGate.work`, and may be used often.

    As `with` or `async with` it guards the entry of the block; as a decorator the start of a function,
    coroutine function, generator or async generator. What has begun is not stopped, and what it raises comes
    through.

    Args:
        gate: The gate that is asked.
        session: Fingerprint of the session that works; round a function also a callable that computes it from
            the function's arguments.
        timeout: Seconds to wait for the renewal, 0 to refuse at once, None for no limit.

    Raises:
        SessionExpiredError: On entry: the gate is closed, and stayed closed for `timeout` seconds.
        TypeError: `session` is a callable without a function, or what is decorated is not callable.
    """

    gate: Gate
    session: str | SessionOf | None
    timeout: float | None

    def __enter__(self) -> None:
        self._enter(self._session_of_block())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the block; what it raised comes through."""

    async def __aenter__(self) -> None:
        await self._enter_async(self._session_of_block())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the block; what it raised comes through."""

    def __call__(self, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """Return `function` as work that starts only while there is a session."""
        if not callable(function):
            raise TypeError(f"gate.work: invalid target {function!r}; expected a function to decorate")
        return cast("Callable[Arguments, Result]", functools.wraps(function)(self._round(function)))

    def _round(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # A generator starts with its first item, not with the call that makes it.
        if inspect.isasyncgenfunction(function):

            async def stream_async(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
                await self._enter_async(self._session_of_call(args, kwargs))
                async for item in function(*args, **kwargs):
                    yield item

            return stream_async
        if inspect.isgeneratorfunction(function):

            def stream(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
                self._enter(self._session_of_call(args, kwargs))
                return (yield from function(*args, **kwargs))

            return stream
        if inspect.iscoroutinefunction(function):

            async def run_async(*args: Any, **kwargs: Any) -> Any:
                await self._enter_async(self._session_of_call(args, kwargs))
                return await function(*args, **kwargs)

            return run_async

        def run(*args: Any, **kwargs: Any) -> Any:
            self._enter(self._session_of_call(args, kwargs))
            return function(*args, **kwargs)

        return run

    def _enter(self, session: str | None) -> None:
        if not self.gate.wait(self.timeout, session=session):
            self.gate.check(session=session)

    async def _enter_async(self, session: str | None) -> None:
        # Without a wait the event loop is left alone.
        if self.timeout == 0 or not await self.gate.wait_async(self.timeout, session=session):
            self.gate.check(session=session)

    def _session_of_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        return self.session(*args, **kwargs) if callable(self.session) else self.session

    def _session_of_block(self) -> str | None:
        if callable(self.session):
            raise TypeError(
                "gate.work: a callable `session` needs a function's arguments; a block names its own"
            )
        return self.session
