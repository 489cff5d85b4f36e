"""`sentry-filters dashboard`, as it is served, and as a browser draws it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from sqlite3 import connect
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from sentry_filters import Ledger, Policy, SessionExpired, SessionGuard
from sentry_filters.audit.queries import load_queries
from sentry_filters.cli import main
from sentry_filters.cli.charts import Charts, add_functions
from tests.audit.by_hand import HandWritten, decision, expiry, refused, sqlite_with, total
from tests.demo.day import FAILED_JOBS, HOURS, messages, refused_calls, third_party_failures, write_day
from tests.support.chromium import Visit, chromium, visiting
from tests.support.permissions import bound_by_permissions, read_only
from tests.support.services import Process, answers, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser

QUERIES = {query.name: query for query in load_queries()}
LAYOUT = Charts.load(load_queries()).layout
CHARTS: dict[str, dict[str, Any]] = LAYOUT["charts"]
DRAWN = [slug for slug, chart in CHARTS.items() if chart["library"] in ("time", "bars")]
TILES = [slug for slug, chart in CHARTS.items() if chart["library"] == "metric"]
TABLES = [slug for slug, chart in CHARTS.items() if chart["library"] == "table"]
INVARIANTS = [slug for slug in TABLES if QUERIES[CHARTS[slug]["query"]].statement]
WIDTHS = (1440, 800, 390)
FAILED = sum(FAILED_JOBS.values())
KEPT = sum(third_party_failures(hour) for hour in range(HOURS))
HOUR_MS = 3_600_000
HOSTILE = "<img src=x onerror=alert(1)>"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sentry_filters", "dashboard", *arguments]


def write(path: Path, *rows: HandWritten) -> Path:
    with closing(sqlite_with(rows)) as source, closing(connect(path)) as file:
        source.backup(file)
    return path


@contextmanager
def serving(path: Path, log: Path, *arguments: str, before: Sequence[str] = ()) -> Iterator[str]:
    """Serve a ledger; yields the dashboard's address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/-/dashboards/audit"
    with Process(
        [*before, *command(str(path), "--port", str(port), "--no-browser", *arguments)],
        ready=answers(f"http://127.0.0.1:{port}/-/versions.json"),
        log=log,
        environ=os.environ,
        folder=path.parent,
    ):
        yield url


def query(url: str, sql: str) -> httpx.Response:
    return httpx.get(f"{url.partition('/-/')[0]}/ledger.json", params={"sql": sql, "_shape": "arrays"})


# Without a server


def test_every_query_is_on_the_page() -> None:
    assert {chart["query"] for chart in CHARTS.values()} == {one.name for one in load_queries()}


def test_every_chart_has_one_place_and_the_invariants_come_first() -> None:
    places = [slug for section in LAYOUT["sections"] for slug in section["charts"]]

    assert sorted(places) == sorted(CHARTS)
    assert sorted(LAYOUT["sections"][0]["charts"]) == sorted(INVARIANTS)
    assert LAYOUT["sections"][1]["charts"] == TILES


def test_every_chart_states_its_question_or_invariant_and_what_is_bad() -> None:
    metadata = Charts.load(load_queries()).metadata("ledger.db", "24 hours")
    charts = metadata["plugins"]["datasette-dashboards"]["audit"]["charts"]

    assert [slug for slug, chart in charts.items() if not (chart["question"] and chart["bad"])] == []
    assert [
        slug for slug, chart in charts.items() if chart["question"].endswith("?") == (slug in INVARIANTS)
    ] == []


