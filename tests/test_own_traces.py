"""No secret in what the package itself writes or stores: errors, reprs, logs, fingerprints, the ledger."""

from __future__ import annotations

import gc
import logging
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from sentry_filters import (
    Ledger,
    Policy,
    RedisSessions,
    SessionExpired,
    SessionExpiredError,
    SessionGuard,
)
from sentry_filters.guard import parts_of
from tests.support.secrets import fake

TOKEN = fake("sess_", 40)
OTHER = fake("sk-proj-", 40)
HOST = "api.example.ai"


def lived(guard: SessionGuard) -> None:
    """Show the guard secrets wherever it may see them: credential, body, message, labels, renewal."""
    answer = httpx.MockTransport(lambda request: httpx.Response(401, json={"error": f"bad token {TOKEN}"}))
    with guard.instrument(httpx.Client(transport=answer)) as client:
        try:
            client.post(
                f"https://{HOST}/v1/chat/completions?key={OTHER}",
                headers={"authorization": f"Bearer {TOKEN}"},
            ).raise_for_status()
        except httpx.HTTPStatusError as error:
            parts_of(guard).decider.decide("event", parts_of(guard).failures_of(error))
    guard.report(f"refused {OTHER}", operation="chat", provider=f"Proxy {OTHER}", status=401)
    guard.session_renewed(fake("sess_", 40, seed="renewed"))


def ours(start: object) -> list[object]:
    """Return every object of the package that can be reached from `start`."""
    found: list[object] = []
    seen: set[int] = set()
    pending = [start]
    while pending:
        thing = pending.pop()
        # By its own type: a lazy object of a framework says what it stands for, or raises, when it is asked.
        if id(thing) in seen or issubclass(type(thing), type | ModuleType):
            continue
        seen.add(id(thing))
        if type(thing).__module__.split(".")[0] in ("sentry_filters", "otel"):
            found.append(thing)
        pending.extend(gc.get_referents(thing))
    return found


@pytest.mark.promise("own-traces")
def test_no_repr_of_ours_shows_a_secret(tmp_path: Path) -> None:
    guard = SessionGuard(
        Policy(provider="OpenHuman", hosts={HOST}), print, audit=Ledger(tmp_path / "ledger.db")
    )
    lived(guard)

    things = ours(guard)
    shown = "\n".join(repr(thing) for thing in things)
    guard.close()

    assert {"SessionGuard", "Redactor", "Ledger", "Policy"} <= {type(thing).__name__ for thing in things}
    assert TOKEN not in shown
    assert OTHER not in shown


@pytest.mark.promise("own-traces")
def test_neither_logs_nor_ledger_nor_event_hold_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sentry_filters")
    heard: list[SessionExpired] = []
    path = tmp_path / "ledger.db"
    guard = SessionGuard(Policy(provider="OpenHuman", hosts={HOST}), heard.append, audit=Ledger(path))
    lived(guard)
    assert guard.bus.flush()
    guard.gate.close(heard[0])
    with pytest.raises(SessionExpiredError) as refused:
        guard.gate.check()
    guard.close()

    written = path.read_bytes()
    said = "\n".join([caplog.text, repr(heard), str(refused.value), repr(refused.value.event)])
    assert b"Proxy [REDACTED]" in written
    for secret in (TOKEN, OTHER):
        assert secret not in said
        assert secret.encode() not in written
        assert secret.encode() not in pickle.dumps(heard)


@pytest.mark.promise("own-traces")
def test_a_handler_that_raises_a_secret_is_logged_without_it(caplog: pytest.LogCaptureFixture) -> None:
    def handler(event: SessionExpired) -> None:
        raise ValueError(TOKEN)

    guard = SessionGuard(Policy(provider="OpenHuman", hosts={HOST}), handler)
    lived(guard)
    guard.close()

    assert "ValueError" in caplog.text
    assert TOKEN not in caplog.text


_ONE_FINGERPRINT = """
import sys
from sentry_filters import Policy, SessionGuard
print(SessionGuard(Policy(provider="OpenHuman")).fingerprint(sys.argv[1]))
"""


@pytest.mark.promise("fingerprint", "fingerprint-key")
def test_a_fingerprint_cannot_be_recomputed_from_the_credential() -> None:
    # The key is random: whoever holds a dump of events cannot try out credentials that he guesses.
    in_another_process = subprocess.run(
        [sys.executable, "-c", _ONE_FINGERPRINT, TOKEN], capture_output=True, text=True, check=True
    ).stdout.strip()
    here = [SessionGuard(Policy(provider="OpenHuman")).fingerprint(TOKEN) for _ in range(2)]

    assert len({in_another_process, *here}) == 3
    assert all(len(one) == 12 for one in (in_another_process, *here))


@pytest.mark.promise("own-traces")
@pytest.mark.promise("fingerprint-key")
def test_the_deployments_key_is_written_and_shown_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sentry_filters")
    path = tmp_path / "ledger.db"
    shared = RedisSessions("redis://127.0.0.1:1", namespace="chat", key=OTHER)  # nobody listens there
    policy = Policy(provider="OpenHuman", hosts={HOST})
    guard = SessionGuard(policy, print, audit=Ledger(path), shared=shared)
    lived(guard)

    shown = "\n".join(map(repr, [shared, *ours(guard)]))
    guard.close()

    said = f"{shown}\n{caplog.text}".encode() + path.read_bytes()
    assert "Redis" in caplog.text
    for key in (OTHER.encode(), shared.key, repr(shared.key).encode(), shared.key.hex().encode()):
        assert key not in said


@pytest.mark.parametrize(
    "host", [f"https://user:{OTHER}@host", f"user:{OTHER}@host", f"redis://:{OTHER}@host/0"]
)
def test_an_error_about_configuration_does_not_show_a_urls_password(host: str) -> None:
    with pytest.raises(ValueError, match=r"hosts: invalid value '.*:…@host.*'; expected") as caught:
        Policy(provider="P", hosts={host})

    assert OTHER not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f'[tool.sentry_filters]\nprovider = "P"\n"{OTHER}" = 1\n',
        f'[tool.sentry_filters]\nprovider = "P"\nstatuses = ["{OTHER}"]\n',
    ],
)
def test_an_error_about_configuration_names_what_the_author_wrote(tmp_path: Path, text: str) -> None:
    # Configuration is not data: it is shown to its author, at start, and by nobody else.
    file = tmp_path / "pyproject.toml"
    file.write_text(text)

    with pytest.raises(ValueError, match="expected"):
        Policy.from_toml(file)
