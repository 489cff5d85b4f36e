"""What a kind of secret is. The catalogue itself is data, a family a module: see `catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from .regex import compile_regex

__all__ = ["Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    r"""One kind of secret, as data.

    `pattern` is RE2 syntax over bytes (so `[^"]` also matches each byte of a non-ASCII character). If it has
    capturing groups, what the first of them that took part matched is removed, otherwise the whole match. `literal` is a text
    that every match contains. What may stand before a match is the engine's business, not the pattern's.
    `example` and `near_miss` come in parts that are joined where they are used, so that no scanner takes
    this source for a leak.

    A negated class must admit the backslash: in serialised JSON a line break is the two characters `\n`, and
    the pass over serialised text has to see at least what the pass over the plain text sees.
    """

    name: str
    pattern: str
    literal: str = ""
    about: str = ""
    example: tuple[str, ...] = ()
    near_miss: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse at the start what would fail, or match everywhere, at run time."""
        for field in ("name", "pattern", "literal", "about"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(f"kind {self.name!r}: {field} must be a string")
        if not self.name or not self.pattern:
            raise ValueError(f"kind {self.name!r}: name and pattern must not be empty")
        try:
            regex = compile_regex(self.pattern)
        except ValueError as error:
            raise ValueError(f"kind {self.name!r}: {error}") from None
        if regex.search(b"") is not None:
            raise ValueError(f"kind {self.name!r}: {self.pattern!r} matches the empty text")

    @classmethod
    def from_mapping(cls, data: Mapping[str, object]) -> Kind:
        """The kind that plain data (a TOML table) describes; ValueError names the faulty entry."""
        if not isinstance(data, Mapping):
            raise ValueError(f"a kind must be a table with name and pattern, not {type(data).__name__}")
        name = data.get("name")
        known = [field.name for field in fields(cls)][:4]
        if unknown := sorted(str(entry) for entry in data if entry not in known):
            raise ValueError(f"kind {name!r}: unknown entries {unknown}; known are {known}")
        values = {entry: data.get(entry, "") for entry in known}
        for entry, value in values.items():
            if not isinstance(value, str):
                raise ValueError(f"kind {name!r}: {entry} must be a string, not {type(value).__name__}")
        return cls(**{entry: str(value) for entry, value in values.items()})
