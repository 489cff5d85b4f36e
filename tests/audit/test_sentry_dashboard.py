"""Sentry's dashboard and searches: they ask for tags that are sent, in Sentry's shape, and find what was.

The shapes are those of docs.sentry.io/api/dashboards/create-a-new-dashboard-for-an-organization/ and
docs.sentry.io/api/discover/create-a-new-saved-query/, with the limits of Sentry's own serialisers
(src/sentry/api/serializers/rest_framework/dashboard.py, src/sentry/discover/endpoints/serializers.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import httpx
import pytest
import sentry_sdk

from sentry_filters import Policy, SessionExpiredError, SessionGuard
from sentry_filters.audit.queries import dashboards_folder
from tests.audit.replay.parts import PARTS
from tests.audit.replay.run import Replay
from tests.support.backend import LLMBackend
from tests.support.expiries import expiry
from tests.support.receiver import SentryReceiver
from tests.support.sentry import initialised

FOLDER = dashboards_folder() / "sentry"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
SEARCHES = json.loads((FOLDER / "searches.json").read_text())
EVENTS = [widget for widget in DASHBOARD["widgets"] if widget["widgetType"] == "error-events"]
METRICS = [widget for widget in DASHBOARD["widgets"] if widget["widgetType"] == "tracemetrics"]
TITLES = [widget["title"] for widget in DASHBOARD["widgets"]]
TERM = re.compile(r"(!)?(?:has:([\w.]+)|(tags\[\w+\]|[\w.]+):(\[[^\]]*\]|\S+))(?:\s|$)")
# docs.sentry.io/concepts/search/searchable-properties/events/ and …/explore/discover-queries/query-builder/
OWN_FIELDS = {"release", "timestamp", "title", "user.display"}
OWN_KEYS = {"error.type"}
# What Sentry can make of a metric: its widgets have no tables.
OF_METRICS = {"area", "bar", "big_number", "line"}
METRIC = re.compile(r"sum\(value,([\w.]+),counter,none\)")
OWN_FUNCTIONS = {"count()", "count_unique(user)", "last_seen()"}
# What the application's own layers say of themselves.
OUTER_LAYERS = {"retries_exhausted"}
DISPLAYS = {"area", "bar", "big_number", "line", "stacked_area", "table", "top_n"}


def queries() -> Iterator[tuple[str, str, Sequence[str], str]]:
    """Return each query's question, conditions, fields and order."""
    for widget in EVENTS:
        for query in widget["queries"]:
            yield widget["title"], query["conditions"], query["fields"], query["orderby"]
    for search in SEARCHES:
        yield search["name"], search["query"], search["fields"], search["orderby"]


def terms(conditions: str) -> list[tuple[bool, str, tuple[str, ...] | None]]:
    """Return the terms of a search: whether it is negated, the key, and the values, None for `has:`."""
    found = list(TERM.finditer(conditions))
    assert "".join(one[0] for one in found) == conditions, conditions
    return [
        (bool(no), name(has or key), None if has else tuple(values.strip("[]").split(",")))
        for no, has, key, values in (one.groups() for one in found)
    ]


def name(key: str) -> str:
    """Return a tag's name without Sentry's explicit form."""
    return key.removeprefix("tags[").removesuffix("]")


