"""The counters as Prometheus sees them, and the rules over them: what fires, and what does not."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from opentelemetry.sdk.metrics import MeterProvider

import sentry_filters
from otel import observe_counters
from sentry_filters import Policy, SessionGuard
from sentry_filters.audit.queries import dashboards_folder
from sentry_filters.core.counters import LABELS
from tests.audit.replay.known import expired, outcomes
from tests.audit.replay.parts import PARTS
from tests.audit.replay.run import Replay
from tests.support.expiries import expiry
from tests.support.services import require

pytestmark = pytest.mark.integration  # promtool, and the exporter of the group audit-test

RULES = dashboards_folder() / "prometheus" / "sentry_filters.rules.yml"
TESTS = RULES.with_name("sentry_filters.test.yml")
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())
BUILT_IN = re.compile(r'otel_scope_\w+="[^"]*",?')


class Exposition:
    """What a scrape gets."""

    def __init__(self, scrape: Callable[[], str]) -> None:
        self._scrape = scrape

    def series(self) -> dict[str, float]:
        """Return the values of our series, by name and labels, apart from the scope's."""
        lines = [line for line in self._scrape().splitlines() if line.startswith("sentry_filters")]
        found = [line.rpartition(" ") for line in lines]
        return {BUILT_IN.sub("", name).replace(",}", "}"): float(value) for name, _, value in found}

    def sums(self) -> dict[str, float]:
        """Return the sums of our series by name."""
        sums: dict[str, float] = {}
        for name, value in self.series().items():
            sums[name.partition("{")[0]] = sums.get(name.partition("{")[0], 0.0) + value
        return sums


@contextmanager
def exposed(guard: SessionGuard) -> Iterator[Exposition]:
    """Serve a guard's counters as the OpenTelemetry exporter for Prometheus does."""
    require(
        importlib.util.find_spec("opentelemetry.exporter.prometheus"),
        "run `uv pip install --group audit-test`: opentelemetry-exporter-prometheus is not installed",
    )
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - may be missing
    from prometheus_client import REGISTRY, generate_latest  # noqa: PLC0415

    provider = MeterProvider([PrometheusMetricReader()])
    observe_counters(guard, provider)
    try:
        yield Exposition(lambda: generate_latest(REGISTRY).decode())
    finally:
        provider.shutdown()
        guard.close()


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    require(program, "run `apt-get install prometheus`: there is no program `promtool`")
    return subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, check=False)


def passes_its_tests(folder: Path, rules: str) -> bool:
    """Say whether the rules pass their tests."""
    (folder / RULES.name).write_text(rules)
    (folder / TESTS.name).write_text(TESTS.read_text())
    return promtool("test", "rules", folder / TESTS.name).returncode == 0


def alert_changed(name: str, expression: str) -> str:
    """Return the rules, with another expression for one alert."""
    head, found, rest = RULES.read_text().partition(f"- alert: {name}\n")
    assert found
    changed, count = re.subn(r"expr: (\|\n(?: {10}.*\n)+|.*\n)", f"expr: {expression}\n", rest, count=1)
    assert count == 1
    return head + found + changed


def test_the_rules_are_valid_and_pass_their_tests(tmp_path: Path) -> None:
    checked = promtool("check", "rules", RULES)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS" in checked.stdout
    assert passes_its_tests(tmp_path, RULES.read_text())


@pytest.mark.parametrize("name", ALERTS)
@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never", "always"])
def test_an_alert_that_fires_wrongly_fails_its_test(tmp_path: Path, name: str, expression: str) -> None:
    assert not passes_its_tests(tmp_path, alert_changed(name, expression))


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        pytest.param(r"\(\(max_over_time\(.*offset 1h\) > 0\)\n\s+or ", "", id="births"),
        pytest.param(r"increase\((\w+)\[1h\]\)", r"(\1 - \1 offset 1h)", id="restarts"),
        pytest.param(r"> 30", "> 20", id="a lower threshold"),
        pytest.param(r"> 30", "> 60", id="a higher threshold"),
        pytest.param(r"        for: 10m\n", "", id="no patience"),
        pytest.param(r"        for: 5m\n", "", id="no patience with Sentry"),
        pytest.param(r"or 0 \* sum.*\n", "", id="nothing shown"),
        pytest.param(r"\s+and on \(job, instance\).*", "", id="renewed"),
        pytest.param(r"\s+unless on \(job\) sum.*", "", id="refused"),
        pytest.param(r"renewed_in_vain\|", "", id="misused in one way"),
        pytest.param(r"\|expired_at_renewal", "", id="misused in another"),
        pytest.param(r"\|working_session_halted\|", "|", id="misused in a third"),
        pytest.param(r"unless on \(job\) sum by \(job\)", "unless on () sum", id="refused elsewhere"),
        pytest.param(r', reason!="refused_by_gate"', "", id="refusals are no storm"),
    ],
)
def test_the_tests_hold_every_part_of_the_rules(tmp_path: Path, what: str, instead: str) -> None:
    changed, count = re.subn(what, instead, RULES.read_text())

    assert count
    assert not passes_its_tests(tmp_path, changed)


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    for rule in RULES.read_text().split("- alert: ")[1:]:
        assert re.search(r"severity: (critical|warning)\n", rule)
        for annotation in ("summary", "description", "runbook"):
            assert re.search(rf'{annotation}: ".{{20,}}"\n', rule), rule.partition("\n")[0]


