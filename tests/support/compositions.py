"""Exceptions composed of others, in the ways that applications compose them."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.support.failing import raised_by

IN_A_LOCAL = "attempts failed: HTTP 401"
"""The text of what has the failed call in a local only."""

Step = Callable[[], object]


class Leaf(NamedTuple):
    """One real exception: whose call failed, and by which client it was made."""

    whose: str
    client: str


class Composed(NamedTuple):
    """What is composed, by the name of the way, of its parts."""

    way: str
    parts: tuple[Any, ...]


Tree = Leaf | Composed


class Exceptions:
    """Real exceptions, made once. What a composition has changed in them is undone by `restored`.

    Args:
        make: Lets a leaf's call fail, and returns what was raised.
    """

    def __init__(self, make: Callable[[Leaf], BaseException]) -> None:
        self._make = make
        self._made: dict[Leaf, list[_Made]] = {}
        self._used: Counter[Leaf] = Counter()

    def restored(self) -> None:
        """Make all of them as they were."""
        for leaf, used in self._used.items():
            for made in self._made[leaf][:used]:
                made.restore()
        self._used.clear()

    def let_go(self) -> None:
        """Forget all of them, and close what the clients' errors and tracebacks still hold open."""
        self.restored()
        self._made.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()

    def step(self, tree: Tree) -> Step:
        """Return what raises the exception that `tree` describes; of a leaf that it has twice, another."""
        if isinstance(tree, Leaf):
            error = self._another(tree)
            return lambda: _raise(error)
        ways = {**WRAPPINGS, **PAIRINGS, **QUOTATIONS, **OWN_JOBS}
        way, steps = ways[tree.way], [self.step(part) for part in tree.parts]
        return lambda: way(*steps)

    def leads_to_another(self, tree: Tree) -> bool:
        """Say whether what `tree` describes still leads to a failure that is not ours.

        Python keeps one context for each exception: raised once more in another handling, it has the new one.
        """
        self.restored()
        pending = [raised_by(self.step(tree))]
        theirs = [
            made.error for leaf, all_made in self._made.items() if leaf.whose != "ours" for made in all_made
        ]
        seen: list[BaseException] = []
        while pending:
            error = pending.pop()
            if any(error is one for one in seen):
                continue
            seen.append(error)
            quoted = (text for text in map(str, theirs) if "http://" in text)  # others' texts may be ours
            if any(error is one for one in theirs) or any(
                text in str(error) for text in (*quoted, IN_A_LOCAL)
            ):
                return True
            held = (*getattr(error, "exceptions", ()), *error.args, *vars(error).values())
            links = (error.__cause__, error.__context__, *held)
            pending += [one for one in links if isinstance(one, BaseException)]
        return False

    def _another(self, leaf: Leaf) -> BaseException:
        made, used = self._made.setdefault(leaf, []), self._used[leaf]
        if used == len(made):
            made.append(_Made(self._make(leaf)))
        self._used[leaf] += 1
        return made[used].error


class _Made:
    def __init__(self, error: BaseException) -> None:
        self.error = error
        self._links = (error.__traceback__, error.__cause__, error.__context__, error.__suppress_context__)

    def restore(self) -> None:
        error = self.error
        error.__traceback__, error.__cause__, error.__context__, suppressed = self._links
        error.__suppress_context__ = suppressed
        if hasattr(error, "__notes__"):
            del error.__notes__


def _raise(error: BaseException) -> None:
    raise error


def raised_from_it(act: Step) -> None:
    try:
        act()
    except Exception as error:
        raise RuntimeError("the turn failed") from error


def quoting_it(act: Step) -> None:
    try:
        act()
    except Exception as error:
        raise RuntimeError(f"the turn failed: {error}")  # noqa: B904 - as many do


def quoting_it_from_it(act: Step) -> None:
    try:
        act()
    except Exception as error:
        raise RuntimeError(f"the turn failed: {error}") from error


