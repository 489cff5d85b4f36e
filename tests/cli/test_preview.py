"""`sentry-filters preview`, as a user and a script run it."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from sentry_filters import Ledger, Policy, SessionGuard
from sentry_filters.cli import main
from sentry_filters.preview import Preview
from tests.conftest import InitSentry
from tests.preview.reports import HOST, TAGS, URL, WIRE, event, lines_of, transaction
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

Outcome = tuple[str, str]


def toml(folder: Path, name: str = "new.toml", **changes: Any) -> str:
    """Write a policy, and return its path as an argument."""
    values = {"provider": "OpenHuman", "hosts": [HOST], **changes}
    paths = values.pop("paths", {})
    lines = ["[tool.sentry_filters]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    lines += ["[tool.sentry_filters.paths]"] if paths else []
    lines += [f'"{suffix}" = {json.dumps(named or False)}' for suffix, named in paths.items()]
    (folder / name).write_text("\n".join(lines))
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

    ran = run("--policy", policy, "--examples", "2", str(lines_of(tmp_path, reports)))

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
    file = str(lines_of(tmp_path, ({"message": "fine"} for _ in range(1000))))
    for stream, shown in ((Terminal(), "1,000 judged"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["preview", "--policy", toml(tmp_path), file]) == 0
        assert shown in stream.getvalue()
        assert bool(stream.getvalue()) is bool(shown)


def test_progress_goes_without_rich(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(lines_of(tmp_path, [{"message": "fine"}] * 1000))
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    monkeypatch.setattr(sys, "stderr", Terminal())

    assert main(["preview", "--policy", toml(tmp_path), file]) == 0


@pytest.mark.parametrize("zipped", [False, True])
def test_progress_reaches_the_end_of_the_files(zipped: bool, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    decided_in(ledger, Policy(provider="OpenHuman", hosts={HOST}))
    lines = lines_of(tmp_path, ({"message": f"fine {number}"} for number in range(3000)))
    if zipped:
        lines.write_bytes(gzip.compress(lines.read_bytes()))
    told: list[tuple[int, int]] = []
    preview = Preview(Policy(provider="OpenHuman"), progress=lambda judged, read: told.append((judged, read)))

    preview.of([ledger, lines])

    before, size = ledger.stat().st_size, lines.stat().st_size
    assert told == sorted(told)
    assert told[0][1] >= before
    assert told[-1][0] >= 3000
    assert told[-1][1] == before + size


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

    assert main(["preview", *policies, str(lines_of(tmp_path, [event("x")]))]) == 2

    assert capsys.readouterr().err == (
        f"sentry-filters preview: {faulty}: [tool.sentry_filters] statuses: invalid value 500; "
        "expected 401 or 403\n"
    )


def test_the_json_on_the_page_has_the_shape_of_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/preview.md").read_text(encoding="utf-8")
    [snippet] = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    file = lines_of(tmp_path, [event(WIRE.format("x"), **{**TAGS, "status": "403"})])

    printed = previewed(capsys, "--policy", toml(tmp_path, statuses=[401]), str(file))

    stated = json.loads(snippet)
    assert stated.keys() == printed.keys()
    assert stated["changes"][0].keys() == printed["changes"][0].keys()
    assert printed["changes"][0]["examples"][0].keys() > {"place", "signal", "text", "status"}
