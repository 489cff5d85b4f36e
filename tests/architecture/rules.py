"""The rules about rooms, faces, directions and sizes: each returns what breaks it, in sentences."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from tests.architecture.directions import DIRECTIONS, GROUND, May
from tests.architecture.reading import PACKAGES, House, Import, Module
from tests.architecture.state import no_module_holds_state

Rule = Callable[[House], list[str]]

LONGEST_FILE = 300
SHORT_FILE = 60
SHORT_FILES = 0.20
FILES_IN_THE_HALL = 6
_NOT_OURS_TO_LIST = {*sys.stdlib_module_names, "__future__"}


def room_of(name: str, house: House) -> str:
    """The room of a module: a folder of its package, a single file, or else the package itself."""
    first = ".".join(name.split(".")[:2])
    return first if first in DIRECTIONS.rooms or house.is_folder(first) else name.partition(".")[0]


def imports_go_downwards(house: House) -> list[str]:
    """A room imports the rooms that the table allows; every room on disk is in the table, and the reverse."""
    rooms = {room_of(name, house) for name in house.modules}
    broken = [f"{room} is not in the table of directions" for room in sorted(rooms - set(DIRECTIONS.rooms))]
    broken += [
        f"{room} is in the table of directions, but not on disk"
        for room in DIRECTIONS.rooms
        if room not in rooms
    ]
    for module, imported in _imports(house):
        room, other = room_of(module.name, house), room_of(house.reached(imported), house)
        if other not in {room, GROUND, *_allowed(room).rooms}:
            broken.append(f"{house.place(module, imported.line)}: {room} may not import {other}")
    return broken


def only_faces_are_imported(house: House) -> list[str]:
    """From other rooms only names of their faces; from a module's own and containing folders, modules."""
    broken = []
    for module, imported in _imports(house):
        objection = _past_the_face(house, module, imported)
        if objection:
            broken.append(f"{house.place(module, imported.line)}: `{imported}`: {objection}")
    return broken


def _past_the_face(house: House, module: Module, imported: Import) -> str | None:
    source, name = imported.module, imported.name
    if name is None:
        return "take names from the room's face"
    if house.is_folder(source):
        if source in module.containers:
            inner = f"{source}.{name}"
            if inner in house.modules and not house.is_folder(inner):
                return None
            return "import the module itself, not the face of a folder that contains this file"
        return None if name in house.exported(source) else f"{source} does not name it in __all__"
    if source not in house.modules:
        return "there is no such module"
    if source in DIRECTIONS.rooms:
        return None if name in house.exported(source) else f"{source} does not name it in __all__"
    if house.modules[source].folder not in module.containers:
        return f"import from the face of {house.modules[source].folder}"
    return None


def every_room_has_a_face(house: House) -> list[str]:
    """A docstring and a sorted, complete `__all__`, in an `__init__` or in the single file that is a room."""
    broken = [f"{folder} has no __init__.py" for folder in house.folders if folder not in house.modules]
    for name in sorted({*house.folders, *DIRECTIONS.rooms} & set(house.modules) - set(DIRECTIONS.mirrors)):
        module = house.modules[name]
        if module.path.stem != "__main__":
            broken += [f"{house.place(module)}: {objection}" for objection in _flaws_of_face(house, module)]
    return broken


