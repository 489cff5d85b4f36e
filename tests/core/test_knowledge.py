"""What one process knows of its sessions: whose expiry is whose, and what is forgotten first."""

from __future__ import annotations

from typing import Literal

import pytest

from sentry_filters.core import Standing, knowledge
from sentry_filters.core.knowledge import Knowledge
from sentry_filters.core.states import (
    Adopted,
    Due,
    Failed,
    Renewal,
    Renewed,
    Rule,
    Step,
    Succeeded,
)

Scope = Literal["process", "session"]


def knowing(scope: Scope = "process", grace: float = 0.0) -> Knowledge:
    def named(name: str | None, after: int) -> str:
        return f"{name or '-'}{after}"

    return Knowledge(Rule(scope=scope, renewal_grace=grace, healing_window=0.0, expiry_id=named))


def fails(known: Knowledge, name: str | None, at: float, *, began: float | None = None) -> Step:
    """Let a call fail, and its expiry run, as the gate's keeper does."""
    step = known.apply(name, Failed(now=at, reported=at, began=began))
    running = step.state.running
    if running is not None and Due.CLOSE in step.due:
        known.began(running.id, name)
    return step


def renewed(known: Knowledge, name: str | None, stamp: int, *, everyone: bool = False) -> None:
    known.apply(name, Renewed(Renewal(stamp, float(stamp)), everyone=everyone))


@pytest.mark.parametrize("scope", ["process", "session"])
def test_a_failure_belongs_to_the_expiry_of_its_own_session(scope: Scope) -> None:
    known = knowing(scope)
    assert known.expiry_of("a") == (None, False)
    fails(known, "a", 10.0)
    fails(known, "b", 11.0)

    assert [known.expiry_of(name) for name in "abc"] == [("a0", True), ("b0", True), (None, False)]
    assert [known.running(name, everyone=False) for name in "abc"] == [("a0",), ("b0",), ()]
    assert known.running(None, everyone=True) == ("a0", "b0")
    assert known.latest_running == "b0"


def test_in_a_process_a_failure_without_a_name_belongs_to_the_latest_expiry_and_to_the_last_that_ended() -> (
    None
):
    known = knowing()
    fails(known, "a", 10.0)
    assert known.expiry_of(None) == ("a0", True)
    renewed(known, None, 20, everyone=True)
    assert known.end("a0", "never ran") == ("a0",)

    assert known.expiry_of(None) == ("a0", False)
    assert known.expiry_of("a") == ("a0", False)
    assert known.expiry_of("b") == (None, False)
    assert known.end("a0") == ()
    assert known.running("a", everyone=False) == ()


def test_where_users_are_told_apart_a_failure_without_a_name_belongs_to_none_of_theirs() -> None:
    known = knowing("session")
    fails(known, "a", 10.0)

    assert known.expiry_of(None) == (None, False)
    assert known.dead(None, None) is None


def test_in_a_process_the_dead_session_is_the_named_one_or_the_nameless_one() -> None:
    known = knowing()
    fails(known, None, 10.0)
    assert (known.dead(None, None), known.dead("a", None)) == ("-0", "-0")

    known = knowing()
    fails(known, "a", 10.0)
    assert (known.dead("a", None), known.dead(None, None), known.dead("b", None)) == ("a0", "a0", "a0")
    fails(known, "b", 11.0)
    assert (known.dead("a", None), known.dead("b", None), known.dead("c", None)) == ("a0", "b0", "b0")


def test_of_users_the_dead_session_is_the_named_one_or_the_one_of_the_trace() -> None:
    known = knowing("session")
    fails(known, "a", 10.0)
    fails(known, None, 10.0)
    known.failed_in("trace", "a")

    assert known.dead("a", None) == "a0"
    assert known.dead("b", "trace") is None
    assert known.dead(None, "trace") == "a0"
    assert known.dead(None, "another") is None
    assert known.dead(None, None) is None


def test_an_expiry_is_at_home_where_it_was_found() -> None:
    known = knowing()
    fails(known, "a", 10.0)

    assert known.home("a0", "b") == "a"
    assert known.home("unknown", "b") == "b"
    assert known.home(None, "b") == "b"
    assert known.homes(["a0", "unknown"]) == ["a"]
    assert known.runs("a0", "a")
    assert not known.runs("a0", "b")


def test_the_latest_stamp_is_that_of_any_renewal() -> None:
    known = knowing("session")
    assert known.latest_stamp == 0
    renewed(known, "a", 30)
    renewed(known, "b", 20)
    assert known.latest_stamp == 30
    renewed(known, None, 40, everyone=True)
    assert known.latest_stamp == 40


