"""Which tests name which promises, read from their sources: `@pytest.mark.promise("an-id")`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MARKER = "promise"
# `importorskip` is not among them: `make test` installs every library that a test imports.
_SKIPS = frozenset({"skip", "skipif", "xfail"})


@dataclass(frozen=True)
class Naming:
    """A test that names promises.

    Attributes:
        test: Its file and name.
        promises: The ids that it names.
        may_skip: Whether it, or its file, may be skipped or is allowed to fail.
    """

    test: str
    promises: frozenset[str]
    may_skip: bool


class MisplacedError(ValueError):
    """A marker that is not a decorator of a test, or names its promises by anything but texts."""


def namings(folder: Path) -> Iterator[Naming]:
    """Yield the tests under a folder that name a promise.

    Raises:
        MisplacedError: A marker is somewhere else, or its ids are not written out.
    """
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text("utf-8")
        if _MARKER in source:
            yield from namings_of(source, path.relative_to(folder).as_posix())


def namings_of(source: str, place: str) -> Iterator[Naming]:
    """Yield the tests of a file's source that name a promise. As `namings`."""
    tree = ast.parse(source)
    markers = {id(one) for one in ast.walk(tree) if _is_marker(one)}
    functions = [one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    rest = [one for one in tree.body if one not in functions]
    for function in functions:
        named = [one for one in function.decorator_list if _is_marker(one)]
        markers -= {id(one) for one in named}
        if named:
            if not (function.name.startswith("test_") and Path(place).name.startswith("test_")):
                raise MisplacedError(f"{place}::{function.name}: names a promise and is not a test")
            ids = [_text(argument, place) for one in named for argument in _arguments(one)]
            may_skip = _skips(function) or any(_skips(one) for one in rest)
            yield Naming(f"{place}::{function.name}", frozenset(ids), may_skip)
    if markers:
        raise MisplacedError(f"{place}: pytest.mark.promise is not a decorator of a test")


def _is_marker(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{_MARKER}"


def _arguments(marker: ast.expr) -> list[ast.expr]:
    assert isinstance(marker, ast.Call)
    return [*marker.args, *(keyword.value for keyword in marker.keywords)]


def _text(argument: ast.expr, place: str) -> str:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    raise MisplacedError(f"{place}: a promise is named by {ast.unparse(argument)}; expected its id")


def _skips(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Attribute) and one.attr in _SKIPS for one in ast.walk(node))
