"""Every reason for which a report is kept or dropped: the step that gives it, what it means, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

STATUS: Final = "status"
VETO: Final = "veto"
BACKEND: Final = "backend"
GRADE: Final = "grade"
SESSION: Final = "session"
VERDICT: Final = "verdict"

STEPS: Final = (STATUS, VETO, BACKEND, GRADE, SESSION, VERDICT)
"""The steps of a decision, in their order, after what was reported and the evidence in it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Args:
        step: The step that gives it.
        meaning: What was found, in a sentence.
        advice: What to do if it should be otherwise; empty where nothing is to be done.
    """

    step: str
    meaning: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.meaning} {self.advice}".strip()


REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        "unrelated": Reason(
            STATUS,
            "Nothing indicates a failed HTTP call: no response, no `status` tag, no wire text.",
            "If it is your backend's failure, instrument the client or tag the report.",
        ),
        "other_status": Reason(STATUS, "The status, or one in the text, is not in `Policy.statuses`."),
        "other_provider": Reason(
            VETO,
            "The `provider` tag or the text names another provider than the policy's.",
            "The tag has to be spelt exactly as in `Policy.provider`.",
        ),
        "contradicting_host": Reason(
            VETO,
            "A response came from a host that is not in `Policy.hosts`, or from another of your backends, "
            "which may be alive.",
            "If the host is this backend's, add it.",
        ),
        "second_failure": Reason(VETO, "The report also states another failure, of unknown origin."),
        "other_exception": Reason(
            VETO, "The exception's class has another job than to report a failed call."
        ),
        "raised_while_handling": Reason(
            VETO,
            "The exception was raised while a failed call was being handled: it is an error of its own.",
            "If it only wraps the failure, raise it `from` that one.",
        ),
        "not_a_session_code": Reason(
            VETO,
            "The body or the text has a code of `Policy.not_session_codes`: it is not about the session.",
        ),
        "other_operation": Reason(
            VETO,
            "It was not an LLM call: its path or operation is not in the policy, or it was not a POST.",
            "If it is one, add it to `Policy.paths` or `Policy.operations`.",
        ),
        "other_failure": Reason(VETO, "The `failure` tag says that it was something else than a response."),
        "not_the_backend": Reason(
            VETO,
            "Something other than the backend answered: HTML, a proxy's challenge, or a 403 without JSON.",
        ),
        "no_credential": Reason(
            VETO,
            "The request was sent without a credential.",
            "If it has one, add its header to `Policy.credential_headers`.",
        ),
        "unknown_provider": Reason(
            BACKEND,
            "Neither a host of the policy nor a tag nor the text says that it is your backend's failure.",
            "Instrument the client, or set the `provider` tag.",
        ),
        "unknown_operation": Reason(
            BACKEND,
            "Nothing says that it was an LLM call.",
            "Add the path to `Policy.paths`, or name the call with `guard.operation`.",
        ),
        "uncorroborated": Reason(
            GRADE,
            "The evidence is only words, which count while that session is known to be dead, and it is not.",
            "Instrument the client, or set all five tags.",
        ),
        "contradicting_success": Reason(
            SESSION,
            "A call with the same credential has succeeded since this one began: the session is alive.",
        ),
        "healed": Reason(SESSION, "The client has renewed the session, and the call has succeeded."),
        "renewal_pending": Reason(
            SESSION, "`guard.auth` is asking for a renewal, or could not ask: it may not have ended."
        ),
        "old_credential": Reason(
            SESSION,
            "The credential is older than the one that the last sign-in named; one failure an hour is shown.",
            "Something in the application still uses the old one.",
        ),
        "unhandled": Reason(
            SESSION,
            "It is the expired session, but nobody has subscribed, so its first failure is shown.",
            "Pass `on_session_expired`.",
        ),
        "announced": Reason(VERDICT, "It is the guard's own WARNING of an expiry."),
        "backend_session_expired": Reason(VERDICT, "It is the backend's expired session."),
        "fault": Reason(VERDICT, "The guard itself failed; in doubt, the report is kept."),
        "refused_by_gate": Reason(
            VERDICT, "It reports a refusal of the gate, which is the filter's own doing."
        ),
    }
)
"""By the code that counters, ledger and `Verdict.reason` have."""
