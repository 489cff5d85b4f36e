"""Every Python snippet of the README runs, in order, as one program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sentry_sdk

from tests.support.secrets import fake

README = Path(__file__).resolve().parents[1] / "README.md"


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)


def test_readme_runs() -> None:
    names: dict[str, Any] = {
        "DSN": "http://a@127.0.0.1:1/1",
        "SESSION_TOKEN": fake("eyJ", 40),
        "NEW_SESSION_TOKEN": fake("eyJ", 40, seed="new"),
        "__name__": "readme",
    }
    program = "\n".join(snippets("python"))
    try:
        exec(compile(program, str(README), "exec"), names)
        names["guard"].close()
    finally:
        sentry_sdk.get_client().close(timeout=0)
        sentry_sdk.get_global_scope().set_client(None)

    assert names["guard"].gate.is_open
    assert [one for one in names["guard"].counters.snapshot() if one.startswith("faults/")] == []


def test_readme_names_the_commands_of_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for command in re.findall(r"make ([a-z]+)", README.read_text("utf-8")):
        assert f"\n{command}:" in makefile
