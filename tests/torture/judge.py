"""What must hold after a soak, with the complaint for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.torture.findings import Findings
from tests.torture.memory import MOST_GROWTH, growth
from tests.torture.reports import Report

# The SDK itself loses events under a shortage of memory without a word, with a guard as without.
_LOSES_BY_ITSELF = ("starved", "control")

# In less time, perhaps no session ends in a process that shares its sessions.
_ENDS_FOR_CERTAIN = 60.0  # seconds


def complaints(findings: Findings) -> list[str]:
    """Return what does not hold."""
    return [complaint for judge in _JUDGES for complaint in judge(findings)]


def _ended(findings: Findings) -> Iterator[str]:
    yield from findings.failed
    yield from findings.printed


def _ledger(findings: Findings) -> Iterator[str]:
    yield from (f"the ledger: {name}" for name in findings.broken)
    if not findings.totals["seen"]:
        yield "the ledger has counted nothing"
    outcomes = ("exported", "dropped", "demoted", "withheld")
    if findings.totals["seen"] != sum(findings.totals[name] for name in outcomes):
        yield f"the ledger: seen is not what became of it: {dict(findings.totals)}"


def _secrets(findings: Findings) -> Iterator[str]:
    for place, number in findings.leaks.items():
        if number:
            yield f"the canary was found {number} times: {place}"
    for place, number in findings.looked_at.items():
        if not number and (place != "Redis" or findings.seconds >= _ENDS_FOR_CERTAIN):
            yield f"nothing was there to be searched for the canary: {place}"


def _arrival(findings: Findings) -> Iterator[str]:
    if not any(report.sent for report in findings.reports):
        yield "no report was sent"
    for report in _guarded(findings):
        missing = [mark for mark in set(report.sent) - set(report.taken) if not findings.have(mark)]
        # What the hooks drop is not this report's excuse.
        told = report.lost_elsewhere
        if len(missing) > told + report.pending and report.kind not in _LOSES_BY_ITSELF:
            yield (
                f"{_name(report)}: {len(missing)} reports missing, {told} told as lost, "
                f"{report.pending} in the SDK's queue at the end: {missing[:3]}"
            )
        kept_back = [mark for mark in report.taken if findings.have(mark)]
        if kept_back:
            yield f"{_name(report)}: arrived although the application's hook kept it back: {kept_back[:3]}"
        if len(report.taken) > report.lost_in_hooks:
            yield f"{_name(report)}: the SDK does not tell of what the application's hook kept back"


def _application(findings: Findings) -> Iterator[str]:
    for report in _guarded(findings):
        yield from (f"{_name(report)} raised into the application: {one}" for one in report.raised[:3])


def _leftovers(findings: Findings) -> Iterator[str]:
    if findings.left:
        yield f"files left behind: {findings.left}"
    for report in _guarded(findings):
        if report.threads:
            yield f"{_name(report)} left threads: {report.threads}"
        if report.files:
            yield f"{_name(report)} left open: {report.files}"


def _memory(findings: Findings) -> Iterator[str]:
    for report in findings.reports:
        grown = growth(report.memory)
        if report.kind == "lasting" and grown is not None and grown > MOST_GROWTH:
            yield f"{_name(report)} grew by the factor {grown:.2f}; allowed: {MOST_GROWTH}"
        if report.kind == "lasting" and not all(report.memory):
            yield f"{_name(report)}: memory could not be measured"


def _guarded(findings: Findings) -> Iterator[Report]:
    return (report for report in findings.reports if report.kind != "control")


def _name(report: Report) -> str:
    return f"{report.kind} {report.pid}"


_JUDGES: tuple[Callable[[Findings], Iterator[str]], ...] = (
    _ended, _ledger, _secrets, _arrival, _application, _leftovers, _memory,
)  # fmt: skip
