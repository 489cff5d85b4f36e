"""What is measured: recall on what nobody has listed, and harmless lines that are changed."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sentry_filters.redaction import Redactor
from sentry_filters.redaction.catalogue import CATALOGUE
from sentry_filters.redaction.keys import KeyJudge
from sentry_filters.redaction.text import LiveCredentials, TextScanner
from tests.evaluate.contexts import BESIDE, JOINED, NAMED, OWN_FORM, filled, harmless
from tests.evaluate.vendors import harmless_id, vendor

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "redaction"
Redact = Callable[[str], str]


@dataclass(frozen=True)
class Share:
    """So many of so many, and some of the others."""

    name: str
    hits: int
    total: int
    others: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """The share; 1 of nothing."""
        return self.hits / self.total if self.total else 1.0


def is_removed(secret: str, text: str) -> bool:
    """Neither it nor 12 consecutive characters of it (half of it, if that is more) are left."""
    window = min(len(secret), max(12, -(-len(secret) // 2)))
    return not any(secret[at : at + window] in text for at in range(len(secret) - window + 1))


def generated(redact: Redact, seed: str, each: int = 30) -> Iterator[Share]:
    """Recall on `each` services that do not exist in every context, by the kind of context."""
    dice = random.Random(f"{seed}-vendors")
    for name, contexts, prefixed in (
        ("a key beside it", BESIDE, None),
        ("joined by a blank or a hyphen", JOINED, None),
        ("a vendor's name beside it", NAMED, None),
        ("its own form", OWN_FORM, True),
    ):
        lines = []
        for context in contexts:
            for _ in range(each):
                one = vendor(dice, prefixed=dice.random() < 0.4 if prefixed is None else prefixed)
                lines.append((filled(context, one.key, one.name), one.key))
        missed = tuple(text for text, secret in lines if not is_removed(secret, redact(text)))
        yield Share(name, len(lines) - len(missed), len(lines), missed)


def harmless_lines(redact: Redact, seed: str, lines: int = 2000) -> Share:
    """How many of the generated harmless lines are changed."""
    dice = random.Random(f"{seed}-harmless")
    texts = [harmless(dice, *harmless_id(dice)) for _ in range(lines)]
    changed = tuple(text for text in texts if redact(text) != text)
    return Share("generated ids beside key words, changed", len(changed), lines, changed)


def samples(name: str) -> list[dict[str, str]]:
    """One of the shared collections; empty where there is none."""
    path = SAMPLES / f"{name}.jsonl.gz"
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def left_out(
    rows: Iterable[dict[str, str]], by: Callable[[dict[str, str]], str] | None = None
) -> Iterator[Share]:
    """Recall by tier when the rules that name these kinds are off.

    Args:
        rows: The samples.
        by: What is left out together, a source: the rules that any sample of it meets. Without it, of each
            sample the rules that its own text meets.
    """
    judge = KeyJudge()
    groups, met = _grouped(rows, judge, by)
    tiers: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    missed: defaultdict[str, list[str]] = defaultdict(list)
    for place, members in groups.items():
        left = [kind for kind in CATALOGUE if kind.name not in met[place]]
        scanner = TextScanner((), judge, LiveCredentials(), catalogue=left)
        for row in members:
            gone = is_removed(row["secret"], scanner.redact_text(row["text"])[0])
            tiers["all"][gone] += 1
            tiers[row["tier"]][gone] += 1
            missed[row["tier"]] += [] if gone else [row["text"]]
    for tier in sorted(tiers):
        yield Share(tier, tiers[tier][True], tiers[tier].total(), tuple(missed[tier]))


def _grouped(
    rows: Iterable[dict[str, str]], judge: KeyJudge, by: Callable[[dict[str, str]], str] | None
) -> tuple[Mapping[str, list[dict[str, str]]], Mapping[str, set[str]]]:
    """The samples by what is left out together, and the kinds that each group meets."""
    whole = TextScanner((), judge, LiveCredentials())
    groups: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    met: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        found = {each.kind for each in whole.secrets(row["text"].encode())}
        place = by(row) if by is not None else ",".join(sorted(found))
        groups[place].append(row)
        met[place] |= found
    return groups, met


def collected(redact: Redact, name: str) -> Iterator[Share]:
    """Recall on a shared collection by tier."""
    tiers: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for row in samples(name):
        gone = is_removed(row["secret"], redact(row["text"]))
        for tier in ("all", row["tier"]):
            tiers[tier][gone] += 1
    for tier in sorted(tiers):
        yield Share(tier, tiers[tier][True], tiers[tier].total())


def changed(redact: Redact, name: str) -> Share:
    """How many harmless lines of a shared collection are changed."""
    rows = samples(name)
    lines = tuple(row["text"] for row in rows if redact(row["text"]) != row["text"])
    return Share("harmless lines, changed", len(lines), len(rows), lines)


def redactor() -> Redact:
    """The function that is measured."""
    return Redactor().redact
