"""Every form in which a value is beside its key: the secret goes, and the form's harmless twin stays."""

# ruff: noqa: E501 - a table of texts

from __future__ import annotations

import json

import pytest

from sentry_filters.redaction import REDACTED, Redactor
from tests.support.secrets import fake

S = fake("k9X", 12)
H = "4f9a8b7c6d5e4f3a" + "2b1c0d9e8f7a6b5c"
K = fake("sk-proj-", 40)
ESC, RED, END = "\x1b", "\x1b[31m", "\x1b[0m"
PART = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n--b--'

# form: text with `@` in the place of the secret, that secret, text of the harmless twin
FORMS = {
    "structlog": (f"{ESC}[36mapi_key{END}={ESC}[35m@{END} {ESC}[36mx{END}=1", S, f"{ESC}[36mkey_id{END}={ESC}[35m{S}{END}"),
    "coloured": (f"using {ESC}[35m@{END} now", K, f"using {ESC}[35mmodel-4{END} now"),
    "coloured key": (f"{ESC}[1;38;5;12mpass{END}word={RED}@{END}", S, f"{ESC}[1;38;5;12mpass{END}age={RED}{S}{END}"),
    "coloured quotes": (f"token='{ESC}[32m@{END}'", S, f"path='{ESC}[32m{S}{END}'"),
    "coloured in JSON": (json.dumps(f"{ESC}[36mapi_key{END}={ESC}[35m@{END}"), S, json.dumps(f"{ESC}[36mid{END}={S}")),
    "coloured in a repr": (repr(f"{ESC}[36mapi_key{END}={ESC}[35m@{END}"), S, repr(f"{ESC}[36mid{END}={S}")),
    "colour without an end": (f"{ESC}[0;@ x", K, f"{ESC}[0;model-4 x"),
    "entity": ("password&#61;@", S, f"passage&#61;{S}"),
    "entities": ("<p>token&equals;&#x22;@&#x22;</p>", S, f"<p>model&equals;&#x22;{S}&#x22;</p>"),
    "entity in a key": ("pass&#119;ord: @", S, f"fore&#119;ord: {S}"),
    "multipart": (PART.format("password", "", "@"), S, PART.format("username", "", S)),
    "multipart file": (PART.format("api_key", '; filename="k"\r\nContent-Type: text/plain', "@"), S, PART.format("f", '; filename="k"', S)),
    "multipart in JSON": (json.dumps(PART.format("password", "", "@")), S, json.dumps(PART.format("user", "", S))),
    "markdown": ("| api_key | @ |", S, f"| key_id | {S} |"),
    "markdown, marked": ("| **API key** | `@` |", H, f"| **Commit** | `{H}` |"),
    "markdown, bare": ("password|@|x", S, f"passage|{S}|x"),
    "markdown, prose": ("| api_key | @ | yes |", S, "| api_key | The key to use | yes |"),
    "markdown column": (f"| user | token |\n|---|:--:|\n| bob | @ |\n| {'al'} | no |", H, f"| user | commit |\n|---|---|\n| bob | {H} |"),
    "markdown first column": ("| token | user |\n| --- | --- |\n| @ | bob |", S, f"| commit | user |\n| --- | --- |\n| {S} | bob |"),
    "psql": (" id | password \n----+------\n  1 | @\n(1 row)", S, f" id | commit \n----+------\n  1 | {S}\n(1 row)"),
    "html row": ("<tr><td>password</td><td>@</td></tr>", S, f"<tr><td>passage</td><td>{S}</td></tr>"),
    "html terms": ("<dt>API key</dt>\n<dd><code>@</code></dd>", H, f"<dt>Commit</dt>\n<dd><code>{H}</code></dd>"),
    "html label": ("<b>Password:</b> @</p>", S, "<b>Password:</b> forgotten</p>"),
    "html in JSON": (json.dumps("<td>secret</td>\n<td>@</td>"), S, json.dumps(f"<td>sector</td>\n<td>{S}</td>")),
    "go": ("map[password:@ user:bob]", S, f"map[passage:{S} user:bob]"),
    "go header": ("map[Accept:[*/*] X-Api-Key:[@]]", S, f"map[Accept:[*/*] X-Request-Id:[{S}]]"),
    "go authorization": ("map[Authorization:[Bearer @]]", S, "map[Authorization:[]]"),
    "in brackets": ('API_KEY = (\n    "@"\n)', S, f'API_PATH = (\n    "{S}"\n)'),
    "continued": ("password = \\\n    '@'", S, "password = \\\n    getpass()"),
    "next line": ('"password":\n   "@"', S, '"password":\n   null'),
    "asgi": ("[(b'x-api-key', b'@')]", S, f"[(b'x-request-id', b'{S}')]"),
    "asgi cookie": ("[(b'cookie', b'sid=@')]", S, "[(b'accept', b'text/html')]"),
}  # fmt: skip


