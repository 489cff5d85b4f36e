"""Which host a URL really names, compared so that nobody can dress up as another."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sentry_filters.evidence.conventions import DEFAULT_PORTS

_ASCII_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_:%")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host in its one canonical spelling, and the port, where one is known."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def may_be(self, other: Endpoint) -> bool:
        """Say whether both can name one endpoint: the same host, and the same port where both are known."""
        return self.host == other.host and (None in (self.port, other.port) or self.port == other.port)


def canonical_host(host: str) -> str | None:
    """Return `host` without case, trailing dot and brackets, IDNA-encoded.

    None where it is not a host name, or a non-ASCII spelling that IDNA folds onto plain ASCII, the dot at
    the end included: such a look-alike never equals the name that it imitates.
    """
    host = host.strip("[]").removesuffix(".").lower()
    if not host:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
        if "xn--" not in host or host.endswith("."):
            return None
    return host if _ASCII_HOST.issuperset(host) else None


def endpoint_of_url(url: str) -> Endpoint | None:
    """Return the endpoint that `url` addresses, with its scheme's default port filled in.

    Userinfo, path and query never count as the host (RFC 3986, section 3.2). None where there is none.
    """
    try:
        parts = urlsplit(url)
        host = canonical_host(parts.hostname or "")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return None if host is None else Endpoint(host, port)


def parse_endpoint(text: str) -> Endpoint:
    """Read `"host"` or `"host:port"` as a policy states it.

    Raises:
        ValueError: `text` has a scheme, a path, userinfo, an impossible port or no host.
    """
    if any(c in text for c in "/?#@ \\"):
        raise ValueError("only a host or host:port, without scheme, path or user")
    bare = text.count(":") > 1 and not text.startswith("[")
    try:
        parts = urlsplit(f"//[{text}]" if bare else f"//{text}")
        port = parts.port
    except ValueError as error:
        raise ValueError(str(error)) from None
    host = canonical_host(parts.hostname or "")
    if host is None:
        raise ValueError("not a host name")
    return Endpoint(host, port)


def serves(allowed: frozenset[Endpoint], seen: Endpoint) -> bool:
    """Say whether `seen` is one of `allowed`; an entry without a port allows every port.

    A seen endpoint whose port is unknown matches an entry with a default port only: conventions leave
    out `server.port` where it is the default.
    """
    if Endpoint(seen.host) in allowed:
        return True
    if seen.port is None:
        return any(Endpoint(seen.host, port) in allowed for port in DEFAULT_PORTS.values())
    return seen in allowed


def path_of_url(url: str) -> str | None:
    """Return the path of `url` without query and trailing slash, None where it is not a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.path.rstrip("/") if parts.netloc else None
