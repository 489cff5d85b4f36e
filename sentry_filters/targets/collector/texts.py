"""What a record's text says, as conditions: the forms of `evidence.wire_text`, and what contradicts them.

An expression cannot read JSON of any depth, nor a code out of it: deeper JSON does not count as a body, and a
code counts wherever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sentry_filters.core import Policy
from sentry_filters.evidence import conventions, is_nothing_else, statements_in
from sentry_filters.targets.collector.ottl import all_of, any_of, negated
from sentry_filters.targets.regexes import quoted

InText = Callable[[str], str]
"""The condition that the record's own text matches a pattern."""

END = r"\z"
_API_ERROR, _RETURNED_HTTP = quoted(conventions.API_ERROR), quoted(conventions.RETURNED_HTTP)
_FORM = f"(?:{_API_ERROR}|{_RETURNED_HTTP})"
_TWO_FORMS = f"(?s){_FORM}.*{_FORM}"
_JOINERS = conventions.WORD_JOINERS.replace("\\", r"\\").replace("-", r"\-")
_BEFORE_LABEL = rf"(?:^|[^\p{{L}}\p{{N}}\p{{M}}\p{{Cf}}{_JOINERS}])"
_PREFIXES = r"^(?:[A-Za-z_][\w.\-]{0,63}: ){0,8}"
_PAGE = r": [\s\p{Z}\p{C}]*<"

# JSON as backends answer: an object of scalars, or of such objects.
_SPACE = r"[ \t\n\r]*"
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[[:xdigit:]]{4}))*"'
_SCALAR = rf"{_STRING}|-?(?:0|[1-9][0-9]{{0,17}})(?:\.[0-9]{{1,17}})?|true|false|null"
# A longer text may hold more than Python reads of a body.
_LONG = "(?s)^" + ".{1000}" * 4
_LINE = r"[^\s\p{Z}\p{C}<{\[][^\n]*"

# What makes no difference between codes, also where JSON escapes it.
_DIVIDERS = r"(?:[-_\s\\]|\\[tnr])*"
_ESCAPED_ASCII = r"\\u00[0-7]"


def text_agrees(policy: Policy, in_text: InText) -> str:
    """Return the condition that a text states no failure but ours, has no code of the veto and no page."""
    spelt = (_DIVIDERS.join(map(quoted, code)) for code in sorted(policy.vetoes))
    veto = "|".join((_ESCAPED_ASCII, *spelt)) if policy.vetoes else ""
    return all_of(
        any_of(
            negated(in_text(_FORM)),
            all_of(_matches(policy, in_text, _own_words(policy)), negated(in_text(_TWO_FORMS))),
        ),
        negated(in_text(_PAGE)),
        negated(in_text(f"(?i){veto}")) if veto else "",
    )


def is_wire_text(policy: Policy, in_text: InText) -> str:
    """Return the condition that a text is one of the forms, and JSON or nothing behind it."""
    json = _object(f"(?:{_SCALAR}|{_object(f'(?:{_SCALAR})')})")
    return all_of(
        _matches(policy, in_text, rf"{_beginning(policy)}(?:: \s*{json})?\s*{END}"), negated(in_text(_LONG))
    )


def is_plain_wire_text(policy: Policy, in_text: InText) -> str:
    """Return the condition that a text is one of the forms, and a line of plain text behind it."""
    return _matches(policy, in_text, rf"{_beginning(policy)}: {_LINE}{END}")


def one_of_numbers(numbers: Iterable[int]) -> str:
    """Return a pattern of one of these numbers."""
    return f"(?:{'|'.join(map(str, numbers))})"


def _matches(policy: Policy, in_text: InText, pattern: str) -> str:
    """Return that a text matches; false where the rule itself finds no place for the label."""
    label = policy.provider
    text = f"{label}{conventions.RETURNED_HTTP}401"
    found = is_nothing_else(text, label, plain=False) and all(one.ours for one in statements_in(text, label))
    return in_text(pattern) if found else any_of()


def _label(policy: Policy) -> str:
    return f"{quoted(policy.provider)}(?:{conventions.STREAMING})?"


def _own_words(policy: Policy) -> str:
    status = one_of_numbers(policy.statuses)
    return rf"{_BEFORE_LABEL}{_label(policy)}{_FORM}{status}(?:[^\p{{L}}\p{{N}}]|{END})"


def _beginning(policy: Policy) -> str:
    status = one_of_numbers(policy.statuses)
    answered = rf"{_API_ERROR}{status}(?:[^\p{{L}}\p{{N}})][^)]{{0,50}})?\)"
    return f"{_PREFIXES}{_label(policy)}(?:{answered}|{_RETURNED_HTTP}{status})"


def _object(value: str) -> str:
    pair = f"{_STRING}{_SPACE}:{_SPACE}{value}{_SPACE}"
    return rf"\{{{_SPACE}(?:{pair}(?:,{_SPACE}{pair})*)?\}}"
