"""Django's settings, made of ours."""
import logging
import sys

from . import database, logs, mails
from .config import ConfigError, load

try:
    CONFIG = load()
except ConfigError as error:
    sys.exit(str(error))

SECRET_KEY = CONFIG.secret_key
DEBUG = False
ALLOWED_HOSTS = ["*"]  # no reply depends on the host
ROOT_URLCONF = "production.urls"
WSGI_APPLICATION = "production.wsgi.application"
INSTALLED_APPS = ["polls"]
MIDDLEWARE = [
    "production.middleware.Observe",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
              "OPTIONS": {"context_processors": ["django.template.context_processors.request"]}}]
DATABASES = {"default": database.settings(CONFIG.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"  # every worker knows every guest
SESSION_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
USE_TZ = True

LOGGING_CONFIG = None  # logs.setup does it, once
logs.setup(CONFIG)
if CONFIG.error_mail:
    logging.getLogger().addHandler(mails.MailHandler(mails.Mailer(mails.smtp(CONFIG.smtp_url, CONFIG.error_mail))))
