"""Sentry's own normaliser judges what is sent: no schema error, and true remarks in `_meta`."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import openai
import pytest
import sentry_sdk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentry_filters import Policy, SessionGuard
from tests.conftest import InitSentry, OpenAIFor
from tests.integration.relay import Normalised, Relay
from tests.support.backend import LLMBackend
from tests.support.secrets import fake
from tests.support.sentry import CapturingTransport

pytestmark = [
    pytest.mark.integration,
    # What replaces the option does not exist in the oldest release that we support.
    pytest.mark.filterwarnings("ignore:The send_default_pii option is deprecated:DeprecationWarning"),
]

DSN = f"http://{'a' * 32}@127.0.0.1:9/1"
KEY = fake("sk-proj-", 40)
EVENT_ITEMS = ("event", "transaction")

_log = logging.getLogger("worker")


class Sending:
    """A Sentry client behind the guard, and how Sentry reads the events that it sends."""

    def __init__(self, relay: Relay, transport: CapturingTransport) -> None:
        self._relay = relay
        self._transport = transport

    def payloads(self) -> list[bytes]:
        """Return the events and transactions sent since the last call, as bytes."""
        sentry_sdk.flush(5.0)
        payloads = [item.payload for item in self._transport.items if item.type in EVENT_ITEMS]
        self._transport.envelopes.clear()
        return payloads

    def normalised(self) -> list[Normalised]:
        """Return the events sent since the last call as Sentry would store them."""
        return [self._relay.normalised(payload) for payload in self.payloads()]

    def one(self) -> Normalised:
        """Return the one event sent since the last call."""
        [event] = self.normalised()
        return event


@pytest.fixture
def sending(relay: Relay, guard: SessionGuard, sentry: InitSentry) -> Sending:
    """As an application has it: `sentry_options`, tracing, personal data."""
    transport = CapturingTransport()
    sentry(
        **guard.sentry_options(dsn=DSN, transport=transport, traces_sample_rate=1.0, send_default_pii=True)
    )
    return Sending(relay, transport)


# These Relay itself takes apart and escapes, and leaves their remarks as they were.
REWRITTEN = (("request", "url"), ("request", "query_string"))


def check(event: Normalised) -> None:
    """There is no schema error; and a replacement is found wherever one of our remarks says so."""
    assert event.errors == ()
    for remark in event.remarks:
        if remark.is_ours and remark.ranges and remark.path not in REWRITTEN:
            assert isinstance(remark.text, str), remark
            assert len(remark.removed) == len(remark.ranges), remark
            assert set(remark.removed) <= {"[REDACTED]", "[WITHHELD]"}, remark


# Situations


class ConfigurationError(Exception):
    """With notes, attributes and a secret in its arguments."""


def plain_exception() -> None:
    try:
        math.sqrt(-1)
    except ValueError as error:
        sentry_sdk.capture_exception(error)


def secrets_everywhere() -> None:
    scope = sentry_sdk.get_isolation_scope()
    scope.set_tag("note", f"uses {KEY}")
    scope.set_extra("notes", [{"api_key": KEY}, f"é {KEY} ü {KEY}", KEY])
    scope.set_extra("password", {"old": "a", "new": ["b"]})
    scope.set_context("garden", {"note": f"a {KEY}", "nested": {"authorization": f"Bearer {KEY}"}})
    scope.set_user({"id": KEY, "username": f"rose {KEY}", "data": {"token": KEY}})
    scope.fingerprint = ["{{ default }}", KEY]
    sentry_sdk.add_breadcrumb(category=KEY, message=KEY, data={"api_key": KEY, "url": f"http://a:{KEY}@b/"})
    sentry_sdk.get_current_scope().set_transaction_name(f"job {KEY}")
    local = {"api_key": KEY, "list": [KEY] * 3}
    try:
        raise ConfigurationError(f"no {KEY}", len(local))
    except ConfigurationError as error:
        error.add_note(f"a note with {KEY}")
        sentry_sdk.capture_exception(error)


def secret_tag_key() -> None:
    sentry_sdk.set_tag(KEY, "a secret as a tag's name")
    sentry_sdk.set_tag(f"b.{KEY}", "and another")
    sentry_sdk.capture_message("with secret names", level="error")


def secret_keys() -> None:
    scope = sentry_sdk.get_isolation_scope()
    scope.set_extra(KEY, "a secret as a name")
    scope.set_extra("names", {KEY: KEY, f"a {KEY}": [KEY, 7], f"b {KEY}": {KEY: None}})
    scope.set_context(KEY, {"note": "a secret as a context's name"})
    sentry_sdk.add_breadcrumb(message="m", data={KEY: "a secret as a name"})
    sentry_sdk.capture_message("with secret names", level="error")


def empty_keys() -> None:
    sentry_sdk.set_extra("names", {"": KEY, "a": {"": {"note": KEY, "": [KEY]}, "b": KEY}})
    sentry_sdk.set_context("garden", {"": {"": KEY}, "note": KEY})
    sentry_sdk.capture_message("with empty names", level="error")


def empty_key_below_secret_key() -> None:
    sentry_sdk.set_extra("names", {KEY: {"": {KEY: None}}})
    sentry_sdk.capture_message("with an empty name", level="error")


def messages() -> None:
    sentry_sdk.capture_message(f"plain message with {KEY}", level="warning")
    _log.error("formatted %s and %s", "this", f"Bearer {KEY}", extra={"api_key": KEY, "n": 3})
    _log.error("formatted %(key)s", {"key": KEY})
    _log.critical("", exc_info=ConfigurationError(KEY))


def exception_groups() -> None:
    leaves = [ValueError(f"leaf {KEY}"), ExceptionGroup("inner", [TypeError(KEY), OSError(2, KEY, "a/b")])]
    try:
        try:
            raise ExceptionGroup(f"outer {KEY}", leaves)
        except ExceptionGroup as group:
            raise ConfigurationError("on top") from group
    except ConfigurationError as error:
        sentry_sdk.capture_exception(error)


def cycles_and_depths() -> None:
    cycle: dict[str, Any] = {"note": KEY}
    cycle["self"] = cycle
    cycle["list"] = [cycle, [cycle]]
    deep: Any = KEY
    for _ in range(10_000):
        deep = [deep] if isinstance(deep, dict) else {"d": deep}
    shallow: Any = KEY
    for _ in range(4):
        shallow = {"d": shallow}
    scope = sentry_sdk.get_isolation_scope()
    scope.set_extra("cycle", cycle)
    scope.set_extra("deep", deep)
    scope.set_extra("shallow", shallow)
    sentry_sdk.capture_message("deep and round", level="error")


def odd_values() -> None:
    scope = sentry_sdk.get_isolation_scope()
    scope.set_extra(
        "odd",
        {
            "nan": math.nan,
            "infinite": math.inf,
            "big": 10**40,
            "bytes": b"\xff\x00" + KEY.encode(),
            "decimal": Decimal("1.5"),
            "at": datetime(2026, 1, 1, tzinfo=UTC),
            "uuid": UUID(int=7),
            "set": {KEY},
            "object": object(),
            "class": ConfigurationError,
            "none": None,
            "nul": f"a\0b {KEY}",
            1: "number as key",
            None: "none as key",
            "": "empty key",
        },
    )
    sentry_sdk.capture_message(f"odd é 😀 {KEY}", level="error")


def long_texts() -> None:
    sentry_sdk.set_extra("long", f"{'word ' * 50_000}{KEY}")
    sentry_sdk.set_extra("long list", [KEY] * 500)
    sentry_sdk.capture_message(f"{KEY} {'word ' * 5_000}{KEY}", level="error")


def attachments() -> None:
    scope = sentry_sdk.get_isolation_scope()
    scope.add_attachment(bytes=f"key = {KEY}".encode(), filename=f"{KEY}.txt", content_type="text/plain")
    scope.add_attachment(bytes=b"\x89PNG\r\n\x1a\n" + bytes(range(256)), filename="image.png")
    sentry_sdk.capture_message("with attachments", level="error")


def request_like() -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Cookie": f"session={KEY}", "X-Note": KEY, "Accept": "*/*"}

    def add_request(event: Any, hint: object) -> Any:
        del hint
        event["request"] = {
            "method": "POST",
            "url": f"http://rose:{KEY}@a.example/b",
            "query_string": f"token={KEY}&page=2",
            "cookies": {"session": KEY, "theme": "dark"},
            "headers": headers,
            "data": {"password": KEY, "items": [{"note": f"a {KEY}"}]},
            "env": {"SERVER_NAME": "a", "API_KEY": KEY},
        }
        return event

    with sentry_sdk.isolation_scope() as scope:
        scope.add_event_processor(add_request)
        sentry_sdk.capture_message("with a request", level="error")


def transactions() -> None:
    with sentry_sdk.start_transaction(op="job", name=f"job {KEY}") as transaction:
        transaction.set_data("note", f"a {KEY}")
        transaction.set_tag("note", KEY)
        with sentry_sdk.start_span(op="db.query", name=f"SELECT '{KEY}'") as span:
            span.set_data("api_key", KEY)
            span.set_data("gen_ai.usage.input_tokens", 7)
            span.set_tag("note", KEY)
        with sentry_sdk.start_span(op="http.client", name=f"GET http://a:{KEY}@b.example/"):
            pass


def personal_tags() -> None:
    for value in (401, 4.5, True, None, "x" * 300, f"{KEY} {'x' * 300}"):
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("status", value)
            scope.capture_message(f"tagged {type(value).__name__}", level="error")


SITUATIONS = [
    pytest.param(situation, id=situation.__name__)
    for situation in (
        plain_exception,
        secrets_everywhere,
        secret_tag_key,
        secret_keys,
        empty_keys,
        empty_key_below_secret_key,
        messages,
        exception_groups,
        cycles_and_depths,
        odd_values,
        long_texts,
        attachments,
        request_like,
        transactions,
        personal_tags,
    )
]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_sentry_finds_no_error_in_what_is_sent(
    situation: Callable[[], None], sending: Sending, relay: Relay
) -> None:
    situation()

    payloads = sending.payloads()
    assert payloads
    for payload in payloads:
        check(relay.normalised(payload))
        assert KEY.encode() not in payload


def test_judge_finds_errors_in_what_breaks_the_schema(relay: Relay) -> None:
    assert relay.normalised(b'{"tags":{"a tag":[1]}}').errors
    assert relay.normalised(b'{"extra":{"a":1}}').errors == ()


def test_event_tagged_unhandled_has_no_error_and_keeps_its_tags(
    relay: Relay, backend: LLMBackend, sentry: InitSentry
) -> None:
    transport = CapturingTransport()
    nobody_listens = SessionGuard(Policy(provider="OpenHuman", hosts={backend.address}))
    sentry(**nobody_listens.sentry_options(dsn=DSN, transport=transport))
    sending = Sending(relay, transport)
    tags = {"domain": "llm_provider", "operation": "chat", "provider": "OpenHuman", "status": 401}
    for _ in range(2):
        with sentry_sdk.new_scope() as scope:
            scope.set_tags({**tags, "failure": "non_2xx"})
            scope.capture_message(f"OpenHuman API error (401 Unauthorized): {KEY}", level="error")

    event = sending.one()
    check(event)
    assert dict(event.event["tags"])["session_expired"] == "unhandled"
    assert dict(event.event["tags"])["provider"] == "OpenHuman"


def test_reported_third_party_failure_has_no_error(
    sending: Sending, guard: SessionGuard, other_backend: LLMBackend, openai_for: OpenAIFor
) -> None:
    other_backend.state.body = (
        f'{{"error":{{"message":"Incorrect API key: {KEY}","code":"invalid_api_key"}}}}'
    )
    client = openai_for(other_backend, KEY)
    with pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"hi {KEY}"}])
    verdict = guard.report(raised.value, operation="chat", provider="OpenAI", status=401, body=b"\xff")
    guard.report(f"no {KEY}", operation="chat", provider="OpenAI", status=None)

    events = sending.normalised()
    assert not verdict.drop
    assert len(events) >= 2
    for event in events:
        check(event)


@pytest.mark.parametrize("situation", [one for one in SITUATIONS if one.id != "transactions"])
def test_sentry_finds_no_error_behind_the_hook_alone_which_sees_events_only(
    situation: Callable[[], None], guard: SessionGuard, sentry: InitSentry, relay: Relay
) -> None:
    transport = CapturingTransport()
    sentry(
        dsn=DSN,
        transport=transport,
        before_send=guard.before_send,
        send_default_pii=True,
    )
    situation()

    payloads = Sending(relay, transport).payloads()
    assert payloads
    for payload in payloads:
        check(relay.normalised(payload))
        assert KEY.encode() not in payload


def test_tags_as_pairs_of_a_users_hook_have_no_error(
    relay: Relay, guard: SessionGuard, sentry: InitSentry
) -> None:
    def pairs(event: Any, hint: object) -> Any:
        del hint
        return {**event, "tags": [["note", f"a {KEY}"], ["status", "500"]]}

    transport = CapturingTransport()
    sentry(**guard.sentry_options(dsn=DSN, transport=transport, before_send=pairs))
    sentry_sdk.capture_message("m", level="error")

    event = Sending(relay, transport).one()
    check(event)
    assert event.event["tags"][:2] == [["note", "a [REDACTED]"], ["status", "500"]]
    assert event.remark_at("tags", "0", "1").removed == ("[REDACTED]",)


# Remarks


def test_remarks_survive_at_the_place_of_the_secret(sending: Sending) -> None:
    scope = sentry_sdk.get_isolation_scope()
    scope.set_extra("notes", [{"deep": [0, f"é {KEY} ü {KEY}"]}])
    scope.set_tag("note", f"a {KEY}")
    scope.set_context("garden", {"note": KEY})
    scope.set_user({"id": "7", "username": f"rose {KEY}"})
    sentry_sdk.add_breadcrumb(message=f"before {KEY}")
    local = [f"a {KEY}"]
    try:
        raise ConfigurationError(f"no {KEY}", len(local))
    except ConfigurationError as error:
        sentry_sdk.capture_exception(error)

    event = sending.one()
    check(event)
    tag = str([name for name, _ in event.event["tags"]].index("note"))
    frame = str(len(event.event["exception"]["values"][0]["stacktrace"]["frames"]) - 1)
    for path, text, marks in (
        (("extra", "notes", "0", "deep", "1"), "é [REDACTED] ü [REDACTED]", 2),
        (("tags", tag, "1"), "a [REDACTED]", 1),
        (("contexts", "garden", "note"), "[REDACTED]", 1),
        (("user", "username"), "rose [REDACTED]", 1),
        (("breadcrumbs", "values", "0", "message"), "before [REDACTED]", 1),
        (("exception", "values", "0", "value"), "('no [REDACTED]', 1)", 1),
        (
            ("exception", "values", "0", "stacktrace", "frames", frame, "vars", "local", "0"),
            "'a [REDACTED]'",
            1,
        ),
    ):
        remark = event.remark_at(*path)
        assert remark.text == text
        assert remark.removed == ("[REDACTED]",) * marks


def test_remark_on_a_tag_is_found_under_its_new_name(sending: Sending) -> None:
    sentry_sdk.set_tag(KEY, f"a {KEY}")
    sentry_sdk.capture_message("m", level="error")

    event = sending.one()
    [(index, value)] = [
        (index, value) for index, (name, value) in enumerate(event.event["tags"]) if "REDACTED" in name
    ]
    assert value == "a [REDACTED]"
    assert event.remark_at("tags", str(index), "1").removed == ("[REDACTED]",)


def test_a_remark_is_at_its_own_key_if_two_become_equal(sending: Sending) -> None:
    sentry_sdk.set_extra("names", {KEY: "first", fake("sk-proj-", 40, "other"): f"second {KEY}"})
    sentry_sdk.capture_message("m", level="error")

    event = sending.one()
    [second] = [name for name, value in event.event["extra"]["names"].items() if value.startswith("second")]
    assert event.remark_at("extra", "names", second).removed == ("[REDACTED]",)


def test_remark_on_a_message_moves_with_it(sending: Sending) -> None:
    sentry_sdk.capture_message(f"uses {KEY}", level="error")

    event = sending.one()
    remark = event.remark_at("logentry", "formatted")
    assert remark.text == "uses [REDACTED]"
    assert remark.removed == ("[REDACTED]",)


def test_remarks_on_a_log_line_and_its_parameters(sending: Sending) -> None:
    _log.error("uses %s", KEY)

    event = sending.one()
    assert event.remark_at("logentry", "formatted").text == "uses [REDACTED]"
    assert event.remark_at("logentry", "params", "0").text == "[REDACTED]"


def test_sdks_own_remarks_stay_beside_ours(sending: Sending) -> None:
    sentry_sdk.set_extra("password", "by the SDK itself")
    sentry_sdk.set_extra("note", KEY)
    sentry_sdk.capture_message("m", level="error")

    event = sending.one()
    check(event)
    theirs = event.remark_at("extra", "password")
    assert theirs.text == "[Filtered]"
    assert theirs.rules == ("!config",)
    assert event.remark_at("extra", "note").is_ours


def test_the_original_length_is_stated(sending: Sending) -> None:
    text = f"é {KEY}"
    sentry_sdk.set_extra("note", text)
    sentry_sdk.capture_message("m", level="error")

    meta = sending.one().event["_meta"]["extra"]["note"][""]
    assert meta["len"] == len(text)


def test_clean_event_has_no_remark_of_ours(sending: Sending) -> None:
    plain_exception()

    assert [remark for remark in sending.one().remarks if remark.is_ours] == []


# Generated data

TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([KEY, f"Bearer {KEY}", f'{{"api_key": "{KEY}"}}', "a\0b", "password", "[REDACTED]"]),
)
KEYS = st.one_of(st.text(max_size=10), st.sampled_from(["api_key", "token", "", "0", "note", "type", KEY]))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), TEXTS, st.binary(max_size=10)
)
DATA = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=4)),
    max_leaves=12,
)
TAG_NAMES = st.from_regex(r"\A[a-zA-Z0-9_.:-]{1,32}\Z")
# Relay strips blanks before a tag's value, and leaves its remarks as they were: none before it.
TAG_VALUES = st.one_of(
    st.integers(0, 999),
    st.booleans(),
    st.from_regex(r"\A[a-z][a-z ]{0,20}\Z").map(lambda text: f"{text} {KEY}"),
    st.from_regex(r"\A[a-z]{1,20}\Z"),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    extra=DATA, context=st.dictionaries(KEYS, DATA, max_size=3), tags=st.dictionaries(TAG_NAMES, TAG_VALUES)
)
def test_no_data_leads_to_an_error(
    sending: Sending, relay: Relay, extra: object, context: dict[str, Any], tags: dict[str, Any]
) -> None:
    with sentry_sdk.isolation_scope() as scope:
        scope.set_extra("data", extra)
        scope.set_context("garden", context)
        scope.set_tags(tags)
        sentry_sdk.add_breadcrumb(message="m", data={"data": extra})
        sentry_sdk.capture_message("m", level="error")

    [payload] = sending.payloads()
    check(relay.normalised(payload))
    assert KEY.encode() not in payload
