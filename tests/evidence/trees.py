"""Which compositions of exceptions hold a third party's failure for certain, and which only ours."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from tests.support.compositions import OWN_JOBS, PAIRINGS, QUOTATIONS, WRAPPINGS, Composed, Leaf, Tree
from tests.support.failing import CALLS

# urllib3's response does not know its host: what it is about cannot be known, so it is kept.
WITH_ORIGIN = [name for name in CALLS if name != "urllib3"]
NAMING_THEIR_URL = ("httpx", "httpx2", "requests", "aiohttp")

_ours: st.SearchStrategy[Tree] = st.builds(Leaf, st.just("ours"), st.sampled_from(WITH_ORIGIN))


def leaves_of_theirs(clients: Iterable[str]) -> st.SearchStrategy[Tree]:
    return st.builds(Leaf, st.sampled_from(["third", "rejected"]), st.sampled_from(list(clients)))


def _wrapped(inner: st.SearchStrategy[Tree], ways: Iterable[str]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.sampled_from(list(ways)), st.tuples(inner))


# `raise … from …` replaces the cause that an exception had, and what was behind that is gone.
_NESTING = [way for way in PAIRINGS if way != "one_from_the_other"]


def _paired(first: st.SearchStrategy[Tree], then: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.sampled_from(_NESTING), st.tuples(first, then))


def _caused(first: st.SearchStrategy[Tree], then: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.just("one_from_the_other"), st.tuples(first, then))


_any_way = {**WRAPPINGS, **OWN_JOBS}
OURS_ALONE = st.recursive(_ours, lambda inner: _wrapped(inner, WRAPPINGS), max_leaves=4)
# What leads to botocore's error leads to no endpoint: that lies in a local beside it.
_certain_leaf: st.SearchStrategy[Tree] = st.builds(
    Leaf, st.just("ours"), st.sampled_from([name for name in WITH_ORIGIN if name != "botocore"])
)
# What lies on an exception is read, but not what that comes from.
_LYING_ON_IT = ("as_an_argument", "as_an_attribute")
CERTAINLY_OURS = st.recursive(
    _certain_leaf | st.builds(Composed, st.sampled_from(_LYING_ON_IT), st.tuples(_certain_leaf)),
    lambda inner: _wrapped(inner, [way for way in WRAPPINGS if way not in _LYING_ON_IT]),
    max_leaves=4,
)


# A quotation is all there is of it: it has to say whose failure it is.
_quoted: st.SearchStrategy[Tree] = st.builds(
    Composed,
    st.sampled_from(list(QUOTATIONS)),
    st.tuples(OURS_ALONE, st.builds(Leaf, st.just("third"), st.sampled_from(NAMING_THEIR_URL))),
)


def holding(theirs: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.recursive(
        theirs | _quoted | _caused(_ours, theirs) | _caused(theirs, _ours),
        lambda inner: _wrapped(inner, _any_way) | _paired(OURS_ALONE, inner) | _paired(inner, OURS_ALONE),
        max_leaves=4,
    )


WITH_THEIRS = holding(leaves_of_theirs(CALLS))
BOTH = st.recursive(
    _paired(OURS_ALONE, WITH_THEIRS) | _paired(WITH_THEIRS, OURS_ALONE),
    lambda inner: _wrapped(inner, _any_way),
    max_leaves=3,
)

# What a traceback shows: no attributes, no locals, of arguments the `repr` only.
_SHOWN = [way for way in WRAPPINGS if way not in _LYING_ON_IT]
# Notes are shown as parts of the text, and what was handled is no cause.
_SHOWN_ALONE = [way for way in _SHOWN if way not in ("with_a_note", "quoting_it")]
_IN_TRACEBACKS = ("in_the_handling", "grouped", "grouped_below", "in_one_future")


def _paired_in_text(first: st.SearchStrategy[Tree], then: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(Composed, st.sampled_from(_IN_TRACEBACKS), st.tuples(first, then))


# A span has an exception as text only: one that does not say whose it is could be ours.
_telling: st.SearchStrategy[Tree] = st.builds(
    Leaf, st.sampled_from(["third", "rejected"]), st.sampled_from(NAMING_THEIR_URL)
)
# The SDKs raise theirs `from None`, which hides from a traceback what was being handled.
_hiding_nothing: st.SearchStrategy[Tree] = st.builds(
    Leaf, st.just("ours"), st.sampled_from(["httpx", "httpx2", "requests", "aiohttp", "urllib"])
)
IN_A_TRACEBACK = st.recursive(
    _telling | _caused(_hiding_nothing, _telling) | _caused(_telling, _hiding_nothing),
    lambda inner: (
        _wrapped(inner, _SHOWN)
        | _paired_in_text(_hiding_nothing, inner)
        | _paired_in_text(inner, _hiding_nothing)
    ),
    max_leaves=3,
)

# What is ours alone, as far as a traceback shows it.
SHOWN_ALONE = st.recursive(_certain_leaf, lambda inner: _wrapped(inner, _SHOWN_ALONE), max_leaves=3)
