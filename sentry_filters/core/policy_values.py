"""Reading and checking a policy's values, with errors that name the place, the value and what is expected."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sentry_filters.evidence import conventions, parse_endpoint

TABLE = ("tool", "sentry_filters")
BACKENDS = "backends"
ENV_PREFIX = "SENTRY_FILTERS_"
# Read by other parts of the package, so no mistake of the policy's.
OTHER_VARIABLES = frozenset({"SENTRY_FILTERS_KEY", "SENTRY_FILTERS_LEDGER"})
_LONGEST_SHOWN = 1_000
_PASSWORD = re.compile(r":[^\s@]*@")  # a URL's


def _fault(key: str, value: object, expected: str) -> ValueError:
    return ValueError(f"{key}: invalid value {_shown(value)}; expected {expected}")


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - numbers of thousands of digits have no repr; the place is named all the same
        return f"a value of type {type(value).__name__}"
    shown = _PASSWORD.sub(":…@", shown)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _fault(key, value, "a text that is not empty")
    return value


def _items(key: str, value: object, allowed: str) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise _fault(key, value, allowed)
    return list(value)


def _texts(key: str, value: object) -> tuple[str, ...]:
    return tuple(_text(key, item) for item in _items(key, value, "a list of texts"))


def _lowered(key: str, value: object) -> tuple[str, ...]:
    return tuple(text.lower() for text in _texts(key, value))


def _hosts(key: str, value: object) -> frozenset[str]:
    hosts = set()
    for host in _items(key, value, 'a set of "host" or "host:port"'):
        try:
            parse_endpoint(_text(key, host))
        except ValueError as error:
            raise _fault(key, host, f'"host" or "host:port" ({error})') from None
        hosts.add(host)
    return frozenset(hosts)


def _statuses(key: str, value: object) -> tuple[int, ...]:
    allowed = " or ".join(map(str, conventions.SESSION_STATUSES))
    statuses = _items(key, value, f"a list of {allowed}")
    for status in statuses:
        if isinstance(status, bool) or status not in conventions.SESSION_STATUSES:
            raise _fault(key, status, allowed)
    if not statuses:
        raise _fault(key, value, f"at least one of {allowed}")
    return tuple(statuses)


def _operations(key: str, value: object) -> tuple[str, ...]:
    operations = _texts(key, value)
    if not operations:
        raise _fault(key, value, "at least one operation")
    return operations


def _paths(key: str, value: object) -> Mapping[str, str | None]:
    if not isinstance(value, Mapping):
        raise _fault(key, value, "a mapping of path suffix to operation")
    paths: dict[str, str | None] = {}
    for suffix, operation in value.items():
        if not isinstance(suffix, str) or not re.fullmatch(r"[/:][^?#\s]*[^/?#\s]", suffix):
            raise _fault(key, suffix, 'a path suffix such as "/chat/completions" or ":generateContent"')
        taken_out = operation is None or operation is False
        paths[suffix] = None if taken_out else _text(f"{key}[{suffix!r}]", operation)
    return paths


def _choice(*choices: str) -> Callable[[str, object], str]:
    def check(key: str, value: object) -> str:
        if value not in choices or not isinstance(value, str):
            raise _fault(key, value, " or ".join(repr(choice) for choice in choices))
        return value

    return check


def _seconds(key: str, value: object) -> float:
    try:
        if not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < math.inf:
            return float(value)
    except OverflowError:  # an integer beyond every float
        pass
    raise _fault(key, value, "a number of seconds, 0 or more")


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _fault(key, value, "true or false")
    return value


def _kinds(key: str, value: object) -> tuple[Mapping[str, str], ...]:
    kinds = _items(key, value, "a list of mappings with a kind's fields")
    for kind in kinds:
        if not isinstance(kind, Mapping):
            raise _fault(key, kind, "a mapping with a kind's fields")
    return tuple(dict(kind) for kind in kinds)


_CHECKS: Mapping[str, Callable[[str, object], object]] = MappingProxyType(
    {
        "provider": _text,
        "hosts": _hosts,
        "domain": _text,
        "statuses": _statuses,
        "operations": _operations,
        "paths": _paths,
        "not_session_codes": _lowered,
        "credential_headers": _lowered,
        "scope": _choice("process", "session"),
        "renewal_grace": _seconds,
        "publish_on": _choice("statement", "confirmed"),
        "healing_window": _seconds,
        "refuse_expired": _flag,
        "span_action": _choice("drop", "demote"),
        "sentry_signal": _choice("log", "event", "none"),
        "secret_kinds": _kinds,
        "secret_keys": _texts,
        "kept_keys": _texts,
        "redact_content": _flag,
        "mode": _choice("enforce", "shadow"),
    }
)
FIELDS = tuple(_CHECKS)


def validated(values: Mapping[str, object]) -> dict[str, Any]:
    """Return `values` checked and in their frozen form; raises ValueError at the first impossible one."""
    return {name: _CHECKS[name](name, value) for name, value in values.items()}


def read_toml(path: Path) -> tuple[dict[str, Any], ...]:
    """Return the values of each backend that `path` states; errors name file, table, key and value."""
    table = _table_of(path)
    place = f"{path}: [{'.'.join(TABLE)}]"
    if BACKENDS not in table:
        return (_known(table, lambda key: f"{place} {key}"),)
    common = {key: value for key, value in table.items() if key != BACKENDS}
    backends = table[BACKENDS]
    if not isinstance(backends, list) or not backends or not all(isinstance(one, dict) for one in backends):
        raise _fault(f"{place} {BACKENDS}", backends, f"tables [[{'.'.join((*TABLE, BACKENDS))}]]")
    return tuple(_of_backend(common, one, path, number) for number, one in enumerate(backends, 1))


def _table_of(path: Path) -> dict[str, object]:
    import tomllib  # noqa: PLC0415 - few processes read a file, and all would wait for its import

    try:
        table: object = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # numbers too long to read, nesting too deep
        raise ValueError(
            f"invalid {path}: not a TOML file ({error}); expected a table [{'.'.join(TABLE)}]"
        ) from None
    for part in TABLE:
        table = table.get(part) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise ValueError(f"invalid {path}; expected a table [{'.'.join(TABLE)}]")  # noqa: TRY004 - the file's fault
    return table


def _of_backend(
    common: Mapping[str, object], own: Mapping[str, object], path: Path, number: int
) -> dict[str, Any]:
    """Return one backend's values: its own, and for what it does not state those of the table above."""
    outer, inner = f"{path}: [{'.'.join(TABLE)}]", f"{path}: [[{'.'.join((*TABLE, BACKENDS))}]] {number}"
    inherited = {key for key in common if key not in own}
    return _known({**common, **own}, lambda key: f"{outer if key in inherited else inner} {key}")


