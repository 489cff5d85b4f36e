"""`sentry-filters audit`, as a user, a script and a cron job run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest

from sentry_filters import Ledger, Policy, SessionExpired, SessionGuard
from sentry_filters.audit.queries import load_queries
from sentry_filters.cli import main
from tests.audit.by_hand import HandWritten, decision, expiry, kept, refused, renewal, sqlite_with, total

QUERIES = {query.name: query for query in load_queries()}
INVARIANTS = [name for name, query in QUERIES.items() if query.holds is not None]
ESCAPE = "\x1b"

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows into a new ledger, and return its path as an argument."""

    def written(*rows: HandWritten) -> str:
        path = tmp_path / f"{len([*tmp_path.iterdir()])}.db"
        with closing(sqlite_with(rows)) as source, closing(connect(path)) as file:
            source.backup(file)
        return str(path)

    return written


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sentry_filters", "audit", *arguments]
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**inherited, **environ}
    )


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["audit", *arguments, "--json"])
    answered = json.loads(capsys.readouterr().out)
    assert isinstance(answered, dict)
    return code, answered


# For scripts


def test_json_has_every_question_with_its_columns_and_rows(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        expiry(), decision(), decision("11:05"), total("seen", 2, "event"), total("dropped", 2, "event")
    )

    code, answered = as_json(capsys, path, "--since", "all")

    assert (code, answered["ledger"], answered["since"], answered["holds"]) == (0, path, None, True)
    assert [set(query) for query in answered["queries"]] == [
        {"name", "question", "holds", "columns", "rows"}
    ] * len(QUERIES)
    by_name = {query["name"]: query for query in answered["queries"]}
    assert set(by_name) == set(QUERIES)
    drops = by_name["drops_by_rule_and_hour"]
    assert drops["question"] == QUERIES["drops_by_rule_and_hour"].question
    assert drops["holds"] is None
    assert [dict(zip(drops["columns"], row, strict=True))["hour"] for row in drops["rows"]] == [
        "2026-11-22 10:00",
        "2026-11-22 11:00",
    ]
    assert by_name["drops_without_event"]["holds"] is True


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        pytest.param(
            "third_party_dropped", [expiry(), decision(third_party=1, provider="OpenAI")], id="third"
        ),
        pytest.param("drops_without_event", [decision(expiry=None)], id="no event"),
        pytest.param("dead_sessions_hidden", [expiry(handled=0)], id="hidden"),
        pytest.param("violations", [total("violations", 1, label="drop_without_event")], id="violation"),
        pytest.param("reconciliation", [total("seen", 1, "span")], id="unaccounted"),
        pytest.param(
            "old_credential_in_use",
            [expiry(), decision(reason="old_credential", standing="stale")],
            id="old credential",
        ),
        pytest.param("refused_by_gate", [refused()], id="unexplained refusal"),
    ],
)
def test_a_broken_invariant_ends_with_status_1_and_says_which(
    write: Write, capsys: pytest.CaptureFixture[str], name: str, rows: list[HandWritten]
) -> None:
    path = write(*rows)

    code, answered = as_json(capsys, path, "--since", "all")

    assert (code, answered["holds"]) == (1, False)
    assert [query["name"] for query in answered["queries"] if query["holds"] is False] == [name]
    assert main(["audit", path, "--since", "all"]) == 1
    shown = capsys.readouterr().out
    assert f"✗ {QUERIES[name].statement}" in shown
    assert f"✗ 1 of {len(INVARIANTS)} invariants broken: {name}" == shown.splitlines()[1]
    assert "".join(QUERIES[name].bad.split()) in "".join(shown.split())


def test_every_invariant_can_be_broken() -> None:
    [table] = test_a_broken_invariant_ends_with_status_1_and_says_which.pytestmark  # type: ignore[attr-defined]

    assert {case.values[0] for case in table.args[1]} == set(INVARIANTS)


