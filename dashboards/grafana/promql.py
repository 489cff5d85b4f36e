"""What the panels over Prometheus ask: expressions over the guard's counters, in the chosen jobs."""

from __future__ import annotations

JOB = 'job=~"$job"'


def selector(counter: str, *matchers: str) -> str:
    """Return the selector of a counter's series in the chosen jobs."""
    return f"sentry_filters_{counter}_total{{{', '.join((JOB, *matchers))}}}"


def grown(by: str, counter: str, *matchers: str, window: str = "$__range") -> str:
    """Return how much a counter grew in a window.

    increase() does not see the value with which a series begins: where there was none when the window
    began, the greatest value is the growth.
    """
    series = selector(counter, *matchers)
    new = f"(max_over_time({series}[{window}]) unless {series} offset {window})"
    return f"round(sum by ({by}) (({new} > 0) or (increase({series}[{window}]) > 0)))"


def total(counter: str, *matchers: str) -> str:
    """Return a counter's whole growth in the chosen time, 0 where there is none."""
    return f"sum({grown('job', counter, *matchers)}) or vector(0)"


def rate_of(by: str, counter: str, *matchers: str) -> str:
    """Return a counter's growth per minute."""
    return f"sum by ({by}) (rate({selector(counter, *matchers)}[$__rate_interval])) * 60"


UNHANDLED = 'handled="false"'
DROPPED = 'verdict="drop"'
REFUSED = 'reason="refused_by_gate"'
FAILED = 'reason!="refused_by_gate"'
NOT_KEPT = 'verdict!="keep"'
EXPIRED_UNHANDLED = f"sum by (job, instance) ({selector('session_expired', UNHANDLED)})"
SHOWN = selector("decisions", 'verdict="keep"', 'reason="unhandled"')
HIDDEN = f"{EXPIRED_UNHANDLED} - (sum by (job, instance) ({SHOWN}) or 0 * {EXPIRED_UNHANDLED})"
CLOSED = f"sum by (job, instance) (sentry_filters_gate_closed{{{JOB}}})"
UNACCOUNTED = (
    f"sum by (job, instance, signal) ({selector('seen')}) - sum by (job, instance, signal) "
    f'({{__name__=~"sentry_filters_(exported|dropped|demoted|withheld)_total", {JOB}}})'
)
FAILING = f"sum by (job, instance, signal) (rate({selector('decisions', DROPPED, FAILED)}[5m]))"
FAILURES = f"max by (job, instance) ({FAILING}) * 60"
OF_RELEASE = (
    f"sum by (service_version) ({grown('job, instance', 'decisions', NOT_KEPT, FAILED)} "
    f"* on (job, instance) group_left (service_version) target_info{{{JOB}}})"
)
UNEXPLAINED = (
    f"sum({grown('job', 'decisions', REFUSED)} "
    f"unless on (job) sum by (job) (max_over_time({selector('refused')}[$__range])) > 0) or vector(0)"
)
