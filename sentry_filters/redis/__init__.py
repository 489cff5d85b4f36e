"""Sessions shared by many processes through Redis (extra `redis`)."""

try:
    import redis as _redis  # noqa: F401 - only asked for, so that the answer names the extra
except ImportError as error:
    raise ImportError("RedisSessions needs redis-py: pip install 'sentry-filters[redis]'") from error

from sentry_filters.redis.sessions import RedisSessions

__all__ = ["RedisSessions"]
