"""What is compared, on XML as pytest writes it."""

from __future__ import annotations

from pathlib import Path

from tests.peers.results import Difference, Result, differences, passed, reached, read

_CASE = '<testcase classname="tests.test_it.TestIt" name="{name}" file="tests/test_it.py">{inside}</testcase>'
_FAILURE = '<failure message="assert 1 == 2&#10;  more">…</failure>'
_ERROR = '<error message="at teardown">…</error>'
_SKIPPED = '<skipped type="pytest.skip" message="not here">…</skipped>'
_NOTED = '<properties><property name="guard" value="True"/><property name="{}" value="2"/></properties>'
_GUARDED, _FAULTY = _NOTED.format("theirs"), _NOTED.format("faults/hook")


def results_of(folder: Path, *cases: tuple[str, str]) -> dict[str, Result]:
    """Read a file of these tests, each with what its element holds."""
    path = folder / "results.xml"
    inside = "".join(_CASE.format(name=name, inside=each) for name, each in cases)
    path.write_text(f'<testsuites><testsuite name="pytest">{inside}</testsuite></testsuites>', "utf-8")
    return {test.removeprefix("tests.test_it.TestIt::"): result for test, result in read(path).items()}


def test_outcomes_are_read(tmp_path: Path) -> None:
    results = results_of(
        tmp_path,
        ("test_passes", _GUARDED),
        ("test_fails[a-1]", _FAILURE),
        ("test_fails_in_teardown", ""),
        ("test_fails_in_teardown", _ERROR),
        ("test_fails_twice", _FAILURE),
        ("test_fails_twice", _ERROR),
        ("test_is_skipped", _SKIPPED),
        ("test_leads_to_faults", _FAULTY),
    )

    assert {test: (result.outcome, result.message, result.counted) for test, result in results.items()} == {
        "test_passes": ("passed", "", ()),
        "test_fails[a-1]": ("failed", "assert 1 == 2 more", ()),
        "test_fails_in_teardown": ("failed", "at teardown", ()),
        "test_fails_twice": ("failed", "assert 1 == 2 more", ()),
        "test_is_skipped": ("skipped", "not here", ()),
        "test_leads_to_faults": ("passed", "", ("faults/hook 2",)),
    }
    assert {result.file for result in results.values()} == {"tests/test_it.py"}
    assert (passed(results), reached(results)) == (2, 2)


def test_what_passed_before_and_does_not_now_differs(tmp_path: Path) -> None:
    without = results_of(
        tmp_path,
        *((name, "") for name in ("test_same", "test_fails", "test_skips", "test_is_lost", "test_faulty")),
        ("test_failed_before", _FAILURE),
        ("test_skipped_before", _SKIPPED),
    )
    guarded = results_of(
        tmp_path,
        ("test_same", _GUARDED),
        ("test_fails", _FAILURE),
        ("test_skips", _SKIPPED),
        ("test_faulty", _FAULTY),
        ("test_failed_before", _FAILURE),
        ("test_skipped_before", _FAILURE),
        ("test_of_its_own", _FAILURE),
    )

    assert list(differences(without, guarded)) == [
        Difference("test_fails", "tests/test_it.py", "failed: assert 1 == 2 more"),
        Difference("test_skips", "tests/test_it.py", "skipped: not here"),
        Difference("test_is_lost", "tests/test_it.py", "not run: "),
        Difference("test_faulty", "tests/test_it.py", "counted: faults/hook 2"),
    ]


def test_equal_runs_do_not_differ(tmp_path: Path) -> None:
    results = results_of(tmp_path, ("test_passes", ""), ("test_fails", _FAILURE))

    assert list(differences(results, results)) == []
