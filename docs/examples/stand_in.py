"""What the examples talk to where you have none of it: an LLM backend, a vendor, Sentry and a collector.

A session of the backend, on port 8900, lasts 30 seconds from the first use of its token; any other token
begins a new one. Port 8901 rejects every key of the vendor's, and prints the errors that Sentry gets.
"""

import gzip
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

SECONDS = float(os.environ.get("SESSION_SECONDS", "30"))
BACKEND = int(os.environ.get("BACKEND_PORT", "8900"))
OTHERS = int(os.environ.get("OTHERS_PORT", "8901"))
MESSAGE = {"role": "assistant", "content": "hello"}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "default",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
}
REJECTED = {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}


class Handler(BaseHTTPRequestHandler):
    """Reads a request's body, and answers with JSON."""

    protocol_version = "HTTP/1.1"

    def body(self) -> bytes:
        """Return what was sent."""
        sent = self.rfile.read(int(self.headers.get("content-length", 0)))
        return gzip.decompress(sent) if self.headers.get("content-encoding") == "gzip" else sent

    def answer(self, status: int, content: Any) -> None:
        """Answer."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log no requests."""


class Backend(Handler):
    """Your own hosted backend."""

    first_use: ClassVar[dict[str, float]] = {}

    def do_POST(self) -> None:
        """Answer while the session lasts."""
        self.body()
        now = time.monotonic()
        began = self.first_use.setdefault(self.headers.get("authorization", ""), now)
        if now - began <= SECONDS:
            self.answer(200, COMPLETION)
        else:
            self.answer(401, {"success": False, "error": "Invalid token"})


class Others(Handler):
    """The vendor, Sentry and the collector."""

    def do_POST(self) -> None:
        """Reject a vendor's key; take anything else, and print Sentry's errors."""
        body = self.body()
        if self.path.endswith("/chat/completions"):
            self.answer(401, REJECTED)
            return
        for line in body.splitlines() if "/envelope" in self.path else ():
            item = json.loads(line or b"{}")
            if isinstance(item, dict) and "exception" in item:
                error = item["exception"]["values"][-1]
                print(f"Sentry got {error['type']}: {error['value']}", flush=True)
        self.answer(200, {})


if __name__ == "__main__":
    others = ThreadingHTTPServer(("127.0.0.1", OTHERS), Others)
    threading.Thread(target=others.serve_forever, daemon=True).start()
    print("listening", flush=True)
    ThreadingHTTPServer(("127.0.0.1", BACKEND), Backend).serve_forever()
