"""Target: files that the commands `explain`, `redact` and `preview` are pointed at."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
import tempfile
from pathlib import Path

from hypothesis import strategies as st

from sentry_filters import Redactor
from sentry_filters.cli import main
from sentry_filters.preview import ItemReader
from tests.fuzz.planting import CANARY_AT, WORDS, planted
from tests.fuzz.strategies import CANARY, HOST, PROVIDER
from tests.fuzz.targets import of_bytes

__all__ = ["WORDS"]

_EVENT = b'{"event_id": "a", "message": "x \x1c", "tags": {"provider": "OpenHuman", "status": "401"}}'
_DONE, _WITHHELD, _CANNOT = 0, 1, 2

SEEDS = (
    _EVENT,
    _EVENT + b"\n" + _EVENT,
    b"[" + _EVENT + b"]",
    b'{"sdk": {}}\n{"type": "event"}\n' + _EVENT + b'\n{"type": "session"}\n{}\n',
    b'{"dsn": "x"}\n{"type": "log", "length": 40}\n{"items": [{"body": "\x1c", "level": "info"}]}\n',
    b'{"type": "span", "length": 99999999999999999999}\n{}\n{"type": "attachment", "length": 3}\nabc\n',
    b'{"exception": {"values": [{"type": "E\x1b[31m", "value": "OpenHuman API error (401 x): \x1c"}]}}',
    b"password=\x1c\n-----BEGIN PRIVATE KEY-----\n\x1c\n",
    b"\xff\xfep\x00a\x00s\x00s\x00=\x00",
)
_files = st.lists(
    st.sampled_from((*SEEDS, *(word for word in WORDS if len(word) < 20))) | st.binary(max_size=8),
    max_size=4,
).map(b"".join)  # fmt: skip


def as_file(data: bytes) -> bytes:
    """Return `data` with canaries in it, gzipped if it begins with a `Z`."""
    content = planted(data).encode("utf-8", "surrogateescape")
    return gzip.compress(content[1:], 1) if content[:1] == b"Z" else content


def ran(*arguments: str) -> tuple[int, bytes, str]:
    """Run a command as a shell would; return its exit code, and what it printed."""
    out, errors = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = main(arguments)
        sys.stdout.flush()
    return code, out.buffer.getvalue(), errors.getvalue()


@of_bytes(_files)
def test_any_file_is_explained_or_its_fault_named_and_no_secret_shown(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        policy, file = Path(folder) / "policy.toml", Path(folder) / "file"
        policy.write_text(f'[tool.sentry_filters]\nprovider = "{PROVIDER}"\nhosts = ["{HOST}"]\n')
        file.write_bytes(as_file(data))
        options = ["--json"] if data[:1] < b"m" else []

        code, out, errors = ran("explain", "--policy", str(policy), *options, str(file))

    assert code in (_DONE, _CANNOT)
    assert bool(out) == (code == _DONE)
    assert errors or code == _DONE
    assert CANARY.encode() not in out
    assert CANARY not in errors
    assert "\x1b" not in out.decode() + errors  # it would colour, or take over, a terminal
    if options:
        assert all(isinstance(json.loads(line), dict) for line in out.splitlines())


@of_bytes(_files)
def test_a_file_is_redacted_as_its_bytes_are(data: bytes) -> None:
    content = planted(data).encode("utf-8", "surrogateescape")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(content)

        code, out, errors = ran("redact", str(file))
        explained, places, _ = ran("redact", "--explain", str(file))

    assert (code, explained) in ((_DONE, _DONE), (_WITHHELD, _WITHHELD))
    assert errors == ""
    assert CANARY.encode() not in out + places
    assert bool(places) == (out != content)
    if code == _DONE and CANARY_AT not in data and b"\n" not in data:
        assert out == Redactor().redact_bytes(content)


@of_bytes(_files)
def test_any_file_is_read_item_by_item_and_what_is_broken_named(data: bytes) -> None:
    content = as_file(data)
    faults: list[str] = []
    reader = ItemReader(
        Path("given"), lambda place, what: faults.append(f"{place}: {what}"), lambda kind: None, content
    )

    items = list(reader.items())

    assert all(isinstance(item.payload, dict) and item.place.startswith("given:") for item in items)
    assert not any(CANARY in fault for fault in faults)
    assert len(items) + len(faults) <= content.count(b"{") + content.count(b"\n") + len(content) + 2
