"""Published leaks of texts: through the redactor, and through the command that redacts files."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import requests
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from sentry_filters.cli import main
from sentry_filters.redaction import REDACTED, Kind, Redactor
from tests.leaks.canaries import Canary


def url_of_a_failed_request(canary: Canary) -> str:
    response = requests.Response()
    response.status_code, response.reason = 401, "Unauthorized"
    response.url = f"https://web-api.test/api?securityToken={canary.generated}&documentType={canary.harmless}"
    with pytest.raises(requests.HTTPError) as caught:
        response.raise_for_status()
    return str(caught.value)


def invalid_header(canary: Canary) -> str:
    value = f"Bearer {canary.generated}\n\n"  # a single one passes in older releases
    with pytest.raises(requests.exceptions.InvalidHeader) as caught:
        requests.Request("GET", "http://api.test", headers={"Authorization": value}).prepare()
    return f"{canary.harmless}: {caught.value}"


def headers_in_a_repr(canary: Canary) -> str:
    headers = CIMultiDictProxy(CIMultiDict({"Authorization": canary.generated, "X-Note": canary.harmless}))
    url = URL("http://api.test/v1")
    return repr(aiohttp.ClientResponseError(aiohttp.RequestInfo(url, "GET", headers, url), (), status=500))


def cut_private_key(canary: Canary) -> str:
    lines = "\n".join([canary.generated * 2 + "+/"] * 4)
    return f"{canary.harmless}\n-----BEGIN " + f"PRIVATE KEY-----\n{lines}"


_GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/{}:generateContent?key={}"

TEXTS: dict[str, Callable[[Canary], str]] = {
    "url-in-an-exception": lambda at: (
        f"HTTPStatusError: Client error '404 Not Found' for url '{_GEMINI.format(at.harmless, at.generated)}'"
    ),
    "headers-in-a-repr": headers_in_a_repr,
    "url-of-a-failed-request": url_of_a_failed_request,
    "invalid-header": invalid_header,
    "mixed-case-header": lambda at: (
        f"aUtHoRiZaTiOn: Bearer {at.generated}\npRoXy-AuThOrIzAtIoN: Basic {at.generated}\nx: {at.harmless}"
    ),
    "escaped-quote": lambda at: json.dumps({"password": f'{at.chosen}"{at.generated}', "user": at.harmless}),
    "cut-private-key": cut_private_key,
    "nested-assignment": lambda at: f"excerpt: note: password={at.chosen}; user={at.harmless}",
    "token-as-user": lambda at: (
        f"fatal: unable to access 'https://{at.generated}@git.test/{at.harmless}.git/': 403\n"
        f"origin https://x-access-token:{at.key}@git.test/app.git (fetch)"
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_no_secret_is_written(name: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    canary = Canary(name)
    text = TEXTS[name](canary)
    assert canary.left(text.encode())
    file = tmp_path / "app.log"
    file.write_text(text)

    assert main(["redact", str(file)]) == 0

    plain, in_json = capfdbinary.readouterr().out, Redactor().redact(json.dumps({"text": text})).encode()
    assert canary.left(plain) + canary.left(in_json) == []
    assert canary.harmless.encode() in plain
    assert canary.harmless.encode() in in_json


def test_base64_of_a_token() -> None:
    canary, redactor = Canary("base64-of-a-token"), Redactor()
    redactor.register(canary.generated)
    encoded = base64.b64encode(f"user:{canary.generated}".encode()).decode()
    inner = json.dumps({"answer": encoded, "note": canary.harmless})

    for text in (inner, json.dumps(inner), json.dumps(json.dumps(inner))):
        redacted = redactor.redact(text)
        assert encoded[8:24] not in redacted
        assert canary.harmless in redacted


def test_marker_echoes(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    canary = Canary("marker-echoes")
    text = f"postgresql://admin:{canary.chosen}@db.internal:5432/{canary.harmless} {canary.key}"
    redactor = Redactor(kinds=[Kind("in-urls", r"//[^:@/\s]+:[^@/\s]+@")])

    scrubbed = redactor.scrub(text)

    assert canary.left(repr(scrubbed).encode()) == []
    assert canary.harmless in str(scrubbed.value)
    file = tmp_path / "app.log"
    file.write_text(text)
    main(["redact", "--explain", str(file)])
    assert canary.left(capfdbinary.readouterr().out) == []


def test_order_decides() -> None:
    canary = Canary("order-decides")
    kinds = [Kind("ticket", "TCK-[0-9]{4,}-[A-Z]{4}"), Kind("cut", "TCK-[0-9]{4}")]
    kinds.append(Kind("tail", "[0-9]{6}-[A-Z]{4}-[0-9]"))
    text = f"{canary.harmless} TCK-471623-QRST-7, {canary.key}"

    results = {Redactor(kinds=order).redact(text) for order in (kinds, kinds[::-1])}

    assert results == {f"{canary.harmless} {REDACTED}, {REDACTED}"}


def test_allowed_switches_off() -> None:
    canary = Canary("allowed-switches-off")
    redactor = Redactor(kept_keys=["reset_token"])
    value = {
        "reset_token": canary.harmless,
        "api_key": canary.generated,
        "text": f"reset_token={canary.harmless} password={canary.chosen}",
        "other": {"reset_token": canary.key},
    }

    redacted = redactor.redact_value(value)

    assert canary.left(json.dumps(redacted).encode()) == []
    assert json.dumps(redacted).count(canary.harmless) == 2
