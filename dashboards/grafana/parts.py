"""Panels as this project has them: the title is a question, the description says what a bad value means."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import common, dashboard, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.dashboard import Panel as BuiltPanel

AnyPanel = TypeVar("AnyPanel", stat.Panel, table.Panel, timeseries.Panel)
Asked = Builder[BuiltPanel]
Queries = Sequence[Builder[Dataquery]]
Looks = Mapping[str, object]
"""Properties of a column, by their names in Grafana."""

WIDTH = 24
_GOOD, _BAD = "green", "red"


def dashboard_of(uid: str, title: str, description: str, plugin: str) -> dashboard.Dashboard:
    """Return an empty dashboard whose data source is chosen in it.

    Args:
        uid: Its name in URLs.
        title: Its name for people.
        description: What it is for.
        plugin: The kind of data source.
    """
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["sentry-filters"])
        .timezone("utc")
        .time("now-24h", "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type(plugin))
    )


def fill(board: dashboard.Dashboard, sections: Mapping[str, Iterable[Asked]]) -> dashboard.Dashboard:
    """Return the dashboard with rows of panels; each has a number, so that it can be linked to."""
    numbers = itertools.count(1)
    for title, panels in sections.items():
        board.with_row(dashboard.Row(title).id(next(numbers)))
        for panel in panels:
            built = panel.build()
            built.id_val = next(numbers)
            board.with_panel(panel)
    return board


def source(plugin: str) -> DataSourceRef:
    """Return the data source that was chosen in the dashboard."""
    return DataSourceRef(type_val=plugin, uid="${datasource}")


def number(*, over: float | None = None, fields: str = "") -> stat.Panel:
    """Return a panel of single numbers.

    Args:
        over: From where on they are bad; None where none is bad in itself.
        fields: Which columns are shown, as a regular expression between slashes; the numbers by default.
    """
    return (
        stat.Panel()
        .color_mode(BigValueColorMode.BACKGROUND if over is not None else BigValueColorMode.NONE)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.VALUE_AND_NAME if fields else BigValueTextMode.AUTO)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(bool(fields)).fields(fields))
        .thresholds(_bad_from(over))
        .no_value("0")
    )


def rows(columns: Mapping[str, Looks], *, bad_column: str | None = None) -> table.Panel:
    """Return a panel of rows.

    Args:
        columns: How each column looks that should not look as it comes.
        bad_column: The column in which anything but 0 is bad; None where every row is what it is.
    """
    panel = table.Panel().show_header(show_header=True).no_value("no rows")
    looks = {name: dict(values) for name, values in columns.items()}
    if bad_column is not None:
        looks.setdefault(bad_column, {})["custom.cellOptions"] = {"type": "color-background"}
        panel.thresholds(_thresholds((None, _BAD), (0, _GOOD), (1, _BAD)))
    return named(panel, looks)


def named(panel: AnyPanel, columns: Mapping[str, Looks]) -> AnyPanel:
    """Return the panel with columns that look as given."""
    for name, looks in columns.items():
        panel.override_by_name(
            name, [DynamicConfigValue(id_val=what, value=how) for what, how in looks.items()]
        )
    return panel


def over_time(
    axis: str, *, whole: bool = True, stacked: str | None = None, line: float | None = None
) -> timeseries.Panel:
    """Return a panel of lines, or of stacked bars.

    Args:
        axis: What its values are.
        whole: They are whole numbers.
        stacked: The group in which bars are stacked; lines where there is none.
        line: From where on values are bad.
    """
    legend = common.VizLegendOptions().show_legend(show_legend=True).calcs([])
    panel = (
        timeseries.Panel()
        .min(0)
        .axis_label(axis)
        .fill_opacity(10)
        .legend(legend.display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if whole:
        panel.decimals(0)
    if stacked is not None:
        panel.draw_style(GraphDrawStyle.BARS).fill_opacity(60)
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group(stacked))
    if line is not None:
        panel.thresholds(_bad_from(line))
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.LINE))
    return panel


def asked(panel: AnyPanel, question: str, bad: str, plugin: str, queries: Queries, *, width: int) -> AnyPanel:
    """Return the panel with what it asks, in words and in queries.

    Args:
        panel: As made above.
        question: Its title.
        bad: Its description.
        plugin: The kind of data source.
        queries: What it asks of it.
        width: Of the 24 columns of the page.
    """
    small = isinstance(panel, stat.Panel) and width < WIDTH
    return (
        panel.title(question)
        .description(bad)
        .datasource(source(plugin))
        .targets(list(queries))
        .span(width)
        .height(4 if small else 8)
    )


def _bad_from(limit: float | None) -> dashboard.ThresholdsConfig:
    return _thresholds((None, _GOOD), *([] if limit is None else [(limit, _BAD)]))


def _thresholds(*steps: tuple[float | None, str]) -> dashboard.ThresholdsConfig:
    limits = [Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(limits)
