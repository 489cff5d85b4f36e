"""Other redactors of telemetry; those that are not installed are left out."""

from __future__ import annotations

import copy
import importlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sentry_sdk.scrubber import EventScrubber

from sentry_filters import Redactor
from sentry_filters.redaction.catalogue.families import CATALOGUE
from tests.bench.table import LeftOut

Event = dict[str, Any]
OURS = "sentry-filters, dict"
OURS_BYTES = "sentry-filters, check of bytes"
SCRUBBER = "EventScrubber(recursive=True)"
LOGFIRE = "logfire"
OF_EVENTS = frozenset({SCRUBBER, "sentry-relay"})
"""Those that know Sentry's events only."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One redactor.

    Args:
        name: Its name in the table.
        looks_at: What it looks at.
        prepare: Turns an event into the argument of `work`; not timed.
        work: Looks for secrets.
        removes: Whether it removes them, in what it returns or else in what it is given.
    """

    name: str
    looks_at: str
    prepare: Callable[[Event], Any]
    work: Callable[[Any], object]
    removes: bool = True


def found() -> Iterator[Peer | LeftOut]:
    """Return every peer that is available here, ourselves first."""
    redactor = Redactor()
    yield Peer(OURS, "keys and values", _itself, redactor.redact_value)
    yield Peer(
        OURS_BYTES, "keys and values, up to the first hit", _serialised, redactor.is_clean, removes=False
    )
    # It writes into what it is given.
    yield Peer(SCRUBBER, "keys", copy.deepcopy, EventScrubber(recursive=True).scrub_event)
    yield Peer("Python's re, our patterns", "values", _serialised, _plain_re())
    for name, make in (
        (LOGFIRE, _logfire),
        ("sentry-relay", _relay),
        ("rollbar", _rollbar),
        ("elastic-apm", _elastic_apm),
        ("bugsnag", _bugsnag),
        ("loggingredactor, our keys and 24 patterns", _loggingredactor),
        ("datafog", _datafog),
        ("detect-secrets", _detect_secrets),
    ):
        try:
            yield make(name)
        except ImportError as error:
            yield LeftOut(name, f"{error}; `make bench` installs what can be had")


def _logfire(name: str) -> Peer:
    scrub = _module("logfire._internal.scrubbing").Scrubber([]).scrub_value
    return Peer(name, "keys and values", _itself, lambda event: scrub(("attributes",), event))


def _relay(name: str) -> Peer:
    relay = _module("sentry_relay.processing")
    config = relay.convert_datascrubbing_config(
        {"scrubData": True, "scrubDefaults": True, "sensitiveFields": []}
    )
    return Peer(name, "keys and values", _itself, lambda event: relay.pii_strip_event(config, event))


def _rollbar(name: str) -> Peer:
    fields = _module("rollbar").SETTINGS["scrub_fields"]
    transforms = _module("rollbar.lib.transforms")
    scrub = _module("rollbar.lib.transforms.scrub").ScrubTransform(suffixes=[(field,) for field in fields])
    return Peer(name, "keys", _itself, lambda event: transforms.transform(event, scrub))


def _elastic_apm(name: str) -> Peer:
    # Its processors know the places of its own events; this is what they do at each of them.
    varmap = _module("elasticapm.utils").varmap
    sanitize = _module("elasticapm.processors")._sanitize
    fields = _module("elasticapm.conf.constants").BASE_SANITIZE_FIELD_NAMES
    return Peer(name, "keys", _itself, lambda event: varmap(sanitize, event, sanitize_field_names=fields))


def _bugsnag(name: str) -> Peer:
    utils, configuration = _module("bugsnag.utils"), _module("bugsnag").configure()
    encoder = utils.SanitizingJSONEncoder(
        configuration.logger, keyword_filters=configuration.params_filters, separators=(",", ":")
    )
    return Peer(name, "keys, and serialises", utils.FilterDict, encoder.encode)


def _loggingredactor(name: str) -> Peer:
    patterns = [re.compile(kind.pattern) for kind in CATALOGUE[:24] if "(?i:" not in kind.pattern]
    keys = {"password", "secret", "token", "api_key", "authorization", "cookie"}
    redact = _module("loggingredactor").RedactingFilter(patterns, mask_keys=keys).redact
    return Peer(name, "keys and values", copy.deepcopy, redact)


def _datafog(name: str) -> Peer:
    redact = _module("datafog").redact
    return Peer(name, "values, for personal data", lambda event: _serialised(event).decode(), redact)


def _detect_secrets(name: str) -> Peer:
    scan, settings = _module("detect_secrets.core.scan"), _module("detect_secrets.settings")

    def lines(event: Event) -> list[str]:
        return json.dumps(event, indent=0).splitlines()

    def work(given: list[str]) -> object:
        with settings.default_settings():
            return [list(scan.scan_line(line)) for line in given]

    return Peer(name, "lines, finds only", lines, work, removes=False)


def _plain_re() -> Callable[[bytes], object]:
    patterns = [
        re.compile(kind.pattern.encode("latin-1")) for kind in CATALOGUE if "(?i:" not in kind.pattern
    ]

    def substitute(data: bytes) -> bytes:
        for pattern in patterns:
            data = pattern.sub(b"[REDACTED]", data)
        return data

    return substitute


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _serialised(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _itself(event: Event) -> Event:
    return event
