"""Services that do not exist: names, and the keys and ids that they would issue, from a seed."""

from __future__ import annotations

import base64
import random
import string
import uuid
from dataclasses import dataclass

_SYLLABLES = (
    "ba ce di fo gu ha ki lo mu na pe ri so tu ve wi xo ya zu "
    "cor fin gel hub lex mar nix per quo rad sil tec vor"
)
_NOUNS = (
    *("order", "invoice", "user", "tenant", "project", "thread"),
    *("upload", "ticket", "device", "run", "step", "agent"),
)
_ALNUM = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits
_UPPER = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Vendor:
    """A service's name, and a key as it issues them; `prefixed` where the key has a form of its own."""

    name: str
    key: str
    prefixed: bool
    shape: str


def vendor_name(dice: random.Random) -> str:
    """Two or three syllables, now and then with an ending as companies have it."""
    name = "".join(dice.choices(_SYLLABLES.split(), k=dice.choice((2, 2, 3))))
    return name + dice.choice(("", "", "", "ly", "io", "base", "hq", "kit"))


def tail(dice: random.Random, shape: str) -> str:
    """A generated text of this shape."""
    length = dice.choice((24, 28, 32, 32, 36, 40, 40, 48, 64))
    match shape:
        case "hex":
            return "".join(dice.choices("0123456789abcdef", k=dice.choice((32, 32, 40, 64))))
        case "uuid":
            return str(uuid.UUID(int=dice.getrandbits(128), version=4))
        case "base64":
            return base64.b64encode(dice.randbytes(length * 3 // 4)).decode()
        case "url64":
            return base64.urlsafe_b64encode(dice.randbytes(length * 3 // 4)).decode().rstrip("=")
        case "lower":
            return "".join(dice.choices(_LOWER, k=length))
        case "upper":
            return "".join(dice.choices(_UPPER, k=length))
        case "dotted":
            return ".".join("".join(dice.choices(_ALNUM, k=each)) for each in (12, length))
    return "".join(dice.choices(_ALNUM, k=length))


SHAPES = (
    "alnum",
    "alnum",
    "alnum",
    "lower",
    "lower",
    "url64",
    "base64",
    "hex",
    "hex",
    "uuid",
    "upper",
    "dotted",
)


def vendor(dice: random.Random, *, prefixed: bool) -> Vendor:
    """A service with a key: of random characters alone, or with a prefix of its own before them."""
    name = vendor_name(dice)
    shape = dice.choice(SHAPES)
    if not prefixed:
        return Vendor(name, tail(dice, shape), prefixed=False, shape=shape)
    while shape in ("hex", "uuid", "base64"):
        shape = dice.choice(SHAPES)
    short = dice.choice((name[:2], name[:3], name[0] + name[2:4], name[:4]))
    prefix = dice.choice(
        (
            *(f"{short}_", f"{short}-", f"{short}key-", f"{short}_live_", f"{short}_sk_", f"{name}_pat_"),
            *(
                f"{short}{dice.randrange(1, 4)}_",
                f"sk_{short}_",
                f"{name}-",
                f"{short}tok_",
                f"{short}.",
                f"{short}_v1_",
            ),
        )
    )
    return Vendor(name, prefix + tail(dice, shape), prefixed=True, shape=shape)


def harmless_id(dice: random.Random) -> tuple[str, str]:
    """The name of something, and an id, a digest or a state as services make them."""
    alnum = "".join(dice.choices(_ALNUM, k=64))
    digest = "".join(dice.choices("0123456789abcdef", k=64))
    noun = dice.choice(_NOUNS)
    return dice.choice(
        (
            (f"{noun}_id", f"{noun}_{alnum[:22]}"),
            (f"{noun}_id", str(uuid.UUID(int=dice.getrandbits(128), version=4))),
            (f"{noun}_id", alnum[:20]),
            (f"{noun}Id", alnum[:21]),
            ("trace_id", digest[:32]),
            ("span_id", digest[:16]),
            ("commit", digest[:40]),
            ("sha256", digest),
            ("etag", f'W/"{digest[:32]}"'),
            ("cursor", base64.b64encode(dice.randbytes(21)).decode()),
            ("next_page_token", alnum[:40]),
            ("cache_key", f"{noun}:{dice.randrange(10**6)}:{digest[:32]}"),
            ("idempotency_key", str(uuid.UUID(int=dice.getrandbits(128), version=4))),
            (
                "pod",
                f"{noun}-{''.join(dice.choices('bcdfghjklmnpqrstvwxz2456789', k=10))}-{alnum[:5].lower()}",
            ),
            ("image", f"registry.example.test/{noun}@sha256:{digest}"),
            (
                "model",
                f"{noun}-{dice.randrange(1, 9)}.{dice.randrange(9)}-instruct-20{dice.randrange(20, 27)}0815",
            ),
            ("x-request-id", alnum[:32]),
            (
                "arn",
                f"arn:aws:lambda:eu-west-1:{dice.randrange(10**11, 10**12)}:function:{noun}-{alnum[:12]}",
            ),
            ("checksum", base64.b64encode(dice.randbytes(32)).decode()),
            ("path", f"/srv/{noun}/releases/{dice.randrange(10**13, 10**14)}/app-{digest[:8]}.js"),
            ("request", f"req_{alnum[:24]}"),
            ("message", f"msg_{alnum[:24]}"),
        )
    )
