"""What was recorded, replayed: spans, log records and events as they were written, with new text in each.

`recording.py` made the file. What a replay needs is filled in before it is timed.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from tests.bench.words import Filler, Words, mark

FILE = Path(__file__).with_name("recorded.json.gz")
Steps = list[list[Any]]
_SECRET = "Authorization: Bearer " + mark("secret", 40)


@cache
def recorded() -> Mapping[str, Any]:
    """Return what the file holds."""
    return json.loads(gzip.decompress(FILE.read_bytes()))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of span.

    Args:
        trees: Spans with what is below them, in turn, as they were recorded.
        more: Further calls on each root.
        linked: Whether each root has a link.
        stated: Whether each root continues a trace that has a trace state.
    """

    trees: Sequence[Sequence[Mapping[str, Any]]]
    more: Steps = field(default_factory=list)
    linked: bool = False
    stated: bool = False


def kinds() -> dict[str, Kind]:
    """Return every kind of healthy span, by the name that the figures have."""
    spans = recorded()["spans"]
    genai = Kind(spans["genai"])
    event = ["add_event", "cache.miss", {"cache.key": mark("hex", 32, 8), "cache.size": 4096}]
    return {
        "ten attributes": Kind([[_ten()]]),
        "ten attributes and finish_reasons": Kind(
            [[_ten()]], [["set_attribute", "gen_ai.response.finish_reasons", ["stop"]]]
        ),
        "GenAI": genai,
        "GenAI, 4 KB of messages": Kind(spans["genai 4 KB"]),
        "GenAI, 20 KB of messages": Kind(spans["genai 20 KB"]),
        "OpenInference, 10 KB": Kind(spans["openinference"]),
        "logfire, 6 KB": Kind(spans["logfire"]),
        "HTTP server": Kind(spans["http server"]),
        "HTTP client": Kind(spans["http client"]),
        "database": Kind(spans["database"]),
        "GenAI with a link": replace(genai, linked=True),
        "GenAI with an event": replace(genai, more=[event]),
        "GenAI with a trace state": replace(genai, stated=True),
    }


def dirty() -> Kind:
    """Return a GenAI span with a secret in it, another one in each."""
    return Kind(recorded()["spans"]["genai"], [["set_attribute", "app.note", _SECRET]])


def failed_call(status: int) -> Kind:
    """Return a chat span and its HTTP child: 503 from a third party, or 401 from the guarded backend."""
    return Kind(recorded()["spans"][f"call, {status}"])


def _ten() -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2026-01-01",
        "gen_ai.response.id": "chatcmpl-" + mark("id", 29),
        "gen_ai.usage.input_tokens": 812,
        "gen_ai.usage.output_tokens": 64,
        "gen_ai.request.temperature": 0.1,
        "server.address": "api.example.ai",
        "server.port": 443,
    }
    steps = [["set_attribute", name, value] for name, value in attributes.items()]
    return {"name": "chat gpt-4o-mini", "kind": "CLIENT", "parent": None, "attributes": {}, "steps": steps}


def attributes(words: Words) -> dict[str, Any]:
    """Return the attributes of a GenAI span with 4 KB of messages."""
    [tree] = recorded()["spans"]["genai 4 KB"]
    filler = words.filler()
    [[_, later]] = tree[0]["steps"]
    return {name: filler.value(value) for name, value in {**tree[0]["attributes"], **later}.items()}


@dataclass(slots=True)
class _Life:
    name: str
    kind: SpanKind
    attributes: Mapping[str, Any]
    steps: list[tuple[str, Sequence[Any]]]
    links: Sequence[Link]
    context: Context
    below: list[_Life] = field(default_factory=list)

    def live(self, tracer: trace.Tracer, context: Context) -> None:
        span = tracer.start_span(self.name, context, self.kind, self.attributes, self.links)
        for one in self.below:
            one.live(tracer, trace.set_span_in_context(span, context))
        for method, given in self.steps:
            getattr(span, method)(*given)
        span.end()


def lives(provider: TracerProvider, kind: Kind, words: Words) -> Callable[[int], list[Callable[[], None]]]:
    """Return what makes so many calls ready: each lets a span of a kind, and what is below it, live."""
    tracer, trees = provider.get_tracer("bench"), itertools.cycle(kind.trees)

    def ready(number: int) -> list[Callable[[], None]]:
        made = [_life(next(trees), kind, words.filler()) for _ in range(number)]
        return [partial(life.live, tracer, life.context) for life in made]

    return ready


