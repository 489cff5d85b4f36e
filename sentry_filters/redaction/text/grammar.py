r"""Finds secrets of services that nobody has listed: by the words around a value that looks generated.

The value is found first, by a second expression over the same bytes. It is never joined to the catalogue's:
RE2 would have to tell, for each generated text, at which of its characters which of some hundred kinds may
begin. Then the words before the value say what it is:

    api key: S · access token - S · the secret is S · token (S) · get_x_token() returned 'S'   announced
    401 Unauthorized: S · could not log in with S · S was rejected                              refused
    https://example.org/reset-password/S                                                        a link
    name: S · name=S · {"name": "S"} · Name('S')                                                named
    dnkey-S · acme_live_S                                                                       its own form
"""

from __future__ import annotations

from sentry_filters.redaction.keys import KeyJudge, split_words, words
from sentry_filters.redaction.regex import deferred_regex
from sentry_filters.redaction.text.chosen import Chosen
from sentry_filters.redaction.text.generated import (
    LEAST,
    Form,
    OwnForm,
    form_of,
    is_compound,
    is_public_id,
    looks_generated,
    names_identity,
    own_form,
)
from sentry_filters.redaction.text.places import Place, place_of, value_around
from sentry_filters.redaction.text.ranges import Range
from sentry_filters.redaction.text.sentences import Says, Sentences

_LONGEST = 256  # bytes; what is longer is a payload, unless a word says otherwise
_LEAST_NAMED = 20  # bytes of a value to which only a name leads
_LEAST_NUMBER = 32  # of a hexadecimal number that was refused
_LEAST_TAIL, _LEAST_TAIL_INSIDE = 28, 32  # behind a prefix that does not say that a key follows

_WORDY = r"[A-Za-z_+\-]"
_HEX = r"[A-Fa-f0-9\-]"
_BEYOND_HEX = r"[g-zG-Z_]"
# A character before the run, as JSON, a repr or a URL writes it: its digits are none of the run's.
_ESCAPED = r"\\u[A-Fa-f0-9]{4}|\\x[A-Fa-f0-9]{2}|%[A-Fa-f0-9]{2}"
_UNIT = r"(?:[0-9]|-?[A-Za-z_+]|-[0-9][A-Za-z_+])"  # not `-2024`, as models and releases have it
# A run with a digit and a letter that is none of a hexadecimal number, and enough behind both. Each
# alternative has one way through a run only, so the automaton stays small.
_RUN = (
    rf"(?:^|[^A-Za-z0-9_+\-]|{_ESCAPED})"
    rf"(?:{_WORDY}*{_BEYOND_HEX}{_WORDY}*[0-9]{_UNIT}{{8}}"
    rf"|{_WORDY}{{12}}{_WORDY}*[0-9]{_UNIT}{{3}}"
    rf"|(?:[A-Fa-f\-]+[0-9]|[1-9]|0[A-Fa-f0-9\-]){_HEX}*{_BEYOND_HEX}{_UNIT}{{8}}"
    rf"|0[g-wyzG-WYZ_]{_UNIT}{{8}})"  # not `0x`
    r"|(?:[a-z][A-Z]{1,2}){2}"  # letters only: no identifier has humps of one letter, one after the other
)
# A word that says secret, and a hexadecimal number soon behind it.
_BETWEEN = r"[^A-Za-z0-9_\n]+"
_NUMBER = (
    r"(?i:secret|token|key|credentials?|password|bearer|unauthori[sz]ed|denied)"
    rf"{_BETWEEN}(?:[a-z]+{_BETWEEN}){{0,3}}(?:[A-Za-z0-9]+[_.:\-])?[0-9A-Fa-f]{{8}}[0-9A-Fa-f\-]{{8}}"
)

_REFUSAL = deferred_regex(
    r"(?i)\b40[13]\b|unauthori[sz]ed|forbidden|authenticat(?:e|ion)|not authori[sz]ed|log(?:ged)? ?in\b"
    r"|sign(?:ed)? ?in\b|(?:access|permission) denied|\brevoked|\brejected"
    r"|invalid (?:api|access|key|token|cred|secret)",
    captures=False,
)
# What a link holds that lets in whoever has it: a webhook, a new password, a sign-in.
_WAY_IN = deferred_regex(
    r"(?i)(?:hooks?\b|web-?hooks?|reset|password|magic|verif|confirm|activat|invit|sign-?in|log-?in|oauth"
    r"|callback|token|auth)[A-Za-z0-9\-_.]*(?:\\*/[A-Za-z0-9\-_.]*){0,4}"
    r"(?:\\*/|\?(?:[^\s\"']*&)?[A-Za-z0-9\-_.]*=)$",
    captures=False,
)
_NUMBERED = deferred_regex(r"(?:^|[^\w.:])[0-9]{6,12}:$", captures=False)  # an account's number, then its key


