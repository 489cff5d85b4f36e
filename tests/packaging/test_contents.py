"""What an index gets: the files of wheel and sdist, the metadata, the page; the same bytes every time."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest

from tests.packaging.building import CHECKOUT, Built, built
from tests.support.services import require

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def wheel(distributions: Built) -> zipfile.ZipFile:
    """The wheel, to be read."""
    return zipfile.ZipFile(distributions.wheel)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """What an index shows of it."""
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(wheel.read(name))


def files(*which: str) -> set[str]:
    """The files of the checkout that git knows, or does not know yet."""
    # In a container the checkout may belong to somebody else.
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z", *which]
    require((CHECKOUT / ".git").exists(), "run it in a git checkout: its files are those that are expected")
    listed = subprocess.run(git, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()}


def test_the_wheel_holds_the_two_packages_and_the_data_of_their_commands(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    info = f"sentry_filters-{PROJECT['version']}.dist-info"
    modules = {
        path.relative_to(CHECKOUT).as_posix()
        for package in ("sentry_filters", "otel")
        for path in (CHECKOUT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    board = "sentry_filters/dashboards/"
    data = {name for name in names if name.startswith(board)}

    assert {name for name in names - data if not name.startswith(info)} == modules
    assert {"sentry_filters/py.typed", "otel/py.typed"} <= modules
    assert {f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= names
    assert data == {
        board + path.relative_to(CHECKOUT / "dashboards").as_posix()
        for path in (CHECKOUT / "dashboards").rglob("*")
        if path.is_file() and not re.search(r"\.pyc?$|\.test\.yml$", path.name)  # what makes them, and tests
    }


def test_the_sdist_is_the_checkout(distributions: Built) -> None:
    with tarfile.open(distributions.sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers()}

    known = files("--cached")
    assert known - names == set()
    assert names - known - files("--others", "--exclude-standard") == {"PKG-INFO"}
    assert {"SECURITY.md", "CHANGELOG.md", "LICENSE", "docs/support.md", "tests/conftest.py"} <= names


def test_the_same_source_and_epoch_give_the_same_bytes(distributions: Built, tmp_path: Path) -> None:
    again = built(tmp_path)

    assert again.wheel.read_bytes() == distributions.wheel.read_bytes()
    assert again.sdist.read_bytes() == distributions.sdist.read_bytes()


def test_an_index_takes_both(distributions: Built) -> None:
    for command in (
        ["twine", "check", "--strict", str(distributions.wheel), str(distributions.sdist)],
        ["check_wheel_contents", str(distributions.wheel)],
    ):
        require(
            importlib.util.find_spec(command[0]), "run `uv pip install --group dist`: it checks the wheel"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", *command],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_metadata_say_what_pyproject_says(metadata: Message) -> None:
    assert metadata["Name"] == PROJECT["name"]
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata.get_all("Provides-Extra", ())) == PROJECT["optional-dependencies"].keys()


def test_the_page_of_an_index_has_no_link_that_leads_nowhere(metadata: Message) -> None:
    require(
        importlib.util.find_spec("readme_renderer"), "run `uv pip install --group dist`: it renders the page"
    )
    from readme_renderer import markdown  # noqa: PLC0415 - of an own group

    text = metadata.get_payload(decode=True).decode("utf-8")  # type: ignore[union-attr]
    page = markdown.render(text)

    assert metadata["Description-Content-Type"] == "text/markdown"
    assert page is not None
    targets = re.findall(r"(?:href|src)=\"([^\"]*)\"", page)
    places = {f"#{name}" for name in re.findall(r"id=\"([^\"]*)\"", page)}
    assert [one for one in targets if not one.startswith("https://") and one not in places] == []
    assert not re.search(r"\]\(|```mermaid|promise:", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    for target in re.findall(r"(?<!!)\[[^\]]+\]\((?!https?:)([\w./-]+)", readme):
        assert f"`{target}`" in text  # told as a path instead
        assert (CHECKOUT / target).exists()
