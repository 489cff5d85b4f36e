"""Recorded spans and reports, decided by a Collector's conditions; the data may lie beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sentry_filters import Policy
from tests.targets.collector.ottl_reading import ENUMS, Record, holds
from tests.targets.collector.test_conditions import filters
from tests.test_recorded import WORDS

DATA = Path(__file__).resolve().parents[3] / "shared" / "recognition"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the recorded failures are not here; the project's own tests cover their forms"
)
STATUS = ("http.response.status_code", "http.status_code")


def recorded(name: str) -> list[Any]:
    path = DATA / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [pytest.param(record, id=record["id"]) for record in map(json.loads, lines)]


def drops(span: Any, host: str) -> bool:
    policy = Policy(provider="OpenHuman", hosts={host}, not_session_codes=())
    fields = {
        "kind": ENUMS[f"SPAN_KIND_{span['kind'].rpartition('.')[2].upper()}"],
        "status.code": ENUMS[f"STATUS_CODE_{span['status']['status_code']}"],
        "status.message": span["status"].get("description") or "",
    }
    record = Record(span["attributes"], fields)
    return any(holds(condition, record) for condition in filters(policy)["traces"]["span"])


@pytest.mark.parametrize("capture", recorded("captures.jsonl"))
def test_spans(capture: Any) -> None:
    for span in capture.get("spans") or ():
        dropped = drops(span, capture["host"])
        assert not drops(span, "other.example")
        if span["expect"] in ("keep", "demote"):
            assert not dropped
        # A chat span carries no status: only the Python filter knows what happened under it.
        statuses = [span["attributes"][name] for name in STATUS if name in span["attributes"]]
        if span["expect"] == "drop" and statuses:
            # A 403 needs the backend's own body, which no span holds.
            assert dropped is (403 not in statuses)


@pytest.mark.parametrize("record", recorded("cases.jsonl"))
def test_reports_as_log_records(record: Any) -> None:
    policy = Policy(provider="OpenHuman", not_session_codes=())
    reported = Record(record["tags"], {"body": record["message"]})
    dropped = any(holds(condition, reported) for condition in filters(policy)["logs"]["log_record"])

    if record["expect"] in ("drop", "keep"):
        assert dropped is (record["expect"] == "drop" and record["id"] not in WORDS)
