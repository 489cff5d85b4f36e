"""A canary for every place from which data leaves the Sentry SDK."""

from __future__ import annotations

import sys
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sentry_sdk
from sentry_sdk import logger, traces
from sentry_sdk.envelope import Envelope, Item, PayloadRef
from sentry_sdk.session import Session
from sentry_sdk.utils import event_from_exception

from sentry_filters.testing.canaries import Canaries
from sentry_filters.testing.sentry.stand_in import SentryRehearsal

OUTGOING = "outgoing header: baggage"
"""What trace propagation writes into the headers of the application's own requests."""

Send = Callable[[Canaries, SentryRehearsal], None]
IsOff = Callable[[SentryRehearsal], str]


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of thing that the SDK sends.

    Args:
        name: What its paths begin with.
        send: Sends one, with a canary in each place.
        off: Returns the option that would switch it on where it is off, else an empty text.
        withheld: Whether the guard withholds all of it.
    """

    name: str
    send: Send
    off: IsOff = lambda _: ""
    withheld: bool = False


class CanaryError(Exception):
    """What the check reports; never raised out of it."""


def _send_event(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    at = canaries.at
    isolation = sentry_sdk.get_isolation_scope()
    sentry_sdk.add_breadcrumb(
        category="check", message=at("event: breadcrumb"), data={"note": at("event: breadcrumb data")}
    )
    isolation.add_attachment(bytes=at("event: attachment").encode(), filename=f"{at('event: file name')}.txt")
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("note", at("event: tag"))
        scope.set_extra("note", {"deep": [at("event: extra")]})
        scope.set_context("check", {"note": at("event: context")})
        scope.set_user({"id": "canary", "username": at("event: user")})
        scope.set_transaction_name(at("event: transaction name"))
        _continue_trace(isolation, canaries, "event: trace header")
        event, hint = _raised(at("event: frame local"), at("event: exception"), rehearsal)
        event["logentry"] = {"message": at("event: message"), "params": [at("event: message argument")]}
        event["logger"] = at("event: logger")
        event["fingerprint"] = [at("event: fingerprint")]
        event["request"] = {
            "url": f"https://app.example.test/{urllib.parse.quote(at('event: request url'))}",
            "query_string": urllib.parse.urlencode({"q": at("event: request query")}),
            "data": {"note": at("event: request body")},
            "headers": {"x-note": at("event: request header")},
        }
        scope.capture_event(event, hint)
    isolation.clear()


def _send_transaction(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    at = canaries.at
    isolation = sentry_sdk.get_isolation_scope()
    _continue_trace(isolation, canaries, "transaction: trace header")
    transaction = sentry_sdk.continue_trace(
        _headers(canaries, "transaction: trace header"), op="check", name=at("transaction: name")
    )
    # Another instrumenter's spans are the only ones that are not ignored where it is switched on.
    instrumenter = rehearsal.client.options.get("instrumenter", "sentry")
    with sentry_sdk.start_transaction(transaction, instrumenter=instrumenter) as started:
        started.set_tag("note", at("transaction: tag"))
        started.set_data("note", at("transaction: data"))
        with started.start_child(
            op="check", name=at("transaction: span name"), instrumenter=instrumenter
        ) as span:
            span.set_data("note", at("transaction: span data"))
        with started.start_child(op="gen_ai.chat", name="canary", instrumenter=instrumenter) as span:
            span.set_data("gen_ai.request.messages", at("transaction: prompt"))
    isolation.clear()


def _send_streamed_span(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    with traces.start_span(name=canaries.at("streamed span: segment")):
        attributes: Any = {"note": canaries.at("streamed span: attribute")}
        with traces.start_span(name=canaries.at("streamed span: name"), attributes=attributes):
            pass
    rehearsal.flush()


def _send_log(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    logger.warning(canaries.at("log: body"), attributes={"note": canaries.at("log: attribute")})
    rehearsal.flush()


def _send_metric(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    sentry_sdk.metrics.count(
        canaries.at("metric: name"), 1, attributes={"note": canaries.at("metric: attribute")}
    )
    rehearsal.flush()


def _send_check_in(canaries: Canaries, _rehearsal: SentryRehearsal) -> None:
    config: Any = {
        "schedule": {"type": "crontab", "value": "0 0 * * *"},
        "owner": canaries.at("check-in: monitor config"),
    }
    sentry_sdk.crons.capture_checkin(monitor_slug="canary", status="ok", monitor_config=config)


def _send_session(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    session = Session(
        release="canary",
        environment=canaries.at("session: environment"),
        user={"username": canaries.at("session: user")},
        user_agent=canaries.at("session: user agent"),
    )
    envelope = Envelope()
    envelope.add_session(session)
    rehearsal.capture_envelope(envelope)


def _send_profile(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    envelope = Envelope()
    envelope.add_profile({"platform": "python", "transaction": {"name": canaries.at("profile: transaction")}})
    envelope.add_profile_chunk({"platform": "python", "note": canaries.at("profile: chunk")})
    rehearsal.capture_envelope(envelope)


def _send_client_report(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    # It should hold counts only.
    lost = [{"reason": canaries.at("client report: reason"), "category": "error", "quantity": 1}]
    rehearsal.capture_envelope(Envelope(items=[_item("client_report", discarded_events=lost)]))


def _send_envelope_headers(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    item = _item("client_report", discarded_events=[])
    item.headers["note"] = canaries.at("envelope: item header")
    headers: Any = {"trace": {"environment": canaries.at("envelope: trace header")}}
    rehearsal.capture_envelope(Envelope(headers=headers, items=[item]))


def _send_unknown(canaries: Canaries, rehearsal: SentryRehearsal) -> None:
    item = _item("canary_item", note=canaries.at("unknown item type"))
    rehearsal.capture_envelope(Envelope(items=[item]))


def _item(kind: str, **payload: object) -> Item:
    return Item(PayloadRef(json=payload), type=kind)


def outgoing_headers(canaries: Canaries, rehearsal: SentryRehearsal) -> bytes:
    """Return the headers that the SDK would add to an outgoing request; nothing where it adds none."""
    options = rehearsal.client.options
    if _no_tracing(rehearsal) or options.get("trace_propagation_targets") == []:
        return b""
    instrumenter = options.get("instrumenter", "sentry")
    with sentry_sdk.start_transaction(name=canaries.at(OUTGOING), instrumenter=instrumenter):
        return urllib.parse.unquote(sentry_sdk.get_baggage() or "").encode()


def _raised(local: str, message: str, rehearsal: SentryRehearsal) -> tuple[Any, dict[str, Any]]:
    try:
        raise CanaryError(message)  # noqa: TRY301 - for a traceback with this frame
    except CanaryError:
        event, hint = event_from_exception(sys.exc_info(), client_options=rehearsal.stand_in.options)
    assert local  # noqa: S101 - its only use is to be a local of this frame
    return event, dict(hint)


def _continue_trace(scope: sentry_sdk.Scope, canaries: Canaries, place: str) -> None:
    scope.generate_propagation_context(_headers(canaries, place))


def _headers(canaries: Canaries, place: str) -> dict[str, str]:
    environment = urllib.parse.quote(canaries.at(place))
    return {
        "sentry-trace": f"{canaries.run}-{canaries.run[:16]}-1",
        "baggage": f"sentry-trace_id={canaries.run},sentry-environment={environment}",
    }


def _no_tracing(rehearsal: SentryRehearsal) -> str:
    options = rehearsal.client.options
    if _streams(rehearsal):
        return "trace_lifecycle streams spans"
    if options.get("traces_sample_rate") or options.get("traces_sampler"):
        return ""
    return "traces_sample_rate"


def _no_streaming(rehearsal: SentryRehearsal) -> str:
    return "" if _streams(rehearsal) else "trace_lifecycle"


def _streams(rehearsal: SentryRehearsal) -> bool:
    # Older releases have the option and the batcher, but nothing that would fill it.
    return getattr(rehearsal.client, "span_batcher", None) is not None and hasattr(traces, "start_span")


def _no_logs(rehearsal: SentryRehearsal) -> str:
    options = rehearsal.client.options
    experiments = options.get("_experiments") or {}
    return "" if options.get("enable_logs") or experiments.get("enable_logs") else "enable_logs"


def _no_metrics(rehearsal: SentryRehearsal) -> str:
    return "" if getattr(rehearsal.client, "metrics_batcher", None) is not None else "enable_metrics"


PROBES: tuple[Probe, ...] = (
    Probe("event", _send_event),
    Probe("transaction", _send_transaction, _no_tracing),
    Probe("streamed span", _send_streamed_span, _no_streaming),
    Probe("log", _send_log, _no_logs),
    Probe("metric", _send_metric, _no_metrics),
    Probe("check-in", _send_check_in),
    # No hook sees sessions and profiles.
    Probe("session", _send_session),
    Probe("profile", _send_profile),
    Probe("client report", _send_client_report),
    Probe("envelope", _send_envelope_headers),
    Probe("unknown item type", _send_unknown, withheld=True),
)
"""Everything that the SDK sends."""
