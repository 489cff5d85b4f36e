"""`docs/architecture.md` shows the house as it is: rooms, paths, and the picture's arrows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.architecture.directions import DIRECTIONS
from tests.architecture.reading import House

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
HOUSE = House(ROOT)
ONE_IN_THE_PICTURE = ("otel.evidence", "otel.logs", "otel.metrics", "otel.redaction", "otel.spans")
NOT_IN_THE_PICTURE = {"sentry_filters", "sentry_filters.__main__", "sentry_filters.otel"}


def test_every_path_exists() -> None:
    named = re.findall(r"`((?:sentry_filters|otel|tests|docs|dashboards)/[\w/.]*)`", PAGE)

    assert len(named) > 50
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_room_on_disk_is_named() -> None:
    rooms = [folder.replace(".", "/") + "/" for folder in HOUSE.folders]

    assert [room for room in rooms if f"`{room}`" not in PAGE] == []


def test_the_picture_shows_every_room_of_the_table_and_its_directions() -> None:
    allowed: dict[str, set[str]] = {}
    for room, may in DIRECTIONS.rooms.items():
        if room not in NOT_IN_THE_PICTURE:
            others = {_in_the_picture(other) for other in may.rooms - NOT_IN_THE_PICTURE}
            allowed.setdefault(_in_the_picture(room), set()).update(others - {_in_the_picture(room)})
            allowed[_in_the_picture(room)].add("forking")
    allowed["forking"] = set()

    assert _reachable(_arrows()) == _reachable(allowed)


def _in_the_picture(room: str) -> str:
    """The name of a room's box: the rooms of `otel/`, its testing tools apart, share one."""
    return "otel" if room in ONE_IN_THE_PICTURE else room.removeprefix("sentry_filters.").replace(".", "_")


def _arrows() -> dict[str, set[str]]:
    [picture] = re.findall(r"```mermaid\nflowchart TB\n(.*?)```", PAGE, re.DOTALL)
    arrows: dict[str, set[str]] = {box: set() for box in re.findall(r"^ +(\w+)\[\"", picture, re.MULTILINE)}
    for above, below in re.findall(r"^ +([\w& ]+?) --> ([\w& ]+)$", picture, re.MULTILINE):
        for box in above.split(" & "):
            arrows[box].update(below.split(" & "))
    return arrows


def _reachable(arrows: Mapping[str, set[str]]) -> dict[str, set[str]]:
    def below(box: str) -> set[str]:
        return arrows[box].union(*(below(other) for other in arrows[box]))

    return {box: below(box) for box in arrows}
