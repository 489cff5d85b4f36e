"""What the SDK has put into the place of a secret stays: it is not redacted once more."""

from __future__ import annotations

from typing import Any

import pytest
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.serializer import serialize
from sentry_sdk.utils import parse_url, sanitize_url

from sentry_filters import Redactor
from tests.support.secrets import fake

QUERY = "token=abc&color=red&password=hunter2"
URLS = [
    f"https://user:hunter2@example.com/path?{QUERY}#top",
    f"https://user:hunter2@example.com/path?{QUERY}",
    "https://user:hunter2@example.com/path#top",
    "http://example.com/?sig=x&api_key=y#/route/2?page=1",
    "http://example.com/?authorization=x#section-4.2",
]


@pytest.mark.parametrize("url", URLS)
def test_what_the_sdk_writes_of_a_url_stays(url: str) -> None:
    redactor, parsed = Redactor(), parse_url(url, sanitize=True)
    written = [
        str(sanitize_url(url)),
        parsed.url,
        parsed.query,
        f"{parsed.url}?{parsed.query}#{parsed.fragment}",
    ]

    assert "Filtered" in "".join(written)
    for text in written:
        assert redactor.redact(text) == text
        assert redactor.redact_value({"url": text, "http.query": text}) == {"url": text, "http.query": text}


def test_what_the_sdks_scrubber_writes_stays_with_what_it_says_about_it() -> None:
    event: Any = {
        "request": {
            "headers": {"Authorization": "Bearer x"},
            "cookies": {"sessionid": "z"},
            "data": {"password": "hunter2", "color": "red"},
        },
        "extra": {"api_key": "hunter2"},
    }
    EventScrubber(recursive=True).scrub_event(event)
    scrubbed = serialize(event)

    assert str(scrubbed).count("[Filtered]") == 4
    assert Redactor().redact_value(scrubbed) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2#top",
        "?token=%5BFiltered%5Dhunter2#top",
        "password=%5BFiltered%5D" + fake("", 24),
        "password=%5BFiltered%5D#" + fake("", 24),
        "https://user:%5BFiltered%5Dhunter2@example.com/",
    ],
)
def test_what_only_begins_like_a_placeholder_goes(text: str) -> None:
    assert "[REDACTED" in Redactor().redact(text)
