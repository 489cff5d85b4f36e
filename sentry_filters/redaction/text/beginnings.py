"""How a match begins: a shorter expression that matches exactly where a longer one does.

To say where a match begins, RE2 runs the expression backwards from where it ends. Forwards, few of some
hundred kinds are alive after the first bytes; backwards, every kind that may end in any number of letters is
alive with all its counts, in a state that no other secret shares: milliseconds for each secret never met
before. The least that each kind can end in has one count, and its states are soon known.
"""

from __future__ import annotations

import re

# A repetition that ends the expression, perhaps inside groups. An escaped one is a character; a lazy or
# possessive one ends in another sign.
_LAST_REPETITION = re.compile(r"(?<!\\)(?:\{(?P<least>[0-9]+),[0-9]*\}|(?P<once>\+))(?P<closing>\)*)$")


def beginning_of(pattern: str) -> str:
    """Return `pattern` with no more than the least number of its last repetition.

    `x{3,9}` becomes `x{3}`, `(a|x+)` becomes `(a|x)`: what the one matches at a place begins with what the
    other matches there.
    """
    return _LAST_REPETITION.sub(_least, pattern)


def _least(match: re.Match[str]) -> str:
    least = "" if match["once"] else f"{{{match['least']}}}"
    return f"{least}{match['closing']}"
