"""`sentry-filters redact`, as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sentry_filters.cli import main

S = "Hunter2-Zq8vT1mB4xK7"


def _run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "sentry_filters", "redact", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)


def test_it_filters_standard_input_and_leaves_other_bytes_alone() -> None:
    ran = _run(given=b"\xff\xfe ok\r\npassword=" + S.encode() + b"\nlast")

    assert ran.stdout == b"\xff\xfe ok\r\npassword=[REDACTED]\nlast"
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_it_filters_a_file(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    file = tmp_path / "app.log"
    file.write_text(f"one\ntoken={S}\n")

    assert main(["redact", str(file)]) == 0
    assert capfdbinary.readouterr().out == b"one\ntoken=[REDACTED]\n"


def test_explain_says_where_and_as_what_and_never_the_value() -> None:
    key = "sk-" + "proj-Zq8vT1mB4xK7pL2wN9sR"
    ran = _run("--explain", given=f"clean\né {key} and password={S}\n".encode())

    assert ran.stdout == b"2:3: openai\n2:27: assignment\n"
    assert ran.returncode == 0


def test_a_private_key_goes_although_its_lines_do_not_say_what_they_are() -> None:
    key = "-----BEGIN " + "PRIVATE KEY-----\n" + f"{S * 3}\n" * 4 + "-----END " + "PRIVATE KEY-----\nafter\n"

    ran = _run(given=key.encode())

    assert S.encode() not in ran.stdout
    assert ran.stdout.endswith(b"after\n")


def test_a_file_that_cannot_be_read_is_an_error_of_one_line(tmp_path: Path) -> None:
    ran = _run(str(tmp_path / "absent"))

    assert ran.returncode == 1
    assert ran.stderr.startswith(b"sentry-filters redact: ")
    assert ran.stderr.count(b"\n") == 1


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "sentry_filters", "redact"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        try:
            process.stdin.write(b"some text\n" * 100_000)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_wrong_call_is_told_from_a_failure() -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["unknown"])

    assert stopped.value.code == 2
