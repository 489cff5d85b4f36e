"""What a report says, in each of its forms."""

from __future__ import annotations

import json
import pickle

import pytest

from sentry_filters.testing import CheckedPath, LeakError, Outcome, Report

CLEAN = CheckedPath(path="sentry event: tag", outcome=Outcome.CLEAN)


def report(*paths: CheckedPath) -> Report:
    return Report(paths=paths, seconds=0.25)


@pytest.mark.parametrize("outcome", [Outcome.LEAK, Outcome.BYPASS, Outcome.WRONG, Outcome.FAULT])
def test_a_failure_is_raised_with_its_place(outcome: Outcome) -> None:
    failed = report(CLEAN, CheckedPath(path="sentry log: body", outcome=outcome, detail="through X"))

    assert not failed.is_clean
    with pytest.raises(LeakError, match=rf"1 paths.*\n  sentry log: body: {outcome.value} \(through X\)"):
        failed.raise_for_leaks()


@pytest.mark.parametrize("outcome", [Outcome.NOT_COVERED, Outcome.OFF])
def test_what_is_not_known_is_no_failure_and_not_clean(outcome: Outcome) -> None:
    unknown = report(CheckedPath(path="sentry log", outcome=outcome))

    unknown.raise_for_leaks()
    assert not unknown.is_clean
    assert report(CLEAN, *unknown.paths).is_clean


def test_the_error_survives_pickling() -> None:
    error = LeakError(report(CheckedPath(path="p", outcome=Outcome.LEAK)))

    again = pickle.loads(pickle.dumps(error))

    assert again.report == error.report
    assert str(again) == str(error)


def test_the_table_has_a_row_for_each_path() -> None:
    rows = [CheckedPath(path=f"path {outcome.value}", outcome=outcome, detail="why") for outcome in Outcome]

    lines = str(report(*rows)).splitlines()

    assert lines[0].split() == ["path", "covered", "clean"]
    assert [line.split("  ")[0].strip() for line in lines[1:]] == [row.path for row in rows]
    assert all(line.endswith("why") for line in lines[1:])


def test_json_holds_everything() -> None:
    data = json.loads(json.dumps(report(CLEAN).as_dict()))

    assert data == {
        "clean": True,
        "seconds": 0.25,
        "paths": [{"path": "sentry event: tag", "outcome": "clean", "detail": ""}],
    }