def test_the_charts_ask_what_the_query_files_say() -> None:
    charts = Charts.load(load_queries())
    metadata = charts.metadata("ledger.db", "24 hours")["plugins"]["datasette-dashboards"]["audit"]["charts"]

    assert [
        slug for slug in CHARTS if charts.queries[CHARTS[slug]["query"]].sql not in metadata[slug]["query"]
    ] == []


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["absent.db"], "there is no such file", id="missing"),
        pytest.param([], "set SENTRY_FILTERS_LEDGER", id="none named"),
        pytest.param(
            ["odd#name.db"], "Datasette opens no path with ?, # or %", id="a path Datasette cannot open"
        ),
    ],
)
def test_a_wrong_call_ends_with_status_2_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SENTRY_FILTERS_LEDGER", raising=False)
    write(tmp_path / "odd#name.db")

    assert main(["dashboard", *arguments]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sentry-filters dashboard: ")
    assert complaint in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.integration
def test_a_port_that_is_taken_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        assert main(["dashboard", str(write(tmp_path / "ledger.db")), "--port", port]) == 2

    assert "in use" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_an_impossible_port_is_refused(capsys: pytest.CaptureFixture[str], port: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["dashboard", "ledger.db", f"--port={port}"])

    assert stopped.value.code == 2
    assert "expected 0 (a free one) to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["datasette_dashboards", "datasette"])
def test_without_the_extra_people_are_told(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from sentry_filters.cli import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code, "dashboard", "x.db"], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 2
    assert re.fullmatch(
        r"sentry-filters dashboard: \w+ is not installed: pip install 'sentry-filters\[audit\]'\n", ran.stderr
    )


# Served


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that the package has filled: one day of two releases."""
    path = tmp_path_factory.mktemp("day") / "ledger.db"
    write_day(path)
    return path


@pytest.fixture(scope="module")
def url(day: Path) -> Iterator[str]:
    """Where the day is served."""
    with serving(day, day.parent / "log", "--since", "2d") as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once for this module."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def seen(browser: Browser, url: str) -> Iterator[Visit]:
    """The day's page, drawn."""
    with visiting(browser, width=WIDTHS[0]) as visit:
        look(visit, url)
        yield visit


def look(visit: Visit, url: str) -> None:
    """Open the dashboard, and wait until everything on it is drawn."""
    visit.go(url)
    visit.page.wait_for_selector("body.drawn")


def text(visit: Visit, selector: str) -> str:
    return visit.page.inner_text(selector).strip()


@pytest.mark.integration
def test_the_page_is_drawn_without_complaint_and_without_the_network(seen: Visit) -> None:
    assert (seen.complaints, seen.failed, seen.foreign, seen.dialogs) == ([], [], [], [])
    assert seen.page.url.endswith("?last=2+days")


@pytest.mark.integration
def test_the_verdict_comes_first_and_an_invariant_without_rows_is_one_line(seen: Visit) -> None:
    count = len(INVARIANTS)
    heights = {
        slug: seen.page.locator(f"#card-{slug}").bounding_box()["height"]  # type: ignore[index]
        for slug in INVARIANTS
        if slug != "reconciliation"
    }

    assert text(seen, "#verdict") == f"{count} of {count} invariants hold"
    assert seen.page.locator("#verdict ~ section .is-held").count() == count
    assert text(seen, "#card-third_party_dropped") == "No failure of a third party was dropped"
    assert max(heights.values()) < 45
    assert text(seen, "#card-reconciliation tbody td:nth-child(2)") == "417"


@pytest.mark.integration
def test_every_card_shows_its_question_and_what_is_bad(seen: Visit) -> None:
    for slug, chart in CHARTS.items():
        query, card = QUERIES[chart["query"]], f"#card-{slug}"

        assert text(seen, f"{card} h3") == (chart["title"] if slug in TILES else query.headline)
        assert (seen.page.text_content(f"{card} .bad") or "").startswith("Bad: ")
        assert seen.page.is_visible(f"{card} .bad") == (slug not in INVARIANTS)


@pytest.mark.integration
def test_queries_are_linked_by_title(seen: Visit, url: str) -> None:
    base = url.partition("/-/")[0]
    titles = {query.title for query in QUERIES.values()}
    for slug in (slug for slug in CHARTS if slug not in TILES):
        title = QUERIES[CHARTS[slug]["query"]].title
        target = seen.page.locator(f"#card-{slug} :is(.title, h3) a").first.get_attribute("href")

        page = httpx.get(f"{base}{target}").text

        assert re.search(rf"<h1[^>]*>{title}</h1>", page), slug
    mentions = seen.page.locator(".bad a").all()
    assert mentions
    for mention in mentions:
        assert mention.text_content() in titles
        assert seen.page.locator(mention.get_attribute("href") or "").count() == 1
    listed = httpx.get(f"{base}/ledger").text
    assert [title for title in titles if f">{title}</a>" not in listed] == []


@pytest.mark.integration
def test_headers_are_words_and_values_are_readable(seen: Visit) -> None:
    headers = seen.page.locator("th").all_inner_texts()
    sessions = "#chart-sessions_to_renewal"
    columns = seen.page.locator(f"{sessions} th").all_inner_texts()
    first = seen.page.locator(f"{sessions} tbody tr").last.locator("td").all_inner_texts()
    shown = dict(zip(columns, first, strict=True))

    assert len(headers) > 40
    assert [one for one in headers if "_" in one] == []
    assert (shown["handled"], shown["recovered"], shown["HTTP status"]) == ("yes", "no", "401")
    assert re.fullmatch(r"35 min( \d s)?", shown["time to renewal"])  # the day is made in a few of them


@pytest.mark.integration
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_is_drawn_without_complaint(browser: Browser, url: str, width: int) -> None:
    with visiting(browser, width=width) as visit:
        look(visit, url)
        wide = visit.page.evaluate(
            """() => [...document.querySelectorAll(".content *")]
            .filter(one => one.getBoundingClientRect().right > innerWidth && !one.closest(".scrolling table"))
            .map(one => one.outerHTML.slice(0, 80))"""
        )
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert wide == []
        heights = [
            tile["y"] for one in visit.page.locator(".tile .number").all() if (tile := one.bounding_box())
        ]
        assert len(set(heights)) == (5 if width < 500 else 2)
        assert (visit.complaints, visit.failed, visit.foreign) == ([], [], [])


@pytest.mark.integration
def test_a_time_line_spans_the_window_and_a_bar_one_bucket(seen: Visit, day: Path) -> None:
    with closing(connect(day)) as ledger:
        dropped = "SELECT min(at), max(at) FROM decisions WHERE verdict = 'drop'"
        [expected] = ledger.execute(dropped).fetchall()
    ends = [
        datetime.fromisoformat(f"{one}+00:00") for one in re.findall(r"\d{4}-.{11}", text(seen, "#window"))
    ]
    start, length = ends[0].timestamp() * 1000, (ends[1] - ends[0]).total_seconds() * 1000
    plot = "#chart-drops_by_rule_and_hour svg"
    frame = seen.page.locator(f"{plot} .role-frame path.background").first.bounding_box()
    bars = [one.bounding_box() for one in seen.page.locator(f"{plot} .mark-rect.role-mark path").all()]
    assert frame is not None

    assert length == 2 * 24 * HOUR_MS
    assert [bar["width"] for bar in bars if bar] == [
        pytest.approx(frame["width"] * HOUR_MS / length, abs=1.5) for _ in FAILED_JOBS
    ]
    for bar, at in zip((bars[0], bars[-1]), expected, strict=True):
        assert bar is not None
        left = frame["x"] + frame["width"] * (at // HOUR_MS * HOUR_MS - start) / length
        assert bar["x"] == pytest.approx(left, abs=1.5)


@pytest.mark.integration
@pytest.mark.parametrize("slug", DRAWN)
def test_an_axis_of_counts_has_whole_numbers(seen: Visit, slug: str) -> None:
    labels = seen.page.locator(f"#chart-{slug} .role-axis-label text").all_text_contents()
    numbers = [label.replace(",", "") for label in labels if re.fullmatch(r"[\d,.]+", label)]

    assert len(numbers) >= 2
    assert all(map(str.isdecimal, numbers))
    assert len(set(numbers)) == len(numbers)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("slug", "number"),
    [
        ("seen", sum(messages(hour) for hour in range(HOURS)) + KEPT + 3 * FAILED),
        ("exported", sum(messages(hour) for hour in range(HOURS)) + KEPT),
        ("dropped", 2 * FAILED),
        ("demoted", FAILED),
        ("withheld", 0),
        ("sessions_expired", len(FAILED_JOBS)),
        ("renewals", 3),
        ("calls_saved", sum(refused_calls(hour) for hour in range(HOURS))),
        ("redactions", 247),
        ("lost", 0),
    ],
)
def test_a_tile_shows_what_the_day_brought(seen: Visit, slug: str, number: int) -> None:
    assert text(seen, f"#chart-{slug}") == str(number)


def test_every_tile_is_tested() -> None:
    [table] = test_a_tile_shows_what_the_day_brought.pytestmark[:1]  # type: ignore[attr-defined]

    assert [slug for slug, _ in table.args[1]] == TILES


@pytest.mark.integration
@pytest.mark.parametrize(
    ("slug", "marks"),
    [
        ("drops_by_rule_and_hour", len(FAILED_JOBS)),
        ("renewal_times", 3),
        ("failures_by_release", 2 * 3),
        ("redactions_by_kind", 2),
    ],
)
def test_a_chart_has_a_mark_for_each_number(seen: Visit, slug: str, marks: int) -> None:
    assert seen.page.locator(f"#chart-{slug} svg .mark-rect.role-mark path").count() == marks


@pytest.mark.integration
@pytest.mark.parametrize("slug", DRAWN)
def test_every_chart_is_drawn(seen: Visit, slug: str) -> None:
    areas = [
        box["width"] * box["height"]
        for mark in seen.page.locator(f"#chart-{slug} svg .mark-rect.role-mark path").all()
        if (box := mark.bounding_box())
    ]

    assert max(areas, default=0) > 10


@pytest.mark.integration
@pytest.mark.parametrize("slug", TABLES)
def test_every_table_shows_rows_or_says_that_there_is_none(seen: Visit, slug: str) -> None:
    rows = seen.page.locator(f"#chart-{slug} tbody tr").count()
    links = seen.page.locator(f"#chart-{slug} tbody a").count()
    none = seen.page.locator(f"#chart-{slug} .none").count()

    assert (rows, none) == ((0, 1) if none else (links, 0))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("slug", "counted"),
    [
        ("kept_unauthorized", "failures"),
        ("recognised_by_grade", "failures"),
        ("sessions_to_renewal", "failures"),
        ("storms", "failures"),
    ],
)
def test_a_link_leads_to_the_rows_that_were_counted(seen: Visit, url: str, slug: str, counted: str) -> None:
    columns = [cell.inner_text() for cell in seen.page.locator(f"#chart-{slug} th").all()]
    rows = seen.page.locator(f"#chart-{slug} tbody tr").all()
    assert rows
    for row in rows:
        cells = [cell.inner_text() for cell in row.locator("td").all()]
        target = row.locator("a").get_attribute("href") or ""
        table, _, filters = target.partition("?")

        found = httpx.get(f"{url.partition('/-/')[0]}{table}.json?{filters}").json()

        assert found["filtered_table_rows_count"] == int(cells[columns.index(counted)]) > 0


