"""Settings, all read from the environment.

Nothing set: a laptop. PostgreSQL and Valkey come from Python wheels and live in `var/`, mails are written to
`var/mails`, the secret key is made once. PRODUCTION=1: every such convenience is refused, with a sentence saying
what is missing.

PRODUCTION, DEMO, DEBUG: 1 or nothing. SECRET_KEY, DATABASE_URL, REDIS_URL, EMAIL_URL, ALLOWED_HOSTS, PUBLIC_URL:
docker-compose.yml shows their form. DEFAULT_FROM_EMAIL, TRUSTED_PROXIES (reverse proxies in front), LOG_LEVEL,
LOCK_TIMEOUT and STATEMENT_TIMEOUT (PostgreSQL durations), PORTAL_VAR (where data live), STATIC_ROOT, MEDIA_ROOT,
UPLOAD_MAX_MB (per file sent), CLAMD_URL (the antivirus), TEXT_RECOGNISER (0: images are not read), ANNUAIRE_URL and
GEOCODING_URL (public services asked).
"""

import os
import secrets
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from francesante.lib.embedded import EmbeddedServers

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    """Return a stripped environment variable; an empty one counts as absent."""
    return os.environ.get(name, "").strip() or default


def env_flag(name: str) -> bool:
    """Return whether an environment variable says yes."""
    return env(name).lower() in {"1", "true", "yes", "oui", "on"}


def database_from_url(url: str) -> dict:
    """Return a DATABASES entry from `postgres://user:password@host:port/name?option=value`."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        msg = "DATABASE_URL must read postgres://user:password@host:port/name"
        raise ImproperlyConfigured(msg)
    return {
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def mail_from_url(url: str) -> dict:
    """Return the EMAIL_* settings from `smtp://user:password@host:port` (`smtps://` for TLS from the first byte)."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        msg = "EMAIL_URL must read smtp://user:password@host:port"
        raise ImproperlyConfigured(msg)
    implicit_tls = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if implicit_tls else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit_tls,
        "EMAIL_USE_TLS": not implicit_tls,
    }


