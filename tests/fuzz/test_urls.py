"""Target: hosts and URLs that imitate the backend's."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from sentry_filters import Policy, SessionGuard
from sentry_filters.evidence.hosts import canonical_host, endpoint_of_url, parse_endpoint, path_of_url, serves
from tests.fuzz.strategies import HOST, PROVIDER, any_text, quick

_GUARD = SessionGuard(Policy(provider=PROVIDER, hosts={HOST}), lambda event: None)
_BEFORE_SEND_LOG = _GUARD.sentry_options()["before_send_log"]
_ALLOWED = frozenset({parse_endpoint(HOST)})

_same = st.sampled_from([HOST, HOST.upper(), HOST + ".", "Api.Example.AI."])
_look_alikes = st.sampled_from(
    [
        "\u0430pi.example.ai", "\uff41pi.example.ai", "api\u3002example.ai", "api\uff0eexample.ai",
        "xn--pi-7kc.example.ai", "apiexample.ai", "sub.api.example.ai", "api.example.ai.evil.example",
        "api.example.ai..", ".api.example.ai", "api..example.ai", "api.example.ai\u200b",
        "api.ex\xadample.ai",
        "api.example.a\u0131", "api.example.a\u0130", "\u212api.example.ai", "evil.example",
    ]
)  # fmt: skip
_userinfo = st.sampled_from(["", f"{HOST}@", f"{HOST}:443@", "user:pass@", f"x@{HOST}@", "%40@"])
_ports = st.sampled_from(["", ":443", ":80", ":8443", ":"])
_ends = st.sampled_from(
    ["/v1/chat/completions", f"/{HOST}/chat/completions", f"?host={HOST}", f"#@{HOST}", f"/@{HOST}/x"]
)


def answered_by(url: str) -> bool:
    """Return whether the guard takes `url` for the backend's."""
    endpoint = endpoint_of_url(url)
    path_of_url(url)
    return endpoint is not None and serves(_ALLOWED, endpoint)


@quick
@given(user=_userinfo, host=_same, port=_ports, end=_ends)
def test_every_spelling_of_the_backends_host_is_the_backend(
    user: str, host: str, port: str, end: str
) -> None:
    assert answered_by(f"https://{user}{host}{port}{end}")


@quick
@given(user=_userinfo, host=_look_alikes, port=_ports, end=_ends)
def test_no_look_alike_is_the_backend(user: str, host: str, port: str, end: str) -> None:
    url = f"https://{user}{host}{port}{end}"

    assert not answered_by(url)
    assert kept(url, host)


@quick
@given(text=st.text(st.characters(), max_size=60), before=any_text, after=any_text)
@example(text="\u00e9\u3002", before="", after="")
def test_any_text_gets_a_verdict(text: str, before: str, after: str) -> None:
    for url in (text, f"https://{text}", f"https://{before}{HOST}{after}/", f"{before}://{HOST}{after}"):
        answered_by(url)
        assert kept(url, before + HOST + after) or HOST in url.lower()
    for host in (text, before + HOST + after):
        found = canonical_host(host)
        assert found is None or canonical_host(found) == found
        with contextlib.suppress(ValueError):
            parse_endpoint(host)


def kept(url: str, host: str) -> bool:
    """Return whether a log that states a failed call to `url` is kept, whatever its tags."""
    attributes: dict[str, Any] = {
        "http.response.status_code": 401,
        "url.full": url,
        "server.address": host,
    }
    return _BEFORE_SEND_LOG({"body": "failed", "attributes": attributes}, {}) is not None
