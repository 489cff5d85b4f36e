"""What telemetry and the audit are told of texts: short, redacted, and nothing that controls a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sentry_filters import Policy
from sentry_filters.core.records import Labels, expiry_attributes
from tests.support.expiries import expiry

POLICY = Policy(provider="OpenHuman", hosts={"api.example.ai"})


class Marks:
    """Marks what it has seen."""

    def redact(self, text: str) -> str:
        if "raise" in text:
            raise LookupError(text)
        if text == "nothing is left":
            return ""
        return f"<{text}>"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (None, None),
        ("OpenHuman", "OpenHuman"),
        ("another", "<another>"),
        ("x" * 300, f"<{'x' * 199}"),
        ("half \ud800", "<half ?>"),
        ("raise", "[WITHHELD]"),
    ],
)
def test_a_label_is_short_redacted_and_can_be_encoded(text: str | None, label: str | None) -> None:
    assert Labels(Marks(), (POLICY,)).of(text) == label


@pytest.mark.parametrize(
    ("id_", "label"),
    [
        (None, None),
        ("0f" * 16, "0f" * 16),
        ("0f" * 16 + "a", f"<{'0f' * 16}a>"),
        ("not hex", "<not hex>"),
    ],
)
def test_an_id_of_hex_digits_needs_no_redaction(id_: str | None, label: str | None) -> None:
    assert Labels(Marks(), (POLICY,)).of_id(id_) == label


def test_a_label_in_a_line_controls_no_terminal() -> None:
    labels = Labels(Marks(), (POLICY,))

    assert labels.of_line("a b\n\x1b[31m") == "<a b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m>"
    assert labels.of_line("") == "<>"
    assert labels.of_line("nothing is left") == ""


@pytest.mark.parametrize("handled", [True, False])
def test_an_expiry_is_attributes_of_what_is_known(handled: bool) -> None:
    event = replace(expiry(), session="a" * 12)
    attributes = {
        "sentry_filters.expiry": event.id,
        "sentry_filters.handled": handled,
        "sentry_filters.source": event.source,
        "sentry_filters.provider": event.provider,
        "sentry_filters.operation": event.operation,
        "sentry_filters.reason": event.reason,
        "sentry_filters.confirmed": event.confirmed,
        "http.response.status_code": event.status,
        "session.id": "a" * 12,
    }

    assert expiry_attributes(event, handled=handled) == attributes
    del attributes["session.id"]
    assert expiry_attributes(replace(event, session=None), handled=handled) == attributes