def local_secret_key(path: Path) -> str:
    """Return the key kept in `path`, made on first use; two processes that race get the same one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(64))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


# Where this runs -------------------------------------------------------------------------------------------------

PRODUCTION = env_flag("PRODUCTION")
DEMO = env_flag("DEMO")
DEBUG = env_flag("DEBUG")
VAR_DIR = Path(env("PORTAL_VAR", str(BASE_DIR / "var")))
DATABASE_URL = env("DATABASE_URL")
REDIS_URL = env("REDIS_URL")
EMAIL_URL = env("EMAIL_URL")
EMBEDDED = not DATABASE_URL
EMBEDDED_SERVERS = EmbeddedServers(VAR_DIR)
SECRET_KEY = env("SECRET_KEY")
PUBLIC_URL = env("PUBLIC_URL", f"http://localhost:{env('PORT', '8000')}").rstrip("/")
ALLOWED_HOSTS = [host.strip() for host in env("ALLOWED_HOSTS").split(",") if host.strip()]

SECRET_KEY_MIN_LENGTH, SECRET_KEY_MIN_SYMBOLS = 50, 10

if PRODUCTION:
    refusals = {
        "SECRET_KEY must be set, private and at least 50 characters long": (
            len(SECRET_KEY) < SECRET_KEY_MIN_LENGTH
            or len(set(SECRET_KEY)) < SECRET_KEY_MIN_SYMBOLS
            or "insecure" in SECRET_KEY
        ),
        "DEMO=1 is refused: invented accounts have no place among real ones": DEMO,
        "DEBUG=1 is refused: it shows settings and data to visitors": DEBUG,
        "DATABASE_URL must name the PostgreSQL server": not DATABASE_URL,
        "REDIS_URL must name the broker": not REDIS_URL,
        "EMAIL_URL must name the mail server (smtp://user:password@host:port)": not EMAIL_URL,
        "ALLOWED_HOSTS must list the portal's host names, and no wildcard": not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS,
        "PUBLIC_URL must be the portal's https:// address": not PUBLIC_URL.startswith("https://"),
    }
    if found := [sentence for sentence, refused in refusals.items() if refused]:
        raise ImproperlyConfigured("PRODUCTION=1: " + "; ".join(found) + ".")
else:
    SECRET_KEY = SECRET_KEY or local_secret_key(VAR_DIR / "secret_key")
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "localhost", "127.0.0.1", "[::1]", urlsplit(PUBLIC_URL).hostname or "localhost"]

# Application -----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "francesante.apps.FranceSanteConfig",
    "territories",
    "labelling",
    "funding",
    "indicators",
    "widget_tweaks",
    "dsfr",
    "django.forms",
    "francesante.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Early, so that refusals of the middlewares below carry the policy too.
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "territories.middleware.ActingMandateMiddleware",
    "territories.middleware.SecondFactorMiddleware",
    "territories.middleware.LoginKeepingPostsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "territories.middleware.NotAllowedPageMiddleware",
]

ROOT_URLCONF = "francesante.urls"
WSGI_APPLICATION = "francesante.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "dsfr.forms.DsfrDjangoTemplates"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["francesante.lib.french"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "territories.context_processors.portal",
                "labelling.context_processors.to_do",
            ],
        },
    },
]

LANGUAGE_CODE = "fr"
TIME_ZONE = "Europe/Paris"
USE_I18N = True
USE_TZ = True

# Database, cache, broker -----------------------------------------------------------------------------------------

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        **(
            database_from_url(DATABASE_URL)
            if DATABASE_URL
            else {"NAME": "portal", "USER": "portal", "HOST": str(EMBEDDED_SERVERS.socket_dir), "OPTIONS": {}}
        ),
    },
}
# A lock that does not come is reported, never waited for; wsgi.py adds the time limit of web queries.
server_options = {"lock_timeout": env("LOCK_TIMEOUT", "10s"), "statement_timeout": env("STATEMENT_TIMEOUT")}
DATABASES["default"]["OPTIONS"].setdefault(
    "options",
    " ".join(f"-c {name}={value}" for name, value in server_options.items() if value),
)
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 10)

BROKER_SOCKET = EMBEDDED_SERVERS.broker_socket

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL or f"unix://{BROKER_SOCKET}",
        "KEY_PREFIX": "portal",
    },
}

CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{BROKER_SOCKET}"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Tasks are idempotent: one that loses its worker is given to another.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    # Drafts of the running quarter, and of the last one until it is checked (DESIGN §4.14).
    "compute-editions": {"task": "indicators.tasks.compute_current", "schedule": crontab(hour=3, minute=30)},
    "deliver-label-mails": {
        "task": "labelling.tasks.deliver_mail",
        "schedule": timedelta(seconds=60 if PRODUCTION else 15),
    },
    "scan-evidence": {"task": "labelling.tasks.scan_evidence", "schedule": timedelta(seconds=30)},
    "complete-structures": {"task": "labelling.tasks.complete_structures", "schedule": timedelta(minutes=1)},
    "refresh-structures": {"task": "labelling.tasks.refresh_structures", "schedule": crontab(minute=25)},
    "locate-sites": {"task": "labelling.tasks.locate_sites", "schedule": timedelta(minutes=1)},
    "sweep-evidence": {"task": "labelling.tasks.sweep_evidence", "schedule": crontab(hour=2, minute=15)},
    "render-acts": {"task": "labelling.tasks.render_documents", "schedule": timedelta(minutes=1)},
    "apply-clauses": {"task": "labelling.tasks.apply_transitional_clauses", "schedule": timedelta(minutes=5)},
    # Once a day, when offices open.
    "remind-opinions": {"task": "labelling.tasks.remind_of_opinions", "schedule": crontab(hour=7, minute=30)},
    "purge-expired": {"task": "labelling.tasks.purge_expired", "schedule": crontab(hour=2, minute=45)},
    "carry-out-bulks": {"task": "labelling.tasks.carry_out_bulks", "schedule": timedelta(minutes=1)},
    "sign-selections": {"task": "territories.tasks.sign_selections", "schedule": timedelta(minutes=1)},
    "forget-selections": {"task": "territories.tasks.forget_selections", "schedule": crontab(hour=2, minute=55)},
    "forget-bulks": {"task": "labelling.tasks.forget_bulks", "schedule": crontab(hour=2, minute=50)},
    # On working days at seven; the later passes serve those whose mail did not leave.
    "send-digests": {
        "task": "labelling.tasks.send_digests",
        "schedule": crontab(hour=7, minute="0,20,40", day_of_week="mon-fri"),
    },
    "promote-waiting-lists": {"task": "labelling.tasks.promote_waiting_lists", "schedule": timedelta(minutes=1)},
    "follow-invitations": {"task": "labelling.tasks.follow_invitations", "schedule": crontab(hour=7, minute=30)},
    "presume-notifications": {"task": "labelling.tasks.presume_notifications", "schedule": crontab(hour=1, minute=15)},
    # Before the mails of the morning: answers past their deadline, silence and its warnings.
    "follow-clocks": {"task": "labelling.tasks.follow_clocks", "schedule": crontab(hour=6, minute=20)},
    "remind-labelled": {"task": "labelling.tasks.remind_labelled", "schedule": crontab(hour=6, minute=35)},
    "remind-drafts": {"task": "labelling.tasks.remind_drafts", "schedule": crontab(hour=6, minute=30)},
    "seal-events": {"task": "territories.tasks.seal_events", "schedule": crontab(hour=0, minute=15)},
    "deliver-money-mails": {
        "task": "funding.tasks.deliver_mail",
        "schedule": timedelta(seconds=60 if PRODUCTION else 15),
    },
}

# People, sessions, second factor ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "territories.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/connexion/"
LOGIN_REDIRECT_URL = "/compte/"
LOGOUT_REDIRECT_URL = "/"
PASSWORD_RESET_TIMEOUT = 24 * 3600
OTP_TOTP_ISSUER = "France Santé"
OTP_ADMIN_HIDE_SENSITIVE_DATA = True
INVITATION_DAYS = 7
# A place of care that the authorities invite to confirm has longer, and is reminded once.
PROSPECT_INVITATION_DAYS = 30
PROSPECT_REMINDER_DAYS = 7

# One hour without any request ends the session.
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 3600
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Trying again during the wait must not prolong it: the person was told how long it lasts.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_LOCKOUT_CALLABLE = "territories.views.accounts.locked_out"
AXES_USERNAME_FORM_FIELD = "username"
AXES_CLIENT_IP_CALLABLE = "francesante.lib.proxies.client_address"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password"]
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False

# Number of reverse proxies in front, each of which appends the address it saw to X-Forwarded-For.
TRUSTED_PROXIES = int(env("TRUSTED_PROXIES", "1" if PRODUCTION else "0"))

# Other public services -------------------------------------------------------------------------------------------

# Empty: not asked, and people type what they know. `manage.py portal` fills in those that the machine can reach.
ANNUAIRE_URL = env("ANNUAIRE_URL")
GEOCODING_URL = env("GEOCODING_URL")

# Questions that one visitor may have the portal ask the Annuaire in an hour, and the geocoder: it is not an open relay.
ANNUAIRE_PER_HOUR = 30
GEOCODING_PER_HOUR = 120

# Acts ------------------------------------------------------------------------------------------------------------

# A decision put in the portal and not read counts as notified after this delay: CRPA, article R. 112-20 (15 days), to
# be confirmed by the legal service.
PORTAL_NOTIFICATION_DAYS = 15

# HTTP security ---------------------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = PRODUCTION
# The probe of a load balancer speaks plain HTTP from inside.
SECURE_REDIRECT_EXEMPT = [r"^sante/$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "territories.views.pages.csrf_failure"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

# Files -----------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
# Outside production files are served from where they are written: no collectstatic.
STATIC_ROOT = Path(env("STATIC_ROOT", str(BASE_DIR / "staticfiles"))) if PRODUCTION else None
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env("MEDIA_ROOT", str(VAR_DIR / "media")))
FILE_UPLOAD_PERMISSIONS = 0o640
# What one form may send: the quota comes first, so that the others receive nothing beyond it.
UPLOAD_MAX_BYTES = int(env("UPLOAD_MAX_MB", "20")) * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "francesante.lib.upload_quota.UploadQuota",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# The antivirus, tcp://host:3310 or unix:///run/clamav/clamd.ctl. Without it files are not scanned, and pages say so.
CLAMD_URL = env("CLAMD_URL")
# Images are read by the tesseract command before anyone opens them, on a machine that has it; 0 turns this off.
TEXT_RECOGNISER = env("TEXT_RECOGNISER", "1") != "0"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        ),
    },
}
# The manifest storage rewrites addresses inside the DSFR's files, which their published checksums cannot survive.
DSFR_USE_INTEGRITY_CHECKSUMS = not PRODUCTION
# Optional fields are marked in words, as the DSFR now asks: an asterisk would need its legend on every form.
DSFR_MARK_OPTIONAL_FIELDS = True

# Mail ------------------------------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL", "France Santé <ne-pas-repondre@france-sante.invalid>")
EMAIL_TIMEOUT = 10
if EMAIL_URL:
    globals().update(mail_from_url(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR_DIR / "mails"

# API -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "120/min", "user": "600/min"},
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "API du portail France Santé",
    "DESCRIPTION": "Données ouvertes et gestion du label France Santé.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Deep links put a link inside each button of the console, which assistive tools cannot reach.
    "SWAGGER_UI_SETTINGS": {"deepLinking": False, "persistAuthorization": False},
}

# Rules of the network that may change, with their source -----------------------------------------------------------

# A national average to follow, never a rule: letter M_ADT/2025-10/32526 (October 2025), point 2,
# « en moyenne de 50 000 € par an ». In euros.
GRANT_AVERAGE_LANDMARK = Decimal(env("GRANT_AVERAGE_LANDMARK", "50000"))

# Rules of the label ----------------------------------------------------------------------------------------------

# Years from the act's date. No text gives the duration (DOMAIN §6): to be confirmed by the ministry.
LABEL_YEARS = 3

# Months before its end from which the renewal of a label may be asked, and at which its holder is reminded of it. No text
# gives them: to be confirmed by the ministry.
RENEWAL_MONTHS = 6
RENEWAL_REMINDERS = (6, 3, 1)

# Months between two attestations of a holder (12: each year, 3: each quarter), and days before its due date from which one
# may be made. No text gives them: to be confirmed by the ministry.
ATTESTATION_MONTHS = 12
ATTESTATION_OPENS_DAYS = 30

# Days that a structure has to answer the report of a visit, once. No text gives them: to be confirmed by the ministry.
VISIT_ANSWER_DAYS = 15

# Days before « à corriger avant le » at which a structure is reminded of it. No text gives them.
VISIT_REMINDER_DAYS = 7

# Days that a structure has at least to answer before its label may end. The code asks for a sufficient delay without
# giving one (CRPA, L. 122-1); fifteen days are customary: to be confirmed by the legal service.
ADVERSARIAL_DAYS = 15

# Days before the review of a suspended label at which its services are reminded of it. No text gives them.
SUSPENSION_REVIEW_DAYS = 7

# Days in which two authorities that disagree hold their concertation and record it. No text gives them: to be confirmed.
CONCERTATION_DAYS = 15

# After a concertation without agreement, the authority that did not sign may refuse expressly, by its signature alone: the
# label needs both. To be confirmed by the legal service; when it is not so, silence alone ends the disagreement.
EXPRESS_REFUSAL_BY_ONE = True

# Logs: no names, no addresses ------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "francesante.lib.logs.DiscreetFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
    },
    "filters": {"refusals": {"()": "francesante.lib.logs.RefusalsInOneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        "django.request": {"filters": ["refusals"]},
        # Robots ask for any name; each would leave a traceback.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        # Its messages below errors name the account and the address.
        "axes": {"level": "ERROR"},
    },
}

# Evidence --------------------------------------------------------------------------------------------------------

# Pieces that one file may hold, pages that a PDF may have, and days after which a document is shown as « ancienne »: the
# cahier des charges asks for documents of less than three months.
EVIDENCE_MAX_FILES = 40
EVIDENCE_MAX_PAGES = 100
EVIDENCE_OLD_DAYS = 92

# Rules of the delays ---------------------------------------------------------------------------------------------

# Months of silence after which an application is deemed rejected, de quantième à quantième: CRPA, articles L. 231-1 and
# L. 231-4 (the label opens a possibility of funding); to be confirmed by the legal service (DOMAIN §5.1).
SILENCE_MONTHS = 2

# Months to communicate the reasons of an implicit rejection, when the structure asks for them within the delay of appeal:
# CRPA, L. 232-4 (one month); to be confirmed by the legal service that the label is among the acts that are reasoned
# (L. 211-2).
REASONS_MONTHS = 1

# Days before the last day to answer an appeal, or to communicate reasons, at which both authorities are warned.
APPEAL_ALERT_DAYS = (15, 3)

# Decisions of the last year in a département from which its usual delay is told.
USUAL_DAYS_MIN_FILES = 10

# Days without a writing after which a draft is reminded of, and days before the end of a wave at which all are.
DRAFT_REMINDER_DAYS = 14
WAVE_REMINDER_DAYS = 7

# Days before the date of silence at which the agents of both authorities are warned.
SILENCE_ALERT_DAYS = (30, 15, 3)

# Days given to a structure for a precision: proposed, at least, at most (a request for required pieces stops the clock);
# and days before the deadline at which it is reminded. CRPA, L. 114-5, leaves the delay to the administration.
INFORMATION_REQUEST_DAYS = 21
INFORMATION_REQUEST_MIN_DAYS = 8
INFORMATION_REQUEST_MAX_DAYS = 60
INFORMATION_REQUEST_REMINDER_DAYS = 3

# Days given to a body whose opinion is asked, proposed by the form; no text gives them.
OPINION_DAYS = 15

# Retention of data ------------------------------------------------------------------------------------------------

# How long what is personal is kept; the pages « Données personnelles » and « Conservation des données » say it from here.
# Proposals that follow the recommendations of the CNIL: to be confirmed by the legal service, the data protection officer
# and the archives. A deposited file that is still open never expires; signed acts follow the rules of public archives.
#
# Months without a writing after which a draft is deleted.
RETENTION_DRAFT_MONTHS = 6
# Months after the end of a file (refused, abandoned, closed), or after the end of its label, at which the people it names,
# its messages and its notes are erased; and, earlier, the bytes of its pieces.
RETENTION_FILE_MONTHS = 24
RETENTION_LABEL_MONTHS = 60
RETENTION_EVIDENCE_MONTHS = 12
# Months without a sign-in after which an account that nothing in force needs is made anonymous.
RETENTION_ACCOUNT_MONTHS = 24
# Months after which the addresses of invitations that served or expired are erased, and the failed sign-ins.
RETENTION_INVITATION_MONTHS = 12
RETENTION_ATTEMPT_MONTHS = 6
# Days of mails kept on disk, where no mail server is configured.
RETENTION_MAIL_DAYS = 30
# Days before an erasure at which who it concerns is told.
RETENTION_NOTICE_DAYS = 30
# Months during which it is kept who opened which file.
READING_MONTHS = 12

# Seconds for which the number beside « Dossiers », in the header of agents, is kept.
TO_DO_SECONDS = 60

# Mails about an older event are not sent: a portal that was stopped for long, or that has just been filled with its past,
# must not write to people about what they already know.
MAIL_MAX_AGE = timedelta(days=7)
