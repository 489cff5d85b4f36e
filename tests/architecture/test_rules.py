"""Each rule finds what breaks it in a small house on disk, and nothing in a house that obeys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.directions import DIRECTIONS
from tests.architecture.reading import House
from tests.architecture.rules import RULES, Rule
from tests.architecture.state import no_module_holds_state

Files = Mapping[str, str]

ROOT = Path(__file__).resolve().parents[2]
FILES = {"sentry_filters.__main__", "sentry_filters.forking", "sentry_filters.guard"}
LONG_ENOUGH = "\n# A line of its own." * rules.SHORT_FILE


def house_with(root: Path, files: Files) -> House:
    """Build a house with every room of the table, each with a face and one part, then put `files` into it."""
    for room in DIRECTIONS.rooms:
        name = room.rpartition(".")[2]
        path = root / room.replace(".", "/")
        if room in FILES:
            part = f'"""A file."""\n__all__ = ["{name}"]\ndef {name}(): ...{LONG_ENOUGH}'
            write(path.with_suffix(".py"), part)
        else:
            write(path / "part.py", f"def {name}(): ...{LONG_ENOUGH}")
            dots = "." if room.startswith("otel") else f"{room}."
            face = f'"""A room."""\nfrom {dots}part import {name}\n__all__ = ["{name}"]\n'
            write(path / "__init__.py", face)
            tests = room if room.startswith("otel") else room.removeprefix("sentry_filters")
            write(root / "tests" / tests.strip(".").replace(".", "/") / "test_part.py", "")
    for name, text in files.items():
        write(root / name, text)
    return House(root)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def core(text: str) -> Files:
    """A further file in the room `core`, long enough to be a concept."""
    return {"sentry_filters/core/more.py": text + LONG_ENOUGH}


BROKEN = [
    pytest.param(
        rules.imports_go_downwards,
        core("from sentry_filters.sentry import sentry"),
        "sentry_filters/core/more.py:1: sentry_filters.core may not import sentry_filters.sentry",
        id="upwards",
    ),
    pytest.param(
        rules.imports_go_downwards,
        core("def later():\n    from sentry_filters.testing import testing"),
        "more.py:2: sentry_filters.core may not import sentry_filters.testing",
        id="upwards-lazily",
    ),
    pytest.param(
        rules.imports_go_downwards,
        {"sentry_filters/audit/more.py": "from sentry_filters.redaction import redaction"},
        "sentry_filters.audit may not import sentry_filters.redaction",
        id="sideways",
    ),
    pytest.param(
        rules.imports_go_downwards,
        core("from otel import otel"),
        "sentry_filters.core may not import otel",
        id="otel-from-the-core",
    ),
    pytest.param(
        rules.imports_go_downwards,
        {"sentry_filters/guard.py": "from sentry_filters.otel import otel"},
        "sentry_filters.guard may not import sentry_filters.otel",
        id="otel-by-its-other-name",
    ),
    pytest.param(
        rules.imports_go_downwards,
        {"otel/logs/more.py": "from ..spans import spans"},
        "otel.logs may not import otel.spans",
        id="from-signal-to-signal",
    ),
    pytest.param(
        rules.imports_go_downwards,
        {"sentry_filters/guard.py": "from sentry_filters.redis import redis"},
        "sentry_filters.guard may not import sentry_filters.redis",
        id="redis-from-the-guard",
    ),
    pytest.param(
        rules.imports_go_downwards,
        {"sentry_filters/attic/__init__.py": ""},
        "sentry_filters.attic is not in the table",
        id="unknown-room",
    ),
    pytest.param(
        rules.only_faces_are_imported,
        {"sentry_filters/sentry/more.py": "from sentry_filters.core.part import core"},
        "import from the face of sentry_filters.core",
        id="past-the-face",
    ),
    pytest.param(
        rules.only_faces_are_imported,
        {"sentry_filters/sentry/more.py": "from sentry_filters.core import part"},
        "sentry_filters.core does not name it in __all__",
        id="a-module-from-the-face",
    ),
    pytest.param(
        rules.only_faces_are_imported,
        {"sentry_filters/sentry/more.py": "import sentry_filters.core"},
        "take names from the room's face",
        id="the-room-itself",
    ),
    pytest.param(
        rules.only_faces_are_imported,
        {"sentry_filters/testing/more.py": "from sentry_filters.guard import _private"},
        "sentry_filters.guard does not name it in __all__",
        id="past-the-face-of-a-file",
    ),
    pytest.param(
        rules.only_faces_are_imported,
        {"sentry_filters/testing/more.py": "from sentry_filters import SessionGuard"},
        "not the face of a folder that contains this file",
        id="the-face-of-an-own-folder",
    ),
    pytest.param(
        rules.only_faces_are_imported,
        {
            "sentry_filters/redaction/text/__init__.py": "",
            "sentry_filters/redaction/text/part.py": "",
            "sentry_filters/redaction/more.py": "from sentry_filters.redaction.text.part import text",
        },
        "import from the face of sentry_filters.redaction.text",
        id="past-the-face-of-an-inner-room",
    ),
    pytest.param(
        rules.every_room_has_a_face,
        {"sentry_filters/redaction/text/part.py": ""},
        "sentry_filters.redaction.text has no __init__.py",
        id="no-face",
    ),
    pytest.param(
        rules.every_room_has_a_face,
        {"sentry_filters/core/__init__.py": "__all__ = []"},
        "sentry_filters/core/__init__.py: no docstring",
        id="no-docstring",
    ),
    pytest.param(
        rules.every_room_has_a_face,
        {"sentry_filters/guard.py": '"""It."""'},
        "guard.py: no __all__",
        id="no-all",
    ),
    pytest.param(
        rules.every_room_has_a_face,
        {
            "sentry_filters/core/__init__.py": '"""It."""\n'
            "from sentry_filters.core.part import A, b\n__all__ = ['b', 'A']"
        },
        "__all__ is not sorted",
        id="unsorted",
    ),
    pytest.param(
        rules.every_room_has_a_face,
        {
            "sentry_filters/core/__init__.py": '"""It."""\n'
            "from sentry_filters.core.part import a\n__all__ = []"
        },
        "__all__ misses a",
        id="incomplete",
    ),
    pytest.param(
        rules.every_room_has_a_face,
        {"sentry_filters/core/__init__.py": '"""It."""\n__all__ = ["a"]'},
        "__all__ names a, which is not there",
        id="invented",
    ),
    pytest.param(
        rules.there_is_no_circle,
        {
            "sentry_filters/core/one.py": "from sentry_filters.core.two import two",
            "sentry_filters/core/two.py": "def later():\n    from sentry_filters.core.one import one",
        },
        "sentry_filters.core.one imports sentry_filters.core.two imports sentry_filters.core.one",
        id="circle-of-modules",
    ),
    pytest.param(
        rules.there_is_no_circle,
        {
            "sentry_filters/redaction/keys/one.py": "from sentry_filters.redaction.text import text",
            "sentry_filters/redaction/text/one.py": "",
            "sentry_filters/redaction/text/two.py": "from sentry_filters.redaction.keys import keys",
            "sentry_filters/redaction/text/__init__.py": "",
            "sentry_filters/redaction/keys/__init__.py": "",
        },
        "sentry_filters.redaction.text imports sentry_filters.redaction.keys",
        id="circle-of-rooms",
    ),
    pytest.param(
        rules.libraries_stay_in_their_rooms,
        core("import sentry_sdk"),
        "more.py:1: sentry_filters.core may not import sentry_sdk",
        id="sdk-in-the-core",
    ),
    pytest.param(
        rules.libraries_stay_in_their_rooms,
        {"sentry_filters/testing/more.py": "def later():\n    import pytest"},
        "sentry_filters.testing may not import pytest",
        id="pytest-beside-the-plugin",
    ),
    pytest.param(
        rules.libraries_stay_in_their_rooms,
        {"sentry_filters/schedulers/celery.py": "import arq"},
        "sentry_filters.schedulers may not import arq",
        id="another-adapters-library",
    ),
    pytest.param(
        rules.libraries_stay_in_their_rooms,
        {
            "sentry_filters/http/__init__.py": "from sentry_filters.http.httpx import Edge",
            "sentry_filters/http/httpx.py": "import httpx",
        },
        "httpx is optional: import it lazily",
        id="eager-client",
    ),
    pytest.param(
        rules.adapters_stand_alone,
        {
            "sentry_filters/schedulers/arq.py": "from sentry_filters.schedulers.celery import celery",
            "sentry_filters/schedulers/celery.py": "",
        },
        "sentry_filters.schedulers.celery is an adapter",
        id="from-adapter-to-adapter",
    ),
    pytest.param(
        rules.otel_is_imported_relatively,
        {"otel/logs/more.py": "from otel.redaction import redaction"},
        "`from otel.redaction import redaction` is to be relative",
        id="absolute-in-otel",
    ),
    pytest.param(
        rules.otel_is_imported_relatively,
        core("from .part import core"),
        "`from sentry_filters.core.part import core` is to be absolute",
        id="relative-elsewhere",
    ),
    pytest.param(
        rules.files_stay_readable,
        core("# A line of its own.\n" * rules.LONGEST_FILE),
        "more.py has 361 lines, at most 300 are allowed",
        id="long",
    ),
    pytest.param(
        rules.files_stay_readable,
        {f"sentry_filters/core/part_{number}.py": "" for number in range(10)},
        " files have fewer than 60 lines, at most 20% may: sentry_filters/core/part_0.py",
        id="paragraphs",
    ),
    pytest.param(
        rules.files_stay_readable,
        {f"sentry_filters/part_{number}.py": LONG_ENOUGH for number in range(3)},
        "sentry_filters/ holds 8 files, at most 6",
        id="hall",
    ),
    pytest.param(
        rules.tests_live_in_the_same_rooms,
        {"sentry_filters/redaction/text/__init__.py": "", "tests/redaction/text/conftest.py": ""},
        "tests/redaction/text/ has no test",
        id="no-tests",
    ),
    pytest.param(
        rules.tests_live_in_the_same_rooms,
        {"otel/testing/taps/__init__.py": ""},
        "tests/otel/testing/taps/ has no test",
        id="no-tests-of-otel",
    ),
    *[
        pytest.param(no_module_holds_state, core(text), f"more.py:{line}: {finding}", id=f"state-{text[:24]}")
        for line, text, finding in [
            (1, "X = {}", "`{}` can be changed"),
            (1, "X = [1, 2]", "`[1, 2]` can be changed"),
            (1, "X: dict[str, int] = {}", "`{}` can be changed"),
            (1, "X: dict[Mapping[str, int], Final] = {}", "`{}` can be changed"),
            (1, "X = (1, {2})", "`{2}` can be changed"),
            (1, "X = [n for n in range(3)]", "`[n for n in range(3)]` can be changed"),
            (1, "X = collections.OrderedDict()", "`collections.OrderedDict` can be changed"),
            (1, "X = defaultdict(list)", "`defaultdict` can be changed"),
            (1, "X: ContextVar[int] = ContextVar('x')", "`ContextVar` can be changed"),
            (1, "X = threading.Lock()", "`threading.Lock` can be changed"),
            (1, "X = weakref.WeakSet[object]()", "`weakref.WeakSet[object]` can be changed"),
            (2, "@functools.lru_cache(maxsize=9)\ndef f(): ...", "`f` has a cache"),
            (3, "class C:\n    @cache\n    def f(self): ...", "`f` has a cache"),
            (1, "f = cache(len)", "`cache(len)` is a cache"),
            (2, "class C:\n    known = set()", "`set` can be changed"),
            (2, "if True:\n    X = {}", "`{}` can be changed"),
            (2, "def f():\n    global X", "`global X`"),
            (1, "atexit.register(print)", "`atexit.register` is called at import"),
            (2, "X: Final = {}\nX['a'] = 1", "the constant X is changed"),
            (3, "X: Mapping[str, int] = {}\ndef f():\n    X.update(a=1)", "the constant X is changed"),
        ]
    ],
    pytest.param(
        no_module_holds_state,
        {
            "sentry_filters/core/__init__.py": "from sentry_filters.core.part import PORTS",
            "sentry_filters/core/part.py": "PORTS: Final = [80]",
            "sentry_filters/audit/more.py": "from sentry_filters.core import PORTS\nPORTS.append(1)",
        },
        "sentry_filters/audit/more.py:2: the constant PORTS is changed",
        id="state-another-rooms-constant",
    ),
]

OBEYING = [
    pytest.param({}, id="the-house-itself"),
    pytest.param(core("from sentry_filters.forking import forking"), id="the-ground-from-anywhere"),
    pytest.param(core("from sentry_filters.core.part import core"), id="a-module-of-the-same-folder"),
    pytest.param(core("from sentry_filters.core import part"), id="such-a-module-as-a-whole"),
    pytest.param(core("from sentry_filters.evidence import evidence"), id="a-face-below"),
    pytest.param(
        {"otel/testing/part.py": "from sentry_filters.guard import guard\ndef testing(): ..." + LONG_ENOUGH},
        id="a-file-that-is-a-room",
    ),
    pytest.param(
        {"otel/logs/part.py": "from .. import part\nfrom ..part import otel\ndef logs(): ..." + LONG_ENOUGH},
        id="a-module-of-a-containing-folder",
    ),
    pytest.param(
        {
            "sentry_filters/redaction/text/__init__.py": '"""It."""\n__all__ = ()',
            "sentry_filters/redaction/text/more.py": "import re2\n"
            "from sentry_filters.redaction.part import redaction" + LONG_ENOUGH,
            "tests/redaction/text/test_more.py": "",
        },
        id="an-inner-room",
    ),
    pytest.param(
        {
            "sentry_filters/http/__init__.py": '"""It."""\n'
            'from sentry_filters.http.httpx import Edge\n__all__ = ["Edge"]',
            "sentry_filters/http/httpx.py": "from sentry_filters.http.calls import Call\n"
            "def f():\n    import httpx" + LONG_ENOUGH,
            "sentry_filters/http/calls.py": "class Call: ..." + LONG_ENOUGH,
        },
        id="a-lazy-client",
    ),
    pytest.param(
        {"sentry_filters/schedulers/celery.py": "import celery" + LONG_ENOUGH},
        id="a-scheduler-with-its-library",
    ),
    pytest.param(
        {"sentry_filters/testing/plugin.py": "import pytest" + LONG_ENOUGH}, id="the-plugin-and-pytest"
    ),
    pytest.param(
        {
            "sentry_filters/__init__.py": '"""It."""\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n'
            "    from sentry_filters.redis import redis\n__all__ = []\n"
        },
        id="a-face-that-leaves-out-what-is-optional",
    ),
    pytest.param(
        {
            "sentry_filters/otel/__init__.py": "from otel import *\n_load()",
            "otel/__init__.py": '"""It."""\nimport sentry_filters.otel\n__all__ = []',
        },
        id="a-package-and-its-mirror",
    ),
    pytest.param(
        {"sentry_filters/forking.py": '"""It."""\n__all__ = ["forking"]\nforking = set()' + LONG_ENOUGH},
        id="state-in-the-ground",
    ),
    *[
        pytest.param(core(text), id=f"constant-{text[:24]}")
        for text in [
            "X = frozenset({1})",
            "X = (1, 2)",
            "X = MappingProxyType({1: 2})",
            "X: Mapping[str, int] = {'a': 1}",
            "X: Final[Mapping[str, int]] = {'a': 1}",
            "X: Final = {'a': 1}",
            "X: Sequence[int] = [1]",
            "class C:\n    X: ClassVar[Mapping[str, int]] = {}",
            "def f():\n    X = {}\n    X['a'] = 1",
        ]
    ],
]

VILLA = """
from __future__ import annotations
import functools, threading
from typing import Final

