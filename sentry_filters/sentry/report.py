"""`SessionGuard.report`: one call for call sites that have HTTP code of their own."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from dataclasses import replace

import sentry_sdk

from sentry_filters.core import (
    REFUSED_BY_GATE,
    Backends,
    Decider,
    Discoveries,
    Fault,
    SessionExpired,
    Verdict,
    refusal_of,
)
from sentry_filters.evidence import (
    Failure,
    FailuresOf,
    Response,
    body_of_text,
    body_of_value,
    failure_of_tags,
    stated_tags,
    with_body,
)
from sentry_filters.sentry.before_send import SHOWN
from sentry_filters.sentry.beside import with_rivals


class Reporter:
    """Decides a failure that a call site reports, and hands Sentry what is not an expired session.

    Args:
        backends: The rules; the domain of the provider's, else of the first, is the `domain` tag.
        decider: Decides about the failure, and acts on what it finds.
        failures_of: Finds the failed call behind an exception.
        reporting: Set while Sentry gets what was decided here, so that `before_send` does not decide again.
        fault: Takes note of internal faults.
        discoveries: Remembers in which errors an expiry was found.
    """

    def __init__(
        self,
        backends: Backends,
        decider: Decider,
        failures_of: FailuresOf,
        reporting: ContextVar[bool],
        fault: Fault,
        discoveries: Discoveries,
    ) -> None:
        self._backends = backends
        self._decider = decider
        self._failures_of = failures_of
        self._reporting = reporting
        self._fault = fault
        self._discoveries = discoveries

    def report(
        self,
        error: BaseException | str,
        *,
        operation: str,
        provider: str,
        status: int | str | None,
        body: object = None,
    ) -> Verdict:
        """Publish an expired session, report anything else; see `SessionGuard.report`."""
        try:
            if self._is_refusal(error):
                return Verdict(drop=True, reason=REFUSED_BY_GATE)
            domain = self._backends.of(failure_of_tags({"provider": provider})).domain
            tags = stated_tags(domain, operation, provider, status)
            failures = self._failures(error, tags, body)
            decision = self._decider.decide("report", failures, can_show=True)
            self._discoveries.remember(error, decision, failures[0].session)
            if not decision.drop:
                shown = {} if decision.tag is None else {SHOWN: decision.tag}
                self._capture(error, {**tags, **shown})
        except Exception as fault:  # noqa: BLE001 - a report must never break the call site that makes it
            self._fault("report", fault)
            return Verdict(drop=False, reason="fault")
        return decision.verdict

    def found_by(self, error: BaseException) -> SessionExpired | None:
        """Return the expiry that `error` is a failure of; see `SchedulerGate.found_by`.

        An error that nobody has reported yet counts as reported now, if it is recognised by itself; about any
        other nothing is decided here, since whoever reports it may know more.
        """
        try:
            found = self._discoveries.of(error)
            return self._found_now(error) if found is None else found
        except Exception as fault:  # noqa: BLE001 - the job then ends as it would without us
            self._fault("found_by", fault)
            return None

    def _found_now(self, error: BaseException) -> SessionExpired | None:
        failures = self._failures_of(error)
        if not failures or not all(self._backends.recognise(one).drop for one in failures):
            return None
        decision = self._decider.decide("report", failures, can_show=True)
        found = self._discoveries.remember(error, decision, failures[0].session)
        if decision.tag is not None:
            self._capture(error, {SHOWN: decision.tag})
        return found

    def _is_refusal(self, error: BaseException | str) -> bool:
        if isinstance(error, str) or refusal_of(error) is None:
            return False
        return self._decider.refused("report", error, self._failures_of)

    def _failures(
        self, error: BaseException | str, tags: dict[str, str], body: object
    ) -> tuple[Failure, ...]:
        base = failure_of_tags(tags)
        found = self._failures_of(error) if isinstance(error, BaseException) else (Failure(text=str(error)),)
        in_flight = sys.exception()
        failures = tuple(
            # The call site itself says what failed: how the error came to be raised does not matter.
            replace(
                base,
                text=one.text,
                response=_with_body(one.response, base.status, body),
                rivals=one.rivals,
                answers=one.answers,
                second_failure=one.second_failure,
            )
            for one in found
        )
        return with_rivals(failures, (), None if in_flight is error else in_flight, self._failures_of)

    def _capture(self, error: BaseException | str, tags: dict[str, str]) -> None:
        token = self._reporting.set(True)
        try:
            with sentry_sdk.new_scope() as scope:
                for name, value in tags.items():
                    scope.set_tag(name, value)
                if isinstance(error, BaseException):
                    self._capture_exception(scope, error)
                else:
                    scope.capture_message(error, level="error")
        finally:
            self._reporting.reset(token)

    def _capture_exception(self, scope: sentry_sdk.Scope, error: BaseException) -> None:
        try:
            scope.capture_exception(error)
        except Exception as fault:  # noqa: BLE001 - the SDK cannot read this error: what it is arrives all the same
            self._fault("report", fault)
            scope.capture_message(type(error).__name__, level="error")


def _with_body(response: Response | None, status: int | None, body: object) -> Response | None:
    if body is None or status is None:
        return response
    known = Response(status=status) if response is None else response
    if isinstance(body, bytearray):
        body = bytes(body)
    return with_body(known, body_of_text(body) if isinstance(body, str | bytes) else body_of_value(body))
