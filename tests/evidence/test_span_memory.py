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
    memory.forget("t", "never put")
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
        clock.tick(10)
        memory.put("t", "c", 3)
        assert memory.get("t", "a") == 1
        clock.tick(1)
        assert memory.get("t", "a") is None
        memory.put("t", "b", 2)

    assert len(memory) == 2


def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    memory: SpanMemory[int] = SpanMemory()
    memory._lock.acquire()
    memory._reset_lock()  # as after a fork

    memory.put("t", "s", 1)

    assert memory.get("t", "s") == 1
