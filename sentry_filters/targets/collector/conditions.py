"""The rule of `recognition`, as conditions by which an OpenTelemetry Collector drops a span or a log record.

A Collector knows a single record and no session. So it drops what the rule grades as fact or statement on
that record alone, never words, which only corroborate. What cannot be expressed exactly is expressed more
strictly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from sentry_filters.core import BEFORE_COMMON_WORDS, COMMON_WORDS, Policy
from sentry_filters.evidence import Endpoint, conventions
from sentry_filters.targets.collector.ottl import (
    all_of,
    any_of,
    attribute,
    equals,
    first_matches,
    is_match,
    is_one_of,
    is_set,
    negated,
    none_set,
)
from sentry_filters.targets.collector.texts import (
    END,
    InText,
    is_plain_wire_text,
    is_wire_text,
    one_of_numbers,
    text_agrees,
)
from sentry_filters.targets.regexes import ascii_caseless, quoted

_SCHEME = r"[A-Za-z][A-Za-z0-9+.\-]*"
_SCHEMES: Mapping[int, str] = {port: scheme for scheme, port in conventions.DEFAULT_PORTS.items()}

_DOMAIN, _OPERATION, _PROVIDER, _STATUS, _FAILURE = map(attribute, conventions.TAG_NAMES)
_HTTP_STATUS = tuple(map(attribute, conventions.HTTP_STATUS))
_METHODS = tuple(map(attribute, conventions.HTTP_METHOD))
_URLS = tuple(map(attribute, conventions.URL))
_PATHS = tuple(map(attribute, conventions.PATH))
_HOSTS = tuple((attribute(host), attribute(port)) for host, port in conventions.HOST_AND_PORT)
_MESSAGE = attribute(conventions.EXCEPTION_MESSAGE)

_in_status = partial(is_match, "status.message")


def span_conditions(policy: Policy) -> Sequence[tuple[str, str]]:
    """Return what drops a span: pairs of what it is and its condition; none where no span is dropped."""
    conditions = []
    if policy.span_action == "drop" and _proves(policy):
        answered = "an HTTP client's span: one of the backend's hosts answered with the status"
        conditions.append((answered, _served_span(policy)))
    if policy.span_action == "drop" and _states(policy):
        stated = "a call's span without an HTTP status: the application's own code states the failure"
        conditions.append((stated, _call_span(policy)))
    return conditions


def log_conditions(policy: Policy) -> Sequence[tuple[str, str]]:
    """Return what drops a log record: pairs of what it is and its condition; none where none is dropped."""
    if not _states(policy):
        return ()
    return (("a log record: the application's own code states the failure", _log(policy)),)


def _proves(policy: Policy) -> bool:
    """Say whether a status alone is a fact: where the body has nothing to say, which a 403 needs."""
    return policy.scope == "process" and not policy.vetoes and bool(policy.endpoints and _bare(policy))


def _states(policy: Policy) -> bool:
    """Say whether a statement decides; where sessions are told apart, a record names none."""
    return policy.scope == "process" and policy.publish_on == "statement"


def _bare(policy: Policy) -> list[int]:
    return [status for status in policy.statuses if status != conventions.FORBIDDEN]


def _served_span(policy: Policy) -> str:
    return all_of(
        "kind != SPAN_KIND_SERVER",
        "kind != SPAN_KIND_CONSUMER",
        first_matches(_is_status(_bare(policy)), *_HTTP_STATUS),
        any_of(
            none_set(*_METHODS), first_matches(f"^{ascii_caseless(conventions.LLM_METHOD)}{END}", *_METHODS)
        ),
        _served(policy),
        _llm_path(policy),
        _tags_agree(policy),
        _call_tags_agree(policy),
        text_agrees(policy, _in_status),
    )


def _call_span(policy: Policy) -> str:
    nowhere = none_set(*_URLS, *(host for host, _ in _HOSTS))
    return all_of(
        none_set(*_HTTP_STATUS),
        any_of("status.code == STATUS_CODE_ERROR", is_set(_FAILURE)),
        _tags_agree(policy),
        _stated_by_us(policy, _in_status),
        any_of(nowhere, _served(policy)) if policy.endpoints else "",
        text_agrees(policy, _in_status),
    )


def _log(policy: Policy) -> str:
    outer = all_of(is_set(_DOMAIN), negated(is_one_of(_DOMAIN, (policy.domain, ""))))
    return all_of(
        # Without its type, an exception's message is not looked at by the rule.
        any_of(
            none_set(_MESSAGE), all_of(f"IsString({_MESSAGE})", is_set(attribute(conventions.EXCEPTION_TYPE)))
        ),
        _tags_agree(policy),
        any_of(_stated_by_us(policy, _in_log), all_of(outer, is_wire_text(policy, _in_log))),
        text_agrees(policy, _in_log),
    )


def _stated_by_us(policy: Policy, in_text: InText) -> str:
    """The provider layer's own statement: all of the five tags, or wire text under its domain."""
    return all_of(
        equals(_DOMAIN, policy.domain),
        _call_tags_agree(policy),
        any_of(
            all_of(*map(is_set, (_OPERATION, _PROVIDER, _STATUS, _FAILURE))),
            is_plain_wire_text(policy, in_text),
            is_wire_text(policy, in_text),
        ),
    )


