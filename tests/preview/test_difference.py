"""Two policies on the same reports: the preview says exactly what their guards would decide differently."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sentry_filters import Policy, SessionGuard
from sentry_filters.preview import Outcome, Preview
from tests.preview.reports import HOST, TAGS, WIRE, event, generated, lines_of

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recognition"
CHANGES: list[dict[str, Any]] = [
    {},
    {"statuses": [401]},
    {"hosts": ["api.elsewhere.example"]},
    {"provider": "OpenAI"},
    {"operations": ["warmup"], "paths": {"/chat/completions": None}},
    {"not_session_codes": []},
    {"not_session_codes": ["invalid_token", "insufficient_quota"]},
    {"publish_on": "confirmed"},
    {"scope": "session"},
    {"domain": "app"},
]


def guard_decisions(policy: Policy, reports: Sequence[dict[str, Any]]) -> Iterator[dict[str, Outcome]]:
    """Yield what a guard does with each report: by span ids, or under an empty one."""
    guard = SessionGuard(policy, lambda event: None)
    hooks = guard.sentry_options()
    try:
        for report in reports:
            if "spans" in report:
                kept = hooks["before_send_transaction"](report, {})["spans"]
                left = {span["span_id"] for span in kept}
                ids = [span["span_id"] for span in report["spans"]]
                yield {one: Outcome("keep" if one in left else "drop", "") for one in ids}
                continue
            signal, hook = ("log", "before_send_log") if "body" in report else ("event", "before_send")
            before = guard.counters.counts()
            hooks[hook](report, {})
            news = Counter(guard.counters.counts()) - Counter(before)
            [(verdict, reason)] = [key[2:] for key in news if key[:2] == ("decisions", signal)]
            yield {"": Outcome("drop" if verdict == "drop" else "keep", reason)}
    finally:
        guard.close()


def expected(
    old: Policy, new: Policy, reports: Sequence[dict[str, Any]]
) -> tuple[Counter[tuple[Outcome, Outcome]], Counter[str]]:
    """Return what two guards decide differently: of reports by reason, of spans by verdict."""
    single: Counter[tuple[Outcome, Outcome]] = Counter()
    spans: Counter[str] = Counter()
    for before, after in zip(guard_decisions(old, reports), guard_decisions(new, reports), strict=True):
        for key, was in before.items():
            now = after[key]
            if key:
                spans[f"{was.verdict} -> {now.verdict}"] += was.verdict != now.verdict
            elif was != now:
                single[was, now] += 1
    return single, +spans


def policy_of(**changes: Any) -> Policy:
    return Policy(**{"provider": "OpenHuman", "hosts": [HOST], **changes})


def assert_exact(folder: Path, reports: Sequence[dict[str, Any]], old: Policy, new: Policy) -> int:
    """Compare the preview with two guards; return how many decisions differ."""
    single, spans = expected(old, new, reports)

    difference = Preview(new, old, examples=9999).of([lines_of(folder, reports)])

    told, of_spans = Counter[tuple[Outcome, Outcome]](), Counter[str]()
    for change in difference.changes:
        in_spans = sum(example["signal"] == "span" for example in change.examples)
        told[change.old, change.new] += change.count - in_spans
        differs = change.old.verdict != change.new.verdict
        of_spans[f"{change.old.verdict} -> {change.new.verdict}"] += in_spans * differs
    assert +told == single
    assert +of_spans == spans
    return single.total() + spans.total()


@pytest.mark.parametrize("new", CHANGES, ids=str)
def test_it_says_exactly_what_two_guards_decide_differently(new: dict[str, Any], tmp_path: Path) -> None:
    reports = generated()

    there = assert_exact(tmp_path, reports, policy_of(), policy_of(**new))
    back = assert_exact(tmp_path, reports, policy_of(**new), policy_of())

    assert (there > 0, back > 0) == (bool(new), bool(new))


@pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded failures are not here; generated ones cover their forms"
)
@pytest.mark.parametrize("new", CHANGES, ids=str)
def test_so_it_does_on_the_recorded_cases_and_captures(new: dict[str, Any], tmp_path: Path) -> None:
    reports = [*recorded()]
    hosts = {record["host"] for record in lines("captures.jsonl")}

    there = assert_exact(tmp_path, reports, policy_of(hosts=hosts), policy_of(**{"hosts": hosts, **new}))

    assert new or not there


def lines(name: str) -> list[Any]:
    return [json.loads(line) for line in (RECORDED / name).read_text(encoding="utf-8").splitlines()]


def recorded() -> Iterator[dict[str, Any]]:
    for record in lines("cases.jsonl"):
        yield event(record["message"], **record["tags"])
    for record in lines("captures.jsonl"):
        yield from (report["event"] for report in record.get("sentry_events", ()))
        yield from record.get("sentry_logs", ())
        for one in record.get("transactions", ()):
            yield {"contexts": {"trace": one["trace"]}, "spans": one["spans"]}


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    report = json.dumps({**event(WIRE.format("x"), **TAGS), "extra": {"filling": "x" * 20_000}}) + "\n"
    file = tmp_path / "long"
    with file.open("w") as out:
        out.writelines(report for _ in range(500))
    preview = Preview(Policy(provider="OpenHuman", hosts={HOST}, statuses=[403]))
    tracemalloc.start()
    try:
        preview.of([file])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert file.stat().st_size > 10_000_000
    assert peak < 4_000_000
