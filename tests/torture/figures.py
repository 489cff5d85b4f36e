"""The figures of a soak, as a table."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from tests.torture.findings import Findings
from tests.torture.memory import MEASURED, growth
from tests.torture.reports import Report


def table(findings: Findings) -> Table:
    """Return the figures."""
    figures = Table(title=f"Torture, seed {findings.seed}, {findings.seconds:g} s", title_justify="left")
    figures.add_column("")
    figures.add_column("", justify="right")
    for name, value in (*_work(findings), *_outcome(findings), *_memory(findings)):
        figures.add_row(name, value)
    return figures


def _work(findings: Findings) -> Iterator[tuple[str, str]]:
    reports = [report for report in findings.reports if report.kind != "control"]
    yield "processes", f"{findings.processes.total():,}"
    yield "… by kind", _by_kind(findings.processes)
    yield "… that shared their sessions by Redis", f"{sum(report.shared for report in reports):,}"
    yield "things done", f"{sum(report.acts.total() for report in reports):,}"
    yield "faults injected", f"{findings.faults.total():,}"
    yield "… by kind", _by_kind(findings.faults)


def _outcome(findings: Findings) -> Iterator[tuple[str, str]]:
    reports = [report for report in findings.reports if report.kind != "control"]
    sent = {mark for report in reports for mark in report.sent}
    taken = {mark for report in reports for mark in report.taken}
    arrived = {mark for mark in sent if findings.have(mark)}
    lost = sum(report.lost_elsewhere for report in reports)
    yield "unrelated and third-party errors sent", f"{len(sent):,}"
    yield "… arrived", f"{len(arrived):,}"
    yield "… kept back by the application's own hook", f"{len(taken):,}"
    yield "… in the SDK's client reports, at most", f"{lost:,}"
    yield "… in the SDK's queue when its process ended, at most", f"{sum(one.pending for one in reports):,}"
    yield "… lost where memory was short", f"{_lost_when_starved(findings):,}"
    yield "decisions in the ledger", f"{findings.decisions:,}"
    for name in ("seen", "exported", "dropped", "demoted", "withheld", "faults"):
        yield name, f"{findings.totals[name]:,}"
    yield "records that the ledger lost", f"{findings.totals['audit_lost']:,}"
    yield "canaries found", f"{findings.leaks.total():,}"
    yield "… in requests, files and states searched", _by_kind(findings.looked_at)


def _lost_when_starved(findings: Findings) -> int:
    return sum(
        not findings.have(mark)
        for report in findings.reports
        if report.kind == "starved"
        for mark in set(report.sent) - set(report.taken)
    )


def _memory(findings: Findings) -> Iterator[tuple[str, str]]:
    for report in sorted(findings.reports, key=lambda report: report.kind, reverse=True):
        if report.kind in MEASURED:
            name = "with the guard" if report.kind == "lasting" else "the bare SDKs"
            yield f"memory kept over the whole time, {name}", _kept(report)


def _kept(report: Report) -> str:
    samples = report.memory or [0]
    grown = growth(samples)
    return (
        f"{samples[0] // 10**6} MB at first, {samples[len(samples) // 2] // 10**6} at half time, "
        f"{samples[-1] // 10**6} at the end (peak {report.peak // 10**6}); last quarter by second: "
        f"{'too short a time' if grown is None else f'{grown:.3f}'}"
    )


def _by_kind(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(counts.items()))