@pytest.mark.integration
def test_every_link_leads_to_rows(seen: Visit, url: str) -> None:
    targets = [link.get_attribute("href") or "" for link in seen.page.locator("tbody a").all()]
    empty = []
    for target in targets:
        table, _, filters = target.partition("?")
        found = httpx.get(f"{url.partition('/-/')[0]}{table}.json?{filters}").json()
        if not found["filtered_table_rows_count"]:
            empty.append(target)

    assert len(targets) > 10
    assert empty == []


@pytest.mark.integration
def test_a_card_has_a_page_of_its_own(browser: Browser, url: str) -> None:
    with visiting(browser, width=WIDTHS[-1]) as visit:
        look(visit, f"{url}/violations?last=2+days")
        assert text(visit, "#chart-violations") == "none"
        look(visit, f"{url}/failures_by_minute?last=2+days")

        assert visit.page.is_visible("#chart-failures_by_minute svg .role-mark path >> nth=0")
        assert (visit.complaints, visit.failed, visit.foreign) == ([], [], [])


@pytest.mark.integration
@pytest.mark.parametrize(("last", "number"), [("1 hour", 0), ("2 days", 2 * FAILED), ("", 2 * FAILED)])
def test_the_reach_can_be_chosen_on_the_page(browser: Browser, url: str, last: str, number: int) -> None:
    with visiting(browser) as visit:
        look(visit, url)
        visit.page.select_option("#last", last)
        visit.page.click("input[value=Apply]")
        # A tile is drawn after its answer has come.
        tile = visit.page.locator("#chart-dropped").filter(has_text=re.compile(r"\d"))
        tile.wait_for()

        assert tile.inner_text().strip() == str(number)
        assert visit.complaints == []