def test_counters_are_called_by_their_names_alone() -> None:
    with exposed(SessionGuard(Policy(provider="OpenHuman"))) as exposition:
        assert set(exposition.sums()) <= {f"sentry_filters_{name}_total" for name in LABELS} | {
            "sentry_filters_gate_closed"
        }


def test_what_alerts_watch_is_there_at_0_before_anything_happens() -> None:
    with exposed(SessionGuard(Policy(provider="OpenHuman"))) as exposition:
        watched = set(re.findall(r"(sentry_filters_\w+_total)[\[{]", RULES.read_text()))
        series = exposition.series()

    assert watched <= {name.partition("{")[0] for name in series}
    assert set(series.values()) == {0.0}
    for invariant in re.findall(r'invariant=~?"([\w|]+)"', RULES.read_text()):
        for one in invariant.split("|"):
            assert f'sentry_filters_violations_total{{invariant="{one}"}}' in series
    assert 'sentry_filters_withheld_total{cause="unknown_item_type",signal="other"}' in series
    assert len(series) < 60


def test_no_series_is_declared_under_a_name_that_is_never_counted() -> None:
    """Each label that is declared stands in the package where it is counted."""
    edge = sys.modules[
        observe_counters.__module__
    ].__file__  # in the folder `otel`, whatever it is imported as
    packages = [Path(file or "").parent for file in (sentry_filters.__file__, edge)]
    sources = [path for package in packages for path in package.rglob("*.py")]
    texts = "".join(path.read_text() for path in sources if path.name != "counters.py")
    guard = SessionGuard(Policy(provider="OpenHuman"))
    labels = {label for _, *values in guard.counters.counts() for label in values}
    guard.close()

    assert {label for label in labels if f'"{label}"' not in texts} == {guard.policy.source}


def test_a_collection_is_of_one_moment() -> None:
    guard = SessionGuard(Policy(provider="OpenHuman"))
    # Something happens between any two readings of the counters.
    guard.counters.settle_with(lambda: guard.counters.saw("event", "exported"))

    with exposed(guard) as exposition:
        scrapes = [exposition.sums() for _ in range(3)]

    assert [one["sentry_filters_seen_total"] - one["sentry_filters_exported_total"] for one in scrapes] == [
        0
    ] * 3
    assert len({one["sentry_filters_seen_total"] for one in scrapes}) == 3


@pytest.mark.parametrize(("scope", "closed"), [("process", 1), ("session", 2)])
def test_the_gauge_tells_how_many_sessions_work_is_halted(
    scope: Literal["process", "session"], closed: int
) -> None:
    guard = SessionGuard(Policy(provider="OpenHuman", scope=scope), lambda event: None)
    with exposed(guard) as exposition:
        opened = exposition.sums()["sentry_filters_gate_closed"]
        for session in ("one", "two"):
            guard.gate.close(expiry(session))
        halted = exposition.sums()["sentry_filters_gate_closed"]
        guard.session_renewed()
        reopened = exposition.sums()["sentry_filters_gate_closed"]

    assert (opened, halted, reopened) == (0, closed, 0)


def test_the_replays_faults_alert_and_nothing_else_does(replay: Replay) -> None:
    unhandled = sum(1 for one in expired() if not one.part.listens)
    withheld = {
        signal
        for part in PARTS
        for (signal, outcome), count in outcomes(part).items()
        if outcome == "withheld" and count
    }
    replay.prometheus.wait_until(
        'count(ALERTS{alertstate="firing"})', lambda firing: firing == unhandled + 1 + len(withheld)
    )
    firing = replay.prometheus.query('ALERTS{alertstate="firing"}')

    assert sorted(alert["alertname"] for alert, _ in firing) == [
        *["SentryFiltersDeadSessionUnhandled"] * unhandled,
        *["SentryFiltersOldCredentialInUse"],
        *["SentryFiltersWithheld"] * len(withheld),
    ]
    assert {alert["signal"] for alert, _ in firing if "signal" in alert} == withheld
    assert not [text for text in texts_of_alerts(replay) if re.search(r"\{\{|<error|%!|<no value>", text)]


def test_the_replays_hidden_session_is_found(replay: Replay) -> None:
    hidden = [one for one in expired() if not one.part.listens and not one.part.sentry]
    expression = next(
        rule["query"]
        for group in replay.prometheus.rules()
        for rule in group["rules"]
        if rule["name"] == "job_instance:sentry_filters_hidden:sum"
    )

    assert replay.prometheus.value(f"sum({expression})", replay.at) == len(hidden)
    assert replay.prometheus.value(f"count(({expression}) > 0)", replay.at) == len(hidden)
    assert (
        replay.prometheus.value("max(abs(job_instance_signal:sentry_filters_unaccounted:sum))", replay.at)
        == 0
    )


def texts_of_alerts(replay: Replay) -> Iterable[str]:
    """Return the texts of the alerts that are active now."""
    for group in replay.prometheus.rules():
        for rule in group["rules"]:
            for alert in rule.get("alerts", ()):
                yield from alert["annotations"].values()
