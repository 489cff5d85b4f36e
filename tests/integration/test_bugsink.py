"""A real server of Sentry's protocol judges what arrives: issues, events, and every byte it stored."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults

import httpx2
import openai
import pytest
import sentry_sdk
from sentry_sdk import logger as sentry_logger
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware

from sentry_filters import SessionExpired, SessionGuard
from tests.conftest import InitSentry, OpenAIFor
from tests.support.backend import LLMBackend
from tests.support.bugsink import Bugsink
from tests.support.secrets import fake

pytestmark = [
    pytest.mark.integration,
    # What replaces the option does not exist in the oldest release that we support.
    pytest.mark.filterwarnings("ignore:The send_default_pii option is deprecated:DeprecationWarning"),
]

STORM = 332
THREADS = 8
FLUSH_SECONDS = 30.0

_log = logging.getLogger("cron")


def complete(client: openai.OpenAI) -> None:
    """One call; Sentry's OpenAI integration captures its failure by itself."""
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])


def heartbeat(client: openai.OpenAI) -> None:
    """A cron job that reports what it caught, both as an exception and as a log line."""
    try:
        complete(client)
    except openai.APIStatusError as error:
        _log.error("heartbeat failed: %s", error)
        sentry_sdk.capture_exception(error)


def own_key_call(client: openai.OpenAI, status: int) -> None:
    """A user's own key at a third party, reported with the tags of the provider layer."""
    with sentry_sdk.new_scope() as scope:
        scope.set_tags({"domain": "llm_provider", "provider": "OpenAI", "status": str(status)})
        try:
            complete(client)
        except openai.APIStatusError as error:
            scope.capture_exception(error)  # the same exception as the integration's: one event


def buggy_handler(client: openai.OpenAI) -> None:
    """An error raised while handling the 401."""
    try:
        try:
            complete(client)
        except openai.AuthenticationError as error:
            int(error.message)
    except ValueError as bug:
        sentry_sdk.capture_exception(bug)


def exception_types(events: list[dict[str, Any]]) -> Counter[str]:
    """The types of the exceptions that were reported, one for each event, with their counts."""
    return Counter(event["exception"]["values"][-1]["type"] for event in events)


def test_the_judge_sees_the_storm_if_nothing_filters_it(
    bugsink: Bugsink, backend: LLMBackend, sentry: InitSentry
) -> None:
    project = bugsink.new_project("unfiltered storm")
    sentry(dsn=project.dsn)
    with httpx2.Client() as http_client:
        client = openai.OpenAI(
            base_url=backend.url, api_key=fake("eyJ", 30), http_client=http_client, max_retries=0
        )
        for _ in range(3):
            heartbeat(client)
    sentry_sdk.flush(FLUSH_SECONDS)

    events = bugsink.events(project)
    assert len([event for event in events if "exception" in event]) == 3
    assert len([event for event in events if "logentry" in event]) == 3
    assert len(bugsink.issues(project)) >= 2


def test_storm_leaves_no_issue(
    bugsink: Bugsink,
    guard: SessionGuard,
    backend: LLMBackend,
    openai_for: OpenAIFor,
    sentry: InitSentry,
    expired: list[SessionExpired],
) -> None:
    project = bugsink.new_project("storm")
    sentry(**guard.sentry_options(dsn=project.dsn))
    client = openai_for(backend, fake("eyJ", 30))
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(heartbeat, client) for _ in range(STORM)]:
            done.result()
    sentry_sdk.flush(FLUSH_SECONDS)
    guard.bus.flush()

    assert backend.state.calls == STORM
    assert bugsink.issues(project) == []
    assert len(expired) == 1
    assert not guard.gate.is_open


def test_third_parties_and_bugs_still_make_issues_during_the_storm(
    bugsink: Bugsink,
    guard: SessionGuard,
    backend: LLMBackend,
    other_backend: LLMBackend,
    openai_for: OpenAIFor,
    sentry: InitSentry,
    expired: list[SessionExpired],
) -> None:
    key = fake("sk-proj-", 40)
    other_backend.state.body = f'{{"error":{{"message":"Incorrect API key provided: {key}, see marigold"}}}}'
    project = bugsink.new_project("third parties")
    sentry(**guard.sentry_options(dsn=project.dsn))
    ours, theirs = openai_for(backend, fake("eyJ", 30)), openai_for(other_backend, key)
    for status in (401, 403):
        other_backend.state.status = status
        with ThreadPoolExecutor(THREADS) as pool:
            jobs = [pool.submit(heartbeat, ours) for _ in range(40)]
            jobs += [pool.submit(own_key_call, theirs, status) for _ in range(10)]
            jobs += [pool.submit(heartbeat, ours) for _ in range(40)]
            for done in jobs:
                done.result()
    buggy_handler(ours)
    sentry_sdk.flush(FLUSH_SECONDS)
    guard.bus.flush()

    events = bugsink.events(project)
    assert exception_types(events) == {
        "AuthenticationError": 10,
        "PermissionDeniedError": 10,
        "ValueError": 1,
    }
    theirs_events = [event for event in events if event["exception"]["values"][-1]["type"] != "ValueError"]
    assert {event["tags"]["provider"] for event in theirs_events} == {"OpenAI"}
    for event in theirs_events:
        [error] = event["exception"]["values"]
        assert "Incorrect API key provided: [REDACTED]" in error["value"]
        assert "marigold" in error["value"]
    assert key.encode() not in bugsink.stored_bytes()
    assert len(expired) == 1


