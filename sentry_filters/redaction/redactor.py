"""The redactor: the one object that other rooms use."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from sentry_filters.redaction.catalogue import Kind
from sentry_filters.redaction.findings import WITHHELD, Finding, Scrubbed
from sentry_filters.redaction.keys import KeyJudge, Sensitivity
from sentry_filters.redaction.structure import DOUBT, GuidedWalk, Look, SerialisedCheck, Walk, is_naming
from sentry_filters.redaction.text import LiveCredentials, Origin, TextScanner

# With it, each pass meets something to judge.
_WARMING: Mapping[str, str] = {"password": "correct horse", "note": "password='correct horse'"}


class Redactor:
    """Removes secrets from whatever is about to leave the process.

    After construction nothing raises, whatever the input: what cannot be inspected is replaced by
    `[WITHHELD]`, as little of it as possible. Inputs are never changed; what holds no secret is returned as
    the identical object. Time is linear in the size of the input. One redactor may serve many threads.

    The expressions are compiled once per process, for all redactors with the same kinds and keys, when they
    are first needed: see `warm`.

    Args:
        kinds: Further kinds of secrets, in addition to the catalogue.
        keys: Further names of secrets, in any spelling (`tenant_seal` also covers `tenantSeal`).
        kept_keys: Names whose values are kept, although the package would take them for secrets.
        redact_content: Whether prompts and completions are redacted as well.

    Raises:
        ValueError: An entry is invalid; the message names it.
    """

    def __init__(
        self,
        *,
        kinds: Iterable[Kind] = (),
        keys: Iterable[str] = (),
        kept_keys: Iterable[str] = (),
        redact_content: bool = False,
    ) -> None:
        added = tuple(kinds)
        for kind in added:
            if not isinstance(kind, Kind):
                message = f"invalid kinds: {kind!r}; expected a Kind, as Kind.from_mapping makes it"
                raise ValueError(message)  # noqa: TRY004 - all invalid entries are one kind of error
        self._judge = KeyJudge(keys=keys, kept=kept_keys, content=redact_content)
        self._live = LiveCredentials()
        self._scanner = TextScanner(added, self._judge, self._live)
        self._serialised = SerialisedCheck(self._scanner, self._judge, self._live)

    def warm(self) -> threading.Thread:
        """Compile the expressions now, in a thread of its own, and return that thread.

        Otherwise the first text, and the first text with a secret, wait for them: about 50 ms in all. A
        forked child compiles anew, because RE2's locks may be held in it forever: warm each child.
        """
        thread = threading.Thread(target=self._warm, name="sentry-filters-warm", daemon=True)
        thread.start()
        return thread

    def _warm(self) -> None:
        self.is_clean(json.dumps(_WARMING))
        self.scrub(_WARMING)

    def register(self, value: str | bytes) -> None:
        """Remove this credential too, plain, URL-encoded and in base64, whole or cut, from now on.

        Values of fewer than 8 bytes, and what is not text, are ignored.
        """
        self._register(value, Origin.REGISTERED)

    def register_session(self, value: str) -> None:
        """Remove this credential of a session that begins, or is renewed, too."""
        self._register(value, Origin.SESSION)

    def register_sent(self, value: str, *, own: bool) -> None:
        """Remove this credential, which is about to be sent, too; for a day, or until too many came after it.

        It never displaces a registered one, nor does a third party's displace one of our own hosts.

        Args:
            value: The credential.
            own: Whether it is sent to one of our own hosts.
        """
        self._register(value, Origin.OWN if own else Origin.FOREIGN)

    def _register(self, value: str | bytes, origin: Origin) -> None:
        if self._live.register(value, origin):
            self._judge.harmless.forget()

    @contextmanager
    def registered(self, value: str) -> Iterator[None]:
        """Remove this credential too, during the block only; it displaces no other."""
        with self._live.temporary(value):
            self._judge.harmless.forget()
            yield

    def redact(self, text: str) -> str:
        """`text` without secrets."""
        try:
            return self._scanner.redact_text(text)[0]
        except Exception:  # noqa: BLE001 - fail closed, whatever it was
            return WITHHELD

    @property
    def generation(self) -> int:
        """Grows whenever a new credential is registered: what was clean before may not be clean any more."""
        return self._live.generation

    def is_clean_text(self, text: str) -> bool:
        """Whether `redact(text)` would change nothing; cheaper than redacting."""
        return self.are_clean_texts((text,))

    def are_clean_texts(self, texts: Sequence[str]) -> bool:
        """Whether `redact` would change none of them; cheaper than checking each.

        It may answer False where a text is clean, never True where one is not.
        """
        try:
            return self._scanner.are_clean(texts)
        except Exception:  # noqa: BLE001 - fail closed: a closer look is due
            return False

    def is_harmless_key(self, key: str) -> bool:
        """Whether `key` holds no secret, and indicates nothing about its value or the one beside it."""
        try:
            return self._judge(key) is Sensitivity.HARMLESS and not is_naming(key) and self.is_clean_text(key)
        except Exception:  # noqa: BLE001 - fail closed: a closer look is due
            return False

    def redact_bytes(self, data: bytes) -> bytes:
        """`data` without secrets: text, JSON, or any other bytes, all by the same pass."""
        try:
            return self._scanner.redact_bytes(data)[0]
        except Exception:  # noqa: BLE001 - fail closed, whatever it was
            return WITHHELD.encode()

    def redact_value(self, value: object) -> object:
        """A copy of `value` without secrets: texts, keys, structures, and whatever is found in them."""
        return self._scrub(value, account=False).value

    def scrub(self, value: object, look: Look = DOUBT) -> Scrubbed:
        """`redact_value`, with an account of what was removed where.

        `look` is what `look` saw in the same value, serialised: no text is searched again.
        """
        return self._scrub(value, look, account=True)

    def _scrub(self, value: object, look: Look = DOUBT, *, account: bool) -> Scrubbed:
        if look.redacted is not None:
            guided = GuidedWalk(self._scanner, self._judge, look.redacted, names=look.names, account=account)
            with suppress(Exception):  # changed by another thread in the meantime: look at every text
                return Scrubbed(guided.redacted(value), tuple(guided.findings))
        walk = Walk(self._scanner, self._judge, account=account)
        try:
            return Scrubbed(walk.redacted(value), tuple(walk.findings))
        except Exception:  # noqa: BLE001 - fail closed, whatever it was
            return Scrubbed(WITHHELD, (Finding((), "withheld", 0, len(WITHHELD)),))

    def is_clean(self, serialised: bytes | str) -> bool:
        """Whether this serialised JSON certainly holds nothing that `redact_value` would change.

        One linear pass. It may answer False for what is clean, never True for what is not.
        """
        return self.look(serialised).is_clean

    def look(self, serialised: bytes | str) -> Look:
        """Whether this serialised JSON is clean, as `is_clean` says, and what `scrub` needs if it is not."""
        try:
            return self._serialised.look(serialised)
        except Exception:  # noqa: BLE001 - fail closed: a closer look is due
            return DOUBT
