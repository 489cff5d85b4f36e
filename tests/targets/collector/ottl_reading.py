"""Our reading of the OTTL that the exporter writes: an interpreter of that small part of the language.

It is not the Collector. It follows the documentation (LANGUAGE.md, ottlfuncs/README.md): `not` binds before
`and`, `and` before `or`; a key that is not there is nil; `IsMatch` of nil is false, and numbers become text;
values of different types are unequal. Whatever else it meets is an error, not a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import re2

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<operator>==|!=|[()\[\],])|(?P<word>[A-Za-z_][\w.]*))""",
    re.DOTALL,
)
ENUMS: Mapping[str, object] = {
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
    "STATUS_CODE_UNSET": 0,
    "STATUS_CODE_OK": 1,
    "STATUS_CODE_ERROR": 2,
    "nil": None,
}


@dataclass(frozen=True, slots=True)
class Record:
    """A span or a log record, by the paths of its context.

    Args:
        attributes: Its attributes.
        fields: Its other paths: `kind`, `status.message`, `body`, …
    """

    attributes: Mapping[str, Any]
    fields: Mapping[str, Any] = field(default_factory=dict)


class UnknownSyntaxError(Exception):
    """The condition has something that the documented subset has not."""


def holds(condition: str, record: Record) -> bool:
    """Say whether `condition`, as a Collector gets it, holds for `record`."""
    parser = _Parser(list(_tokens(condition)), record)
    result = parser.either()
    if not parser.is_done:
        raise UnknownSyntaxError(f"after its end: {parser.rest!r}")
    return result


def is_match(value: object, pattern: str) -> bool:
    """The converter `IsMatch`."""
    if value is None:
        return False
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, float):
        value = f"{value:f}".rstrip("0").rstrip(".")
    return compiled(pattern).search(str(value)) is not None


def compiled(pattern: str) -> Any:
    """Compile with the syntax that RE2 and Go share, over characters."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    return re2.compile(pattern, options)


def _tokens(condition: str) -> Iterator[str]:
    at = 0
    while at < len(condition.rstrip()):
        found = _TOKEN.match(condition, at)
        if found is None:
            raise UnknownSyntaxError(condition[at : at + 40])
        yield found.group().strip()
        at = found.end()


class _Parser:
    """Evaluates while it parses; what an early stop skips is parsed all the same."""

    def __init__(self, tokens: list[str], record: Record) -> None:
        self._tokens = tokens
        self._at = 0
        self._record = record
        self._functions: Mapping[str, Callable[..., bool]] = {
            "IsMatch": is_match,
            "IsString": lambda value: isinstance(value, str),
            "IsMap": lambda value: isinstance(value, Mapping),
        }

    @property
    def is_done(self) -> bool:
        return self._at == len(self._tokens)

    @property
    def rest(self) -> list[str]:
        return self._tokens[self._at :]

    def either(self) -> bool:
        result = self._both()
        while self._takes("or"):
            right = self._both()
            result = result or right
        return result

    def _both(self) -> bool:
        result = self._boolean()
        while self._takes("and"):
            right = self._boolean()
            result = result and right
        return result

    def _boolean(self) -> bool:
        if self._takes("not"):
            return not self._boolean()
        if self._takes("("):
            result = self.either()
            self._expect(")")
            return result
        if self._takes("true"):
            return True
        if self._takes("false"):
            return False
        if self._tokens[self._at] in self._functions:
            return self._call()
        left = self._value()
        operator = self._next()
        if operator not in ("==", "!="):
            raise UnknownSyntaxError(operator)
        right = self._value()
        equal = _equal(left, right)
        return equal if operator == "==" else not equal

    def _call(self) -> bool:
        function = self._functions[self._next()]
        self._expect("(")
        arguments = [self._value()]
        while self._takes(","):
            arguments.append(self._value())
        self._expect(")")
        return function(*arguments)

    def _value(self) -> object:
        token = self._next()
        if token.startswith('"'):
            return json.loads(token)
        if token in ENUMS:
            return ENUMS[token]
        value = self._record.attributes if token == "attributes" else self._field(token)
        while self._takes("["):
            key = json.loads(self._next())
            self._expect("]")
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _field(self, name: str) -> Any:
        if name not in ("kind", "status.code", "status.message", "body"):
            raise UnknownSyntaxError(name)
        return self._record.fields.get(name)

    def _takes(self, token: str) -> bool:
        taken = not self.is_done and self._tokens[self._at] == token
        self._at += taken
        return taken

    def _expect(self, token: str) -> None:
        if not self._takes(token):
            raise UnknownSyntaxError(f"no {token} at {self.rest[:5]!r}")

    def _next(self) -> str:
        if self.is_done:
            raise UnknownSyntaxError("the end")
        self._at += 1
        return self._tokens[self._at - 1]


def _equal(left: object, right: object) -> bool:
    numbers = (int, float)
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, numbers) and isinstance(right, numbers):
        return float(left) == float(right)
    return type(left) is type(right) and left == right
