r"""Secrets that a standard shapes: JWT, PEM, URLs, headers.

What the key beside a value indicates is judged in `assignments`; these need no key.
"""

from __future__ import annotations

from sentry_filters.redaction.catalogue.kind import Body, prefixed
from sentry_filters.redaction.catalogue.kind import Listed as Kind

# Prefixes that leave no doubt, whatever follows them.
_PREFIXES = (
    r"sk-(?:ant|proj|svcacct|admin|or|lf)-|gsk_|hf_|r8_|xai-|nvapi-|tvly-|lsv2_|pcsk_|gh[pousr]_|github_pat_"
    r"|glpat-|npm_|pypi-A|xox[a-z]-|xapp-|[sr]k_(?:live|test)_|whsec_|AIza|AKIA|ASIA|ABSK|ya29\.|hvs\.|shpat_"
    r"|sntry[su]_|SG\.|dop_v1_|eyJ[A-Za-z0-9]"
)

STRUCTURAL_KINDS: tuple[Kind, ...] = (
    Kind(
        "jwt",
        r"ey[IJ][A-Za-z0-9_/\\+\-]{8,}={0,2}\.(?:ey[A-Za-z0-9_/\\+\-]{6,}={0,2})(?:\.[A-Za-z0-9_/\\+\-]*={0,2}){0,3}",
        "ey",
        "JSON Web Tokens, whole or cut",
    ),
    Kind("jwe", r"ey[IJ][A-Za-z0-9_\-]{16,}(?:\.[A-Za-z0-9_\-]*){4}", "ey", "encrypted JSON Web Tokens"),
    Kind(
        "private-key",
        r"-----BEGIN[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"((?:[A-Za-z0-9+/=:,.()\s\"'|>]|-[A-Za-z0-9 ]|\\+[nrtu/])*?"
        r"-----END[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:[A-Za-z0-9+/=:,.\s]|\\+[nrt/])*)",
        "PRIVATE KEY",
        "PEM and PGP private keys, whole or cut",
    ),
    prefixed("age", "AGE-SECRET-KEY-1", "age identities", body=Body.UPPER),
    Kind(
        "putty-key",
        r"Private-Lines: \d+(?:\s|\\+[nr])+((?:[A-Za-z0-9+/=]+(?:\s|\\+[nr])+)+)",
        "Private-Lines",
        "PuTTY private keys",
    ),
    Kind(
        "url-password",
        r"[A-Za-z][A-Za-z0-9+.\-]*:(?:\\?/){2}([^\s\"'<>/?#:]*:[^\s\"'<>/]+)@[A-Za-z0-9_\[%{$\-]",
        "@",
        "passwords in URLs",
    ),
    Kind(
        "bearer",
        r"(?i:bearer)(?:\s|%20|\+|\\+[nrt])+"
        r"([A-Za-z0-9+/=_\-.~:]*[0-9][A-Za-z0-9+/=_\-.~:]{4,}|[A-Za-z0-9+/=_\-.~:]{28,})",
        "earer",
        "credentials after the name of their scheme",
    ),
    Kind(
        "basic",
        r"(?i:basic)(?:\s|%20|\+|\\+[nrt])+"
        r"([A-Za-z][A-Za-z0-9+/_\-]*[0-9][A-Za-z0-9+/_\-]{4,}={0,2}|[A-Za-z][A-Za-z0-9+/]{5,}={1,2})",
        "asic",
        "user and password in base64",
    ),
    Kind(
        "curl-user",
        r"(?:-u|--user|--proxy-user)(?:[ \t]|\\+t)*=?"
        r"(?:\\*[\"']([^\"':/]*:[^\"']*[^\s\"'a-z:][^\"']*)"  # quoted, with blanks
        r"|([^\s\"':/]+:(?:\\*[\"'])?(?:[^\s\"':/]*[^\s\"'a-z0-9:/][^\s\"']*"  # no ids of a group
        r"|[a-z]*[0-9]+[a-z][^\s\"':/]*|[a-z][a-z0-9]{7,})))",
        "-",
        "user and password of curl",
    ),
)

CUT_SECRET = Kind(
    "cut",
    rf"((?:{_PREFIXES})[a-z_\-]*[A-Z0-9][A-Za-z0-9_\-+/=]{{3,}})"
    r"(?:\.\.\.|\xe2\x80\xa6|\\+u2026)?(?:$|\x00|\\*[\"'])",
    "",
    "secrets that were cut before they were long enough to be known: a known prefix at the end of a text",
)
