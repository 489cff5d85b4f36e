"""Eight worker processes and a Redis, once for all rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.certainty.deployment import Workers


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with Workers(tmp_path_factory.mktemp("redis")) as workers:
        yield workers
