"""The holder of a credential by itself: when it asks, what it gives out, and what it says of that."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest

from sentry_filters import RefreshRefused, SessionExpiredError
from sentry_filters.core import refresh
from sentry_filters.core.refresh import Renewer
from sentry_filters.core.refresh_flight import Flight
from sentry_filters.core.refresh_held import HeldAs
from sentry_filters.core.shared import Turn
from sentry_filters.evidence import Response
from tests.support.expiries import expiry
from tests.support.sharing import Turns
from tests.support.threads import no_new_threads
from tests.support.tokens import jwt

FACTS = Response(status=401)
FIRST, SECOND, THIRD = "first", "second", "third"


class Said:
    """What a renewer says of its renewals, in the order in which it does."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.dead: set[str | None] = set()

    def fingerprint(self, credential: str) -> str:
        return credential[-8:].upper()

    def renewed(self, credential: str, replaces: str | None) -> None:
        self.lines.append(f"{replaces} became {credential}")

    def refused(self, session: str | None, facts: Response | None) -> None:
        self.lines.append(f"{session} refused{'' if facts is None else f' with {facts.status}'}")

    def refusal(self, session: str | None) -> SessionExpiredError:
        return SessionExpiredError(expiry(session))

    def is_dead(self, session: str | None) -> bool:
        return session in self.dead

    def renewing(self, session: str | None, *, pending: bool) -> None:
        self.lines.append(f"{session} is {'pending' if pending else 'answered'}")

    def asked(self, outcome: str) -> None:
        self.lines.append(f"asked: {outcome}")

    def all(self) -> list[str]:
        """Return what was said since the last time."""
        lines, self.lines = self.lines, []
        return lines


class Application:
    """What `refresh` and `load` give in turn, the last one from then on; an exception is raised."""

    def __init__(self, *gives: str | Exception | None) -> None:
        self.gives = list(gives)
        self.calls = 0

    def __call__(self) -> str | None:
        self.calls += 1
        given = self.gives.pop(0) if len(self.gives) > 1 else self.gives[0]
        if isinstance(given, Exception):
            raise given
        return given


def renewer(
    refresh_: Callable[[], Any],
    load: Callable[[], Any] | None = None,
    *,
    said: Said | None = None,
    scope: Literal["process", "session"] = "process",
    turns: Turns | None = None,
    refuse_expired: bool = False,
    renew_before: float = 0.0,
    timeout: float = 10.0,
) -> Renewer:
    said = Said() if said is None else said
    return Renewer(
        refresh_, load, said, HeldAs(said.fingerprint, scope, refuse_expired, renew_before), turns, timeout
    )


def waited(flight: Flight | None) -> bool:
    """Wait as a caller does; False where there was nothing to wait for."""
    if flight is not None:
        flight.wait()
    return flight is not None


def sent(one: Renewer) -> str | None:
    waited(one.before())
    return one.sendable()


@pytest.fixture(autouse=True)
def _pauses_of_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentry_filters.core.refresh_held.random.uniform", lambda _least, _most: 3600.0)


# Before a call


def test_the_first_call_waits_for_the_first_credential_and_no_later_one() -> None:
    said = Said()
    one = renewer(Application(FIRST), said=said)

    assert waited(one.before())
    assert one.sendable() == FIRST
    assert not waited(one.before())
    assert said.all() == ["None is pending", "asked: renewed", "None became first", "None is answered"]


def test_callers_at_the_same_time_wait_for_the_same_flight() -> None:
    goes_on = threading.Event()
    one = renewer(lambda: goes_on.wait(15.0) and FIRST)
    flight = one.before()

    assert one.before() is flight
    goes_on.set()
    assert waited(flight)
    assert one.sendable() == FIRST


def test_what_refresh_itself_calls_waits_for_nothing_and_sends_the_old_one() -> None:
    seen: list[object] = []

    def refresh_() -> str:
        old = one.sendable()
        seen.extend((one.before(), old, one.after(FIRST), one.instead_of(FIRST, FACTS)))
        one.heard()
        one.told(THIRD, None)
        return FIRST if old is None else SECOND

    one = renewer(refresh_)
    assert sent(one) == FIRST
    one.worked(FIRST)
    assert waited(one.after(FIRST))
    assert one.sendable() == SECOND
    assert seen == [None, None, None, None, None, FIRST, None, None]


