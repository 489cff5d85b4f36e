"""Where google-re2 can be installed, and what is said where it cannot be imported.

Nothing is redacted without it, and there is no slower engine to fall back to: one that an input can stall is
worse than none. So importing the package fails, and whatever would have exported does not start.
"""

from __future__ import annotations

import platform
import sys
import sysconfig

# The wheels of the newest release; docs/support.md has them all, and the day on which they were looked up.
_WHEELS = (
    "CPython 3.11 to 3.14 (not free-threaded) on Linux with glibc (2.27 or newer on x86_64, 2.26 or newer on "
    "aarch64), macOS 13 or newer, and Windows"
)
_BUILD = "a C++17 compiler, Python's headers, RE2 with its headers, and pybind11"


def without_re2(error: ImportError) -> str:
    """Return why redaction cannot start here: this platform, those that have wheels, and the way out.

    Args:
        error: What importing `re2` raised; also where another package of that name was found.
    """
    return (
        f"sentry-filters needs google-re2, which cannot be imported ({error}). This is {this_platform()}; "
        f"expected one that google-re2 has a wheel for: {_WHEELS}. Elsewhere pip builds it, which needs "
        f"{_BUILD}."
    )


def this_platform() -> str:
    """Return the interpreter and the platform that it runs on, by all that tells wheels apart."""
    threading = ", free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    interpreter = f"{platform.python_implementation()} {platform.python_version()}{threading}"
    return f"{interpreter} on {sysconfig.get_platform()}{_libc()}"


def _libc() -> str:
    if not sys.platform.startswith("linux"):
        return ""
    name, version = platform.libc_ver()
    return f" with glibc {version}" if name == "glibc" else " without glibc"  # musl, as on Alpine
