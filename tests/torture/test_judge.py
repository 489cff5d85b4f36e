"""Each check of a soak can fail, and passes what is right."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.torture.findings import Findings
from tests.torture.judge import complaints
from tests.torture.memory import FEWEST_SAMPLES, growth
from tests.torture.reports import Report

FLAT = [100_000_000 + 1_000_000 * (number % 3) for number in range(40)]
LEAKING = [100_000_000 + 1_500_000 * number for number in range(40)]


def process(kind: str = "threads", **changed: Any) -> Report:
    told: dict[str, Any] = {"sent": ["U7-1-end", "T7-2-end"], "memory": FLAT, **changed}
    return Report(kind, pid=7, **told)


def found(*reports: Report, **changed: Any) -> Findings:
    right = Findings(
        seed=1,
        seconds=10.0,
        reports=reports or (process(),),
        arrived=frozenset({("U", 7, 1), ("T", 7, 2)}),
        leaks=Counter({"Sentry": 0}),
        looked_at=Counter({"Sentry": 3}),
        totals=Counter(seen=10, exported=4, dropped=3, demoted=2, withheld=1),
    )
    return replace(right, **changed)


@pytest.mark.parametrize(
    "findings",
    [
        pytest.param(found(), id="all arrived"),
        pytest.param(found(process(sent=["U7-3-end"], lost=Counter(queue_overflow=1))), id="told as lost"),
        pytest.param(
            found(process(sent=["U7-3-end"], taken=["U7-3-end"], lost=Counter(callback_error=1))),
            id="the application's hook raised",
        ),
        pytest.param(
            found(process(sent=["U7-3-end"], taken=["U7-3-end"], lost=Counter(before_send=1))),
            id="kept back by the application's hook",
        ),
        pytest.param(found(process("ends", sent=["U7-3-end"], pending=1)), id="in the queue at the end"),
        pytest.param(found(process(), process("starved", sent=["U7-3-end"])), id="lost without memory"),
        pytest.param(found(process(), process("control", sent=["U7-3-end"])), id="the control's"),
        pytest.param(found(process("lasting")), id="flat"),
        pytest.param(
            found(process("lasting"), process("control", memory=LEAKING)), id="the SDKs' own growth"
        ),
        pytest.param(found(process("lasting", memory=LEAKING[: FEWEST_SAMPLES - 1])), id="too short a time"),
    ],
)
def test_what_is_right_is_not_complained_about(findings: Findings) -> None:
    assert complaints(findings) == []


@pytest.mark.parametrize(
    ("findings", "complaint"),
    [
        pytest.param(found(failed=("forks did not end",)), "did not end", id="a process that hangs"),
        pytest.param(found(printed=("Exception in thread",)), "Exception in thread", id="a dead thread"),
        pytest.param(found(broken=("violations: [1]",)), "violations", id="an invariant of the ledger"),
        pytest.param(found(totals=Counter(seen=10, exported=9)), "seen is not", id="one is unaccounted for"),
        pytest.param(found(totals=Counter()), "counted nothing", id="an empty ledger"),
        pytest.param(found(leaks=Counter(Redis=1)), "canary was found 1 times: Redis", id="a leak"),
        pytest.param(found(looked_at=Counter(OTLP=0)), "nothing was there", id="nothing searched"),
        pytest.param(found(process(sent=[])), "no report was sent", id="nothing sent"),
        pytest.param(found(process(sent=["U7-3-end"])), "1 reports missing", id="lost without a word"),
        pytest.param(
            found(process(sent=["U7-3-end"], lost=Counter(callback_error=1))), "missing", id="a hook raised"
        ),
        pytest.param(
            found(process(sent=["U7-3-end"], lost=Counter(before_send=1))), "missing", id="dropped by a hook"
        ),
        pytest.param(
            found(process(taken=["U7-1-end"], lost=Counter(before_send=1))), "kept it back", id="hook ignored"
        ),
        pytest.param(
            found(process(sent=["U7-3-end"], taken=["U7-3-end"])), "does not tell", id="hook uncounted"
        ),
        pytest.param(found(process(raised=["bug: KeyError"])), "into the application", id="it raised"),
        pytest.param(found(process(threads=["sentry-filters-ledger"])), "left threads", id="a thread"),
        pytest.param(found(process(files=["7: ledger.db"])), "left open", id="a descriptor"),
        pytest.param(found(left=("ledger.db-wal",)), "left behind", id="a file"),
        pytest.param(found(process("lasting", memory=LEAKING)), "grew by the factor", id="a leak of memory"),
        pytest.param(found(process("lasting", memory=[0] * 40)), "not be measured", id="unmeasured"),
    ],
)
def test_what_is_wrong_is_complained_about(findings: Findings, complaint: str) -> None:
    assert any(complaint in one for one in complaints(findings))


def test_growth_considers_what_stays_and_neither_the_beginning_nor_a_peak() -> None:
    warming_up = [50] * 10 + [100] * 30
    with_a_peak = [100] * 35 + [900] + [100] * 4

    assert growth(warming_up) == 1.0
    assert growth(with_a_peak) == 1.0
    assert growth([100] * 20 + [150] * 20) == 1.5
