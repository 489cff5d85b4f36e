"""The picture of a terminal shows what a command printed, and names no other host."""

from __future__ import annotations

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from tests.demo.terminal import picture


def test_the_picture_shows_the_command_and_what_it_printed() -> None:
    made = picture("say hello", [sys.executable, "-c", "print('hello [red]you[/red]')"])

    shown = " ".join(" ".join(ElementTree.fromstring(made).itertext()).split())
    assert shown.endswith("$ say hello hello [red]you[/red]")
    assert set(re.findall(r"https?://[^\s\"'<]+", made)) == {"http://www.w3.org/2000/svg"}


def test_a_command_that_fails_makes_no_picture() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        picture("fail", [sys.executable, "-c", "raise SystemExit(1)"])
