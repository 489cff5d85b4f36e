"""`sentry_filters.otel` and `otel` are one package, in whatever order, whatever else is called `otel`."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import sentry_filters

ROOT = Path(sentry_filters.__file__).parents[1]
ONE_NAME = "import sentry_filters.otel as ours, otel\n"
OTHER_NAME = "import otel, sentry_filters.otel as ours\n"
# As a development install does it: a line in a .pth file, behind all that is installed.
EDITABLE = """
import site, sys
from pathlib import Path
sys.path[:] = [entry for entry in sys.path if not Path(entry, "sentry_filters", "__init__.py").exists()]
site.addsitedir({site!r})
"""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with an application's own package `otel`."""
    package = tmp_path / "application" / "otel"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from otel.spans import name\n", "utf-8")
    (package / "spans.py").write_text("name = 'theirs'\n", "utf-8")
    return package.parent


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site directory that leads here."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sentry_filters.pth").write_text(f"{ROOT}\n", "utf-8")
    return folder


def run(code: str, *path: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    process = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.parametrize("imports", [ONE_NAME, OTHER_NAME])
@pytest.mark.parametrize(
    "further",
    [
        "import otel.spans.verdicts as one, sentry_filters.otel.spans.verdicts as other",
        "import sentry_filters.otel.auto as other, otel.auto as one",
        "from otel.testing import check as one; from sentry_filters.otel.testing import check as other",
        "from otel import spans as one; from sentry_filters.otel import spans as other",
    ],
)
def test_both_names_lead_to_the_same_modules(imports: str, further: str) -> None:
    run(f"{imports}{further}\nassert otel is ours and one is other, (one, other)", ROOT)


@pytest.mark.parametrize("imports", [ONE_NAME, OTHER_NAME])
def test_no_module_is_loaded_twice(imports: str) -> None:
    code = """
import sys, otel.auto, otel.testing
names = [name for name in sys.modules if name.split(".")[0] == "otel"]
assert {"otel", "otel.auto", "otel.spans", "otel.testing"} <= set(names)
assert all(sys.modules[name] is sys.modules["sentry_filters." + name] for name in names)
"""
    run(imports + code, ROOT)


def test_a_class_pickles_by_either_name() -> None:
    code = """
import pickle
from otel.evidence import ErrorText
stored = pickle.dumps(ErrorText("401"))
assert b"sentry_filters.otel.evidence" in stored
assert pickle.loads(stored) == ErrorText("401")
assert pickle.loads(b"cotel\\nGuardedSpanProcessor\\n.") is ours.GuardedSpanProcessor
assert pickle.loads(b"cotel.spans.processor\\nGuardedSpanProcessor\\n.") is ours.GuardedSpanProcessor
"""
    run(f"import sentry_filters.otel as ours\n{code}", ROOT)


@pytest.mark.parametrize("imports", [ONE_NAME, OTHER_NAME])
@pytest.mark.parametrize("editable", [False, True])
def test_an_application_keeps_its_own_otel(foreign: Path, site: Path, imports: str, editable: bool) -> None:
    code = """
import otel.spans, sentry_filters.otel.spans, sentry_filters.otel.testing
assert otel.name == otel.spans.name == "theirs"
assert ours.GuardedSpanProcessor is sentry_filters.otel.spans.GuardedSpanProcessor
print(ours.__path__[0])
"""
    begins = EDITABLE.format(site=str(site)) if editable else ""
    loaded_from = run(begins + imports + code, *((foreign,) if editable else (foreign, ROOT)))

    assert Path(loaded_from.strip()) == ROOT / "otel"


def test_a_development_install_has_both_names(site: Path) -> None:
    begins = EDITABLE.format(site=str(site))

    run(f"{begins}{OTHER_NAME}import otel.spans\nassert otel is ours and otel.spans is ours.spans")


def test_what_does_not_exist_is_not_found() -> None:
    code = "import importlib.util, otel\nprint(importlib.util.find_spec('otel.nothing'))\nimport otel.nothing"

    with pytest.raises(AssertionError, match=r"No module named 'otel\.nothing'"):
        run(code, ROOT)


def test_importing_the_package_loads_neither() -> None:
    loaded = run("import sys, sentry_filters; print(*sys.modules)", ROOT).split()

    assert {"otel", "sentry_filters.otel"}.isdisjoint(loaded)


def test_entry_points_lead_to_the_documented_name() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]

    for group, entries in project["entry-points"].items():
        for name, value in entries.items():
            assert "otel" not in value.split(".")[0], (group, name)
            assert callable(EntryPoint(name, value, group).load())
