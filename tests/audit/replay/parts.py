"""What each process of the replay does, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Part:
    """One process.

    A failing call of our backend is one real HTTP request inside a span of the application's own. Where
    Sentry is on, the application captures its error under the five tags; where logs are on, it logs the
    failure's text. So one call gives an HTTP span, a span above it, an event and a log record.

    Args:
        name: Names it; its place in the fleet.
        release: The application's release.
        listens: Whether the application has subscribed to `SessionExpired`.
        sentry: Whether it has Sentry.
        logs: Whether it logs its failures through OpenTelemetry.
        shares: Whether it shares its sessions over Redis.
        first_calls: Failing calls with the first session.
        reports: Failures reported with `guard.report`, after those calls.
        refused: Work that the closed gate refuses, after those reports.
        refusals_reported: How many of those refusals the application reports to Sentry, as errors.
        renewals: Sign-ins that name the new credential: the first follows the refusals, the second the
            `second_calls`.
        late_calls: Failing calls with the first session that are in flight during the first renewal.
        old_calls: Failing calls with the first session that are begun after the first renewal.
        second_calls: Failing calls with the second session.
        third_party_calls: Rejected calls of another provider, whose errors are captured under its own name.
        third_party_reports: The same, reported with `guard.report`.
        server_errors: Failures of our backend with status 500, reported with `guard.report`.
        healthy: Events, spans and log records each that have nothing to do with any of this.
        secrets: Events, spans and log records each that hold one secret.
        unredactable: Events whose redaction raises.
        unknown_items: Envelope items of a type that nobody knows.
    """

    name: str
    release: str
    listens: bool = True
    sentry: bool = True
    logs: bool = True
    shares: bool = False
    first_calls: int = 0
    reports: int = 0
    refused: int = 0
    refusals_reported: int = 0
    renewals: int = 0
    late_calls: int = 0
    old_calls: int = 0
    second_calls: int = 0
    third_party_calls: int = 0
    third_party_reports: int = 0
    server_errors: int = 0
    healthy: int = 0
    secrets: int = 0
    unredactable: int = 0
    unknown_items: int = 0


PARTS = (
    Part(
        name="web-1",
        release="shop@2.0",
        shares=True,
        first_calls=40,
        reports=3,
        refused=25,
        refusals_reported=8,
        renewals=2,
        late_calls=4,
        old_calls=5,
        second_calls=6,
        third_party_calls=5,
        third_party_reports=2,
        server_errors=3,
        healthy=20,
        secrets=4,
        unredactable=2,
        unknown_items=1,
    ),
    Part(
        name="web-2",
        release="shop@2.0",
        first_calls=30,
        refused=17,
        renewals=1,
        second_calls=5,
        third_party_calls=2,
        healthy=10,
        secrets=1,
    ),
    # Nobody listens: Sentry has to show the dead session, once.
    Part(name="cron", release="shop@1.9", listens=False, first_calls=12, refused=3, healthy=5),
    # Nobody listens, and nothing here can show it: a dead session that is hidden.
    Part(name="headless", release="shop@1.9", listens=False, sentry=False, logs=False, first_calls=7),
)
"""The fleet."""
