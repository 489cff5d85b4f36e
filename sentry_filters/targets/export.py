"""What exporters share: what they return, the catalogue as expressions, and what no target can express."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sentry_filters.core import Policy
from sentry_filters.redaction.catalogue import FAMILIES, Kind
from sentry_filters.redaction.text import BOUNDARY
from sentry_filters.targets.keys import assignment_kind
from sentry_filters.targets.regexes import for_rust

NO_SESSIONS = (
    "There is no SessionExpired and no gate: nothing tells the application to stop or to ask for a"
    " sign-in, and no first failure is kept where nobody listens. Those exist in the Python filter only."
)
"""What is missing wherever the Python filter does not run in the application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A policy in the language of another program.

    Args:
        text: What that program reads.
        remarks: What it cannot express, or does differently; a sentence each.
    """

    text: str
    remarks: tuple[str, ...]


Exporter = Callable[[Policy], Export]
"""Writes a policy for one target. ValueError: one of its `secret_kinds` is invalid."""


def remarks(text: str) -> list[str]:
    """Return the points of a list, each of which begins with a hyphen and may have several lines."""
    return [" ".join(point.split()) for point in f"\n{text}".split("\n- ")[1:]]


def redaction_remarks(policy: Policy) -> list[str]:
    """Return what the Python redactor judges, and an expression cannot."""
    found = remarks("""\
- Fields that are secret only by their value's look (a bare token, key, session or auth) stay.
- In texts, a value behind a secret key goes when it has eight characters or more, a letter and a digit;
  passwords of words stay, and so do values that a serialised text holds below escapes.
- A value under a secret key goes as a whole, an Authorization header with its scheme, cookies with their
  names; placeholders and references such as ${PASSWORD} may go, too.
- Credentials that a guard has seen (plain, URL-encoded, base64) are known in its process only.
""")
    if policy.redact_content:
        found.append("redact_content: prompts and completions stay; only the Python filter empties them.")
    return found


class Family(NamedTuple):
    """Some kinds as one expression in the target's dialect."""

    name: str
    pattern: str


def families(
    policy: Policy, dialect: Callable[[str], str], *, at_most: int
) -> tuple[Sequence[Family], Sequence[str]]:
    """Return the policy's own kinds, the catalogue and the values of secret keys; then what was left out.

    Args:
        policy: Its `secret_kinds` and `secret_keys` are among them.
        dialect: `for_go` or `for_rust`.
        at_most: The number of kinds in one expression.

    Raises:
        ValueError: One of the policy's own kinds is invalid.
    """
    boundary = BOUNDARY if dialect is for_rust else f"({BOUNDARY[3:]}"
    found: list[Family] = []
    missing: list[str] = []
    for name, kinds in _named_kinds(policy, at_most):
        try:
            # Each kind is translated by itself: its groups depend on no other kind's.
            alternatives = "|".join(f"(?:{dialect(kind.pattern)})" for kind in kinds)
        except ValueError as error:
            missing.append(f"{name}: left out, since its pattern cannot be written there ({error}).")
        else:
            found.append(Family(name, f"{boundary}(?:{alternatives})"))
    return found, missing


def _named_kinds(policy: Policy, at_most: int) -> Iterator[tuple[str, Sequence[Kind]]]:
    for data in policy.secret_kinds:
        kind = Kind.from_mapping(data)
        yield f"own-{kind.name}", (kind,)
    for name, kinds in FAMILIES.items():
        parts = range(0, len(kinds), at_most)
        for number, start in enumerate(parts, 1):
            numbered = name if len(parts) == 1 else f"{name}-{number}"
            yield numbered, kinds[start : start + at_most]
    yield "assignment", (assignment_kind(policy),)
