"""A ledger on disk, and looking into it; the ClickHouse engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.audit.clickhouse import ClickHouse, clickhouse_in
from tests.audit.replay.run import Replay, replayed

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger lies."""
    return tmp_path / "ledger.db"


@pytest.fixture
def ask(path: Path) -> Ask:
    """Query the ledger as anybody else would."""

    def asked(sql: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()

    return asked


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """The one ClickHouse engine of the run; a test has databases of its own, and creates the views anew."""
    with clickhouse_in(tmp_path_factory.mktemp("clickhouse")) as engine:
        yield engine


@pytest.fixture(scope="session")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """A small fleet's bad day, once for the run; `tests.audit.replay.known` says what it comes to."""
    with replayed(tmp_path_factory.mktemp("replay")) as done:
        yield done


@pytest.fixture(scope="module")
def replay_in_clickhouse(clickhouse: ClickHouse, replay: Replay) -> ClickHouse:
    """What the Collector would have stored of the replay, in the database `replay`, and the views over it."""
    clickhouse.create_exporter_tables("replay", "newer")
    clickhouse.load("replay", "newer", replay.posted)
    return clickhouse