def read_env(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the policy's values out of `SENTRY_FILTERS_*`; errors name the variable."""
    found: dict[str, object] = {}
    for name in sorted(environ):
        if name.startswith(ENV_PREFIX) and name not in OTHER_VARIABLES:
            key = name.removeprefix(ENV_PREFIX).lower()
            found[key] = _from_text(key, environ[name], name)
    return _known(found, lambda key: ENV_PREFIX + key.upper())


def _known(values: Mapping[str, object], place: Callable[[str], str]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for key, value in values.items():
        if key not in _CHECKS:
            raise ValueError(f"{place(key)}: unknown key; expected one of {', '.join(FIELDS)}")
        checked[key] = _CHECKS[key](place(key), value)
    if "provider" not in checked:
        raise _fault(place("provider"), None, "a text that is not empty")
    return checked


def _from_text(key: str, text: str, place: str) -> object:
    """Return a variable's text in the form that the field's check takes; what has no such form as it is."""
    if key == "secret_kinds":
        raise _fault(place, text, "kinds in a TOML file; a variable cannot hold them")
    read = _FROM_TEXT.get(key)
    return text if read is None else read(place, text)


def _parts(_place: str, text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _status_parts(place: str, text: str) -> list[object]:
    return [int(part) if part.isdecimal() and len(part) <= 3 else part for part in _parts(place, text)]


def _path_parts(place: str, text: str) -> dict[str, str | None]:
    parts = _parts(place, text)
    if not all("=" in part for part in parts):
        raise _fault(place, text, "suffix=operation, separated by commas")
    pairs = (part.split("=", 1) for part in parts)
    return {suffix: operation or None for suffix, operation in pairs}


def _flag_of_text(_place: str, text: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)


def _number_of_text(_place: str, text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


_FROM_TEXT: Mapping[str, Callable[[str, str], object]] = MappingProxyType(
    {
        "hosts": _parts,
        "statuses": _status_parts,
        "operations": _parts,
        "paths": _path_parts,
        "not_session_codes": _parts,
        "credential_headers": _parts,
        "renewal_grace": _number_of_text,
        "healing_window": _number_of_text,
        "refuse_expired": _flag_of_text,
        "secret_keys": _parts,
        "kept_keys": _parts,
        "redact_content": _flag_of_text,
    }
)
