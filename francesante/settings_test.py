"""Settings of the test suite: the real ones, with fast hashes, mails in memory and a server of its own."""

import os
from urllib.parse import urlsplit

# Kept apart from the laptop's data: `make test` beside a running portal must not touch it.
os.environ.pop("DEMO", None)
os.environ.pop("PRODUCTION", None)

from francesante.settings import *  # noqa: F403
from francesante.settings import DATABASE_URL, DATABASES, REDIS_URL, REST_FRAMEWORK, VAR_DIR
from francesante.lib.embedded import EmbeddedServers

DEMO = False
TEST_SERVERS = EmbeddedServers(VAR_DIR, purpose="test")
if not DATABASE_URL:
    DATABASES["default"]["HOST"] = str(TEST_SERVERS.socket_dir)
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DB_NAME") or "test_portal"}
DATABASES["default"]["CONN_MAX_AGE"] = 0

if REDIS_URL:
    # Test processes share the server, and a test that clears the cache empties a whole Redis database: each process has
    # its own, counted down from the one that is given.
    server = urlsplit(REDIS_URL)
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = (int(server.path.strip("/") or 15) - process) % 16
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": server._replace(path=f"/{number}").geturl(),
            "KEY_PREFIX": f"test-{os.getpid()}",
        },
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Counted on each page: the queries of one never depend on the page before it.
TO_DO_SECONDS = 0

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
PUBLIC_URL = "http://testserver"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
MEDIA_ROOT = VAR_DIR / "test-media"
ANNUAIRE_URL = GEOCODING_URL = ""
TEXT_RECOGNISER = False
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"anon": None, "user": None}}
