"""`python -m tests.leaks.shown NAME`: a published leak on the code of the package that had it.

Prints JSON: whether the secret left, and whether the harmless word beside it did. It runs in an environment
that holds the package and nothing of ours, so what is imported is imported by name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tests.leaks import shown_clients, shown_tracers
from tests.leaks.canaries import Canary

SHOWN: Final[Mapping[str, Callable[[Canary], bytes]]] = MappingProxyType(
    {
        function.__name__.replace("_", "-"): function
        for function in (
            shown_tracers.third_party_span,
            shown_tracers.marker_echoes,
            shown_tracers.url_is_safe,
            shown_tracers.raw_payload_on_failure,
            shown_tracers.error_field,
            shown_tracers.merged_after_masking,
            shown_tracers.invocation_parameters,
            shown_tracers.exception_quotes_arguments,
            shown_tracers.mcp_credential,
            shown_tracers.tool_arguments,
            shown_clients.query_string,
            shown_clients.transaction,
            shown_clients.repr_in_a_frame,
            shown_clients.request_line,
            shown_clients.headers_in_a_repr,
            shown_clients.url_of_a_failed_request,
            shown_clients.invalid_header,
            shown_clients.presigned_url,
            shown_clients.url_credentials,
        )
    }
)


def main(name: str) -> int:
    """Show the leak `name`."""
    canary = Canary(name)
    data = SHOWN[name](canary)
    said = {"leaked": bool(canary.left(data)), "arrived": canary.harmless.encode() in data}
    sys.stdout.write(f"{json.dumps(said)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
