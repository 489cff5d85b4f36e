"""The differences that are meant: which tests, why, and which document says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Meant:
    """One kind of difference.

    Args:
        why: What the guard does otherwise, and the tests ask for.
        where: The document that says so, in the checkout.
        suites: The suites in which it is seen.
        tests: Patterns of the tests; `*` stands for anything, all else for itself. Each has to match.
    """

    why: str
    where: str
    suites: tuple[str, ...]
    tests: tuple[str, ...]

    def matches(self, suite: str, test: str) -> bool:
        """Say whether a difference is of this kind."""
        return suite in self.suites and any(matches(pattern, test) for pattern in self.tests)


def matches(pattern: str, test: str) -> bool:
    """Say whether a pattern fits a test: brackets, which parameters are in, stand for themselves."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), test, re.DOTALL) is not None


def stale(rows: Iterable[Meant], seen: Iterable[tuple[str, str]], ran: Iterable[str]) -> Iterator[str]:
    """Yield the patterns that no difference matches any more, of rows whose suites all ran.

    Args:
        rows: The table.
        seen: Suite and test of every difference.
        ran: The suites that ran.
    """
    differing, suites = list(seen), set(ran)
    for row in rows:
        if suites.issuperset(row.suites):
            for pattern in row.tests:
                if not any(suite in row.suites and matches(pattern, test) for suite, test in differing):
                    yield pattern


MEANT: Final[tuple[Meant, ...]] = (
    Meant(
        why="The SDK does not warn that Spotlight's option takes precedence: the guard reads the variable.",
        where="docs/how-to/spotlight-and-printer.md",
        suites=("sentry-core",),
        tests=("tests.test_spotlight::test_spotlight_config_url_overrides_env_url_with_warning",),
    ),
    Meant(
        why="Spotlight's Django toolbar stays off: Spotlight is served by the guard's transport.",
        where="docs/how-to/spotlight-and-printer.md",
        suites=("sentry-django",),
        tests=(
            "tests.integrations.django.test_basic::test_ensures_spotlight_middleware_when_spotlight_is_enabled",
        ),
    ),
    Meant(
        why="The value of every cookie goes, whatever its name.",
        where="docs/redaction.md",
        suites=("sentry-core", "sentry-web", "sentry-django"),
        tests=(
            "tests.test_scrubber::test_request_scrubbing",
            "tests.integrations.django.test_data_scrubbing::test_data_collection_cookies[allowlist*]",
            "tests.integrations.django.test_data_scrubbing::test_data_collection_cookies[cookies-omitted-*]",
            "tests.integrations.django.test_data_scrubbing::test_data_collection_cookies[denylist-default]",
            "tests.integrations.django.test_data_scrubbing::test_data_collection_cookies_precedence_*",
            "tests.integrations.django.test_data_scrubbing::test_scrub_django_custom_session_cookies_filtered",
            "tests.integrations.django.test_data_scrubbing::test_scrub_django_session_cookies_filtered",
            "tests.integrations.fastapi.test_fastapi::test_request_body_too_big[*]",
            "tests.integrations.fastapi.test_fastapi::test_request_info_json_body[*]",
            "tests.integrations.starlette.test_starlette::test_cookie_data_collection[data_collection_allowlist]",
            "tests.integrations.starlette.test_starlette::test_cookie_data_collection[data_collection_denylist_*]",
            "tests.integrations.starlette.test_starlette::test_cookie_data_collection[data_collection_wins_*]",
            "tests.integrations.starlette.test_starlette::test_cookie_data_collection[send_default_pii_true]",
            "tests.integrations.starlette.test_starlette::test_request_body_too_big[*]",
            "tests.integrations.starlette.test_starlette::test_request_info_json_body[*]",
        ),
    ),
    Meant(
        why="A form's password goes, which the SDK leaves in the body that is on a streamed span.",
        where="docs/redaction.md",
        suites=("sentry-web",),
        tests=(
            "tests.integrations.fastapi.test_fastapi::test_formdata_request_body[True]",
            "tests.integrations.starlette.test_starlette::test_formdata_request_body[True]",
        ),
    ),
    Meant(
        why="A method that a test assigns to `client.transport` is not called by the transport that sends.",
        where="docs/how-to/keep-hooks-and-transport.md",
        suites=("sentry-core",),
        tests=(
            "tests.test_transport::test_data_category_limits[*",
            "tests.test_transport::test_data_category_limits_reporting[*",
        ),
    ),
    Meant(
        why="A client of httpx that is instrumented has another event hook: the tests count them.",
        where="docs/how-to/whose-calls.md",
        suites=("openai",),
        tests=("tests.lib.test_azure_redirects::test_*sync_shared_client_and_explicit_credentials[*",),
    ),
    Meant(
        why="The exporter that a processor has is ours, around the one that it was given.",
        where="docs/opentelemetry.md",
        suites=("otel-sdk",),
        tests=(
            "tests.logs.test_export.TestBatchLogRecordProcessor::test_args*",
            "tests.logs.test_export.TestBatchLogRecordProcessor::test_env_vars",
            "tests.trace.export.test_export.TestBatchSpanProcessor::test_get_span_exporter",
        ),
    ),
)
