"""`sentry-filters explain`, as a user and a script run it."""

from __future__ import annotations

import gzip
import io
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk

from sentry_filters.cli import main
from tests.conftest import InitSentry
from tests.preview.reports import HOST, TAGS, URL, WIRE, event, log, transaction
from tests.sentry.test_explaining import guarding, refused
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
OTHER = {**TAGS, "provider": "OpenAI"}


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "policy.toml"
    file.write_text(f'[tool.sentry_filters]\nprovider = "OpenHuman"\nhosts = ["{HOST}"]\n')
    return str(file)


def explained(
    capsys: pytest.CaptureFixture[str], policy: str, *files: Path, code: int = 0
) -> list[dict[str, Any]]:
    assert main(["explain", "--policy", policy, "--json", *map(str, files)]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_person_reads_the_steps(tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event("failed", **OTHER), indent=2))

    assert main(["explain", str(file), "--policy", policy]) == 0

    place, head, *lines = capsys.readouterr().out.splitlines()
    assert place == f"{file}:1"
    assert head == "keep: other_provider"
    assert "          - provider: 'OpenAI' by the tag; expected 'OpenHuman'" in lines
    assert lines[-1] == "verdict   keep (other_provider)"


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        "\n".join(json.dumps(one) for one in (event("x", **TAGS), event("x", **OTHER))),
        json.dumps([event("x", **TAGS), event("x", **OTHER)], indent=1),
    ],
    ids=["JSON lines", "a JSON list"],
)
def test_each_event_of_a_file_is_explained(
    content: str, zipped: bool, tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events"
    file.write_bytes(gzip.compress(content.encode()) if zipped else content.encode())

    found = explained(capsys, policy, file)

    assert [(one["place"], one["verdict"], one["reason"]) for one in found] == [
        (f"{file}:1", "drop", "backend_session_expired"),
        (f"{file}:2", "keep", "other_provider"),
    ]


def test_envelopes_are_read_as_the_sdk_sends_them(
    sentry: InitSentry, tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = CapturingTransport()
    sentry(dsn="http://a@127.0.0.1:1/1", transport=sent, traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="t"), sentry_sdk.new_scope() as scope:
        scope.set_tags(TAGS)
        logging.getLogger("app").error(WIRE)
    file = tmp_path / "envelopes"
    file.write_bytes(sent.bytes)

    assert main(["explain", "--policy", policy, "--json", str(file)]) == 0

    printed = capsys.readouterr()
    [one] = [json.loads(line) for line in printed.out.splitlines()]
    assert (one["reason"], one["grade"]) == ("backend_session_expired", "statement")
    assert f"note: {file}: not explained: transaction" in printed.err


def test_standard_input_is_a_file_too(
    policy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for files in ([], ["-"]):
        given = io.BytesIO(json.dumps(event("x", **TAGS)).encode())
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
        assert main(["explain", "--policy", policy, *files]) == 0
        assert capsys.readouterr().out.startswith("standard input:1\ndrop: backend_session_expired\n")


def test_each_event_is_judged_as_if_it_were_the_first(
    tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events"
    file.write_text("\n".join(json.dumps(one) for one in (event("x", **TAGS), event(WIRE))))

    assert [one["reason"] for one in explained(capsys, policy, file)] == [
        "backend_session_expired",
        "uncorroborated",
    ]


def test_the_environment_is_a_policy_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event("x", **TAGS)))
    monkeypatch.setenv("SENTRY_FILTERS_PROVIDER", "OpenAI")
    monkeypatch.setenv("SENTRY_FILTERS_HOSTS", "api.openai.com")

    assert main(["explain", str(file)]) == 0

    assert "keep: other_provider" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        ("", "holds no event"),
        ("not JSON", "holds no event"),
        ('{"no": "event"}', "holds no event"),
        (json.dumps(log(WIRE, **TAGS)), "holds no event"),
        (json.dumps(transaction(401, HOST, "/v1/chat/completions", 1)), "holds no event"),
        ("[" * 100_000, "holds no event"),
    ],
)
def test_a_file_without_an_event_is_an_error(
    content: str | None, said: str, tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "given"
    if content is not None:
        file.write_text(content)

    assert main(["explain", "--policy", policy, str(file)]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].startswith(f"sentry-filters explain: {file}")
    assert said in printed.err


def test_no_secret_is_printed(tmp_path: Path, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    secret = fake("sk-proj-", 40)
    acme = "acme_" + "0123456789abcdef01234567"
    with Path(policy).open("a") as file:
        file.write(
            '\n[[tool.sentry_filters.secret_kinds]]\nname = "acme"\nliteral = "acme_"\n'
            'pattern = "acme_[0-9a-f]{24}"\n'
        )
    odd = tmp_path / "event\x1b[31m.json"
    odd.write_text(json.dumps(event(secret, **{**OTHER, "provider": f"{secret} {acme}", "operation": acme})))

    assert main(["explain", "--policy", policy, str(odd)]) == 0

    printed = capsys.readouterr().out
    assert "provider: '[REDACTED] [REDACTED]' by the tag" in printed
    assert secret not in printed
    assert acme not in printed
    assert "\x1b" not in printed


def test_the_page_shows_what_is_printed() -> None:
    [shown] = [
        block for block in re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL) if "evidence" in block
    ]
    with guarding() as guard:
        said = str(guard.explain(refused(url=URL.replace(HOST, "api.openai.com"))))

    assert re.sub(r"of session \w+", "", shown) == re.sub(r"of session \w+", "", said) + "\n"


def test_the_page_shows_the_demos_table() -> None:
    [shown] = [
        block for block in re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL) if "without" in block
    ]

    assert re.search(r"^secrets in the bytes that Sentry received +548 +0$", shown, flags=re.MULTILINE)
