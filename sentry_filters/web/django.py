"""Django: a middleware, for sync and async views."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from asgiref.sync import async_to_sync
from django import conf
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.module_loading import import_string

from sentry_filters.core import SessionExpiredError
from sentry_filters.web.answer import RETRY_AFTER, refusal_in, refused

Answer: TypeAlias = Callable[[HttpRequest, SessionExpiredError], HttpResponseBase]
"""Makes the application's own answer from the request and the refusal; may be a coroutine function."""


class RefusalMiddleware(MiddlewareMixin):  # type: ignore[misc]  # Django ships no types
    """Answers a request whose view ended with the gate's refusal: 503 with `Retry-After`, or your own answer.

    List it in `MIDDLEWARE` as `"sentry_filters.web.django.RefusalMiddleware"`. It sees exceptions
    of views and of their deferred templates; Django itself answers those of another middleware. Any other
    exception propagates unchanged; so does a refusal in a streaming response that has begun.

    Settings:
        SENTRY_FILTERS_RETRY_AFTER: Seconds of `Retry-After`, 60 by default; None leaves the header out.
        SENTRY_FILTERS_ANSWER: Called with the request and the error, returns the response; a callable or its
            dotted path. Its exceptions propagate.

    Raises:
        ValueError: At start: `SENTRY_FILTERS_RETRY_AFTER` is neither None nor a whole number, 0 or more.
        ImportError: At start: there is nothing at the path in `SENTRY_FILTERS_ANSWER`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self._standard = refused(getattr(conf.settings, "SENTRY_FILTERS_RETRY_AFTER", RETRY_AFTER))
        named = getattr(conf.settings, "SENTRY_FILTERS_ANSWER", None)
        self._own: Any = import_string(named) if isinstance(named, str) else named

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Return the answer to a refusal; None, with which Django continues as usual, for anything else."""
        refusal = refusal_in(exception)
        if refusal is None:
            return None
        if self._own is not None:
            # Django would await a coroutine function here, but not behind Sentry's wrapper round this method.
            own = async_to_sync(self._own) if inspect.iscoroutinefunction(self._own) else self._own
            return cast("HttpResponseBase", own(request, refusal))
        standard = self._standard
        return HttpResponse(standard.body, status=standard.status, headers=dict(standard.headers))
