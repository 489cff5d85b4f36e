"""What a small world is, and one state of it: values only."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

BUDGET = (
    "renewals", "begins", "deaths", "flakes", "losses", "repeats", "crashes", "flushes", "partitions",
    "unheard",
)  # fmt: skip
"""What may happen so often as a configuration says, in the order of `World.left`."""
RENEWALS, BEGINS, DEATHS, FLAKES, LOSSES, REPEATS, CRASHES, FLUSHES, PARTITIONS, UNHEARD = range(10)


class Configuration(NamedTuple):
    """One bounded world; the numbers say how often something may happen.

    Args:
        name: For people.
        scope: `Policy.scope`.
        processes: How many.
        credentials: Those that calls are made with; None for failures that name none.
        signs_in: What sign-ins name.
        renewals: Sign-ins.
        begins: Calls.
        at_once: Calls on their way from one process.
        deaths: Sessions that end.
        flakes: Answers of 401 although the session lives.
        losses: Messages that never arrive.
        repeats: Messages that arrive once more.
        crashes: Processes that begin anew, with nothing.
        flushes: Losses of the store's memory.
        partitions: Processes that are cut off from the store, for a while.
        unheard: Claims that the store got, while its answer is lost.
        window: Whether there is a healing window.
        listening: Whether applications subscribe.
    """

    name: str
    scope: Literal["process", "session"] = "process"
    processes: int = 3
    credentials: tuple[str | None, ...] = ("a", "b")
    signs_in: tuple[str | None, ...] = ("b",)
    renewals: int = 1
    begins: int = 2
    at_once: int = 1
    deaths: int = 1
    flakes: int = 0
    losses: int = 0
    repeats: int = 0
    crashes: int = 0
    flushes: int = 0
    partitions: int = 0
    unheard: int = 0
    window: bool = False
    listening: bool = True


class Proc(NamedTuple):
    """One process, and what the model knows of it by itself.

    Args:
        local: Its number in `Explorer.locals`.
        inbox: Messages on their way to it.
        up: Whether it reaches the store.
        everyone: The latest renewal of all that it knows: moment and credential.
        own: The latest renewal of each credential that it knows.
        succeeded: When the latest call of each credential began that it saw succeed.
        seen: When the first call of each credential began that it saw succeed or fail.
        failed: When the latest call of each credential began that it took for the end of its session.
        old: Of each credential, whether its use after a renewal was shown.
        calls: Calls on their way: credential, when they began, whether the session was dead then.
        published: The ids that it published.
        shown: The ids of which it showed a failure.
    """

    local: int = 0
    inbox: tuple[Any, ...] = ()
    up: bool = True
    everyone: tuple[float, str | None] = (-1.0, None)
    own: tuple[float, ...] = ()
    succeeded: tuple[float, ...] = ()
    seen: tuple[float, ...] = ()
    failed: tuple[float, ...] = ()
    old: tuple[bool, ...] = ()
    calls: tuple[tuple[int, int, bool], ...] = ()
    published: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


class World(NamedTuple):
    """One state.

    Args:
        procs: The numbers of the processes, sorted: which is which does not matter.
        store: The number of the store's contents.
        clock: The moment; sign-ins and calls each have one of their own.
        dead: Of each credential, whether its session has ended.
        left: How often what may still happen, in the order of `BUDGET`.
        gone: The ids that processes published that have crashed since.
        shown: The ids of which a failure was shown.
        calm: Whether nothing went wrong so far with processes, the network and the store.
    """

    procs: tuple[int, ...]
    store: int
    clock: int
    dead: tuple[bool, ...]
    left: tuple[int, ...]
    gone: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    calm: bool = True
