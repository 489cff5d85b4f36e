"""The audit's questions that counters can answer, over Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.models.dashboard import VariableRefresh
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from parts import WIDTH, Asked, Looks, asked, dashboard_of, fill, number, over_time, rows, source
from promql import (
    CLOSED,
    FAILURES,
    HIDDEN,
    JOB,
    NOT_KEPT,
    OF_RELEASE,
    REFUSED,
    UNACCOUNTED,
    UNEXPLAINED,
    UNHANDLED,
    grown,
    rate_of,
    selector,
    total,
)

PLUGIN = "prometheus"
UID = "sentry-filters-prometheus"

# Every answer has its time, which is that of the question.
_COLUMNS: Mapping[str, Looks] = MappingProxyType(
    {"Time": {"custom.hidden": True}, "service_version": {"displayName": "release"}}
)


def build() -> dashboard.Dashboard:
    """Return the dashboard: what must never happen, then what happened, then how the filter itself works."""
    board = dashboard_of(
        UID,
        "sentry-filters: the fleet",
        "What the filter keeps away, and whether that is right. The rules of dashboards/prometheus alert.",
        PLUGIN,
    ).with_variable(
        dashboard.QueryVariable("job")
        .label("Job")
        .datasource(source(PLUGIN))
        .query("label_values(sentry_filters_seen_total, job)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
    )
    sections = {
        "Is anything wrong?": _invariants(),
        "What happened to sessions?": _sessions(),
        "What was kept away, and what was not?": _decisions(),
        "How does the filter fare?": _filter(),
    }
    return fill(board, sections)


def _invariants() -> Iterator[Asked]:
    yield _stat(
        "Was a failure of a third party dropped?",
        "Anything but 0: a failure of another provider was silenced. File it as a bug of the filter, and"
        " until it is fixed take the provider's host out of Policy.hosts.",
        total("violations", 'invariant="third_party_dropped"'),
    )
    yield _stat(
        "Was anything dropped without a SessionExpired?",
        "Anything but 0: failures are silenced that nobody was told of. Call session_renewed once the"
        " user has signed in again, and file it as a bug of the filter.",
        total("violations", 'invariant="drop_without_event"'),
    )
    yield _stat(
        "Is an old credential in use after a renewal?",
        "Anything but 0: calls were begun with a credential that a renewal had replaced. Give every client"
        " the new one before session_renewed is called. Sentry shows it as session_expired:old_credential.",
        total("violations", 'invariant="old_credential_in_use"'),
    )
    yield _stat(
        "Was a refusal dropped that the gate had not made?",
        "Anything but 0: reports were silenced as the gate's refusals in jobs whose gate refused nothing."
        " File it as a bug of the filter.",
        UNEXPLAINED,
    )
    yield _stat(
        "Is a dead session hidden right now?",
        "Anything but 0: processes whose gate is closed, where nobody listened and Sentry was shown"
        " nothing. Subscribe with on_session_expired.",
        f"sum(({HIDDEN} > 0) and on (job, instance) {CLOSED} > 0) or vector(0)",
    )
    yield _stat(
        "Did a session end that nobody listened for?",
        "Anything but 0: Sentry shows each once, as session_expired:unhandled. Subscribe with"
        " on_session_expired, and ask the user to sign in.",
        total("session_expired", UNHANDLED),
    )
    yield _stat(
        "Was anything withheld?",
        "Anything but 0: data did not leave that should have. The table below names signal and cause.",
        total("withheld"),
    )
    yield _stat(
        "Does everything that was seen add up?",
        "Anything but 0: something went missing unaccounted, or left uncounted. File it as a bug of the"
        " filter.",
        f"max(abs({UNACCOUNTED})) or vector(0)",
    )
    yield _stat(
        "Does the ledger lose rows?",
        "Anything but 0: the filter works, its ledger has gaps. The table below names the cause.",
        total("audit_lost"),
    )
    yield _stat(
        "Which alerts fire?",
        "Anything but 0: the alert's own runbook says what to do.",
        'count(ALERTS{alertname=~"SentryFilters.*", alertstate="firing"}) or vector(0)',
    )


def _sessions() -> Iterator[Asked]:
    yield _lines(
        over_time("sessions", stacked="bars"),
        "How many sessions expired, and did somebody listen?",
        "handled: false. Nobody was asked to sign in. confirmed: false only means that the body had no code"
        " that says so.",
        f"sum by (handled, confirmed) (increase({selector('session_expired')}[$__rate_interval]))",
        "handled: {{handled}}, confirmed: {{confirmed}}",
    )
    yield _lines(
        over_time("dead sessions"),
        "How many sessions are dead right now?",
        "A number that does not fall: users are not asked to sign in, or session_renewed is not called"
        " when they have.",
        f"sum by (job) (sentry_filters_gate_closed{{{JOB}}})",
        "{{job}}",
    )
    yield _lines(
        over_time("failures a minute", whole=False, line=30.0),
        "Is a storm going on: how many calls fail a minute, in which process?",
        "Above the line for ten minutes: something retries in a loop without asking gate.check. Put the"
        " check before the call.",
        f"topk(10, {FAILURES})",
        "{{job}} {{instance}}",
    )
    yield _lines(
        over_time("a minute", whole=False),
        "How many calls did the closed gate save, and how many sign-ins followed?",
        "Expiries above but no calls saved: the application does not ask gate.check before its LLM work."
        " No sign-ins: session_renewed is not called. Many refusals reported: catch SessionExpiredError.",
        rate_of("job", "refused"),
        "{{job}} saved",
        more=(
            (rate_of("job", "decisions", REFUSED), "{{job}} refusals reported, and dropped"),
            (rate_of("job", "renewals"), "{{job}} sign-ins"),
        ),
    )


def _decisions() -> Iterator[Asked]:
    outcomes = ("exported", "dropped", "demoted", "withheld")
    yield _lines(
        over_time("a minute", whole=False),
        "How much was seen a minute, and what became of it?",
        "Dropped or demoted that stays high: a storm. Withheld above 0: the redactor fails.",
        rate_of("job", outcomes[0]),
        "{{job}} exported",
        more=tuple((rate_of("job", name), f"{{{{job}}}} {name}") for name in outcomes[1:]),
    )
    yield _lines(
        over_time("a minute", whole=False, stacked="bars"),
        "How much was dropped a minute, by which rule, in which signal?",
        "A number that goes on growing after a sign-in, or a signal that you do not expect.",
        rate_of("signal, verdict, reason", "decisions", NOT_KEPT),
        "{{signal}} {{verdict}} {{reason}}",
    )
    yield _rows(
        "Which failures were kept, and why?",
        "contradicting_host or unknown_provider where you expect your own backend: Policy.hosts or the"
        " provider tag is wrong. uncorroborated: instrument the client. unhandled: nobody listens."
        " old_credential: a client goes on with a credential that was replaced.",
        grown("signal, reason", "decisions", 'verdict="keep"', 'reason!="unrelated"'),
        counted="failures",
    )
    yield _rows(
        "Which releases still fail?",
        "An old release that goes on failing after the newest is out: its users are not asked to sign in,"
        " or are not upgraded.",
        OF_RELEASE,
        counted="failures",
    )


def _filter() -> Iterator[Asked]:
    yield _rows(
        "Which secrets were redacted, in which signal?",
        "A kind that grows: some code puts credentials where they do not belong. Fix it there, and renew"
        " the credential.",
        grown("signal, kind", "redactions"),
        counted="secrets",
    )
    yield _rows(
        "What was withheld, and why?",
        "fault: a bug of the filter or of a redactor of your own. unknown_item_type: an item that is"
        " newer than the filter.",
        grown("signal, cause", "withheld"),
        counted="items",
    )
    yield _rows(
        "What did the ledger lose, and why?",
        "queue_full: the disk is full, read-only or slow. refused: rows that the database refuses. The"
        " others: the guard was not closed, or was made before a fork.",
        grown("cause", "audit_lost"),
        counted="rows",
    )
    yield _rows(
        "What happened between the processes that share their sessions?",
        "fallback: Redis did not answer, each process announced on its own. malformed: something else writes"
        " under the namespace. reconnected: Redis or the network is unsteady.",
        grown("event", "shared"),
        counted="times",
    )
    yield _rows(
        "What did the application's own refresh answer?",
        "unavailable: the token endpoint is in trouble, calls fail with their own 401. refused: users have to"
        " sign in again.",
        grown("event", "refreshes"),
        counted="times",
    )
    yield _rows(
        "Which faults of its own did the filter survive?",
        "Any: none reached the application, but the place named does not do its work. The log has one"
        " WARNING.",
        grown("place", "faults"),
        counted="times",
    )


def _stat(question: str, bad: str, expression: str) -> Asked:
    return asked(number(over=1), question, bad, PLUGIN, [_instant(expression)], width=WIDTH // 4)


def _rows(question: str, bad: str, expression: str, *, counted: str) -> Asked:
    query = _instant(expression).format(PromQueryFormat.TABLE)
    return asked(
        rows({**_COLUMNS, "Value": {"displayName": counted}}),
        question,
        bad,
        PLUGIN,
        [query],
        width=WIDTH // 2,
    )


def _instant(expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).instant().ref_id("A").datasource(source(PLUGIN))


def _lines(
    panel: timeseries.Panel,
    question: str,
    bad: str,
    expression: str,
    legend: str,
    *,
    more: tuple[tuple[str, str], ...] = (),
) -> Asked:
    queries = [
        prometheus.Dataquery().expr(one).legend_format(name).range().ref_id(ref).datasource(source(PLUGIN))
        for ref, (one, name) in zip("ABCD", ((expression, legend), *more), strict=False)
    ]
    return asked(panel, question, bad, PLUGIN, queries, width=WIDTH // 2)