def matching(conditions: str, events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the events that a search finds."""
    asked = terms(conditions)

    def is_found(event: Mapping[str, Any]) -> bool:
        known = searchable(event)
        return all(
            (known.get(key) in values if values is not None else key in known) is not negated
            for negated, key, values in asked
        )

    return [event for event in events if is_found(event)]


def searchable(event: Mapping[str, Any]) -> dict[str, str]:
    """Return an event's tags and, of its own fields, the one that is searched: the exception's type."""
    errors = event.get("exception", {}).get("values", ())
    own = {"error.type": errors[-1]["type"]} if errors else {}
    return {**event.get("tags", {}), **own}


@pytest.fixture(scope="module")
def sent() -> list[Mapping[str, Any]]:
    """Events of a real client.

    A session that nobody listens for, a failure of another provider, and an old credential in use.
    """
    with SentryReceiver() as receiver, LLMBackend() as backend:
        guard = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}))
        with closing(guard), initialised(**guard.sentry_options(dsn=receiver.dsn, release="shop@2")):
            guard.report("rejected", operation="chat", provider="OpenHuman", status=401)
            guard.report("rejected", operation="chat", provider="OpenAI", status=403)
            guard.session_renewed("new")
            with guard.instrument(httpx.Client()) as client:
                answer = client.post(
                    f"{backend.url}/chat/completions", headers={"authorization": "Bearer old"}
                )
            error = httpx.HTTPStatusError("rejected", request=answer.request, response=answer)
            guard.report(error, operation="chat", provider="OpenHuman", status=401)
            sentry_sdk.flush(5.0)
        return list(receiver.events)


@pytest.fixture(scope="module")
def counted() -> list[Mapping[str, Any]]:
    """Attributes of the metrics of a real client: an expired session, and a refusal of the gate."""
    with SentryReceiver() as receiver:
        guard = SessionGuard(Policy(provider="OpenHuman"), lambda event: None)
        with closing(guard), initialised(**guard.sentry_options(dsn=receiver.dsn)):
            guard.report("rejected", operation="chat", provider="OpenHuman", status=401)
            try:
                guard.gate.check()
            except SessionExpiredError as error:
                sentry_sdk.capture_exception(error)
            guard.bus.flush()
            sentry_sdk.flush(5.0)
        sent = [item.json for item in receiver.items if item.type == "trace_metric"]
    return [metric for batch in sent for metric in batch["items"]]


@pytest.mark.parametrize("widget", METRICS, ids=[widget["title"] for widget in METRICS])
def test_a_metric_that_is_asked_for_is_sent(
    widget: Mapping[str, Any], counted: Sequence[Mapping[str, Any]]
) -> None:
    [query] = widget["queries"]
    [aggregate] = query["aggregates"]
    name = METRIC.fullmatch(aggregate)
    assert name is not None
    asked = terms(query["conditions"])

    found = [
        metric["attributes"]
        for metric in counted
        if metric["name"] == name[1]
        and metric["type"] == "counter"
        and all(metric["attributes"][key]["value"] in (values or ()) for _, key, values in asked)
    ]

    assert found
    assert all(column in attributes for attributes in found for column in query["columns"])


def test_the_tags_that_are_asked_for_are_sent(sent: Sequence[Mapping[str, Any]]) -> None:
    keys = {key for event in sent for key in event["tags"]}
    asked = {key for _, conditions, _, _ in queries() for _, key, _ in terms(conditions)} - OWN_KEYS
    shown = {name(field) for _, _, fields, _ in queries() for field in fields}

    assert len(sent) == 3
    assert asked <= keys
    assert shown - keys <= OWN_FIELDS | OWN_FUNCTIONS
    assert keys <= asked | shown


def test_the_values_that_are_asked_for_are_sent(sent: Sequence[Mapping[str, Any]]) -> None:
    values = {value for event in sent for value in event["tags"].values()}
    asked = {
        value
        for _, conditions, _, _ in queries()
        for _, key, values in terms(conditions)
        if key not in OWN_KEYS
        for value in values or ()
    }

    assert asked - values == OUTER_LAYERS


@pytest.mark.parametrize(("question", "conditions", "fields", "orderby"), list(queries()))
def test_a_query_asks_a_question_and_sorts_by_what_it_shows(
    question: str, conditions: str, fields: Sequence[str], orderby: str
) -> None:
    assert question.endswith("?")
    assert conditions
    assert orderby.removeprefix("-") in {"", *fields, *(field.partition("(")[0] for field in fields)}


@pytest.mark.parametrize("widget", DASHBOARD["widgets"], ids=TITLES)
def test_a_widget_is_one_that_sentry_takes(widget: Mapping[str, Any]) -> None:
    assert len(widget["title"]) <= 255
    assert widget["description"].startswith("Bad: ")
    assert len(widget["description"]) <= 255
    of_metrics = widget["widgetType"] == "tracemetrics"
    assert of_metrics or widget["widgetType"] == "error-events"
    assert widget["displayType"] in (OF_METRICS if of_metrics else DISPLAYS)
    assert "limit" in widget or not any(query["columns"] for query in widget["queries"])
    assert {*widget["layout"]} == {"x", "y", "w", "h", "minH"}
    assert 1 <= widget.get("limit", 1) <= 10
    for query in widget["queries"]:
        assert query["fields"] == [*query["columns"], *query["aggregates"]]
        assert of_metrics or set(query["aggregates"]) <= OWN_FUNCTIONS
        assert query["conditions"]


def test_the_widgets_fill_a_page_of_six_columns_side_by_side() -> None:
    layouts = [widget["layout"] for widget in DASHBOARD["widgets"]]
    cells = [
        (x, y)
        for at in layouts
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(layouts) <= 30
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(6))


@pytest.mark.integration
def test_the_searches_find_in_the_replays_events_what_is_known(replay: Replay) -> None:
    rejected = sum(part.third_party_calls + part.third_party_reports for part in PARTS)
    unhandled = sum(1 for part in PARTS if part.sentry and not part.listens)
    found = {question: len(matching(conditions, replay.events)) for question, conditions, _, _ in queries()}

    assert found["Is a dead session shown here because nobody listens?"] == unhandled
    assert found["Whose session ended with nobody listening?"] == unhandled
    old = sum(1 for part in PARTS if part.sentry and part.old_calls)
    assert found["Is an old credential in use after a renewal?"] == old
    assert found["Who goes on with an old credential?"] == old
    assert found["Do the gate's refusals get through?"] == 0
    assert found["Do expired sessions still get through?"] == 0
    assert found["Which releases still send expired sessions?"] == 0
    assert found["Which providers reject credentials?"] == rejected + unhandled + old
    assert found["Which LLM failures are left, by operation?"] == sum(part.server_errors for part in PARTS)


def test_a_release_without_the_filter_is_found() -> None:
    tags = {
        "domain": "llm_provider",
        "operation": "chat",
        "provider": "OpenHuman",
        "status": "401",
        "failure": "non_2xx",
    }
    with SentryReceiver() as receiver, initialised(dsn=receiver.dsn, release="shop@1"):
        with sentry_sdk.new_scope() as scope:
            scope.set_tags(tags)
            scope.capture_message("OpenHuman API error (401 Unauthorized)", "error")
        sentry_sdk.capture_exception(SessionExpiredError(expiry("one")))
        sentry_sdk.flush(5.0)
        found = {
            question: len(matching(conditions, receiver.events)) for question, conditions, _, _ in queries()
        }

    assert found["Do expired sessions still get through?"] == 1
    assert found["Which releases still send expired sessions?"] == 1
    assert found["Do the gate's refusals get through?"] == 1
    assert found["Is a dead session shown here because nobody listens?"] == 0
