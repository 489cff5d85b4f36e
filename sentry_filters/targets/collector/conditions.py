"""The rule of `recognition`, as conditions by which an OpenTelemetry Collector drops a span or a log record.

What a single record does not say, a Collector cannot know: neither what `instrument` saw nor the spans below.
All that is in doubt is kept, as by the rule itself; what cannot be said exactly is said more strictly.
"""

from __future__ import annotations

from collections.abc import Callable

from sentry_filters.core import Policy
from sentry_filters.evidence import Endpoint, conventions
from sentry_filters.targets.collector.ottl import (
    all_of,
    any_of,
    attribute,
    equals,
    is_match,
    is_one_of,
    is_set,
    negated,
)
from sentry_filters.targets.regexes import ascii_caseless, quoted

__all__ = ["log_conditions", "span_conditions"]

_END = r"\z"
_FORM = r"(?: API error \(| returned HTTP )"
_TWO_FORMS = f"(?s){_FORM}.*{_FORM}"
# What does not join words; see `wire_text`.
_BEFORE_LABEL = r"(?:^|[^\p{L}\p{N}\p{M}\p{Cf}_\-.@/\\+&~])"
_SCHEME = "^[A-Za-z][A-Za-z0-9+.\\-]*://"
_DEFAULT_PORTS = {80: "http", 443: "https"}

_STATUS, _OLD_STATUS = attribute("http.response.status_code"), attribute("http.status_code")
_URLS = (attribute("url.full"), attribute("http.url"), attribute("url"))
_PATHS = (attribute("url.path"), attribute("http.target"))
_HOSTS = (
    (attribute("server.address"), attribute("server.port")),
    (attribute("net.peer.name"), attribute("net.peer.port")),
)
_METHODS = (attribute("http.request.method"), attribute("http.method"))
_MODEL_REQUESTS = ("chat", "text_completion", "generate_content", "embeddings", "responses")
_OUTGOING = "kind != SPAN_KIND_SERVER and kind != SPAN_KIND_CONSUMER"

Over = Callable[[str], str]
"""The condition that the record's own text holds what a pattern describes."""


def span_conditions(policy: Policy) -> tuple[tuple[str, str], ...]:
    """Return what drops a span: pairs of what it is and its condition; none where spans are demoted only."""
    if policy.span_action == "demote":
        return ()
    call = all_of(
        _none(_STATUS, _OLD_STATUS),
        any_of("status.code == STATUS_CODE_ERROR", is_set(attribute("failure"), there=True)),
        _is_call(policy),
        _reported(policy, _in_message),
    )
    served = _served_span(policy, _in_message) if policy.endpoints else ""
    conditions = (
        ("an HTTP client's span: one of the backend's hosts answered with the status", served),
        (
            "an HTTP client's span that names nobody else, by its tags or its text",
            _named_span(policy, _in_message),
        ),
        ("a call's span without a status of its own, by its tags or its text", call),
    )
    return tuple((what, condition) for what, condition in conditions if condition)


def log_conditions(policy: Policy) -> tuple[tuple[str, str], ...]:
    """Return what drops a log record: pairs of what it is and its condition."""
    return (("a report of the failure, by its tags or its text", _reported(policy, _in_log)),)


def _reported(policy: Policy, over: Over) -> str:
    """Tags that say all, or the provider's own words; and nothing that says otherwise."""
    tagged = all_of(
        _own_status(policy, attribute("status")),
        equals(attribute("provider"), policy.provider),
        _own_operation(policy, tuple(policy.operations)),
    )
    return all_of(
        _no_contradiction(policy, over),
        _no_other_words(policy, over),
        any_of(tagged, _own_words(policy, over)),
    )


def _served_span(policy: Policy, over: Over) -> str:
    return all_of(_http_status(policy), _served(policy), _operation(policy), _no_contradiction(policy, over))


