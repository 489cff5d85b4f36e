"""Finds any of tens of thousands of exact texts, in a time that hardly depends on their number."""

from __future__ import annotations

import string
from bisect import bisect_left, insort
from collections.abc import Iterator
from struct import Struct

from sentry_filters.redaction.regex import Regex
from sentry_filters.redaction.text.cuts import SHORTEST_CUT, Cuts, is_cut

# Ordinary text is nine tenths these; of a generated one, half remains without them. What contains a text
# contains, without these characters, what that text is without them. Both alphabets of base64 are one so.
_ORDINARY = bytes(set(range(256)) - set((string.digits + string.ascii_uppercase + "bjkqvwxyz").encode()))
_FEW = 8  # that are looked for one by one
_KIND = "registered"
_UNUSED = 8_192  # windows; more of them are worth a new beginning
_LONGEST_CUT = 1_024


class _Tier:
    """Texts of as many telling characters that each holds a window of `size`, aligned in what holds the text.

    Of each only so many are looked at: its key.
    """

    def __init__(self, window: Struct) -> None:
        self._window = window
        self.length = 2 * window.size - 1
        self._texts: dict[bytes, tuple[bytes, ...]] = {}  # by key
        self._windows: set[int] = set()
        self._unused = 0  # windows of keys that were removed, at most

    def add(self, key: bytes, text: bytes) -> None:
        """Find `text` where `key` is."""
        if key not in self._texts:
            self._windows.update(self._windows_of(key))
        texts = self._texts.get(key, ())
        if text not in texts:
            self._texts[key] = (*texts, text)

    def remove(self, key: bytes, text: bytes) -> None:
        """Do not find `text` any more."""
        texts = tuple(each for each in self._texts.get(key, ()) if each != text)
        if texts:
            self._texts[key] = texts
            return
        self._texts.pop(key, None)
        self._unused += self._window.size
        if self._unused > max(_UNUSED, len(self._windows) // 2):
            self._windows = {window for each in self._texts for window in self._windows_of(each)}
            self._unused = 0

    def found(self, telling: bytes) -> Iterator[bytes]:
        """The texts whose keys are in `telling`, each once for every place."""
        size, windows = self._window.size, self._windows
        aligned = memoryview(telling)[: len(telling) // size * size].cast("Q" if size == 8 else "I")
        if windows.isdisjoint(aligned):
            return
        for place, window in enumerate(aligned):
            if window in windows:
                for start in range(max(0, (place + 1) * size - self.length), place * size + 1):
                    yield from self._texts.get(telling[start : start + self.length], ())

    def __bool__(self) -> bool:
        return bool(self._texts)

    def _windows_of(self, key: bytes) -> Iterator[int]:
        return (self._window.unpack_from(key, start)[0] for start in range(self._window.size))


class Needles:
    """A set of texts to look for. Changed by one thread at a time, while others read."""

    def __init__(self) -> None:
        self._count: dict[bytes, int] = {}  # how often each was added
        # Of a needle, its end; of one that is long enough, its beginning, too.
        self._wide, self._narrow = _Tier(Struct("Q")), _Tier(Struct("I"))
        self._plain: set[bytes] = set()  # with too few telling characters for any tier
        self._new_plain: tuple[bytes, ...] = ()  # of these, what the expression does not look for
        self._any_plain: Regex | None = None
        self._compiled = 0
        self._beginnings: dict[bytes, int] = {}
        self._sorted: list[bytes] = []  # those that are long enough to be found where they are cut
        self.characters = b""  # of all that were ever added
        self._cuts = Cuts(self)

    def __bool__(self) -> bool:
        return bool(self._count)

    def add(self, needle: bytes, *, cut: bool = True) -> None:
        """Look for `needle`, too; `cut`: also for a long beginning of it, whatever marks the cut."""
        count = self._count.get(needle, 0)
        self._count[needle] = count + 1
        if count:
            return
        telling = needle.translate(None, _ORDINARY)
        tier = self._tier(telling)
        if tier is None:
            self._plain.add(needle)
            self._new_plain = (*self._new_plain, needle)
        else:
            tier.add(telling[-tier.length :], needle)
        if len(needle) > SHORTEST_CUT:
            beginning = needle[:SHORTEST_CUT]
            self._beginnings[beginning] = self._beginnings.get(beginning, 0) + 1
            insort(self._sorted, needle)
            self.characters += needle.translate(None, self.characters)
            if cut and len(telling) >= self._wide.length:
                self._wide.add(telling[: self._wide.length], beginning)

    def remove(self, needle: bytes) -> None:
        """Look for `needle` no more, if it was not added more often than removed."""
        count = self._count.pop(needle, 0) - 1
        if count > 0:
            self._count[needle] = count
        if count:
            return
        telling = needle.translate(None, _ORDINARY)
        tier = self._tier(telling)
        if tier is None:
            self._plain.discard(needle)
            self._new_plain = tuple(each for each in self._new_plain if each != needle)
        else:
            tier.remove(telling[-tier.length :], needle)
        if len(needle) > SHORTEST_CUT:
            self._remove_beginning(needle, telling)

    def settle(self) -> None:
        """Make searches fast again, after many were added."""
        if len(self._new_plain) > max(_FEW, self._compiled // 4):
            every = sorted(self._plain, key=len, reverse=True)  # of two that begin alike, the longer first
            self._any_plain = Regex("|".join(map(_quoted, every)), captures=False)
            # Only now: who reads meanwhile finds the new ones here or there.
            self._compiled, self._new_plain = len(every), ()

    def _remove_beginning(self, needle: bytes, telling: bytes) -> None:
        beginning = needle[:SHORTEST_CUT]
        self._beginnings[beginning] -= 1
        if not self._beginnings[beginning]:
            del self._beginnings[beginning]
            if len(telling) >= self._wide.length:
                self._wide.remove(telling[: self._wide.length], beginning)
        del self._sorted[bisect_left(self._sorted, needle)]

    def places(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        """Where they are in `data`, whole or cut, and as what; in no order, perhaps several times."""
        telling = data.translate(None, _ORDINARY)
        found = {*self._wide.found(telling), *(self._narrow.found(telling) if self._narrow else ())}
        for text in (*found, *self._plain_in(data)):
            for at in _places(data, text):
                if text in self._count:
                    yield at, at + len(text), _KIND
                if text in self._beginnings:
                    end = at + self.common(data[at : at + _LONGEST_CUT])
                    if is_cut(data, end):
                        yield at, end, _KIND
        yield from self._cuts.places(data)

    def begins_at(self, data: bytes, start: int) -> bool:
        """Whether one may begin at data[start], as far as its first characters tell."""
        return data[start : start + SHORTEST_CUT] in self._beginnings

    def common(self, text: bytes) -> int:
        """How many bytes of `text` are the beginning of one of them."""
        every = self._sorted
        place = bisect_left(every, text)
        # Another thread may add one meanwhile, which moves the others by one place.
        return max((_common(text, each) for each in every[max(0, place - 2) : place + 2]), default=0)

    def _plain_in(self, data: bytes) -> Iterator[bytes]:
        """Those of few telling characters that are in `data`."""
        yield from (each for each in self._new_plain if each in data)
        if self._any_plain is not None:
            found = {match.group() for match in self._any_plain.finditer(data)}
            yield from found & self._plain

    def _tier(self, telling: bytes) -> _Tier | None:
        return next((tier for tier in (self._wide, self._narrow) if len(telling) >= tier.length), None)


def _places(data: bytes, text: bytes) -> Iterator[int]:
    at = data.find(text)
    while at >= 0:
        yield at
        at = data.find(text, at + len(text))


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if other.startswith(one[:middle]):
            least = middle
        else:
            most = middle - 1
    return least


def _quoted(needle: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in needle)
