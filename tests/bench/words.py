"""Text that nobody has seen before: what fills the marks of a recording, anew in every call.

A mark is a word of letters and digits, which every instrumentation hands on as it is: `zz7KINDsizeNnumberzz`.
Within one call the same mark is the same text.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import string
from collections.abc import Callable

from tests.support.secrets import fake

_MARK = re.compile(r"zz7(prose|id|digits|hex|secret)(\d+)n(\d+)zz")
_SYLLABLES = [
    a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "in", "on", "ou")
]
_ALNUM = string.ascii_letters + string.digits
_VOCABULARY = 20_000
_NEW = 0.03  # of the words are in no vocabulary: names, ids
_SOMETIMES: tuple[tuple[float, Callable[[random.Random], str]], ...] = (
    (0.010, lambda dice: f"https://{_syllables(dice, 3)}.example.test/{_syllables(dice, 2)}/{dice.random()}"),
    (0.010, lambda dice: f"`{_syllables(dice, 2)}_{_syllables(dice, 2)}(max_tokens={dice.randrange(4096)})`"),
    (0.010, lambda dice: f"/srv/{_syllables(dice, 2)}/{_syllables(dice, 3)}.py:{dice.randrange(900)}"),
    (0.004, lambda dice: f"{dice.getrandbits(128):032x}"),
    (0.015, lambda dice: f"{dice.randrange(10**5) / 100}"),
    (0.010, lambda dice: f"\n- **{_syllables(dice, 3)}**:"),
    (0.006, lambda dice: f'"{_syllables(dice, 2)}": {{"{_syllables(dice, 2)}": [{dice.randrange(99)}]}}'),
    (0.004, lambda dice: f"{_syllables(dice, 2)}é – {_syllables(dice, 2)}"),
)  # fmt: skip
"""What stands among the words of prompts and answers, and how often."""


def mark(kind: str, size: int, number: int = 0) -> str:
    """Return the mark of a text.

    Args:
        kind: `prose`, `id` (letters and digits), `digits`, `hex` or `secret`.
        size: Characters, about for prose.
        number: Tells it from others of one call.
    """
    return f"zz7{kind}{size}n{number}zz"


class Words:
    """Makes text, the same in every run for one seed.

    Args:
        seed: Of the dice.
    """

    def __init__(self, seed: int = 7) -> None:
        self._dice = random.Random(seed)
        self._secrets = itertools.count()
        words = sorted(
            {_syllables(self._dice, self._dice.choice((1, 2, 2, 3, 3, 4))) for _ in range(_VOCABULARY)}
        )
        self._dice.shuffle(words)
        self._words = words
        # Few words are frequent and most are rare, as in every language.
        self._weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(words))))
        self._makers: dict[str, Callable[[int], str]] = {
            "prose": self.prose,
            "id": lambda size: "".join(self._dice.choices(_ALNUM, k=size)),
            "digits": lambda size: str(self._dice.randrange(10 ** (size - 1), 10**size)),
            "hex": lambda size: f"{self._dice.getrandbits(4 * size):0{size}x}",
            "secret": lambda size: fake("sk-" + "proj-", size, seed=f"bench {next(self._secrets)}"),
        }

    def prose(self, size: int) -> str:
        """Return text of about `size` characters as in prompts and answers."""
        dice = self._dice
        words = dice.choices(self._words, cum_weights=self._weights, k=max(1, size // 6))
        for share, make in _SOMETIMES:
            for place in _places(dice, len(words), share):
                words[place] = make(dice)
        for place in _places(dice, len(words), _NEW):
            words[place] = f"{_syllables(dice, 2).title()}{dice.randrange(1000)}"
        for place in _places(dice, len(words), 0.1):
            words[place] += dice.choice((".", ",", ",", ":", "?", ";", " (sic)."))
        return " ".join(words)[:size]

    def filler(self) -> Filler:
        """Return what fills the marks of one call."""
        return Filler(self._makers)


class Filler:
    """Fills marks, each with one text.

    Args:
        makers: Makes a text of a size, by the mark's kind.
    """

    def __init__(self, makers: dict[str, Callable[[int], str]]) -> None:
        self._makers = makers
        self._made: dict[str, str] = {}

    def fill(self, text: str) -> str:
        """Return `text` with its marks filled; escaped where it is JSON."""
        if "zz7" not in text:
            return text
        return _MARK.sub(self._escaped if text[0] in "[{" else self._plain, text)

    def value(self, value: object) -> object:
        """Return a value with the marks of all its texts filled."""
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, list | tuple):
            return type(value)(self.value(one) for one in value)
        if isinstance(value, dict):
            return {self.fill(name): self.value(one) for name, one in value.items()}
        return value

    def _plain(self, match: re.Match[str]) -> str:
        made = self._made.get(match[0])
        if made is None:
            made = self._made[match[0]] = self._makers[match[1]](int(match[2]))
        return made

    def _escaped(self, match: re.Match[str]) -> str:
        return json.dumps(self._plain(match))[1:-1]


def _syllables(dice: random.Random, number: int) -> str:
    return "".join(dice.choices(_SYLLABLES, k=number))


def _places(dice: random.Random, length: int, share: float) -> list[int]:
    number = int(length * share + dice.random())
    return [dice.randrange(length) for _ in range(number)]
