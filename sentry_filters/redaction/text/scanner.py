"""The pass over one text: finds everything in it that is secret, and removes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from sentry_filters.redaction.catalogue import CATALOGUE, Kind
from sentry_filters.redaction.keys import KeyJudge
from sentry_filters.redaction.regex import compile_finder
from sentry_filters.redaction.text.assignments import Assignments
from sentry_filters.redaction.text.credentials import LiveCredentials
from sentry_filters.redaction.text.grammar import Grammar
from sentry_filters.redaction.text.patterns import Patterns
from sentry_filters.redaction.text.ranges import Range, merged, replaced

Named = Callable[[bytes], Iterable[Range]]

_NEAR = 512  # bytes
# Values of one text that are judged by the words around them, some thirty microseconds each. Logs have one in
# 150 bytes. Not more for a longer text: a second pass, over what is shorter, would come to another end.
_MOST_GENERATED = 4_000
_PASSES = 4  # a removal may bring to light what it covered; more than two were never needed


class TextScanner:
    """Finds and removes secrets in bytes, text or not. Linear: what was judged is not looked at again."""

    def __init__(
        self,
        kinds: Iterable[Kind],
        judge: KeyJudge,
        live: LiveCredentials,
        *,
        catalogue: Iterable[Kind] = CATALOGUE,
    ) -> None:
        self._patterns = Patterns((*catalogue, *kinds))
        self._assignments = Assignments(judge)
        self._grammar = Grammar(judge)
        self._live = live
        self.pattern = f"(?:{self._patterns.pattern})|{self._assignments.pattern}"
        self.beginning = f"(?:{self._patterns.beginning})|{self._assignments.pattern}"
        self._find = compile_finder(self.pattern, self.beginning)
        self.find_generated = compile_finder(self._grammar.pattern)

    def secrets(self, data: bytes) -> list[Range]:
        """Everything secret in `data`, in order."""
        secrets = list(self._live.ranges(data))
        start, end = self._find(data, 0)
        while start >= 0:
            found, at = self._patterns.at(data, start, end) or self._assignments.at(data, start)
            secrets += found
            while found and (behind := self._patterns.behind(data, secrets[-1])) is not None:
                secrets.append(behind)
                at = behind.end
            start, end = self._find(data, at)
        secrets.sort()
        secrets += [*self.generated(data, secrets)]
        return merged(_whole_characters(data, secret) for secret in secrets)

    def generated(self, data: bytes, known: Sequence[Range] = ()) -> Iterator[Range]:
        """What is secret in `data` by the words around it; what is `known`, in order, is not judged again.

        The rest goes as a whole where there are too many candidates.
        """
        index, left = 0, _MOST_GENERATED
        start, end = self.find_generated(data, 0)
        while start >= 0:
            while index < len(known) and known[index].end < end:
                index += 1
            if index < len(known) and known[index].start <= end:
                at = known[index].end
            else:
                left -= 1
                if left < 0:
                    yield Range(start, len(data), "withheld")
                    return
                secret, at = self._grammar.at(data, start, end)
                if secret is not None:
                    yield secret
            start, end = self.find_generated(data, at)

    def is_clean(self, data: bytes) -> bool:
        """Whether nothing in `data` is secret."""
        if self._live.occur_in(data):
            return False
        found = self._find(data, 0)[0] >= 0 or self.find_generated(data, 0)[0] >= 0
        return not found or not self.secrets(data)

    def suspects(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Where a closer look at `data` is due; nothing outside these places is secret."""
        places: list[Range] = []
        start, end = self._find(data, 0)
        while start >= 0:
            places.append(Range(start, _text_end(data, end), ""))
            yield start, end
            start, end = self._find(data, max(end - 1, start + 1))  # its last byte may bound the next
        for secret in self.generated(data, places):
            yield secret.start, secret.end
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


def _text_end(data: bytes, at: int) -> int:
    """Where the text around data[at] ends, of those that NUL characters separate; not far behind it."""
    found = data.find(b"\0", at, at + _NEAR)
    return min(at + _NEAR, len(data)) if found < 0 else found


def _whole_characters(data: bytes, secret: Range) -> Range:
    """`secret`, extended where it would cut a character of UTF-8 in two."""
    start, end = secret.start, secret.end
    while start > max(0, secret.start - 3) and data[start] & 0xC0 == 0x80:
        start -= 1
    while end < min(len(data), secret.end + 3) and data[end] & 0xC0 == 0x80:
        end += 1
    return secret if (start, end) == (secret.start, secret.end) else Range(start, end, secret.kind)