@pytest.mark.parametrize(
    ("raised", "shown"),
    [(OSError("away"), OSError), (KeyboardInterrupt(), RuntimeError), (SystemExit(), RuntimeError)],
)
def test_what_refresh_raises_is_shown_to_who_has_no_credential(
    raised: BaseException, shown: type[Exception]
) -> None:
    said = Said()

    def refresh_() -> str:
        raise raised

    one = renewer(refresh_, said=said)
    waited(one.before())
    with pytest.raises(shown) as error:
        one.sendable()
    assert isinstance(raised, Exception) or error.value.args == (type(raised).__name__,)
    assert said.all() == ["None is pending", "asked: unavailable", "None is pending"]
    assert not waited(one.before()), "an hour's pause"


def test_who_waits_in_vain_is_told_so() -> None:
    goes_on = threading.Event()
    one = renewer(lambda: goes_on.wait(15.0) and FIRST, timeout=0.01)
    flight = one.before()
    waited(flight)
    with pytest.raises(TimeoutError, match="^the session's credential could not be had in time$"):
        one.sendable()
    goes_on.set()


def test_what_a_failed_renewal_raised_is_shown_to_nobody_who_has_a_credential() -> None:
    one = renewer(Application(FIRST, OSError("away")))
    assert sent(one) == FIRST
    one.worked(FIRST)
    assert waited(one.after(FIRST))
    assert one.sendable() == FIRST


