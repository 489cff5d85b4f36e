"""The pass over one text: everything in it that has to go."""

from __future__ import annotations

from collections.abc import Iterable

from .assignments import Assignments
from .catalogue import CATALOGUE
from .forms import Forms
from .keys import KeyJudge
from .kinds import Kind
from .live import LiveCredentials
from .regex import compile_regex
from .spans import Span, merged, replaced

__all__ = ["TextPass"]

_PASSES = 4  # a removal may bring to light what it covered; more than two were never needed


class TextPass:
    """Finds and removes secrets in bytes, text or not. Linear in the input: no byte is looked at twice."""

    def __init__(self, kinds: Iterable[Kind], judge: KeyJudge, live: LiveCredentials) -> None:
        self._forms = Forms((*CATALOGUE, *kinds))
        self._assignments = Assignments(judge)
        self._live = live
        self.pattern = f"(?:{self._forms.pattern})|{self._assignments.pattern}"
        self.gate = compile_regex(self.pattern, captures=False)

    def spans(self, data: bytes) -> list[Span]:
        """What has to go from `data`."""
        spans = list(self._live.spans(data))
        at = 0
        while (hit := self.gate.search(data, at)) is not None:
            found, at = self._forms.at(data, hit.start(), hit.end()) or self._assignments.at(data, hit.start())
            spans += found
        return merged(spans)

    def redact(self, data: bytes) -> bytes:
        """`data` without secrets; the identical object when there are none."""
        for _ in range(_PASSES):
            spans = self.spans(data)
            if not spans:
                break
            data = replaced(data, spans)
        return data
