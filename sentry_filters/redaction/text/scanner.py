"""The pass over one text: finds everything in it that is secret, and removes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from sentry_filters.redaction.catalogue import CATALOGUE, Kind
from sentry_filters.redaction.findings import REDACTED, WITHHELD
from sentry_filters.redaction.keys import KeyJudge
from sentry_filters.redaction.regex import compile_finder, deferred_regex, first_of
from sentry_filters.redaction.text.assignments import Assignments
from sentry_filters.redaction.text.credentials import LiveCredentials
from sentry_filters.redaction.text.forms import Forms
from sentry_filters.redaction.text.generated import is_only_public_id
from sentry_filters.redaction.text.grammar import Grammar
from sentry_filters.redaction.text.patterns import patterns_of
from sentry_filters.redaction.text.ranges import Range, merged, replaced
from sentry_filters.redaction.text.views import READ_OTHERWISE, is_read_otherwise, read_ranges, wide_runs

Named = Callable[[bytes], Iterable[Range]]

_NEAR = 512  # bytes
# Values of one text that are judged by the words around them, some thirty microseconds each. Logs have one in
# 150 bytes. Not more for a longer text: a second pass, over what is shorter, would come to another end.
_MOST_GENERATED = 4_000
_LONGEST_JOINED = 1_048_576  # characters
_PASSES = 4  # a removal may bring to light what it covered; more than two were never needed
# Places in one text that are looked at. Each costs some twenty microseconds, and a hostile text may be
# nothing else; ordinary telemetry has one in 1,800 bytes. Not more of them for a longer text: a second pass,
# over what is shorter for the marks in it, would come to another end.
_CANDIDATES = 1_200

_OPEN = deferred_regex(
    r"-----BEGIN[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^-]*$|[=:][ \t]*[(\[\\][ \t]*[\r\n]*$", captures=False
)
_OF_SEVERAL = re.compile(rb"(?i)auth|cookie")  # keys whose values have parts
_QUOTES = (b'"', b"'", b"`")
_MARKED_QUOTED = tuple(REDACTED.encode() + quote for quote in _QUOTES)
_MARKED = (*_MARKED_QUOTED, f"{REDACTED} ".encode(), f"{REDACTED}\n".encode())


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
        self._patterns = patterns_of(kinds, catalogue)
        self._assignments = Assignments(judge)
        self._forms = Forms(judge)
        self._grammar = Grammar(judge)
        self._live = live
        keyed = f"{self._assignments.pattern}|{self._forms.pattern}|{READ_OTHERWISE}"
        self.find_kind = compile_finder(self._patterns.pattern, self._patterns.beginning)
        self.find_keyed = compile_finder(keyed)
        self.find_generated = compile_finder(self._grammar.pattern)
        self.beginnings = (self._patterns.beginning, keyed)

    def secrets(self, data: bytes) -> list[Range]:
        """Everything secret in `data`, in order; and its rest, where there are too many candidates."""
        if self._holds_nothing(data):
            secrets = sorted(self._live.ranges(data))
            secrets += [*self.generated(data, secrets)]
        else:
            # It is read at least twice.
            read = read_ranges(data, partial(self._written, left=_CANDIDATES // 2))
            # A live credential may begin with the letter that a terminal's mark is taken to end in.
            secrets = self._written(data) if read is None else [*read, *self._live.ranges(data)]
        return merged(_whole_characters(data, secret) for secret in secrets)

    def _written(self, data: bytes, left: int = _CANDIDATES) -> list[Range]:
        """Everything secret in `data` as it is written, in no order."""
        secrets = sorted((*self._live.ranges(data), *self._formed(data, left)))
        secrets += [*self.generated(data, secrets)]
        return secrets

    def _formed(self, data: bytes, left: int = _CANDIDATES) -> Iterator[Range]:
        """What is secret in `data` by its form or a key; its rest, where there are too many candidates."""
        find = first_of(self.find_kind, self.find_keyed, data)
        start, end = find(0)
        while start >= 0:
            left -= 1
            if left < 0:
                yield from _rest_withheld(data, start)
                return
            found, at = self._patterns.at(data, start, end) or self._keyed(data, start, end)
            yield from found
            left -= len(found) // 2  # a table's
            last = found[-1] if found else None
            while last is not None and (last := self._patterns.behind(data, last)) is not None:
                yield last
                at = last.end
                left -= 1
            start, end = find(at)

    def _keyed(self, data: bytes, start: int, end: int) -> tuple[list[Range], int]:
        """The secrets beside the key at `start`, whose value begins before `end`; and where to continue."""
        marked = _MARKED_QUOTED if data[end - 2 : end - 1] in _QUOTES else _MARKED
        if data.startswith(marked, end - 1) and not _OF_SEVERAL.search(data[start:end]):
            return [], end - 1  # an earlier pass has left no more than its mark, and judges would say so
        found, at = self._assignments.at(data, start)
        return (found, at) if found else self._forms.at(data, start) or (found, at)

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

    def are_clean(self, texts: Iterable[str]) -> bool:
        """Whether nothing in any of the texts is secret, by a search of many at once."""
        ids: list[str] = []
        others: list[str] = []
        for text in texts:
            (ids if is_only_public_id(text) else others).append(text)
        return all(map(self._are_clean_ids, _joined(ids))) and all(map(self._is_clean, _joined(others)))

    def _are_clean_ids(self, data: bytes) -> bool:
        return not self._live.occur_in(data) and self.find_kind(data, 0)[0] < 0

    def _is_clean(self, data: bytes) -> bool:
        if self._live.occur_in(data):
            return False
        if self._holds_nothing(data):
            return not any(self.generated(data))
        if is_read_otherwise(data):
            return not self.secrets(data)
        return next(self._formed(data), None) is None and not any(self.generated(data))

    def _holds_nothing(self, data: bytes) -> bool:
        """Whether `data` holds nothing secret by its form or a key, and nothing that is read otherwise."""
        return self.find_kind(data, 0)[0] < 0 and self.find_keyed(data, 0)[0] < 0

    def is_open(self, text: str) -> bool:
        """Whether a line may leave a secret to the next one, which would not say what it is."""
        return _OPEN.search(text.encode("utf-8", "surrogatepass")) is not None

    def suspects(self, data: bytes) -> Iterable[tuple[int, int]]:
        """Where a closer look at `data` is due; nothing outside these places is secret."""
        places: list[Range] = []
        left = _CANDIDATES
        find = first_of(self.find_kind, self.find_keyed, data)
        start, end = find(0)
        while start >= 0:
            left -= 1
            if left < 0:
                yield start, len(data)  # each text from there on
                places.append(Range(start, len(data), ""))
                break
            places.append(Range(start, _text_end(data, start, end), ""))
            yield start, end
            start, end = find(max(end - 1, start + 1))  # its last byte may bound the next
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

    def redact_bytes(self, data: bytes) -> tuple[bytes, list[Range]]:
        """`redact` for bytes of which nothing is known: text in UTF-16 and UTF-32 stays in its encoding."""
        pieces: list[bytes] = []
        found: list[Range] = []
        at = length = 0
        for start, end, encoding in wide_runs(data):
            text = data[start:end].decode(encoding)
            clean_text, marks = self.redact_text(text)
            if clean_text is not text:
                pieces += (data[at:start], clean_text.encode(encoding))
                length += start - at
                found.append(Range(length, length + len(pieces[-1]), marks[0].kind))
                length, at = found[-1].end, end
        clean, marks = self.redact(b"".join((*pieces, data[at:])) if pieces else data)
        return clean, sorted((*found, *marks))

    def redact_text(self, text: str, named: Named = lambda _: ()) -> tuple[str, list[Range]]:
        """`redact` for a str; lone surrogates survive."""
        data = text.encode("utf-8", "surrogatepass")
        clean, marks = self.redact(data, named)
        return (text, marks) if clean is data else (clean.decode("utf-8", "surrogatepass"), marks)


def _joined(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield texts together: a search costs its call, too, and hands the interpreter over to other threads.

    Between NUL characters each is judged at least as strictly as it would be alone.
    """
    together: list[str] = []
    size = 0
    for text in texts:
        together.append(text)
        size += len(text)
        if size > _LONGEST_JOINED:
            yield "\0\0".join(together).encode("utf-8", "surrogatepass")
            together, size = [], 0
    if together:
        yield "\0\0".join(together).encode("utf-8", "surrogatepass")


def _rest_withheld(data: bytes, start: int) -> Iterator[Range]:
    """What takes the place of data[start:]; nothing where an earlier pass has left its mark alone."""
    if data[start:] != WITHHELD.encode():
        yield Range(start, len(data), "withheld")


def _text_end(data: bytes, start: int, end: int) -> int:
    """Where the text around data[start] ends, of those that NUL characters separate; not far behind `end`.

    What was found there may reach into the next one, of which nothing else is known then.
    """
    found = data.find(b"\0", start, end + _NEAR)
    return min(end + _NEAR, len(data)) if found < 0 else found


def _whole_characters(data: bytes, secret: Range) -> Range:
    """`secret`, extended where it would cut a character of UTF-8 in two."""
    start, end = secret.start, secret.end
    while start > max(0, secret.start - 3) and data[start] & 0xC0 == 0x80:
        start -= 1
    while end < min(len(data), secret.end + 3) and data[end] & 0xC0 == 0x80:
        end += 1
    return secret if (start, end) == (secret.start, secret.end) else Range(start, end, secret.kind)
