"""A document's statements, each with the promises that it carries: `It does. <!-- promise: one, another -->`.

The comments in a block of code belong to the sentence that introduces it, with a colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"<!--\s*promise\b.*?-->", re.DOTALL)
_CARRIED = re.compile(r"<!-- promise: ((?:[a-z0-9-]+, )*[a-z0-9-]+) -->")
# What is one statement: the comments of a block of code, or what `make bench` writes.
_BLOCK = re.compile(
    r"^(?:```(?P<language>\w*)\n(?P<code>.*?)^```"
    r"|<!-- bench (?P<bench>\w+) -->\n.*?<!-- /bench -->(?P<behind>[^\n]*))$",
    re.DOTALL | re.MULTILINE,
)
_ENDS_HERE = r"[.!?](?:\s*<!-- promise: [^>]*-->)*(?=\s+[A-Z*`\[]|\s*$)"
_SENTENCE = re.compile(rf"\S.*?(?:{_ENDS_HERE}|\s*\Z)", re.DOTALL)
_NO_STATEMENT = re.compile(r"#|\|[-:| ]+\|$")
_ITEM = re.compile(r"^(?=- )", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One sentence, row of a table, or block.

    Attributes:
        text: Its words, without markup; of code, the comments.
        promises: The ids that it carries.
    """

    text: str
    promises: frozenset[str]


class MalformedError(ValueError):
    """A comment about a promise that nobody can read, or that readers would notice."""


def statements(document: str) -> Iterator[Statement]:
    """Yield the statements of a Markdown document, in order.

    Headings, headers of tables, diagrams and code without comments state nothing.

    Raises:
        MalformedError: A comment is not of the form above, or begins a line of a paragraph, which ends there.
    """
    _refuse_malformed(document)
    position, lead = 0, Statement("", frozenset())
    for block in _BLOCK.finditer(document):
        for lead in _of_prose(document[position : block.start()]):
            yield lead
        if block["bench"]:
            yield Statement(f"bench {block['bench']}", _promises(block["behind"]))
        elif words := _comments(block["language"], block["code"]):
            yield Statement(words, lead.promises if lead.text.endswith(":") else frozenset())
        position = block.end()
    yield from _of_prose(document[position:])


def _refuse_malformed(document: str) -> None:
    for comment in _COMMENT.finditer(document):
        if not _CARRIED.fullmatch(comment[0]):
            raise MalformedError(f"{comment[0]!r}: expected <!-- promise: an-id, another-id -->")
        if not document[document.rfind("\n", 0, comment.start()) + 1 : comment.start()].strip():
            raise MalformedError(
                f"{comment[0]!r} begins a line: expected it behind its statement's last word"
            )


def _of_prose(prose: str) -> Iterator[Statement]:
    for paragraph in re.split(r"\n\s*\n", prose):
        lines = paragraph.strip("\n").split("\n")
        if lines[0].startswith("|"):
            rows = lines[1:] if len(lines) > 1 and _NO_STATEMENT.match(lines[1]) else lines
            yield from (_statement(row) for row in rows if not _NO_STATEMENT.match(row))
        elif not _NO_STATEMENT.match(paragraph):
            for item in _ITEM.split(paragraph):
                yield from (_statement(one) for one in _SENTENCE.findall(item.removeprefix("- ")))


def _statement(source: str) -> Statement:
    return Statement(_plain(source), _promises(source))


def _promises(source: str) -> frozenset[str]:
    return frozenset(one for ids in _CARRIED.findall(source) for one in ids.split(", "))


def _plain(source: str) -> str:
    """Return the words of Markdown: links as their texts, rows as their cells."""
    words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", _COMMENT.sub("", source))
    return " ".join(re.sub(r"[`*]", "", words).strip().strip("|").split())


def _comments(language: str, code: str) -> str:
    if language == "mermaid":
        return ""
    return " ".join(" ".join(re.findall(r"(?:^|  )# (.*)$", code, re.MULTILINE)).split())
