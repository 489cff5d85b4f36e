"""From files to the difference: each report is decided by both policies, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sentry_filters.audit import LedgerUnreadableError, reading
from sentry_filters.core import DecisionRecord, Policy
from sentry_filters.preview.difference import Difference
from sentry_filters.preview.files import Item, ItemReader
from sentry_filters.preview.judging import UNRELATED, Judge, example_of
from sentry_filters.preview.rows import RowJudge
from sentry_filters.redaction import Kind, Redactor

_SQLITE = b"SQLite format 3\x00"
_TICK = 1000
_SHOWN = ("signal", "domain", "operation", "provider", "host", "status", "session", "grade", "trace_id")


class SourceError(Exception):
    """A file cannot be previewed; the message names it, and says what is expected."""


class Preview:
    """Compares two policies on ledgers, and on files of envelopes or events.

    Args:
        new: The policy that is to be tried.
        old: The policy that decides now; by default one with the new one's provider and hosts, and else the
            defaults. A ledger's rows are what was decided, whatever is given here: there it says which fields
            differ.
        examples: How many examples to keep of each change.
        progress: Called now and then with how many reports were judged so far, and how many of the files'
            bytes they took.

    Raises:
        ValueError: The new policy's kinds or keys of secrets are faulty; the message names the entry.
    """

    def __init__(
        self,
        new: Policy,
        old: Policy | None = None,
        *,
        examples: int = 3,
        progress: Callable[[int, int], object] = lambda _judged, _read: None,
    ) -> None:
        self._new = new
        self._old = Policy(provider=new.provider, hosts=new.hosts) if old is None else old
        self._redactor = Redactor(
            kinds=[Kind.from_mapping(kind) for kind in new.secret_kinds],
            keys=new.secret_keys,
            kept_keys=new.kept_keys,
            redact_content=new.redact_content,
        )
        self._examples = examples
        self._progress = progress

    def of(self, paths: Iterable[Path]) -> Difference:
        """Return what differs over all files, which count as one history, in this order.

        Raises:
            SourceError: A file cannot be read, or holds nothing that can be judged.
        """
        difference = Difference(self._redactor, self._examples)
        judges = Judge(self._old, self._redactor), Judge(self._new, self._redactor)
        before = 0
        for path in paths:
            try:
                size = path.stat().st_size
                if _is_ledger(path):
                    for share in self._of_ledger(path, difference):
                        self._progress(difference.judged, before + round(share * size))
                    before += size
                    continue
                reader = ItemReader(path, difference.note_broken, difference.skip)
                for number, item in enumerate(reader.items(), 1):
                    self._of_item(item, judges, difference)
                    if number % _TICK == 0:
                        self._progress(difference.judged, before + reader.read)
                before += size
            except OSError as error:
                raise SourceError(f"{path} cannot be read: {error.strerror or error}; {_EXPECTED}") from None
            if not reader.found:
                raise SourceError(f"{path} holds no event and no envelope; {_EXPECTED}")
        return difference

    def _of_item(self, item: Item, judges: tuple[Judge, Judge], difference: Difference) -> None:
        old, new = (judge.outcomes(item) for judge in judges)
        for key in {**old, **new}:
            outcomes = old.get(key, UNRELATED), new.get(key, UNRELATED)
            difference.add(*outcomes, partial(example_of, item, key))

    def _of_ledger(self, path: Path, difference: Difference) -> Iterator[float]:
        """Add a ledger's decisions; now and then yield the share of them that is done."""
        judge = RowJudge(self._old, self._new)
        try:
            with reading(path) as reader:
                count = reader.count_decisions()
                for number, record in enumerate(reader.decisions(), 1):
                    if judge.is_concerned(record):
                        difference.add(*judge.outcomes(record), partial(_example_of, path, record))
                    else:
                        difference.skip(f"decisions about {record.backend}")
                    if number % _TICK == 0:
                        yield number / count
        except LedgerUnreadableError as error:
            raise SourceError(f"{error}; {_EXPECTED}") from None


_EXPECTED = "expected a ledger, or a file of Sentry envelopes or of events as JSON lines"


def _is_ledger(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _example_of(path: Path, record: DecisionRecord) -> dict[str, object]:
    at = datetime.fromtimestamp(record.at, UTC).isoformat(timespec="seconds")
    return {"place": str(path), "at": at, **{name: getattr(record, name) for name in _SHOWN}}
