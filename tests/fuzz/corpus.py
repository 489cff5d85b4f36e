"""What is remembered: inputs in the repository and in a local folder, and how long was tried what.

`kept/NAME.txt` holds a target's inputs, one in each line: a name, and the compressed bytes in base64, so that
no scanner takes a part of them for a secret. An input that once failed has a telling name, others their hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

KEPT = Path(__file__).parent / "kept"
LOCAL = Path(".cache") / "fuzz"
_HASH_DIGITS = 12


@dataclass(kw_only=True)
class Record:
    """What is known of one target.

    Args:
        cpu_seconds: How long it was tried, in all runs.
        runs: How many inputs meant anything to it.
        edges: Branches of the packages' code that the kept inputs take.
        features: The same, each with how often it is taken.
    """

    cpu_seconds: float = 0.0
    runs: int = 0
    edges: int = 0
    features: int = 0


def name_of(content: bytes) -> str:
    """Return the name of an input that never failed."""
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]


def kept(target: str) -> dict[str, bytes]:
    """Return the target's inputs in the repository, by name."""
    path = KEPT / f"{target}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.split() for line in lines)
    return {name: zlib.decompress(base64.b64decode(content)) for name, content in pairs}


def findings(inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return those of `inputs` that once failed."""
    return {name: content for name, content in inputs.items() if name != name_of(content)}


def keep(target: str, inputs: Mapping[str, bytes]) -> None:
    """Write the target's inputs into the repository, those that once failed first."""
    failed = findings(inputs)
    ordered = [*sorted(failed.items()), *sorted(set(inputs.items()) - set(failed.items()))]
    lines = [f"{name} {_encoded(content)}\n" for name, content in ordered]
    (KEPT / f"{target}.txt").write_text("".join(lines))


def written_size(content: bytes) -> int:
    """Return how many bytes an input takes in the repository."""
    return _HASH_DIGITS + len(_encoded(content)) + 2


def _encoded(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()


def working(target: str) -> Path:
    """Return the folder of the target's local inputs, a file each."""
    folder = LOCAL / target
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def unpack(inputs: Mapping[str, bytes], folder: Path) -> None:
    """Write each input into a file of `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in inputs.items():
        (folder / name).write_bytes(content)


def records(folder: Path) -> dict[str, Record]:
    """Return what is known of each target, from `KEPT` or, since the last time it was kept, `LOCAL`."""
    path = folder / "record.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    known = {field.name for field in fields(Record)}
    return {
        target: Record(**{name: value for name, value in record.items() if name in known})
        for target, record in found.items()
    }


def write_records(folder: Path, every: Mapping[str, Record]) -> None:
    """Write what is known of each target."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {target: asdict(record) for target, record in sorted(every.items())}
    (folder / "record.json").write_text(json.dumps(content, indent=1) + "\n")
