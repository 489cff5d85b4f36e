"""What dashboards, rules, views and documents name is what the package emits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from otel import telemetry
from sentry_filters.audit.queries import load_queries
from tests.audit.by_hand import sqlite_with
from tests.audit.replay.run import Replay
from tests.support.promql import Named, named_in

DASHBOARDS = Path(__file__).resolve().parents[2] / "dashboards"  # with what tests and generates them
VIEWS = (DASHBOARDS / "clickhouse" / "views.sql").read_text()
RULES_TEST = (DASHBOARDS / "prometheus" / "sentry_filters.test.yml").read_text()
FLEET = json.loads((DASHBOARDS / "grafana" / "prometheus.json").read_text())
DOCUMENT = (DASHBOARDS.parent / "docs" / "fleet.md").read_text()

# Prometheus adds these to what it scrapes, and writes this of its own.
OF_SCRAPING = {"job", "instance"}
OF_SCRAPED_SERIES = re.compile(r'(?:job|instance)="\w+"(?:, )?')
OF_ALERTS = {"ALERTS": {"alertname", "alertstate", "severity"}}
# Semantic conventions of OpenTelemetry for resources: the application's own.
OF_RESOURCES = {"service.version", "service.instance.id", "host.name", "process.pid"}


@dataclass(frozen=True, kw_only=True)
class Emitted:
    """What a run of the package has emitted.

    Args:
        labels: Of each Prometheus metric, by its name, and those of what rules record.
        values: Of each label.
        metrics: The metrics' names in OpenTelemetry.
        metric_attributes: The names of their attributes.
        log_attributes: The names of the log events' attributes.
        events: The names of the log events.
    """

    labels: Mapping[str, set[str]]
    values: Mapping[str, set[str]]
    metrics: set[str]
    metric_attributes: set[str]
    log_attributes: set[str]
    events: set[str]

    def unknown_to(self, named: Named, grouped: set[str] | None = None) -> set[str]:
        """Return what an expression names that was not emitted.

        Args:
            named: What it names.
            grouped: Further names of labels that it uses.
        """
        unknown = {name for name in named.metrics if name not in self.labels}
        for name, matchers in named.selectors:
            for matcher in matchers:
                if matcher.label not in self.labels.get(name, set()):
                    unknown.add(f"{name}{{{matcher.label}}}")
                elif matcher.operator in ("=", "!=") and matcher.value not in self.values[matcher.label]:
                    unknown.add(f"{matcher.label}={matcher.value}")
        there = {label for name in named.metrics for label in self.labels.get(name, set())}
        return unknown | ((named.labels | (grouped or set())) - there)


@pytest.fixture(scope="module")
def emitted(replay: Replay) -> Emitted:
    """What the replay has emitted."""
    scraped = replay.prometheus.query('{__name__=~"sentry_filters_.*|target_info"}', replay.at)
    labels: dict[str, set[str]] = {name: set(found) for name, found in OF_ALERTS.items()}
    values: dict[str, set[str]] = {"alertstate": {"firing", "pending"}}
    for metric, _ in scraped:
        labels.setdefault(metric["__name__"], set()).update(metric)
        for label, value in metric.items():
            values.setdefault(label, set()).add(value)
    for rule in rules(replay):
        if rule["type"] == "recording":
            labels[rule["name"]] = set(rule["name"].partition(":")[0].split("_"))
    metrics, of_metrics = _metrics(replay)
    events, of_logs = _logs(replay)
    return Emitted(
        labels=labels,
        values=values,
        metrics=metrics,
        metric_attributes=of_metrics,
        log_attributes=of_logs,
        events=events,
    )


def rules(replay: Replay) -> list[dict[str, str]]:
    """Return the rules as Prometheus has read them."""
    return [rule for group in replay.prometheus.rules() for rule in group["rules"]]


def _metrics(replay: Replay) -> tuple[set[str], set[str]]:
    posted = [one.body for one in replay.posted if one.path == "/v1/metrics"]
    found = [
        metric
        for body in posted
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        if scope.scope.name == telemetry.SCOPE
        for metric in scope.metrics
    ]
    points = [point for metric in found for point in (*metric.sum.data_points, *metric.gauge.data_points)]
    return {metric.name for metric in found}, {one.key for point in points for one in point.attributes}


def _logs(replay: Replay) -> tuple[set[str], set[str]]:
    posted = [one.body for one in replay.posted if one.path == "/v1/logs"]
    records = [
        record
        for body in posted
        for resource in ExportLogsServiceRequest.FromString(body).resource_logs
        for scope in resource.scope_logs
        if scope.scope.name == telemetry.SCOPE
        for record in scope.log_records
    ]
    return {one.event_name for one in records}, {item.key for one in records for item in one.attributes}


def panels() -> Iterator[tuple[str, str]]:
    """Return each panel's question and expression, as Grafana sends it."""
    for panel in FLEET["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$__range", "1h").replace("$__rate_interval", "1m")
            yield panel["title"], expression.replace("$job", ".*")