def _tags_agree(policy: Policy) -> str:
    """Provider and status are ours where there are any, whoever set them."""
    return all_of(
        any_of(none_set(_PROVIDER), equals(_PROVIDER, policy.provider)),
        any_of(none_set(_STATUS), is_match(_STATUS, _is_status(policy.statuses))),
    )


def _call_tags_agree(policy: Policy) -> str:
    """Operation and failure are a failed LLM call's where there are any; outer layers name their own work."""
    return all_of(
        any_of(none_set(_OPERATION), is_one_of(_OPERATION, sorted(policy.llm_operations))),
        any_of(none_set(_FAILURE), equals(_FAILURE, conventions.FAILED_RESPONSE)),
    )


def _is_status(statuses: Iterable[int]) -> str:
    return f"^ *{one_of_numbers(statuses)}(?: |{END})"


def _llm_path(policy: Policy) -> str:
    """The path ends as an LLM call's does; the longest suffix wins, and some are taken out."""
    longer = {
        call: _taken_out(policy, call) for call, operation in policy.paths.items() if operation is not None
    }
    return any_of(
        _ends_in([call for call, out in longer.items() if not out]),
        *(all_of(_ends_in([call]), negated(_ends_in(out))) for call, out in longer.items() if out),
    )


def _taken_out(policy: Policy, call: str) -> list[str]:
    return [
        suffix for suffix, operation in policy.paths.items() if operation is None and suffix.endswith(call)
    ]


def _ends_in(suffixes: Sequence[str]) -> str:
    """The path ends in one of `suffixes`; empty where there are none."""
    if not suffixes:
        return ""
    ends = f"(?:{'|'.join(map(_end_of_path, suffixes))})/*"
    return any_of(
        first_matches(f"^{_SCHEME}://[^/?#]+{ends}(?:[?#]|{END})", *_URLS),
        all_of(none_set(*_URLS), first_matches(rf"^{ends}(?:\?|{END})", *_PATHS)),
    )


def _end_of_path(suffix: str) -> str:
    before = f"(?i:{BEFORE_COMMON_WORDS.pattern})" if suffix in COMMON_WORDS else "[^?#]*"
    before = f"/{before}" if suffix.startswith(":") else f"(?:/{before})?"
    return before + quoted(suffix)


def _served(policy: Policy) -> str:
    """One of the backend's hosts answered, by the URL, else by the address."""
    endpoints = sorted(policy.endpoints, key=str)
    urls = "|".join(map(_url_of, endpoints))
    (address, port), (peer, peer_port) = _HOSTS
    by_address = any_of(
        _at_address(endpoints, address, port),
        all_of(none_set(address), _at_address(endpoints, peer, peer_port)),
    )
    return any_of(
        first_matches(f"^(?:{urls})(?:[/?#]|{END})", *_URLS),
        all_of(none_set(*_URLS, attribute(conventions.SENTRY_OP)), by_address),
    )


def _at_address(endpoints: Sequence[Endpoint], host: str, port: str) -> str:
    def at(endpoint: Endpoint) -> str:
        named = is_match(host, f"^\\[?{ascii_caseless(endpoint.host)}\\]?\\.?{END}")
        if endpoint.port is None:
            return named
        # Conventions leave the port out where it is the default.
        unnamed = none_set(port) if endpoint.port in _SCHEMES else ""
        return all_of(named, any_of(unnamed, is_match(port, f"^{endpoint.port}{END}")))

    return any_of(*map(at, endpoints))


def _url_of(endpoint: Endpoint) -> str:
    host = ascii_caseless(endpoint.host)
    host = rf"\[{host}\]" if ":" in endpoint.host else rf"{host}\.?"
    # A user's name never counts as the host, but would where a client takes a backslash for a slash.
    user = r"(?:[^/?#\\]*@)?"
    if endpoint.port is None:
        return f"{_SCHEME}://{user}{host}(?::[0-9]*)?"
    stated = f"{_SCHEME}://{user}{host}:{endpoint.port}"
    scheme = _SCHEMES.get(endpoint.port)
    return stated if scheme is None else f"{stated}|{ascii_caseless(scheme)}://{user}{host}:?"


def _in_log(pattern: str) -> str:
    unsaid = any_of(none_set(_MESSAGE), equals(_MESSAGE, ""))
    return any_of(
        is_match(_MESSAGE, pattern),
        all_of(unsaid, "IsString(body)", is_match("body", pattern)),
        all_of(unsaid, "IsMap(body)", is_match('body["message"]', pattern)),
    )
