"""What must not leave, and what must: a secret for each case, and a harmless word beside it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.secrets import fake


@dataclass(frozen=True, slots=True)
class Canary:
    """The texts of one case, all of them made from its name."""

    name: str

    @property
    def harmless(self) -> str:
        """A word that must arrive."""
        return "harmless" + self.name.title().replace("-", "")

    @property
    def generated(self) -> str:
        """A secret without a form of its own: only its place says what it is."""
        return fake("", 24, seed=f"{self.name} generated")

    @property
    def chosen(self) -> str:
        """A password that somebody made up."""
        return f"Tr0ub4dor-{fake('', 6, seed=self.name)}"

    @property
    def key(self) -> str:
        """A key of a vendor's form."""
        return fake("sk-proj-", 40, seed=self.name)

    @property
    def number(self) -> int:
        """A secret that consists of digits."""
        return 4_716_000_000_000_000 + sum(map(ord, self.name))

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """All that must not arrive."""
        texts = (self.generated, self.chosen, self.key, str(self.number))
        return tuple(text.encode() for text in texts)

    def left(self, data: bytes) -> list[bytes]:
        """Return which secrets are in `data`."""
        return [secret for secret in self.secrets if secret in data]
