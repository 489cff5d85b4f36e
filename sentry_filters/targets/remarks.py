"""What no target can say, in words that all exporters share."""

from __future__ import annotations

from collections.abc import Iterable

from sentry_filters.core import Policy
from sentry_filters.targets.families import Family

__all__ = ["left_out", "of_redaction", "of_sessions"]


def of_sessions() -> str:
    """What is lost wherever the Python filter does not run in the application."""
    return (
        "There is no SessionExpired and no gate: nothing tells the application to stop or to ask for a"
        " sign-in, and no first failure is kept where nobody listens. Those exist in the Python filter only."
    )


def of_redaction(policy: Policy) -> tuple[str, ...]:
    """What the Python redactor judges, and an expression cannot."""
    remarks = [
        "Fields that are secret only by their value's look (a bare token, key, session or auth) stay.",
        (
            "In texts, a value behind a secret key goes when it has eight characters or more, a letter and a"
            " digit; passwords of words stay, and so do values that a serialised text holds below escapes."
        ),
        (
            "A value under a secret key goes as a whole, an Authorization header with its scheme, cookies"
            " with their names; placeholders and references such as ${PASSWORD} may go, too."
        ),
        "Credentials that a guard has seen (plain, URL-encoded, base64) are known in its process only.",
    ]
    if policy.redact_content:
        remarks.append("redact_content: prompts and completions stay; only the Python filter empties them.")
    return tuple(remarks)


def left_out(families: Iterable[Family]) -> tuple[str, ...]:
    """Which expressions the target has no syntax for."""
    return tuple(
        f"{family.name}: left out, since its pattern cannot be written there ({family.fault})."
        for family in families
        if not family.pattern
    )