def test_only_what_was_asked_for_counts(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(decision(expiry=None))

    code, answered = as_json(capsys, path, "--since", "all", "--query", "lost", "--query", "violations")

    assert (code, [query["name"] for query in answered["queries"]]) == (0, ["violations", "lost"])


def test_what_is_older_than_the_window_does_not_count(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(decision(expiry=None, at=0, minute="1970-01-01 00:00"))

    code, answered = as_json(capsys, path, "--since", "52w")

    assert code == 0
    assert answered["since"].endswith(":00+00:00")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["absent.db"], "absent.db cannot be read: there is no such file", id="missing"),
        pytest.param([], "set SENTRY_FILTERS_LEDGER", id="none named"),
        pytest.param(
            ["absent.db", "--query", "unknown"], "invalid --query 'unknown'; expected one of ", id="query"
        ),
    ],
)
def test_a_wrong_call_ends_with_status_2_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.delenv("SENTRY_FILTERS_LEDGER", raising=False)

    assert main(["audit", *arguments]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sentry-filters audit: ")
    assert complaint in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("age", ["", "24", "h", "0h", "-1h", "1.5h", "24y", "9999999h", "yesterday", "٣h"])
def test_an_impossible_age_is_refused(capsys: pytest.CaptureFixture[str], age: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["audit", "ledger.db", f"--since={age}"])

    assert stopped.value.code == 2
    assert f"invalid age {age!r}; expected " in capsys.readouterr().err


def test_an_age_before_the_calendar_is_all(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, write(), "--since", "999999w")[1]["since"] is None


def test_the_variable_names_the_ledger_and_is_no_mistake_of_the_policy(
    write: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write()
    monkeypatch.setenv("SENTRY_FILTERS_LEDGER", path)
    monkeypatch.setenv("SENTRY_FILTERS_PROVIDER", "OpenHuman")

    assert as_json(capsys)[1]["ledger"] == path
    assert Policy.from_env().provider == "OpenHuman"


def test_sql_is_printed_and_runs_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--sql"]) == 0

    printed = capsys.readouterr().out
    with closing(sqlite_with(())) as ledger:
        ledger.executescript(printed)
    assert all(f"-- {name}: {query.question}\n" in printed for name, query in QUERIES.items())


# In the terminal


def test_the_verdict_comes_first_and_what_is_empty_is_one_line(write: Write) -> None:
    ran = run(write())
    [_, verdict, _, *lines] = ran.stdout.splitlines()
    others = [query.question for query in QUERIES.values() if query.holds is None]

    assert (ran.returncode, ran.stderr) == (0, "")
    assert verdict == f"✓ {len(INVARIANTS)} of {len(INVARIANTS)} invariants hold"
    assert lines[: len(INVARIANTS)] == [f"✓ {QUERIES[name].statement}" for name in INVARIANTS]
    # The overview alone has numbers: zeros.
    assert [line for line in lines if "?" in line] == [others[0], *(f"{one}  nothing" for one in others[1:])]


def test_without_invariants_there_is_no_verdict(write: Write) -> None:
    assert "invariants hold" not in run(write(), "--query", "storms").stdout


def test_headers_booleans_and_durations_are_words(write: Write) -> None:
    path = write(
        expiry(),
        renewal(time="10:03"),
        expiry("e2", "11:00", session="s2", status=403),
        decision(expiry="e2"),
    )

    ran = run(path, "--since", "all", "--query", "sessions_to_renewal", COLUMNS="300")
    [_, _, _, head, *rows] = ran.stdout.splitlines()
    columns = re.split(r" {2,}", head.strip())

    assert columns[:5] == ["expired at", "expiry", "session", "operation", "HTTP status"]
    assert "_" not in head
    by_expiry = {row.split()[2]: row for row in rows}
    assert re.search(r" e2 .* 403 +yes +yes +no +no +no +1 ", by_expiry["e2"])
    assert re.search(r" e1 .* 401 +yes +yes +no +yes +no +3 min +0 ", by_expiry["e1"])


def test_a_line_over_time_spans_the_chosen_window(write: Write) -> None:
    at = datetime.now(UTC) - timedelta(hours=2)
    now: dict[str, Any] = {"at": round(at.timestamp() * 1000), "minute": f"{at:%Y-%m-%d %H:%M}"}

    ran = run(write(decision(**now)), "--since", "30d", "--query", "drops_by_rule_and_hour", COLUMNS="300")
    [caption] = re.findall(r"(\S+) \S+ to (\S+) \S+, (.+) each", ran.stdout)
    [line] = re.findall(r"backend_session_expired  ([ █]+)  ", ran.stdout)

    assert datetime.fromisoformat(caption[1]) - datetime.fromisoformat(caption[0]) >= timedelta(days=30)
    assert caption[2].rstrip() == "12 h"
    assert len(line.rstrip()) >= 59


def test_colour_is_for_terminals_only(write: Write) -> None:
    path = write(decision(expiry=None))

    assert ESCAPE not in run(path, "--since", "all").stdout
    assert f"{ESCAPE}[1;31m✗ Nothing was dropped" in run(path, "--since", "all", FORCE_COLOR="1").stdout


def test_drops_are_drawn_by_the_hour(write: Write) -> None:
    times = ["08:00", *["10:30"] * 8, *["12:00"] * 4]

    ran = run(
        write(*[decision(time) for time in times]), "--since", "all", "--query", "drops_by_rule_and_hour"
    )

    # An hour in which nothing happened is a gap; the last hour is half as high as the highest.
    assert re.search(r"session_expired  ▁ █ ▄ +13 ", ran.stdout)
    assert "2026-11-22 08:00 to 2026-11-22 12:00" in ran.stdout


def test_numbers_without_groups_are_lines_of_their_own(write: Write) -> None:
    rows = [decision("08:00"), kept("other_status", "08:02"), kept("other_status", "08:02")]

    ran = run(write(*rows), "--since", "all", "--query", "failures_by_minute")

    assert "  dropped    █ " in ran.stdout
    assert "  kept         █" in ran.stdout


def test_bars_are_as_long_as_the_counts(write: Write) -> None:
    rows = [kept("other_provider")] * 4 + [kept("unhandled")]

    ran = run(write(*rows), "--since", "all", "--query", "kept_unauthorized")

    bars = {line.split()[0]: line.count("█") for line in ran.stdout.splitlines() if "█" in line}
    assert bars == {"other_provider": 20, "unhandled": 5}


def test_long_answers_are_cut_and_say_so(write: Write) -> None:
    rows = [kept("other_provider", provider=f"provider {number:02}") for number in range(33)]

    ran = run(write(*rows), "--since", "all", "--query", "kept_unauthorized")

    assert ran.stdout.count("provider ") >= 20
    assert "provider 20" not in ran.stdout
    assert "and 13 more; --json has all rows" in ran.stdout


def test_a_label_can_neither_steer_the_terminal_nor_be_markup(write: Write) -> None:
    rows = [kept("other_provider", provider=f"{ESCAPE}[2J[bold]x[/bold]\n\r\x9b1m")]

    ran = run(write(*rows), "--since", "all", "--query", "kept_unauthorized")

    assert ran.returncode == 0
    assert "�[2J[bold]x[/bold]���1m" in ran.stdout
    assert not {ESCAPE, "\r", "\x9b"} & {*ran.stdout}


@pytest.mark.parametrize("columns", [40, 80, 300])
def test_a_narrow_terminal_folds_and_cuts_nothing(write: Write, columns: int) -> None:
    path = write(expiry(process="Q" * 50, session="Z" * 12), decision(expiry=None))

    ran = run(path, "--since", "all", "--query", "sessions_to_renewal", COLUMNS=str(columns))

    assert (ran.stdout.count("Q"), ran.stdout.count("Z")) == (50, 12)
    assert max(map(len, ran.stdout.splitlines())) <= columns


def test_a_locale_without_blocks_gets_ascii(write: Write) -> None:
    path = write(*[kept("other_provider", provider="Ökonom")] * 2, kept("unhandled"), decision(expiry=None))

    ran = run(path, "--since", "all", PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.isascii()
    assert "?konom" in ran.stdout
    assert "####" in ran.stdout
    assert "BROKEN Nothing was dropped" in ran.stdout


def test_without_rich_scripts_go_on_and_people_are_told(write: Write) -> None:
    code = (
        "import sys; sys.modules['rich'] = None\n"
        "from sentry_filters.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "audit", write()]

    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    scripted = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == (
        "sentry-filters audit: rich is not installed: pip install 'sentry-filters[audit]', or take --json\n"
    )
    assert json.loads(scripted.stdout)["holds"] is True


# With the package's own ledger


class BackendError(Exception):
    """What an application raises for its backend's 401."""


def _ignored(event: SessionExpired) -> None:
    """Somebody listens."""


def test_a_guards_own_ledger_is_read_while_it_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path, release="chat@1")
    guard = SessionGuard(Policy(provider="OpenHuman"), _ignored, audit=ledger)
    try:
        for provider in ("OpenHuman", "OpenHuman", "OpenAI"):
            guard.report(BackendError(), operation="native_chat", provider=provider, status=401)
        assert ledger.flush(20)
        code, answered = as_json(capsys, str(path), "--since", "1h")
    finally:
        guard.close()

    answers = {
        query["name"]: [dict(zip(query["columns"], row, strict=True)) for row in query["rows"]]
        for query in answered["queries"]
    }
    assert (code, answered["holds"]) == (0, True)
    [drops] = answers["drops_by_rule_and_hour"]
    assert (drops["failures"], drops["announced"], drops["repeats"]) == (2, 1, 1)
    [other] = answers["kept_unauthorized"]
    assert (other["reason"], other["named_provider"], other["failures"]) == ("other_provider", "OpenAI", 1)
    [session] = answers["sessions_to_renewal"]
    assert (session["handled"], session["renewed"], session["app_release"]) == (1, 0, "chat@1")
