"""A local receiver of Sentry's protocol: keeps the bytes that arrived, and reads them as envelopes."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sentry_filters.demo.servers import LocalServer, QuietHandler


@dataclass(frozen=True)
class ReceivedItem:
    """One envelope item as it arrived."""

    headers: dict[str, Any]
    payload: bytes

    @property
    def type(self) -> str:
        """The item's type."""
        return str(self.headers["type"])

    @property
    def json(self) -> Any:
        """The payload, parsed."""
        return json.loads(self.payload)


class SentryReceiver(LocalServer):
    """Takes envelopes at `dsn` (and Spotlight's at `/stream`) and keeps every byte."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        lock = threading.Lock()
        bodies = self._bodies

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - the standard library's name
                body = self.read_body()
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                with lock:
                    bodies.append(body)
                self.answer(200, b'{"id":"0"}')

        super().__init__(Handler)

    @property
    def dsn(self) -> str:
        """What to pass to `sentry_sdk.init`."""
        return f"http://{'a' * 32}@{self.address}/1"

    @property
    def bytes(self) -> bytes:
        """Everything received, decompressed, in the order of arrival."""
        return b"\n".join(self._bodies)

    @property
    def items(self) -> list[ReceivedItem]:
        """All items of all envelopes."""
        return [item for body in list(self._bodies) for item in items_of(body)]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The error events."""
        return [item.json for item in self.items if item.type == "event"]


def items_of(envelope: bytes) -> Iterator[ReceivedItem]:
    """Read a serialised envelope; see develop.sentry.dev/sdk/data-model/envelopes."""
    _, _, rest = envelope.partition(b"\n")
    while rest.strip():
        header_line, _, rest = rest.partition(b"\n")
        headers = json.loads(header_line)
        length = headers.get("length")
        if length is None:
            payload, _, rest = rest.partition(b"\n")
        else:
            payload, rest = rest[:length], rest[length + 1 :]
        yield ReceivedItem(headers, payload)
