"""What goes and what stays, for every kind of the catalogue.

In parts, which are joined here, so that no scanner takes this source for a leak. The secrets are invented.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sentry_filters.redaction import Kind

_ALNUM = "Zq8vT1mB4xK7pL2wN9sRaHcJdFeG3yU5iO0b"
_HEX = "0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e1a2b"
_LOWER, _UPPER, _LONG = _ALNUM.lower(), _ALNUM.upper(), _ALNUM * 2
_UUID = "5f0c9d1e-2b3a-4c5d-8e6f-7a8b9c0d1e2f"

# What may follow a prefix, by the characters that may: see `catalogue.kind.Body`.
_BODIES: Mapping[str, str] = {
    "[A-Za-z0-9]": _ALNUM,
    r"[A-Za-z0-9_\-]": "Zq8vT1mB_4xK7pL2wN9s-RaHcJdFeG3yU5iO",
    r"[A-Za-z0-9+/=_\-]": "Zq8vT1mB4xK7pL2w+N9sRaHc/JdFeG3yU5iO",
    r"[A-Za-z0-9+/=_.\-]": "Zq8vT1mB4xK7pL2w.N9sRaHcJdFeG3yU5iO0",
    "[A-Fa-f0-9]": _HEX,
    "[a-z0-9]": _LOWER,
    "[A-Z0-9]": _UPPER,
}
_PREFIXED = re.compile(r"(?P<prefix>.*?)(?P<body>\[[^\]]*\])\{(?P<least>\d+),\}")

# Of kinds with several prefixes: one of them.
_PREFIXES: Mapping[str, str] = {
    "telegram": "12345678:A",
    "square": "sq0atp-",
    "shopify": "shpat_",
    "figma": "figd_",
    "clickup": "pk_12345678_",
    "sentry": "sntryi_",
    "newrelic": "NRAK-",
    "honeycomb": "hcaik_",
}
# Of kinds with a prefix: what is behind it in harmless texts, where that is more than "demo".
_HARMLESS: Mapping[str, str] = {
    "groq": "model",
    "huggingface": "hub_download",
    "perplexity": "70b-online",
    "voyage": "system",
    "voyage-atlas": "system",
    "upstage": "stream",
    "jina": "embeddings_v3",
    "tavily": "search",
    "langsmith": "pt_demo",
    "logfire": "1_us_demo",
    "cursor": "event",
    "planetscale": "tkn_demo",
    "doppler": "pt.demo",
    "npm": "config_registry",
    "snyk": "test",
    "scalr": "rule-charset",
    "expo": "go_version",
    "flutterwave": "-demo",
    "polar": "coordinates",
    "notion-old": "name_of_the_deployment",
    "onesignal": "app_demo",
    "databento": "migrations",
    "ory": "kratos_session",
}
# Of all others: a secret, and what looks like one.
EXAMPLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cut": (("sk-", "ant-", "api03-Zq8v"), ("sk-", "ant-", "family")),
    "jwt": (("eyJhbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".", _ALNUM), ("ey", "Jab")),
    "jwe": (
        ("eyJhbGciOiJSU0EtT0FFUCJ9", ".", _ALNUM, ".", _ALNUM[:16], ".", _ALNUM, ".", _ALNUM[:22]),
        ("ey", "Jab", "."),
    ),
    "private-key": (
        ("-----BEGIN ", "PRIVATE KEY-----\n", _ALNUM, "\n", _ALNUM, "\n-----END ", "PRIVATE KEY-----"),
        ("-----BEGIN ", "CERTIFICATE-----\n", _ALNUM),
    ),
    "putty-key": (("Private-", "Lines: 2\n", _ALNUM, "\n", _ALNUM, "\n"), ("Private-", "Lines: 2")),
    "url-password": (
        ("https://", "bob:", _ALNUM, "@", "example.org/"),
        ("https://", "bob@", "example.org/a:b"),
    ),
    "bearer": (("Bearer ", _ALNUM), ("Bearer ", "authentication")),
    "basic": (("Basic ", "Ym9iOmh1", "bnRlcjI="), ("Basic ", "authentication")),
    "curl-user": (("curl -u ", "bob:", "hunter-2-Zq8v"), ("docker run -u ", "app:app")),
    "openai": (("sk-", "proj-", "Zq8vT1mB4xK7pL2wN9sR"), ("sk-", "proj-", "short")),
    "sk": (("sk-", "4f1a", "9c5e7b1d2f4a6c8e0b2d"), ("sk-", "learn-pipelines")),
    "zhipu": (
        ("0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e", ".", "Zq8vT1mB4xK7pL2w"),
        ("0f3a9c5e7b1d2f4a6c8e0b2d4f6a8c0e", ".", "json"),
    ),
    "aws-key-id": (("AKIA", "Q8VT1MB4XK7PL2WN"), ("AKIA", "region")),
    "aws-signature": (("?X-Amz-", "Signature=", "0f3a9c5e7b1d2f4a6c8e0b2d"), ("?X-Amz-", "Signature=", "x")),
    "azure-openai": (
        (_LONG[:52], "JQQJ99", "AL", "ACHrz", "XJ3", "AAABACOGabcd"),
        (_LONG[:20], "JQQJ99", "AL"),
    ),
    "azure-client-secret": (("abc8", "Q~", "Zq8vT1mB4xK7pL2wN9sRaHcJdFeG3yU5iO"), ("abc8", "Q~", "short")),
    "azure-connection": (
        ("Account", "Key=", "Zq8vT1mB4xK7pL2wN9sRaHcJdFeG3yU5iO0bVtXz6A=="),
        ("Account", "Name=", "storageaccountname"),
    ),
    "azure-sas": (
        ("https://x.blob.core.windows.net/c/f?sv=1&", "sig=", "Zq8vT1mB4xK7pL2wN9sRaHcJ%3D"),
        ("https://x.example/f?", "sig=", "no"),
    ),
    "onepassword-secret": (("A3-", "ASWWYB-798JRY-LJVD4-23DC2-86TVM-H43EB"), ("A3-", "ASWWYB-798JRY")),
    "terraform": ((_LONG[:14], ".atlasv1.", _LONG), (_LONG[:14], ".atlasv1.", "x")),
    "launchdarkly": (("sdk-", _UUID), ("sdk-", _UUID[:8])),
    "azure-devops": (((_LOWER * 2)[:52], "AZDO", "a1b2"), ("zq8v", "AZDO", "a1b2")),
    "npmrc": (
        ("//registry.example/:_auth", "Token=", _LONG),
        ("//registry.example/:_auth", "Token=", "${TOKEN}"),
    ),
    "crates": (("cio", _LONG[:32]), ("cio", _LONG[:20])),
    "nuget": (("oy2", (_LOWER * 2)[:43]), ("oy2", "zq8v")),
    "slack": (("xox", "b-", "263594206564-", _ALNUM), ("xox", "b-", "x")),
    "slack-webhook": (
        ("https://hooks.", "slack.com/", "services/T0/B0/", _ALNUM),
        ("https://hooks.", "slack.com/", "services/x"),
    ),
    "teams-webhook": (
        ("https://acme.webhook.", "office.com/webhookb2/", _UUID, "@x/IncomingWebhook/", _HEX),
        ("https://acme.webhook.", "office.com/webhookb2/x"),
    ),
    "discord-webhook": (
        ("https://discord.com/api/", "webhooks/", "123456789012345678/", _ALNUM),
        ("https://discord.com/api/", "webhooks/", "1/x"),
    ),
    "discord": (
        ("MTk4NjIyNDgzNDcxOTI1MjQ4", ".", "Cl2FMQ", ".", _ALNUM),
        ("MTk4NjIyNDgz", ".", "Cl2FMQ", ".", "x"),
    ),
    "zapier-webhook": (
        ("https://hooks.", "zapier.com/hooks/catch/", "1234567/", "abc12de"),
        ("https://hooks.", "zapier.com/hooks"),
    ),
    "twilio": (("SK", _HEX[:32]), ("SK", "0f3a")),
    "sendgrid": (("SG.", _ALNUM[:22], ".", _ALNUM), ("SG.", "version")),
    "mailgun": (("key-", _HEX[:32]), ("key-", "0f3a")),
    "mailchimp": ((_HEX[:32], "-us", "12"), ("0f3a", "-us", "12")),
    "resend": (("re_", "Zq8vT1mB_", _ALNUM), ("re_", "compile_pattern")),
    "stripe": (("sk_", "live_", _ALNUM), ("sk_", "live_", "mode")),
    "braintree": (
        ("access_", "token$", "production$", "zq8vt1mb4xk7pl2w$", _HEX[:32]),
        ("access_", "token$", "production$x"),
    ),
    "plaid": (("access-", "production-", _UUID), ("access-", "production-1")),
    "airtable": (("pat", _ALNUM[:14], ".", _HEX, _HEX), ("pat", _ALNUM[:14], ".", "x")),
    "salesforce": (("00D", "E0X0A0M0PeLE", "!", _ALNUM), ("00D", "E0X0A0M0PeLE")),
    "hubspot": (("pat-", "na1-", _UUID), ("pat-", "na1-x")),
    "mapbox": (("sk.", "eyJ", _ALNUM, ".", _ALNUM), ("sk.", "eyJ", "x")),
    "dynatrace": (("dt0", "c01.", _UPPER[:24], ".", _UPPER), ("dt0", "c01.", "X")),
    "okta": (("SSWS ", "00", _ALNUM), ("SSWS ", "token")),
    "command-password": (("sshpass -p ", "hunter2-Zq8v", " ssh db"), ("sshpass -f ", "/etc/file")),
    "openssl-pass": (("openssl rsa -passin ", "pass:", "hunter2-Zq8v"), ("openssl rsa -passin ", "env:NAME")),
    "piped-password": (
        ("echo hunter2-Zq8v ", "| docker login --password-stdin"),
        ("echo hunter2-Zq8v ", "| docker ps"),
    ),
    "oracle-password": (
        ("jdbc:", "oracle:thin:app/", "hunter2-Zq8v@db:1521:x"),
        ("jdbc:", "oracle:thin:@db:1521:x"),
    ),
    "sql-identified": (
        ("CREATE USER 'app' IDENTIFIED ", "BY 'hunter2-Zq8v'"),
        ("CREATE USER 'app' IDENTIFIED ", "EXTERNALLY"),
    ),
    "auth-command": (("AUTH ", "hunter2-Zq8vT1m"), ("AUTH ", "required by the server")),
    "redis-handshake": (
        ("hello 3 auth default ", "hunter2-Zq8v"),
        ("hello 3 ", "author default hunter2-Zq8v"),
    ),
    "redis-config": (("require", "pass ", "hunter2-Zq8v"), ("require", "pass")),
    "netrc": (
        ("machine api.example login bob ", "password ", "hunter2-Zq8v"),
        ("machine api.example login bob ", "account x"),
    ),
    "pgpass": (("db.example:5432:main:app:", "hunter2-Zq8v"), ("db.example:5432:", "main")),
    "digest-response": (('Digest username="bob", ', 'response="', _HEX[:32], '"'), ('Digest qop="', 'auth"')),
    "oauth-code": (
        ("https://app.example/callback?code=", _ALNUM),
        ("https://app.example/callback?code=", "42"),
    ),
    "password-hash": (("$2b$12", "$", _ALNUM[:22] + _ALNUM[:31]), ("$2b$12", "$", "x")),
    "self-named": (("acme_", "live_", _ALNUM), ("acme_", "live_", "session_started")),
}


def secret_of(kind: Kind) -> str:
    """Return an invented secret of this kind."""
    if kind.name in EXAMPLES:
        return "".join(EXAMPLES[kind.name][0])
    match = _PREFIXED.fullmatch(kind.pattern)
    assert match is not None, f"{kind.name} has a pattern of its own: add it to EXAMPLES"
    return _prefix_of(kind) + (_BODIES[match["body"]] * 8)[: max(int(match["least"]), 24)]


def near_miss_of(kind: Kind) -> str:
    """Return a harmless text that looks like a secret of this kind."""
    if kind.name in EXAMPLES:
        return "".join(EXAMPLES[kind.name][1])
    return _prefix_of(kind) + _HARMLESS.get(kind.name, "demo")


def _prefix_of(kind: Kind) -> str:
    return _PREFIXES.get(kind.name, kind.literal)