def test_secrets_go_from_every_form_and_their_twins_stay(redactor: Redactor) -> None:
    leaks = [
        name
        for name, (text, secret, _) in FORMS.items()
        if secret in redactor.redact(text.replace("@", secret))
    ]
    changed = [name for name, (_, _, twin) in FORMS.items() if redactor.redact(twin) != twin]

    assert (leaks, changed) == ([], [])
    for text, secret, twin in FORMS.values():
        dirty = text.replace("@", secret)
        once = redactor.redact(dirty)
        assert once == text.replace("@", REDACTED)
        assert redactor.redact(once) == once
        assert not redactor.is_clean_text(dirty)
        assert not redactor.is_clean(json.dumps({"a": dirty}))
        assert redactor.redact_value({"a": [dirty], "b": twin}) == {"a": [once], "b": twin}


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_attachments_are_redacted_in_their_encoding(encoding: str, redactor: Redactor) -> None:
    text = "\n".join(["started, café", f"password={S}", f"using {K}", "done: model-4"])

    clean = redactor.redact_bytes(text.encode(encoding))

    assert clean.decode(encoding) == text.replace(S, REDACTED).replace(K, REDACTED)
    assert redactor.redact_bytes(clean) == clean
    harmless = "started, café, commit 0a1b\n".encode(encoding) * 3
    assert redactor.redact_bytes(harmless) is harmless


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_text_among_other_bytes_is_redacted(encoding: str, redactor: Redactor) -> None:
    dump = (
        b"MDMP\xff\x01\x02" + f"password={S};".encode(encoding) + b"\xff\xfe\x01" + f"api_key={H} ".encode()
    )

    scrubbed = redactor.scrub({"dump": dump})

    clean = scrubbed.value["dump"]  # type: ignore[index]
    assert S.encode(encoding) not in clean
    assert H.encode() not in clean
    assert clean.startswith(b"MDMP\xff\x01\x02")
    assert len(scrubbed.findings) == 2
    assert all(clean[each.start : each.end] for each in scrubbed.findings)


def test_asgi_headers_are_pairs_of_bytes(redactor: Redactor) -> None:
    scope = {
        "headers": [(b"x-api-key", S.encode()), (b"cookie", b"sid=abc123def"), (b"accept", b"text/html")]
    }

    clean = redactor.redact_value(scope)

    assert S.encode() not in str(clean).encode()
    assert b"abc123def" not in str(clean).encode()
    assert clean["headers"][2] == (b"accept", b"text/html")  # type: ignore[index]


@pytest.mark.parametrize(
    "unit",
    [
        f"{END}password=",
        "&#61;token",
        "| token |\n|---|\n",
        "<td>password</td>",
        f"{END}",
        "&amp;",
        'name="password"\r\n\r\n',
    ],
)
def test_hostile_forms_are_answered_and_a_second_pass_changes_nothing(unit: str, redactor: Redactor) -> None:
    clean = redactor.redact(unit * (120_000 // len(unit)))

    assert redactor.redact(clean) == clean


def test_a_registered_credential_goes_whose_beginning_a_terminal_would_take_for_a_mark() -> None:
    redactor = Redactor()
    redactor.register(S)

    assert redactor.redact(f"{ESC}[0;{S}") == f"{ESC}[0;{REDACTED}"
