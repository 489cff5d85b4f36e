"""`sentry-filters preview`: exactly the difference of two policies' decisions, as a user runs it."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from sentry_filters import Ledger, Policy, SessionGuard
from sentry_filters.cli import main
from sentry_filters.preview import Preview
from tests.conftest import InitSentry
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

HOST = "api.example.ai"
URL = f"https://{HOST}/v1/chat/completions"
WIRE = "OpenHuman API error (401 Unauthorized): {}"
TAGS = {
    "domain": "llm_provider", "operation": "chat_completions", "provider": "OpenHuman", "status": "401",
    "failure": "non_2xx",
}  # fmt: skip
RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recognition"

Outcome = tuple[str, str]
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


def toml(folder: Path, name: str = "new.toml", **changes: Any) -> str:
    """Write a policy, and return its path as an argument."""
    values = {"provider": "OpenHuman", "hosts": [HOST], **changes}
    paths = values.pop("paths", {})
    lines = ["[tool.sentry_filters]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    lines += ["[tool.sentry_filters.paths]"] if paths else []
    lines += [f'"{suffix}" = {json.dumps(named or False)}' for suffix, named in paths.items()]
    (folder / name).write_text("\n".join(lines))
    return str(folder / name)


def lines_of(folder: Path, payloads: Iterable[Any], name: str = "events.jsonl") -> str:
    (folder / name).write_text("".join(f"{json.dumps(payload)}\n" for payload in payloads))
    return str(folder / name)


def previewed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["preview", *arguments, "--json"]) == 0
    answered = json.loads(capsys.readouterr().out)
    assert isinstance(answered, dict)
    return answered


def changes_of(answer: dict[str, Any]) -> Counter[tuple[Outcome, Outcome]]:
    def outcome(value: dict[str, str]) -> Outcome:
        return value["verdict"], value["reason"]

    return Counter(
        {(outcome(one["old"]), outcome(one["new"])): one["count"] for one in answer["changes"]},
    )


# The difference is exactly that of two guards


def event(text: str, place: str = "exception", **tags: str) -> dict[str, Any]:
    shapes: dict[str, Any] = {
        "exception": {"exception": {"values": [{"type": "Error", "value": text}]}},
        "logentry": {"logentry": {"formatted": text}},
        "message": {"message": text},
    }
    return {"level": "error", "tags": tags, **shapes[place]}


def log(text: str, **tags: str) -> dict[str, Any]:
    attributes = {name: {"value": value, "type": "string"} for name, value in tags.items()}
    return {"body": text, "severity_number": 17, "attributes": attributes}


def transaction(status: int, host: str, path: str, number: int) -> dict[str, Any]:
    url = f"https://{host}{path}"
    trace = f"{number:032x}"
    http = {
        "trace_id": trace, "span_id": f"h{number}", "parent_span_id": f"c{number}", "op": "http.client",
        "description": f"POST {url}", "status": "unauthenticated",
        "data": {"http.response.status_code": status, "url": url},
    }  # fmt: skip
    chat = {
        "trace_id": trace, "span_id": f"c{number}", "parent_span_id": f"t{number}", "op": "gen_ai.chat",
        "status": "internal_error",
    }  # fmt: skip
    return {
        "type": "transaction",
        "contexts": {"trace": {"span_id": f"t{number}", "trace_id": trace}},
        "spans": [chat, http],
    }


def generated() -> list[dict[str, Any]]:
    """Reports of our session, of other failures of the same backend, and of third parties."""
    bodies = ["Invalid token", '{"code":"invalid_token"}', '{"error":{"code":"insufficient_quota"}}', ""]
    texts = [WIRE.format(body) for body in bodies]
    texts += [text.replace("OpenHuman", "OpenAI") for text in texts[:2]]
    texts += ["OpenHuman API error (403 Forbidden): no", "OpenHuman API error (500 Server Error): no", "boom"]
    texts += [f"run failed: error={texts[0]}"]
    tag_sets: list[dict[str, str]] = [
        TAGS,
        {},
        {**TAGS, "provider": "OpenAI"},
        {**TAGS, "status": "403"},
        {**TAGS, "operation": "embeddings"},
        {**TAGS, "domain": "app"},
    ]
    places = itertools.cycle(["exception", "logentry", "message"])
    reports = [event(text, next(places), **tags) for text in texts for tags in tag_sets]
    reports += [log(text, **tags) for text in texts for tags in tag_sets[:4]]
    hosts = [HOST, "api.openai.com", "api.elsewhere.example"]
    calls = itertools.product((401, 403, 500), hosts, ("/v1/chat/completions", "/v1/embeddings", "/users"))
    return [*reports, *(transaction(*call, number) for number, call in enumerate(calls))]


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
                yield {one: ("keep" if one in left else "drop", "") for one in ids}
                continue
            signal, hook = ("log", "before_send_log") if "body" in report else ("event", "before_send")
            before = guard.counters.snapshot()
            hooks[hook](report, {})
            news = Counter(guard.counters.snapshot()) - Counter(before)
            [(verdict, reason)] = [key[2:] for key in news if key[:2] == ("decisions", signal)]
            yield {"": (verdict, reason)}
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
                spans[f"{was[0]} -> {now[0]}"] += was[0] != now[0]
            elif was != now:
                single[was, now] += 1
    return single, +spans


def assert_exact(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    reports: Sequence[dict[str, Any]],
    old: dict[str, Any],
    new: dict[str, Any],
) -> int:
    policies = toml(folder, **new), toml(folder, "old.toml", **old)
    single, spans = expected(Policy.from_toml(policies[1]), Policy.from_toml(policies[0]), reports)
    common = ["--policy", policies[0], "--against", policies[1], "--examples", "9999"]
    answer = previewed(capsys, *common, lines_of(folder, reports))

    of_spans: Counter[str] = Counter()
    for change in answer["changes"]:
        (was, now) = (change[which]["verdict"] for which in ("old", "new"))
        signals = Counter(example["signal"] for example in change["examples"])
        change["count"] -= signals["span"]
        of_spans[f"{was} -> {now}"] += signals["span"] * (was != now)
    assert +changes_of(answer) == single
    assert +of_spans == spans
    return single.total() + spans.total()


@pytest.mark.parametrize("new", CHANGES, ids=str)
def test_it_says_exactly_what_two_guards_decide_differently(
    new: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = generated()

    there = assert_exact(capsys, tmp_path, reports, {}, new)
    back = assert_exact(capsys, tmp_path, reports, new, {})

    assert (there > 0, back > 0) == (bool(new), bool(new))


@pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded failures are not here; generated ones cover their forms"
)
@pytest.mark.parametrize("new", CHANGES, ids=str)
def test_so_it_does_on_the_recorded_cases_and_captures(
    new: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = [*recorded()]
    hosts = sorted({record["host"] for record in lines("captures.jsonl")})

    there = assert_exact(capsys, tmp_path, reports, {"hosts": hosts}, {"hosts": hosts, **new})

    assert new or not there


def lines(name: str) -> list[Any]:
    return [json.loads(line) for line in (RECORDED / name).read_text(encoding="utf-8").splitlines()]


def recorded() -> Iterator[dict[str, Any]]:
    for record in lines("cases.jsonl"):
        yield event(record["message"], **record["tags"])
    for record in lines("captures.jsonl"):
        yield from (report["event"] for report in record.get("sentry_events", ()))
        yield from record.get("sentry_logs", ())
        for number in record.get("transactions", ()):
            yield {"contexts": {"trace": number["trace"]}, "spans": number["spans"]}


# Files


def test_it_reads_envelopes_as_the_sdk_sends_them(
    sentry: InitSentry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transport = CapturingTransport()
    sentry(dsn="http://a@127.0.0.1:1/1", transport=transport, enable_logs=True, traces_sample_rate=1.0)
    with sentry_sdk.new_scope() as scope:
        scope.set_tags(TAGS)
        scope.add_attachment(bytes=b'{"tags": {}}\n\n\xff\n', filename="a.json")
        scope.capture_message(WIRE.format("two\nlines"), "error")
    sentry_sdk.logger.error(WIRE.format("x"), attributes=dict[str, Any](TAGS))
    with (
        sentry_sdk.start_transaction(name="job"),
        sentry_sdk.start_span(op="http.client", name=f"POST {URL}") as span,
    ):
        span.set_data("http.response.status_code", 401)
        span.set_status("unauthenticated")
    sentry_sdk.flush()
    plain, zipped = tmp_path / "envelopes", tmp_path / "envelopes.gz"
    plain.write_bytes(b"\n".join(transport.envelopes))
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    policies = ["--policy", toml(tmp_path, hosts=["api.elsewhere.example"], provider="Acme")]
    policies += ["--against", toml(tmp_path, "old.toml", not_session_codes=[])]

    for file in (plain, zipped):
        answer = previewed(capsys, *policies, str(file))

        dropped = Counter(
            example["signal"]
            for change in answer["changes"]
            if change["change"] == "newly_kept"
            for example in change["examples"]
        )
        assert dropped == {"event": 1, "log": 1, "span": 1}
        assert answer["broken"]["count"] == 0
        assert answer["skipped"]["attachment"] == 1


def test_what_is_broken_is_counted_and_named_and_the_rest_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = json.dumps(event(WIRE.format("x"), **TAGS))
    file = tmp_path / "mixed"
    file.write_text(
        f"{whole}\n{{broken\n[1]\n\n"
        '{"event_id":"a"}\n'
        '{"type":"event","length":5}\n{"a":\n'
        f'{{"type":"event"}}\n{whole}\n'
        '{"nothing":"known"}\n'
        f"{whole}\n"
        '{"event_id":"b"}\n{"type":"event","length":5000}\n{"message":"cut'
    )

    answer = previewed(capsys, "--policy", toml(tmp_path, statuses=[403]), str(file))

    assert answer["judged"] == 3
    assert [one["count"] for one in answer["changes"]] == [3]
    assert answer["broken"]["count"] == 5
    named = [place.removeprefix(f"{file}:").partition(":")[0] for place in answer["broken"]["places"]]
    assert named == ["2", "3", "7", "10", "14"]


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


# Ledgers


def decided_in(path: Path, policy: Policy) -> None:
    guard = SessionGuard(policy, lambda event: None, audit=Ledger(path))
    before_send, spans = guard.before_send, guard.sentry_options()["before_send_transaction"]
    for tags in (TAGS, {**TAGS, "status": "403"}, {**TAGS, "operation": "warmup"}):
        before_send(event("x", **tags), {})
    before_send(event("x", **{**TAGS, "provider": "OpenAI"}), {})
    before_send(event(WIRE.format('{"code":"insufficient_quota"}'), **TAGS), {})
    for number, host in enumerate((HOST, "api.openai.com", "api.elsewhere.example")):
        spans(transaction(401, host, "/v1/chat/completions", number), {})
    guard.close()


SAME = Counter[tuple[Outcome, Outcome]]()
OURS = ("drop", "backend_session_expired")


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"redact_content": True, "healing_window": 5}, {}, id="no decision's field"),
        pytest.param({"statuses": [401]}, {(OURS, ("keep", "other_status")): 1}, id="a status less"),
        pytest.param(
            {"paths": {"/chat/completions": None}, "operations": ["chat_completions"]},
            {
                (OURS, ("keep", "other_operation")): 1,
                # The path is not in the row, and other paths may have this operation.
                (OURS, ("cannot_tell", "operations")): 1,
            },
            id="a path and an operation less",
        ),
        pytest.param(
            {"hosts": [HOST, "api.elsewhere.example"]},
            {(("keep", "contradicting_host"), ("cannot_tell", "hosts")): 1},
            id="a host more",
        ),
        pytest.param(
            {"hosts": ["api.elsewhere.example"]},
            {
                (OURS, ("keep", "contradicting_host")): 1,
                (("keep", "contradicting_host"), ("cannot_tell", "hosts")): 1,
            },
            id="another host",
        ),
        pytest.param(
            {"not_session_codes": ["permission_denied"]},
            {(("keep", "not_a_session_code"), ("cannot_tell", "not_session_codes")): 1},
            id="codes less",
        ),
        pytest.param(
            {"not_session_codes": ["invalid_token"]},
            {
                (OURS, ("cannot_tell", "not_session_codes")): 4,
                (("keep", "not_a_session_code"), ("cannot_tell", "not_session_codes")): 1,
            },
            id="another code",
        ),
        pytest.param(
            {"publish_on": "confirmed"},
            {(OURS, ("cannot_tell", "publish_on")): 4},
            id="facts only",
        ),
    ],
)
def test_a_ledgers_row_says_what_it_shows_and_no_more(
    changes: dict[str, Any],
    due: dict[tuple[Outcome, Outcome], int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = {"provider": "OpenHuman", "hosts": [HOST]}
    ledger = tmp_path / "ledger.db"
    decided_in(ledger, Policy(**old))  # type: ignore[arg-type]

    answer = previewed(
        capsys, "--policy", toml(tmp_path, **changes), "--against", toml(tmp_path, "old.toml"), str(ledger)
    )

    assert answer["judged"] == 8
    assert changes_of(answer) == due


def test_a_shadow_ledger_counts_as_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = tmp_path / "ledger.db"
    decided_in(ledger, Policy(provider="OpenHuman", hosts={HOST}, mode="shadow"))

    answer = previewed(capsys, "--policy", toml(tmp_path, statuses=[401]), str(ledger))

    assert changes_of(answer) == {(OURS, ("keep", "other_status")): 1}


def test_another_backends_decisions_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "ledger.db"
    decided_in(ledger, Policy(provider="OpenHuman", hosts={HOST}))

    answer = previewed(capsys, "--policy", toml(tmp_path, provider="Acme"), str(ledger))

    assert (answer["judged"], answer["skipped"]) == (0, {"decisions about OpenHuman": 8})


# For people


def test_a_person_reads_a_short_table_and_redacted_examples(tmp_path: Path) -> None:
    key = fake("sk-proj-", 40)
    acme = "acme_" + "0123456789abcdef01234567"
    reports = [event(f"{WIRE.format(key)} {acme} \x1b[31m", **TAGS) for _ in range(5)]
    policy = toml(tmp_path, statuses=[403])
    with Path(policy).open("a") as file:
        file.write(
            '\n[[tool.sentry_filters.secret_kinds]]\nname = "acme"\nliteral = "acme_"\n'
            'pattern = "acme_[0-9a-f]{24}"\n'
        )

    ran = run("--policy", policy, "--examples", "2", lines_of(tmp_path, reports))

    assert (ran.returncode, ran.stderr) == (0, "")
    assert key not in ran.stdout
    assert acme not in ran.stdout
    assert "\x1b" not in ran.stdout
    head, *rest = ran.stdout.splitlines()
    assert head == "5 judged, 0 decided as before, for the same reason"
    assert [line.split() for line in rest[1:3]] == [
        ["old", "new", "count"],
        ["newly", "kept", "drop:", "backend_session_expired", "keep:", "other_status", "5"],
    ]
    assert ran.stdout.count("text=OpenHuman API error (401 Unauthorized): [REDACTED]") == 2


def test_of_a_ledger_it_says_what_cannot_be_known(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    decided_in(ledger, Policy(provider="OpenHuman", hosts={HOST}))

    ran = run("--policy", toml(tmp_path, not_session_codes=["x"]), str(ledger))

    assert "A ledger holds no text, no body's codes, no path, port or headers" in ran.stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_a_person_who_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = lines_of(tmp_path, ({"message": "fine"} for _ in range(1000)))
    for stream, shown in ((Terminal(), "1,000 judged"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["preview", "--policy", toml(tmp_path), file]) == 0
        assert shown in stream.getvalue()
        assert bool(stream.getvalue()) is bool(shown)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sentry_filters", "preview", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot be read: No such file or directory; expected a ledger", id="absent"),
        pytest.param(b"", "holds no event and no envelope; expected a ledger", id="empty"),
        pytest.param(b"\x00\xff\n", "holds no event and no envelope; expected a ledger", id="binary"),
        pytest.param(b"SQLite format 3\x00 cut", "expected a ledger", id="a damaged database"),
    ],
)
def test_a_file_that_holds_nothing_is_an_error_that_says_what_is_expected(
    content: bytes | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "given"
    if content is not None:
        file.write_bytes(content)

    assert main(["preview", "--policy", toml(tmp_path), str(file)]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"sentry-filters preview: {file} ")
    assert said in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--policy", "--against"])
def test_a_faulty_policy_is_an_error_that_names_the_place(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = toml(tmp_path, "faulty.toml", statuses=[500])
    policies = ["--policy", toml(tmp_path), option, faulty]

    assert main(["preview", *policies, lines_of(tmp_path, [event("x")])]) == 2

    assert capsys.readouterr().err == (
        f"sentry-filters preview: {faulty}: [tool.sentry_filters] statuses: invalid value 500; "
        "expected 401 or 403\n"
    )
