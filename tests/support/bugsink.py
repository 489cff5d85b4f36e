"""A real Bugsink server, in its own environment, and a client that reads back what it stored.

Environment and migrated database are made once, below `.cache/bugsink/`; every server starts from a copy.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.services import Process, answers, free_port

# 2.6.2 wants a newer certifi than package mirrors with a delay have.
VERSION = "2.6.1"

_CACHE = Path(__file__).parents[2] / ".cache" / "bugsink"
_INSTALL_SECONDS = 600.0
_HOST = "127.0.0.1"

# No calls home; no quota that would make a lost event look like a dropped one; raw envelopes are kept.
_SETTINGS = """
BUGSINK.update({{
    "BASE_URL": "http://{host}:{port}",
    "INGEST_STORE_BASE_DIR": {folder!r} + "/ingestion",
    "KEEP_ENVELOPES": 100_000,
    "PHONEHOME": False,
    **{{
        f"MAX_EVENTS_{{whose}}PER_{{period}}": 1_000_000
        for whose in ("", "PER_PROJECT_")
        for period in ("5_MINUTES", "HOUR", "MONTH")
    }},
}})
DATABASES["default"]["NAME"] = {folder!r} + "/db.sqlite3"
DATABASES["snappea"]["NAME"] = {folder!r} + "/snappea.sqlite3"
"""


class BugsinkUnavailable(Exception):
    """Bugsink cannot be installed or prepared here; the message says why."""


@dataclass(frozen=True)
class Project:
    """A project in Bugsink: where a test sends its events, and where it reads them back."""

    id: int
    dsn: str


@dataclass(frozen=True)
class Bugsink:
    """A running server.

    Args:
        url: Its base URL.
        folder: Holds its databases and its log.
        token: Gives access to its API.
    """

    url: str
    folder: Path
    token: str = field(repr=False)

    def new_project(self, name: str) -> Project:
        """Create a project, with its own team."""
        team = self._api("POST", "teams/", json={"name": f"team of {name}"})
        created = self._api("POST", "projects/", json={"team": team["id"], "name": name})
        project = self._api("GET", f"projects/{created['id']}/")
        return Project(id=int(created["id"]), dsn=project["dsn"])

    def issues(self, project: Project) -> list[dict[str, Any]]:
        """Return the project's issues."""
        return list(self._all(f"issues/?project={project.id}"))

    def events(self, project: Project) -> list[dict[str, Any]]:
        """Return the project's events, as they were sent, of all issues."""
        return [
            self._api("GET", f"events/{event['id']}/")["data"]
            for issue in self.issues(project)
            for event in self._all(f"events/?issue={issue['id']}")
        ]

    def stored_bytes(self) -> bytes:
        """Return everything that the server keeps: its files as they are, and every value of its database.

        The values are included because SQLite may split one into pieces within its files.
        """
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return b"\n".join([*(path.read_bytes() for path in files), *self._values()])

    def _values(self) -> Iterator[bytes]:
        with closing(sqlite3.connect(f"file:{self.folder}/db.sqlite3?mode=ro", uri=True)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                for row in database.execute(f'SELECT * FROM "{table}"'):
                    yield from (value if isinstance(value, bytes) else str(value).encode() for value in row)

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        following: str | None = path
        while following:
            page = self._api("GET", following)
            yield from page["results"]
            following = page["next"]

    def _api(self, method: str, path: str, json: object = None) -> Any:
        response = httpx.request(
            method,
            str(httpx.URL(f"{self.url}/api/canonical/0/").join(path)),
            json=json,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30.0,
            trust_env=False,
        )
        if not response.is_success:
            raise AssertionError(f"Bugsink: {method} {path}: {response.status_code} {response.text[:500]}")
        return response.json()


@contextmanager
def running_bugsink(folder: Path) -> Iterator[Bugsink]:
    """Run a server with an empty database of its own in `folder`, for the duration of a `with` block.

    Raises:
        BugsinkUnavailable: It cannot be installed here.
        ServiceError: It did not start.
    """
    home = _prepared()
    template = home / "prepared"
    for name in ("bugsink_conf.py", "db.sqlite3", "snappea.sqlite3"):
        shutil.copy(template / name, folder / name)
    port = free_port()
    with (folder / "bugsink_conf.py").open("a") as conf:
        conf.write(_SETTINGS.format(host=_HOST, port=port, folder=str(folder)))
    url = f"http://{_HOST}:{port}"
    # One worker: its digestion is synchronous, so an event that was answered is stored.
    binding = ["--bind", f"{_HOST}:{port}", "--workers=1", "--threads=4", "--graceful-timeout=1"]
    with Process(
        [str(_python(home)), "-m", "gunicorn", *binding, "bugsink.wsgi"],
        ready=answers(f"{url}/health/ready"),
        log=folder / "server.log",
        environ=_environ(folder),
        folder=folder,
    ):
        yield Bugsink(url=url, folder=folder, token=(template / "token").read_text().strip())


def _prepared() -> Path:
    """Return the folder with environment and database; they are made on first use."""
    home = _CACHE / f"{VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"
    home.mkdir(parents=True, exist_ok=True)
    done = home / "done"
    with _locked(home / "lock"):
        if not done.exists():
            _install(home)
            _prepare_database(home)
            done.touch()
    return home


def _install(home: Path) -> None:
    _run([sys.executable, "-m", "venv", "--clear", str(home / "venv")], home, os.environ)
    pip = [str(_python(home)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, f"bugsink=={VERSION}"], home, os.environ)


def _prepare_database(home: Path) -> None:
    folder = home / "prepared"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    commands = home / "venv" / "bin"
    environ = _environ(folder)
    _run([str(commands / "bugsink-create-conf"), "--template=local", f"--host={_HOST}"], folder, environ)
    conf = folder / "bugsink_conf.py"
    plain = conf.read_text()
    conf.write_text(plain + _SETTINGS.format(host=_HOST, port=0, folder=str(folder)))
    manage = str(commands / "bugsink-manage")
    _run([manage, "migrate", "-v0"], folder, environ)
    _run([manage, "migrate", "-v0", "--database=snappea"], folder, environ)
    token = _run([manage, "create_auth_token"], folder, environ).split()[-1]
    (folder / "token").write_text(token)
    conf.write_text(plain)  # every server adds the settings of its own folder


def _python(home: Path) -> Path:
    return home / "venv" / "bin" / "python"


def _environ(folder: Path) -> dict[str, str]:
    """Return an environment that holds nothing of the tests' own: no DSN, no interpreter's settings."""
    return {
        "DJANGO_SETTINGS_MODULE": "bugsink_conf",
        "HOME": str(folder),
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(folder),
        "TMPDIR": str(folder),
    }


def _run(command: list[str], folder: Path, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        # The last lines only: indexes' addresses stand further up.
        reason = output[-1] if output else type(error).__name__
        raise BugsinkUnavailable(f"Bugsink {VERSION} cannot be set up here: {reason}") from error
    return done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep a second test run from preparing the same folder at the same time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
