"""What a key says about its value, judged by the words of the key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from threading import Lock

__all__ = ["KeyJudge", "Sensitivity"]


class Sensitivity(IntEnum):
    """How much the key alone says."""

    HARMLESS = 0
    POSSIBLE = 1  # the value goes when it looks like a secret
    SECRET = 2  # the value goes unless it is a placeholder, a number or a flag
    PASSWORD = 3  # numbers go too
    HEADER = 4  # an Authorization header: the scheme may stay
    COOKIE = 5  # the names of the cookies may stay


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[A-Z]+")
_MAX_KEY = 256  # longer texts are no names; they are redacted as text
_REMEMBERED = 4096

_PASSWORDS = frozenset("password passwd passphrase passcode pwd pass pw passwort kennwort contrasena motdepasse psw pswd".split())
_SECRETS = frozenset("secret secrets credential credentials cred creds apikey apikeys secretkey accesskey privatekey authkey authtoken accesstoken sessiontoken idtoken refreshtoken csrftoken xsrf csrf jwt bearer sessid phpsessid jsessionid sessionid passwords tokensecret pat otp totp mnemonic hmac clientsecret appsecret webhooksecret seed2fa htpasswd xoauth2 aspxauth".split())
_SUFFIXES = ("password", "passwd", "passphrase", "passcode", "pwd", "secret", "apikey", "secretkey", "accesskey",
             "privatekey", "authkey", "token", "credential", "credentials", "signingkey", "encryptionkey")
_HEADERS = frozenset({("authorization",), ("proxy", "authorization"), ("x", "authorization"), ("http", "authorization"),
                      ("x", "forwarded", "authorization"), ("x", "amz", "security", "token")})
_COOKIES = frozenset({("cookie",), ("cookies",), ("set", "cookie"), ("http", "cookie"), ("setcookie",), ("cookie2",), ("session", "cookie")})

# Behind a secret word: the value is still the secret.
_NEUTRAL_TAIL = frozenset("value values val string str plain plaintext text raw header headers b64 base64 hex env var data content bytes base old new "
                          "current previous prev primary secondary default prod production live test dev staging main local my encoded encrypted decrypted param "
                          "input field1 override backup temp tmp key keys token tokens secret password pass auth admin user root db api app service bot server client".split())
# Behind a secret word: something about the secret.
_ABOUT = frozenset("count counts type types name names id ids file files filename path paths url urls uri endpoint length len size sizes limit limits budget "
                   "usage used expiry expires expired expiration exp ttl at hint hints policy policies label labels placeholder fields enabled disabled "
                   "required provider providers format prefix suffix status state version versions rotation age min max regex pattern reset strategy manager "
                   "service store class index ref reference arn fingerprint present valid invalid set error errors issuer audience scope scopes kind attempts "
                   "request requests response details detail info metadata meta description title help message msg prompt question remaining used window per "
                   "rate cost price total average avg mean sum ratio logprob logprobs logprob offset offsets position ids mask masks embedding embeddings "
                   "vocab vocabulary created updated modified last date time timestamp duration seconds minutes hours ms interval retries retry column "
                   "columns table row rows function method handler helper validator validation validate verify verified verification check checker changed "
                   "change update generate generator generated generation create creation delete rotate lookup resolver source sources mode option options settings config "
                   "configuration schema algorithm alg bits strength complexity requirements rule rules list2 map mapping accessor owner holder bucket buckets "
                   "percent percentage stats statistics breakdown throughput speed counter estimate estimated estimator savings processor parser stream streaming "
                   "level location region host port domain dir directory folder mount volume namespace group groups role roles member provisioner "
                   "pair2 ring chain spec backend cache cached callback command cmd exists missing found available support supported".split())
# Before `token`: a piece of text, a marker of a tokenizer, or a cursor.
_TOKEN_HARMLESS = frozenset("max min first last stop eos bos pad sep cls unk mask special input output prompt completion cached reasoning audio image text video "
                            "total num number n per next previous prev page continuation continue sync resume cursor start end begin new2 thinking accepted rejected prediction predicted "
                            "current2 word sub speech time to lex grammar syntax punct pos cancellation design css nth th each every generated decoded "
                            "top bytes logit special tool assistant role pagination offset skip eot think context".split())
# Before `key`: an identifier, not a secret.
_KEY_HARMLESS = frozenset("public pub primary foreign partition sort cache redis db database object s3 row column composite unique natural surrogate group "
                          "idempotency dict map hash index lookup routing route message event sentry2 search feature flag config setting translation i18n "
                          "locale metric metrics dedup deduplication dedupe storage file blob bucket entity record kv item cursor sorting order tag label "
                          "attribute attr property prop field param parameter header trace span correlation request response json yaml xml node parent child "
                          "root2 tree shard range hot arrow escape enter tab shift ctrl control alt meta function delete page up down left right home end "
                          "press any space host known ssh2 answer verify verification major minor trial registry2 type name id kind data model template "
                          "input output state context workflow job task queue topic channel stream lock mutex semaphore counter rate limit limiter bag "
                          "join merge lead issue project ticket story jira2 legend keyboard piano musical low high quick short product variant sku country region "
                          "area zone cell usage stats breakdown segment2 series time date pivot facet resource scope permission policy role user2 customer account "
                          "tenant org organization organisation team member invite external internal conversation thread document doc chunk vector".split())
_KEY_STRONG = frozenset("api access secret private auth authentication encryption signing sign signature master service account client consumer app application license licence admin "
                        "session deploy storage subscription shared security server host2 hmac jwt crypto cipher decryption decrypt encrypt ssh ssl tls pgp gpg rsa "
                        "webhook integration sdk ingest ingestion write read instrumentation recovery unlock activation".split())
_SESSION = frozenset({("session",), ("sid",), ("connect", "sid"), ("sessid",), ("session", "key"), ("sess",)})


def split_words(key: str) -> tuple[str, ...]:
    """The words of a key in any spelling: `apiKey`, `API_KEY`, `x-api-key` → ("api", "key")…"""
    return tuple(word.lower() for word in _WORDS.findall(key))


class KeyJudge:
    """Judges keys, and remembers a bounded number of judgements. Never raises on a str."""

    def __init__(self, *, keys: Iterable[str] = (), kept: Iterable[str] = ()) -> None:
        self._extra = _names("keys", keys)
        self._kept = _names("kept_keys", kept)
        self._memory: dict[str, Sensitivity] = {}
        self._lock = Lock()

    @property
    def extra_words(self) -> tuple[tuple[str, ...], ...]:
        """The words of the keys that the application added."""
        return tuple(sorted(self._extra))

    def __call__(self, key: str) -> Sensitivity:
        verdict = self._memory.get(key)
        if verdict is None:
            verdict = self._judge(key)
            with self._lock:
                if len(self._memory) >= _REMEMBERED:
                    self._memory.clear()
                self._memory[key] = verdict
        return verdict

    def _judge(self, key: str) -> Sensitivity:
        if len(key) > _MAX_KEY:
            return Sensitivity.HARMLESS
        words = split_words(key)
        while words and words[-1].isdigit():
            words = words[:-1]
        if not words or words in self._kept:
            return Sensitivity.HARMLESS
        if words in self._extra:
            return Sensitivity.SECRET
        if words in _HEADERS:
            return Sensitivity.HEADER
        if words in _COOKIES:
            return Sensitivity.COOKIE
        return _by_words(words)


def _names(option: str, names: Iterable[str]) -> frozenset[tuple[str, ...]]:
    if isinstance(names, str | bytes):
        raise ValueError(f"{option} must be a list of names, not the text {names!r}")
    judged = set()
    for name in names:
        words = split_words(name) if isinstance(name, str) else ()
        if not words:
            raise ValueError(f"{option}: {name!r} is no name with letters in it")
        judged.add(words)
    return frozenset(judged)


def _by_words(words: tuple[str, ...]) -> Sensitivity:
    """The judgement of the last word that names a secret, given the words around it."""
    found = Sensitivity.HARMLESS
    place = -1
    for index, word in enumerate(words):
        sensitivity = _noun(words, index)
        if sensitivity is not Sensitivity.HARMLESS:
            found, place = max(found, sensitivity), index
    if place < 0:
        return found
    tail = words[place + 1 :]
    if any(word in _ABOUT for word in tail):
        return Sensitivity.HARMLESS
    if all(word in _NEUTRAL_TAIL or word.isdigit() or len(word) == 1 for word in tail):
        return found
    return Sensitivity.POSSIBLE


def _noun(words: tuple[str, ...], index: int) -> Sensitivity:
    word = words[index]
    before = words[index - 1] if index else ""
    if word in _PASSWORDS or word.endswith(("password", "passwd", "passphrase")):
        if word in ("pass", "pw") and index != len(words) - 1:
            return Sensitivity.HARMLESS
        return Sensitivity.PASSWORD
    if word in _SECRETS or (word != "token" and word.endswith(_SUFFIXES)):
        return Sensitivity.SECRET
    if word == "token":
        if index == 0 and len(words) == 1:
            return Sensitivity.POSSIBLE
        return Sensitivity.HARMLESS if before in _TOKEN_HARMLESS else Sensitivity.SECRET
    if word == "tokens":
        return Sensitivity.SECRET if before in ("access", "auth", "refresh", "api", "session", "bearer", "id") else Sensitivity.HARMLESS
    if word == "key" or (word == "keys" and before in _KEY_STRONG):
        if not before:
            return Sensitivity.POSSIBLE if len(words) == 1 else Sensitivity.HARMLESS
        if before in _KEY_STRONG and "public" not in words and "pub" not in words:
            return Sensitivity.SECRET
        return Sensitivity.HARMLESS if before in _KEY_HARMLESS else Sensitivity.POSSIBLE
    if word == "auth" and index == len(words) - 1:
        return Sensitivity.SECRET if index and before in ("basic", "http", "proxy", "bearer", "digest", "token", "x") else Sensitivity.POSSIBLE
    if word == "authorization" and index == len(words) - 1:
        return Sensitivity.HEADER if not index else Sensitivity.POSSIBLE
    if word in ("cookie", "cookies") and index == len(words) - 1:
        return Sensitivity.POSSIBLE
    if words in _SESSION or word in ("dsn", "signature", "salt", "nonce2"):
        return Sensitivity.POSSIBLE
    return Sensitivity.HARMLESS
