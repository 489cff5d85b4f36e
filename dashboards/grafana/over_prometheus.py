"""The audit's questions that counters can answer, over Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard, prometheus
from grafana_foundation_sdk.models.dashboard import VariableRefresh
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from parts import WIDTH, Asked, asked, dashboard_of, fill, number, over_time, rows, source

PLUGIN = "prometheus"
UID = "sentry-filters-prometheus"

_JOB = 'job=~"$job"'


def _of(counter: str, *matchers: str) -> str:
    """Return the selector of a counter's series in the chosen jobs."""
    return f"sentry_filters_{counter}_total{{{', '.join((_JOB, *matchers))}}}"


def _grown(by: str, counter: str, *matchers: str, window: str = "$__range") -> str:
    """Return how much a counter grew in a window.

    increase() does not see the value with which a series begins: where there was none when the window
    began, the greatest value is the growth.
    """
    series = _of(counter, *matchers)
    new = f"(max_over_time({series}[{window}]) unless {series} offset {window})"
    return f"round(sum by ({by}) (({new} > 0) or (increase({series}[{window}]) > 0)))"


def _total(counter: str, *matchers: str) -> str:
    """Return a counter's whole growth in the chosen time, 0 where there is none."""
    return f"sum({_grown('job', counter, *matchers)}) or vector(0)"


def _rate(by: str, counter: str, *matchers: str) -> str:
    """Return a counter's growth per minute."""
    return f"sum by ({by}) (rate({_of(counter, *matchers)}[$__rate_interval])) * 60"


_UNHANDLED = 'handled="false"'
_DROPPED = 'verdict="drop"'
_REFUSED = 'reason="refused_by_gate"'
_FAILED = 'reason!="refused_by_gate"'
_NOT_KEPT = 'verdict!="keep"'
_EXPIRED_UNHANDLED = f"sum by (job, instance) ({_of('session_expired', _UNHANDLED)})"
_SHOWN = _of("decisions", 'verdict="keep"', 'reason="unhandled"')
_HIDDEN = f"{_EXPIRED_UNHANDLED} - (sum by (job, instance) ({_SHOWN}) or 0 * {_EXPIRED_UNHANDLED})"
_CLOSED = f"sum by (job, instance) (sentry_filters_gate_closed{{{_JOB}}})"
_UNACCOUNTED = (
    f"sum by (job, instance, signal) ({_of('seen')}) - sum by (job, instance, signal) "
    f'({{__name__=~"sentry_filters_(exported|dropped|demoted|withheld)_total", {_JOB}}})'
)
_FAILING = f"sum by (job, instance, signal) (rate({_of('decisions', _DROPPED, _FAILED)}[5m]))"
_FAILURES = f"max by (job, instance) ({_FAILING}) * 60"
_OF_RELEASE = (
    f"sum by (service_version) ({_grown('job, instance', 'decisions', _NOT_KEPT, _FAILED)} "
    f"* on (job, instance) group_left (service_version) target_info{{{_JOB}}})"
)
_UNEXPLAINED = (
    f"sum({_grown('job', 'decisions', _REFUSED)} "
    f"unless on (job) sum by (job) (max_over_time({_of('refused')}[$__range])) > 0) or vector(0)"
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
        " until it is mended take the provider's host out of Policy.hosts.",
        _total("violations", 'invariant="third_party_dropped"'),
    )
    yield _stat(
        "Was anything dropped without a SessionExpired?",
        "Anything but 0: failures are silenced that nobody was told of. Call session_renewed once the"
        " user has signed in again, and file it as a bug of the filter.",
        _total("violations", 'invariant="drop_without_event"'),
    )
    yield _stat(
        "Is an old credential in use after a renewal?",
        "Anything but 0: calls were begun with a credential that a renewal had replaced. Give every client"
        " the new one before session_renewed is called. Sentry shows it as session_expired:old_credential.",
        _total("violations", 'invariant="old_credential_in_use"'),
    )
    yield _stat(
        "Was a refusal dropped that the gate had not made?",
        "Anything but 0: reports were silenced as the gate's refusals in jobs whose gate refused nothing."
        " File it as a bug of the filter.",
        _UNEXPLAINED,
    )
    yield _stat(
        "Is a dead session hidden right now?",
        "Anything but 0: processes whose gate is closed, where nobody listened and Sentry was shown"
        " nothing. Subscribe with on_session_expired.",
        f"sum(({_HIDDEN} > 0) and on (job, instance) {_CLOSED} > 0) or vector(0)",
    )
    yield _stat(
        "Did a session end that nobody listened for?",
        "Anything but 0: Sentry shows each once, as session_expired:unhandled. Subscribe with"
        " on_session_expired, and ask the user to sign in.",
        _total("session_expired", _UNHANDLED),
    )
    yield _stat(
        "Was anything withheld?",
        "Anything but 0: data did not leave that should have. The table below names signal and cause.",
        _total("withheld"),
    )
    yield _stat(
        "Does everything that was seen add up?",
        "Anything but 0: something went missing unaccounted, or left uncounted. File it as a bug of the"
        " filter.",
        f"max(abs({_UNACCOUNTED})) or vector(0)",
    )
    yield _stat(
        "Does the ledger lose rows?",
        "Anything but 0: the filter works, its ledger has gaps. The table below names the cause.",
        _total("audit_lost"),
    )
    yield _stat(
        "Which alerts fire?",
        "Anything but 0: the alert's own runbook says what to do.",
        'count(ALERTS{alertname=~"SentryFilters.*", alertstate="firing"}) or vector(0)',
    )


