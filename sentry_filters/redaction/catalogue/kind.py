"""What a kind of secret is. The catalogue itself is data, a family a module: see `catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sentry_filters.redaction.regex import Regex

_FROM_DATA = ("name", "pattern", "literal", "about")


@dataclass(frozen=True, slots=True)
class Kind:
    r"""One kind of secret, as data.

    `pattern` is RE2 syntax over bytes (so `[^"]` also matches each byte of a non-ASCII character). If it has
    capturing groups, what the first of them that took part matched is removed, otherwise the whole match.
    `literal` is a text that every match contains. What may precede a match is decided by the scanner, not
    by the pattern.

    A negated class must admit the backslash: in serialised JSON a line break is the two characters `\n`, and
    the pass over serialised text has to see at least what the pass over the plain text sees.

    Raises:
        ValueError: An entry is not a string, the name or pattern is empty, RE2 refuses the pattern, or it
            matches the empty text.
    """

    name: str
    pattern: str
    literal: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        """Refuse at the start what would fail, or match everywhere, at run time."""
        for entry in _FROM_DATA:
            value = getattr(self, entry)
            if not isinstance(value, str):
                message = f"invalid kind {self.name!r}: {entry} is {value!r}; expected a string"
                raise ValueError(message)  # noqa: TRY004 - all invalid entries are one kind of error
        if not self.name or not self.pattern:
            raise ValueError(f"invalid kind {self.name!r}: {self.pattern!r}; expected a name and a pattern")
        try:
            regex = Regex(self.pattern)
        except ValueError as error:
            raise ValueError(f"invalid kind {self.name!r}: {error}") from None
        if regex.search(b"") is not None:
            raise ValueError(f"invalid kind {self.name!r}: {self.pattern!r} matches the empty text")

    @classmethod
    def from_mapping(cls, data: Mapping[str, object]) -> Kind:
        """The kind that plain data (a TOML table) describes; ValueError names the invalid entry."""
        if not isinstance(data, Mapping):
            message = f"invalid kind {data!r}; expected a table with name and pattern"
            raise ValueError(message)  # noqa: TRY004 - all invalid entries are one kind of error
        if unknown := sorted(str(entry) for entry in data if entry not in _FROM_DATA):
            raise ValueError(f"invalid kind {data.get('name')!r}: {unknown}; expected {list(_FROM_DATA)}")
        return cls(*(data.get(entry, "") for entry in _FROM_DATA))  # type: ignore[arg-type]  # judged above


@dataclass(frozen=True, slots=True)
class Listed(Kind):
    """A kind of this package's own catalogue: its tests compile each, so that an import does not have to."""

    def __post_init__(self) -> None:
        """Take the entry as it is."""


class Body(StrEnum):
    """What follows the prefix of a secret: the characters of a class."""

    ALNUM = "[A-Za-z0-9]"
    WORD = r"[A-Za-z0-9_\-]"
    BASE64 = r"[A-Za-z0-9+/=_\-]"
    DOTTED = r"[A-Za-z0-9+/=_.\-]"
    HEX = "[A-Fa-f0-9]"
    UPPER = "[A-Z0-9]"


def prefixed(name: str, prefix: str, about: str, *, least: int = 20, body: Body = Body.ALNUM) -> Listed:
    """The kind of a service whose secrets are a prefix of its own and at least so many characters."""
    escaped = prefix.replace(".", r"\.")
    return Listed(name, f"{escaped}{body}{{{least},}}", prefix, about)
