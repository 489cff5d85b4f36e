"""Makes the table of ordinary text: how often a character follows another in what people write.

It learns from the standard library's own sources (code, comments, docstrings and messages), each word once.
Run `python -m tests.evaluate.ordinary` to write `sentry_filters/redaction/text/ordinary.py` anew. The library
differs a little between versions of Python, so does the table; nothing depends on its last digit.
"""

from __future__ import annotations

import base64
import math
import re
import sysconfig
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "sentry_filters" / "redaction" / "text" / "ordinary.py"
SYMBOLS = 54  # the letters in both cases, a digit, anything else
STEPS = 16  # of one bit
_WORD = re.compile(r"[A-Za-z0-9_.\-/]{4,64}")
_LEFT_OUT = (
    "test",
    "tests",
    "site-packages",
    "dist-packages",
    "encodings",
    "idlelib",
    "__pycache__",
    "ensurepip",
)

_HEAD = '''"""How often a character follows another in ordinary text: made by `tests/evaluate/ordinary.py`.

A row for each of the {symbols} symbols (the letters in both cases, a digit, anything else) holds how
improbable each symbol is behind it, in {steps}ths of a bit: one byte each, deflated, in base85.
"""

from __future__ import annotations

SYMBOLS = {symbols}
STEPS = {steps}
TABLE = (
{lines}
)
'''


def symbol(character: int) -> int:
    """Which symbol a byte is."""
    if 97 <= character <= 122:
        return character - 97
    if 65 <= character <= 90:
        return character - 65 + 26
    return 52 if 48 <= character <= 57 else 53


def words(library: Path) -> Iterator[bytes]:
    """Every word of the library's sources, once."""
    seen: set[str] = set()
    for path in sorted(library.rglob("*.py")):
        if not set(_LEFT_OUT) & set(path.relative_to(library).parts[:-1]):
            seen.update(_WORD.findall(path.read_text("utf-8", "replace")))
    for word in sorted(seen):
        yield word.encode()


def table(library: Path) -> bytes:
    """The improbability of each pair of symbols."""
    pairs: Counter[tuple[int, int]] = Counter()
    for word in words(library):
        symbols = [53, *map(symbol, word), 53]
        pairs.update(pairwise(symbols))
    result = bytearray()
    for first in range(SYMBOLS):
        row = [pairs[first, second] + 0.5 for second in range(SYMBOLS)]
        total = sum(row)
        result += bytes(min(255, round(-math.log2(count / total) * STEPS)) for count in row)
    return bytes(result)


def main() -> None:
    """Write the table where the package reads it."""
    encoded = base64.b85encode(zlib.compress(table(Path(sysconfig.get_path("stdlib"))), 9)).decode()
    lines = "\n".join(f'    "{encoded[at : at + 100]}"' for at in range(0, len(encoded), 100))
    TARGET.write_text(_HEAD.format(symbols=SYMBOLS, steps=STEPS, lines=lines), "utf-8")


if __name__ == "__main__":
    main()
