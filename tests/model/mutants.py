"""Mistakes that the transition function could have: each is a patch of its source, and has to be found."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import NamedTuple

from sentry_filters.core import lifecycle


class Mutant(NamedTuple):
    """One mistake.

    Args:
        name: What goes wrong.
        source: A piece of `sentry_filters/core/lifecycle.py` that occurs once.
        instead: What stands there then.
        found_in: The name of the world of `tests/model/worlds.py` in which it shows.
    """

    name: str
    source: str
    instead: str
    found_in: str = "plain"


MUTANTS = (
    Mutant("a success contradicts nothing", "if began < state.succeeded:", "if False:", "a flake"),
    Mutant("a success contradicts what came after it", "began < state.succeeded", "began > state.succeeded"),
    Mutant(
        "stale before contradicted",
        "if began < state.succeeded:",
        "if began < state.succeeded and not _precedes(rule, event, renewal):",
        "a flake",
    ),
    Mutant("nothing is stale", "if _precedes(rule, event, renewal):", "if False:"),
    Mutant("all that is later is stale", "event.began < renewal.at", "event.began >= renewal.at"),
    Mutant(
        "old credential before stale",
        "if _precedes(rule, event, renewal):",
        "if _precedes(rule, event, renewal) and renewal.credential is None:",
    ),
    Mutant("an old credential ends the new session", "if _names_another(state):", "if False:"),
    Mutant(
        "an unnamed renewal makes all old",
        "named in (None, state.session.name)",
        "named in (state.session.name,)",
        "one credential",
    ),
    Mutant("the same credential is old", "in (None, state.session.name)", "in (None,)", "one credential"),
    Mutant(
        "what a client found for itself is old",
        "min(state.seen, state.succeeded) < state.covering.at",
        "True",
    ),
    Mutant("what never worked is new", "min(state.seen, state.succeeded)", "state.seen"),
    Mutant("what worked before is new", "min(state.seen, state.succeeded)", "state.succeeded", "a flake"),
    Mutant("an old credential is never shown", "if event.can_show and", "if False and"),
    Mutant("an old credential is shown each time", ">= SHOWN_AGAIN_AFTER", ">= 0"),
    Mutant("a failure publishes nothing", "else (Due.CLOSE, then)", "else (Due.CLOSE,)"),
    Mutant("an expiry is not remembered", "Step(_with(state, expiry=first), due,", "Step(state, due,"),
    Mutant("an expiry follows no renewal", "after=after,", "after=0,"),
    Mutant("an expiry is named as the one before", "(state.session.name, after)", "(state.session.name, 0)"),
    Mutant(
        "every failure is the first",
        "if expiry is not None:\n        return _repeat",
        "if False:\n        return _repeat",
    ),
    Mutant(
        "who names none publishes again",
        "if beside is not None and (",
        "if False and (",
        "a failure that names none",
    ),
    Mutant("the window is not waited for", "told=not rule.healing_window", "told=True", "a healing call"),
    Mutant(
        "later failures are forgotten", "failed=max(began, expiry.failed)", "failed=expiry.failed", "a flake"
    ),
    Mutant("no success ends an expiry", "if expiry is None or event.began <= expiry.failed", "if True"),
    Mutant("any success ends an expiry", "or event.began <= expiry.failed", "or False", "a flake"),
    Mutant(
        "a success hides what follows",
        "Renewal(stamp, event.began)",
        "Renewal(stamp, event.began + 9)",
        "a flake",
    ),
    Mutant("a renewal opens nothing", "due = () if new.stamp == known.stamp else", "due = () if True else"),
    Mutant(
        "the earlier renewal counts",
        "elif new.stamp <= known.stamp",
        "elif new.stamp > known.stamp > 0",
        "three renewals",
    ),
    Mutant(
        "whoever signed in is forgotten", "Process(new, used)", "Process(replace(new, credential=None), used)"
    ),
    Mutant(
        "a user's renewal is forgotten",
        "return Step(_with(state, renewal=new), due)",
        "return Step(state, due)",
        "users",
    ),
    Mutant("a user's sign-in is everybody's", 'if scope == "process" or', "if True or", "users"),
    Mutant("a process's sign-in is one credential's", "((None, credential),)", "((credential, credential),)"),
    Mutant(
        "another's expiry closes nothing",
        "(Due.CLOSE,) if after.running is not None",
        "() if after.running is not None",
    ),
    Mutant(
        "another's expiry keeps its old place",
        "replace(known, after=event.after, told",
        "replace(known, told",
    ),
    Mutant(
        "nothing is ever shown",
        "if expiry is None or expiry.shown or",
        "if True or expiry.shown or",
        "nobody listens",
    ),
    Mutant(
        "it is shown each time",
        "if expiry is None or expiry.shown or",
        "if expiry is None or",
        "nobody listens",
    ),
    Mutant(
        "the end of the window tells nothing",
        "if expiry.told or state.running is None",
        "if True",
        "a healing call",
    ),
)


def mutated(mutant: Mutant) -> ModuleType:
    """Return the module with the mistake in it."""
    source = inspect.getsource(lifecycle)
    assert source.count(mutant.source) == 1, f"{mutant.name}: {source.count(mutant.source)} places"
    module = ModuleType("mutated")
    exec(compile(source.replace(mutant.source, mutant.instead), mutant.name, "exec"), vars(module))
    return module
