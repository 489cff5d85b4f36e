"""Reads the packages from disk: modules, rooms, faces and imports. Nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGES = ("sentry_filters", "otel")


@dataclass(frozen=True)
class Import:
    """One imported name.

    Args:
        line: Where it stands.
        module: The full name of the module after `from` or `import`, also for relative imports.
        name: What is taken from it, None for `import module`.
        relative: Written with leading dots.
        lazy: Inside a function, or for type checkers only.
    """

    line: int
    module: str
    name: str | None
    relative: bool
    lazy: bool

    def __str__(self) -> str:
        return f"import {self.module}" if self.name is None else f"from {self.module} import {self.name}"


@dataclass(frozen=True)
class Module:
    """One file.

    Args:
        name: Its full name; an `__init__.py` has its folder's.
        path: The file.
    """

    name: str
    path: Path

    @property
    def is_face(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def folder(self) -> str:
        """The full name of the folder that it is in."""
        return self.name if self.is_face else self.name.rpartition(".")[0]

    @property
    def containers(self) -> tuple[str, ...]:
        """Its folder, and the folders that contain that one."""
        parts = self.folder.split(".")
        return tuple(".".join(parts[:depth]) for depth in range(len(parts), 0, -1))

    @cached_property
    def lines(self) -> int:
        return len(self.path.read_text(encoding="utf-8").splitlines())

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports(self.tree, lazy=False))

    @cached_property
    def taken(self) -> frozenset[str]:
        """The names that its imports bind."""
        statements = [node for node in ast.walk(self.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        return frozenset(alias.asname or alias.name for node in statements for alias in node.names)

    @cached_property
    def exported(self) -> tuple[str, ...] | None:
        """The names in `__all__`, None where it is missing or is not a list of texts."""
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name("__all__")], value=ast.List(names) | ast.Tuple(names)):
                    return _texts(names)
                case ast.AnnAssign(ast.Name("__all__"), value=ast.List(names) | ast.Tuple(names)):
                    return _texts(names)
        return None

    def _imports(self, node: ast.AST, *, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.Import():
                    for alias in child.names:
                        yield Import(child.lineno, alias.name, None, relative=False, lazy=lazy)
                case ast.ImportFrom():
                    for alias in child.names:
                        yield Import(
                            child.lineno,
                            self._absolute(child),
                            alias.name,
                            relative=child.level > 0,
                            lazy=lazy,
                        )
                case _:
                    yield from self._imports(child, lazy=lazy or _delays(child))

    def _absolute(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        parts = self.folder.split(".")
        base = parts[: len(parts) - node.level + 1]
        return ".".join((*base, *([node.module] if node.module else [])))


class House:
    """All modules of the packages in a checkout.

    Args:
        root: The checkout's folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        found = [
            Module(_dotted(path.relative_to(root)), path)
            for package in PACKAGES
            for path in sorted((root / package).rglob("*.py"))
        ]
        self.modules = {module.name: module for module in found}

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules.values())

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Every folder that holds Python files, by its full name."""
        return tuple(sorted({module.folder for module in self}))

    def is_folder(self, name: str) -> bool:
        return name in self.folders

    def exported(self, name: str) -> tuple[str, ...]:
        """The names on a room's face; none where it has no face."""
        module = self.modules.get(name)
        return () if module is None else module.exported or ()

    def reached(self, imported: Import) -> str:
        """The module that an import leads to: `from room import module` leads to the module."""
        inner = f"{imported.module}.{imported.name}"
        return inner if inner in self.modules else imported.module

    def ours(self, module: Module) -> Iterator[Import]:
        """The imports of this house's own modules."""
        return (found for found in module.imports if found.module.partition(".")[0] in PACKAGES)

    def place(self, module: Module, line: int = 0) -> str:
        where = module.path.relative_to(self.root).as_posix()
        return f"{where}:{line}" if line else where


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _texts(nodes: list[ast.expr]) -> tuple[str, ...] | None:
    texts = tuple(
        node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return texts if len(texts) == len(nodes) else None


def _delays(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            return True
        case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return True
    return False
