"""Celery's application and its jobs."""

import os

from celery import Celery
from llm import ask, guard

from sentry_filters.schedulers.celery import PostponedTask

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
app = Celery("summaries")
app.config_from_object("django.conf:settings", namespace="CELERY")


class LLMTask(PostponedTask):
    """A job that waits in its queue while the session is dead, and runs after the sign-in."""

    gate = guard.gate


@app.task(base=LLMTask)
def summarise(text: str) -> str:
    """Return a summary."""
    return ask(f"Summarise: {text}")


@app.task(base=LLMTask)
def rate(text: str) -> int:
    """Return a rating; models do not always answer with a number, and that is a bug which Sentry gets."""
    return int(ask(f"Rate from 1 to 5: {text}"))