class Grammar:
    """Judges what its `pattern` finds."""

    pattern = f"{_RUN}|{_NUMBER}|{Chosen.pattern}"

    def __init__(self, judge: KeyJudge) -> None:
        self._sentences = Sentences(judge)
        self._chosen = Chosen()

    def at(self, data: bytes, start: int, end: int) -> tuple[Range | None, int]:
        """The secret of the candidate that `pattern` found in data[start:end], and where to continue."""
        chosen = self._chosen.at(data, start)
        if chosen is not None:
            return chosen, chosen.end
        first, last = value_around(data, end)
        if last - first < LEAST:
            return None, max(last, end)
        kind = self._kind(place_of(data, first, last), data[first:last])
        return (None if kind is None else Range(first, last, kind)), max(last, end)

    def _kind(self, place: Place, value: bytes) -> str | None:
        """Why `value` is a secret here; None if it is not."""
        if not place.before and is_public_id(value):
            return None
        says = self._sentences.say(place)
        if says is Says.SECRET:
            return (
                "announced"
                if _form(value, own_form(value)) is not Form.ORDINARY or looks_generated(value)
                else None
            )
        return _kind_unannounced(place, value) if says is Says.NOTHING else None


def _kind_unannounced(place: Place, value: bytes) -> str | None:
    """Why `value` is a secret although no word leads to it; None if it is not."""
    in_link, is_identity = _is_in_link(place), names_identity(split_words(place.name))
    if is_identity and not in_link:
        return None
    prefixed = own_form(value)
    form = _form(value, prefixed)
    if in_link and form is Form.RANDOM:
        return "link"
    is_public = is_public_id(value) if prefixed is None else prefixed.is_public
    if form is Form.ORDINARY or is_identity or is_public:
        return None
    return _by_place(place, value, form, prefixed)


def _form(value: bytes, prefixed: OwnForm | None) -> Form:
    return form_of(value) if prefixed is None else prefixed.form


def _by_place(place: Place, value: bytes, form: Form, prefixed: OwnForm | None) -> str | None:
    """Why `value`, which looks generated, is a secret by where it stands, or by its form."""
    if not place.is_inside and _is_refused(place, value, form):
        return "refused"
    if not place.is_inside and form is Form.RANDOM and _is_named(place, value):
        return "named"
    return "own-form" if _has_own_form(place, value, prefixed) else None


def _is_in_link(place: Place) -> bool:
    """Whether the value is what a link of a webhook, a new password or a sign-in ends in, or a URL's user."""
    is_user = place.before.endswith(b"//") and place.after[:1] == b"@"  # https://token@host/
    return is_user or (place.before.endswith((b"/", b"=")) and _WAY_IN.search(place.before) is not None)


def _is_refused(place: Place, value: bytes, form: Form) -> bool:
    """Whether the line speaks of a refusal near the value."""
    if len(value) > _LONGEST or (form is Form.NUMBER and (b"-" in value or len(value) < _LEAST_NUMBER)):
        return False
    return _REFUSAL.search(place.before + b"\0" + place.after) is not None


def _is_named(place: Place, value: bytes) -> bool:
    """Whether a name that says nothing of its value stands beside it: `clickhelp: …`, `Acme('…')`."""
    named = split_words(place.name)
    if not _LEAST_NAMED <= len(value) <= _LONGEST or len(named) > 3 or len(place.name) < 3:
        return False
    if not words.ABOUT.isdisjoint(named) or not words.CARRIERS.isdisjoint(named):
        return False
    is_called = not place.separator and place.opening[:1] == b"(" and place.name[:1].isupper()
    return place.is_assigned or is_called


def _has_own_form(place: Place, value: bytes, prefixed: OwnForm | None) -> bool:
    """Whether `value` has a form that services give to keys, not to ids: a prefix, or generated parts."""
    if _NUMBERED.search(place.before) is not None:
        return form_of(value) is Form.RANDOM and _LEAST_TAIL <= len(value) <= _LONGEST
    if is_compound(value):
        return not place.is_inside
    if prefixed is None or len(value) > _LONGEST:
        return False
    if prefixed.says_key:
        return len(prefixed.tail) >= LEAST
    least = _LEAST_TAIL_INSIDE if place.is_inside else _LEAST_TAIL
    return prefixed.is_clear and len(prefixed.tail) >= least and prefixed.form is Form.RANDOM