def _sessions() -> Iterator[Asked]:
    yield _lines(
        "How many sessions expired, and did somebody listen?",
        "handled=false: nobody was asked to sign in. confirmed=false only means that the body had no code"
        " that says so.",
        f"sum by (handled, confirmed) (increase({_of('session_expired')}[$__rate_interval]))",
        "handled={{handled}} confirmed={{confirmed}}",
        stacked=True,
    )
    yield _lines(
        "How many sessions are dead right now?",
        "A number that does not fall: users are not asked to sign in, or session_renewed is not called"
        " when they have.",
        f"sum by (job) (sentry_filters_gate_closed{{{_JOB}}})",
        "{{job}}",
    )
    yield _lines(
        "Is a storm going on: how many calls fail a minute, in which process?",
        "Above the line for ten minutes: something retries in a loop without asking gate.check. Put the"
        " check before the call.",
        f"topk(10, {_FAILURES})",
        "{{job}} {{instance}}",
        line=30.0,
    )
    yield _lines(
        "How many calls did the closed gate save, and how many sign-ins followed?",
        "Expiries above but no calls saved: the application does not ask gate.check before its LLM work."
        " No sign-ins: session_renewed is not called. Many refusals reported: catch SessionExpiredError.",
        _rate("job", "refused"),
        "{{job}} saved",
        more=(
            (_rate("job", "decisions", _REFUSED), "{{job}} refusals reported, and dropped"),
            (_rate("job", "renewals"), "{{job}} sign-ins"),
        ),
    )


def _decisions() -> Iterator[Asked]:
    outcomes = ("exported", "dropped", "demoted", "withheld")
    yield _lines(
        "How much was seen a minute, and what became of it?",
        "Dropped or demoted that stays high: a storm. Withheld above 0: the redactor fails.",
        _rate("job", outcomes[0]),
        "{{job}} exported",
        more=tuple((_rate("job", name), f"{{{{job}}}} {name}") for name in outcomes[1:]),
    )
    yield _lines(
        "How much was dropped a minute, by which rule, in which signal?",
        "A number that goes on growing after a sign-in, or a signal that you do not expect.",
        _rate("signal, verdict, reason", "decisions", _NOT_KEPT),
        "{{signal}} {{verdict}} {{reason}}",
        stacked=True,
    )
    yield _rows(
        "Which failures were kept, and why?",
        "contradicting_host or unknown_provider where you expect your own backend: Policy.hosts or the"
        " provider tag is wrong. uncorroborated: instrument the client. unhandled: nobody listens."
        " old_credential: a client goes on with a credential that was replaced.",
        _grown("signal, reason", "decisions", 'verdict="keep"', 'reason!="unrelated"'),
    )
    yield _rows(
        "Which releases still fail?",
        "An old release that goes on failing after the newest is out: its users are not asked to sign in,"
        " or are not upgraded.",
        _OF_RELEASE,
    )


def _filter() -> Iterator[Asked]:
    yield _rows(
        "Which secrets were redacted, in which signal?",
        "A kind that grows: some code puts credentials where they do not belong. Mend it there, and renew"
        " the credential.",
        _grown("signal, kind", "redactions"),
    )
    yield _rows(
        "What was withheld, and why?",
        "fault: a bug of the filter or of a redactor of your own. unknown_item_type: an item that is"
        " newer than the filter.",
        _grown("signal, cause", "withheld"),
    )
    yield _rows(
        "What did the ledger lose, and why?",
        "queue_full: the disk is full, read-only or slow. refused: rows that the database refuses. The"
        " others: the guard was not closed, or was made before a fork.",
        _grown("cause", "audit_lost"),
    )
    yield _rows(
        "What happened between the processes that share their sessions?",
        "fallback: Redis did not answer, each process announced by itself. malformed: something else writes"
        " under the namespace. reconnected: Redis or the network is unsteady.",
        _grown("event", "shared"),
    )
    yield _rows(
        "What did the application's own refresh answer?",
        "unavailable: the token endpoint is in trouble, calls fail with their own 401. refused: users have to"
        " sign in again.",
        _grown("event", "refreshes"),
    )
    yield _rows(
        "Which faults of its own did the filter survive?",
        "Any: none reached the application, but the place named does not do its work. The log has one"
        " WARNING.",
        _grown("place", "faults"),
    )


def _stat(question: str, bad: str, expression: str) -> Asked:
    return asked(number(over=1), question, bad, PLUGIN, [_instant(expression)], width=WIDTH // 4)


def _rows(question: str, bad: str, expression: str) -> Asked:
    query = _instant(expression).format(PromQueryFormat.TABLE)
    return asked(rows(), question, bad, PLUGIN, [query], width=WIDTH // 2)


def _instant(expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).instant().ref_id("A").datasource(source(PLUGIN))


def _lines(
    question: str,
    bad: str,
    expression: str,
    legend: str,
    *,
    more: tuple[tuple[str, str], ...] = (),
    stacked: bool = False,
    line: float | None = None,
) -> Asked:
    queries = [
        prometheus.Dataquery().expr(one).legend_format(name).range().ref_id(ref).datasource(source(PLUGIN))
        for ref, (one, name) in zip("ABCD", ((expression, legend), *more), strict=False)
    ]
    panel = over_time(stacked="bars" if stacked else None, line=line)
    return asked(panel, question, bad, PLUGIN, queries, width=WIDTH // 2)