def _named_span(policy: Policy, over: Over) -> str:
    nobody_else = _none(*_URLS, *(host for host, _ in _HOSTS)) if policy.endpoints else ""
    operation = _operation(policy)
    return all_of(
        _http_status(policy),
        nobody_else,
        _no_contradiction(policy, over),
        _no_other_words(policy, over),
        any_of(
            all_of(equals(attribute("provider"), policy.provider), operation),
            all_of(_own_words(policy, over), any_of(operation, _none(*_URLS, *_PATHS))),
        ),
    )


def _http_status(policy: Policy) -> str:
    return all_of(_OUTGOING, _first_of((_STATUS, _OLD_STATUS), lambda path: _own_status(policy, path)))


def _is_call(policy: Policy) -> str:
    operation = attribute("gen_ai.operation.name")
    inference, workflow = attribute("openinference.span.kind"), attribute("traceloop.span.kind")
    model = any_of(
        *(is_set(attribute(name), there=True) for name in ("llm.request.type", "gen_ai.request.model"))
    )
    return any_of(
        equals(attribute("domain"), policy.domain),
        is_one_of(operation, _MODEL_REQUESTS),
        all_of(_none(operation), equals(inference, "LLM")),
        all_of(_none(operation, inference, workflow), model),
        all_of(_OUTGOING, any_of(*(is_set(method, there=True) for method in _METHODS))),
    )


def _no_contradiction(policy: Policy, over: Over) -> str:
    """All that is known agrees: provider, status, operation and failure of the tags, and the body's code."""
    domain, provider = attribute("domain"), attribute("provider")
    operation, failure, status = attribute("operation"), attribute("failure"), attribute("status")
    codes = "|".join(quoted(code) for code in sorted(policy.not_session_codes))
    return all_of(
        any_of(_none(provider), equals(provider, policy.provider)),
        any_of(_own_status(policy, status), negated(is_match(status, "^[ ]*[1-5][0-9][0-9](?:[^0-9]|\\z)"))),
        any_of(
            _none(operation),
            is_one_of(operation, policy.operations),
            all_of(is_set(domain, there=True), negated(is_one_of(domain, (policy.domain, "")))),
            _none(domain, provider),
        ),
        any_of(
            negated(equals(domain, policy.domain)),
            _none(failure),
            equals(failure, conventions.FAILED_RESPONSE),
        ),
        negated(over(rf"(?i)\b(?:{codes})\b")) if codes else "",
    )


def _own_words(policy: Policy, over: Over) -> str:
    statuses = "|".join(str(status) for status in policy.statuses)
    label = f"{_BEFORE_LABEL}{quoted(policy.provider)}(?: streaming)?"
    words = f"{label}{_FORM}(?:{statuses})(?:[^\\p{{L}}\\p{{N}}]|{_END})"
    return all_of(over(words), negated(over(_TWO_FORMS)))


def _no_other_words(policy: Policy, over: Over) -> str:
    return any_of(negated(over(_FORM)), _own_words(policy, over))


def _own_status(policy: Policy, path: str) -> str:
    statuses = "|".join(str(status) for status in policy.statuses)
    return is_match(path, f"^[ ]*(?:{statuses})(?:[^0-9]|{_END})")


def _own_operation(policy: Policy, operations: tuple[str, ...]) -> str:
    domain = attribute("domain")
    return all_of(
        is_one_of(attribute("operation"), operations), any_of(_none(domain), equals(domain, policy.domain))
    )


def _operation(policy: Policy) -> str:
    """An LLM call by its path, by a tag that owns no path, or by any tag where no path is known."""
    calls = [suffix for suffix, operation in policy.paths.items() if operation in policy.operations]
    others = [suffix for suffix in policy.paths if suffix not in calls]
    # The longest suffix wins: where an LLM call's is the end of another's, that other one must not fit.
    ended = {suffix: [other for other in others if other.endswith(suffix)] for suffix in calls}
    plain = [suffix for suffix in calls if not ended[suffix]]
    by_path = any_of(
        _ends_in(*plain) if plain else "",
        *(all_of(_ends_in(suffix), negated(_ends_in(*longer))) for suffix, longer in ended.items() if longer),
    )
    pathless = tuple(one for one in policy.operations if one not in policy.paths.values())
    by_tag = all_of(_own_operation(policy, pathless), negated(_ends_in(*others)) if others else "")
    unseen = all_of(_none(*_URLS, *_PATHS), _own_operation(policy, tuple(policy.operations)))
    return any_of(by_path, by_tag if pathless else "", unseen)


