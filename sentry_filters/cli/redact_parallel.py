"""Redacting many blocks of lines on several processors, in their order."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, cycle, islice
from multiprocessing.connection import Connection

from sentry_filters.core import Policy
from sentry_filters.redaction import Finding, Kind, Redactor

_MOST_PROCESSES = 4
_FEW = 16  # blocks for which no other process is started


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of the file `name`, of which the first has this number."""

    name: str
    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """A block without its secrets.

    Args:
        name: The block's file.
        size: The block's bytes, before.
        text: Without the secrets; empty where findings are asked for.
        findings: `line:column: kind` of each, in order.
        is_withheld: Whether something in it could not be inspected.
    """

    name: str
    size: int
    text: bytes
    findings: tuple[str, ...]
    is_withheld: bool


Redacting = Callable[[Block], Outcome]


def redacted(blocks: Iterable[Block], policy: str | None, *, explain: bool) -> Iterator[Outcome]:
    """The outcome of each block, in their order.

    Raises:
        OSError: The policy cannot be read.
        ValueError: The policy is invalid.
    """
    redact = _redacting(policy, explain=explain)
    remaining = iter(blocks)
    yield from map(redact, islice(remaining, _FEW))
    further = next(remaining, None)
    if further is not None:
        yield from _by_processes(chain([further], remaining), redact)


def _by_processes(blocks: Iterable[Block], redact: Redacting) -> Iterator[Outcome]:
    count = min(os.cpu_count() or 1, _MOST_PROCESSES)
    if count < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(redact, blocks)
        return
    with ExitStack() as started:
        workers = [_worker(redact, started) for _ in range(count)]
        # In turn, each with one block at a time: their outcomes come in the order of the blocks.
        busy: deque[Connection] = deque()
        for block, worker in zip(blocks, cycle(workers), strict=False):
            if len(busy) == count:
                yield busy.popleft().recv()
            worker.send(block)
            busy.append(worker)
        for worker in busy:
            yield worker.recv()


def _worker(redact: Redacting, until: ExitStack) -> Connection:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_serve, args=(there, here, redact), daemon=True
    )
    process.start()
    there.close()  # so that the process's end is seen here
    until.callback(process.join)
    until.callback(here.close)
    return here


def _serve(blocks: Connection, parents: Connection, redact: Redacting) -> None:
    parents.close()  # else it would never see the end
    try:
        while True:
            blocks.send(redact(blocks.recv()))
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # no more blocks, or the user wants none


def _redacting(policy: str | None, *, explain: bool) -> Redacting:
    redactor = _redactor(policy)

    def redact(block: Block) -> Outcome:
        scrubbed = redactor.scrub(block.text)
        text = scrubbed.value if isinstance(scrubbed.value, bytes) else str(scrubbed.value).encode()
        is_withheld = any(finding.kind == "withheld" for finding in scrubbed.findings)
        findings = tuple(_explained(block, text, scrubbed.findings)) if explain else ()
        return Outcome(block.name, len(block.text), b"" if explain else text, findings, is_withheld)

    return redact


def _redactor(policy: str | None) -> Redactor:
    if policy is None:
        return Redactor()
    with_more = Policy.from_toml(policy)
    return Redactor(
        kinds=[Kind.from_mapping(kind) for kind in with_more.secret_kinds],
        keys=with_more.secret_keys,
        kept_keys=with_more.kept_keys,
        redact_content=with_more.redact_content,
    )


def _explained(block: Block, text: bytes, findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        before = text[: finding.start].decode("utf-8", "replace")
        line, column = block.number + before.count("\n"), len(before) - before.rfind("\n")
        yield f"{line}:{column}: {finding.kind}"
