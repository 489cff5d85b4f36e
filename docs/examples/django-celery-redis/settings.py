"""Django's settings, which the workers use too."""

import os

from llm import REDIS

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "views"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}}

MIDDLEWARE = ["sentry_filters.web.django.RefusalMiddleware"]
SENTRY_FILTERS_RETRY_AFTER = 60

CELERY_BROKER_URL = REDIS
CELERY_RESULT_BACKEND = REDIS
