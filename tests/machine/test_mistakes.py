"""What the machine is worth: each of these mistakes is found within the examples that `make test` runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from otel.evidence import errors
from otel.spans import verdicts
from sentry_filters.core import gate, gatekeeper, lifecycle, recognition, sessions
from sentry_filters.core.states import Failed, Step
from sentry_filters.sentry import before_send
from tests.machine.machine import Machine
from tests.machine.test_machine import EXAMPLES, backends
from tests.machine.world import Backend

__all__ = ["backends"]  # the fixture


class Mistake(NamedTuple):
    """One mistake.

    Args:
        name: What goes wrong.
        owner: The module or class whose function it is in.
        function: The function's name.
        instead: What stands there then.
        scope: The scope in which it shows.
    """

    name: str
    owner: Any
    function: str
    instead: Callable[..., Any]
    scope: str = "process"


def _no(*args: Any, **options: Any) -> bool:
    return False


def _nothing(*args: Any, **options: Any) -> None:
    return None


MISTAKES = (
    Mistake("the host is not checked", recognition, "_served_by_another", _no),
    Mistake("no code of a body is a veto", recognition, "_vetoed", _no),
    Mistake("a firewall counts as the backend", recognition, "_not_from_the_backend", _nothing),
    Mistake("words are facts", recognition, "_grade", lambda failure, policy: "fact"),
    Mistake("the gate is not closed", gate.SchedulerGate, "close", _nothing),
    Mistake("the gate is not opened", gate.SchedulerGate, "open", _nothing),
    Mistake("a user's gate is not opened", gate.SchedulerGate, "open", _nothing, "session"),
    Mistake("nothing is stale", lifecycle, "_precedes", _no),
    Mistake("nobody's failure is stale", lifecycle, "_precedes", _no, "session"),
    Mistake("an old credential ends the new session", lifecycle, "_names_another", _no),
    Mistake("a replaced credential ends the new session", lifecycle, "_names_another", _no, "session"),
    Mistake("a success ends nothing", lifecycle, "_succeeded", lambda rule, state, event: Step(state)),
    Mistake("nothing is shown", lifecycle, "_asked", lambda state, event: Step(state)),
    Mistake(
        "every failure publishes",
        lifecycle,
        "_repeat",
        lambda rule, state, expiry, now, began: lifecycle._ended(
            rule, state, Failed(now=now, reported=now, began=began), began
        ),
    ),
    Mistake("refusals are reported", before_send, "refused_event", _nothing),
    Mistake("refusals fail spans", verdicts, "without_refusal", _nothing),
    Mistake("spans lose every failure", errors, "_message_matches", lambda text, child: True),
    Mistake("one renewal is everybody's", sessions, "renewals_of", lambda *_: ((None, None),), "session"),
    Mistake("a closing gate forgets who", gatekeeper.GateKeeper, "renew", lambda *_, **__: ()),
)
_TO_FIND = settings(EXAMPLES, phases=[Phase.generate], report_multiple_bugs=False)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_a_mistake_is_found(
    mistake: Mistake, backends: tuple[Backend, Backend], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine: Any = partial(Machine, *backends, mistake.scope)
    monkeypatch.setattr(mistake.owner, mistake.function, mistake.instead)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=_TO_FIND)
