"""The pass over one text: everything in it that has to go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sentry_filters.redaction.catalogue import CATALOGUE, Kind
from sentry_filters.redaction.keys import KeyJudge
from sentry_filters.redaction.regex import compile_finder
from sentry_filters.redaction.text.assignments import Assignments
from sentry_filters.redaction.text.credentials import LiveCredentials
from sentry_filters.redaction.text.patterns import Forms
from sentry_filters.redaction.text.ranges import Span, merged, replaced

_PASSES = 4  # a removal may bring to light what it covered; more than two were never needed


class TextPass:
    """Finds and removes secrets in bytes, text or not. Linear: what was judged is not looked at again."""

    def __init__(self, kinds: Iterable[Kind], judge: KeyJudge, live: LiveCredentials) -> None:
        self._forms = Forms((*CATALOGUE, *kinds))
        self._assignments = Assignments(judge)
        self._live = live
        self.pattern = f"(?:{self._forms.pattern})|{self._assignments.pattern}"
        self.beginning = f"(?:{self._forms.beginning})|{self._assignments.pattern}"
        self._find = compile_finder(self.pattern, self.beginning)

    def spans(self, data: bytes) -> list[Span]:
        """What has to go from `data`."""
        spans = list(self._live.spans(data))
        start, end = self._find(data, 0)
        while start >= 0:
            found, at = self.judged(data, start, end)
            spans += found
            while found and (behind := self._forms.behind(data, spans[-1])) is not None:
                spans.append(behind)
                at = behind.end
            start, end = self._find(data, at)
        return merged(_whole_characters(data, span) for span in spans)

    def judged(self, data: bytes, start: int, end: int) -> tuple[list[Span], int]:
        """What goes with a hit of `pattern` at data[start:end], and where to look on."""
        return self._forms.at(data, start, end) or self._assignments.at(data, start)

    def is_clean(self, data: bytes) -> bool:
        """Whether nothing has to go from `data`."""
        return not self._live.occur_in(data) and (self._find(data, 0)[0] < 0 or not self.spans(data))

    def suspects(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Where in `data` a closer look is due; nothing outside these places has to go."""
        start, end = self._find(data, 0)
        while start >= 0:
            yield start, end
            start, end = self._find(data, max(end - 1, start + 1))  # its last byte may bound the next
        for span in self._live.spans(data):
            yield span.start, span.end

    def redact(
        self, data: bytes, condemned: Sequence[Span] = (), marks: Sequence[Span] = ()
    ) -> tuple[bytes, list[Span]]:
        """`data` without secrets, and where marks stand now; the identical object when there are none.

        What is `condemned` goes in any case; `marks` are those that an earlier call has left.
        """
        placed = list(marks)
        spans = merged((*condemned, *self.spans(data)))
        for _ in range(_PASSES):
            if not spans:
                break
            data, placed = replaced(data, spans, placed)
            spans = self.spans(data)
        return data, placed

    def redact_text(
        self, text: str, condemned: Sequence[Span] = (), marks: Sequence[Span] = ()
    ) -> tuple[str, list[Span]]:
        """`redact` for a str; lone surrogates survive."""
        data = text.encode("utf-8", "surrogatepass")
        clean, marks = self.redact(data, condemned, marks)
        return (text, marks) if clean is data else (clean.decode("utf-8", "surrogatepass"), marks)


def _whole_characters(data: bytes, span: Span) -> Span:
    """`span`, grown where it would cut a character of UTF-8 in two."""
    start, end = span.start, span.end
    while start > max(0, span.start - 3) and data[start] & 0xC0 == 0x80:
        start -= 1
    while end < min(len(data), span.end + 3) and data[end] & 0xC0 == 0x80:
        end += 1
    return span if (start, end) == (span.start, span.end) else Span(start, end, span.kind)
