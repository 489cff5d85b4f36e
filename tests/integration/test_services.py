"""How tests get their servers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.services import Process, ServiceError, answers, free_port, require

pytestmark = pytest.mark.integration

Outcome = type[BaseException]


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [("", pytest.skip.Exception), ("false", pytest.skip.Exception), ("true", pytest.fail.Exception)],
)
def test_missing_service_skips_outside_ci_and_fails_in_it(
    ci: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no server here"):
        require(condition=False, sentence="no server here")
    require(condition=True, sentence="no server here")


def test_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    process = Process(
        [sys.executable, "-c", "raise SystemExit('port is taken')"],
        ready=lambda: False,
        log=tmp_path / "log",
        environ=os.environ,
        folder=tmp_path,
    )
    with pytest.raises(ServiceError, match="ended with status 1.*(?s:.*)port is taken"), process:
        pass


def test_server_that_does_not_get_ready_is_ended(tmp_path: Path) -> None:
    process = Process(
        [sys.executable, "-c", "import time; print('waiting', flush=True); time.sleep(60)"],
        ready=lambda: False,
        log=tmp_path / "log",
        environ=os.environ,
        folder=tmp_path,
        deadline=0.5,
    )
    with pytest.raises(ServiceError, match="was not ready within 0.5 s"), process:
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_server_runs_for_the_time_of_the_block(tmp_path: Path) -> None:
    port = free_port()
    is_up = answers(f"http://127.0.0.1:{port}/")
    with Process(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        ready=is_up,
        log=tmp_path / "log",
        environ=os.environ,
        folder=tmp_path,
    ):
        assert is_up()
    assert not is_up()
