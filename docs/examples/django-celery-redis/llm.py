"""The hosted LLM backend, for the web server and for the workers: its guard, its session, a call."""

import os
from urllib.parse import urlsplit

import openai
import sentry_sdk
from django.core.cache import cache

from sentry_filters import Policy, RedisSessions, SessionExpired, SessionGuard

BACKEND = os.environ["LLM_URL"]  # your own hosted backend, such as https://api.example.ai/v1
REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")


def ask_to_sign_in(event: SessionExpired) -> None:
    """Reach whoever can sign in; called in one process of all."""
    print("please sign in again:", event.reason, flush=True)


guard = SessionGuard(
    Policy(provider="OpenHuman", hosts={urlsplit(BACKEND).netloc}),
    on_session_expired=ask_to_sign_in,
    shared=RedisSessions(REDIS, namespace="summaries"),  # its secret is in SENTRY_FILTERS_KEY
)
guard.instrument()
sentry_sdk.init(**guard.sentry_options(dsn=os.environ.get("SENTRY_DSN")))


def token() -> str:
    """Return the session's credential, which every process reads from the cache."""
    return cache.get("llm-token") or "none"


def sign_in(new_token: str) -> None:
    """Store a new credential, and start halted work again, in every process."""
    cache.set("llm-token", new_token, timeout=None)
    guard.session_renewed(new_token)


model = openai.OpenAI(base_url=BACKEND, api_key=token)


def ask(question: str) -> str:
    """Return the model's answer."""
    guard.gate.check()  # refuses while the session is dead, whichever process found out
    done = model.chat.completions.create(
        model=os.environ.get("LLM_MODEL", "default"), messages=[{"role": "user", "content": question}]
    )
    return done.choices[0].message.content or ""