PORTS: Final = {80: "http"}
lock = threading.Lock()
pair = (1, [2])
fixed = (1, frozenset({2}))


@functools.cache
def remembered(): ...


class Owner:
    def __init__(self): self.things = set()


owner = Owner()
"""


def test_every_rule_is_shown_to_fail() -> None:
    assert {param.values[0] for param in BROKEN} == set(RULES)


@pytest.mark.parametrize(("rule", "files", "finding"), BROKEN)
def test_a_rule_finds_what_breaks_it(tmp_path: Path, rule: Rule, files: Files, finding: str) -> None:
    found = rule(house_with(tmp_path, files))

    assert [sentence for sentence in found if finding in sentence], found


@pytest.mark.parametrize("files", OBEYING)
def test_the_rules_find_nothing_where_they_are_obeyed(tmp_path: Path, files: Files) -> None:
    house = house_with(tmp_path, files)

    assert {rule.__name__: found for rule in RULES if (found := rule(house))} == {}


def test_what_imported_modules_hold_is_seen(tmp_path: Path) -> None:
    write(tmp_path / "villa" / "room.py", VILLA)
    write(tmp_path / "villa" / "optional.py", "import a_library_that_nobody_has\nX = []")
    command = [sys.executable, "-m", "tests.architecture.held", "villa.room", "villa.optional"]

    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )

    assert json.loads(done.stdout) == [
        ["villa.room", "PORTS", "dict", "Final"],
        ["villa.room", "lock", "lock", ""],
        ["villa.room", "pair", "tuple with list", ""],
        ["villa.room", "remembered", "_lru_cache_wrapper", ""],
        ["villa.room", "owner", "Owner with set", ""],
    ]
