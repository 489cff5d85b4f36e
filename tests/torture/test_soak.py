"""A short soak of real processes: what must hold holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.findings import findings_of
from tests.torture.judge import complaints
from tests.torture.soak import Soak

pytestmark = pytest.mark.integration


def test_what_must_hold_holds_after_a_short_soak(tmp_path: Path) -> None:
    soak = Soak(3, 8.0, tmp_path, kinds=("threads", "terminated"))

    soak.run()
    findings = findings_of(soak, 3, 8.0)

    assert complaints(findings) == []
    assert findings.processes.total() >= 4
    assert findings.totals["dropped"] > 0
    assert {"lasting", "control"} <= {report.kind for report in findings.reports}