@pytest.mark.parametrize(
    ("began", "standing"), [(None, Standing.FIRST), (30.0, Standing.FIRST), (10.0, Standing.STALE)]
)
def test_a_call_of_before_the_sign_in_is_late(began: float | None, standing: Standing) -> None:
    known = knowing()
    renewed(known, None, 20, everyone=True)

    foreseen = known.foreseen("a", Failed(now=40.0, reported=40.0, began=began))
    assert foreseen.standing is standing
    assert known.expiry_of("a") == (None, False), "nothing is remembered"
    assert fails(known, "a", 40.0, began=began).standing is standing


@pytest.mark.parametrize("scope", ["process", "session"])
def test_a_renewal_that_is_asked_for_is_that_of_the_session_or_of_the_whole_process(scope: Scope) -> None:
    known = knowing(scope)
    known.renewing("a", pending=True)
    asked = [known.state(name).session.asked_after for name in ("a", None, "b")]
    known.renewing("a", pending=False)

    assert asked == [0, 0 if scope == "process" else None, None]
    assert [known.state(name).session.asked_after for name in ("a", None)] == [None, None]


def test_only_a_success_that_may_change_something_is_one_to_apply() -> None:
    known = knowing()
    assert known.succeeded("a", 10.0), "the first"
    known.apply("a", Succeeded("a", 10.0, 10))
    assert not known.succeeded("a", 11.0)
    assert known.succeeded("b", 12.0), "another"
    known.apply("b", Succeeded("b", 12.0, 12))
    assert not known.succeeded("b", 13.0)
    fails(known, "c", 14.0)
    assert known.succeeded("b", 15.0), "an expiry runs"

    users = knowing("session")
    assert not users.succeeded("a", 10.0)
    fails(users, "b", 11.0)
    assert users.succeeded("a", 12.0)


def test_when_a_credential_was_used_first_and_succeeded_last() -> None:
    known = knowing()
    fails(known, "a", 20.0, began=15.0)
    for began in (10.0, 30.0, 25.0):
        known.succeeded("a", began)
    fails(known, "b", 40.0)
    fails(known, "d", 40.0, began=35.0)

    assert known.state("d").seen == 35.0
    assert (known.state("a").seen, known.state("a").succeeded) == (10.0, 30.0)
    assert known.state("b").seen == 40.0, "when it was reported, where its begin is unknown"
    assert known.state("c").seen == known.state("c").succeeded == known.state(None).seen
    assert known.state("c").session.name == "c"


def test_what_runs_beside_a_session_is_what_the_nameless_one_stands_for() -> None:
    known = knowing()
    fails(known, "a", 10.0)
    nameless, other = known.state(None), known.state("b")
    assert nameless.beside is not None
    assert nameless.beside.id == "a0"
    assert (known.state("a").beside, other.beside) == (None, None)
    assert (nameless.crowded, other.crowded, known.state("a").crowded) == (True, True, False)

    known = knowing()
    fails(known, None, 10.0)
    named = known.state("a")
    assert named.beside is not None
    assert named.beside.id == "-0"
    assert known.expiry_of("a") == (None, False), "that is not its own"
    assert not named.crowded
    assert known.state(None).beside is None
    renewed(known, None, 20, everyone=True)
    assert known.state("a").beside is None, "it is over"


@pytest.mark.parametrize("what", ["sessions", "uses", "running", "traces"])
def test_of_too_many_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(knowledge, "MOST_SESSIONS", 2)
    known = knowing("session")
    for at, name in enumerate("abc", 10):
        match what:
            case "sessions":
                known.apply(name, Adopted(f"{name}0", 0, float(at)))
            case "uses":
                known.succeeded(name, float(at))
            case "running":
                known.began(f"{name}0", name)
            case _:
                fails(known, name, float(at)) if name == "c" else None
                known.failed_in(f"trace of {name}", name)
    remembered = {
        "sessions": [known.expiry_of(name)[1] for name in "abc"],
        "uses": [known.state(name).seen > 0 for name in "abc"],
        "running": [known.running(name, everyone=False) != () for name in "abc"],
        "traces": [False, True, known.dead(None, "trace of c") == "c0"],
    }[what]

    assert remembered == [False, True, True]
    assert len(known.running(None, everyone=True)) <= 2


@pytest.mark.parametrize(("listening", "shown"), [(True, False), (False, True)])
def test_what_sentry_would_be_shown(listening: bool, shown: bool) -> None:
    known = knowing()
    step = known.foreseen("a", Failed(now=10.0, reported=10.0))
    assert known.would_show(None, "a", step, listening=listening) is shown, "of an expiry that is yet to be"
    fails(known, "a", 10.0)
    repeat = known.foreseen("b", Failed(now=11.0, reported=11.0))

    assert known.would_show("a0", "a", None, listening=listening) is shown
    assert known.would_show("a0", "b", repeat, listening=listening) is shown, "it is at home in another"
    assert not known.would_show(None, "c", None, listening=listening), "where nothing has expired"
