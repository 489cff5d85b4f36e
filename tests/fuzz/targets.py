"""The targets: a module of tests each, called with bytes, of which the first selects the test."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.strategies import quick

Test = Callable[[bytes], object]


def targets() -> list[str]:
    """Return the names of the targets: `envelopes` for `test_envelopes.py`."""
    return sorted(path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py"))


def of_bytes(examples: st.SearchStrategy[bytes]) -> Callable[[Test], Any]:
    """Make a test of bytes as the fuzzer writes them: an input keeps its meaning whatever hypothesis is used.

    Args:
        examples: What the suite tries.
    """

    def decorated(test: Test) -> Any:
        made: Any = quick(given(data=examples)(cast("Any", test)))
        made.of_bytes = test
        return made

    return decorated


class Target:
    """The tests of one module.

    The test for an input is selected so that a test which is added takes its share from the others and
    changes nothing else: what is kept stays with the test that it was found with.

    Args:
        name: As `targets` returns it.
    """

    def __init__(self, name: str) -> None:
        module: Any = importlib.import_module(f"tests.fuzz.test_{name}")
        found = {key: value for key, value in vars(module).items() if key.startswith("test_")}
        self._tests = {key: _called_with_bytes(test) for key, test in found.items()}
        self._names: list[str] = list(self._tests)
        self._direct = [key for key, test in found.items() if hasattr(test, "of_bytes")]
        self._seeds: tuple[bytes, ...] = getattr(module, "SEEDS", ())
        self.words: tuple[bytes, ...] = getattr(module, "WORDS", ())
        """What occurs in interesting inputs, for the fuzzer to insert."""

    def __call__(self, content: bytes) -> bool:
        """Try one input; whether it meant anything to the test."""
        if not content:
            return False
        return self._tests[self._selected(content[0])](content[1:]) is not None

    def trimmed(self, content: bytes) -> bytes:
        """Return as much of an input as its test reads; nothing where it means nothing."""
        read = self._tests[self._selected(content[0])](content[1:]) if content else None
        return b"" if read is None else content if read is True else content[:1] + bytes(cast("bytes", read))

    def seeds(self) -> list[bytes]:
        """Return what the module begins with, for each of its tests."""
        firsts = [next(byte for byte in range(256) if self._selected(byte) == name) for name in self._direct]
        return [bytes([first]) + seed for first in firsts for seed in self._seeds]

    def _selected(self, first: int) -> str:
        return max(self._names, key=lambda name: zlib.crc32(f"{first} {name}".encode()))


def _called_with_bytes(test: Any) -> Test:
    of_bytes = getattr(test, "of_bytes", None)
    return test.hypothesis.fuzz_one_input if of_bytes is None else lambda data: of_bytes(data) is None
