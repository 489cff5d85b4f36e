r"""Secrets that a standard shapes: JWT, PEM, URLs, headers.

What the key beside a value says is judged in `assignments`; these need no key.
"""

from __future__ import annotations

from sentry_filters.redaction.kinds import Kind

__all__ = ["STRUCTURAL_KINDS"]

_BODY = "Zq8vT1mB4xK7pL2wN9sRaHcJdFeG3yU5iO0b"

# Line breaks as they are, or as the escapes that JSON and reprs write for them.
_BREAK = r"(?:[\s]|\\+[nrt])"

STRUCTURAL_KINDS: tuple[Kind, ...] = (
    Kind(
        "jwt",
        r"ey[IJ][A-Za-z0-9_/\\+\-]{8,}={0,2}\.(?:ey[A-Za-z0-9_/\\+\-]{6,}={0,2})(?:\.[A-Za-z0-9_/\\+\-]*={0,2}){0,3}",
        "ey",
        "JSON Web Tokens, whole or cut",
        ("eyJhbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".", _BODY),
        ("eyJhbGciOiJIUzI1NiJ9",),
    ),
    Kind(
        "jwe",
        r"ey[IJ][A-Za-z0-9_\-]{16,}(?:\.[A-Za-z0-9_\-]*){4}",
        "ey",
        "encrypted JSON Web Tokens",
        ("eyJhbGciOiJSU0EtT0FFUCJ9", ".", _BODY, ".", _BODY[:16], ".", _BODY, ".", _BODY[:22]),
        ("eyJhbGciOiJSU0EtT0FFUCJ9", "."),
    ),
    Kind(
        "private-key",
        r"-----BEGIN[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"((?:[A-Za-z0-9+/=:,.()\s\"'|>]|-[A-Za-z0-9 ]|\\+[nrtu/])*?-----END[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:[A-Za-z0-9+/=:,.\s]|\\+[nrt/])*)",
        "PRIVATE KEY",
        "PEM and PGP private keys, whole or cut",
        ("-----BEGIN ", "PRIVATE KEY-----\n", _BODY, "\n", _BODY, "\n-----END ", "PRIVATE KEY-----"),
        ("-----BEGIN ", "CERTIFICATE-----\n", _BODY),
    ),
    Kind(
        "age",
        r"AGE-SECRET-KEY-1[A-Z0-9]{20,}",
        "AGE-SECRET-KEY-1",
        "age identities",
        ("AGE-", "SECRET-KEY-", "1", "QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGP"),
        ("AGE-", "SECRET-KEY-", "1"),
    ),
    Kind(
        "putty-key",
        r"Private-Lines: \d+(?:\s|\\[nr])+((?:[A-Za-z0-9+/=]+(?:\s|\\[nr])+)+)",
        "Private-Lines",
        "PuTTY private keys",
        ("Private-", "Lines: 2\n", _BODY, "\n", _BODY, "\n"),
        ("Private-", "Lines: 2"),
    ),
    Kind(
        "url-password",
        r"[A-Za-z][A-Za-z0-9+.\-]*:(?:\\?/){2}([^\s\"'<>/?#:]*:[^\s\"'<>/]+)@[A-Za-z0-9_\[%{$\-]",
        "@",
        "passwords in URLs",
        ("https://", "bob:", _BODY, "@", "example.org/"),
        ("https://", "bob@", "example.org/a:b"),
    ),
    Kind(
        "bearer",
        r"(?i:bearer)(?:\s|%20|\+|\\+[nrt])+"
        r"([A-Za-z0-9+/=_\-.~:]*[0-9][A-Za-z0-9+/=_\-.~:]{4,}|[A-Za-z0-9+/=_\-.~:]{28,})",
        "earer",
        "credentials after the name of their scheme",
        ("Bearer ", _BODY),
        ("Bearer ", "authentication"),
    ),
    Kind(
        "basic",
        r"(?i:basic)(?:\s|%20|\+|\\+[nrt])+"
        r"([A-Za-z][A-Za-z0-9+/_\-]*[0-9][A-Za-z0-9+/_\-]{4,}={0,2}|[A-Za-z][A-Za-z0-9+/]{5,}={1,2})",
        "asic",
        "user and password in base64",
        ("Basic ", "Ym9iOmh1", "bnRlcjI="),
        ("Basic ", "authentication"),
    ),
    Kind(
        "curl-user",
        r"(?:-u|--user|--proxy-user)(?:[ \t]|\\+t)*=?"
        r"(?:\\*[\"']([^\"':/]*:[^\"']*[^\s\"'a-z:][^\"']*)"  # quoted, with blanks
        r"|([^\s\"':/]+:(?:\\*[\"'])?(?:[^\s\"':/]*[^\s\"'a-z0-9:/][^\s\"']*"  # no ids of a group
        r"|[a-z]*[0-9]+[a-z][^\s\"':/]*|[a-z][a-z0-9]{7,})))",
        "-",
        "user and password of curl",
        ("curl -u ", "bob:", "hunter-2-Zq8v"),
        ("docker run -u ", "app:app"),
    ),
)
