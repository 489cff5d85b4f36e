"""Every sentence of the README and of SECURITY.md that promises something is bound to a test.

Its ids are in a comment behind it, which no reader sees, and tests name them. A sentence without ids is in
`tests/promises/descriptions.toml`, under the reason why it promises nothing.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.promises.documents import MalformedError, Statement, statements
from tests.promises.naming import MisplacedError, Naming, namings, namings_of
from tests.promises.rules import Descriptions, unaccounted, unbound

HERE = Path(__file__).resolve().parent
DOCUMENTS = {
    name: list(statements((HERE.parent / name).read_text("utf-8"))) for name in ("README.md", "SECURITY.md")
}
PAGE = """\
# A title that claims a lot

It does one thing. <!-- promise: one-thing --> Of
[another](page.md), it does `two.x`! <!-- promise: another, a-third -->

| what | how |
|---|---|
| a row | with [a link](page.md) <!-- promise: row --> |
| a bare row | 1.5 |

- **An item.** That goes
  on. And a second one.

With a block: <!-- promise: code -->

```python
x = 1  # is one
```

```sh
x 1  # another one
```

```mermaid
flowchart LR
```

Without a colon.

```sh
x 2  # two
x 3
```

<!-- bench costs -->
It costs nothing.
<!-- /bench --> <!-- promise: costs -->
"""
A_TEST = '@pytest.mark.promise("a")\ndef test_a() -> None:\n    {body}\n'


def test_every_statement_promises_or_describes() -> None:
    descriptions: Descriptions = tomllib.loads((HERE / "promises/descriptions.toml").read_text("utf-8"))

    broken = list(unaccounted(DOCUMENTS, descriptions))

    assert broken == [], "\n".join(broken)


def test_every_promise_has_a_test_and_every_test_a_promise() -> None:
    broken = list(unbound(DOCUMENTS, namings(HERE)))

    assert broken == [], "\n".join(broken)


def test_a_page_is_read_sentence_by_sentence() -> None:
    assert [(one.text, sorted(one.promises)) for one in statements(PAGE)] == [
        ("It does one thing.", ["one-thing"]),
        ("Of another, it does two.x!", ["a-third", "another"]),
        ("a row | with a link", ["row"]),
        ("a bare row | 1.5", []),
        ("An item. That goes on.", []),
        ("And a second one.", []),
        ("With a block:", ["code"]),
        ("is one", ["code"]),
        ("another one", ["code"]),
        ("Without a colon.", []),
        ("two", []),
        ("bench costs", ["costs"]),
    ]


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("One. <!-- promise one -->", id="no colon"),
        pytest.param("One. <!-- promise: One -->", id="an invalid id"),
        pytest.param("One. <!-- promise: one two -->", id="no comma"),
        pytest.param("One sentence is\n<!-- promise: one --> long.", id="begins a line"),
    ],
)
def test_a_comment_that_would_be_overlooked_or_seen_is_refused(page: str) -> None:
    with pytest.raises(MalformedError):
        list(statements(page))


@pytest.mark.parametrize(
    ("promises", "texts", "broken"),
    [
        pytest.param({"a"}, [], [], id="a promise"),
        pytest.param(set(), ["It does."], [], id="a description"),
        pytest.param(set(), [], ["page: neither a promise nor a description: It does."], id="neither"),
        pytest.param(set(), ["It did."], [
            "page: neither a promise nor a description: It does.", "described, but in no document: It did."
        ], id="changed"),
        pytest.param({"a"}, ["It does."], [
            "page: both a promise and a description: It does.", "described, but in no document: It does."
        ], id="both"),
        pytest.param(set(), ["It does."] * 2, ["described twice: It does."], id="twice"),
    ],
)  # fmt: skip
def test_a_sentence_that_nobody_has_judged_is_found(
    promises: set[str], texts: list[str], broken: list[str]
) -> None:
    page = {"page": [Statement("It does.", frozenset(promises))]}

    assert list(unaccounted(page, {"why": texts})) == broken


@pytest.mark.parametrize(
    ("named", "may_skip", "broken"),
    [
        pytest.param([{"a"}], [False], [], id="bound"),
        pytest.param([], [], ["a: promised, and named by no test"], id="no test"),
        pytest.param([{"a", "b"}], [False], ["b: named by test 0, and promised nowhere"], id="no promise"),
        pytest.param(
            [{"a"}],
            [True],
            ["a: each test that names it may be skipped, or is allowed to fail"],
            id="skipped",
        ),
        pytest.param([{"a"}, {"a"}], [True, False], [], id="one of two may be skipped"),
    ],
)
def test_a_promise_without_a_test_and_a_test_without_a_promise_are_found(
    named: list[set[str]], may_skip: list[bool], broken: list[str]
) -> None:
    tests = [Naming(f"test {n}", frozenset(ids), may_skip[n]) for n, ids in enumerate(named)]

    assert list(unbound({"page": [Statement("It does.", frozenset({"a"}))]}, tests)) == broken


@pytest.mark.parametrize(
    ("source", "may_skip"),
    [
        pytest.param(A_TEST.format(body="pass"), False, id="runs"),
        pytest.param("@pytest.mark.xfail\n" + A_TEST.format(body="pass"), True, id="xfail"),
        pytest.param("@pytest.mark.skipif(True)\n" + A_TEST.format(body="pass"), True, id="skipif"),
        pytest.param(A_TEST.format(body='pytest.skip("no")'), True, id="skips itself"),
        pytest.param("pytestmark = pytest.mark.skip\n" + A_TEST.format(body="pass"), True, id="its file"),
    ],
)  # fmt: skip
def test_a_test_that_may_not_run_proves_nothing(source: str, may_skip: bool) -> None:
    assert list(namings_of(source, "test_x.py")) == [Naming("test_x.py::test_a", frozenset({"a"}), may_skip)]


@pytest.mark.parametrize(
    ("source", "place"),
    [
        pytest.param(A_TEST.format(body="pass"), "support.py", id="no file of tests"),
        pytest.param('@pytest.mark.promise("a")\ndef made() -> None: ...', "test_x.py", id="no test"),
        pytest.param('pytestmark = pytest.mark.promise("a")', "test_x.py", id="a file's"),
        pytest.param("@pytest.mark.promise(A)\ndef test_a() -> None: ...", "test_x.py", id="no text"),
    ],
)
def test_a_marker_that_names_nothing_is_refused(source: str, place: str) -> None:
    with pytest.raises(MisplacedError):
        list(namings_of(source, place))