@pytest.mark.integration
def test_a_broken_invariant_is_red_and_a_hostile_label_is_text(browser: Browser, tmp_path: Path) -> None:
    path = write(
        tmp_path / "ledger.db",
        expiry(),
        decision(provider=HOSTILE, third_party=1),
        decision(expiry=None, process=HOSTILE),
        total("audit_lost", 3, label=HOSTILE),
    )
    with serving(path, tmp_path / "log", "--since", "all") as url, visiting(browser) as visit:
        look(visit, url)
        cells = visit.page.locator("#chart-third_party_dropped tbody td").all_inner_texts()

        assert text(visit, "#verdict") == "2 of 7 invariants broken: Third party dropped, Drops without event"
        assert text(visit, "#chart-lost .broken") == "3"
        assert text(visit, "#chart-withheld .holds") == "0"
        assert text(visit, "#chart-third_party_dropped .broken") == HOSTILE
        assert HOSTILE in cells
        assert HOSTILE in visit.page.locator("#chart-what_was_lost tbody td").all_inner_texts()
        assert visit.page.is_visible("#card-third_party_dropped .bad")
        assert visit.page.locator("#card-dead_sessions_hidden.is-held.is-empty").count() == 1
        visit.page.click("#chart-third_party_dropped tbody a")
        visit.page.wait_for_load_state("networkidle")
        assert visit.page.locator("table.rows-and-columns tbody tr").count() == 1
        assert (visit.complaints, visit.dialogs, visit.foreign) == ([], [], [])


