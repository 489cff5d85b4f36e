"""What redaction costs: `python -m tests.bench.redaction` prints a table.

Every contender gets the same clean and the same dirty event in one process; the best of many turns counts.
Only ratios of one run mean anything. A contender that is not installed is left out.
"""

from __future__ import annotations

import copy
import importlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType

from sentry_filters.redaction import Redactor
from sentry_filters.redaction.catalogue import CATALOGUE
from tests.bench.table import Row, show
from tests.support.secrets import fake

ROUNDS = 3
TURNS = 30
Event = dict[str, object]
Contender = tuple[str, Callable[[Event], object], Callable[[Event], object]]  # name, preparation, work


def clean_event(frames: int = 35) -> Event:
    """A Sentry event of an LLM application, about 40 KB: full of tokens, without a secret."""
    return {
        "event_id": "9ec79c33ec9942ab8353589fcb2e04dc",
        "exception": {
            "values": [
                {
                    "type": "APIError",
                    "value": "upstream failed after 3 attempts, 1200 input tokens were billed",
                    "stacktrace": {"frames": [_frame(number) for number in range(frames)]},
                }
            ]
        },
        "breadcrumbs": {"values": [_breadcrumb(number) for number in range(50)]},
        "contexts": {
            "trace": {"trace_id": "771a43a4192642f0b136d5159a501700", "span_id": "b7ad6b7169203331"}
        },
        "extra": {
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.request.max_tokens": 1000,
            "tokenizer": "cl100k_base",
        },
        "tags": {"model": "gpt-4o-2024-08-06", "region": "eu-west-1"},
    }


def dirty_event() -> Event:
    """The same with twenty secrets: ten under a key that says so, ten inside a text."""
    event = clean_event()
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]  # type: ignore[index]
    for number in range(10):
        local_variables = frames[number]["vars"]
        local_variables["api_key"] = repr(fake("sk-" + "proj-", 40, str(number)))
        local_variables["call"] = f"post('{fake('gh' + 'p_', 36, str(number))}', retries=3)"
    return event


def _frame(number: int) -> Event:
    return {
        "filename": f"app/services/llm/module_{number}.py",
        "abs_path": f"/srv/app/services/llm/module_{number}.py",
        "function": f"call_model_{number}",
        "module": f"app.services.llm.module_{number}",
        "lineno": number * 7,
        "pre_context": [
            f"    line {line} of source = compute(value_{line}, max_tokens=512)" for line in range(5)
        ],
        "context_line": "    response = await client.chat.completions.create(**kwargs)",
        "post_context": [f"    result_{line} = response.choices[{line}]" for line in range(5)],
        "in_app": True,
        "vars": {
            "self": "<app.services.Client object at 0x7f20d1c0>",
            "model": "'gpt-4o-2024-08-06'",
            "kwargs": {"max_tokens": "1000", "messages": ["{'role': 'user'}"]},
        },
    }


def _breadcrumb(number: int) -> Event:
    data = {"url": "https://api.openai.com/v1/chat/completions", "status_code": 200, "method": "POST"}
    return {"timestamp": f"2026-01-01T00:00:{number:02}Z", "category": "httplib", "data": data}


def contenders() -> Iterator[Contender]:
    """Everything that can be compared here, this package first."""
    redactor = Redactor()
    yield "sentry-filters, dict", lambda event: event, redactor.redact_value
    yield "sentry-filters, dict with _meta", lambda event: event, redactor.scrub
    yield "sentry-filters, bytes", _serialised, lambda data: redactor.is_clean(data)  # type: ignore[arg-type]
    yield "re, the same patterns", _serialised, _plain_re()
    yield from _installed()


def _installed() -> Iterator[Contender]:
    if scrubber := _imported("sentry_sdk.scrubber"):
        yield (
            "EventScrubber(recursive=True)",
            copy.deepcopy,
            scrubber.EventScrubber(recursive=True).scrub_event,
        )
    if scrubbing := _imported("logfire._internal.scrubbing"):
        scrub = scrubbing.Scrubber([]).scrub_value
        yield "logfire", lambda event: event, lambda event: scrub(("attributes",), event)
    if relay := _imported("sentry_relay.processing"):
        config = relay.convert_datascrubbing_config(
            {"scrubData": True, "scrubDefaults": True, "sensitiveFields": []}
        )
        yield "sentry-relay", lambda event: event, lambda event: relay.pii_strip_event(config, event)


def _imported(module: str) -> ModuleType | None:
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _serialised(event: Event) -> object:
    return json.dumps(event, separators=(",", ":")).encode()


def _plain_re() -> Callable[[object], object]:
    patterns = [
        re.compile(kind.pattern.encode("latin-1")) for kind in CATALOGUE if "(?i:" not in kind.pattern
    ]

    def substitute(data: object) -> object:
        assert isinstance(data, bytes)
        for pattern in patterns:
            data = pattern.sub(b"[REDACTED]", data)
        return data

    return substitute


def measure(event: Event) -> dict[str, float]:
    """The best time of each contender in microseconds."""
    found = list(contenders())
    best = {name: float("inf") for name, _, _ in found}
    for _ in range(ROUNDS):  # in which each has its turns in a row: caches are warm in an application, too
        for name, prepare, work in found:
            for _ in range(TURNS):
                given = prepare(event)
                start = time.perf_counter()
                work(given)  # type: ignore[arg-type]
                best[name] = min(best[name], (time.perf_counter() - start) * 1e6)
    return best


def run() -> bool:
    """Print the table, and return whether the ratios are within what the project allows itself."""
    events = {"clean": clean_event(), "20 secrets": dirty_event()}
    sizes = {name: len(json.dumps(event)) / 1024 for name, event in events.items()}
    times = {name: measure(event) for name, event in events.items()}
    lines = [
        f"| contender | {' | '.join(f'{name}, µs | µs/KB' for name in events)} |",
        "|---|" + "--:|" * 2 * len(events),
    ]
    for contender in times["clean"]:
        cells = (
            f"{times[name][contender]:,.0f} | {times[name][contender] / sizes[name]:.1f}" for name in events
        )
        lines.append(f"| {contender} | {' | '.join(cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return show("Redaction, ratios", _ratios(times))


def _ratios(times: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    clean, dirty = times["clean"], times["20 secrets"]
    ours = "sentry-filters, dict"
    for taken, event, contender, peer, most in (
        (clean, "clean", ours, "EventScrubber(recursive=True)", 2.0),
        (clean, "clean", "sentry-filters, bytes", "EventScrubber(recursive=True)", 0.5),
        (clean, "clean", ours, "logfire", 0.15),
        (dirty, "20 secrets", ours, "logfire", 0.5),
    ):
        if peer in taken:
            what = f"{event}: {contender} / {peer}"
            yield Row(what, taken[contender], taken[contender], taken[contender] / taken[peer], most)


if __name__ == "__main__":
    sys.exit(0 if run() else 1)
