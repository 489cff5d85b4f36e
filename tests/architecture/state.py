"""No state at module level but in the ground: by the source, and by what the imported modules hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.directions import DIRECTIONS, GROUND
from tests.architecture.reading import House, Import, Module

_MUTABLE = {
    "BoundedSemaphore", "ChainMap", "Condition", "ContextVar", "Counter", "Event", "LifoQueue", "Lock",
    "OrderedDict", "PriorityQueue", "Queue", "RLock", "Semaphore", "SimpleQueue", "WeakKeyDictionary",
    "WeakSet", "WeakValueDictionary", "bytearray", "count", "cycle", "defaultdict", "deque", "dict", "list",
    "local", "set",
}  # fmt: skip
_CACHES = {"cache", "cached", "lru_cache"}
_READ_ONLY = {"Collection", "Container", "Final", "Iterable", "Mapping", "Sequence"}
"""Annotations that make a list or a mapping a constant."""
_CHANGES = {
    "add", "append", "appendleft", "clear", "discard", "extend", "insert", "move_to_end", "pop", "popitem",
    "popleft", "remove", "reverse", "setdefault", "sort", "update",
}  # fmt: skip
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def no_module_holds_state(house: House) -> list[str]:
    """Outside the ground: nothing that can be changed, no cache, no `global`, and no call at import."""
    broken = []
    for module in house:
        if module.name != GROUND and module.name not in DIRECTIONS.mirrors:
            found = [*_state(module.tree.body), *_globals(module), *_changed_constants(house, module)]
            broken += [f"{house.place(module, line)}: {what}" for line, what in sorted(found)]
    return broken


def _state(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name("__all__")]) | ast.AnnAssign(target=ast.Name("__all__")):
                continue
            case ast.Assign(value=value) | ast.AugAssign(value=value):
                yield from ((node.lineno, what) for what in _mutable_in(value))
            case ast.AnnAssign(value=ast.expr() as value) if not is_constant(ast.unparse(node.annotation)):
                yield from ((node.lineno, what) for what in _mutable_in(value))
            case ast.Expr(value=ast.Call() as call):
                yield node.lineno, f"`{ast.unparse(call.func)}` is called at import"
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _cached(node)
            case ast.ClassDef():
                yield from _state(node.body)
            case ast.If() if "__main__" in ast.unparse(node.test):
                continue
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While():
                yield from _state(
                    [inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt)]
                )


def _mutable_in(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            for part in parts:
                yield from _mutable_in(part)
        case ast.IfExp(body=one, orelse=other):
            yield from _mutable_in(one)
            yield from _mutable_in(other)
        case ast.Call() if _called(value) in _MUTABLE:
            yield f"`{ast.unparse(value.func)}` can be changed"
        case ast.Call() if any(_called(inner) in _CACHES for inner in ast.walk(value)):
            yield f"`{ast.unparse(value)}` is a cache"
        case _ if isinstance(value, _DISPLAYS):
            shown = ast.unparse(value)[:40]
            yield f"`{shown}` can be changed; annotate a constant as Mapping, Sequence or Final"


def _cached(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str]]:
    for decorator in node.decorator_list:
        if _called(decorator) in _CACHES:
            yield node.lineno, f"`{node.name}` has a cache"


def _called(node: ast.AST) -> str:
    """The last part of a called or named thing: `OrderedDict` of `collections.OrderedDict[str, int]()`."""
    match node:
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return _called(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def is_constant(annotation: str) -> bool:
    """Whether an annotation says that what is assigned is not changed."""
    try:
        node = ast.parse(annotation, mode="eval").body
    except SyntaxError:  # of an object that is no annotation in text
        return False
    if isinstance(node, ast.Subscript) and _called(node) == "ClassVar":
        return is_constant(ast.unparse(node.slice))
    return _called(node) in _READ_ONLY


def _globals(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"`global {', '.join(node.names)}`"


def _changed_constants(house: House, module: Module) -> Iterator[tuple[int, str]]:
    """Changes of what this module, or the one it imports it from, holds as a constant."""
    constants = _constants(module) | {
        imported.name
        for imported in house.ours(module)
        if imported.name and imported.name in _constants_behind(house, imported)
    }
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(name), attr=change)) if change in _CHANGES:
                pass
            case ast.Subscript(value=ast.Name(name), ctx=ast.Store() | ast.Del()):
                pass
            case ast.AugAssign(target=ast.Name(name)):
                pass
            case _:
                continue
        if name in constants:
            yield node.lineno, f"the constant {name} is changed"


def _constants(module: Module) -> set[str]:
    return {
        node.target.id
        for node in module.tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and is_constant(ast.unparse(node.annotation))
    }


def _constants_behind(house: House, imported: Import) -> set[str]:
    """The constants of the module that defines an imported name, through a face if need be."""
    module = house.modules.get(imported.module)
    if module is None:
        return set()
    behind = [
        again for again in module.imports if again.name == imported.name and again.module in house.modules
    ]
    return _constants(module).union(*(_constants(house.modules[again.module]) for again in behind))