PLACES = {
    "message": ("sk-proj-", "marigold"),
    "log argument": ("sk-ant-api03-", "bluebell"),
    "extra": ("ghp_", "foxglove"),
    "nested extra": ("glpat-", "hyacinth"),
    "tag": ("sk-proj-", "snowdrop"),
    "context": ("sk-ant-api03-", "lavender"),
    "header": ("sk-proj-", "camellia"),
    "query string": ("ghp_", "magnolia"),
    "breadcrumb": ("sk-proj-", "gardenia"),
    "breadcrumb data": ("ghp_", "primrose"),
    "stack local": ("sk-proj-", "geranium"),
    "exception": ("sk-ant-api03-", "amaryllis"),
    "user": ("sk-proj-", "honeysuckle"),
    "attachment": ("sk-proj-", "chrysanthemum"),
    "log": ("sk-proj-", "jacaranda"),
    "transaction": ("sk-proj-", "edelweiss"),
    "span": ("ghp_", "bougainvillea"),
}
_LENGTHS = {"ghp_": 36, "glpat-": 20, "sk-ant-api03-": 93}


@dataclass(frozen=True)
class Canary:
    """A fake secret between two harmless words."""

    word: str
    secret: str

    @property
    def text(self) -> str:
        """What is planted."""
        return f"{self.word} {self.secret} {self.word}"

    @property
    def redacted(self) -> str:
        """What should arrive."""
        return f"{self.word} [REDACTED] {self.word}"


def canaries(run: str) -> dict[str, Canary]:
    """One canary for each place, different in each run."""
    return {
        place: Canary(f"{run}-{word}", fake(prefix, _LENGTHS.get(prefix, 40), run + place))
        for place, (prefix, word) in PLACES.items()
    }


def application(texts: Mapping[str, str]) -> Callable[..., Any]:
    """A WSGI application that puts `texts` wherever Sentry picks them up, and fails."""

    def app(environ: dict[str, Any], start_response: object) -> list[bytes]:
        del environ, start_response
        scope = sentry_sdk.get_isolation_scope()
        sentry_sdk.get_current_scope().set_transaction_name(texts["transaction"])
        scope.set_extra("notes", texts["extra"])
        scope.set_extra("deep", {"list": [{"note": texts["nested extra"]}]})
        scope.set_tag("flower", texts["tag"])
        scope.set_context("garden", {"note": texts["context"]})
        scope.set_user({"id": "7", "username": texts["user"]})
        scope.add_attachment(bytes=texts["attachment"].encode(), filename="notes.txt")
        sentry_sdk.add_breadcrumb(message=texts["breadcrumb"], data={"note": texts["breadcrumb data"]})
        with sentry_sdk.start_span(op="task", name=texts["span"]):
            sentry_logger.warning(texts["log"])
            sentry_sdk.capture_message(texts["message"], level="error")
            _log.error("turn failed: %s", texts["log argument"])
            work = texts["stack local"]
            raise RuntimeError(texts["exception"], len(work))
        return []

    return app


def run_leaking_application(planted: Mapping[str, Canary]) -> None:
    """Let one request fail under Sentry's own WSGI integration."""
    texts = {place: canary.text for place, canary in planted.items()}
    environ: dict[str, Any] = {
        "HTTP_X_NOTE": texts["header"],
        "QUERY_STRING": "note=" + quote(texts["query string"]),
    }
    setup_testing_defaults(environ)
    with pytest.raises(RuntimeError, match="amaryllis"):
        SentryWsgiMiddleware(application(texts))(environ, lambda *_: lambda _: None)
    sentry_sdk.flush(FLUSH_SECONDS)


LEAKING_OPTIONS: dict[str, Any] = {
    "send_default_pii": True,
    "traces_sample_rate": 1.0,
    "enable_logs": True,
}


def test_the_judge_finds_every_canary_if_nothing_redacts(bugsink: Bugsink, sentry: InitSentry) -> None:
    planted = canaries("unguarded")
    sentry(dsn=bugsink.new_project("unguarded canaries").dsn, **LEAKING_OPTIONS)
    run_leaking_application(planted)

    stored = bugsink.stored_bytes()
    assert [place for place, canary in planted.items() if canary.secret.encode() not in stored] == []


def test_no_canary_is_stored_while_the_words_beside_them_are(
    bugsink: Bugsink, guard: SessionGuard, sentry: InitSentry
) -> None:
    planted = canaries("guarded")
    project = bugsink.new_project("guarded canaries")
    sentry(**guard.sentry_options(dsn=project.dsn, **LEAKING_OPTIONS))
    run_leaking_application(planted)

    events = bugsink.events(project)
    stored = bugsink.stored_bytes()
    assert len(events) == 3
    assert [place for place, canary in planted.items() if canary.secret.encode() in stored] == []
    assert [place for place, canary in planted.items() if canary.word.encode() not in stored] == []

    shown = repr(events)
    in_events = set(PLACES) - {"attachment", "log", "query string", "span"}
    assert [place for place in in_events if planted[place].redacted not in shown] == []