def _ends_in(*suffixes: str) -> str:
    end = f"(?:{'|'.join(map(quoted, suffixes))})/*(?:[?#]|{_END})"
    in_url = f"{_SCHEME}[^/?#]+(?:/[^?#]*)?{end}"
    in_path = f"^[^?#]*{end}"
    return any_of(
        _first_of(_URLS, lambda path: is_match(path, in_url)),
        all_of(_none(*_URLS), _first_of(_PATHS, lambda path: is_match(path, in_path))),
    )


def _served(policy: Policy) -> str:
    """One of the backend's hosts answered, by the URL, else by the address."""
    endpoints = sorted(policy.endpoints, key=str)
    urls = "|".join(_url_of(endpoint) for endpoint in endpoints)
    in_url = f"^(?:{urls})(?:[/?#]|{_END})"
    by_url = _first_of(_URLS, lambda path: is_match(path, in_url))
    (address, port), (peer, peer_port) = _HOSTS
    # Sentry's own spans write the machine they run on into `server.address`.
    by_address = all_of(
        _none(*_URLS, attribute("sentry.op")),
        any_of(
            _at_address(endpoints, address, port),
            all_of(_none(address), _at_address(endpoints, peer, peer_port)),
        ),
    )
    return any_of(by_url, by_address)


def _at_address(endpoints: list[Endpoint], host: str, port: str) -> str:
    def at(endpoint: Endpoint) -> str:
        named = is_match(host, f"^\\[?{ascii_caseless(endpoint.host)}\\]?\\.?{_END}")
        if endpoint.port is None:
            return named
        # Conventions leave the port out where it is the default.
        unnamed = _none(port) if endpoint.port in _DEFAULT_PORTS else ""
        return all_of(named, any_of(unnamed, is_match(port, f"^{endpoint.port}{_END}")))

    return any_of(*(at(endpoint) for endpoint in endpoints))


def _url_of(endpoint: Endpoint) -> str:
    host = ascii_caseless(endpoint.host)
    host = rf"\[{host}\]" if ":" in endpoint.host else rf"{host}\.?"
    # A user's name never counts as the host; a backslash is a slash to some clients, and then it would.
    user = r"(?:[^/?#\\]*@)?"
    scheme = "[A-Za-z][A-Za-z0-9+.\\-]*"
    if endpoint.port is None:
        return f"{scheme}://{user}{host}(?::[0-9]*)?"
    stated = f"{scheme}://{user}{host}:{endpoint.port}"
    default = _DEFAULT_PORTS.get(endpoint.port)
    return stated if default is None else f"{stated}|{ascii_caseless(default)}://{user}{host}:?"


def _in_message(pattern: str) -> str:
    return is_match("status.message", pattern)


def _in_log(pattern: str) -> str:
    message = attribute("exception.message")
    unsaid = any_of(_none(message), equals(message, ""))
    return any_of(
        is_match(message, pattern),
        all_of(unsaid, "IsString(body)", is_match("body", pattern)),
        all_of(unsaid, "IsMap(body)", is_match('body["message"]', pattern)),
    )


def _first_of(paths: tuple[str, ...], condition: Callable[[str], str]) -> str:
    """The condition of the first of `paths` that has a value."""
    first, *others = paths
    if not others:
        return condition(first)
    return any_of(condition(first), all_of(_none(first), _first_of(tuple(others), condition)))


def _none(*paths: str) -> str:
    return all_of(*(is_set(path, there=False) for path in paths))
