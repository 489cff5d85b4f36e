"""A desktop assistant: jobs in the background that repeat all day, and a prompt when it needs a sign-in."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from getpass import getpass
from urllib.parse import urlsplit

import openai
import sentry_sdk

from sentry_filters import Ledger, Policy, SessionExpired, SessionGuard

BACKEND = os.environ["LLM_URL"]  # your own hosted backend, such as https://api.example.ai/v1
VENDOR = os.environ.get("VENDOR_URL", "https://api.openai.com/v1")
EVERY = float(os.environ.get("EVERY", "60"))  # seconds

ended = threading.Event()


def ask_to_sign_in(event: SessionExpired) -> None:
    """Wake the prompt: called once for each session that ends."""
    print("your session has ended:", event.reason, flush=True)
    ended.set()


guard = SessionGuard(
    Policy(provider="OpenHuman", hosts={urlsplit(BACKEND).netloc}),
    on_session_expired=ask_to_sign_in,
    audit=Ledger("ledger.db"),
)
guard.instrument()
sentry_sdk.init(**guard.sentry_options(dsn=os.environ.get("SENTRY_DSN")))

hosted = openai.OpenAI(base_url=BACKEND, api_key=os.environ["LLM_TOKEN"])
own = openai.OpenAI(base_url=VENDOR, api_key=os.environ.get("VENDOR_KEY", "none"))


def inbox() -> str:
    """Work on the session; waits while it is dead."""
    with guard.gate.work(timeout=None):
        return ask(hosted, "What is new in my inbox?")


def agenda() -> str:
    """Work on the session, too."""
    with guard.gate.work(timeout=None):
        return ask(hosted, "What is next today?")


def translation() -> str:
    """Work with the user's own key, whatever the session does."""
    return ask(own, "Translate the clipboard.")


def ask(client: openai.OpenAI, question: str) -> str:
    """Return the model's answer."""
    done = client.chat.completions.create(
        model=os.environ.get("LLM_MODEL", "default"), messages=[{"role": "user", "content": question}]
    )
    return done.choices[0].message.content or ""


def repeat(job: Callable[[], str]) -> None:
    """Do a job again and again, and report what fails; the guard drops failures of the dead session."""
    while True:
        try:
            print(f"{job.__name__}: {job()}", flush=True)
        except Exception as error:  # one bad day does not end the loop
            sentry_sdk.capture_exception(error)
        time.sleep(EVERY)


if __name__ == "__main__":
    for each in (inbox, agenda, translation):
        threading.Thread(target=repeat, args=(each,), daemon=True).start()
    with suppress(KeyboardInterrupt, EOFError):
        while True:
            ended.wait()
            ended.clear()
            hosted.api_key = getpass("new token: ")
            guard.session_renewed(hosted.api_key)
