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
    """Finds and removes secrets in bytes that are a text, or are not. Immutable, linear in the input."""

    def __init__(self, kinds: Iterable[Kind], judge: KeyJudge, live: LiveCredentials) -> None:
        self._forms = Forms((*CATALOGUE, *kinds))
        self._assignments = Assignments(judge)
        self._live = live
        self.pattern = f"(?:{self._forms.pattern})|(?:{self._assignments.pattern})"
        self._gate = compile_regex(self.pattern, captures=False)

    def may_hold(self, data: bytes) -> bool:
        """Whether a closer look is due."""
        return self._live.occur_in(data) or self._gate.search(data) is not None

    def spans(self, data: bytes) -> list[Span]:
        """What has to go from `data`."""
        if not self.may_hold(data):
            return []
        return merged((*self._live.spans(data), *self._forms.spans(data), *self._assignments.spans(data)))

    def redact(self, data: bytes) -> bytes:
        """`data` without secrets; the identical object when there are none."""
        for _ in range(_PASSES):
            spans = self.spans(data)
            if not spans:
                break
            data = replaced(data, spans)
        return data
