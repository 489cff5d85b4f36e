"""What counts as *our session expired*: the one place where the rule's data lives."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from sentry_filters.core import policy_values
from sentry_filters.evidence import Endpoint, conventions, fold, parse_endpoint

DEFAULT_OPERATIONS = (
    "chat_completions",
    "chat",
    "warmup",
    "api_error",
    "native_chat",
    "streaming_chat",
    "responses_api",
)
DEFAULT_PATHS: Mapping[str, str] = {
    "/chat/completions": "chat_completions",
    "/responses": "responses_api",
    "/messages": "chat",
    "/completions": "completions",
    "/embeddings": "embeddings",
    "/v2/chat": "chat",  # Cohere
    "/api/chat": "chat",  # Ollama
    "/api/generate": "completions",
    ":generateContent": "generate_content",  # Gemini
    ":streamGenerateContent": "generate_content",
    "/converse": "converse",  # Bedrock
    "/converse-stream": "converse",
}
"""The paths of LLM calls, by their ends, and the operation of each; `Policy.paths` extends them."""
# Words that other APIs' paths end with, too (`/survey/responses`, `/threads/7/messages`): they count behind
# nothing, a version, or one of the names that model APIs have before them.
COMMON_WORDS = frozenset(
    ("/responses", "/messages", "/completions", "/embeddings", "/converse", "/converse-stream")
)
BEFORE_COMMON_WORDS = re.compile(
    r"(?:[^?#]*/)?(?:|v\d[\w.-]*|openai|anthropic|(?:deployments|engines|models?)/[^/?#]+)", re.IGNORECASE
)
DEFAULT_NOT_SESSION_CODES = (
    "account_deactivated",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_permissions",
    "insufficient_quota",
    "invalid_api_key",
    "model_not_found",
    "permission_denied",
    "permission_error",
    "quota_exceeded",
    "unsupported_country_region_territory",
)
DEFAULT_CREDENTIAL_HEADERS = ("authorization", "x-api-key", "api-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rule by which a failure is an expired session of the hosted backend.

    Args:
        provider: The `provider` tag of the hosted backend, compared exactly.
        hosts: `"host"` (any port) or `"host:port"` that serve it. May be empty: then no response can
            contradict, and tags or wire text have to name the provider.
        domain: The `domain` tag of reports from the provider layer.
        statuses: HTTP statuses of an expired session; 401 and 403 are possible.
        operations: The LLM calls that count.
        paths: URL path suffix, which begins with `/` or `:`, to operation. It extends `DEFAULT_PATHS`;
            `{"/embeddings": None}` takes one out. The longest suffix wins, any other path is not an LLM
            call. The operations of paths count beside `operations`.
        not_session_codes: Body codes that say the failure is something else, in any spelling (case, `-`,
            `_`, blanks); `()` switches the veto off.
        credential_headers: Request headers that carry the credential, the first present one counts.
        scope: `"process"`: one expiry halts all LLM work. `"session"`: only its own session's.
        renewal_grace: Seconds after a renewal in which a failure without known start counts as older.
        publish_on: `"statement"`: what the application's own code states publishes, where no fact is known;
            `"confirmed"`: only a response of one of `hosts` does.
        healing_window: Seconds between the gate's closing and the handlers being told; they are not told if a
            renewal or a success comes first.
        refuse_expired: Whether the gate and `SessionGuard.auth` refuse work once the `exp` of a JWT, which
            nobody has verified, lies 5 seconds back; no report is dropped for it.
        span_action: What becomes of recognised provider spans: `"drop"`, or `"demote"` to keep them.
        sentry_signal: What Sentry gets of an expiry: `"log"`, an informational log where logs are enabled;
            `"event"`, an informational event, one issue for each source; both with metrics of what was
            dropped by which rule; `"none"`, nothing.
        secret_kinds: Further kinds of secret for the redactor, each a mapping of a kind's fields.
        secret_keys: Further keys whose values are secret.
        kept_keys: Keys whose values are kept, whatever their name suggests.
        redact_content: Whether prompts and completions are emptied too.
        mode: `"enforce"`, or `"shadow"`: failures are recognised, counted and recorded (`would_drop`,
            `would_demote`), but nothing is dropped or published, and the gate stays open. Redaction goes on.

    Raises:
        ValueError: A value is impossible; the message names the key, the value and what is allowed.
    """

    provider: str
    hosts: Collection[str] = frozenset()
    domain: str = "llm_provider"
    statuses: Collection[int] = conventions.SESSION_STATUSES
    operations: Collection[str] = DEFAULT_OPERATIONS
    paths: Mapping[str, str | None] = field(default_factory=lambda: DEFAULT_PATHS, hash=False)
    not_session_codes: Collection[str] = DEFAULT_NOT_SESSION_CODES
    credential_headers: Collection[str] = DEFAULT_CREDENTIAL_HEADERS
    scope: Literal["process", "session"] = "process"
    renewal_grace: float = 30.0
    publish_on: Literal["statement", "confirmed"] = "statement"
    healing_window: float = 0.0
    refuse_expired: bool = False
    span_action: Literal["drop", "demote"] = "drop"
    sentry_signal: Literal["log", "event", "none"] = "log"
    secret_kinds: Collection[Mapping[str, str]] = field(default=(), hash=False)
    secret_keys: Collection[str] = ()
    kept_keys: Collection[str] = ()
    redact_content: bool = False
    mode: Literal["enforce", "shadow"] = "enforce"
    endpoints: frozenset[Endpoint] = field(init=False, repr=False, compare=False)
    llm_operations: frozenset[str] = field(init=False, repr=False, compare=False)
    vetoes: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checked = policy_values.validated(
            {name: getattr(self, name) for name in policy_values.FIELDS},
        )
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        # An entry that was taken out stays as None, so that `dataclasses.replace` takes it out again.
        object.__setattr__(self, "paths", {**DEFAULT_PATHS, **self.paths})
        object.__setattr__(self, "endpoints", frozenset(parse_endpoint(host) for host in self.hosts))
        by_path = (operation for operation in self.paths.values() if operation is not None)
        object.__setattr__(self, "llm_operations", frozenset((*self.operations, *by_path)))
        object.__setattr__(self, "vetoes", frozenset(map(fold, self.not_session_codes)))

    def operation_of_path(self, path: str | None) -> str | None:
        """Return the operation of the longest suffix in `paths` that `path` ends with, else None."""
        suffixes = [suffix for suffix in self.paths if path is not None and _ends_with(path, suffix)]
        return self.paths[max(suffixes, key=len)] if suffixes else None

    @property
    def source(self) -> str:
        """The `source` of this backend's `SessionExpired`."""
        return f"{self.domain}.{self.provider.lower()}_backend"

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Self:
        """Read the table `[tool.sentry_filters]` of a TOML file such as `pyproject.toml`.

        Since TOML has no null, `false` takes a path out.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is not TOML, has no such table, or the table has an unknown key or an impossible
                value; or it states several backends.
        """
        policies = cls.all_from_toml(path)
        if len(policies) > 1:
            names = ", ".join(policy.provider for policy in policies)
            raise ValueError(f"{path}: {len(policies)} backends ({names}); expected one; see all_from_toml")
        return policies[0]

    @classmethod
    def all_from_toml(cls, path: str | os.PathLike[str]) -> tuple[Self, ...]:
        """Read a policy for each backend: for each table `[[tool.sentry_filters.backends]]` of a TOML file.

        What stands in `[tool.sentry_filters]` itself holds for each backend that does not state it. A file
        without such tables has one policy.

        Raises:
            OSError: The file cannot be read.
            ValueError: As for `from_toml`; the tables are counted from 1.
        """
        return tuple(cls(**values) for values in policy_values.read_toml(Path(path)))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read `SENTRY_FILTERS_<FIELD>` variables; lists are separated by commas.

        Paths are written as `suffix=operation`; `suffix=` takes one out.

        Args:
            environ: The variables; the process's own by default.

        Raises:
            ValueError: `SENTRY_FILTERS_PROVIDER` is missing, a name is unknown or a value impossible.
        """
        return cls(**policy_values.read_env(os.environ if environ is None else environ))


def _ends_with(path: str, suffix: str) -> bool:
    if not path.endswith(suffix):
        return False
    before = path.removesuffix(suffix)
    return suffix not in COMMON_WORDS or BEFORE_COMMON_WORDS.fullmatch(before) is not None
