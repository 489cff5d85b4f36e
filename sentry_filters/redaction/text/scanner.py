"""The pass over one text: finds everything in it that is secret, and removes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sentry_filters.redaction.catalogue import CATALOGUE, Kind
from sentry_filters.redaction.findings import WITHHELD
from sentry_filters.redaction.keys import KeyJudge
from sentry_filters.redaction.regex import compile_finder
from sentry_filters.redaction.text.assignments import Assignments
from sentry_filters.redaction.text.credentials import LiveCredentials
from sentry_filters.redaction.text.patterns import Patterns
from sentry_filters.redaction.text.ranges import Range, merged, replaced

Named = Callable[[bytes], Iterable[Range]]

_PASSES = 4  # a removal may bring to light what it covered; more than two were never needed
# Places in one text that are looked at. Each costs some twenty microseconds, and a hostile text may be
# nothing else; ordinary telemetry has one in 1,800 bytes. Not more of them for a longer text: a second pass,
# over what is shorter for the marks in it, would come to another end.
_CANDIDATES = 1_500


class TextScanner:
    """Finds and removes secrets in bytes, text or not. Linear: what was judged is not looked at again."""

    def __init__(self, kinds: Iterable[Kind], judge: KeyJudge, live: LiveCredentials) -> None:
        self._patterns = Patterns((*CATALOGUE, *kinds))
        self._assignments = Assignments(judge)
        self._live = live
        self.pattern = f"(?:{self._patterns.pattern})|{self._assignments.pattern}"
        self.beginning = f"(?:{self._patterns.beginning})|{self._assignments.pattern}"
        self._find = compile_finder(self.pattern, self.beginning)

    def secrets(self, data: bytes) -> list[Range]:
        """Everything secret in `data`, in order; and its rest, where there are too many candidates."""
        secrets = list(self._live.ranges(data))
        left = _CANDIDATES
        start, end = self._find(data, 0)
        while start >= 0:
            left -= 1
            if left < 0:
                secrets += _rest_withheld(data, start)
                break
            found, at = self._patterns.at(data, start, end) or self._assignments.at(data, start)
            secrets += found
            while found and (behind := self._patterns.behind(data, secrets[-1])) is not None:
                secrets.append(behind)
                at = behind.end
                left -= 1
            start, end = self._find(data, at)
        return merged(_whole_characters(data, secret) for secret in secrets)

    def is_clean(self, data: bytes) -> bool:
        """Whether nothing in `data` is secret."""
        return not self._live.occur_in(data) and (self._find(data, 0)[0] < 0 or not self.secrets(data))

    def suspects(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Where a closer look at `data` is due; nothing outside these places is secret."""
        left = _CANDIDATES
        start, end = self._find(data, 0)
        while start >= 0:
            left -= 1
            if left < 0:
                yield start, len(data)
                break
            yield start, end
            start, end = self._find(data, max(end - 1, start + 1))  # its last byte may bound the next
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


def _rest_withheld(data: bytes, start: int) -> Iterator[Range]:
    """What takes the place of data[start:]; nothing where an earlier pass has left its mark alone."""
    if data[start:] != WITHHELD.encode():
        yield Range(start, len(data), "withheld")


def _whole_characters(data: bytes, secret: Range) -> Range:
    """`secret`, extended where it would cut a character of UTF-8 in two."""
    start, end = secret.start, secret.end
    while start > max(0, secret.start - 3) and data[start] & 0xC0 == 0x80:
        start -= 1
    while end < min(len(data), secret.end + 3) and data[end] & 0xC0 == 0x80:
        end += 1
    return secret if (start, end) == (secret.start, secret.end) else Range(start, end, secret.kind)
