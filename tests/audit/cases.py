"""Rows, and what each question must answer about them: some keep an invariant, some break it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.audit.by_hand import DAY, HandWritten, decision, expiry, kept, refused, renewal, total

Rows = Sequence[HandWritten]
Answer = list[tuple[Any, ...]]

TEN = f"{DAY} 10:00"
OURS = "backend_session_expired"

RENEWED: Rows = (
    expiry("e1", "10:00:00", session="s1"),
    expiry("e2", "10:01:00", session=None, release=None, handled=0),
    expiry("e3", "10:02:00", session="s3", operation="warmup", status=403, confirmed=0),
    renewal("e1", "10:00:59"),
    renewal("e2", "11:30:30"),
    renewal("e2", "11:40:00"),
    renewal(None, "11:50:00"),
    decision("10:00", standing="first"),
    decision("10:00"),
    decision("10:01", expiry="e2"),
    kept("unhandled", "10:01", standing="repeat", expiry="e2"),
    decision("10:05", standing="stale", expiry=None),
)

CASES: Sequence[tuple[str, Rows, Answer]] = [
    (
        "drops_by_rule_and_hour",
        (
            decision("09:59", standing="first"),
            decision("10:00"),
            decision("10:59"),
            decision("10:30", standing="stale"),
            decision("10:30", signal="span"),
            decision("10:30", verdict="demote", signal="span"),
            kept("other_provider"),
        ),
        [
            (f"{DAY} 09:00", "event", OURS, 1, 1, 0, 0),
            (TEN, "event", OURS, 3, 0, 2, 1),
            (TEN, "span", OURS, 1, 0, 1, 0),
        ],
    ),
    (
        "drops_without_event",
        (
            expiry("e1"),
            decision(standing="first"),
            decision(),
            decision(standing="stale", expiry=None),
            decision(standing="stale", expiry="forgotten"),
            kept("other_provider"),
            refused(),
            # It was over before anybody had to be told.
            decision(standing="first", expiry="healed"),
            refused(expiry="healed"),
            renewal("healed"),
        ),
        [],
    ),
    (
        "drops_without_event",
        (
            expiry("e1"),
            decision("10:00", expiry="never", trace_id="b" * 32),
            decision("10:02", expiry="never", trace_id="a" * 32),
            decision("10:01", expiry=None, verdict="demote", signal="span"),
            decision("10:01", standing=None, expiry=None, process="p2"),
            refused(expiry="never"),
            renewal(None),
        ),
        [
            ("never", "event", OURS, "p1", 2, TEN, f"{DAY} 10:02", "a" * 32),
            ("none", "event", OURS, "p2", 1, f"{DAY} 10:01", f"{DAY} 10:01", "none"),
            ("none", "span", OURS, "p1", 1, f"{DAY} 10:01", f"{DAY} 10:01", "none"),
        ],
    ),
    (
        "third_party_dropped",
        (decision(), kept("other_provider", provider="OpenAI", host="api.openai.com", third_party=1)),
        [],
    ),
    (
        "third_party_dropped",
        (
            decision(provider="OpenAI", host=None, third_party=1),
            decision("10:07", provider="OpenAI", host=None, third_party=1),
            decision(host="api.openai.com", third_party=1, verdict="demote", signal="span"),
            decision(provider="Mistral", third_party=0),
            decision(provider=None, host=None),
        ),
        [
            ("Mistral", "api.example.ai", "OpenHuman", "event", "drop", OURS, 1, TEN, TEN),
            ("OpenAI", "unknown", "OpenHuman", "event", "drop", OURS, 2, TEN, f"{DAY} 10:07"),
            ("OpenHuman", "api.openai.com", "OpenHuman", "span", "demote", OURS, 1, TEN, TEN),
        ],
    ),
    (
        "kept_unauthorized",
        (
            kept("other_provider", provider="OpenAI", host="api.openai.com"),
            kept("other_provider", "10:09", provider="OpenAI", host="api.openai.com"),
            kept("unhandled", standing="first", expiry="e1", status=403),
            kept("unknown_provider", provider=None, host=None, operation=None, status=None),
            kept("other_status", status=500),
            kept("other_status", status=None),
            decision(),
        ),
        [
            ("other_provider", "OpenAI", "api.openai.com", "chat", 401, 2, TEN, f"{DAY} 10:09"),
            ("unhandled", "OpenHuman", "api.example.ai", "chat", 403, 1, TEN, TEN),
            ("unknown_provider", "unknown", "unknown", "unknown", 0, 1, TEN, TEN),
        ],
    ),
    (
        "sessions_to_renewal",
        RENEWED,
        [
            (f"{DAY} 10:02", "e3", "s3", "warmup", 403, 0, 1, 0, 0, 0, None, 0, "app@1", "p1"),
            (TEN, "e1", "s1", "chat", 401, 1, 1, 0, 1, 0, 59, 2, "app@1", "p1"),
            (f"{DAY} 10:01", "e2", "unknown", "chat", 401, 1, 0, 1, 1, 0, 5370, 2, "unknown", "p1"),
        ],
    ),
    (
        "sessions_to_renewal",
        (expiry(), decision(standing="first"), refused(), renewal(time="10:03", reason="recovered")),
        [(TEN, "e1", "s1", "chat", 401, 1, 1, 0, 1, 1, 180, 1, "app@1", "p1")],
    ),
    (
        "renewal_times",
        (
            *RENEWED,
            *(expiry("e4", "09:00"), renewal("e4", "09:01")),
            *(expiry("e5", "00:00"), renewal("e5", "23:59:59")),
            *(expiry("e6", "09:00"), renewal("e6", "33:00")),
            *(expiry("e7", "09:00", handled=0), renewal("e7", "09:00:02", reason="recovered")),
        ),
        [
            ("1 less than a minute", 1, 0),
            ("2 less than an hour", 1, 0),
            ("3 less than a day", 2, 1),
            ("4 a day or longer", 1, 0),
            ("5 not yet", 1, 0),
            ("6 needed none", 1, 1),
        ],
    ),
    (
        "dead_sessions_hidden",
        (
            expiry("e1"),
            expiry("e2", handled=0),
            kept("unhandled", standing="repeat", expiry="e2"),
            kept("unhandled", standing="repeat", expiry=None),
            expiry("e3", handled=0),
            renewal("e3", "10:40"),
            decision(),
        ),
        [],
    ),
    (
        "dead_sessions_hidden",
        (
            expiry("e2", "10:03", handled=0, session=None, release=None),
            decision(expiry="e2", standing="first"),
            decision(expiry="e2", verdict="demote"),
            decision(expiry=None, standing="stale"),
            refused(expiry="e2"),
            kept("unhandled", expiry="e3"),
            kept("other_provider", expiry="e2"),
        ),
        [(f"{DAY} 10:03", "e2", "unknown", "OpenHuman", "chat", 2, "unknown", "p1")],
    ),
    (
        "redactions_by_kind",
        (
            total("redactions", 2, "event", "github_token"),
            total("redactions", 3, "event", "github_token", process="p2"),
            total("redactions", 9, "span", "jwt"),
            total("redactions", 0, "log", "jwt"),
            total("withheld", 7, "event", "fault"),
        ),
        [("jwt", "span", 9, 1), ("github_token", "event", 5, 2)],
    ),
    (
        "withheld_by_cause",
        (
            total("withheld", 1, "event", "fault"),
            total("withheld", 1, "event", "fault", minute=f"{DAY} 11:00", process="p2"),
            total("withheld", 0, "span", "fault"),
            total("seen", 5, "event"),
        ),
        [("event", "fault", 2, 2, f"{DAY} 11:00")],
    ),
    (
        "reconciliation",
        (
            total("seen", 10, "event"),
            total("seen", 5, "event", process="p2"),
            total("exported", 4, "event"),
            total("dropped", 9, "event"),
            total("withheld", 2, "event", "fault"),
            total("seen", 3, "span"),
            total("demoted", 3, "span"),
            total("redactions", 8, "log", "jwt"),
        ),
        [("event", 15, 4, 9, 0, 2, 0), ("span", 3, 0, 0, 3, 0, 0)],
    ),
    (
        "reconciliation",
        (total("seen", 10, "event"), total("exported", 9, "event"), total("exported", 1, "log")),
        [("event", 10, 9, 0, 0, 0, 1), ("log", 0, 1, 0, 0, 0, -1)],
    ),
    (
        "calls_saved",
        (
            total("refused", 40),
            total("refused", 2, process="p2"),
            total("session_expired", 1, label="llm_provider.openhuman_backend"),
            total("renewals", 1),
            total("session_expired", 3, label="llm_provider.openhuman_backend", release=""),
            total("renewals", 0, release="app@0"),
            total("seen", 10, "event", release="app@2"),
        ),
        [("app@1", 42, 1, 1), ("unknown", 0, 3, 0)],
    ),
    (
        "failures_by_release",
        (
            decision(release="app@2", standing="first", expiry="e2"),
            decision("10:05", release="app@2", expiry="e2", verdict="demote"),
            decision(release="app@2", process="p2"),
            decision(release="app@1", standing="stale", expiry=None),
            kept("other_status", release=None),
            refused(release="app@2"),
        ),
        [
            ("app@1", 1, 1, 0, 0, 1, 0, 1, TEN),
            ("app@2", 3, 2, 1, 0, 0, 2, 2, f"{DAY} 10:05"),
            ("unknown", 1, 0, 0, 1, 0, 0, 1, TEN),
        ],
    ),
    (
        "demotions",
        (
            decision("10:01", "demote", signal="span", trace_id="a" * 32),
            decision("10:02", "demote", signal="span", trace_id="a" * 32),
            decision("10:03", "demote", signal="span", trace_id="b" * 32, expiry=None, standing="stale"),
            decision("10:03", "demote", signal="span", operation=None, status=None, release=None),
            kept("other_status", trace_id="b" * 32, status=500),
            kept("other_status", status=500),
            decision(trace_id="a" * 32),
        ),
        [
            ("span", OURS, "chat", 401, "app@1", 3, 1, 2, 1, f"{DAY} 10:01", f"{DAY} 10:03"),
            ("span", OURS, "unknown", 0, "unknown", 1, 0, 0, 0, f"{DAY} 10:03", f"{DAY} 10:03"),
        ],
    ),
    (
        "sharing",
        (
            total("shared", 2, label="claimed"),
            total("shared", 1, label="claimed", minute=f"{DAY} 10:07", process="p2"),
            total("shared", 0, label="fallback"),
            total("faults", 2, label="shared"),
        ),
        [("claimed", 3, 2, f"{DAY} 10:07")],
    ),
    (
        "lost",
        (
            total("audit_lost", 100, label="queue_full"),
            total("audit_lost", 1, label="queue_full", minute=f"{DAY} 10:07", process="p2"),
            total("audit_lost", 0, label="closed"),
            total("faults", 2, label="before_send"),
            total("violations", 1, label="third_party_dropped"),
        ),
        [
            ("audit_lost", "queue_full", 101, 2, f"{DAY} 10:07"),
            ("faults", "before_send", 2, 1, TEN),
        ],
    ),
    (
        "violations",
        (total("violations", 0, label="third_party_dropped"), total("faults", 1, label="bus")),
        [],
    ),
    (
        "violations",
        (
            total("violations", 1, label="third_party_dropped"),
            total("violations", 2, label="drop_without_event", release=""),
            total("violations", 3, label="old_credential_in_use"),
        ),
        [
            ("drop_without_event", "unknown", 2, 1, TEN),
            ("old_credential_in_use", "app@1", 3, 1, TEN),
            ("third_party_dropped", "app@1", 1, 1, TEN),
        ],
    ),
    (
        "storms",
        (
            *(decision("10:01", standing=standing) for standing in ("first", "repeat", "repeat")),
            *(decision("10:02") for _ in range(3)),
            decision("10:04"),
            decision("10:01", session=None, expiry="e2"),
            decision("10:01", session=None, expiry="e2", verdict="demote", signal="span"),
            kept("unhandled", standing="repeat", session=None, expiry="e2"),
            kept("other_provider", session="s9"),
        ),
        [
            ("s1", 3, f"{DAY} 10:01", 7, 3, f"{DAY} 10:01", f"{DAY} 10:04"),
            ("unknown", 2, f"{DAY} 10:01", 3, 2, TEN, f"{DAY} 10:01"),
        ],
    ),
    (
        "failures_by_minute",
        (
            decision("10:01", standing="first"),
            decision("10:01"),
            decision("10:01", "demote", signal="span"),
            kept("other_provider", "10:01"),
            kept("other_provider", "10:03"),
            refused("10:01"),
            refused("10:05"),
        ),
        [(f"{DAY} 10:01", 2, 1, 1, 1), (f"{DAY} 10:03", 0, 0, 1, 0)],
    ),
    (
        "overview",
        (
            total("seen", 10, "event"),
            total("exported", 5, "event"),
            total("dropped", 1, "event"),
            total("dropped", 1, "log"),
            total("demoted", 1, "span"),
            total("withheld", 1, "event", "fault"),
            total("redactions", 6, "event", "jwt"),
            total("session_expired", 7, label="llm_provider.openhuman_backend"),
            total("renewals", 8),
            total("refused", 9),
            total("audit_lost", 4, label="queue_full"),
            decision(third_party=1),
            kept("other_provider", third_party=1),
            kept("old_credential", standing="stale", grade="fact", confirmed=1),
            decision(reason="old_credential", standing="stale"),
            total("decisions", 2, "event", "refused_by_gate", verdict="drop"),
            total("decisions", 1, "span", "refused_by_gate", verdict="demote"),
            total("decisions", 5, "event", "backend_session_expired", verdict="drop"),
            refused(),
        ),
        [(10, 5, 2, 1, 1, 1, 6, 7, 8, 9, 4, 1, 2, 3)],
    ),
    (
        "old_credential_in_use",
        (
            decision(),
            decision(standing="stale", expiry=None),
            kept("uncorroborated", grade="words", confirmed=0),
            refused(),
        ),
        [],
    ),
    (
        "old_credential_in_use",
        (
            decision("10:02", reason="old_credential", standing="stale"),
            decision("10:03", reason="old_credential", standing="stale", signal="span"),
            kept("old_credential", "10:01", standing="stale", expiry="e1", grade="fact", confirmed=1),
            decision("10:05", reason="old_credential", standing="stale", expiry=None, session=None,
                     operation=None, release=None, process="p2"),
        ),
        [
            ("s1", "chat", "app@1", "p1", 3, 1, f"{DAY} 10:01", f"{DAY} 10:03"),
            ("unknown", "unknown", "unknown", "p2", 1, 0, f"{DAY} 10:05", f"{DAY} 10:05"),
        ],
    ),
    (
        "refused_by_gate",
        (
            expiry("e1"),
            expiry("e2"),
            refused("10:00"),
            refused("10:04", expiry="e2", process="p2"),
            refused(expiry="healed", signal="log"),
            renewal("healed", reason="recovered"),
            refused(verdict="demote", signal="span", release=None),
            decision(expiry="never"),
        ),
        [
            ("app@1", "event", "drop", 2, 2, 0, TEN, f"{DAY} 10:04"),
            ("app@1", "log", "drop", 1, 1, 0, TEN, TEN),
            ("unknown", "span", "demote", 1, 1, 0, TEN, TEN),
        ],
    ),
    (
        "refused_by_gate",
        (expiry("e1"), renewal(None), refused(), refused(expiry="never"), refused(expiry=None)),
        [("app@1", "event", "drop", 3, 2, 2, TEN, TEN)],
    ),
    (
        "recognised_by_grade",
        (
            decision(standing="first"),
            decision("10:01"),
            decision("10:02", expiry="e2"),
            decision(signal="span", verdict="demote", grade=None, confirmed=None),
            decision(standing="first", expiry="e3", grade="statement", confirmed=0),
            decision(grade="words", confirmed=0),
            kept("unhandled", standing="first", expiry="e4", grade="statement", confirmed=0),
            kept("uncorroborated", grade="words", confirmed=0),
            kept("other_provider"),
            refused(),
        ),
        [
            ("fact", 1, "drop", OURS, 3, 1, 2, TEN, f"{DAY} 10:02"),
            ("statement", 0, "drop", OURS, 1, 1, 1, TEN, TEN),
            ("statement", 0, "keep", "unhandled", 1, 1, 1, TEN, TEN),
            ("unknown", 0, "demote", OURS, 1, 0, 1, TEN, TEN),
            ("words", 0, "drop", OURS, 1, 0, 1, TEN, TEN),
            ("words", 0, "keep", "uncorroborated", 1, 0, 0, TEN, TEN),
        ],
    ),
]  # fmt: skip
