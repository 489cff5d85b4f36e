"""The list of survivors is what `make mutants` takes it for."""

from __future__ import annotations

import inspect
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import pytest

from tests.mutants.rooms import ROOMS
from tests.mutants.survivors import Survivor, differences, listed, parsed
from tests.mutants.workshop import ROOT


def source_of(function: str) -> str:
    """Of what a survivor names; fails where there is none."""
    module, _, name = function.partition(":")
    found: object = import_module(module)
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    found = found.__func__ if isinstance(found, staticmethod | classmethod) else found
    return inspect.getsource(found)  # type: ignore[arg-type]


def test_each_listed_survivor_has_a_reason_and_is_in_the_code() -> None:
    known = listed()

    assert known
    for survivor, because in known.items():
        assert len(because) > 20, survivor
        code = " ".join(line.strip() for line in source_of(survivor.function).splitlines())
        assert survivor.was in code, survivor
        assert survivor.was != survivor.becomes
        path = survivor.module.replace(".", "/")
        assert any(fnmatch(f"{path}.py", pattern) for room in ROOMS.values() for pattern in room.modules), (
            survivor
        )


def test_an_unlisted_survivor_and_a_listed_one_that_is_noticed_are_told_apart() -> None:
    one, other, elsewhere = (Survivor(f"a.{name}:f", "x", "y") for name in ("b", "b", "c"))
    other = Survivor("a.b:f", "x", "z")
    known = {one: "a reason", elsewhere: "a reason"}

    assert differences(known, [other], {"a.b"}) == ([other], [one])
    assert differences(known, [one], {"a.b"}) == ([], [])


def test_a_survivor_is_read_as_it_is_written(tmp_path: Path) -> None:
    survivor = Survivor("a.b:C.d", "x: int = 1", "x: int = 2")
    twice = tmp_path / "twice.toml"
    twice.write_text(f"[[reason]]\nbecause = 'so'\nmutants = ['{survivor}', '{survivor}']\n", "utf-8")

    assert parsed(str(survivor)) == survivor
    with pytest.raises(ValueError, match="expected 'module:function: was"):
        parsed("a.b: x")
    with pytest.raises(ValueError, match="expected one reason"):
        listed(twice)


def test_every_room_names_modules_and_tests_that_exist() -> None:
    for room in ROOMS.values():
        assert all(list(ROOT.glob(pattern)) for pattern in room.modules)
        assert all((ROOT / test).exists() for test in room.tests)
