"""requests: a callable as `auth`, which signs a prepared request and waits for its response."""

from __future__ import annotations

from functools import partial
from typing import Any

from sentry_filters.http.auth.credential import HEADER, Credential, signed


def prepared_with(credential: Credential, prepared: Any) -> Any:
    """Sign a `requests.PreparedRequest`, and see to its response; returns the same request."""
    sent = credential.to_send() if credential.is_for(str(prepared.url)) else None
    if sent is not None:
        prepared.headers[HEADER] = signed(sent)
        prepared.register_hook("response", partial(_answered, credential, sent))
    return prepared


def _answered(credential: Credential, sent: str, response: Any, **sending: Any) -> Any:
    """Return the response, or that of the same request with a renewed credential.

    The hook stays with a request that is redirected: what another host answers says nothing about ours.
    """
    request = response.request
    if request.headers.get(HEADER) != signed(sent) or not credential.is_for(str(request.url)):
        return response
    if not credential.is_refusal(response.status_code, response.headers.get("content-length")):
        credential.worked(sent)
        return response
    response.content  # noqa: B018 - reads it, and gives the connection back
    again = credential.again(sent, response)
    if again is None or not isinstance(request.body, str | bytes | None):
        return response
    response.close()
    retried = request.copy()
    retried.headers[HEADER] = signed(again)
    answer = response.connection.send(retried, **sending)
    answer.history.append(response)
    answer.request = retried
    return answer
