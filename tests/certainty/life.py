"""The rows of the session's life: ending, signing in, being renewed, being used on."""

from __future__ import annotations

from tests.certainty.deployment import Deployment
from tests.certainty.rows import HTTP_SPANS, OURS, Due, Row
from tests.certainty.setting import NEW, OLD

ENDED = frozenset({OURS})


def the_session_ends(app: Deployment) -> None:
    app.fail(OLD, 3)
    app.until_published(1)
    app.fail(OLD)


def a_sign_in(app: Deployment) -> None:
    app.fail(OLD)
    app.until_published(1)
    app.backend.state.valid.add(NEW)
    app.renew(NEW)
    app.until_open(is_open=True)
    assert app.each("calls", NEW) == [[True]] * app.size


def a_client_heals_itself(app: Deployment) -> None:
    app.backend.state.valid.add(NEW)
    assert app.each("heals", OLD, NEW) == [None] * app.size


ROWS = (
    Row(
        life="the session ends, calls fail",
        due=Due(published=1, is_open=False, reasons=ENDED),
        story=the_session_ends,
    ),
    Row(life="sign-in", due=Due(published=1, reasons=ENDED), story=a_sign_in),
    Row(
        life="a client heals itself inside the call",
        due=Due(
            traces=HTTP_SPANS,
            span_reasons=frozenset({"healed"} if HTTP_SPANS else ()),
        ),
        story=a_client_heals_itself,
    ),
)
