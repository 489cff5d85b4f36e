"""What contributors are given is in step with the project: commands, hooks, CI and forms."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.versions import PYTHONS

ROOT = Path(__file__).resolve().parents[1]
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands_of(target: str) -> list[str]:
    """The commands of a target of the Makefile, in the environment that it names."""
    [recipe] = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", text_of("Makefile"), re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]


def test_hooks_call_what_the_makefile_calls() -> None:
    [repository] = yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"]
    hooks = repository["hooks"]

    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in hooks] == [*commands_of("lint"), *commands_of("types")]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["pass_filenames"] for hook in hooks} == {False}


@pytest.mark.promise("pythons")
def test_ci_runs_make_test_on_every_python_and_may_only_read() -> None:
    workflow = yaml.safe_load(text_of(".github/workflows/test.yml"))
    [job] = workflow["jobs"].values()
    classifiers = tomllib.loads(text_of("pyproject.toml"))["project"]["classifiers"]

    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 reads `on` as a truth value
    assert workflow["permissions"] == {"contents": "read"}
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test"]
    assert job["strategy"]["matrix"]["python"] == list(PYTHONS)
    assert tomllib.loads(text_of("pyproject.toml"))["project"]["requires-python"] == f">={PYTHONS[0]}"
    assert [f"Programming Language :: Python :: {python}" for python in PYTHONS] == [
        one for one in classifiers if re.search(r":: 3\.\d+$", one)
    ]


@pytest.mark.promise("make-test")
def test_make_test_is_lint_types_and_all_tests_on_the_newest_and_the_lowest_dependencies() -> None:
    [needed] = re.findall(r"^test: (.*?) *##", text_of("Makefile"), re.MULTILINE)
    [lowest] = re.findall(r"^HOLDS_\$\(LOWEST\) := (.*)$", text_of("Makefile"), re.MULTILINE)
    made, limits = commands_of("test")
    run = {name: " ".join(commands_of(name)) for name in ("quick", "servers", "lowest")}

    assert {"lint", "types"} <= set(needed.split())
    assert " quick servers lowest  #" in made
    assert limits.endswith(" limits")
    assert [int(one) for one in re.findall(r"--fail-under=(\d+)", " ".join(commands_of("limits")))] == [
        100,
        95,
    ]
    assert all(' -m "not integration" ' in run[name] for name in ("quick", "lowest"))
    assert " -m integration " in run["servers"]
    assert "--resolution lowest-direct" in lowest


@pytest.mark.parametrize(
    "form", [form for form in FORMS if form.stem != "config"], ids=lambda form: form.stem
)
def test_a_form_can_be_shown(form: Path) -> None:
    content: dict[str, Any] = yaml.safe_load(form.read_text(encoding="utf-8"))
    fields = [part for part in content["body"] if part["type"] != "markdown"]

    assert content["name"]
    assert content["description"]
    assert fields
    assert all(field["attributes"]["label"] for field in fields)
    assert len({field["id"] for field in fields}) == len(fields)


def test_there_is_a_form_for_each_purpose() -> None:
    assert [form.stem for form in FORMS] == ["bug", "config", "feature", "question"]


def test_secrets_are_reported_privately() -> None:
    assert "[SECURITY.md](../security/policy)" in text_of(".github/ISSUE_TEMPLATE/bug.yml")
    assert "[SECURITY.md](SECURITY.md)" in text_of("CONTRIBUTING.md")


def test_the_guide_names_commands_and_files_that_exist() -> None:
    guide = text_of("CONTRIBUTING.md")
    targets = {
        target for line in re.findall(r"make ((?:[a-z-]+ ?)+)", guide) for target in line.split() if target
    }
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", guide)
    paths = re.findall(r"`?\b((?:tests|docs|sentry_filters)/[\w/-]*(?:\.\w+)?)", guide)

    assert all(f"\n{target}:" in text_of("Makefile") for target in targets)
    assert [path for path in (*links, *paths) if not (ROOT / path).exists()] == []


def test_the_readme_leads_to_both_guides() -> None:
    readme = text_of("README.md")

    assert "(CONTRIBUTING.md)" in readme
    assert "(docs/architecture.md)" in readme
