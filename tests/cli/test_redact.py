"""`sentry-filters redact`, as a user runs it."""

from __future__ import annotations

import os
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

    assert ran.returncode == 2
    assert ran.stderr.startswith(b"sentry-filters redact: ")
    assert ran.stderr.count(b"\n") == 1


def test_several_files_follow_one_another_and_an_unreadable_one_prevents_all(tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_text(f"first\ntoken={S}\n")
    two.write_text(f"password={S} é\n")

    assert _run(str(one), str(two)).stdout.decode() == "first\ntoken=[REDACTED]\npassword=[REDACTED] é\n"
    explained = _run("--explain", str(one), str(two)).stdout.decode()
    assert explained == f"{one}:2:7: assignment\n{two}:1:10: assignment\n"
    failed = _run(str(one), str(tmp_path / "absent"))
    assert (failed.returncode, failed.stdout) == (2, b"")


def test_a_policys_own_kinds_and_keys_are_removed_too(tmp_path: Path) -> None:
    policy = tmp_path / "pyproject.toml"
    policy.write_text(
        '[tool.sentry_filters]\nprovider = "OpenHuman"\nhosts = ["a.ai"]\nsecret_keys = ["tenant_seal"]\n'
    )

    assert (
        _run("--policy", str(policy), given=b"tenantSeal=a1b2c3d4e5\n").stdout == b"tenantSeal=[REDACTED]\n"
    )
    policy.write_text("[tool.sentry_filters]\nunknown = 1\n")
    failed = _run("--policy", str(policy), given=b"tenantSeal=a1b2c3d4e5\n")
    assert (failed.returncode, failed.stdout) == (2, b"")
    assert failed.stderr.startswith(b"sentry-filters redact: ")


def test_what_had_to_be_withheld_is_another_exit_code() -> None:
    ran = _run(given=b"password='x " * 5_000)

    assert ran.returncode == 1
    assert ran.stdout.endswith(b"[WITHHELD]")


def test_many_lines_come_in_their_order_each_without_its_secret() -> None:
    lines = [f"{number} password={S}{number}" for number in range(20_000)]

    ran = _run(given="\n".join(lines).encode())

    assert ran.returncode == 0
    assert ran.stdout.decode().splitlines() == [f"{number} password=[REDACTED]" for number in range(20_000)]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_a_terminal_shows_how_far_it_is_and_a_pipe_does_not(tmp_path: Path) -> None:
    import pty  # noqa: PLC0415 - see above

    file = tmp_path / "app.log"
    file.write_text("a line\n" * 1_000)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "sentry_filters", "redact", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        assert process.stdout is not None
        assert process.stdout.read() == file.read_bytes()
        assert process.wait(60) == 0
    shown = os.read(ours, 65_536)
    os.close(ours)

    assert b"kB" in shown or b"bytes" in shown
    assert _run(str(file)).stderr == b""


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
