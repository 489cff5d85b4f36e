"""The catalogue in families, as many kinds to an expression as a target takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sentry_filters.core import Policy
from sentry_filters.redaction.catalogue import FAMILIES, Kind
from sentry_filters.targets.keys import assignment_kind
from sentry_filters.targets.regexes import one_of

__all__ = ["Family", "families"]


@dataclass(frozen=True, slots=True)
class Family:
    """Some kinds as one expression.

    Args:
        name: Names them to people.
        pattern: The expression, in the target's dialect; empty where the target has no words for it.
        fault: Why it is empty.
    """

    name: str
    pattern: str
    fault: str = ""


def families(policy: Policy, dialect: Callable[[str], str], *, at_most: int) -> Iterator[Family]:
    """Yield the catalogue, the policy's own kinds and what stands behind secret keys.

    Args:
        policy: Its `secret_kinds` and `secret_keys` are among them.
        dialect: `for_go` or `for_rust`.
        at_most: The number of kinds in one expression.

    Raises:
        ValueError: One of the policy's own kinds is faulty.
    """
    for data in policy.secret_kinds:
        kind = Kind.from_mapping(data)
        yield _family(f"own-{kind.name}", (kind,), dialect)
    for name, kinds in FAMILIES.items():
        parts = range(0, len(kinds), at_most)
        for number, start in enumerate(parts, 1):
            numbered = name if len(parts) == 1 else f"{name}-{number}"
            yield _family(numbered, kinds[start : start + at_most], dialect)
    yield _family("assignment", (assignment_kind(policy),), dialect)


def _family(name: str, kinds: Sequence[Kind], dialect: Callable[[str], str]) -> Family:
    try:
        return Family(name, one_of(kinds, dialect))
    except ValueError as error:
        return Family(name, "", str(error))
