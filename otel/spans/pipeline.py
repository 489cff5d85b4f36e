"""One span's way through a guard, in a processor or an exporter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from operator import attrgetter

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import AnyValue

from sentry_filters import SessionGuard
from sentry_filters.guard import parts_of

from ..evidence import lineage_of
from ..pipeline import Outcome, Pipeline
from ..redaction import Cleaned, Fields, sdk_records
from ..waiting import Group, WaitingRoom
from .ended import EndedSpan, Held, ended_span, unread_span
from .hindsight import Hindsight
from .unread import read_later, withheld_span
from .verdicts import SpanVerdicts


class GuardedSpans(Pipeline[ReadableSpan]):
    """Lets ended spans leave as far as they may.

    The span of a call that looks like our expired session waits for what can still be told about it; so do
    those above it until that is known, and those beside it that may tell. Each leaves once, or is dropped.

    Args:
        guard: The application's guard.
        room: Where spans wait.
        reads_later: See `Pipeline`.
    """

    def __init__(
        self, guard: SessionGuard, room: WaitingRoom[Held] | None = None, *, reads_later: bool = False
    ) -> None:
        super().__init__("span", guard, reads_later=reads_later)
        self._domains = parts_of(guard).backends.domains
        self._room: WaitingRoom[Held] = WaitingRoom() if room is None else room
        self._lineage = lineage_of(guard)
        self._hindsight = Hindsight(guard)
        self._verdicts = SpanVerdicts(guard, self._hindsight)
        self._attributes_of = sdk_records.attributes_of
        self._is_healthy, self._are_clean = self._verdicts.is_healthy, self._cleaner.are_clean_spans
        self._clean = self._cleaner.span

    def kept(self, span: ReadableSpan) -> Iterable[ReadableSpan]:
        """Return what may leave now that `span` has ended: what waited for it, and what becomes of it."""
        overdue: list[Group[Held]] = []
        concerned = False
        if not self._room.is_empty:
            overdue = self._overdue()
            concerned = span.context is not None and self._room.concerns(span.context.trace_id)
        kept = None if overdue or concerned else self._at_once(span)
        return (kept,) if kept is not None else self._leaving([*overdue, *self._ready(span)])

    def flushed(self) -> Iterable[ReadableSpan]:
        """Return what may leave of all that still waits."""
        groups = self._room.all_released()
        for group in groups:
            self._knows_enough(group, None)
        return self._leaving(groups)

    def _unread(self, item: ReadableSpan) -> ReadableSpan | None:
        return read_later(item, self._reader) if type(item) is ReadableSpan else None

    def _look(self, items: Sequence[ReadableSpan]) -> Sequence[Cleaned]:
        return self._cleaner.look_at_spans(items)

    def _fields(self, item: ReadableSpan, cleaned: Cleaned) -> Fields:
        return vars(self._cleaner.read_span(item, cleaned)).copy()

    def _fields_of_withheld(self, item: ReadableSpan) -> Fields:
        return vars(withheld_span(item, self._cleaner.resource))

    def _overdue(self) -> list[Group[Held]]:
        groups = self._room.overdue()
        for group in groups:
            self._knows_enough(group, None)
        return groups

    def _ready(self, span: ReadableSpan) -> Iterator[Group[Held]]:
        """Yield what waits no longer now that `span` has ended, and the span."""
        ended = self._read(span)
        group = self._room.released(ended.context.trace_id, ended.context.span_id)
        if group is not None:
            if self._goes_on_waiting(group, ended):
                return
            yield group
        yield Group.of(ended.context.trace_id, Held(ended))

    def _read(self, span: ReadableSpan) -> EndedSpan:
        try:
            return ended_span(span, self._domains)
        except Exception as error:  # noqa: BLE001 - then it says nothing, and is redacted all the same
            self._fault("recognise_span", error)
            return unread_span(span)

    def _goes_on_waiting(self, group: Group[Held], above: EndedSpan) -> bool:
        """Let a group, and the span that ended, wait for the next one above where not enough is known yet."""
        if self._knows_enough(group, above) or above.parent_id is None:
            return False
        self._await(above, Held(above), group)
        return True

    def _knows_enough(self, group: Group[Held], above: EndedSpan | None) -> bool:
        try:
            return self._hindsight.learn(group.items, above)
        except Exception as error:  # noqa: BLE001 - then it is judged by what is known
            self._fault("recognise_span", error)
            return True

    def _leaving(self, groups: list[Group[Held]]) -> Iterator[ReadableSpan]:
        """Yield what may leave of groups that wait no longer."""
        try:
            while groups:
                group = groups[0]
                # What is certain comes before what it may corroborate, calls before what is above them.
                group.items.sort(key=attrgetter("is_uncertain"))
                while group.items:
                    held = group.items.pop(0)
                    kept = self._result(held.ended.span, partial(self._judged_once, held, group))
                    if kept is not None:
                        yield kept
                groups.pop(0)
                if group.awaited:
                    self._lineage.settled(group.trace_id, group.awaited)
        finally:
            for left in groups:  # after an interrupt: they leave when they are overdue, or with a flush
                if left.items:
                    self._room.add(left.trace_id, 0, (), left)

    def _judged_once(
        self, held: Held, group: Group[Held], _span: ReadableSpan, _attributes: dict[str, AnyValue]
    ) -> tuple[Outcome, ReadableSpan | None]:
        if not group.awaited and self._waits(held):
            return "pending", None
        return self._verdicts.judged(held)

    def _waits(self, held: Held) -> bool:
        """Let a span that has just ended wait if more may become known about it, or it may tell of others."""
        ended = held.ended
        if ended.parent_id is not None:
            beside = self._room.waiting_for(ended.context.trace_id, ended.parent_id)
            self._hindsight.learn_from_records(beside)
        failure = self._verdicts.failure_of_call(ended)
        if failure is not None and self._hindsight.may_wait_for(ended, failure):
            held.failure = failure
            self._await(ended, held)
            return True
        if ended.parent_id is None or not self._hindsight.bears_on_others(ended):
            return False
        return self._room.joined(ended.context.trace_id, ended.parent_id, held) or self._joins(held)

    def _joins(self, held: Held) -> bool:
        """Let a span wait with a call elsewhere in its trace whose error it may carry."""
        trace_id = held.ended.context.trace_id
        for awaited in self._room.awaited_in(trace_id):
            calls = self._room.waiting_for(trace_id, awaited)
            if any(self._hindsight.may_be_about(held.ended, one) for one in calls):
                return self._room.joined(trace_id, awaited, held)
        return False

    def _await(self, ended: EndedSpan, held: Held, group: Group[Held] | None = None) -> None:
        if ended.parent_id is not None:
            self._lineage.awaits(ended.context.trace_id, ended.parent_id)
            self._room.add(ended.context.trace_id, ended.parent_id, [held], group)
