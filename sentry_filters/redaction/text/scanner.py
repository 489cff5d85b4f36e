"""The pass over one text: finds everything in it that is secret, and removes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sentry_filters.redaction.catalogue import Kind
from sentry_filters.redaction.keys import KeyJudge
from sentry_filters.redaction.regex import compile_finder, first_of
from sentry_filters.redaction.text.assignments import Assignments
from sentry_filters.redaction.text.credentials import LiveCredentials
from sentry_filters.redaction.text.patterns import patterns_of
from sentry_filters.redaction.text.ranges import Range, merged, replaced

Named = Callable[[bytes], Iterable[Range]]

_PASSES = 4  # a removal may bring to light what it covered; more than two were never needed


class TextScanner:
    """Finds and removes secrets in bytes, text or not. Linear: what was judged is not looked at again."""

    def __init__(self, kinds: Iterable[Kind], judge: KeyJudge, live: LiveCredentials) -> None:
        self._patterns = patterns_of(kinds)
        self._assignments = Assignments(judge)
        self._live = live
        self.find_kind = compile_finder(self._patterns.pattern, self._patterns.beginning)
        self.find_assignment = compile_finder(self._assignments.pattern)
        self.beginnings = (self._patterns.beginning, self._assignments.pattern)

    def secrets(self, data: bytes) -> list[Range]:
        """Everything secret in `data`, in order."""
        secrets = list(self._live.ranges(data))
        find = first_of(self.find_kind, self.find_assignment, data)
        start, end = find(0)
        while start >= 0:
            found, at = self._patterns.at(data, start, end) or self._assignments.at(data, start)
            secrets += found
            while found and (behind := self._patterns.behind(data, secrets[-1])) is not None:
                secrets.append(behind)
                at = behind.end
            start, end = find(at)
        return merged(_whole_characters(data, secret) for secret in secrets)

    def is_clean(self, data: bytes) -> bool:
        """Whether nothing in `data` is secret."""
        if self._live.occur_in(data):
            return False
        if self.find_kind(data, 0)[0] < 0 and self.find_assignment(data, 0)[0] < 0:
            return True
        return not self.secrets(data)

    def suspects(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Where a closer look at `data` is due; nothing outside these places is secret."""
        find = first_of(self.find_kind, self.find_assignment, data)
        start, end = find(0)
        while start >= 0:
            yield start, end
            start, end = find(max(end - 1, start + 1))  # its last byte may bound the next
        for live in self._live.ranges(data):
            yield live.start, live.end

    def redact(self, data: bytes, named: Named = lambda _: ()) -> tuple[bytes, list[Range]]:
        """`data` without secrets, and where its marks are; the identical object when there are no secrets.

        `named` finds what is secret by something else than its text, such as the key beside it. It is asked
        before each pass: `{name}` refers to a secret, `{[REDACTED]` does not.
        """
        marks: list[Range] = []
        for _ in range(_PASSES):
            secrets = merged((*named(data), *self.secrets(data)))
            if not secrets:
                break
            data, marks = replaced(data, secrets, marks)
        return data, marks

    def redact_text(self, text: str, named: Named = lambda _: ()) -> tuple[str, list[Range]]:
        """`redact` for a str; lone surrogates survive."""
        data = text.encode("utf-8", "surrogatepass")
        clean, marks = self.redact(data, named)
        return (text, marks) if clean is data else (clean.decode("utf-8", "surrogatepass"), marks)


def _whole_characters(data: bytes, secret: Range) -> Range:
    """`secret`, extended where it would cut a character of UTF-8 in two."""
    start, end = secret.start, secret.end
    while start > max(0, secret.start - 3) and data[start] & 0xC0 == 0x80:
        start -= 1
    while end < min(len(data), secret.end + 3) and data[end] & 0xC0 == 0x80:
        end += 1
    return secret if (start, end) == (secret.start, secret.end) else Range(start, end, secret.kind)
