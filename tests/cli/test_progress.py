"""Progress bars: on standard error, on a terminal, beside work that prints nothing there meanwhile."""

from __future__ import annotations

import io
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from sentry_filters.cli import main
from sentry_filters.cli.progress import progress_of
from tests.audit.by_hand import decision, sqlite_with


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("error", "out", "output", "total", "shown"),
    [
        (Terminal, Terminal, False, 3, True),
        (Terminal, io.StringIO, True, 3, True),
        (Terminal, Terminal, True, 3, False),
        (io.StringIO, Terminal, False, 3, False),
        (Terminal, Terminal, False, 0, False),
    ],
    ids=["watched", "piped output", "output on the same terminal", "not watched", "nothing to do"],
)
def test_a_bar_is_for_who_watches(
    error: type[io.StringIO],
    out: type[io.StringIO],
    output: bool,
    total: int,
    shown: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = error()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", out())

    with progress_of(total, "steps", output=output) as progress:
        assert list(progress.each("abc")) == ["a", "b", "c"]

    assert ("3/3" in stream.getvalue()) is shown
    assert bool(stream.getvalue()) is shown


def test_without_rich_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setitem(sys.modules, "rich.progress", None)

    with progress_of(3, "bytes", output=False) as progress:
        progress(2)
        progress.reach(3, "done")

    assert stream.getvalue() == ""


def test_the_audit_shows_how_many_questions_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite_with([decision()])) as source, closing(connect(path)) as file:
        source.backup(file)
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)

    main(["audit", str(path), "--json", "--query", "overview", "--query", "storms"])

    assert "2/2" in stream.getvalue()
    assert capsys.readouterr().out.startswith("{")
