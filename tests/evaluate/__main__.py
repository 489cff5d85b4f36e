"""How well redaction does on what nobody has shown it: `make evaluate` (SEED=the release)."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from importlib.metadata import version

from tests.evaluate.measure import (
    Share,
    changed,
    collected,
    generated,
    harmless_lines,
    left_out,
    redactor,
    samples,
)


def main() -> None:
    """Print every figure; `--show` also prints lines that were missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default=version("sentry-filters"))
    parser.add_argument("--each", type=int, default=30)
    parser.add_argument("--show", type=int, default=0)
    given = parser.parse_args()
    redact = redactor()
    _print(
        f"Services that do not exist (seed {given.seed})",
        generated(redact, given.seed, given.each),
        given.show,
    )
    _print("", [harmless_lines(redact, given.seed)], given.show)
    for name in ("secrets", "fresh_secrets"):
        if rows := samples(name):
            _print(f"{name}: as they are", collected(redact, name), given.show)
            _print(f"{name}: each kind's own rule off", left_out(rows), given.show)
            _print(
                f"{name}: all rules off that a source meets",
                left_out(rows, by=lambda row: row["source"].split()[0]),
                given.show,
            )
    for name in ("benign", "fresh_benign"):
        if samples(name):
            _print(name, [changed(redact, name)], given.show)


def _print(title: str, shares: Iterable[Share], show: int) -> None:
    if title:
        print(f"\n{title}")
    for share in shares:
        print(f"  {share.name:42} {share.value:.4f}  ({share.hits} / {share.total})")
        for text in share.others[:: max(1, len(share.others) // show)][:show] if show else ():
            print(f"      {text[:220]!r}")


if __name__ == "__main__":
    main()
