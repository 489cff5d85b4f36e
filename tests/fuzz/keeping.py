"""Keeps what was found: the fewest inputs that reach as much, the hours, and the table of docs/proof.md."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.targets import Target

_PAGE = Path(__file__).parents[2] / "docs" / "proof.md"
_TABLE = re.compile(r"(?<=<!-- fuzz -->\n).*?(?=<!-- /fuzz -->)", re.DOTALL)
_MOST_BYTES = 20_000
"""Of one target's inputs, as they are written."""
_STATUS = re.compile(r"INITED cov: (\d+) ft: (\d+)")


def keep(target: str) -> str:
    """Write a target's fewest inputs, and what is known of it, into the repository; return a summary."""
    every, local = corpus.records(corpus.KEPT), corpus.records(corpus.LOCAL)
    inputs = minimised(target)
    corpus.keep(target, inputs)
    before, since = every.get(target, corpus.Record()), local.pop(target, corpus.Record())
    edges, features = reached(target, inputs)
    every[target] = corpus.Record(
        cpu_seconds=round(before.cpu_seconds + since.cpu_seconds, 1),
        runs=before.runs + since.runs,
        edges=edges,
        features=features,
    )
    corpus.write_records(corpus.KEPT, every)
    corpus.write_records(corpus.LOCAL, local)
    return f"{target}: kept {len(inputs)} inputs, {edges:,} edges, {features:,} features"


def write_page() -> None:
    """Write what is kept into the table of docs/proof.md."""
    filled = table(corpus.records(corpus.KEPT))
    _PAGE.write_text(_TABLE.sub(lambda _: filled, _PAGE.read_text()))


def name_finding(targets: list[str], file: Path, name: str) -> int:
    """Keep an input that once failed under a telling name; return the exit code."""
    if len(targets) != 1 or not re.fullmatch("[a-z0-9-]+", name):
        print("name one target with --only, and the finding in lower case: a-leak-behind-a-colour")
        return 2
    corpus.keep(targets[0], {**corpus.kept(targets[0]), name: file.read_bytes()})
    return 0


def minimised(target: str) -> dict[str, bytes]:
    """Return few and short inputs that take as many branches as all do, and those that once failed.

    Where that is too much for the repository, those that take few branches for their length are left out.
    """
    kept = corpus.kept(target)
    failed = corpus.findings(kept)
    local = [path.read_bytes() for path in corpus.working(target).iterdir()]
    every = {corpus.name_of(content): content for content in _holding(target, (*kept.values(), *local))}
    taken, chosen = set[str](), dict[str, bytes]()
    left = _MOST_BYTES - sum(map(corpus.written_size, failed.values()))
    new = edges_of(target, every)
    while new:
        gain, name = max((len(edges) / corpus.written_size(every[name]), name) for name, edges in new.items())
        left -= corpus.written_size(every[name])
        if not gain or left < 0:
            break
        chosen[name] = every[name]
        taken |= new.pop(name)
        new = {name: edges - taken for name, edges in new.items() if not edges <= taken}
    return chosen | failed


def _holding(target: str, contents: Iterable[bytes]) -> Iterator[bytes]:
    """Yield as much of each input as is read, without those that fail: they are findings."""
    tried = Target(target)
    for content in contents:
        with suppress(Exception):
            if trimmed := tried.trimmed(content):
                yield trimmed


def edges_of(target: str, inputs: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Return the edges that each input takes, as libFuzzer writes them down when it merges."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus.unpack(inputs, folder / "inputs")
        (folder / "none").mkdir()
        notes = folder / "notes"
        options = ["-set_cover_merge=1", "-use_counters=0", f"-merge_control_file={notes}"]
        _libfuzzer(target, folder, *options, str(folder / "none"), str(folder / "inputs"))
        lines = notes.read_text().splitlines()
    names = [Path(line).name for line in lines[2 : 2 + int(lines[0])]]
    found = (line.split() for line in lines if line.startswith("FT "))
    return {names[int(number)]: set(edges) for _, number, *edges in found}


def reached(target: str, inputs: Mapping[str, bytes]) -> tuple[int, int]:
    """Return how many edges and features these inputs reach."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus.unpack(inputs, folder / "inputs")
        found = _STATUS.search(_libfuzzer(target, folder, "-runs=0", str(folder / "inputs")))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _libfuzzer(target: str, folder: Path, *arguments: str) -> str:
    """Call libFuzzer on a target, and return what it said."""
    program = folder / "program"  # its inner process calls what its first argument names
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m tests.fuzz.worker drive {target} "{program}" "$@"\n'
    )
    program.chmod(0o700)
    done = subprocess.run([str(program), *arguments], capture_output=True, check=False)
    said = done.stderr.decode(errors="replace")
    if done.returncode:
        raise RuntimeError(f"libFuzzer on {target} ended with {done.returncode}: {said[-4_000:]}")
    return said


def table(every: Mapping[str, corpus.Record]) -> str:
    """Return what is known of all targets, as Markdown."""
    lines = ["| target | CPU hours | runs | inputs kept | edges | features | findings kept |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|")
    for target, record in sorted(every.items()):
        inputs = corpus.kept(target)
        hours, failed = f"{record.cpu_seconds / 3600:.2f}", len(corpus.findings(inputs))
        known = (hours, f"{record.runs:,}", len(inputs), f"{record.edges:,}", f"{record.features:,}", failed)
        lines.append(" | ".join(("| " + target, *map(str, known))) + " |")
    seconds = sum(record.cpu_seconds for record in every.values())
    runs = sum(record.runs for record in every.values())
    lines.append(f"| all | {seconds / 3600:.2f} | {runs:,} | | | | |")
    return "\n".join(lines) + "\n"