def test_a_row_that_breaks_an_invariant_is_shown_whatever_else_there_is(tmp_path: Path) -> None:
    fine = [refused(release=f"chat@{number:03}") for number in range(250)]
    path = write(tmp_path / "ledger.db", expiry(), *fine, refused(release="web", expiry="unknown"))
    metadata = Charts.load(load_queries()).metadata("ledger.db", "")
    charts = metadata["plugins"]["datasette-dashboards"]["audit"]["charts"]
    with closing(connect(path)) as ledger:
        add_functions(ledger, "ledger", QUERIES)
        rows = ledger.execute(charts["refused_by_gate"]["query"], {"last": ""}).fetchall()

    assert len(rows) == 200
    assert rows[0][0] == "web"
    assert [row[0] for row in rows[1:3]] == ["chat@000", "chat@001"]


@pytest.mark.integration
def test_a_ledger_that_does_not_answer_is_not_said_to_hold(browser: Browser, url: str) -> None:
    refusal = {"status": 500, "json": {"error": "the disk is gone"}}
    with visiting(browser) as visit:
        visit.page.route("**/ledger.json*", lambda route: route.fulfill(**refusal))
        look(visit, url)

        assert text(visit, "#verdict") == "7 of 7 invariants could not be checked"
        assert visit.page.locator("#verdict.is-broken").count() == 1
        assert text(visit, "#chart-seen") == "The ledger did not answer: the disk is gone"


@pytest.mark.integration
def test_an_empty_ledger_is_drawn_without_complaint(browser: Browser, tmp_path: Path) -> None:
    with serving(write(tmp_path / "ledger.db"), tmp_path / "log") as url, visiting(browser) as visit:
        look(visit, url)

        assert [text(visit, f"#chart-{slug}") for slug in TILES] == ["0"] * len(TILES)
        assert visit.page.locator(".chart .none").count() == len(TABLES) + len(DRAWN)
        assert (visit.complaints, visit.failed) == ([], [])


@pytest.mark.integration
def test_nothing_can_be_changed_through_the_page(url: str, day: Path) -> None:
    before = day.read_bytes()

    refused = [
        query(url, sql).status_code
        for sql in (
            "DELETE FROM decisions",
            "WITH x AS (SELECT 1) DELETE FROM decisions",
            "PRAGMA user_version = 9",
        )
    ]

    assert refused == [400] * 3
    assert day.read_bytes() == before


@pytest.mark.integration
def test_it_answers_only_to_this_machine_by_its_own_name(url: str) -> None:
    port = httpx.URL(url).port or 0

    assert httpx.get(url, headers={"host": "rebound.example"}).status_code == 421
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", port), timeout=5)


def _ignored(event: SessionExpired) -> None:
    """Somebody listens."""


@pytest.mark.integration
def test_a_ledger_that_is_being_written_shows_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    guard = SessionGuard(Policy(provider="OpenHuman"), _ignored, audit=ledger)
    count = "SELECT count(*) FROM decisions"
    try:
        assert ledger.flush(20)
        with serving(path, tmp_path / "log") as url:
            before = query(url, count).json()["rows"]
            guard.report(OSError(), operation="chat", provider="OpenHuman", status=401)
            assert ledger.flush(20)
            after = query(url, count).json()["rows"]
    finally:
        guard.close()

    assert (before, after) == ([[0]], [[1]])


@pytest.mark.integration
def test_a_ledger_at_rest_is_served_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "read only"
    folder.mkdir()
    path = write(folder / "ledger.db", decision())
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")

    with read_only(folder), serving(path, tmp_path / "log", before=bound_by_permissions()) as url:
        rows = query(url, "SELECT count(*) FROM decisions").json()["rows"]

    assert rows == [[1]]


@pytest.mark.integration
@pytest.mark.usefixtures("interruptible")
def test_it_opens_the_browser_at_the_page_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    path, opened = write(tmp_path / "ledger.db"), tmp_path / "opened"
    script = tmp_path / "browser.py"
    script.write_text(f"import sys; open({str(opened)!r} + '.part', 'w').write(sys.argv[1])\n")
    with script.open("a") as file:
        file.write(f"import os; os.rename({str(opened)!r} + '.part', {str(opened)!r})\n")
    environ = {**os.environ, "BROWSER": f"{sys.executable} {script} %s"}
    with subprocess.Popen(
        command(str(path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        deadline = time.monotonic() + 30
        while not opened.exists() and time.monotonic() < deadline and process.poll() is None:
            _wait(process)
        page = httpx.get(opened.read_text(), follow_redirects=True)
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate(timeout=30)

    assert page.status_code == 200
    assert opened.read_text() in printed
    assert (process.returncode, complaints) == (0, "")


def _wait(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(0.05)
    except subprocess.TimeoutExpired:
        return