@pytest.mark.parametrize("gives", [None, RefreshRefused()])
@pytest.mark.parametrize("pause", [3600.0, 0.0])
def test_a_refused_renewal_ends_the_session_and_is_not_asked_for_again(
    gives: Exception | None, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentry_filters.core.refresh_held.random.uniform", lambda _least, _most: pause)
    said, application = Said(), Application(FIRST, gives)
    one = renewer(application, said=said, refuse_expired=True)
    assert sent(one) == FIRST
    one.worked(FIRST)
    said.all()

    assert waited(one.after(FIRST))
    assert said.all() == ["FIRST is pending", "asked: refused", "FIRST is answered"]
    assert one.instead_of(FIRST, FACTS) is None
    assert not waited(one.after(FIRST))
    assert said.all() == ["FIRST refused with 401"]
    assert application.calls == 2


@pytest.mark.parametrize("pause", [3600.0, 0.0])
def test_without_a_credential_a_refusal_is_raised(pause: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentry_filters.core.refresh_held.random.uniform", lambda _least, _most: pause)
    said, application = Said(), Application(None)
    one = renewer(application, said=said)
    for _ in range(2):
        waited(one.before())
        with pytest.raises(SessionExpiredError) as error:
            one.sendable()
        assert error.value.event.session is None
    assert said.all() == [
        "None is pending", "asked: refused", "None is answered", "None refused", "None refused",
    ]  # fmt: skip
    assert application.calls == 1
    assert one.instead_of(FIRST, FACTS) is None


def test_the_same_credential_again_is_no_renewal() -> None:
    said = Said()
    one = renewer(Application(FIRST), said=said)
    assert sent(one) == FIRST
    one.worked(FIRST)
    said.all()

    waited(one.after(FIRST))
    assert said.all() == ["FIRST is pending", "asked: unavailable", "FIRST is pending"]


# After a refused call


def test_who_was_refused_with_a_replaced_credential_gets_the_new_one() -> None:
    said = Said()
    one = renewer(Application(FIRST, SECOND), said=said)
    assert sent(one) == FIRST
    one.worked(FIRST)
    assert waited(one.after(FIRST))

    assert not waited(one.after(FIRST)), "it is replaced already"
    assert one.instead_of(FIRST, FACTS) == SECOND
    assert one.instead_of(SECOND, FACTS) is None
    assert said.all()[-6:] == [
        "None became first", "None is answered",
        "FIRST is pending", "asked: renewed", "first became second", "FIRST is answered",
    ]  # fmt: skip


def test_a_refusal_during_a_look_makes_a_renewal_of_it() -> None:
    goes_on, looks = threading.Event(), threading.Event()
    load, application = Application(FIRST), Application(SECOND)

    def slow() -> str | None:
        if load.calls:
            looks.set()
            goes_on.wait(15.0)
        return load()

    one = renewer(application, slow)
    assert sent(one) == FIRST
    one.heard()
    look = one.before()
    assert looks.wait(15.0)
    assert one.after(FIRST) is look
    goes_on.set()
    assert waited(look)
    assert (one.sendable(), application.calls) == (SECOND, 1)


def test_in_a_pause_who_is_refused_is_not_the_end_unless_it_was_renewed_here() -> None:
    said = Said()
    one = renewer(Application(FIRST, OSError()), Application(None, FIRST), said=said)
    assert sent(one) == FIRST  # its own: nobody else renews it
    said.all()
    assert not waited(one.after(FIRST))
    assert said.all() == []

    another = renewer(Application(OSError()), Application(FIRST), said=said)
    assert sent(another) == FIRST
    assert waited(another.after(FIRST))
    said.all()
    assert not waited(another.after(FIRST))
    assert said.all() == ["FIRST is pending"]


def test_only_a_call_with_the_new_credential_shows_that_it_works() -> None:
    application = Application(FIRST, SECOND, THIRD)
    one = renewer(application)
    assert sent(one) == FIRST
    one.worked(THIRD)
    assert not waited(one.after(FIRST)), "an hour's pause after each renewal, until one has worked"
    one.worked(FIRST)
    assert waited(one.after(FIRST))
    one.worked(FIRST)
    assert not waited(one.after(SECOND))
    one.worked(SECOND)
    assert waited(one.after(SECOND))
    assert one.sendable() == THIRD


def test_that_a_credential_works_forgets_the_tries_once() -> None:
    one = renewer(Application(FIRST, OSError(), SECOND))
    assert sent(one) == FIRST
    one.worked(FIRST)
    assert waited(one.after(FIRST))
    one.worked(FIRST)
    assert not waited(one.after(FIRST)), "it has worked before"


def test_a_refusal_of_what_was_never_held_asks_nobody() -> None:
    application = Application(FIRST)
    assert not waited(renewer(application).after(FIRST))
    assert application.calls == 0


def test_a_sign_in_during_a_renewal_is_not_said_to_be_replaced() -> None:
    said = Said()

    def refresh_() -> str:
        telling = threading.Thread(target=one.told, args=(SECOND, None))
        telling.start()
        telling.join()
        return THIRD

    one = renewer(refresh_, said=said)
    assert sent(one) == SECOND
    assert said.all() == ["None is pending", "asked: renewed", "None is answered"]
    assert waited(one.after(SECOND)) is False, "the pause goes on until it has worked"
    assert said.all() == ["SECOND is pending"], "it was not made here"


def test_it_renews_in_a_thread_that_keeps_no_process_alive() -> None:
    seen: list[tuple[str, bool]] = []

    def refresh_() -> str:
        thread = threading.current_thread()
        seen.append((thread.name, thread.daemon))
        return FIRST

    assert sent(renewer(refresh_)) == FIRST
    assert seen == [("sentry-filters-refresh", True)]


def test_without_a_thread_the_reason_is_shown() -> None:
    one = renewer(Application(FIRST))
    with no_new_threads():
        waited(one.before())
    with pytest.raises((RuntimeError, MemoryError), match="thread"):
        one.sendable()


def test_coroutines_run_in_the_loop_of_who_needs_them() -> None:
    loops: list[object] = []
    gives = Application(FIRST, SECOND)

    async def refresh_() -> str | None:
        loops.append(asyncio.get_running_loop())
        return gives()

    async def load() -> None:
        loops.append(asyncio.get_running_loop())

    async def calls() -> object:
        for flight in (one.before, lambda loop: one.after(FIRST, loop)):
            waiting = flight(asyncio.get_running_loop())
            assert waiting is not None
            await waiting.wait_async()
            one.worked(FIRST)
        return asyncio.get_running_loop()

    one = renewer(refresh_, load)
    loop = asyncio.run(calls())
    assert loops == [loop] * 4
    assert one.sendable() == SECOND


# What others say


@pytest.mark.parametrize(("scope", "asks"), [("process", True), ("session", False)])
def test_an_opened_gate_ends_the_pause_of_the_whole_process(
    scope: Literal["process", "session"], *, asks: bool
) -> None:
    one = renewer(Application(FIRST, SECOND), scope=scope)
    assert sent(one) == FIRST
    one.heard()
    assert not waited(one.before()), "without `load`, there is nothing to look at"
    assert waited(one.after(FIRST)) is asks


def test_an_opened_gate_ends_no_pause_of_one_user_who_was_not_refused() -> None:
    one = renewer(Application(OSError(), FIRST), scope="session")
    assert waited(one.before())
    one.heard()
    assert not waited(one.before())


def test_an_opened_gate_ends_a_refusal_of_one_users_session_too() -> None:
    one = renewer(Application(FIRST, None, SECOND), scope="session")
    assert sent(one) == FIRST
    one.worked(FIRST)
    assert waited(one.after(FIRST))
    assert not waited(one.after(FIRST))
    one.heard()
    assert waited(one.after(FIRST))
    assert one.sendable() == SECOND


@pytest.mark.parametrize("turns", [None, Turns()])
@pytest.mark.parametrize("dead", [True, False])
def test_what_a_look_finds_is_said_where_nobody_else_says_it(turns: Turns | None, *, dead: bool) -> None:
    said, application = Said(), Application(THIRD)
    one = renewer(application, Application(FIRST, SECOND), said=said, turns=turns)
    assert sent(one) == FIRST
    said.dead = {"FIRST"} if dead else set()
    one.heard()
    assert sent(one) == SECOND
    assert said.all() == (["first became second"] if dead else [])
    assert application.calls == 0


@pytest.mark.parametrize("turns", [None, Turns()])
def test_what_a_look_after_a_refusal_finds_is_said_where_there_are_no_other_processes(
    turns: Turns | None,
) -> None:
    said = Said()
    one = renewer(Application(THIRD), Application(FIRST, SECOND), said=said, turns=turns)
    assert sent(one) == FIRST
    assert waited(one.after(FIRST))
    assert one.sendable() == SECOND
    assert said.all() == (["first became second"] if turns is None else [])


def test_news_that_were_looked_at_are_no_news() -> None:
    load = Application(FIRST)
    one = renewer(Application(THIRD), load)
    assert sent(one) == FIRST
    one.heard()
    assert waited(one.before())
    assert not waited(one.before())
    assert load.calls == 2


@pytest.mark.parametrize(
    ("scope", "replaces", "taken"),
    [
        ("process", None, True),
        ("process", "other", True),
        ("session", None, False),
        ("session", "other", False),
        ("session", f"Bearer {FIRST}", True),
    ],
)
def test_whose_sign_in_gives_it_a_credential(
    scope: Literal["process", "session"], replaces: str | None, *, taken: bool
) -> None:
    one = renewer(Application(FIRST), scope=scope)
    assert sent(one) == FIRST
    one.told(f"Bearer {SECOND}", replaces)
    assert one.sendable() == (SECOND if taken else FIRST)


def test_a_sign_in_is_looked_up_where_it_can_be() -> None:
    one = renewer(Application(THIRD), Application(FIRST))
    assert sent(one) == FIRST
    one.told(SECOND, None)
    assert one.sendable() == FIRST


# A credential's own end


def test_a_credential_is_renewed_at_its_own_end_and_refused_a_little_later_if_the_policy_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = jwt(-60.0)
    for refuse in (False, True):
        said = Said()
        one = renewer(Application(OSError("away")), Application(over), said=said, refuse_expired=refuse)
        waited(one.before())
        if refuse:
            with pytest.raises(SessionExpiredError) as error:
                one.sendable()
            assert error.value.event.session == over[-8:].upper()
        else:
            assert one.sendable() == over
        assert said.all() == [
            f"{over[-8:].upper()} is pending", "asked: unavailable", f"{over[-8:].upper()} is pending",
        ]  # fmt: skip


def test_what_is_due_and_valid_is_sent_while_it_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    soon, goes_on, asked = jwt(60.0), threading.Event(), threading.Event()

    def refresh_() -> str:
        asked.set()
        goes_on.wait(15.0)
        return SECOND

    one = renewer(refresh_, Application(soon), renew_before=1.0)  # times an hour, see above
    first = one.before()
    assert asked.wait(15.0)
    assert one.before() is None, "nobody else waits"
    assert one.sendable() == soon
    goes_on.set()
    assert waited(first)
    assert one.sendable() == SECOND


@pytest.mark.parametrize("refused", [False, True])
def test_in_use_it_comes_to_its_end_and_is_renewed(monkeypatch: pytest.MonkeyPatch, *, refused: bool) -> None:
    first, now, goes_on = jwt(100.0), [time.time()], threading.Event()
    goes_on.set()
    application = Application(first, SECOND)

    def refresh_() -> str | None:
        goes_on.wait(15.0)
        return application()

    monkeypatch.setattr("sentry_filters.core.refresh_held.time.time", lambda: now[0])
    monkeypatch.setattr("sentry_filters.core.refresh_held.random.uniform", lambda _least, most: most)
    one = renewer(refresh_, renew_before=60.0)
    assert sent(one) == first
    one.worked(first)
    now[0] += 30.0
    assert not waited(one.before())
    now[0] += 30.0
    goes_on.clear()
    flight = one.after(first) if refused else one.before()
    assert flight is not None
    assert (one.before() is flight) is refused, "while it is valid, nobody else waits"
    now[0] += 45.0
    assert one.before() is flight, "it has ended: all wait"
    goes_on.set()
    flight.wait()
    assert one.sendable() == SECOND


def test_at_its_end_a_refused_renewal_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentry_filters.core.refresh_held.random.uniform", lambda _least, _most: 0.0)
    application = Application(RefreshRefused())
    one = renewer(application, Application(jwt(-60.0)))
    for _ in range(2):
        waited(one.before())
    assert application.calls == 1


# Turns


def test_after_a_turn_that_lasted_too_long_what_is_held_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    class Overtaken(Turns):
        def is_latest(self, turn: Turn) -> bool:
            assert turn.claim == "7"
            return False

    one = renewer(Application(SECOND), Application(FIRST), turns=Overtaken(Turn("won", claim="7")))
    assert sent(one) == FIRST
    assert waited(one.after(FIRST))
    assert one.sendable() == SECOND


def test_another_processs_turn_is_looked_at_until_its_credential_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refresh, "_LOOK_SECONDS", 0.001)
    said, turns, application = Said(), Turns(Turn("held")), Application(THIRD)
    one = renewer(application, Application(FIRST, FIRST, FIRST, SECOND), said=said, turns=turns)
    assert sent(one) == FIRST
    assert waited(one.after(FIRST))
    assert one.sendable() == SECOND
    assert said.all() == ["FIRST is pending", "FIRST is answered"]
    assert (turns.claimed, application.calls) == (["FIRST", "FIRST"], 0)


def test_a_pause_of_the_others_is_one_here() -> None:
    turns = Turns(Turn("paused", seconds=60.0))
    one = renewer(Application(SECOND), Application(FIRST), turns=turns)
    assert sent(one) == FIRST
    assert waited(one.after(FIRST))
    assert not waited(one.after(FIRST))
    assert turns.claimed == ["FIRST"]


def test_a_refusal_of_the_others_is_one_here() -> None:
    said = Said()
    one = renewer(Application(SECOND), Application(FIRST), said=said, turns=Turns(Turn("refused")))
    assert sent(one) == FIRST
    assert waited(one.after(FIRST))
    assert one.instead_of(FIRST, FACTS) is None
    assert said.all() == ["FIRST is pending", "FIRST is answered", "FIRST refused with 401"]


def test_without_a_store_there_are_no_turns() -> None:
    turns = Turns()
    one = renewer(Application(FIRST), turns=turns)
    assert sent(one) == FIRST
    assert turns.claimed == []
