"""Failures recorded elsewhere, with the expected decisions; the data may be beside the repository."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sentry_filters import Policy, SessionGuard, recognise
from sentry_filters.evidence import failure_of_tags

DATA = Path(__file__).resolve().parents[2] / "shared" / "recognition"
# Text that may be quoted only corroborates: by itself it is kept.
WORDS = {
    "4p0-web-channel-run-chat-task": "the wire text does not begin the message: it is behind `error=`",
    "prn-tinyagents-harness": "the wire text does not begin the message, and tags are missing",
}
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the recorded failures are not here; the project's own tests cover their forms"
)


def recorded(name: str) -> list[Any]:
    path = DATA / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [pytest.param(record, id=record["id"]) for record in map(json.loads, lines)]


def guard_of(*hosts: str) -> SessionGuard:
    policy = Policy(provider="OpenHuman", hosts=set(hosts), not_session_codes=())
    return SessionGuard(policy, lambda event: None)


def assert_decided(expected: str, *, dropped: bool) -> None:
    if expected in ("drop", "keep"):
        assert ("drop" if dropped else "keep") == expected


@pytest.mark.parametrize("record", recorded("cases.jsonl"))
@pytest.mark.parametrize("pairs", [False, True], ids=["dict", "pairs"])
@pytest.mark.parametrize("shape", ["exception", "logentry", "message"])
def test_reported_failure(record: Any, pairs: bool, shape: str) -> None:
    tags = {**record["tags"]}
    if "status" in tags:
        tags["status"] = int(tags["status"])
    text = {
        "exception": {"exception": {"values": [{"type": "Error", "value": record["message"]}]}},
        "logentry": {"logentry": {"message": record["message"]}},
        "message": {"message": record["message"]},
    }[shape]
    event = {"tags": [list(pair) for pair in tags.items()] if pairs else tags, **text}

    if record["id"] in WORDS:
        tags_only = failure_of_tags(tags, text=record["message"])
        assert recognise(tags_only, guard_of().policy).grade == "words", WORDS[record["id"]]
        return
    assert_decided(record["expect"], dropped=guard_of().before_send(event, {}) is None)


def rebuilt(link: Any) -> BaseException | None:
    """Rebuild a recorded exception, with its chain."""
    if link is None:
        return None
    error: Any = type(link["class"].rpartition(".")[2], (Exception,), {})(link["str"])
    for name, value in link["attributes"].items():
        setattr(error, name, value)
    if link.get("request"):
        error.request = SimpleNamespace(url=link["request"]["url"])
    if link.get("response"):
        facts = link["response"]
        error.response = SimpleNamespace(
            status_code=facts["status_code"], url=facts["url"], text=facts["text"], extensions={}
        )
    error.__cause__, error.__context__ = rebuilt(link.get("cause")), rebuilt(link.get("context"))
    error.__suppress_context__ = link["suppress_context"]
    assert isinstance(error, BaseException)
    return error


def hint_of(report: Any, exception: Any) -> dict[str, object]:
    error = rebuilt(exception)
    if report["hint_exception"] == "wrapped":
        wrapped = RuntimeError("chat_completions backend failed")
        wrapped.__cause__ = error
        error = wrapped
    if report["hint"] == "exc_info":
        return {"exc_info": (type(error), error, None)}
    return {"log_record": logging.LogRecord("agent", logging.ERROR, "f", 1, "m", (), None)}


@pytest.mark.parametrize("record", recorded("captures.jsonl"))
@pytest.mark.parametrize("host", ["own", "other"])
def test_captured_exceptions_and_events(record: Any, host: str) -> None:
    hosts, key = (record["host"], "expect") if host == "own" else ("other.example", "expect_other_host")
    exception = record.get("exception")
    if exception is not None:
        error = rebuilt(exception)
        hint: dict[str, Any] = {"exc_info": (type(error), error, None)}
        assert_decided(exception[key], dropped=guard_of(hosts).before_send({}, hint) is None)
    for report in record.get("sentry_events", ()):
        hint = hint_of(report, exception)
        assert_decided(report[key], dropped=guard_of(hosts).before_send(report["event"], hint) is None)
        if host == "own":
            bare = guard_of(hosts).before_send(report["event"], {})
            assert_decided(report["expect_without_hint"], dropped=bare is None)


@pytest.mark.parametrize("record", recorded("captures.jsonl"))
@pytest.mark.parametrize("host", ["own", "other"])
def test_captured_transactions_and_logs(record: Any, host: str) -> None:
    hosts, key = (record["host"], "expect") if host == "own" else ("other.example", "expect_other_host")
    for transaction in record.get("transactions", ()):
        event = {"contexts": {"trace": transaction["trace"]}, "spans": transaction["spans"]}
        kept = {
            span["span_id"]
            for span in guard_of(hosts).sentry_options()["before_send_transaction"](event, {})["spans"]
        }
        for span in transaction["spans"]:
            assert_decided(span[key], dropped=span["span_id"] not in kept)
    for log in record.get("sentry_logs", ()):
        assert_decided(log[key], dropped=guard_of(hosts).sentry_options()["before_send_log"](log, {}) is None)
