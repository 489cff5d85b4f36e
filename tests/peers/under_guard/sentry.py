"""Every client of Sentry's SDK gets `guard.sentry_options(…)`; fixtures capture what the guard sends."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import Any

import pytest

from .guarded import Guarded, before_init


class _GuardedSentry(Guarded):
    """Wraps the SDK once all tests are collected, and so have imported it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Wrap the client's class."""
        from sentry_sdk import client  # noqa: PLC0415

        before_init(client._Client, self._with_guard)

    def _with_guard(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Do as `init(**guard.sentry_options(…))` does, for each form of `Client(dsn, options)`."""
        has_dsn = bool(args) and (args[0] is None or isinstance(args[0], bytes | str))
        dsn, rest = (args[0], args[1:]) if has_dsn else (None, args)
        if len(rest) > 1:
            return  # the SDK's own TypeError
        options = dict(*rest, **kwargs)
        if dsn is not None and options.get("dsn") is None:
            options["dsn"] = dsn
        args.clear()
        kwargs.clear()
        kwargs.update(self.guard.sentry_options(**options))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Let `capture_events` and its like capture what the guard's transport hands on."""
        made = yield
        if fixturedef.argname.startswith("capture_") and callable(made) and fixturedef.cached_result:
            made = _behind_the_guard(made)
            fixturedef.cached_result = (made, *fixturedef.cached_result[1:])
        return made


def _behind_the_guard(capture: Callable[..., Any]) -> Callable[..., Any]:
    """Let `capture` find the transport that the guard wraps; it replaces methods of what it finds."""

    @functools.wraps(capture)
    def captures(*args: Any, **kwargs: Any) -> Any:
        import sentry_sdk  # noqa: PLC0415

        client = sentry_sdk.get_client()
        guarded = client.transport
        inner = getattr(guarded, "inner", None)
        if inner is None:
            return capture(*args, **kwargs)
        client.transport = inner
        try:
            return capture(*args, **kwargs)
        finally:
            client.transport = guarded

    return captures


def pytest_configure(config: pytest.Config) -> None:
    """Add the plugin."""
    config.pluginmanager.register(_GuardedSentry(one_for_all=False))
