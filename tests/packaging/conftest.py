"""One build, and one environment for each question, for all tests of what is published."""

from __future__ import annotations

import pytest

from tests.packaging.building import Built, Environment, built, installed


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Wheel and sdist of this checkout."""
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def bare(distributions: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and what it requires."""
    return installed(tmp_path_factory.mktemp("bare") / "venv", str(distributions.wheel))


@pytest.fixture(scope="session")
def with_otlp(distributions: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and its extra `otlp`."""
    return installed(tmp_path_factory.mktemp("otlp") / "venv", f"{distributions.wheel}[otlp]")