def quoting_its_repr(act: Step) -> None:
    try:
        act()
    except Exception as error:
        raise RuntimeError(f"the turn failed: {error!r}") from error


def in_a_group(act: Step) -> None:
    raise BaseExceptionGroup("tasks", [raised_by(act)])


def by_a_future(act: Step) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(act).result()


def by_a_task(act: Step) -> None:
    async def main() -> None:
        await asyncio.create_task(asyncio.to_thread(act))

    asyncio.run(main())


def with_a_note(act: Step) -> None:
    try:
        act()
    except Exception as error:
        error.add_note("an HTTP 500 went before")
        raise


def as_an_argument(act: Step) -> None:
    raise RuntimeError("all attempts failed", raised_by(act))


def as_an_attribute(act: Step) -> None:
    error: Any = RuntimeError("all attempts failed")
    error.last = raised_by(act)
    raise error


def raised_again(act: Step) -> None:
    kept = raised_by(act)
    raise kept


def in_its_handling(act: Step) -> None:
    try:
        act()
    except Exception:
        raise RuntimeError("cannot go on")  # noqa: B904 - raised in the handling


def from_none(act: Step) -> None:
    try:
        act()
    except Exception as error:
        raise RuntimeError(f"the turn failed: {error}") from None


def in_a_local(act: Step) -> None:
    last = raised_by(act)
    raise RuntimeError(f"{len([last])} {IN_A_LOCAL}")


WRAPPINGS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        way.__name__: way
        for way in (
            raised_from_it, quoting_it, quoting_it_from_it, in_a_group, by_a_future, by_a_task, with_a_note,
            as_an_argument, as_an_attribute, raised_again,
        )
    }
)  # fmt: skip
"""None of them hides what failed: our own failure is still certain."""

OWN_JOBS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {way.__name__: way for way in (in_its_handling, from_none, in_a_local, quoting_its_repr)}
)
"""What they raise may be an error of its own: our own failure may be kept."""


def one_from_the_other(first: Step, then: Step) -> None:
    try:
        first()
    except Exception as error:
        handled = error
    try:
        then()
    except Exception as error:
        raise error from handled


def in_the_handling(first: Step, then: Step) -> None:
    try:
        first()
    except Exception:
        then()


def grouped(first: Step, then: Step) -> None:
    raise BaseExceptionGroup("tasks", [raised_by(first), raised_by(then)])


def grouped_below(first: Step, then: Step) -> None:
    inner = BaseExceptionGroup("inner", [raised_by(then)])
    raise BaseExceptionGroup("outer", [inner, raised_by(first)])


def the_first_again(first: Step, then: Step) -> None:
    try:
        first()
    except Exception as error:
        try:
            then()
        except Exception:
            raise error  # noqa: B904 - as fallbacks do


def the_first_later(first: Step, then: Step) -> None:
    kept = raised_by(first)
    try:
        then()
    except Exception:
        raise kept  # noqa: B904 - as above


def both_as_arguments(first: Step, then: Step) -> None:
    raise RuntimeError("all attempts failed", raised_by(first), raised_by(then))


def the_second_quoted(first: Step, then: Step) -> None:
    try:
        first()
    except Exception as error:
        raise RuntimeError(f"the fallback failed, too: {raised_by(then)}") from error


def both_quoted(first: Step, then: Step) -> None:
    try:
        first()
    except Exception as error:
        raise RuntimeError(f"{error}; then {raised_by(then)}") from error


def in_one_future(first: Step, then: Step) -> None:
    with ThreadPoolExecutor(1) as pool:
        in_the_handling(first, lambda: pool.submit(then).result())


PAIRINGS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        way.__name__: way
        for way in (
            one_from_the_other, in_the_handling, grouped, grouped_below, the_first_again, the_first_later,
            both_as_arguments, in_one_future,
        )
    }
)  # fmt: skip

QUOTATIONS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {way.__name__: way for way in (the_second_quoted, both_quoted)}
)
"""Of the second exception, the text is all there is."""
