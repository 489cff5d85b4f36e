"""What else failed beside the failure that a report is about: in its arguments, in flight, in its text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from sentry_filters.evidence import Endpoint, Failure, FailuresOf, Response, states_failure, without

_SENTENCE = 4  # words
_FAILED = re.compile(
    r"(?i)error|exception|fail|refuse|reject|denied|unauthori|forbidden|invalid|time[d ]*out"
)


def with_rivals(
    failures: Iterable[Failure],
    given: Iterable[tuple[Failure, ...]],
    in_flight: BaseException | None,
    failures_of: FailuresOf,
) -> tuple[Failure, ...]:
    """Return a report's failures with what else failed around it: the origins, and whether one is unknown.

    Args:
        failures: What the report is about.
        given: What the arguments of its log call lead to.
        in_flight: The exception that was being handled, None where there is none or the report is about it.
        failures_of: Finds the failed call behind an exception.
    """
    others = list(chain.from_iterable(given))
    if in_flight is not None:
        others += failures_of(in_flight)
    if not others:
        return tuple(failures)
    rivals = frozenset[Endpoint]().union(*map(_origins, others))
    second = any(one.second_failure for one in others)
    if not rivals and not second:
        return tuple(failures)
    answers = tuple(filter(None, (answer for one in others for answer in (*one.answers, one.response))))
    return tuple(_beside(one, rivals, answers, second=second) for one in failures)


def names_a_failure_of_its_own(given: list[tuple[Failure, ...]]) -> bool:
    """Say whether an argument of a log call states a failed call that nothing else is known of."""
    return any(one.response is None and states_failure(one.text) for found in given for one in found)


def holds_another(logged: str, found: Iterable[Failure], args: Iterable[object]) -> bool:
    """Say whether a log line tells of another failure than those found: their texts and bodies are theirs."""
    lines = [line for one in found for line in one.text.splitlines()]
    bodies = [one.body for one in found if one.body]
    rest = without(logged, (*lines, *bodies))
    texts = (arg for arg in args if isinstance(arg, str) and arg in rest)
    return states_failure(rest) or any(map(_may_tell_of_a_failure, texts))


def _beside(
    failure: Failure, rivals: frozenset[Endpoint], answers: tuple[Response, ...], *, second: bool
) -> Failure:
    return replace(
        failure,
        rivals=failure.rivals | rivals,
        answers=(*failure.answers, *answers),
        second_failure=failure.second_failure or second,
    )


def _origins(failure: Failure) -> frozenset[Endpoint]:
    return failure.rivals if failure.endpoint is None else failure.rivals | {failure.endpoint}


def _may_tell_of_a_failure(text: str) -> bool:
    """Say whether an argument that is text may be another error's: a sentence, or a word for one."""
    return len(text.split()) >= _SENTENCE or _FAILED.search(text) is not None
