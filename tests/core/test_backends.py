"""Several backends in one guard: which one a failure is about, what contradicts, one gate for each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sentry_filters import (
    AuditRecord,
    DecisionRecord,
    Failure,
    Policy,
    Response,
    SessionExpired,
    SessionExpiredError,
    SessionGuard,
    Verdict,
)
from sentry_filters.core import Backends
from sentry_filters.evidence import Endpoint, stated_tags
from sentry_filters.guard import parts_of
from tests.support.expiries import expiry
from tests.support.secrets import fake
from tests.support.waiting import eventually

A = Policy(provider="Alpha", hosts={"api.alpha.ai"})
B = Policy(provider="Beta", hosts={"api.beta.ai:8443"}, domain="beta_layer", statuses=(401,))
PATH = "/v1/chat/completions"
OURS = "backend_session_expired"
KEY = fake("eyJ", 40)


def at(host: str, port: int | None = 443, *, session: str | None = "a", status: int = 401) -> Response:
    return Response(
        status=status,
        endpoint=Endpoint(host, port),
        path=PATH,
        body_known=True,
        credential=True,
        session=session,
    )


OF_A = Failure(response=at("api.alpha.ai"))
OF_B = Failure(response=at("api.beta.ai", 8443))
A_ORIGIN, B_ORIGIN, THIRD = (
    Endpoint(f"api.{name}", port) for name, port in (("alpha.ai", 443), ("beta.ai", 8443), ("third.ai", 443))
)
STATED_A = Failure(domain="llm_provider", operation="chat", provider="Alpha", status=401, failure="non_2xx")
STATED_B = replace(STATED_A, domain="beta_layer", provider="Beta")


class Application:
    """A guard of both backends, and what it published and wrote down."""

    def __init__(self) -> None:
        self.published: list[SessionExpired] = []
        self.guard = SessionGuard([A, B], self.published.append)
        self.records: list[AuditRecord] = []
        parts_of(self.guard).trail.observe(self.records.append)

    def decide(self, *failures: Failure) -> tuple[bool, str]:
        decision = parts_of(self.guard).decider.decide("event", failures)
        return decision.drop, decision.verdict.reason

    @property
    def dead(self) -> set[str]:
        """The providers whose gates are closed."""
        gate = self.guard.gate
        return {one.provider for one in self.guard.policies if not gate.of(one.provider).is_open}

    @property
    def told(self) -> list[str]:
        """The providers whose expiries were published."""
        self.guard.bus.flush()
        return [event.provider for event in self.published]


@pytest.fixture
def app() -> Iterator[Application]:
    app = Application()
    yield app
    app.guard.close()


def wire(label: str, status: int = 401) -> Failure:
    return Failure(domain="llm_provider", text=f'{label} API error ({status} Unauthorized): {{"error":"x"}}')


@pytest.mark.parametrize(
    ("failure", "dead", "reason"),
    [
        (OF_A, {"Alpha"}, OURS),
        (OF_B, {"Beta"}, OURS),
        (STATED_A, {"Alpha"}, OURS),
        (STATED_B, {"Beta"}, OURS),
        (wire("Alpha"), {"Alpha"}, OURS),
        (replace(wire("Beta"), domain="beta_layer"), {"Beta"}, OURS),
        # Each by its own policy.
        (Failure(response=at("api.beta.ai", 8443, status=403)), set(), "other_status"),
        (Failure(response=at("api.beta.ai", 443)), set(), "contradicting_host"),
        (replace(STATED_B, operation="cook"), set(), "other_operation"),
        # The origin counts more than the tag, the tag more than the text; all of them have to agree.
        (replace(STATED_A, response=OF_B.response), set(), "other_provider"),
        (replace(STATED_B, response=OF_A.response), set(), "other_provider"),
        (replace(STATED_A, text=wire("Beta").text), set(), "other_provider"),
        (wire("Alpha: Beta"), {"Beta"}, OURS),
        (replace(wire("x"), text=f"{wire('Alpha').text} {wire('Beta').text}"), set(), "other_provider"),
        (replace(STATED_A, provider="Gamma"), set(), "other_provider"),
        (wire("Gamma"), set(), "unrelated"),
        (Failure(response=at("api.third.ai")), set(), "contradicting_host"),
        (replace(OF_A, rivals=frozenset({THIRD})), set(), "contradicting_host"),
        (Failure(status=401, operation="chat"), set(), "unknown_provider"),
        (Failure(text="division by zero"), set(), "unrelated"),
    ],
)
def test_a_failure_is_about_one_backend_whose_policy_decides(
    app: Application, failure: Failure, dead: set[str], reason: str
) -> None:
    assert app.decide(failure) == (reason == OURS, reason)
    assert app.dead == dead
    assert app.told == sorted(dead)


def test_the_longest_label_is_meant() -> None:
    guard = SessionGuard([replace(A, provider="AI", domain="x"), replace(B, provider="Open AI", domain="x")])
    decide = parts_of(guard).decider.decide

    text = replace(wire("Open AI"), domain="x")
    assert not decide("event", (replace(text, provider="AI"),)).drop
    assert guard.gate.is_open
    assert decide("event", (text,)).drop
    assert guard.gate.of("AI").is_open
    assert not guard.gate.of("Open AI").is_open


MIXED = replace(OF_A, rivals=frozenset({A_ORIGIN, B_ORIGIN}))


@pytest.mark.parametrize("dead", [(), (OF_A,), (OF_B,), (OF_A, OF_B)])
def test_a_report_that_leads_to_both_is_dropped_only_if_both_are_known_to_be_dead(
    app: Application, dead: tuple[Failure, ...]
) -> None:
    for failure in dead:
        assert app.decide(failure)[0]
    before = app.dead

    assert app.decide(MIXED) == ((True, OURS) if OF_B in dead else (False, "contradicting_host"))
    assert app.dead == before | ({"Alpha"} if OF_B in dead else set())


def test_what_is_stated_beside_another_backends_call_announces_nothing(app: Application) -> None:
    stated = replace(STATED_A, rivals=frozenset({B_ORIGIN}))
    app.decide(OF_B)

    assert app.decide(stated) == (False, "uncorroborated")
    assert app.dead == {"Beta"}
    app.decide(OF_A)
    assert app.decide(stated)[0]


def test_a_group_of_both_is_both_expiries(app: Application) -> None:
    rivals = frozenset({A_ORIGIN, B_ORIGIN})

    assert app.decide(replace(OF_A, rivals=rivals), replace(OF_B, rivals=rivals)) == (True, OURS)
    assert app.dead == {"Alpha", "Beta"}
    assert sorted(app.told) == ["Alpha", "Beta"]


@pytest.mark.parametrize(
    "other", [Failure(response=at("api.third.ai")), Failure(text="boom"), replace(OF_B, other_exception=True)]
)
def test_a_group_with_anything_else_is_kept_and_announces_nothing(app: Application, other: Failure) -> None:
    assert not app.decide(OF_A, other)[0]
    assert app.dead == set()


def test_a_group_with_words_that_nothing_corroborates_announces_nothing(app: Application) -> None:
    words = replace(wire("Beta"), domain=None)

    assert app.decide(OF_A, words) == (False, "uncorroborated")
    assert app.dead == set()


def test_one_credential_at_both_is_two_sessions(app: Application) -> None:
    session = app.guard.fingerprint(KEY)
    app.decide(Failure(response=at("api.alpha.ai", session=session)))
    app.decide(Failure(response=at("api.beta.ai", 8443, session=session)))
    assert app.told == ["Alpha", "Beta"]

    app.guard.session_renewed(KEY, provider="Alpha")
    assert app.dead == {"Beta"}
    assert app.decide(Failure(response=at("api.beta.ai", 8443, session=session)))[0]
    assert app.told == ["Alpha", "Beta"]


@pytest.mark.parametrize("provider", [None, "Gamma", "alpha"])
def test_a_renewal_names_its_backend(app: Application, provider: str | None) -> None:
    app.decide(OF_A)

    with pytest.raises(
        ValueError, match=f"session_renewed: invalid provider {provider!r}; expected 'Alpha' or"
    ):
        app.guard.session_renewed(KEY, provider=provider)
    assert app.dead == {"Alpha"}


def test_one_policy_needs_no_name_and_may_have_it() -> None:
    guard = SessionGuard([A])
    parts_of(guard).decider.decide("event", (OF_A,))
    with pytest.raises(SessionExpiredError):
        guard.gate.check(provider="Alpha")
    with pytest.raises(ValueError, match="invalid provider 'Beta'; expected 'Alpha'"):
        guard.gate.check(provider="Beta")

    guard.session_renewed()
    guard.gate.check()
    guard.session_renewed(provider="Alpha")
    assert guard.policy is A
    assert guard.policies == (A,)


def test_the_policies_of_several_have_no_single_one(app: Application) -> None:
    assert app.guard.policies == (A, B)
    with pytest.raises(AttributeError, match="use SessionGuard.policies"):
        _ = app.guard.policy
    assert repr(app.guard) == "<SessionGuard of Alpha, Beta, gate open>"


def test_records_name_the_backend_that_they_are_about(app: Application) -> None:
    for failure in (OF_A, OF_B, replace(STATED_A, provider="Gamma")):
        app.decide(failure)

    records = [one for one in app.records if isinstance(one, DecisionRecord)]
    assert [(one.backend, one.provider, one.third_party) for one in records] == [
        ("Alpha", "Alpha", False),
        ("Beta", "Beta", False),
        ("", "Gamma", True),
    ]


# The gate


def test_the_gate_is_asked_by_provider(app: Application) -> None:
    gate = app.guard.gate
    app.decide(OF_B)

    gate.check(provider="Alpha")
    for asks in ({"provider": "Beta"}, {}):
        with pytest.raises(SessionExpiredError) as refused:
            gate.check(**asks)
        assert refused.value.event.provider == "Beta"
    assert not gate.is_open
    assert (gate.closed, gate.refused) == (1, 2)
    assert gate.wait(0.0, provider="Alpha")
    assert not gate.wait(0.0)
    assert not asyncio.run(gate.wait_async(0.0, provider="Beta"))
    with gate.work(provider="Alpha"):
        pass
    with pytest.raises(SessionExpiredError), gate.work():
        raise AssertionError("refused")

    app.guard.session_renewed(provider="Beta")
    assert gate.is_open
    gate.check()


@pytest.mark.parametrize("call", ["check", "wait", "work", "of"])
def test_an_unknown_provider_is_an_error(app: Application, call: str) -> None:
    with pytest.raises(ValueError, match="gate: invalid provider 'Gamma'; expected 'Alpha' or 'Beta'"):
        getattr(app.guard.gate, call)(provider="Gamma")


@pytest.mark.parametrize("waits", ["wait", "wait_async"])
def test_whoever_names_none_waits_for_all(app: Application, waits: str) -> None:
    gate, opened = app.guard.gate, []
    for name in ("Alpha", "Beta"):
        gate.close(replace(expiry(), provider=name))
    end = gate.on_open(lambda: opened.append(gate.closed))

    gate.of("Alpha").on_open(lambda: threading.Thread(target=gate.of("Beta").open).start())
    threading.Thread(target=gate.of("Alpha").open).start()
    assert gate.wait(10.0) if waits == "wait" else asyncio.run(gate.wait_async(10.0))
    assert gate.is_open
    assert eventually(lambda: opened == [1, 0]), "who waits may be woken before the others are called"
    end()
    gate.close(replace(expiry(), provider="Beta"))
    gate.open()
    assert opened == [1, 0]


# What contradicts itself


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ([], r"policies: invalid value \(\); expected a Policy, or one for each backend"),
        ([A, "x"], "expected a Policy"),
        ([A, replace(A, provider="ALPHA", hosts=())], "provider: invalid value 'ALPHA' of two policies"),
        ([A, replace(B, hosts={"API.alpha.ai."})], "hosts: invalid value 'api.alpha.ai' of Alpha and Beta"),
        ([A, replace(B, hosts={"api.alpha.ai:8080"})], "hosts: invalid value 'api.alpha.ai:8080'"),
        ([replace(A, hosts={"h:8080"}), replace(B, hosts={"h"})], "hosts: invalid value 'h' of"),
        ([replace(A, hosts={"h:80"}), replace(B, hosts={"h:443"})], "hosts: invalid value 'h:443'"),
        (
            [A, replace(B, credential_headers=("x-key",))],
            r"credential_headers: invalid value \('x-key',\) of Beta",
        ),
        ([A, replace(B, kept_keys=("authority",))], r"kept_keys: invalid value \('authority',\) of Beta"),
    ],
)
def test_policies_that_contradict_each_other_are_an_error_at_the_start(policies: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SessionGuard(policies)


def test_one_host_may_serve_two_backends_on_ports_of_their_own() -> None:
    backends = Backends([replace(A, hosts={"h:8080", "h:80"}), replace(B, hosts={"h:8081"})])

    found = [backends.at(Endpoint("h", port)) for port in (8080, 8081, 80, None, 443)]
    assert [None if one is None else one.provider for one in found] == [
        "Alpha",
        "Beta",
        "Alpha",
        "Alpha",
        None,
    ]


def test_what_one_backend_calls_secret_is_secret_for_all() -> None:
    guard = SessionGuard([replace(A, secret_keys=("badge_number",)), replace(B, redact_content=True)])

    redacted = str(
        guard.redactor.redact_value({"badge_number": "x-1234-y", "gen_ai.prompt": "my dear diary"})
    )
    assert "x-1234-y" not in redacted
    assert "diary" not in redacted


# Whose it is


def test_what_holds_for_all_is_known_of_all() -> None:
    backends = Backends([A, B])

    assert backends.domains == {"llm_provider", "beta_layer"}
    assert backends.statuses == {401, 403}
    assert repr(backends) == "<Backends Alpha, Beta>"
    assert (backends.only, Backends(A).only) == (None, A)


@pytest.mark.parametrize(
    ("endpoint", "alone", "of_several"),
    [(A_ORIGIN, A, A), (B_ORIGIN, None, B), (THIRD, None, None), (Endpoint("api.third.ai"), None, None)],
)
def test_an_origin_belongs_to_the_backend_whose_host_it_is(
    endpoint: Endpoint, alone: Policy | None, of_several: Policy | None
) -> None:
    assert Backends(A).at(endpoint) is alone
    assert Backends([A, B]).at(endpoint) is of_several


@pytest.mark.parametrize(
    ("text", "provider"),
    [("Open AI and AI", "Open AI"), ("an AI failed", "AI"), ("Z", "Z"), ("AI or Z", "AI"), ("other", None)],
)
def test_the_longest_provider_that_a_text_names_is_meant(text: str, provider: str | None) -> None:
    several = [replace(A, provider=name, hosts=()) for name in ("AI", "Open AI", "Z")]
    assert Backends(several).provider_in(text) == provider


def test_the_others_that_a_report_leads_to_are_those_of_ours() -> None:
    backends = Backends([A, B])
    report = replace(OF_A, rivals=frozenset({A_ORIGIN, B_ORIGIN, THIRD}))

    assert backends.others_of(report) == (B,)
    assert backends.others_of(OF_A) == ()
    assert Backends(A).others_of(report) == ()


def test_what_the_others_answered_is_a_failure_of_theirs() -> None:
    answers = (
        at("api.alpha.ai"),
        at("api.beta.ai", 8443),
        at("api.third.ai"),
        replace(at("x"), endpoint=None),
    )
    report = replace(OF_A, answers=answers, at=5.0, trace_id="t" * 32)
    backends, failures = Backends([A, B]), [report, OF_B]

    assert backends.with_others(failures) == [
        report,
        OF_B,
        Failure(response=answers[1], at=5.0, trace_id="t" * 32),
    ]
    alone = [OF_A, replace(OF_A, answers=answers[:1])]
    assert backends.with_others(alone) is alone
    assert Backends(A).with_others(failures) is failures


def test_wire_text_that_ends_with_one_label_and_has_another_is_the_others() -> None:
    backends = Backends([replace(A, provider="AI"), replace(B, provider="Open AI", domain=A.domain)])
    text = wire("Open AI")
    assert backends.recognise(replace(text, provider="AI")) == Verdict(drop=False, reason="other_provider")
    answered = replace(text, response=at("api.alpha.ai"))
    assert backends.recognise(answered).drop, "its own answer is nearer the wire"
    elsewhere = replace(text, provider="AI", response=replace(at("x"), endpoint=None))
    assert backends.recognise(elsewhere) == Verdict(drop=False, reason="other_provider")


@pytest.mark.parametrize(
    ("hosts", "named"), [({"h", "h:1", "i"}, "h"), ({"i", "h:1"}, "h:1"), ({"h:2", "h:10"}, "h:10")]
)
def test_the_first_host_that_two_share_is_named(hosts: set[str], named: str) -> None:
    message = f"hosts: invalid value '{named}' of Alpha and Beta; expected hosts that only one backend has"
    with pytest.raises(ValueError, match=f"^{message}$"):
        Backends([replace(A, hosts={"h", "i"}), replace(B, hosts=hosts)])


# From TOML

SEVERAL = """
[tool.sentry_filters]
statuses = [401]
healing_window = 2
[[tool.sentry_filters.backends]]
provider = "Alpha"
hosts = ["api.alpha.ai"]
[[tool.sentry_filters.backends]]
provider = "Beta"
hosts = ["api.beta.ai:8443"]
statuses = [401, 403]
"""


def file_of(folder: Path, text: str) -> Path:
    file = folder / "pyproject.toml"
    file.write_text(text)
    return file


def test_backends_are_read_from_tables_of_their_own(tmp_path: Path) -> None:
    alpha, beta = Policy.all_from_toml(file_of(tmp_path, SEVERAL))

    assert alpha == Policy(provider="Alpha", hosts={"api.alpha.ai"}, statuses=(401,), healing_window=2.0)
    assert (beta.provider, beta.statuses, beta.healing_window) == ("Beta", (401, 403), 2.0)
    assert SessionGuard([alpha, beta]).gate.is_open


def test_a_file_with_one_policy_has_one(tmp_path: Path) -> None:
    plain = file_of(tmp_path, '[tool.sentry_filters]\nprovider = "Alpha"\n')
    assert Policy.all_from_toml(plain) == (Policy.from_toml(plain),)

    table = file_of(tmp_path, '[[tool.sentry_filters.backends]]\nprovider = "Alpha"\n')
    assert Policy.from_toml(table) == Policy(provider="Alpha")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[401, 403]",
            "[404]",
            r"\[\[tool.sentry_filters.backends\]\] 2 statuses: invalid value 404; expected 401 or",
        ),
        (
            "hosts = [",
            "hots = [",
            r"\[\[tool.sentry_filters.backends\]\] 1 hots: unknown key; expected one of",
        ),
        (
            "window = 2",
            'window = "x"',
            r"\[tool.sentry_filters\] healing_window: invalid value 'x'; expected a num",
        ),
        ('provider = "Beta"\n', "", r"backends\]\] 2 provider: invalid value None; expected a text"),
    ],
)
def test_errors_name_file_table_key_and_value(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = file_of(tmp_path, SEVERAL.replace(old, new))

    with pytest.raises(ValueError, match=message) as error:
        Policy.all_from_toml(file)
    assert str(error.value).startswith(str(file))


@pytest.mark.parametrize("backends", ["[]", "3", "[1]", '{provider = "x"}'])
def test_backends_are_tables(tmp_path: Path, backends: str) -> None:
    file = file_of(tmp_path, f"[tool.sentry_filters]\nbackends = {backends}\n")

    with pytest.raises(
        ValueError, match=r"backends: invalid value .*; expected tables \[\[tool.sentry_filters.b"
    ):
        Policy.all_from_toml(file)


def test_who_reads_one_policy_is_told_of_several(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"2 backends \(Alpha, Beta\); expected one; see all_from_toml"):
        Policy.from_toml(file_of(tmp_path, SEVERAL))


def test_tags_of_a_report_are_those_of_the_providers_own_policy(app: Application) -> None:
    assert app.guard.report("x", operation="chat", provider="Beta", status=401).drop
    assert app.dead == {"Beta"}
    assert stated_tags("beta_layer", "chat", "Beta", 401)["domain"] == B.domain
