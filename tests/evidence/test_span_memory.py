from __future__ import annotations

from freezegun import freeze_time

from sentry_filters.evidence.span_memory import SpanMemory


def test_what_was_put_is_found_by_trace_and_span() -> None:
    memory: SpanMemory[str] = SpanMemory()
    memory.put("t", "s", "facts")

    assert memory.get("t", "s") == "facts"
    assert memory.get("t", "other") is None
    assert memory.get("other", "s") is None
    memory.forget("t", "s")
    assert memory.get("t", "s") is None


def test_oldest_are_forgotten_first() -> None:
    memory: SpanMemory[int] = SpanMemory(size=3)
    for number in range(5):
        memory.put("t", str(number), number)

    assert [memory.get("t", str(number)) for number in range(5)] == [None, None, 2, 3, 4]


def test_entries_expire() -> None:
    with freeze_time("2026-11-22") as clock:
        memory: SpanMemory[int] = SpanMemory(seconds=10)
        memory.put("t", "a", 1)
        clock.tick(11)
        assert memory.get("t", "a") is None
        memory.put("t", "b", 2)

    assert len(memory) == 1
