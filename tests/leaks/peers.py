"""What the demonstrations on others' code have in common: a receiver, a provider, imports by name.

They run without our package, so the receiver is the standard library's.
"""

from __future__ import annotations

import gzip
import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Receiver:
    """The address of a local server, and the bodies of all requests that it got."""

    address: str
    bodies: list[bytes]

    @property
    def url(self) -> str:
        """Its address, with a scheme."""
        return f"http://{self.address}"


@contextmanager
def receiver_of_anything(status: int = 200) -> Iterator[Receiver]:
    """A server that answers every request with `status`, for the time of a block."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            is_gzip = self.headers.get("content-encoding") == "gzip"
            bodies.append(gzip.decompress(body) if is_gzip else body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_PATCH = do_PUT = do_POST

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield Receiver(f"127.0.0.1:{server.server_port}", bodies)
        finally:
            server.shutdown()


def module(name: str) -> Any:
    """Import by name: what is imported here is in no environment of ours."""
    return importlib.import_module(name)


def httpx_module() -> Any:
    """The httpx that is installed."""
    return module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")


class Spans:
    """A provider, and what it exported."""

    def __init__(self) -> None:
        memory = module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        self._exporter = memory.InMemorySpanExporter()
        self.processor = module("opentelemetry.sdk.trace.export").SimpleSpanProcessor(self._exporter)
        self.provider = module("opentelemetry.sdk.trace").TracerProvider()
        self.provider.add_span_processor(self.processor)

    @property
    def exported(self) -> bytes:
        """All spans, as JSON."""
        return "\n".join(span.to_json() for span in self._exporter.get_finished_spans()).encode()
