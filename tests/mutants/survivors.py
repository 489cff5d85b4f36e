"""The mutants that no test notices, each with the reason: `survivors.toml`, compared with a run."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True, slots=True, order=True)
class Survivor:
    """A mutant, named so that its name outlives changes elsewhere.

    Args:
        function: Module and function: `package.module:Class.method`.
        was: The changed lines before the change, in one line.
        becomes: The same lines after it.
    """

    function: str
    was: str
    becomes: str

    def __str__(self) -> str:
        return f"{self.function}: {self.was} → {self.becomes}"

    @property
    def module(self) -> str:
        """The module it is in."""
        return self.function.partition(":")[0]


def parsed(line: str) -> Survivor:
    """Read one; ValueError for what does not look like one."""
    function, colon, change = line.partition(": ")
    was, arrow, becomes = change.partition(" → ")
    if not colon or not arrow or ":" not in function:
        raise ValueError(f"{LIST.name}: invalid mutant {line!r}; expected 'module:function: was → becomes'")
    return Survivor(function, was, becomes)


def listed(path: Path = LIST) -> dict[Survivor, str]:
    """Each survivor with its reason; ValueError where one has none, or is there twice."""
    found: dict[Survivor, str] = {}
    for group in tomllib.loads(path.read_text("utf-8")).get("reason", ()):
        because = str(group["because"]).strip()
        for line in group["mutants"]:
            survivor = parsed(line)
            if not because or survivor in found:
                raise ValueError(f"{path.name}: invalid mutant {line!r}; expected one reason for it")
            found[survivor] = because
    return found


def differences(
    known: Mapping[Survivor, str], found: Iterable[Survivor], modules: Collection[str]
) -> tuple[list[Survivor], list[Survivor]]:
    """Those that survived and are not listed, and those of `modules` that are listed and did not survive."""
    survived = set(found)
    stale = {one for one in known if one.module in modules} - survived
    return sorted(survived - known.keys()), sorted(stale)
