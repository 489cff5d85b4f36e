"""What documents and errors say about platforms, libraries and extras is what pyproject.toml says."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sentry_filters.redaction.platforms import this_platform, without_re2
from tests.packaging.building import CHECKOUT, without_checkout
from tests.versions import PYTHONS

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
PAGE = (CHECKOUT / "docs/support.md").read_text("utf-8")
FIRST_COLUMN = re.compile(r"^\| ([^|]+) \|", re.MULTILINE)


def first_column(section: str) -> list[str]:
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return FIRST_COLUMN.findall(text)


def without_engine(folder: Path, module: str | None) -> str:
    """What Python prints when it imports the package where `re2` is missing, or is another package's."""
    hide = "import sys; sys.modules['re2'] = None\n" if module is None else ""
    if module is not None:
        (folder / "re2.py").write_text(module)
    done = subprocess.run(
        [sys.executable, "-c", f"{hide}import sentry_filters"],
        env={**without_checkout({}), "PYTHONPATH": os.pathsep.join((str(folder), str(CHECKOUT)))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("module", [None, "def compile(pattern): ..."], ids=["missing", "another one"])
def test_without_its_engine_the_package_refuses_and_names_the_platform(
    tmp_path: Path, module: str | None
) -> None:
    said = without_engine(tmp_path, module)

    assert said.startswith("ImportError: sentry-filters needs google-re2, which cannot be imported (")
    assert f"This is {this_platform()}; expected" in said
    assert platform.python_version() in said


def test_the_error_and_the_page_name_the_same_platforms() -> None:
    said, page = without_re2(ImportError("x")), " ".join(PAGE.split())

    for one in ("glibc", "2.27 or newer", "2.26 or newer", "macOS 13 or newer", "Windows", "free-threaded"):
        assert one in said
        assert one in page
    for one in ("C++17 compiler", "Python's headers", "RE2 with its headers", "pybind11"):
        assert one in said
        assert one in page


def test_the_page_names_every_python_library_and_extra() -> None:
    required = {one.name: str(one.specifier) for one in map(Requirement, PROJECT["dependencies"])}

    assert first_column("Pythons")[1] == ", ".join(PYTHONS)
    assert {
        name: f">={version}"
        for names, version in re.findall(r"^\| ([a-z0-9, -]+) \| ([\d.]+) \|", PAGE, re.MULTILINE)
        for name in names.split(", ")
    } == required
    assert first_column("Extras")[1:] == [f"`{name}`" for name in sorted(PROJECT["optional-dependencies"])]


@pytest.mark.promise("extras")
def test_every_extra_that_a_document_names_exists() -> None:
    pages = [CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")]
    named = {
        name
        for page in pages
        for names in re.findall(r"(?:sentry-filters|'\.)\[([^\]]+)\]", page.read_text("utf-8"))
        for name in names.split(",")
    }

    assert named
    assert named <= PROJECT["optional-dependencies"].keys()