def _flaws_of_face(house: House, module: Module) -> Iterator[str]:
    if not ast.get_docstring(module.tree):
        yield "no docstring"
    if module.exported is None:
        yield "no __all__"
        return
    if list(module.exported) != sorted(module.exported, key=_as_ruff_sorts):
        yield "__all__ is not sorted"
    offered, bound = _offered(house, module), _bound(module.tree.body)
    yield from (f"__all__ misses {name}" for name in sorted(offered - set(module.exported)))
    yield from (f"__all__ names {name}, which is not there" for name in sorted(set(module.exported) - bound))


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _offered(house: House, module: Module) -> set[str]:
    """What a face imports from its room's modules, and what it or a single file defines for all to see."""
    taken = {
        imported.name
        for imported in house.ours(module)
        if module.is_face
        and not imported.lazy
        and imported.name
        and house.reached(imported) == imported.module
    }
    defined = {
        node.name
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    return {name for name in taken | defined if not name.startswith("_")}


def _bound(body: Iterable[ast.stmt]) -> set[str]:
    """The names that statements give a module."""
    names: set[str] = set()
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Import() | ast.ImportFrom():
                names |= {alias.asname or alias.name for alias in node.names}
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.If() | ast.Try():
                names |= _bound(
                    [inner for inner in ast.walk(node) if isinstance(inner, ast.stmt) and inner is not node]
                )
    return names


def there_is_no_circle(house: House) -> list[str]:
    """Neither modules nor rooms import each other in a circle, lazy imports included.

    A folder without rooms in it is one thing. Where a room contains rooms, each of its modules is a thing of
    its own, since those rooms may import it.
    """
    holding = {".".join(folder.split(".")[:-1]) for folder in house.folders}

    def thing(name: str) -> str:
        folder = house.modules[name].folder
        return name if folder in holding else folder

    broken = []
    for named in (lambda name: name, thing):
        graph: dict[str, set[str]] = {}
        for module, imported in _imports(house):
            reached = house.reached(imported)
            if reached in house.modules:
                graph.setdefault(named(module.name), set()).add(named(reached))
        broken += _circle({thing: others - {thing} for thing, others in graph.items()})
    return sorted(set(broken))


def _circle(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def libraries_stay_in_their_rooms(house: House) -> list[str]:
    """A room knows the libraries of the table; an adapter its own, lazily if its room's face imports it."""
    broken = []
    for module in house:
        room = room_of(module.name, house)
        allowed = _allowed(room).libraries | DIRECTIONS.modules.get(module.name, frozenset())
        for imported in module.imports:
            library = imported.module.partition(".")[0]
            if library in {*_NOT_OURS_TO_LIST, *PACKAGES, *allowed}:
                continue
            if not _is_adapter(module, room) or library != module.path.stem:
                broken.append(f"{house.place(module, imported.line)}: {room} may not import {library}")
            elif not imported.lazy and _is_imported_by_its_face(house, module):
                broken.append(
                    f"{house.place(module, imported.line)}: {library} is optional: import it lazily"
                )
    return broken


def adapters_stand_alone(house: House) -> list[str]:
    """Of its own room an adapter imports the shared modules only; nothing imports an adapter but the face."""
    broken = []
    for module, imported in _imports(house):
        reached = house.modules.get(house.reached(imported))
        room = room_of(module.name, house)
        if reached and _is_adapter(reached, room) and module.name != room:
            broken.append(f"{house.place(module, imported.line)}: {reached.name} is an adapter")
    return broken


def _is_adapter(module: Module, room: str) -> bool:
    shared = _allowed(room).shared
    return (
        shared is not None and not module.is_face and module.folder == room and module.path.stem not in shared
    )


def _is_imported_by_its_face(house: House, module: Module) -> bool:
    return any(house.reached(imported) == module.name for imported in house.modules[module.folder].imports)


def otel_is_imported_relatively(house: House) -> list[str]:
    """Inside `otel/` imports are relative, so that it works by either of its names; elsewhere absolute."""
    broken = []
    for module, imported in _imports(house):
        inside = module.name.partition(".")[0] == "otel" == imported.module.partition(".")[0]
        if inside and not imported.relative:
            broken.append(f"{house.place(module, imported.line)}: `{imported}` is to be relative")
        elif imported.relative and not inside:
            broken.append(f"{house.place(module, imported.line)}: `{imported}` is to be absolute")
    return broken


def files_stay_readable(house: House) -> list[str]:
    """None is too long, few are mere paragraphs, and the packages' own folder holds few."""
    broken = [
        f"{house.place(module)} has {module.lines} lines, at most {LONGEST_FILE} are allowed"
        for module in house
        if module.lines > LONGEST_FILE
    ]
    concepts = [module for module in house if not module.is_face]
    short = [house.place(module) for module in concepts if module.lines < SHORT_FILE]
    if len(short) > SHORT_FILES * len(concepts):
        broken.append(
            f"{len(short)} of {len(concepts)} files have fewer than {SHORT_FILE} lines, at most "
            f"{SHORT_FILES:.0%} may: {', '.join(short)}"
        )
    hall = [path.name for path in sorted((house.root / "sentry_filters").glob("*.py"))]
    if len(hall) > FILES_IN_THE_HALL:
        broken.append(
            f"sentry_filters/ holds {len(hall)} files, at most {FILES_IN_THE_HALL}: {', '.join(hall)}"
        )
    return broken


def tests_live_in_the_same_rooms(house: House) -> list[str]:
    """Every room has its folder under `tests/`, with a test in it; `otel/` has its under `tests/otel/`."""
    broken = []
    for folder in house.folders:
        parts = folder.split(".")
        where = "/".join(["tests", *(parts if parts[0] == "otel" else parts[1:])])
        if not list((house.root / where).glob("test_*.py")):
            broken.append(f"{where}/ has no test: it is the room of {folder}")
    return broken


def _imports(house: House) -> Iterator[tuple[Module, Import]]:
    """All imports from each other, but for those by which a package and its mirror become one."""
    for module in house:
        for imported in house.ours(module):
            if {module.name, imported.module} not in [set(pair) for pair in DIRECTIONS.mirrors.items()]:
                yield module, imported


def _allowed(room: str) -> May:
    return DIRECTIONS.rooms.get(room, May())


RULES: tuple[Rule, ...] = (
    imports_go_downwards,
    only_faces_are_imported,
    every_room_has_a_face,
    there_is_no_circle,
    libraries_stay_in_their_rooms,
    adapters_stand_alone,
    otel_is_imported_relatively,
    files_stay_readable,
    tests_live_in_the_same_rooms,
    no_module_holds_state,
)