def _life(tree: Sequence[Mapping[str, Any]], kind: Kind, filler: Filler) -> _Life:
    made: list[_Life] = []
    for one in tree:
        root = not made
        steps: Steps = [*one["steps"], *(kind.more if root else ())]
        life = _Life(
            filler.fill(one["name"]),
            SpanKind[one["kind"]],
            filler.value(one["attributes"]),  # type: ignore[arg-type]
            [(step[0], [_given(value, filler) for value in step[1:]]) for step in steps],
            [Link(_elsewhere(), {"link.reason": "batch"})] if root and kind.linked else [],
            _stated() if root and kind.stated else Context(),
        )
        if one["parent"] is not None:
            made[one["parent"]].below.append(life)
        made.append(life)
    return made[0]


def _given(value: Any, filler: Filler) -> Any:
    if isinstance(value, dict) and value.keys() == {"status", "description"}:
        return Status(StatusCode[value["status"]], filler.value(value["description"]))  # type: ignore[arg-type]
    return filler.value(value)


def _elsewhere(state: TraceState | None = None) -> SpanContext:
    ids = random.getrandbits(128) | 1, random.getrandbits(64) | 1
    return SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)


def _stated() -> Context:
    state = TraceState(
        [("congo", f"{random.getrandbits(48):012x}"), ("rojo", f"{random.getrandbits(64):016x}")]
    )
    return trace.set_span_in_context(NonRecordingSpan(_elsewhere(state)), Context())


def log_kinds() -> dict[str, Sequence[Mapping[str, Any]]]:
    """Return every kind of log record; the last with a secret."""
    kept = recorded()["logs"]
    plain = kept["log record"]
    dirty_ones = [{**one, "body": f"{one['body']} {_SECRET}"} for one in plain]
    return {
        "log record": plain,
        "log record of 4 KB": kept["log record 4 KB"],
        "log record with an exception": kept["log record with an exception"],
        "log record with a secret": dirty_ones,
    }


def log_lives(
    provider: LoggerProvider, kept: Sequence[Mapping[str, Any]], words: Words
) -> Callable[[int], list[Callable[[], None]]]:
    """Return what makes so many calls ready: each emits a log record."""
    logger, following = provider.get_logger("bench"), itertools.cycle(kept)

    def ready(number: int) -> list[Callable[[], None]]:
        calls: list[Callable[[], None]] = []
        for one in itertools.islice(following, number):
            filler = words.filler()
            given: dict[str, Any] = {name: filler.value(value) for name, value in one.items()}
            given["severity_number"] = SeverityNumber[given["severity_number"]]
            calls.append(partial(_emit, logger, given))
        return calls

    return ready


def _emit(logger: Any, given: Mapping[str, Any]) -> None:
    logger.emit(LogRecord(**given))


class Events:
    """Sentry's items as they were recorded, with new text in each.

    Args:
        words: Where the text comes from.
        least: Bytes of the smallest.
        most: Bytes of the largest.
        secrets: How many each has, if they are events.
        kind: `events`, `transactions` or `sentry logs`.
    """

    def __init__(
        self, words: Words, *, least: int = 0, most: int = 1_000_000, secrets: int = 0, kind: str = "events"
    ) -> None:
        found = [one for one in recorded()[kind] if least <= len(json.dumps(one)) <= most]
        assert found, "nothing of that size was recorded"
        self._words = words
        self._texts = itertools.cycle(
            [json.dumps(_with_secrets(one, secrets) if secrets else one) for one in found]
        )
        self.number = len(found)

    def __call__(self) -> dict[str, Any]:
        """Return another one."""
        return json.loads(self.text())  # type: ignore[no-any-return]

    def text(self) -> str:
        """Return another one, serialised."""
        # A list's beginning makes it JSON to the filler, whose texts are then escaped.
        return self._words.filler().fill(f"[{next(self._texts)}]")[1:-1]


def _with_secrets(event: dict[str, Any], number: int) -> dict[str, Any]:
    """Put secrets where they occur: in a variable's repr, under a key that says so, in a message."""
    made = json.loads(json.dumps(event))
    frames = made["exception"]["values"][0]["stacktrace"]["frames"]
    crumbs = made["breadcrumbs"]["values"]
    for one in range(number):
        secret = mark("secret", 40, one)
        variables = frames[one % len(frames)].setdefault("vars", {})
        if one % 3 == 0:
            variables[f"client_{one}"] = f"<Client key='{secret}'>"
        elif one % 3 == 1:
            variables["api_key"] = f"'{secret}'"
        else:
            crumb = crumbs[one % len(crumbs)]
            crumb["message"] = f"{crumb.get('message')} Authorization: Bearer {secret}"
    return made  # type: ignore[no-any-return]
