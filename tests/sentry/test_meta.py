"""The remarks about what was removed, in Sentry's own format, as Sentry's own code reads them."""

from __future__ import annotations

import pytest

from sentry_filters.redaction import REDACTED, WITHHELD, Finding, Redactor
from sentry_filters.sentry.meta import meta_of

KEY = "sk-" + "proj-Zq8vT1mB4xK7pL2wN9sR"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def test_remarks_say_where_the_mark_is_and_how_long_the_text_was(redactor: Redactor) -> None:
    text = f"é used {KEY} twice: {KEY}"

    scrubbed = redactor.scrub({"exception": {"values": [{"value": text}]}})

    # Sentry counts the positions in bytes, the length in characters.
    remarks = [["@openai", "s", 8, 18], ["@openai", "s", 26, 36]]
    assert meta_of(scrubbed.findings) == {
        "exception": {"values": {"0": {"value": {"": {"rem": remarks, "len": len(text)}}}}}
    }


def test_what_is_removed_because_of_its_key_gets_a_remark_too(redactor: Redactor) -> None:
    scrubbed = redactor.scrub(
        {"password": "hunter2", "Authorization": "Bearer hunter2", "number": {"password": 123456}}
    )

    assert meta_of(scrubbed.findings) == {
        "password": {"": {"rem": [["@key", "s", 0, 10]], "len": 7}},
        "Authorization": {"": {"rem": [["@key", "s", 7, 17]], "len": 14}},
        "number": {"password": {"": {"rem": [["@key", "s", 0, 10]]}}},
    }


def test_a_finding_never_holds_the_secret(redactor: Redactor) -> None:
    scrubbed = redactor.scrub({"a": [f"token={KEY}"], "password": "hunter2"})

    assert [finding.path for finding in scrubbed.findings] == [("a", 0), ("password",)]
    assert KEY not in repr(scrubbed.findings)
    assert "hunter2" not in repr(scrubbed.findings)


def test_what_was_withheld_gets_a_remark(redactor: Redactor) -> None:
    cycle: list[object] = []
    cycle.append(cycle)

    assert redactor.scrub(cycle).findings == (Finding((0,), "withheld", 0, len(WITHHELD), None),)


def test_sentrys_own_code_reads_the_remarks(redactor: Redactor) -> None:
    processing = pytest.importorskip("sentry_relay.processing", reason="sentry-relay is not installed")
    scrubbed = redactor.scrub({"message": f"é used {KEY} once"})
    assert isinstance(scrubbed.value, dict)
    event = {**scrubbed.value, "_meta": meta_of(scrubbed.findings)}

    normalised = processing.StoreNormalizer(project_id=1, protocol_version="7").normalize_event(event)
    remarks = normalised["_meta"]["logentry"]["formatted"][""]["rem"]
    chunks = processing.split_chunks(normalised["logentry"]["formatted"], remarks)

    assert [chunk["text"] for chunk in chunks] == ["é used ", REDACTED, " once"]
    assert chunks[1]["rule_id"] == "@openai"


def test_a_renamed_key_concerns_its_container_and_no_value(redactor: Redactor) -> None:
    scrubbed = redactor.scrub({"extra": {KEY: "a harmless value", f"{KEY}2": f"x {KEY}"}})

    assert scrubbed.value == {"extra": {REDACTED: "a harmless value", f"{REDACTED}-2": f"x {REDACTED}"}}
    assert meta_of(scrubbed.findings) == {
        "extra": {
            "": {"rem": [["@key", "s"], ["@key", "s"]]},
            f"{REDACTED}-2": {"": {"rem": [["@openai", "s", 2, 12]], "len": len(KEY) + 2}},
        }
    }


def test_what_is_below_an_empty_key_gets_its_remark_at_the_parent(redactor: Redactor) -> None:
    scrubbed = redactor.scrub({"a": {"": {"b": KEY}, "c": KEY}, KEY: {"": {KEY: None}}})

    assert meta_of(scrubbed.findings)["a"] == {
        "": {"rem": [["@openai", "s"]]},
        "c": {"": {"rem": [["@openai", "s", 0, 10]], "len": len(KEY)}},
    }