@pytest.mark.integration
def test_rules_name_what_is_emitted(emitted: Emitted, replay: Replay) -> None:
    read = rules(replay)
    shown = {
        rule["name"]: set(re.findall(r"\$labels\.(\w+)", json.dumps(rule.get("annotations", {}))))
        for rule in read
    }

    assert len(read) > 10
    assert {
        rule["name"]: unknown
        for rule in read
        if (unknown := emitted.unknown_to(named_in(rule["query"]), shown[rule["name"]]))
    } == {}


@pytest.mark.integration
def test_rules_record_under_names_that_tell_their_labels(replay: Replay) -> None:
    for rule in rules(replay):
        if rule["type"] == "recording":
            level, _, rest = rule["name"].partition(":")
            outermost = re.search(r"\bby \(([^)]*)\)", rule["query"])
            assert outermost is not None
            assert level.split("_") == outermost[1].split(", ")
            assert re.fullmatch(r"sentry_filters_\w+:\w+", rest)


@pytest.mark.integration
def test_the_rules_tests_feed_series_that_are_emitted(emitted: Emitted) -> None:
    series = re.findall(r"series: '([^']+)'", RULES_TEST)

    assert len(series) > 20
    assert [
        one for one in series if emitted.unknown_to(named_in(re.sub(r"(job|instance)=\"\w+\",? ?", "", one)))
    ] == []


@pytest.mark.integration
def test_panels_name_what_is_emitted(emitted: Emitted) -> None:
    legends = {
        target["expr"]: set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
        for panel in FLEET["panels"]
        for target in panel.get("targets", ())
    }
    [job] = [one for one in FLEET["templating"]["list"] if one["name"] == "job"]
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", job["query"]).groups()  # type: ignore[union-attr]

    assert {title: unknown for title, one in panels() if (unknown := emitted.unknown_to(named_in(one)))} == {}
    assert label in emitted.labels[metric]
    for expression, shown in legends.items():
        assert shown <= named_in(expression.replace("$", "")).labels


@pytest.mark.integration
def test_every_counter_is_asked_for_by_a_panel(emitted: Emitted) -> None:
    asked = {name for _, expression in panels() for name in named_in(expression).metrics}

    assert {name for name in emitted.labels if name.startswith("sentry_filters_")} - asked == set()


@pytest.mark.integration
def test_views_name_what_is_emitted_and_leave_nothing_out(emitted: Emitted) -> None:
    of_logs = set(re.findall(r"LogAttributes(?:\['|, ')([^']+)'", VIEWS))
    of_points = set(re.findall(r"(?<!\w)Attributes\['([^']+)'\]", VIEWS))
    of_resources = set(re.findall(r"ResourceAttributes\['([^']+)'\]", VIEWS))

    assert of_logs - emitted.log_attributes == set()
    assert emitted.log_attributes - of_logs == set()
    assert of_points == emitted.metric_attributes
    assert of_resources == OF_RESOURCES
    assert set(re.findall(r"ScopeName = '([^']+)'", VIEWS)) == {telemetry.SCOPE}


@pytest.mark.integration
def test_the_document_names_what_is_emitted(emitted: Emitted) -> None:
    files = {path.name for path in DASHBOARDS.rglob("*") if path.is_file()}
    dotted = set(re.findall(r"`(sentry_filters\.[\w.]+|session\.\w+)`", DOCUMENT))
    scraped = set(re.findall(r"\bsentry_filters_\w+", DOCUMENT))

    assert dotted - emitted.metrics - emitted.log_attributes - emitted.events - files == set()
    assert scraped - set(emitted.labels) == set()
    assert dotted
    assert scraped


def test_queries_name_columns_of_the_ledger() -> None:
    with closing(sqlite_with(())) as ledger:
        for query in load_queries():
            ledger.execute(f"EXPLAIN {query.sql}")


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("sum(sentry_filters_sen_total)", {"sentry_filters_sen_total"}),
        ("sum by (sort) (rate(sentry_filters_seen_total[5m]))", {"sort"}),
        ('sentry_filters_seen_total{sort="event"}', {"sentry_filters_seen_total{sort}"}),
        ('sentry_filters_seen_total{signal="evnt"} > 0', {"signal=evnt"}),
        ('{__name__=~"sentry_filters_(seen|lost)_total"}', {"sentry_filters_lost_total"}),
        ("a and on (job, sort) b", {"a", "b", "job", "sort"}),
        ('sum by (job) (increase(sentry_filters_seen_total{signal="event"}[1h] offset 5m)) * 60 > 30', set()),
    ],
)
def test_an_unknown_name_is_found(expression: str, unknown: set[str]) -> None:
    known = Emitted(
        labels={"sentry_filters_seen_total": {"signal", *OF_SCRAPING}},
        values={"signal": {"event"}},
        metrics=set(),
        metric_attributes=set(),
        log_attributes=set(),
        events=set(),
    )

    assert known.unknown_to(named_in(expression)) == unknown
